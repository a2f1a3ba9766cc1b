//! Errors with what caused them, for logs and histories.

use std::{error::Error, fmt::Write};

/// An error and what caused it, on one line: `cannot open x: no such file`.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}"); // a String takes everything
        cause = error.source();
    }
    text
}
