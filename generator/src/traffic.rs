//! Byte counters of routers and external devices, read every so often.
//!
//! A series decides how many bytes went by between two readings and shows them in
//! its counters; the answer key sums what it decided and never takes a difference
//! of counters. When a device restarts, what went by since its last reading is lost
//! with its memory: the new counter value is what can be known (usage rules 5), so
//! that is what the series decides on, always below the old value in both directions
//! so that nobody can mistake the restart for traffic.

use cloudtally_model::{
    AccountId, DeviceType, Instant, Millis, NetworkId, NetworkSample, SeriesKey, Text, ZoneId,
};

use crate::{
    dice::{Dice, Subject},
    stage::{Stage, ZONES},
};

/// One device's part in one network for one account: the key of a bill. It has a
/// series for each address it tells apart.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) account: u32,
    pub(crate) zone: u32,
    pub(crate) device_type: DeviceType,
    pub(crate) device: u32,
    pub(crate) network: u32,
    pub(crate) series: Vec<Series>,
}

/// One counter pair.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// Number among all series; also its stream of chance.
    pub(crate) number: u32,
    pub(crate) key: SeriesKey,
    habit: Habit,
    /// The reading at which it begins.
    first_tick: i64,
    /// Time after the beginning of each interval at which it is read.
    offset: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    /// Counts nothing.
    Idle,
    /// Traffic in every interval.
    Steady,
    /// Traffic on some days and in some intervals, sometimes in one direction only.
    Bursty,
}

/// One reading of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) at: Instant,
    /// Counters: sent, received.
    pub(crate) counters: (u64, u64),
    /// Bytes sent and received since the reading before; `None` for the first.
    pub(crate) moved: Option<(u64, u64)>,
}

/// The largest traffic of a steady series, in bytes a minute.
const BYTES_PER_MINUTE_MOST: u64 = 40_000_000;
/// A device restarts about once in this many minutes.
const MINUTES_BETWEEN_RESTARTS: u64 = 9 * 24 * 60;
/// The most that a device counts between its restart and its next reading.
const RESTARTED_BYTES_MOST: u64 = 5_000_000;

/// The groups of all accounts that stay.
pub(crate) fn groups(stage: &mut Stage<'_>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut number = 0;
    // Series draw their lives from streams of their own; this one is for groups.
    let mut dice = Dice::new(stage.options.seed, Subject::Traffic, u32::MAX);
    let ticks = ticks(stage);
    // The traffic monitor of each zone's shared network counts for many accounts.
    let monitors = ZONES.map(|_| stage.ids.device.next());
    for (index, &account) in stage.accounts.active.iter().enumerate() {
        let count = 1 + dice.below(3);
        for place in 0..count {
            let zone_index = dice.index(ZONES.len());
            // The first accounts show one kind each.
            let kind = match (place, index) {
                (0, 0..5) => index,
                _ => dice.weighted(&[(70, 0), (8, 1), (8, 2), (7, 3), (7, 4)]),
            };
            let previous = groups.last().filter(|group| {
                group.account == account && group.device_type == DeviceType::DomainRouter
            });
            let mut group = Group {
                account,
                zone: ZONES[zone_index],
                device_type: DeviceType::DomainRouter,
                device: 0,
                network: 0,
                series: Vec::new(),
            };
            let mut addresses = 0;
            match kind {
                0 => match previous {
                    // One router, two networks: two bills.
                    Some(previous) if dice.one_in(3) => {
                        (group.zone, group.device) = (previous.zone, previous.device);
                    }
                    _ => {
                        group.device = stage.ids.device.next();
                        if index == 0 || dice.one_in(5) {
                            addresses = 2;
                        }
                    }
                },
                1 => {
                    group.device_type = DeviceType::ExternalFirewall;
                    group.device = stage.ids.device.next();
                    addresses = 1 + dice.below(2);
                }
                2 => {
                    group.device_type = DeviceType::ExternalLoadBalancer;
                    group.device = stage.ids.device.next();
                }
                3 => {
                    group.device_type = DeviceType::DirectNetwork;
                    group.device = monitors[zone_index];
                }
                _ => {
                    group.device_type = DeviceType::Unknown;
                    group.device = stage.ids.device.next();
                }
            }
            let is_direct = group.device_type == DeviceType::DirectNetwork;
            let is_there = |known: &Group| {
                known.account == account && known.zone == group.zone && known.device == group.device
            };
            if is_direct && groups.iter().rev().take(3).any(is_there) {
                continue;
            }
            if !is_direct {
                group.network = stage.ids.network.next();
            }
            for nth in 0..addresses.max(1) {
                let address = (addresses > 0).then(|| {
                    // 203.0.113.0/24 and 198.51.100.0/24 are for documentation.
                    let net = if nth == 0 { "203.0.113" } else { "198.51.100" };
                    Text::from(format!("{net}.{}", number % 254 + 1))
                });
                group.series.push(series(&mut dice, number, &group, address, (stage, ticks)));
                number += 1;
            }
            groups.push(group);
        }
    }
    groups
}

