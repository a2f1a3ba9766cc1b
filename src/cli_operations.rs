//! The command line of those who run Cloudtally: health, metrics, backups, shells.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::Shell;

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object a line, for programs
    Json,
}

/// Print the figures of the data folder in the text format of Prometheus, for the textfile
/// collector of node_exporter where no `serve` runs. `serve --metrics ADDR` answers the
/// same and what only a server knows.
///
/// It reads the catalogue and takes no lock, so it may run beside everything else. Write
/// the file beside its name and rename it, as the collector may read at any moment:
///
///   cloudtally metrics > cloudtally.prom.new && mv cloudtally.prom.new cloudtally.prom
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Metrics {}

/// Ask a running server whether it is ready: exit status 0 if it is, 1 if not or if nobody
/// answers within 5 seconds. It needs no shell and no other program, so it suits the
/// health check of a container.
#[derive(Debug, Args)]
pub(crate) struct Healthcheck {
    /// Address to ask: /readyz, /livez or /healthz of the API's port or of `--metrics`;
    /// `http` only
    #[arg(long, default_value = "http://127.0.0.1:8080/readyz", value_name = "URL")]
    pub(crate) url: String,
}

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

/// Print the completions of a shell.
///
///   cloudtally completions bash > /usr/share/bash-completion/completions/cloudtally
///   cloudtally completions zsh > /usr/share/zsh/site-functions/_cloudtally
///   cloudtally completions fish > /usr/share/fish/vendor_completions.d/cloudtally.fish
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// Write the manual: a page for `cloudtally` and one for each command, for `man`.
#[derive(Debug, Args)]
pub(crate) struct Manpages {
    /// Folder to write to, which is made if it is not there, such as /usr/local/share/man/man1
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}
