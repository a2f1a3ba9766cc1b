//! Commands from start to end: the call, its job if it has one, and the action
//! events that tell of both.

use cloudtally_model::{ApiError, Instant, Millis, Text};

use super::{
    call::{Call, Done, Query},
    caller::Caller,
    col,
    decode::{Arg, Args, RawParams, Reach},
    event::{self, ActionEvent, Level},
    ids::ResourceId,
    list,
    node::{Answer, Node},
    own_users,
    render::View,
    resource::Resource,
    state::EventState,
    state::JobStatus,
    tx::Tx,
    verbs,
    world::World,
};
use crate::table::{Command, Job, Kind, Shape, Verb};

/// Minutes that a finished job can be asked for.
const EXPIRE_MINUTES: &str = "job.expire.minutes";

/// A command that a caller asks for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its row.
    pub command: &'static Command,
    /// The caller.
    pub caller: Caller,
    /// With which parameters.
    pub params: RawParams,
}

/// Tells whether a command only looks.
pub fn is_read(command: &Command) -> bool {
    matches!(
        command.verb,
        Verb::List { .. } | Verb::Read(_) | Verb::Later | Verb::Gone | Verb::Front(_)
    )
}

/// Answers a command that changes nothing.
pub fn read(world: &World, request: &Request, now: Instant) -> Result<Answer, ApiError> {
    let Request { command, caller, .. } = request;
    if !command.is_built() {
        return Err(not_yet(command));
    }
    let args = decode(world, request)?;
    let query = Query { command, caller, args: &args, world, now };
    if let Some(nothing) = list::of_removed(&query)? {
        return Ok(nothing);
    }
    let mut answer = match command.verb {
        Verb::Read(read) => read(&query),
        _ => list::run(&query),
    }?;
    world.show_given_ids(&mut answer);
    Ok(answer)
}

/// Decodes the parameters of a request.
pub(super) fn decode(world: &World, request: &Request) -> Result<Args, ApiError> {
    let Request { command, caller, params } = request;
    let reach = if command.is_list() { Reach::Looking(caller) } else { Reach::Caller(caller) };
    Args::decode(command, params, world, reach)
}

/// Begins a command in the name of the cloud's own user, for what the cloud does by
/// itself and a caller could have asked for: metered, logged and resumed like any other.
pub fn begin_by_itself(
    tx: &mut Tx<'_>,
    name: &str,
    params: &[(&str, &str)],
) -> Result<Answer, ApiError> {
    let caller =
        Caller::of_user(tx, own_users::system_user(tx)).expect("the cloud's own user is enabled");
    let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let command = tx.tables().command(name).expect("the command is in the table");
    execute(tx, &Request { command, caller, params: params.collect() })
}

fn not_yet(command: &Command) -> ApiError {
    ApiError::unknown_command(format!("The command {} is not supported yet", command.name))
}

/// Runs a command, or begins it where a job does the work.
pub(super) fn execute(tx: &mut Tx<'_>, request: &Request) -> Result<Answer, ApiError> {
    let mut answer = carry_out(tx, request)?;
    tx.show_given_ids(&mut answer);
    Ok(answer)
}

fn carry_out(tx: &mut Tx<'_>, request: &Request) -> Result<Answer, ApiError> {
    let Request { command, caller, params } = request;
    let args = Args::decode(command, params, tx, Reach::Caller(caller))?;
    let start = tx.savepoint();
    let mut call =
        Call { command, caller: *caller, args, entity: None, step: 0, detail: String::new(), tx };
    let begun = match command.check.map_or(Ok(()), |check| check(&mut call)) {
        Ok(()) => verbs::begin(&mut call),
        Err(error) => Err(error),
    };
    let begun = begun.and_then(|entity| {
        call.entity = entity;
        match command.job {
            Job::Sync => verbs::act(&mut call).map(Some),
            Job::Plain | Job::Create => Ok(None),
        }
    });
    let (entity, detail) = (call.entity, std::mem::take(&mut call.detail));
    match begun {
        Ok(Some(done)) => {
            let answer = answer(tx, command, caller, &done);
            completed(tx, command, caller, Outcome { entity, detail, error: None, start: None });
            Ok(answer)
        }
        Ok(None) => Ok(schedule(tx, request, entity)),
        Err(error) => {
            tx.roll_back(start);
            // The resource was never there; what it was asked of still is.
            let entity = entity.filter(|id| tx.any(*id).is_some());
            if command.job != Job::Plain {
                let error = Some(&error);
                completed(tx, command, caller, Outcome { entity, detail, error, start: None });
            }
            Err(error)
        }
    }
}