/// Counts the intervals that begin inside the window.
fn ticks(stage: &Stage<'_>) -> i64 {
    let window = stage.options.window();
    let interval = stage.options.sample_interval();
    (window.end.since(window.start).0 + interval.0 - 1) / interval.0
}

fn series(
    dice: &mut Dice,
    number: u32,
    group: &Group,
    address: Option<Text>,
    (stage, ticks): (&Stage<'_>, i64),
) -> Series {
    let habit = match number {
        0..3 => Habit::Steady,
        3 => Habit::Idle,
        _ => dice.weighted(&[(4, Habit::Steady), (4, Habit::Bursty), (1, Habit::Idle)]),
    };
    let begins_late = number == 2 || (number > 3 && dice.one_in(4));
    let interval_ms = stage.options.sample_interval().0;
    let offset_ms = match dice.below(4) {
        // Read on the full hour, so that readings fall on midnights.
        0 | 1 => 0,
        2 => dice.below_ms(interval_ms / 1_000) * 1_000,
        _ => dice.below_ms(interval_ms),
    };
    Series {
        number,
        key: SeriesKey {
            account: AccountId(group.account.into()),
            zone: ZoneId::from_source(group.zone.into()),
            device_type: group.device_type.clone(),
            device: group.device.into(),
            network: NetworkId(group.network.into()),
            address,
        },
        habit,
        first_tick: if begins_late { dice.below_ms(ticks) } else { 0 },
        offset: Millis(offset_ms),
    }
}

impl Series {
    /// All readings, oldest first; the last is at the end of the window.
    pub(crate) fn play(&self, options: &crate::Options, mut read: impl FnMut(Reading)) {
        let window = options.window();
        let interval = options.sample_interval();
        let mut dice = Dice::new(options.seed, Subject::Traffic, self.number);
        let instants = (self.first_tick..)
            .map(|tick| window.start + Millis(tick * interval.0) + self.offset)
            .take_while(|at| *at < window.end)
            .chain([window.end]);

        // A device that came in the middle begins at 0; others have run for a while.
        let mut counters = (0, 0);
        if self.first_tick == 0 {
            counters = (dice.below(1 << 40), dice.below(1 << 40));
        }
        let most = BYTES_PER_MINUTE_MOST * u64::from(options.sample_minutes);
        let restart_chance = MINUTES_BETWEEN_RESTARTS.div_ceil(options.sample_minutes.into());
        let certain_restart = (self.number == 1).then(|| window.at(1, 2));
        let mut is_first = true;
        let mut day = None;
        let mut is_quiet_day = false;
        let mut last_at = window.start;
        for at in instants {
            if is_first {
                is_first = false;
                last_at = at;
                read(Reading { at, counters, moved: None });
                continue;
            }
            if day != Some(at.utc_day()) {
                day = Some(at.utc_day());
                is_quiet_day = self.habit == Habit::Bursty && dice.one_in(4);
            }
            let is_due = certain_restart.is_some_and(|due| last_at < due && due <= at);
            let restarts = self.habit != Habit::Idle
                && self.key.device_type != DeviceType::DirectNetwork
                && (counters.0 > 0 && counters.1 > 0)
                && (is_due || dice.one_in(restart_chance));
            let moved = if restarts {
                counters = (
                    dice.below(counters.0.min(RESTARTED_BYTES_MOST)),
                    dice.below(counters.1.min(RESTARTED_BYTES_MOST)),
                );
                counters
            } else {
                let moved = match self.habit {
                    Habit::Idle => (0, 0),
                    Habit::Steady => (dice.below(most), dice.below(most)),
                    Habit::Bursty if is_quiet_day || dice.one_in(2) => (0, 0),
                    Habit::Bursty => match dice.below(8) {
                        0 => (dice.below(most), 0),
                        1 => (0, dice.below(most)),
                        _ => (dice.below(most / 4), dice.below(most)),
                    },
                };
                counters = (counters.0 + moved.0, counters.1 + moved.1);
                moved
            };
            last_at = at;
            read(Reading { at, counters, moved: Some(moved) });
        }
    }
}

/// One reading, small.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    at: Instant,
    series: u32,
    counters: (u64, u64),
}

/// All samples of all series, by instant and then by series.
pub(crate) fn samples(options: &crate::Options, groups: &[Group]) -> Vec<Sample> {
    let mut samples = Vec::new();
    for series in groups.iter().flat_map(|group| &group.series) {
        series.play(options, |reading| {
            samples.push(Sample {
                at: reading.at,
                series: series.number,
                counters: reading.counters,
            });
        });
    }
    samples.sort_unstable_by_key(|sample| (sample.at, sample.series));
    samples
}

impl Sample {
    /// The sample as the stream has it; `keys` are those of all series by number.
    pub(crate) fn emitted(&self, keys: &[SeriesKey]) -> NetworkSample {
        let number = usize::try_from(self.series).expect("an index of series");
        NetworkSample {
            sampled: self.at,
            series: keys[number].clone(),
            bytes_sent: self.counters.0,
            bytes_received: self.counters.1,
            restarted: false,
        }
    }
}
