//! Passwords and keys.
//!
//! Passwords are kept as Argon2 hashes of their MD5 digests, because clients may send
//! either at login: user interfaces can be set to digest what is typed. Hashing is
//! slow on purpose, so it happens before the cloud is locked: [`prepare`] replaces the
//! parameters that are passwords by their hashes.

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier, password_hash::SaltString};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use cloudtally_model::ApiError;
use md5::{Digest, Md5};

use super::decode::RawParams;
use crate::table::{Command, ParamType};

/// Random bytes in a key; 86 characters in Base64, as real keys have.
const KEY_BYTES: usize = 64;
const SALT_BYTES: usize = 16;

/// Where random bytes come from that nobody must guess.
pub type Entropy = fn(&mut [u8]) -> Result<(), ApiError>;

/// The hash of a password.
pub fn hash(password: &str, entropy: Entropy) -> Result<String, ApiError> {
    let mut salt = [0; SALT_BYTES];
    entropy(&mut salt)?;
    let salt = SaltString::encode_b64(&salt)
        .map_err(|cause| ApiError::runtime(format!("cannot make a salt: {cause}")))?;
    let hash = Argon2::default().hash_password(digest(password).as_bytes(), &salt);
    hash.map(|hash| hash.to_string())
        .map_err(|cause| ApiError::runtime(format!("cannot hash a password: {cause}")))
}

/// Whether a password, or its MD5 digest, is the one that was hashed.
pub fn is_password(given: &str, hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    // What was hashed without a digest in between is right as it is, too.
    [digest(given).as_str(), given]
        .into_iter()
        .any(|tried| Argon2::default().verify_password(tried.as_bytes(), &hash).is_ok())
}

/// The MD5 digest of a password in lower-case hexadecimal digits, as clients send it.
fn digest(password: &str) -> String {
    Md5::digest(password).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A key that nobody can guess.
pub fn key(entropy: Entropy) -> Result<String, ApiError> {
    let mut bytes = [0; KEY_BYTES];
    entropy(&mut bytes)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Characters of the passwords that machines get: none that look alike.
const PASSWORD_CHARS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
const PASSWORD_LENGTH: usize = 10;

/// A password for a machine.
pub fn password(entropy: Entropy) -> Result<String, ApiError> {
    let mut bytes = [0; PASSWORD_LENGTH];
    entropy(&mut bytes)?;
    let char_of = |byte: u8| char::from(PASSWORD_CHARS[usize::from(byte) % PASSWORD_CHARS.len()]);
    Ok(bytes.into_iter().map(char_of).collect())
}

/// A machine's password as it is kept. The simulated machines have no key to
/// encrypt it with, so this only keeps it from being read in passing.
pub fn sealed(password: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(password)
}

/// Replaces passwords among the parameters by their hashes.
pub fn prepare(
    command: &Command,
    params: &mut RawParams,
    entropy: Entropy,
) -> Result<(), ApiError> {
    for (name, value) in params.iter_mut() {
        let Some(param) = command.param(name) else { continue };
        if param.ty == ParamType::Password && !value.is_empty() {
            let most = usize::try_from(param.length_max).unwrap_or(usize::MAX);
            if value.chars().count() > most {
                let expected = format!("expected at most {most} characters");
                return Err(super::decode::invalid(command, param.name, "***", &expected));
            }
            *value = hash(value, entropy)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_kept_without_a_digest_are_still_right() {
        let salt = SaltString::encode_b64(&[7; SALT_BYTES]).unwrap();
        let kept = Argon2::default().hash_password(b"pass word", &salt).unwrap().to_string();
        assert!(is_password("pass word", &kept));
        assert!(!is_password("pass  word", &kept));
    }
}
