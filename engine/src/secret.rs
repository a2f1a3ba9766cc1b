//! Passwords and keys.
//!
//! Passwords are kept as Argon2 hashes of their MD5 digests, because clients may send
//! either at login: user interfaces can be set to digest what is typed. Hashing is
//! slow on purpose, so it happens before the cloud is locked: [`prepare`] replaces the
//! parameters that are passwords by their hashes.
//!
//! A hash works on 19 MiB. The buffers are a fixed pool and are used again: memory that
//! every thread took and gave back would stay behind in the allocator, once a thread.

use std::{
    sync::{Condvar, LazyLock, Mutex, PoisonError},
    thread,
};

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::{Output, Salt, SaltString},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use cloudtally_model::ApiError;
use md5::{Digest, Md5};

use super::decode::RawParams;
use crate::table::{Command, ParamType};

/// Random bytes in a key; 86 characters in Base64, as real keys have.
const KEY_BYTES: usize = 64;
const SALT_BYTES: usize = 16;

/// The source of random bytes that nobody must guess.
pub type Entropy = fn(&mut [u8]) -> Result<(), ApiError>;

/// Characters that a password has at least.
pub const PASSWORD_CHARS_MIN: usize = 6;
/// Characters that an API key and a secret key have at least, where people choose them.
pub const KEY_CHARS_MIN: usize = 16;
/// Buffers at most, on machines with more cores, too.
const BUFFERS_MAX: usize = 4;

/// Buffers that passwords are hashed in; who finds none waits for one.
struct Buffers {
    free: Mutex<Vec<Vec<Block>>>,
    freed: Condvar,
    count: usize,
}

static BUFFERS: LazyLock<Buffers> = LazyLock::new(|| {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let count = cores.min(BUFFERS_MAX);
    // Their memory is taken when they are first used.
    Buffers { free: Mutex::new(vec![Vec::new(); count]), freed: Condvar::new(), count }
});

/// Tells how many passwords are hashed at a time: as many as there are cores, and at
/// most four.
pub fn hashed_at_a_time() -> usize {
    BUFFERS.count
}

/// Lends a buffer of so many blocks.
fn with_buffer<T>(blocks: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
    let pool = &*BUFFERS;
    let free = pool.free.lock().unwrap_or_else(PoisonError::into_inner);
    let mut free =
        pool.freed.wait_while(free, |free| free.is_empty()).unwrap_or_else(PoisonError::into_inner);
    let buffer = free.pop().unwrap_or_default();
    drop(free);
    let mut lent = Lent(buffer);
    if lent.0.len() < blocks {
        lent.0.resize(blocks, Block::new());
    }
    work(&mut lent.0)
}

/// A buffer that goes back to the pool, also when its borrower breaks off.
struct Lent(Vec<Block>);

impl Drop for Lent {
    fn drop(&mut self) {
        let mut free = BUFFERS.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(std::mem::take(&mut self.0));
        drop(free);
        BUFFERS.freed.notify_one();
    }
}

/// Hashes a text in a buffer of the pool.
fn hashed(text: &str, salt: Salt<'_>, how: &Argon2<'_>) -> argon2::password_hash::Result<Output> {
    let mut bytes = [0; Salt::MAX_LENGTH];
    let salt = salt.decode_b64(&mut bytes)?;
    let length = how.params().output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    with_buffer(how.params().block_count(), |blocks| {
        Output::init_with(length, |out| {
            Ok(how.hash_password_into_with_memory(text.as_bytes(), salt, out, blocks)?)
        })
    })
}

/// The hash of a password.
pub fn hash(password: &str, entropy: Entropy) -> Result<String, ApiError> {
    let mut salt = [0; SALT_BYTES];
    entropy(&mut salt)?;
    let salt = SaltString::encode_b64(&salt)
        .map_err(|cause| ApiError::runtime(format!("cannot make a salt: {cause}")))?;
    hash_of(&digest(password), &salt)
        .map_err(|cause| ApiError::runtime(format!("cannot hash a password: {cause}")))
}

fn hash_of(text: &str, salt: &SaltString) -> argon2::password_hash::Result<String> {
    let how = Argon2::default();
    let hash = PasswordHash {
        algorithm: Algorithm::default().ident(),
        version: Some(Version::default().into()),
        params: how.params().try_into()?,
        salt: Some(salt.as_salt()),
        hash: Some(hashed(text, salt.as_salt(), &how)?),
    };
    Ok(hash.to_string())
}

/// Tells whether a password, or its MD5 digest, is the one that was hashed.
pub fn is_password(given: &str, hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    // What was hashed without a digest in between is right as it is, too.
    [digest(given).as_str(), given].into_iter().any(|tried| is_hash_of(tried, &hash))
}

