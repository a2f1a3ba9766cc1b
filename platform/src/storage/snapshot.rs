//! Snapshots of volumes and the policies that take them; billed by size while they exist.

use cloudtally_model::{ApiError, Instant};

use crate::{
    col,
    desk::{metering, simulator},
    engine::{
        Answer, Call, Done, Query, ResourceId, Tx, begin_by_itself, limit, refusal, scope, table,
    },
    parse::units::gib,
    site::zonestore,
    state::{SnapshotState, VolumeState},
    table::{
        Command, Kind, KindSpec, Limit, Object, ParamType::*, Roles, Turn, WireType as W, f,
        fields::*, group, hidden, list, own, p,
    },
};

pub(crate) const SNAPSHOT: Object = Object {
    name: "Snapshot",
    fields: &[
        ID,
        ACCOUNT,
        DOMAIN_ID,
        DOMAIN,
        PROJECT_ID,
        PROJECT,
        f("snapshottype", W::Str),
        f("volumeid", W::Id(Kind::Volume)),
        f("volumename", W::Str).join(col::VOLUME_ID, "name"),
        f("volumetype", W::Str).join(col::VOLUME_ID, "type"),
        CREATED,
        f("name", W::Str),
        f("intervaltype", W::Str),
        STATE,
        ZONE_ID,
        TAGS,
    ],
};

pub(crate) const SNAPSHOT_POLICY: Object = Object {
    name: "SnapshotPolicy",
    fields: &[
        ID,
        f("volumeid", W::Id(Kind::Volume)),
        f("schedule", W::Str),
        f("intervaltype", W::Int),
        f("maxsnaps", W::Int),
        f("timezone", W::Str),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("createSnapshot")
        .doc("Takes a snapshot of a volume")
        .roles(Roles::ALL)
        .params(&[
            p("volumeid", Id(Kind::Volume)).required(),
            p("policyid", Id(Kind::SnapshotPolicy))
                .doc("the policy it is taken for; by hand unless given"),
        ])
        .groups(&[group::OWNER])
        .create_job("SNAPSHOT.CREATE")
        .object("snapshot", &SNAPSHOT)
        .kind(Kind::Snapshot)
        .begin(begin)
        .act(act)
        .on_failure(|call, _| fail(call)),
    own("createSnapshotPolicy")
        .doc("Takes snapshots of a volume on a schedule")
        .roles(Roles::ALL)
        .params(&[
            p("intervaltype", Str).required(),
            p("maxsnaps", Int).required().doc("how many to keep; older ones are deleted"),
            p("schedule", Str)
                .required()
                .doc("by `intervaltype`: `MM`, `MM:HH`, or `MM:HH:D` of week or month"),
            p("timezone", Str).required(),
            p("volumeid", Id(Kind::Volume)).required(),
        ])
        .object("snapshotpolicy", &SNAPSHOT_POLICY)
        .act(create_policy),
    own("deleteSnapshot")
        .doc("Deletes a snapshot; newer ones of the volume stay good")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Snapshot)).required()])
        .job("SNAPSHOT.DELETE")
        .success()
        .kind(Kind::Snapshot)
        .act(delete),
    own("deleteSnapshotPolicies")
        .doc("Removes snapshot policies; their snapshots stay")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::SnapshotPolicy)).doc("one policy; this or `ids`"),
            p("ids", IdList(Kind::SnapshotPolicy))
                .doc("policies separated by commas; this or `id`"),
        ])
        .success()
        .act(delete_policies),
    own("listSnapshotPolicies")
        .doc("Lists the snapshot policies of a volume")
        .roles(Roles::ALL)
        .params(&[p("volumeid", Id(Kind::Volume)).required()])
        .groups(&[group::PAGED])
        .items("snapshotpolicy", &SNAPSHOT_POLICY)
        .read(list_policies),
    list("listSnapshots", Kind::Snapshot)
        .doc("Lists snapshots")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Snapshot)),
            p("intervaltype", Str)
                .doc("`HOURLY`, `DAILY`, `WEEKLY` or `MONTHLY`; only with `volumeid`"),
            p("name", Str),
            p("snapshottype", Str).doc("`MANUAL` or `RECURRING`"),
            p("volumeid", Id(Kind::Volume)).or_removed(),
            p("zoneid", Id(Kind::Zone)),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("snapshot", &SNAPSHOT),
];

