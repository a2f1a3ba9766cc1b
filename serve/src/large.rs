//! Places for large answers that wait for their readers.
//!
//! A large answer may wait long, so it gives its place among the requests to the next
//! and takes one of these. An account has few of them: somebody who asks and does not
//! read keeps nobody else waiting.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cloudtally_model::ApiError;
use cloudtally_platform::engine::{Caller, ResourceId};

/// Large answers at a time.
const LARGE_MAX: usize = 32;
/// Large answers of one account at a time.
const LARGE_OF_ACCOUNT_MAX: usize = 4;
/// Places that only root admins take.
const LARGE_OF_ROOT: usize = LARGE_OF_ACCOUNT_MAX;
/// Seconds after which it makes sense to ask again.
const RETRY_SECONDS: u64 = 5;

/// Whom an answer is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reader {
    /// None for what is answered to anybody.
    account: Option<ResourceId>,
    is_root: bool,
}

impl From<Caller> for Reader {
    fn from(caller: Caller) -> Self {
        Self { account: Some(caller.account), is_root: caller.is_root() }
    }
}

/// All places.
#[derive(Clone, Debug, Default)]
pub(crate) struct LargeAnswers {
    by_account: Arc<Mutex<HashMap<Option<ResourceId>, usize>>>,
}

impl LargeAnswers {
    /// Takes a place; refuses one that is too many.
    pub(crate) fn take(&self, reader: Reader) -> Result<Place, ApiError> {
        let mut counts = self.all();
        let (own, all) = (counts.get(&reader.account).copied(), counts.values().sum::<usize>());
        let most = if reader.is_root { LARGE_MAX } else { LARGE_MAX - LARGE_OF_ROOT };
        let own = own.unwrap_or_default();
        let refused = |whose: &str, most: usize| {
            Err(ApiError::rate_limit(format!(
                "{whose} {most} large answers are still being read; read them to their ends, or ask for pages of fewer items, and retry after {RETRY_SECONDS} s"
            ))
            .after(RETRY_SECONDS))
        };
        if own >= LARGE_OF_ACCOUNT_MAX {
            return refused("Your account's", LARGE_OF_ACCOUNT_MAX);
        }
        if all >= most {
            return refused("All", most);
        }
        counts.insert(reader.account, own + 1);
        Ok(Place { of: self.clone(), account: reader.account })
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Option<ResourceId>, usize>> {
        self.by_account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    of: LargeAnswers,
    account: Option<ResourceId>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.of.all();
        if let Some(count) = counts.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(account: u64, is_root: bool) -> Reader {
        Reader { account: Some(ResourceId(account)), is_root }
    }

    #[test]
    fn an_account_has_few_places_and_gets_them_back() {
        let large = LargeAnswers::default();
        let mut held: Vec<Place> =
            (0..LARGE_OF_ACCOUNT_MAX).map(|_| large.take(reader(1, false)).unwrap()).collect();
        let refused = large.take(reader(1, false)).unwrap_err();
        assert_eq!((refused.code.status(), refused.retry_after), (429, Some(RETRY_SECONDS)));
        held.push(large.take(reader(2, false)).unwrap());
        held.remove(0);
        held.push(large.take(reader(1, false)).unwrap());
        drop(held);
        assert!(large.all().is_empty());
    }

    #[test]
    fn root_admins_have_places_that_nobody_else_takes() {
        let large = LargeAnswers::default();
        let mut held = Vec::new();
        for account in 0..100 {
            held.extend(large.take(reader(account, false)));
        }
        assert_eq!(held.len(), LARGE_MAX - LARGE_OF_ROOT);
        for _ in 0..LARGE_OF_ROOT {
            held.push(large.take(reader(1000, true)).unwrap());
        }
        assert!(large.take(reader(1001, true)).is_err());
    }
}
