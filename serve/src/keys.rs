//! The root admin's API keys.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use cloudtally_platform::engine::secret;
use cloudtally_store::{AdminKeys, StoreError, Writer};
use thiserror::Error;

/// Names the environment can give the keys under.
const API_KEY_VARIABLE: &str = "CLOUDTALLY_ADMIN_API_KEY";
const SECRET_KEY_VARIABLE: &str = "CLOUDTALLY_ADMIN_SECRET_KEY";
/// Random bytes in a key; 86 characters in Base64, as real keys have.
const KEY_BYTES: usize = 64;

/// The origin of the keys in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// They were there.
    Stored,
    /// From the environment.
    Environment,
    /// Made just now; the only time they are shown unasked.
    Generated,
}

/// An error that leaves a cloud without keys.
#[derive(Debug, Error)]
pub enum KeyError {
    /// Only one of the pair is set.
    #[error("`{set}` is set but `{missing}` is not; set both or neither")]
    HalfSet {
        /// The variable that is set.
        set: &'static str,
        /// The variable that is not.
        missing: &'static str,
    },
    /// One of them could be guessed.
    #[error("{0}")]
    Short(String),
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes for new keys: {0}")]
    NoRandomness(getrandom::Error),
    /// The folder failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The keys in force: those of the environment if set, else those stored, else new ones.
pub fn ensure_admin_keys(writer: &Writer) -> Result<(AdminKeys, KeyOrigin), KeyError> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let stored = writer.admin_keys()?;
    let (keys, origin) = match (variable(API_KEY_VARIABLE), variable(SECRET_KEY_VARIABLE)) {
        (Some(api_key), Some(secret_key)) => {
            (AdminKeys { api_key, secret_key }, KeyOrigin::Environment)
        }
        (Some(_), None) => {
            return Err(KeyError::HalfSet { set: API_KEY_VARIABLE, missing: SECRET_KEY_VARIABLE });
        }
        (None, Some(_)) => {
            return Err(KeyError::HalfSet { set: SECRET_KEY_VARIABLE, missing: API_KEY_VARIABLE });
        }
        (None, None) => match &stored {
            Some(keys) => return Ok((keys.clone(), KeyOrigin::Stored)),
            None => (generate()?, KeyOrigin::Generated),
        },
    };
    if stored.as_ref() != Some(&keys) {
        secret::check_key(API_KEY_VARIABLE, &keys.api_key).map_err(KeyError::Short)?;
        secret::check_key(SECRET_KEY_VARIABLE, &keys.secret_key).map_err(KeyError::Short)?;
        writer.set_admin_keys(&keys)?;
    }
    Ok((keys, origin))
}

/// Makes and stores new keys; the old ones stop working at once.
pub fn new_admin_keys(writer: &Writer) -> Result<AdminKeys, KeyError> {
    let keys = generate()?;
    writer.set_admin_keys(&keys)?;
    Ok(keys)
}

fn generate() -> Result<AdminKeys, KeyError> {
    let key = || {
        let mut bytes = [0u8; KEY_BYTES];
        getrandom::fill(&mut bytes).map_err(KeyError::NoRandomness)?;
        Ok::<_, KeyError>(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    };
    Ok(AdminKeys { api_key: key()?, secret_key: key()? })
}
