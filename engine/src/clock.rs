//! The cloud's own time.
//!
//! The life of the cloud (delays, schedules, expunging, the usage job) goes by this
//! clock. The real one is the machine's; a simulated one begins where it is told to
//! and goes `speed` times as fast, or with speed 0 only where it is moved to.
//!
//! A clock reads no time itself: whoever asks says what the machine's clock shows
//! (`wall`), so that a test can say anything. It never goes back, not even if the
//! machine's clock does. A simulated clock goes on after a restart from the time of
//! the last change ([`super::Cloud::clock`]).
//!
//! A simulated clock does not run away from the life of the cloud: it stands at what is
//! due next until that has happened ([`Clock::go_until`]), so `speed` is what it reaches
//! on a machine that keeps up. Otherwise whoever calls while the cloud is behind would
//! act days before resources that were due earlier.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use cloudtally_model::{Instant, Millis};
use thiserror::Error;

/// The clock of the cloud.
#[derive(Debug)]
pub enum Clock {
    /// The instant that the machine's clock shows.
    Real(Real),
    /// A time of its own.
    Simulated(Simulated),
}

/// The machine's clock, but that it never goes back.
#[derive(Debug, Default)]
pub struct Real(Mutex<Option<Instant>>);

/// A clock that goes faster than the machine's, or stands still.
#[derive(Debug)]
pub struct Simulated {
    /// Simulated seconds a second; 0 stands still.
    speed: u32,
    base: Mutex<Base>,
}

/// A moment of which both times are known.
#[derive(Clone, Copy, Debug)]
struct Base {
    wall: Instant,
    simulated: Instant,
    /// The instant at which it stands until all that is due there has happened.
    until: Option<Instant>,
}

/// Why a clock was not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ClockError {
    /// Nobody moves the real time.
    #[error(
        "the clock shows the real time and cannot be moved; serve with `--clock sim` to move it"
    )]
    Real,
    /// Time goes on, not back.
    #[error("the clock shows {now} already and cannot go back to {to}; give a later time")]
    Back {
        /// The instant that the clock shows.
        now: Instant,
        /// The instant it was to go to.
        to: Instant,
    },
}

impl Clock {
    /// The machine's clock.
    pub fn real() -> Self {
        Self::Real(Real::default())
    }

    /// A simulated clock that shows `start` while the machine's shows `wall`, and stands
    /// there until it is told how far it goes.
    pub fn simulated(speed: u32, start: Instant, wall: Instant) -> Self {
        Self::Simulated(Simulated {
            speed,
            base: Mutex::new(Base { wall, simulated: start, until: Some(start) }),
        })
    }

    /// The instant it shows while the machine's clock shows `wall`.
    pub fn now(&self, wall: Instant) -> Instant {
        match self {
            Self::Real(Real(last)) => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                let now = last.map_or(wall, |last| last.max(wall));
                *last = Some(now);
                now
            }
            Self::Simulated(clock) => clock.go_on(&mut clock.held(), wall),
        }
    }

    /// Moves a simulated clock on.
    ///
    /// # Errors
    /// `Real` for the real clock, `Back` if it shows a later time already.
    pub fn advance_to(&self, to: Instant, wall: Instant) -> Result<(), ClockError> {
        let Self::Simulated(clock) = self else { return Err(ClockError::Real) };
        let mut base = clock.held();
        let now = clock.go_on(&mut base, wall);
        if to < now {
            return Err(ClockError::Back { now, to });
        }
        let until = base.until.map(|until| until.max(to));
        *base = Base { wall: base.wall.max(wall), simulated: to, until };
        Ok(())
    }

    /// Says how far a simulated clock goes by itself: up to what is due next, which has
    /// to happen before it is told anew. None lets it go on.
    pub fn go_until(&self, next: Option<Instant>, wall: Instant) {
        let Self::Simulated(clock) = self else { return };
        let mut base = clock.held();
        clock.go_on(&mut base, wall);
        base.until = next;
    }

    /// The time by the machine's clock until it shows `at`; none if it never will by
    /// itself.
    pub fn wait_until(&self, at: Instant, wall: Instant) -> Option<Duration> {
        let left_ms = u64::try_from(at.since(self.now(wall)).0).unwrap_or(0);
        match self {
            Self::Real(_) => Some(Duration::from_millis(left_ms)),
            Self::Simulated(_) if left_ms == 0 => Some(Duration::ZERO),
            Self::Simulated(clock) if clock.speed == 0 => None,
            Self::Simulated(clock) => {
                Some(Duration::from_millis(left_ms.div_ceil(u64::from(clock.speed))))
            }
        }
    }
}

