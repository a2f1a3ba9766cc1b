//! The simulator: makes simulated hosts slow or failing. Guide 4.1.1.26.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Call, Column, Done, Resource, ResourceId, World},
    table::{Command, Kind, KindSpec, Object, ParamType::*, Roles, WireType as W, hidden, own, p},
};

const RULE: Object = Object { name: "SimulatorRule", fields: &[] };

/// The behaviour of one kind of work on the hosts of `of`; everywhere without it.
pub(crate) static KIND: KindSpec =
    KindSpec::new(Kind::SimulatorRule, &RULE).infrastructure().hidden(&[
        hidden("name", W::Str),
        hidden("of", W::Str),
        hidden("fails", W::Bool),
        hidden("timeout", W::Int),
        hidden("wait", W::Int),
    ]);

pub(crate) static COMMANDS: &[Command] = &[own("configureSimulator")
    .doc("Makes simulated hosts delay or fail one kind of work")
    .roles(Roles::ROOT)
    .params(&[
        p("zoneid", IdOrNumber(Kind::Zone)).doc("the zone it is for; everywhere unless given"),
        p("podid", IdOrNumber(Kind::Pod)).doc("the pod it is for"),
        p("clusterid", IdOrNumber(Kind::Cluster)).doc("the cluster it is for"),
        p("hostid", IdOrNumber(Kind::Host)).doc("the host it is for"),
        p("name", Str).required().doc("the agent's command, such as `StartCommand`"),
        p("value", Str)
            .required()
            .doc("`enabled:false` to fail, `wait:MS` to delay, `timeout:S` to fail after that; joined by `|`"),
    ])
    .act(configure)
    .success()];

/// Longest delay of simulated work: a day, in milliseconds.
const WAIT_MS_MAX: i64 = 86_400_000;

/// Sets what one kind of work does somewhere; the same again replaces it.
fn configure(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. Where: the narrowest that is given, which lies in the others.
    let args = call.args.clone();
    let places = [col::HOST_ID, col::CLUSTER_ID, col::POD_ID, col::ZONE_ID];
    let mut named = places.into_iter().filter_map(|column| Some((column, args.id(column.name())?)));
    let of = named.next().map(|(_, id)| id);
    for (column, around) in named {
        let place = call.tx.resource(of.expect("one was named before"));
        if place.id_of(column) != Some(around) {
            let expected = format!("the {} is not in it", place.kind.noun());
            return Err(call.invalid(
                column.name(),
                &call.tx.resource(around).uuid.to_string(),
                &expected,
            ));
        }
    }
    // 2. What: `enabled:false|wait:500|timeout:60`.
    let name = args.text_required("name").to_owned();
    let value = args.text_required("value");
    let (mut fails, mut wait_ms, mut timeout_s) = (false, 0, 0);
    for part in value.split(['|', ';']).map(str::trim).filter(|part| !part.is_empty()) {
        let wrong = || {
            let expected =
                "expected `enabled:false`, `wait:MILLISECONDS`, `timeout:SECONDS`, joined by `|`";
            call.invalid("value", value, expected)
        };
        let (key, setting) = part.split_once(':').ok_or_else(wrong)?;
        let number = || setting.parse::<i64>().ok().filter(|n| (0..=WAIT_MS_MAX).contains(n));
        match key {
            "enabled" => fails = !setting.eq_ignore_ascii_case("true"),
            "wait" => wait_ms = number().ok_or_else(wrong)?,
            "timeout" => timeout_s = number().ok_or_else(wrong)?,
            _ => return Err(wrong()),
        }
    }
    // 3. One rule a place and kind of work.
    let known = rule_at(call.tx, of, &name).map(|rule| rule.id);
    let id = match known {
        Some(id) => id,
        None => call.tx.insert(Kind::SimulatorRule, |rule| {
            rule.set_text(col::NAME, &name).set_ref(col::OF, of);
        }),
    };
    call.tx.edit(id, |rule| {
        rule.set_flag(col::FAILS, fails)
            .set_int(col::WAIT, wait_ms)
            .set_int(col::TIMEOUT, timeout_s);
    });
    Ok(Done::Success)
}

