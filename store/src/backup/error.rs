//! Errors of backups: the file, the fault, the remedy.

use std::path::PathBuf;

use crate::StoreError;

/// An error in making or reading a backup.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The backup would lie in what it is a backup of.
    #[error(
        "`{}` lies in the data folder `{}`; name a folder outside of it with `--to DIR`, best on another disk",
        .to.display(), .data.display()
    )]
    InFolder {
        /// The folder asked for.
        to: PathBuf,
        /// The data folder.
        data: PathBuf,
    },
    /// The folder holds something else.
    #[error(
        "`{}` is neither empty nor a backup, for it holds `{}`; name another folder with `--to`",
        .dir.display(), .found.display()
    )]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
        /// A file or folder in it.
        found: PathBuf,
    },
    /// There is a file of the same name that is another one.
    #[error(
        "`{}` is not the file that the data folder has under this name; the backup is damaged, of another folder, or older than a `repair-clock`: back up to a new folder with `--to DIR`",
        .path.display()
    )]
    OfAnother {
        /// The file in the backup.
        path: PathBuf,
    },
    /// The folder has no list of checksums.
    #[error(
        "`{}` is no whole backup: `SHA256SUMS` is missing, which comes last; run `cloudtally backup --to` again, or name another folder with `--from DIR`",
        .dir.display()
    )]
    NotABackup {
        /// The folder.
        dir: PathBuf,
    },
    /// A file of a backup is not what it was.
    #[error("the backup's file `{}` is {what}; nothing was restored: use another backup", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The fault.
        what: String,
    },
    /// The folder failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
