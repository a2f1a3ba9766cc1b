//! Wrong passwords by the address they come from: who guesses waits ever longer.
//!
//! Users are told apart in the cloud; here it does not matter whose password was meant,
//! or whether there is such a user. An address has some wrong passwords for nothing, one
//! of which is forgotten each minute, because many people may share it. Above that each
//! doubles the time until the next try. Counts live in memory.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant as Stopwatch},
};

/// Wrong passwords that cost nothing.
const FREE: u32 = 20;
/// One wrong password is forgotten in this time.
const FORGOTTEN_IN: Duration = Duration::from_secs(60);
/// The longest an address waits.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// Addresses remembered; one more takes the place of the one that was silent the longest.
const ADDRESSES_MAX: usize = 10_000;

/// The wrong passwords of an address.
#[derive(Clone, Copy, Debug)]
struct Guess {
    failures: u32,
    /// The instant the last one was counted or forgotten.
    since: Stopwatch,
    /// The end of its wait.
    until: Stopwatch,
}

/// The counts of all addresses.
#[derive(Default)]
pub(crate) struct Guesses {
    by_address: Mutex<HashMap<IpAddr, Guess>>,
}

impl Guesses {
    /// Tells how long an address has to wait; none if it may try.
    pub(crate) fn wait(&self, address: IpAddr, now: Stopwatch) -> Option<Duration> {
        let guess = self.all().get(&neighbourhood(address)).copied()?;
        let left = guess.until.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    /// Counts a wrong password.
    pub(crate) fn count(&self, address: IpAddr, now: Stopwatch) {
        let address = neighbourhood(address);
        let mut all = self.all();
        if all.len() >= ADDRESSES_MAX && !all.contains_key(&address) {
            all.retain(|_, guess| guess.after(now).failures > 0);
            let oldest = all.iter().min_by_key(|(_, guess)| guess.since).map(|(at, _)| *at);
            if let Some(oldest) = oldest.filter(|_| all.len() >= ADDRESSES_MAX) {
                all.remove(&oldest);
            }
        }
        let guess = all.entry(address).or_insert(Guess { failures: 0, since: now, until: now });
        *guess = guess.after(now);
        guess.failures += 1;
        if let Some(more) = guess.failures.checked_sub(FREE + 1) {
            let seconds = 1u64.checked_shl(more).filter(|_| more < 63).unwrap_or(u64::MAX);
            guess.until = now + Duration::from_secs(seconds).min(WAIT_MAX);
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<IpAddr, Guess>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guess {
    /// Takes off the failures that are forgotten by `now`.
    fn after(self, now: Stopwatch) -> Self {
        let passed = now.saturating_duration_since(self.since);
        let forgotten = u32::try_from(passed.as_secs() / FORGOTTEN_IN.as_secs());
        let forgotten = forgotten.unwrap_or(u32::MAX).min(self.failures);
        let since =
            if self.failures == forgotten { now } else { self.since + FORGOTTEN_IN * forgotten };
        Self { failures: self.failures - forgotten, since, ..self }
    }
}

/// The address that counts: of IPv6 the network, of which everybody has a whole one.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(network))
        }
        short => short,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn an_address_waits_ever_longer_and_is_forgiven() {
        let (guesses, begin) = (Guesses::default(), Stopwatch::now());
        for _ in 0..FREE {
            guesses.count(HOME, begin);
        }
        assert_eq!(guesses.wait(HOME, begin), None);
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            guesses.count(HOME, begin);
            assert_eq!(guesses.wait(HOME, begin), Some(Duration::from_secs(seconds)));
        }
        // Others do not wait, and a minute forgets one.
        assert_eq!(guesses.wait("10.0.0.1".parse().unwrap(), begin), None);
        let later = begin + Duration::from_secs(300);
        assert_eq!(guesses.wait(HOME, later), None);
        guesses.count(HOME, later);
        let (expected, before) = (FREE + 11 - 5 + 1, guesses.all()[&HOME].failures);
        assert_eq!(before, expected);
        let later = later + FORGOTTEN_IN * 60;
        guesses.count(HOME, later);
        let failures = guesses.all()[&HOME].failures;
        assert_eq!((failures, guesses.wait(HOME, later)), (1, None));
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_there_are_never_too_many() {
        let (guesses, begin) = (Guesses::default(), Stopwatch::now());
        for host in 0..=FREE {
            guesses.count(format!("2001:db8::{host:x}").parse().unwrap(), begin);
        }
        assert!(guesses.wait("2001:db8::ffff:1:2:3".parse().unwrap(), begin).is_some());
        assert!(guesses.wait("2001:db8:0:1::1".parse().unwrap(), begin).is_none());
        assert_eq!(neighbourhood("::ffff:127.0.0.1".parse().unwrap()), HOME);
        for number in 0..2 * u32::try_from(ADDRESSES_MAX).unwrap() {
            guesses.count(IpAddr::V4(number.into()), begin);
        }
        assert_eq!(guesses.all().len(), ADDRESSES_MAX);
    }
}