fn rule_at<'w>(world: &'w World, of: Option<ResourceId>, name: &str) -> Option<&'w Resource> {
    world
        .all(Kind::SimulatorRule)
        .find(|rule| rule.id_of(col::OF) == of && rule.text(col::NAME).eq_ignore_ascii_case(name))
}

/// The reply of a simulated host.
pub(crate) struct Reply {
    /// After how many milliseconds it is done, or is known to have failed.
    pub(crate) after_ms: i64,
    /// Why it failed.
    pub(crate) failure: Option<ApiError>,
}

/// Asks a simulated host, or for work that is done on none a zone, to do something. The
/// narrowest rule counts: host, cluster, pod, zone, everywhere.
pub(crate) fn agent(world: &World, at: Option<ResourceId>, command: &str) -> Reply {
    let on = at.map(|id| world.resource(id));
    let host = on.filter(|on| on.kind == Kind::Host);
    let part = |column: Column<ResourceId>| host.and_then(|host| host.id_of(column));
    let places = [at, part(col::CLUSTER_ID), part(col::POD_ID), part(col::ZONE_ID)];
    let narrow = places.into_iter().flatten().find_map(|at| rule_at(world, Some(at), command));
    let Some(rule) = narrow.or_else(|| rule_at(world, None, command)) else {
        return Reply { after_ms: 0, failure: None };
    };
    let name = on.map_or("the cloud", |on| on.text(col::NAME));
    let (wait_ms, timeout_s) = (rule.int(col::WAIT), rule.int(col::TIMEOUT));
    if rule.flag(col::FAILS) {
        let failure = ApiError::unavailable(format!("{command} failed on {name}"));
        return Reply { after_ms: wait_ms, failure: Some(failure) };
    }
    if timeout_s > 0 {
        let failure = ApiError::agent_unavailable(format!(
            "{name} did not answer {command} within {timeout_s} s"
        ));
        return Reply { after_ms: timeout_s * 1000, failure: Some(failure) };
    }
    Reply { after_ms: wait_ms, failure: None }
}

/// Lets a job ask: none if the work is done at once, else what the job answers until its
/// next step.
///
/// # Errors
/// If it fails at once.
pub(crate) fn ask(
    world: &World,
    at: Option<ResourceId>,
    command: &str,
) -> Result<Option<Done>, ApiError> {
    match agent(world, at, command) {
        Reply { after_ms: 0, failure: None } => Ok(None),
        Reply { after_ms: 0, failure: Some(failure) } => Err(failure),
        Reply { after_ms, failure: None } => Ok(Some(Done::Wait(after_ms))),
        Reply { after_ms, failure: Some(failure) } => {
            Ok(Some(Done::FailLater(after_ms, failure.text)))
        }
    }
}

/// Lets a job ask a host to stop something. With `forced` it is to be ignored that the
/// host does not answer: then it counts as stopped.
///
/// # Errors
/// If it fails at once and is not forced.
pub(crate) fn ask_to_stop(
    call: &Call<'_, '_>,
    host: Option<ResourceId>,
) -> Result<Option<Done>, ApiError> {
    const COMMAND: &str = "StopCommand";
    if call.args.flag_if_any("forced") != Some(true) {
        return ask(call.tx, host, COMMAND);
    }
    Ok(match agent(call.tx, host, COMMAND).after_ms {
        0 => None,
        after_ms => Some(Done::Wait(after_ms)),
    })
}

/// Bytes a second that a running guest sends.
pub(crate) const SENT_BYTES_PER_S: i64 = 1_000;

/// And receives.
pub(crate) const RECEIVED_BYTES_PER_S: i64 = 1_500;