/// Writes down a job for the rest of a command.
fn schedule(tx: &mut Tx<'_>, request: &Request, entity: Option<ResourceId>) -> Answer {
    let Request { command, caller, params } = request;
    let owner = entity.and_then(|id| tx.resource(id).owner).unwrap_or(caller.account);
    let event_type = event_type(tx, command, entity).expect("jobs have an event type");
    let doing = subject(tx, command, entity);
    let chain = |state, description, start| ActionEvent {
        event_type,
        level: Level::Info,
        state,
        description,
        user: caller.user,
        owner,
        start,
    };
    let first = event::write(tx, chain(EventState::Scheduled, format!("Scheduled {doing}"), None));
    if command.job == Job::Create {
        let text = format!("Successfully created entity for {doing}");
        event::write(tx, chain(EventState::Created, text, Some(first)));
    }
    let about = entity.or_else(|| main_resource(tx, request));
    let now = tx.now;
    let word = command.kind.and_then(|kind| tx.spec(kind).job_instance);
    let job = tx.insert(Kind::Job, |job| {
        job.owner = Some(caller.account);
        let params = params.iter().map(|(name, value)| (Text::from(name), Text::from(value)));
        job.set_text(col::CMD, command.name)
            .set_ref(col::USER_ID, caller.user)
            .set_ref(col::START_EVENT, first)
            .set_ref(col::ENTITY, entity)
            .set_ref(col::ABOUT, about)
            .set_map(col::PARAMS, params.collect::<Vec<_>>())
            .set_int(col::JOB_STATUS, JobStatus::Pending as i64)
            .set_int(col::JOB_PROC_STATUS, 0)
            .set_int(col::JOB_RESULT_CODE, 0)
            .set_time(col::DUE, now);
        if let Some(word) = word
            && entity.is_some()
        {
            job.set_text(col::JOB_INSTANCE_TYPE, word);
        }
    });
    let id = (command.job == Job::Create).then_some(entity).flatten();
    Answer::Job {
        id: id.map(|id| tx.resource(id).uuid.to_string()),
        job: tx.resource(job).uuid.to_string(),
    }
}

/// Finds the resource that a command without one of its own is about: what the first of its
/// parameters names that must be given and is an id.
fn main_resource(world: &World, request: &Request) -> Option<ResourceId> {
    let Request { command, caller, params } = request;
    let args = Args::decode(command, params, world, Reach::Caller(caller)).ok()?;
    let mut named = command.params_all().filter(|param| param.required);
    named.find_map(|param| match args.if_any(param.name) {
        Some(Arg::Id(id)) => Some(*id),
        _ => None,
    })
}

/// The answer that a finished job keeps; none if it is of another version.
pub fn answer_of(world: &World, job: &Resource) -> Option<Answer> {
    super::result::from_value(world.tables(), job.value(col::RESULT.key())?)
}

/// Runs what is due of a resource: a job, or what its kind says.
pub(super) fn run_due(tx: &mut Tx<'_>, id: ResourceId) {
    let resource = tx.resource(id);
    match resource.kind {
        // Nobody asks for it any more.
        Kind::Job if resource.int(col::JOB_STATUS) != JobStatus::Pending as i64 => tx.erase(id),
        Kind::Job => run_job(tx, id),
        kind => match tx.spec(kind).on_due {
            Some(look) => look(tx, id),
            // Nothing looks at it any more: a column of an older version.
            None => tx.edit(id, |resource| {
                resource.set_time(col::DUE, None);
            }),
        },
    }
}

