//! What can go wrong with the folder: which file, which value, what to do.

use std::path::PathBuf;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no folder of state.
    #[error(
        "there is no data folder at `{dir}`; make one with `cloudtally ingest events FILE`, or name another with `--data DIR`"
    )]
    NoFolder {
        /// Where it was looked for.
        dir: PathBuf,
    },
    /// What a caller's own callback failed with, handed through.
    #[error(transparent)]
    Callback(Box<dyn std::error::Error + Send + Sync>),
}
