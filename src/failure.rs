//! Exit codes of a command: 0 done, 1 failed, 2 wrong usage, 3 done, but `--strict` found
//! something or a run of the usage job held something back.

use std::process::ExitCode;

use cloudtally_aggregate::AggregateError;

/// Done, but somebody has to look.
pub(crate) fn found_something() -> ExitCode {
    ExitCode::from(3)
}

/// The failure of a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line does not make sense; the text says what would.
    Usage(String),
    /// It was tried and failed.
    Failed(anyhow::Error),
}

impl Failure {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// Prints the error with its causes, the most useful first.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Usage(text) => {
                eprintln!("error: {text}");
                ExitCode::from(2)
            }
            Self::Failed(error) => {
                // A reader that has had enough of our output is no failure of ours to tell.
                let pipe = error.chain().any(|cause| {
                    cause
                        .downcast_ref::<std::io::Error>()
                        .is_some_and(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
                });
                if !pipe {
                    eprintln!("error: {error:#}");
                }
                ExitCode::FAILURE
            }
        }
    }
}

impl From<AggregateError> for Failure {
    fn from(error: AggregateError) -> Self {
        match error {
            AggregateError::WindowReversed { .. }
            | AggregateError::UnknownGroup { .. }
            | AggregateError::GroupTwice { .. }
            | AggregateError::Day(_) => Self::Usage(error.to_string()),
            other => Self::Failed(other.into()),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

macro_rules! failed {
    ($($error:ty),* $(,)?) => { $(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Failed(error.into())
            }
        }
    )* };
}

failed!(
    cloudtally_store::StoreError,
    cloudtally_store::BackupError,
    std::io::Error,
    serde_json::Error,
    cloudtally_ingest::write::WriteError,
    cloudtally_generator::KeyError,
    cloudtally_serve::CloudError,
    cloudtally_serve::KeyError,
    cloudtally_serve::RunError,
    cloudtally_serve::ScheduleError,
    cloudtally_serve::ServeError,
);
