//! The command line of those who run Cloudtally: backups.

use std::path::PathBuf;

use clap::Args;

/// Copy the data folder to another one while everything goes on: `serve`, ingest and the
/// usage job.
///
/// The catalogue is copied first, at one moment; then every file that the copy names, since
/// files of the lake never change. Each is held against its SHA-256 as it is copied. The
/// list of checksums, SHA256SUMS, comes last: without it a folder is no backup, and with it
/// `sha256sum --check SHA256SUMS` can verify the backup without Cloudtally.
///
/// Run it again into the same folder: only new files are copied, and the list is replaced in
/// one step. On the same file system files are linked instead of copied, which costs no
/// room and protects from mistakes, but not from the loss of the disk.
///
/// The backup holds API keys and password hashes, as the data folder does.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// Folder of the backup, which is made if it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    /// Remove files of earlier backups in that folder which this one does not need
    #[arg(long)]
    pub(crate) prune: bool,
}

/// Make a data folder from a backup.
///
/// Every file is held against its SHA-256 as it is copied; a backup with a missing or
/// changed file is refused with the name of the file. The folder gets its name last, so
/// there is a whole one or none. A folder that holds anything is never touched.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// Folder of the backup
    #[arg(long, value_name = "DIR")]
    pub(crate) from: PathBuf,
    /// Data folder to make; it must not be there or be empty
    #[arg(long, value_name = "DATA")]
    pub(crate) to: PathBuf,
}