fn is_hash_of(text: &str, hash: &PasswordHash<'_>) -> bool {
    let (Some(salt), Some(expected)) = (hash.salt, &hash.hash) else { return false };
    let version = hash.version.map_or(Ok(Version::default()), Version::try_from);
    let (Ok(algorithm), Ok(version), Ok(params)) =
        (Algorithm::try_from(hash.algorithm), version, Params::try_from(hash))
    else {
        return false;
    };
    // Outputs compare in constant time.
    hashed(text, salt, &Argon2::new(algorithm, version, params)).is_ok_and(|made| made == *expected)
}

/// Refuses a key that people chose and that could be guessed.
pub fn check_key(name: &str, key: &str) -> Result<(), String> {
    match key.chars().count() {
        KEY_CHARS_MIN.. => Ok(()),
        few => Err(format!("`{name}` has {few} characters; give one of at least {KEY_CHARS_MIN}")),
    }
}

/// Refuses a password that could be guessed.
pub fn check_password(name: &str, password: &str) -> Result<(), String> {
    match password.chars().count() {
        PASSWORD_CHARS_MIN.. => Ok(()),
        few => {
            Err(format!("`{name}` has {few} characters; give one of at least {PASSWORD_CHARS_MIN}"))
        }
    }
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
            check_password(param.name, value)
                .map_err(|why| super::decode::invalid(command, param.name, "***", &why))?;
            *value = hash(value, entropy)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entropy(bytes: &mut [u8]) -> Result<(), ApiError> {
        bytes.fill(7);
        Ok(())
    }

    #[test]
    fn passwords_kept_without_a_digest_are_still_right() {
        let salt = SaltString::encode_b64(&[7; SALT_BYTES]).unwrap();
        let kept = hash_of("pass word", &salt).unwrap();
        assert!(is_password("pass word", &kept));
        assert!(!is_password("pass  word", &kept));
    }

    #[test]
    fn a_hash_in_a_used_buffer_is_that_of_a_fresh_one() {
        use argon2::{PasswordHasher, PasswordVerifier};
        let salt = SaltString::encode_b64(&[7; SALT_BYTES]).unwrap();
        for text in ["first", "second", "third"] {
            let fresh = Argon2::default().hash_password(text.as_bytes(), &salt).unwrap();
            assert_eq!(hash_of(text, &salt).unwrap(), fresh.to_string());
        }
        let kept = hash("pass word", entropy).unwrap();
        let parsed = PasswordHash::new(&kept).unwrap();
        let digest = digest("pass word");
        assert!(Argon2::default().verify_password(digest.as_bytes(), &parsed).is_ok());
        // Kept with other parameters, of which a buffer may need more.
        let larger = Params::new(20 * 1024, 1, 1, None).unwrap();
        let how = Argon2::new(Algorithm::Argon2id, Version::V0x13, larger);
        let kept = how.hash_password(digest.as_bytes(), &salt).unwrap().to_string();
        assert!(is_password("pass word", &kept) && !is_password("password", &kept));
    }

    #[test]
    fn there_are_never_more_buffers_than_the_pool_has() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let (at_work, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| {
                    with_buffer(1, |_| {
                        most.fetch_max(
                            at_work.fetch_add(1, Ordering::SeqCst) + 1,
                            Ordering::SeqCst,
                        );
                        thread::yield_now();
                        at_work.fetch_sub(1, Ordering::SeqCst);
                    });
                });
            }
        });
        assert!((1..=BUFFERS_MAX).contains(&hashed_at_a_time()));
        assert!((1..=hashed_at_a_time()).contains(&most.into_inner()));
        // One that breaks off gives its buffer back.
        for _ in 0..2 * BUFFERS_MAX {
            let broken = std::panic::catch_unwind(|| with_buffer(1, |_| panic!("on purpose")));
            assert!(broken.is_err());
        }
        with_buffer(1, |blocks| assert!(!blocks.is_empty()));
    }

    #[test]
    fn keys_and_passwords_have_a_least_length() {
        assert_eq!(check_password("password", "sixsix"), Ok(()));
        let why = check_password("password", "five5").unwrap_err();
        assert_eq!(why, "`password` has 5 characters; give one of at least 6");
        assert_eq!(check_key("userapikey", &"k".repeat(16)), Ok(()));
        let why = check_key("userapikey", &"k".repeat(15)).unwrap_err();
        assert!(why.contains("15 characters") && why.contains("at least 16"), "{why}");
    }
}