fn run_job(tx: &mut Tx<'_>, id: ResourceId) {
    let job = tx.resource(id).clone();
    let start = job.id_of(col::START_EVENT);
    let entity = job.id_of(col::ENTITY);
    let step = u32::try_from(job.int(col::STEP)).unwrap_or_default();
    let params: RawParams =
        job.map(col::PARAMS).iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let user = job.id_of(col::USER_ID).expect("jobs have a user");
    let Some(command) = tx.tables().command(job.text(col::CMD)) else {
        let error =
            ApiError::runtime(format!("there is no command {} any more", job.text(col::CMD)));
        return finish(tx, id, Err((530, error.text)));
    };
    // What a user has begun goes on when the user is disabled or gone meanwhile.
    let account = tx.resource(user).owner.expect("users have accounts");
    let caller = Caller {
        user,
        account,
        domain: tx.domain_of(account),
        role: tx.role_of(account).expect("accounts of users have a role"),
    };
    if step == 0 {
        let event = ActionEvent {
            event_type: event_type(tx, command, entity).expect("jobs have an event type"),
            level: Level::Info,
            state: EventState::Started,
            description: format!("Starting job for {}", subject(tx, command, entity)),
            user,
            owner: entity.and_then(|id| tx.any(id)).and_then(|t| t.owner).unwrap_or(account),
            start,
        };
        event::write(tx, event);
    }
    let before = tx.savepoint();
    // What is lost already only waited for its time.
    let done = match job.text(col::ERROR_TEXT) {
        "" => work(tx, command, caller, &params, entity, step),
        lost => Err(ApiError::unavailable(lost)),
    };
    let (done, detail) = match done {
        Ok((Done::Wait(wait_ms), _)) => return come_back(tx, id, wait_ms),
        Ok((Done::FailLater(wait_ms, text), _)) => {
            tx.edit(id, |job| {
                job.set_text(col::ERROR_TEXT, &text);
            });
            return come_back(tx, id, wait_ms);
        }
        Ok((done, detail)) => (Ok(done), detail),
        Err(error) => {
            tx.roll_back(before);
            if let Some(fail) = command.fail
                && let Ok(args) = Args::decode(command, &params, tx, Reach::UnderWay)
            {
                let mut call =
                    Call { command, caller, args, entity, step, detail: String::new(), tx };
                fail(&mut call, &error);
            }
            (Err(error), String::new())
        }
    };
    let outcome = Outcome { entity, detail, error: done.as_ref().err(), start };
    match &done {
        Ok(done) => {
            let result = answer(tx, command, &caller, done);
            completed(tx, command, &caller, outcome);
            finish(tx, id, Ok(result));
        }
        Err(error) => {
            completed(tx, command, &caller, outcome);
            finish(tx, id, Err((error.code.status(), error.text.clone())));
        }
    }
}

/// Lets a job go on after a while, with its next step.
fn come_back(tx: &mut Tx<'_>, id: ResourceId, wait_ms: i64) {
    let due = tx.now + Millis(wait_ms.max(0));
    tx.edit(id, |job| {
        job.set_int(col::STEP, job.int(col::STEP) + 1).set_time(col::DUE, due);
    });
}

fn work(
    tx: &mut Tx<'_>,
    command: &'static Command,
    caller: Caller,
    params: &RawParams,
    entity: Option<ResourceId>,
    step: u32,
) -> Result<(Done, String), ApiError> {
    // What has begun goes on with the resources it was begun with.
    let reach = if step == 0 { Reach::Caller(&caller) } else { Reach::UnderWay };
    let args = Args::decode(command, params, tx, reach)?;
    if let Some(id) = entity
        && tx.any(id).is_none_or(|resource| resource.removed.is_some())
    {
        return Err(ApiError::value("what the job was to work on is gone meanwhile"));
    }
    let mut call = Call { command, caller, args, entity, step, detail: String::new(), tx };
    let done = verbs::act(&mut call)?;
    Ok((done, call.detail))
}

/// Writes down what came of a job; it is due again when it expires.
fn finish(tx: &mut Tx<'_>, job: ResourceId, result: Result<Answer, (u16, String)>) {
    let expiry = tx.now + tx.setting_time(EXPIRE_MINUTES, 60_000);
    tx.edit(job, |job| {
        job.set_time(col::DUE, expiry).set_text(col::JOB_RESULT_TYPE, "object");
        match result {
            Ok(answer) => {
                job.set_int(col::JOB_STATUS, JobStatus::Done as i64);
                job.set_value(col::RESULT.key(), Some(super::result::to_value(&answer)));
            }
            Err((code, text)) => {
                job.set_int(col::JOB_STATUS, JobStatus::Failed as i64);
                // Whatever the cause, as the real server has it; the cause's own
                // code stands in the result.
                job.set_int(col::JOB_RESULT_CODE, 530);
                job.set_int(col::ERROR_CODE, i64::from(code)).set_text(col::ERROR_TEXT, &text);
            }
        }
    });
}