/// Hidden: `size` is the volume's at the time, `policy` what took it.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::Snapshot, &SNAPSHOT)
    .counts(&[
        (Limit::Snapshot, |_, snapshot| i64::from(!snapshot.is(SnapshotState::Error))),
        (Limit::SecondaryStorage, |_, snapshot| {
            if snapshot.is(SnapshotState::Error) { 0 } else { snapshot.int(col::SIZE) }
        }),
    ])
    .goes_with_owner(Turn::Snapshots, remove)
    .newest_first()
    .hidden(&[hidden("size", W::Long), hidden("policy", W::Id(Kind::SnapshotPolicy))])
    .owned()
    .limit(Limit::Snapshot)
    .states(table!(SnapshotState: Creating, BackedUp, Error; Creating => BackedUp, Error;))
    .keyword(&[col::NAME])
    .tagged("Snapshot")
    .metered(metering::SNAPSHOT)
    .job_instance("Snapshot");

/// `due` is when it takes the next snapshot.
pub(crate) static POLICY_KIND: KindSpec = KindSpec::new(Kind::SnapshotPolicy, &SNAPSHOT_POLICY)
    .hidden(&[hidden("due", W::Date)])
    .owned()
    .on_due(take_scheduled);

/// The interval at which a policy takes a snapshot, with its number and its setting.
const INTERVALS: &[(&str, i64, &str)] = &[
    ("HOURLY", 0, "snapshot.max.hourly"),
    ("DAILY", 1, "snapshot.max.daily"),
    ("WEEKLY", 2, "snapshot.max.weekly"),
    ("MONTHLY", 3, "snapshot.max.monthly"),
];

/// Makes a snapshot of a volume that holds something.
fn insert(
    tx: &mut Tx<'_>,
    volume: ResourceId,
    policy: Option<ResourceId>,
) -> Result<ResourceId, ApiError> {
    let of = tx.resource(volume).clone();
    if !of.is(VolumeState::Ready) {
        return Err(of.refused("volumeid", format!("is {} and holds nothing yet", of.state())));
    }
    let zone = of.id_of(col::ZONE_ID).expect("volumes are in a zone");
    zonestore::refuse_without(tx, zone)?;
    let owner = of.owner.expect("volumes have an owner");
    limit::check(tx, owner, Limit::Snapshot, 1)?;
    limit::check(tx, owner, Limit::SecondaryStorage, gib(of.int(col::SIZE)))?;
    let vm = of.id_of(col::VIRTUAL_MACHINE_ID).map(|vm| tx.resource(vm).text(col::NAME).to_owned());
    let vm = vm.unwrap_or_else(|| "detached".to_owned());
    let stamp: String = tx.now.to_string().chars().filter(char::is_ascii_digit).take(14).collect();
    let name = format!("{vm}_{}_{stamp}", of.text(col::NAME));
    let interval = policy.map(|policy| tx.resource(policy).int(col::INTERVAL_TYPE));
    let interval = INTERVALS.iter().find(|(_, number, _)| Some(*number) == interval);
    Ok(tx.insert(Kind::Snapshot, |snapshot| {
        snapshot.owner = Some(owner);
        snapshot
            .set_text(col::NAME, &name)
            .set_text(col::SNAPSHOT_TYPE, if policy.is_some() { "RECURRING" } else { "MANUAL" })
            .set_text(col::INTERVAL_NAME, interval.map_or("MANUAL", |(name, ..)| name))
            .set_ref(col::VOLUME_ID, volume)
            .set_ref(col::ZONE_ID, of.id_of(col::ZONE_ID))
            .set_ref(col::POLICY, policy)
            .set_int(col::SIZE, of.int(col::SIZE));
    }))
}

fn begin(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let (volume, policy) = (call.args.id_required("volumeid"), call.args.id("policyid"));
    if let Some(policy) = policy.map(|id| call.tx.resource(id))
        && policy.id_of(col::VOLUME_ID) != Some(volume)
    {
        return Err(policy.refused(
            "policyid",
            format!("is of another volume than {}", call.tx.resource(volume).text(col::NAME)),
        ));
    }
    scope::refuse_other_owner(call, volume)?;
    insert(call.tx, volume, policy).map(Some)
}

