//! One request from its parameters to its answer; knows no HTTP.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cloudtally_model::{ApiError, ErrorCode, Instant, settings};
use cloudtally_platform::{
    FrontCommand, TABLES, col,
    engine::{Caller, Request, own_users},
    table::Command,
};

use crate::{
    answer::{Answer, NO_COMMAND, Style},
    command::FrontCall,
    error::{Audience, for_caller, internal},
    front::Front,
    http_request::{HttpRequest, Method, Port},
    large::Reader,
    login,
    params::Params,
    signature::verify,
    throttle::Limits,
};

/// The version of signatures that says when it expires, however it is written: `3`, `03`.
const SIGNATURE_THAT_EXPIRES: u64 = 3;

/// Bytes of user data that come by GET at most, decoded.
///
/// # Source
/// CloudStack 4.2: 2 KiB by GET, 32 KiB by POST.
const USER_DATA_BYTES_BY_GET: usize = 2048;

/// The result of a request, and its encoding.
pub(crate) struct Outcome {
    /// Its encoding.
    pub(crate) style: Style,
    /// The outer element.
    pub(crate) outer: String,
    pub(crate) result: Result<Answer, ApiError>,
    /// The id of a session that was opened.
    pub(crate) opened: Option<String>,
    /// Whom it is for.
    pub(crate) reader: Reader,
}

/// Answers a request that came at this time of the machine.
pub(crate) fn respond(front: &Front, request: &HttpRequest<'_>, wall: Instant) -> Outcome {
    // The format and the command first: they say how everything else is told.
    let params = &request.params;
    let style = Style::of(&front.cloud.world(), params);
    let named = request.form.clone().and_then(|()| named(params));
    let mut reader = Reader::default();
    let (command, result, opened) = match named {
        Ok(command) => {
            let (result, opened) = answer(front, request, command, wall, &mut reader);
            (Some(command), result, opened)
        }
        Err(error) => (None, Err(error), None),
    };
    // An error of no command, or of one that is no command, or of nobody.
    let is_nobody = |error: &ApiError| {
        error.code == ErrorCode::UnknownCommand
            || (error.code == ErrorCode::Account && error.cs.is_none())
    };
    let outer = match (command, &result) {
        (Some(_), Err(error)) if is_nobody(error) => NO_COMMAND.to_owned(),
        (Some(command), _) => command.outer(),
        (None, _) => NO_COMMAND.to_owned(),
    };
    Outcome { style, outer, result, opened, reader }
}

/// The row of the command that is asked for.
pub(crate) fn named(params: &Params) -> Result<&'static Command, ApiError> {
    let Some(name) = params.given("command") else {
        // No command is as good as no credentials.
        return Err(match params.given("sessionkey") {
            Some(_) => ApiError::bad_request("The request names no command; add `command=`"),
            None => ApiError::unauthorised(),
        });
    };
    TABLES.command(name).filter(|row| !row.is_gone()).ok_or_else(|| {
        ApiError::unknown_command(format!(
            "The given command {name} does not exist; listApis tells which there are"
        ))
    })
}

fn answer(
    front: &Front,
    request: &HttpRequest<'_>,
    command: &'static Command,
    wall: Instant,
    reader: &mut Reader,
) -> (Result<Answer, ApiError>, Option<String>) {
    if let Err(error) = request.params.check() {
        return (Err(error), None);
    }
    match command.name {
        "login" => match login::log_in(front, request, front.driver.now()) {
            Ok((answer, session)) => (Ok(answer), Some(session)),
            Err(error) => (Err(for_caller(error, Audience::Others)), None),
        },
        "logout" => (login::log_out(front, request, front.driver.now()), None),
        _ => (let_in(front, request, command, wall, reader), None),
    }
}

/// Finds out who calls and whether they may, and runs the command.
fn let_in(
    front: &Front,
    request: &HttpRequest<'_>,
    command: &'static Command,
    wall: Instant,
    reader: &mut Reader,
) -> Result<Answer, ApiError> {
    // 1. Who calls.
    let params = &request.params;
    let caller = match request.port {
        Port::Integration => {
            let world = front.cloud.world();
            Caller::of_user(&world, own_users::system_user(&world))
                .ok_or_else(ApiError::unauthorised)?
        }
        Port::Public => authenticate(front, request, wall)?,
    };
    *reader = caller.into();
    // 2. How often.
    if !caller.is_root() {
        let limits = Limits::of(&front.cloud.world());
        if limits.enabled {
            front.throttle.count(limits, caller.account)?;
        }
    }
    // 3. Whether they may.
    if !command.roles.contains(caller.role) {
        return Err(ApiError::forbidden(format!(
            "The command {} is not for a {}; listApis tells which commands are",
            command.name,
            caller.role.name()
        )));
    }
    // 4. The command itself. A mistake in one must not take the request's format
    // and outer element with it.
    if request.method == Method::Get {
        refuse_long_user_data(params, command)?;
    }
    let audience = if caller.is_root() { Audience::RootAdmin } else { Audience::Others };
    let done = catch_unwind(AssertUnwindSafe(|| run(front, params, command, caller)));
    let broke_off = |_| Err(ApiError::runtime("the command broke off; the log says more"));
    done.unwrap_or_else(broke_off).map_err(|error| for_caller(error, audience))
}

