//! What `check` looks at.

use std::path::PathBuf;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Odd but harmless; nothing is lost.
    Warning,
    /// Data is missing or changed.
    Error,
}

/// One thing wrong with the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file, relative to the folder.
    pub path: PathBuf,
    /// What is wrong and what to do.
    pub text: String,
}