/// Backs it up; from then on it is billed, and what its policy has too many of is not.
fn back_up(tx: &mut Tx<'_>, id: ResourceId) {
    tx.move_to(id, SnapshotState::BackedUp);
    let policy = tx.resource(id).id_of(col::POLICY).and_then(|id| tx.get(Kind::SnapshotPolicy, id));
    let Some(policy) = policy else { return };
    let keep = usize::try_from(policy.int(col::MAX_SNAPS)).unwrap_or(usize::MAX);
    let good: Vec<ResourceId> = tx
        .referring(policy.id, Kind::Snapshot, col::POLICY)
        .filter(|snapshot| snapshot.is(SnapshotState::BackedUp))
        .map(|snapshot| snapshot.id)
        .collect();
    for old in good.iter().take(good.len().saturating_sub(keep)) {
        remove(tx, *old);
    }
}

fn act(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    if call.step == 0 {
        let volume = call.entity().id_of(col::VOLUME_ID).map(|id| call.tx.resource(id));
        let vm = volume.and_then(|volume| volume.id_of(col::VIRTUAL_MACHINE_ID));
        let host = vm.and_then(|vm| call.tx.resource(vm).id_of(col::HOST_ID));
        if let Some(later) = simulator::ask(call.tx, host, "BackupSnapshotCommand")? {
            return Ok(later);
        }
    }
    back_up(call.tx, id);
    Ok(Done::Resource(id))
}

fn fail(call: &mut Call<'_, '_>) {
    if let Some(id) = call.entity.filter(|id| call.tx.get(Kind::Snapshot, *id).is_some()) {
        call.tx.move_to(id, SnapshotState::Error);
    }
}

/// Takes a snapshot away, and off the bill.
pub(crate) fn remove(tx: &mut Tx<'_>, id: ResourceId) {
    tx.remove_with_dependants(id);
}

fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    remove(call.tx, id);
    Ok(Done::Success)
}

/// A schedule: minute, hour, and day of the week (1 is Sunday) or month.
fn schedule(call: &Call<'_, '_>, interval: &str) -> Result<(String, chrono_tz::Tz), ApiError> {
    let args = &call.args;
    let text = args.text_required("schedule");
    let zone = args.text_required("timezone");
    let zone = cloudtally_model::calendar::time_zone(zone)
        .map_err(|cause| call.invalid("timezone", zone, &cause.to_string()))?;
    let parts: Vec<Option<u32>> = text.split(':').map(|part| part.parse().ok()).collect();
    let in_range = |at: usize, least: u32, most: u32| {
        parts.get(at).copied().flatten().is_some_and(|number| (least..=most).contains(&number))
    };
    let (is_good, form) = match interval {
        "HOURLY" => (parts.len() == 1 && in_range(0, 0, 59), "MM"),
        "DAILY" => (parts.len() == 2 && in_range(0, 0, 59) && in_range(1, 0, 23), "MM:HH"),
        "WEEKLY" => (
            parts.len() == 3 && in_range(0, 0, 59) && in_range(1, 0, 23) && in_range(2, 1, 7),
            "MM:HH:D with the day from 1 (Sunday) to 7",
        ),
        _ => (
            parts.len() == 3 && in_range(0, 0, 59) && in_range(1, 0, 23) && in_range(2, 1, 28),
            "MM:HH:DD with the day from 1 to 28",
        ),
    };
    if is_good {
        Ok((text.to_owned(), zone))
    } else {
        Err(call.invalid("schedule", text, &format!("expected {form}")))
    }
}