/// Refuses user data that is too long for an address.
fn refuse_long_user_data(params: &Params, command: &Command) -> Result<(), ApiError> {
    let (Some(_), Some(data)) = (command.param("userdata"), params.given("userdata")) else {
        return Ok(());
    };
    // Of Base64: four characters are three bytes, and those that pad are none.
    let characters = data.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=');
    if characters.count() * 3 / 4 <= USER_DATA_BYTES_BY_GET {
        return Ok(());
    }
    Err(ApiError::parameter(format!(
        "Unable to execute API command {} due to invalid value. Invalid parameter userdata \
         value=...: expected at most {USER_DATA_BYTES_BY_GET} bytes by GET; send it by POST",
        command.name.to_lowercase()
    )))
}

fn run(
    front: &Front,
    params: &Params,
    command: &'static Command,
    caller: Caller,
) -> Result<Answer, ApiError> {
    let (store, cloud, now) = (&front.store, &front.cloud, front.driver.now());
    let request = Request { command, caller, params: params.of_command() };
    if let Some(which) = FrontCommand::of(command) {
        let args = &cloud.decode(&request)?;
        return front.run(which, &FrontCall { store, cloud, caller, args, command, now });
    }
    if command.name == "updateConfiguration" {
        refuse_fixed(front, params)?;
    }
    cloud.call(request, now).map(Answer::Tree)
}

/// Refuses a new way to cut time once a period is published; the folder would refuse it,
/// too, but not in words for the caller.
fn refuse_fixed(front: &Front, params: &Params) -> Result<(), ApiError> {
    let (Some(name), Some(value)) = (params.given("name"), params.given("value")) else {
        return Ok(());
    };
    if !matches!(name, settings::AGGREGATION_TIMEZONE | settings::AGGREGATION_RANGE)
        || front.cloud.world().setting(name) == value
    {
        return Ok(());
    }
    let snapshot = front.store.snapshot().map_err(|e| internal("look at the periods", &e))?;
    match snapshot.first_published() {
        Some(published) => Err(ApiError::value(format!(
            "`{name}` stays as it is: the period {} is already published, and cutting time differently after it would overlap or leave a gap",
            published
        ))),
        None => Ok(()),
    }
}

/// Finds the caller: by signature if there is anything of one, else by session.
fn authenticate(
    front: &Front,
    request: &HttpRequest<'_>,
    wall: Instant,
) -> Result<Caller, ApiError> {
    let params = &request.params;
    if params.given("apikey").is_some() || params.given("signature").is_some() {
        return by_signature(front, params, wall);
    }
    let (Some(id), Some(key)) = (request.session, params.given("sessionkey")) else {
        return Err(ApiError::unauthorised());
    };
    let user = front.user_of_session(id, key).ok_or_else(ApiError::unauthorised)?;
    Caller::of_user(&front.cloud.world(), user).ok_or_else(|| {
        // Disabled or gone meanwhile.
        front.sessions.end(id);
        ApiError::unauthorised()
    })
}

fn by_signature(front: &Front, params: &Params, wall: Instant) -> Result<Caller, ApiError> {
    let given = |name| params.given(name).ok_or_else(ApiError::unauthorised);
    let (api_key, signature) = (given("apikey")?, given("signature")?);
    // Read each time: keys that are renewed while we serve count at once.
    let keys = front.store.admin_keys().map_err(|e| internal("read the keys", &e))?;
    let world = front.cloud.world();
    let admin = own_users::admin_user(&world);
    let is_admin = keys.as_ref().is_some_and(|keys| keys.api_key == api_key);
    let (user, secret_key) = match &keys {
        Some(keys) if is_admin => (admin, keys.secret_key.clone()),
        _ => {
            let user = world.user_of_key(api_key).filter(|user| user.id != admin);
            let user = user.ok_or_else(ApiError::unauthorised)?;
            (user.id, user.text(col::USER_SECRET_KEY).to_owned())
        }
    };
    let caller = Caller::of_user(&world, user).ok_or_else(ApiError::unauthorised)?;
    drop(world);
    let version = params.get("signatureversion").and_then(|text| text.trim().parse().ok());
    if version == Some(SIGNATURE_THAT_EXPIRES) {
        let expires = Instant::parse(given("expires")?).map_err(|_| ApiError::unauthorised())?;
        if expires < wall {
            return Err(ApiError::unauthorised());
        }
    }
    if secret_key.is_empty() || !verify(params, &secret_key, signature) {
        return Err(ApiError::unauthorised());
    }
    if let Some(keys) = keys.filter(|_| is_admin) {
        front.adopt_admin_keys(&keys, front.driver.now())?;
    }
    Ok(caller)
}