/// Ends a job whose work broke off by a mistake of ours.
pub(super) fn break_off(tx: &mut Tx<'_>, id: ResourceId, text: &str) {
    if tx.get(Kind::Job, id).is_some() {
        finish(tx, id, Err((530, text.to_owned())));
    }
}

/// The action event's description of the command's work.
struct Outcome<'a> {
    entity: Option<ResourceId>,
    detail: String,
    error: Option<&'a ApiError>,
    start: Option<ResourceId>,
}

fn completed(tx: &mut Tx<'_>, command: &Command, caller: &Caller, outcome: Outcome<'_>) {
    let Outcome { entity, detail, error, start } = outcome;
    let Some(event_type) = event_type(tx, command, entity) else { return };
    let doing = subject(tx, command, entity);
    let (level, mut description) = match error {
        None => (Level::Info, format!("Successfully completed {doing}")),
        Some(error) => (Level::Error, format!("Error while {doing}. {}", error.text)),
    };
    if !detail.is_empty() {
        description = format!("{description}. {detail}");
    }
    let owner = entity.and_then(|id| tx.any(id)).and_then(|resource| resource.owner);
    // A job that made nothing never came to its work.
    let state = if command.job == Job::Create && start.is_none() {
        EventState::Created
    } else {
        EventState::Completed
    };
    let event = ActionEvent {
        event_type,
        level,
        state,
        description,
        user: caller.user,
        owner: owner.unwrap_or(caller.account),
        start,
    };
    event::write(tx, event);
}

/// The type of a command's action events.
fn event_type(
    world: &World,
    command: &Command,
    entity: Option<ResourceId>,
) -> Option<&'static str> {
    match (command.event_by, entity.and_then(|id| world.any(id))) {
        (Some(by), Some(resource)) => Some(by(world, resource)),
        _ => command.event,
    }
}

/// The work as an event tells it: `starting virtual machine web-1 (uuid)`.
fn subject(world: &World, command: &Command, entity: Option<ResourceId>) -> String {
    let verb =
        command.name.find(|c: char| c.is_ascii_uppercase()).map_or("", |at| &command.name[..at]);
    match entity.and_then(|id| world.any(id)) {
        Some(resource) => {
            let name = resource.text_if_any(col::NAME);
            let blank = if name.is_empty() { "" } else { " " };
            format!("{verb} {}{blank}{name} ({})", resource.kind.noun(), resource.uuid)
        }
        None => command.name.to_owned(),
    }
}

/// Makes a command's answer when its work is done.
fn answer(world: &Tx<'_>, command: &Command, caller: &Caller, done: &Done) -> Answer {
    let show = |id: &ResourceId| {
        let resource = world.resource(*id);
        let object = command.object_shown(world.tables()).unwrap_or(resource.spec().object);
        View::new(world, caller, resource, world.now).object(object)
    };
    match (done, command.shape) {
        (Done::Answer(answer), _) => answer.clone(),
        (Done::Success, _) | (_, Shape::Success) => Answer::Success,
        (done, _) if done.is_under_way() => panic!("{} waits without a job", command.name),
        (Done::Resource(id), Shape::Object { item, .. }) => {
            Answer::Object { item, object: show(id) }
        }
        (Done::Resource(id), Shape::List { item, .. }) => {
            Answer::List { count: 1, item, items: vec![show(id)] }
        }
        (Done::Resources(ids), Shape::List { item, .. } | Shape::Object { item, .. }) => {
            Answer::List { count: ids.len(), item, items: ids.iter().map(show).collect() }
        }
        (Done::Node(node), Shape::Object { item, .. }) => {
            Answer::Object { item, object: node.clone() }
        }
        (Done::Node(node), Shape::List { item, .. }) => {
            Answer::List { count: 1, item, items: vec![node.clone()] }
        }
        (Done::Node(Node::Object(fields)), Shape::Bare(_)) => Answer::Bare(fields.clone()),
        (done, _) => panic!("{} cannot answer {done:?}", command.name),
    }
}
