//! A limit on the calls of an account in an interval, `api.throttling.*`.
//!
//! An account's interval begins with its first call; every call counts, also
//! those that are refused. Counts live in memory, as those of the real server.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant as Stopwatch},
};

use cloudtally_model::ApiError;
use cloudtally_platform::engine::{ResourceId, World};

/// The settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) enabled: bool,
    interval: Duration,
    max: u64,
    accounts_max: usize,
}

impl Limits {
    /// The settings of a cloud.
    pub(crate) fn of(world: &World) -> Self {
        let number = |name| world.setting_number(name).unsigned_abs();
        Self {
            enabled: world.setting_flag("api.throttling.enabled"),
            interval: Duration::from_secs(number("api.throttling.interval")),
            max: number("api.throttling.max"),
            accounts_max: usize::try_from(number("api.throttling.cachesize")).unwrap_or(usize::MAX),
        }
    }
}

/// Calls of an account since `began`.
#[derive(Clone, Copy, Debug)]
struct Window {
    began: Stopwatch,
    calls: u64,
}

/// The use of an account's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) issued: u64,
    pub(crate) allowed: u64,
    pub(crate) expires_after_ms: u64,
}

/// The counts of all accounts.
#[derive(Default)]
pub(crate) struct Throttle {
    windows: Mutex<HashMap<ResourceId, Window>>,
}

impl Throttle {
    /// Counts a call; refuses it if it is one too many.
    pub(crate) fn count(&self, limits: Limits, account: ResourceId) -> Result<(), ApiError> {
        let now = Stopwatch::now();
        let mut windows = self.all();
        if windows.len() >= limits.accounts_max && !windows.contains_key(&account) {
            windows.retain(|_, window| now - window.began < limits.interval);
            // So many at once: those who began first begin anew.
            let oldest = windows.iter().min_by_key(|(_, window)| window.began).map(|(id, _)| *id);
            if let Some(oldest) = oldest.filter(|_| windows.len() >= limits.accounts_max) {
                windows.remove(&oldest);
            }
        }
        let window = windows.entry(account).or_insert(Window { began: now, calls: 0 });
        if now - window.began >= limits.interval {
            *window = Window { began: now, calls: 0 };
        }
        window.calls += 1;
        if window.calls <= limits.max {
            return Ok(());
        }
        let left_ms = (limits.interval - (now - window.began)).as_millis();
        Err(ApiError::rate_limit(format!(
            "The given user has reached his/her account api limit of {} calls in {} s, please retry after {left_ms} ms",
            limits.max,
            limits.interval.as_secs()
        ))
        .after(u64::try_from(left_ms.div_ceil(1000)).unwrap_or(u64::MAX)))
    }

    /// Returns the use of an account's limit.
    pub(crate) fn standing(&self, limits: Limits, account: ResourceId) -> Standing {
        let windows = self.all();
        let window = windows.get(&account).map(|window| (window.began.elapsed(), window.calls));
        let (age, issued) =
            window.filter(|(age, _)| *age < limits.interval).unwrap_or((Duration::ZERO, 0));
        let left = limits.interval - age;
        Standing {
            issued,
            allowed: limits.max.saturating_sub(issued),
            expires_after_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Sets the count of an account, or of all, back to zero.
    pub(crate) fn reset(&self, account: Option<ResourceId>) {
        let mut windows = self.all();
        match account {
            Some(account) => drop(windows.remove(&account)),
            None => windows.clear(),
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<ResourceId, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { enabled: true, interval: Duration::from_secs(3600), max: 2, accounts_max: 3 };

    #[test]
    fn one_call_too_many_is_refused_and_counted() {
        let throttle = Throttle::default();
        let (one, other) = (ResourceId(1), ResourceId(2));
        assert_eq!(throttle.standing(LIMITS, one).allowed, 2);
        for _ in 0..2 {
            throttle.count(LIMITS, one).unwrap();
        }
        let refused = throttle.count(LIMITS, one).unwrap_err();
        assert_eq!(refused.code.status(), 429);
        assert!(refused.text.contains("retry after"), "{}", refused.text);
        let standing = throttle.standing(LIMITS, one);
        assert_eq!((standing.issued, standing.allowed), (3, 0));
        assert!(standing.expires_after_ms <= 3_600_000);
        throttle.count(LIMITS, other).unwrap();
        throttle.reset(Some(one));
        throttle.count(LIMITS, one).unwrap();
        assert_eq!(throttle.standing(LIMITS, other).issued, 1);
        throttle.reset(None);
        assert_eq!(throttle.standing(LIMITS, other).issued, 0);
    }

    #[test]
    fn an_interval_that_is_over_counts_no_more() {
        let throttle = Throttle::default();
        let limits = Limits { interval: Duration::ZERO, ..LIMITS };
        for _ in 0..9 {
            throttle.count(limits, ResourceId(1)).unwrap();
        }
    }

    #[test]
    fn no_more_accounts_than_the_cache_holds() {
        let throttle = Throttle::default();
        for account in 0..100 {
            throttle.count(LIMITS, ResourceId(account)).unwrap();
        }
        assert_eq!(throttle.all().len(), 3);
    }
}
