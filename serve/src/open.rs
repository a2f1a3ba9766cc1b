//! The cloud of a folder, opened or begun.

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use cloudtally_model::{ApiError, Instant, Millis, port::JournalError};
use cloudtally_platform::{
    col,
    engine::{
        Answer, CLOCK_MS, Clock, Cloud, CloudOptions, IS_SIMULATED, Start, own_users, secret,
    },
};
use cloudtally_store::{AdminKeys, LockWait, Store, StoreError};
use thiserror::Error;

use crate::clock;

/// The root admin's password of a new cloud.
const PASSWORD_VARIABLE: &str = "CLOUDTALLY_ADMIN_PASSWORD";
/// Random bytes in a password that we make.
const PASSWORD_BYTES: usize = 15;
/// Time that a server that is just ending may take to let go of its cloud.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The beginning of a cloud that is not there yet.
#[derive(Clone, Copy, Debug)]
pub struct NewCloud {
    /// Its first content.
    pub start: Start,
    /// The seed of its uuids; random unless given.
    pub seed: Option<u64>,
}

/// The clock of a cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The machine's.
    Real,
    /// One of its own.
    Simulated {
        /// Speed against the machine's clock; 0 stands still.
        speed: u32,
        /// The first instant of a new cloud; one that is there goes on from where it stopped.
        start: Instant,
    },
}

/// A cloud, ready to be served.
pub struct OpenedCloud {
    /// The cloud.
    pub cloud: Arc<Cloud>,
    /// Its present.
    pub clock: Arc<Clock>,
    /// The origin of the root admin's password.
    pub password: AdminPassword,
}

/// The origin of the root admin's password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminPassword {
    /// The cloud was there; its password stays.
    Kept,
    /// From the environment.
    Environment,
    /// Made just now; this is the only time it is known.
    Generated(String),
}

/// An error in opening a cloud.
#[derive(Debug, Error)]
pub enum CloudError {
    /// It cannot be read or kept.
    #[error("cannot open the cloud of the folder")]
    Journal(#[source] JournalError),
    /// The root admin cannot be set up.
    #[error("cannot set up the root admin: {0}")]
    Admin(#[from] ApiError),
    /// Its time is not the machine's.
    #[error(
        "the cloud of the folder lives by a simulated clock, which shows {stored}; serve it with `--clock sim` (`--speed 0` lets it stand)"
    )]
    LivesSimulated {
        /// Its time.
        stored: Instant,
    },
    /// Its time is the machine's.
    #[error(
        "the cloud of the folder lives by the real clock; serve it without `--clock sim`, or simulate in another folder (`--data DIR`)"
    )]
    LivesReal,
    /// The cloud has lived until a later time than the machine's.
    #[error(
        "the cloud of the folder has lived until {stored}, which is after the present; put the machine's clock right, or if that was wrong before, look at what `cloudtally repair-clock --to INSTANT` would set back"
    )]
    Ahead {
        /// The last moment it has lived.
        stored: Instant,
    },
    /// The folder failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The most by which the time of a cloud on the real clock may be ahead of the machine's:
/// machines' clocks are put right.
const AHEAD_MAX: Millis = Millis(10 * Millis::MINUTE.0);

/// Opens the cloud of a folder, or begins one. `keys` are the root admin's.
pub fn open_cloud(
    store: &Store,
    new: NewCloud,
    pace: Pace,
    keys: &AdminKeys,
) -> Result<OpenedCloud, CloudError> {
    let journal = store.journal(LockWait { limit: LOCK_WAIT, on_wait: &mut || {} })?;
    let seed = match new.seed {
        Some(seed) => seed,
        None => {
            let mut bytes = [0; 8];
            entropy(&mut bytes)?;
            u64::from_le_bytes(bytes)
        }
    };
    // The present of the cloud, by the clock it began with: on another one it would
    // have, at a stroke, months of use that nobody had.
    let wall = clock::now();
    let stored = store.cloud_number(CLOCK_MS)?.map(Instant::from_millis);
    let is_simulated = matches!(pace, Pace::Simulated { .. });
    if let (Some(stored), Some(kept)) = (stored, store.cloud_number(IS_SIMULATED)?) {
        match (kept != 0, is_simulated) {
            (true, false) => return Err(CloudError::LivesSimulated { stored }),
            (false, true) => return Err(CloudError::LivesReal),
            _ => {}
        }
    }
    let clock = match pace {
        Pace::Real => match stored.filter(|stored| *stored > wall + AHEAD_MAX) {
            Some(stored) => return Err(CloudError::Ahead { stored }),
            None => Clock::real(),
        },
        Pace::Simulated { speed, start } => Clock::simulated(speed, stored.unwrap_or(start), wall),
    };
    let options = CloudOptions { seed, start: new.start, is_simulated, entropy };
    let now = clock.now(wall);
    let cloud = Cloud::open(&cloudtally_platform::TABLES, Box::new(journal), options, now)
        .map_err(CloudError::Journal)?;
    let password = set_up_admin(&cloud, keys, now)?;
    Ok(OpenedCloud { cloud: Arc::new(cloud), clock: Arc::new(clock), password })
}

/// Gives the root admin the folder's keys, and a password where it has none.
fn set_up_admin(cloud: &Cloud, keys: &AdminKeys, now: Instant) -> Result<AdminPassword, ApiError> {
    let world = cloud.world();
    let has_password =
        !world.resource(own_users::admin_user(&world)).text(col::PASSWORD_HASH).is_empty();
    drop(world);
    let from_environment = std::env::var(PASSWORD_VARIABLE).ok().filter(|text| !text.is_empty());
    let (password, origin) = match (has_password, from_environment) {
        (true, _) => (None, AdminPassword::Kept),
        (false, Some(password)) => (Some(password), AdminPassword::Environment),
        (false, None) => {
            let mut bytes = [0; PASSWORD_BYTES];
            entropy(&mut bytes)?;
            let password = BASE64_URL_SAFE_NO_PAD.encode(bytes);
            (Some(password.clone()), AdminPassword::Generated(password))
        }
    };
    if let (AdminPassword::Environment, Some(password)) = (&origin, &password) {
        secret::check_password(PASSWORD_VARIABLE, password).map_err(ApiError::value)?;
    }
    let hash = password.map(|password| secret::hash(&password, entropy)).transpose()?;
    let keys = keys.clone();
    cloud.change(now, move |tx| {
        let admin = own_users::admin_user(tx);
        tx.edit(admin, |user| {
            user.set_text(col::API_KEY, &keys.api_key)
                .set_text(col::USER_SECRET_KEY, &keys.secret_key);
            if let Some(hash) = &hash {
                user.set_text(col::PASSWORD_HASH, hash);
            }
        });
        Ok(Answer::Success)
    })?;
    Ok(origin)
}

/// Bytes nobody can guess, from the operating system.
pub(crate) fn entropy(bytes: &mut [u8]) -> Result<(), ApiError> {
    getrandom::fill(bytes)
        .map_err(|e| ApiError::runtime(format!("the system gave no random bytes: {e}")))
}