impl Simulated {
    fn held(&self) -> std::sync::MutexGuard<'_, Base> {
        self.base.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the moment of which both times are known up to `wall`.
    fn go_on(&self, base: &mut Base, wall: Instant) -> Instant {
        // A machine's clock that is set back lets the simulated one stand for a while.
        if wall > base.wall {
            let elapsed = wall.since(base.wall).0.saturating_mul(i64::from(self.speed));
            let until = base.until.unwrap_or(Instant::END_OF_TIME).max(base.simulated);
            base.simulated = until.min(base.simulated + Millis(elapsed));
            base.wall = wall;
        }
        base.simulated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Instant {
        Instant::from_millis(ms)
    }

    #[test]
    fn the_real_clock_follows_the_machine_but_never_back() {
        let clock = Clock::real();
        assert_eq!(clock.now(at(1_000)), at(1_000));
        assert_eq!(clock.now(at(900)), at(1_000));
        assert_eq!(clock.now(at(1_100)), at(1_100));
        assert_eq!(clock.advance_to(at(5_000), at(1_100)), Err(ClockError::Real));
        assert_eq!(clock.wait_until(at(1_250), at(1_100)), Some(Duration::from_millis(150)));
        assert_eq!(clock.wait_until(at(100), at(1_100)), Some(Duration::ZERO));
    }

    #[test]
    fn a_simulated_clock_goes_as_many_times_as_fast() {
        let clock = Clock::simulated(3_600, at(1_000_000), at(50));
        assert_eq!(clock.now(at(50)), at(1_000_000));
        clock.go_until(None, at(50));
        assert_eq!(clock.now(at(1_050)), at(4_600_000));
        assert_eq!(clock.now(at(60)), at(4_600_000), "the machine's clock was set back");
        // 3.6 s a millisecond, so the last one is begun.
        assert_eq!(
            clock.wait_until(at(4_600_000 + 3_601), at(1_050)),
            Some(Duration::from_millis(2))
        );
        clock.advance_to(at(9_000_000), at(1_050)).unwrap();
        assert_eq!(clock.now(at(1_051)), at(9_003_600));
    }

    #[test]
    fn a_simulated_clock_waits_for_what_is_due() {
        let clock = Clock::simulated(1_000, at(0), at(0));
        assert_eq!(clock.now(at(2)), at(0), "nothing is known to have happened");
        clock.go_until(Some(at(5_000)), at(2));
        assert_eq!(clock.now(at(4)), at(2_000));
        assert_eq!(clock.now(at(100)), at(5_000));
        // What was due took until 110: that time is not made up for.
        clock.go_until(Some(at(90_000)), at(110));
        assert_eq!(clock.now(at(111)), at(6_000));
        clock.advance_to(at(200_000), at(112)).unwrap();
        assert_eq!(clock.now(at(113)), at(200_000), "whoever moves it says what is due next");
        clock.go_until(None, at(113));
        assert_eq!(clock.now(at(114)), at(201_000));
        clock.go_until(Some(at(1_000)), at(114));
        assert_eq!(clock.now(at(120)), at(201_000), "never back");
    }

    #[test]
    fn with_speed_0_it_stands_until_it_is_moved() {
        let clock = Clock::simulated(0, at(1_000), at(0));
        assert_eq!(clock.now(at(1 << 40)), at(1_000));
        assert_eq!(clock.wait_until(at(1_001), at(0)), None);
        assert_eq!(clock.wait_until(at(1_000), at(0)), Some(Duration::ZERO));
        clock.advance_to(at(1_500), at(7)).unwrap();
        assert_eq!(clock.now(at(8)), at(1_500));
        let back = clock.advance_to(at(1_499), at(9)).unwrap_err();
        assert_eq!(back, ClockError::Back { now: at(1_500), to: at(1_499) });
        assert!(back.to_string().contains("cannot go back"), "{back}");
        clock.advance_to(at(1_500), at(9)).unwrap();
    }
}