fn create_policy(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. What it says.
    let args = call.args.clone();
    let volume = args.id_required("volumeid");
    let given = args.text_required("intervaltype");
    let interval = INTERVALS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(given));
    let (name, number, setting) = interval.ok_or_else(|| {
        call.invalid("intervaltype", given, "expected HOURLY, DAILY, WEEKLY or MONTHLY")
    })?;
    let (schedule, zone) = schedule(call, name)?;
    let keep = args.int("maxsnaps").unwrap_or_default();
    let most = call.tx.setting_number(setting);
    if !(1..=most).contains(&keep) {
        let expected = format!("expected a number from 1 to {most} (`{setting}`)");
        return Err(call.invalid("maxsnaps", &keep.to_string(), &expected));
    }
    // 2. One policy a volume and interval; the same again replaces it.
    let known = call
        .tx
        .referring(volume, Kind::SnapshotPolicy, col::VOLUME_ID)
        .find(|policy| policy.int(col::INTERVAL_TYPE) == *number)
        .map(|policy| policy.id);
    let owner = call.tx.resource(volume).owner;
    let id = known.unwrap_or_else(|| {
        call.tx.insert(Kind::SnapshotPolicy, |policy| {
            policy.owner = owner;
            policy.set_ref(col::VOLUME_ID, volume).set_int(col::INTERVAL_TYPE, *number);
        })
    });
    let due = next_run(*number, &schedule, zone, call.tx.now);
    call.tx.edit(id, |policy| {
        policy
            .set_text(col::SCHEDULE, &schedule)
            .set_int(col::MAX_SNAPS, keep)
            .set_text(col::TIMEZONE, zone.name())
            .set_time(col::DUE, due);
    });
    call.entity = Some(id);
    Ok(Done::Resource(id))
}

/// The first moment after `now` that a schedule names. A time that the clocks
/// skip is passed over; one that they show twice counts once.
fn next_run(interval: i64, schedule: &str, zone: chrono_tz::Tz, now: Instant) -> Option<Instant> {
    use chrono::{Datelike, Days, TimeZone, Timelike};
    let parts: Vec<u32> = schedule.split(':').filter_map(|part| part.parse().ok()).collect();
    let minute = parts.first().copied()?;
    let local = zone.timestamp_millis_opt(now.as_millis()).single()?;
    if interval == 0 {
        let mut at = local.with_second(0)?.with_nanosecond(0)?;
        for _ in 0..=120 {
            at += chrono::TimeDelta::minutes(1);
            if at.minute() == minute {
                return Some(Instant::from_millis(at.timestamp_millis()));
            }
        }
        return None;
    }
    let (hour, day) = (parts.get(1).copied()?, parts.get(2).copied());
    (0..=62).find_map(|days| {
        let date = local.date_naive().checked_add_days(Days::new(days))?;
        let is_day = match (interval, day) {
            (2, Some(day)) => date.weekday().number_from_sunday() == day,
            (3, Some(day)) => date.day() == day,
            _ => true,
        };
        let at = zone.from_local_datetime(&date.and_hms_opt(hour, minute, 0)?).earliest()?;
        let at = Instant::from_millis(at.timestamp_millis());
        (is_day && at > now).then_some(at)
    })
}

/// Begins to take the snapshot of a policy.
fn take_scheduled(tx: &mut Tx<'_>, id: ResourceId) {
    let policy = tx.resource(id).clone();
    let volume = policy.id_of(col::VOLUME_ID).expect("policies are of a volume");
    let zone = cloudtally_model::calendar::time_zone(policy.text(col::TIMEZONE));
    let zone = zone.unwrap_or(chrono_tz::Tz::UTC);
    let due = next_run(policy.int(col::INTERVAL_TYPE), policy.text(col::SCHEDULE), zone, tx.now);
    tx.edit(id, |policy| {
        policy.set_time(col::DUE, due);
    });
    // A volume without data or an account at its limit gets none this time.
    let (volume, policy) = (tx.resource(volume).uuid.to_string(), policy.uuid.to_string());
    let params = [("volumeid", volume.as_str()), ("policyid", policy.as_str())];
    drop(begin_by_itself(tx, "createSnapshot", &params));
}

fn delete_policies(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let ids: Vec<ResourceId> =
        call.args.id("id").into_iter().chain(call.args.ids("ids").iter().copied()).collect();
    if ids.is_empty() {
        return Err(refusal::one_of(&["id", "ids"]));
    }
    for id in ids {
        call.tx.remove(id);
    }
    Ok(Done::Success)
}

fn list_policies(query: &Query<'_>) -> Result<Answer, ApiError> {
    let volume = query.args.id_required("volumeid");
    let policies = query.world.referring(volume, Kind::SnapshotPolicy, col::VOLUME_ID);
    query.page(policies.filter(|policy| {
        query.is_named_in(&[policy.text(col::SCHEDULE), policy.text(col::TIMEZONE)])
    }))
}
