//! Calls into a decoder that may panic on damaged files instead of failing.
//!
//! The Parquet decoder trusts lengths and offsets of a file in some places; with
//! one flipped byte it may index out of bounds. That is a damaged file and no
//! defect of ours, so the panic becomes an error, and nothing of it is printed.

use std::{
    any::Any,
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use parquet::errors::ParquetError;

thread_local! {
    /// True while this thread is inside a guarded call.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Calls `decode`; a panic in it is an error. What it borrows must not be used
/// again after an error.
pub fn guarded<R, E: Into<ParquetError>>(
    decode: impl FnOnce() -> Result<R, E>,
) -> Result<R, ParquetError> {
    keep_guarded_panics_quiet();
    let before = GUARDED.replace(true);
    let decoded = panic::catch_unwind(AssertUnwindSafe(decode));
    GUARDED.set(before);
    match decoded {
        Ok(decoded) => decoded.map_err(Into::into),
        Err(payload) => {
            Err(ParquetError::General(format!("its bytes make no sense: {}", message(&*payload))))
        }
    }
}

/// Puts a hook before the program's own, once, that says nothing of panics in
/// guarded calls and hands all others on.
fn keep_guarded_panics_quiet() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                others(info);
            }
        }));
    });
}

fn message(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&str>() {
        text
    } else {
        payload.downcast_ref::<String>().map_or("unknown", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let list: Vec<u8> = Vec::new();
        let error = guarded(|| Ok::<u8, ParquetError>(list[list.len()])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Parquet error: its bytes make no sense: \
             index out of bounds: the len is 0 but the index is 0"
        );
        assert_eq!(guarded(|| Ok::<u8, ParquetError>(7)).unwrap(), 7);
    }
}
