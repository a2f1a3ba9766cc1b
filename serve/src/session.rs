//! Sessions: who has logged in, until they log out or say nothing for too long.
//!
//! They live in memory only: after a restart people log in again. A session is
//! known by the cookie, and each call proves by the session key, which only the
//! page that logged in knows, that it was not another page that sent the cookie.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant as Stopwatch},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use cloudtally_model::ApiError;
use cloudtally_platform::engine::{Entropy, ResourceId};
use subtle::ConstantTimeEq;

/// Sessions kept at a time; one more ends the one that is silent the longest.
const SESSIONS_MAX: usize = 20_000;
/// Random bytes of a session's id, shown in hexadecimal.
const ID_BYTES: usize = 16;
/// Random bytes of a session key, shown in Base64.
const KEY_BYTES: usize = 20;

/// All open sessions.
#[derive(Default)]
pub(crate) struct Sessions {
    by_id: Mutex<HashMap<String, Session>>,
}

struct Session {
    key: String,
    user: ResourceId,
    /// Number of times the cloud had ended the user's sessions before.
    ended: i64,
    used: Stopwatch,
}

/// The ids of a new session.
#[derive(Debug)]
pub(crate) struct Opened {
    /// For the cookie.
    pub(crate) id: String,
    /// For the parameter `sessionkey`.
    pub(crate) key: String,
}

impl Sessions {
    /// Opens a session of a user whose sessions were ended so often before.
    pub(crate) fn open(
        &self,
        (user, ended): (ResourceId, i64),
        timeout: Duration,
        entropy: Entropy,
    ) -> Result<Opened, ApiError> {
        let (mut id, mut key) = ([0; ID_BYTES], [0; KEY_BYTES]);
        entropy(&mut id)?;
        entropy(&mut key)?;
        let id: String = id.iter().map(|byte| format!("{byte:02X}")).collect();
        let key = BASE64_STANDARD.encode(key);
        let mut sessions = self.all();
        if sessions.len() >= SESSIONS_MAX {
            sessions.retain(|_, session| session.used.elapsed() < timeout);
        }
        while sessions.len() >= SESSIONS_MAX {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.used);
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else { break };
            sessions.remove(&oldest);
        }
        let session = Session { key: key.clone(), user, ended, used: Stopwatch::now() };
        sessions.insert(id.clone(), session);
        Ok(Opened { id, key })
    }

    /// The user of a session, and how often the user's sessions had been ended when it
    /// was opened. Too long a silence ends it; a wrong key does not, for any page can send one.
    pub(crate) fn user(&self, id: &str, key: &str, timeout: Duration) -> Option<(ResourceId, i64)> {
        let mut sessions = self.all();
        let session = sessions.get_mut(id)?;
        if session.used.elapsed() >= timeout {
            sessions.remove(id);
            return None;
        }
        let is_right: bool = session.key.as_bytes().ct_eq(key.as_bytes()).into();
        if !is_right {
            return None;
        }
        session.used = Stopwatch::now();
        Some((session.user, session.ended))
    }

    /// Ends a session; tells whose it was.
    pub(crate) fn end(&self, id: &str) -> Option<ResourceId> {
        self.all().remove(id).map(|session| session.user)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entropy(bytes: &mut [u8]) -> Result<(), ApiError> {
        getrandom::fill(bytes).map_err(|e| ApiError::runtime(e.to_string()))
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_session_is_known_by_both_its_halves() {
        let sessions = Sessions::default();
        let one = sessions.open((ResourceId(1), 0), LONG, entropy).unwrap();
        let two = sessions.open((ResourceId(2), 0), LONG, entropy).unwrap();
        assert_eq!(sessions.user(&one.id, &one.key, LONG), Some((ResourceId(1), 0)));
        assert_eq!(sessions.user("", "", LONG), None);
        assert_eq!(sessions.user(&one.id, &two.key, LONG), None);
        assert_eq!(sessions.user(&one.id, &one.key, LONG), Some((ResourceId(1), 0)), "it goes on");
        assert_eq!(sessions.user(&two.id, &two.key, LONG), Some((ResourceId(2), 0)));
        assert_eq!(sessions.end(&two.id), Some(ResourceId(2)));
        assert_eq!(sessions.end(&two.id), None);
    }

    #[test]
    fn silence_ends_it() {
        let sessions = Sessions::default();
        let one = sessions.open((ResourceId(1), 0), LONG, entropy).unwrap();
        assert_eq!(sessions.user(&one.id, &one.key, Duration::ZERO), None);
        assert_eq!(sessions.user(&one.id, &one.key, LONG), None);
    }

    #[test]
    fn there_are_never_more_than_so_many() {
        let sessions = Sessions::default();
        let first = sessions.open((ResourceId(1), 0), LONG, entropy).unwrap();
        for _ in 0..SESSIONS_MAX {
            sessions.open((ResourceId(2), 0), LONG, entropy).unwrap();
        }
        assert_eq!(sessions.all().len(), SESSIONS_MAX);
        assert_eq!(sessions.user(&first.id, &first.key, LONG), None);
    }
}
