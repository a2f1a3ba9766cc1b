//! The present, by the machine's clock, held against its steady one.
//!
//! Requests go by the machine's clock as it is: signatures and sessions end at times
//! that clients compute by theirs. The cloud's time and the usage job go by
//! [`SteadyClock`]: a machine whose clock is put a year ahead for three seconds would
//! otherwise bill a year, and nothing takes that back.

use std::{
    sync::{Mutex, PoisonError},
    time::{Instant as Monotonic, SystemTime, UNIX_EPOCH},
};

use cloudtally_model::{Instant, Millis};

/// Milliseconds since 1970, by the machine's clock.
///
/// In debug builds `CLOUDTALLY_CLOCK_AHEAD_SECONDS` puts it ahead, for tests of machines
/// whose clocks are wrong.
pub fn wall_clock_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX) + ahead_ms()
}

#[cfg(debug_assertions)]
fn ahead_ms() -> i64 {
    use std::sync::LazyLock;
    static AHEAD_MS: LazyLock<i64> = LazyLock::new(|| {
        let seconds = std::env::var("CLOUDTALLY_CLOCK_AHEAD_SECONDS").ok();
        seconds.and_then(|text| text.parse::<i64>().ok()).unwrap_or_default() * 1000
    });
    *AHEAD_MS
}

#[cfg(not(debug_assertions))]
#[inline]
fn ahead_ms() -> i64 {
    0
}

/// The present as an instant.
pub(crate) fn now() -> Instant {
    Instant::from_millis(wall_clock_ms())
}

/// The farthest that the machine's clock may go, between two looks, from where the
/// steady one says it should be. Time services put clocks right by seconds.
const STEP_MAX: Millis = Millis(5 * Millis::MINUTE.0);

/// The machine's clock as long as it goes at the pace of time.
///
/// If it steps, the present stands still at the last moment that was believed, until
/// the machine's clock comes back to where time has gone meanwhile, or the server is
/// started anew, which takes the machine's word for it.
#[derive(Debug)]
pub(crate) struct SteadyClock {
    believed: Mutex<Believed>,
}

/// The last look at which the machine's clock was believed.
#[derive(Clone, Copy, Debug)]
struct Believed {
    machine: Instant,
    at: Monotonic,
}

/// A look at the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// It goes at the pace of time.
    Steady(Instant),
    /// It has stepped.
    Stepped {
        /// The moment at which the present stands.
        stands: Instant,
        /// The machine's time.
        machine: Instant,
        /// The time the machine should show by now.
        expected: Instant,
    },
}

impl SteadyClock {
    /// Believes the machine's clock as it is now.
    pub(crate) fn new() -> Self {
        Self { believed: Mutex::new(Believed { machine: now(), at: Monotonic::now() }) }
    }

    /// The present.
    pub(crate) fn now(&self) -> Instant {
        match self.look() {
            Look::Steady(now) => now,
            Look::Stepped { stands, .. } => stands,
        }
    }

    /// Looks at both clocks.
    pub(crate) fn look(&self) -> Look {
        self.judge(now(), Monotonic::now())
    }

    fn judge(&self, machine: Instant, at: Monotonic) -> Look {
        let mut believed = self.believed.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = at.saturating_duration_since(believed.at).as_millis();
        let expected = believed.machine + Millis(i64::try_from(passed).unwrap_or(i64::MAX / 2));
        let off = machine.as_millis().abs_diff(expected.as_millis());
        if off > STEP_MAX.0.unsigned_abs() {
            return Look::Stepped { stands: believed.machine, machine, expected };
        }
        *believed = Believed { machine, at };
        Look::Steady(machine)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const YEAR: Millis = Millis(365 * Millis::DAY.0);

    #[test]
    fn a_step_stops_the_present_until_the_clock_is_back() {
        let clock = SteadyClock::new();
        let (wall, steady) = {
            let believed = clock.believed.lock().unwrap();
            (believed.machine, believed.at)
        };
        let after = |seconds: u64| steady + Duration::from_secs(seconds);
        let at = |seconds: i64| wall + Millis(seconds * 1000);
        assert_eq!(clock.judge(at(10), after(10)), Look::Steady(at(10)));
        // Put right by a minute: believed.
        assert_eq!(clock.judge(at(80), after(20)), Look::Steady(at(80)));
        for step in [YEAR, Millis(-YEAR.0), Millis(6 * Millis::MINUTE.0)] {
            let machine = at(90) + step;
            let stands = Look::Stepped { stands: at(80), machine, expected: at(90) };
            assert_eq!(clock.judge(machine, after(30)), stands);
        }
        // Back after an hour: time has gone on meanwhile, and the present with it.
        assert_eq!(clock.judge(at(3660), after(3600)), Look::Steady(at(3660)));
    }

    #[test]
    fn a_clock_that_runs_a_little_fast_is_followed() {
        let clock = SteadyClock::new();
        let Believed { machine: wall, at: steady } = *clock.believed.lock().unwrap();
        for look in 1..1000u64 {
            let machine = wall + Millis(i64::try_from(look).unwrap() * 1010);
            assert_eq!(
                clock.judge(machine, steady + Duration::from_secs(look)),
                Look::Steady(machine)
            );
        }
    }
}
