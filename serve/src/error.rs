//! API errors: what the caller did wrong, with the documented codes.
//!
//! # Source
//! Guide 4.2.10 (cserrorcode) and the 4.2 server's status codes.

use std::error::Error;

/// The documented status codes; the HTTP status equals the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    /// 401: no key, unknown key, wrong or expired signature.
    Unauthorised,
    /// 431: a parameter is missing or wrong.
    Parameter,
    /// 432: there is no such command.
    UnknownCommand,
    /// 530: our own failure.
    Internal,
}

impl ErrorCode {
    /// The number, which is also the HTTP status.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Unauthorised => 401,
            Self::Parameter => 431,
            Self::UnknownCommand => 432,
            Self::Internal => 530,
        }
    }
}

/// `cserrorcode` of errors that the API layer itself raises.
const SERVER_API: u32 = 9999;
/// `cserrorcode` of a value that makes no sense to the command.
const INVALID_PARAMETER_VALUE: u32 = 4350;
/// `cserrorcode` of our own failures.
const CLOUD_RUNTIME: u32 = 4250;

/// An error as the caller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) code: ErrorCode,
    /// Left out for 401, as the documented shape has it.
    pub(crate) cs_error_code: Option<u32>,
    pub(crate) text: String,
}

impl ApiError {
    pub(crate) fn unauthorised() -> Self {
        Self {
            code: ErrorCode::Unauthorised,
            cs_error_code: None,
            text: "unable to verify user credentials and/or request signature".to_owned(),
        }
    }

    /// `known` are the commands there are.
    pub(crate) fn unknown_command(name: &str, known: &[&str]) -> Self {
        Self {
            code: ErrorCode::UnknownCommand,
            cs_error_code: Some(SERVER_API),
            text: format!(
                "The given command {name} does not exist; there are {}",
                known.join(", ")
            ),
        }
    }

    /// A parameter that the API layer finds missing or unreadable, whatever the
    /// command makes of it.
    pub(crate) fn parameter(text: impl Into<String>) -> Self {
        Self { code: ErrorCode::Parameter, cs_error_code: Some(SERVER_API), text: text.into() }
    }

    /// A parameter whose value makes no sense to the command.
    pub(crate) fn value(text: impl Into<String>) -> Self {
        Self {
            code: ErrorCode::Parameter,
            cs_error_code: Some(INVALID_PARAMETER_VALUE),
            text: text.into(),
        }
    }

    /// Our own failure, logged here. The only caller there is, the root admin, is
    /// told all of it.
    pub(crate) fn internal(doing: &str, cause: &dyn Error) -> Self {
        let text = format!("failed to {doing}: {}", with_causes(cause));
        tracing::error!("{text}");
        Self { code: ErrorCode::Internal, cs_error_code: Some(CLOUD_RUNTIME), text }
    }
}

/// An error and what caused it, on one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
