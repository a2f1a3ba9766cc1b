//! Maps errors to answers, and decides how much of an error each caller may see.

use std::error::Error;

use cloudtally_model::{ApiError, with_causes};

/// Our own failure, logged here; [`for_caller`] decides who is told all of it.
pub(crate) fn internal(doing: &str, cause: &dyn Error) -> ApiError {
    let text = format!("failed to {doing}: {}", with_causes(cause));
    tracing::error!("{text}");
    ApiError::runtime(text)
}

/// The readers of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The root admin, who may know all of it.
    RootAdmin,
    /// Anybody else: how the cloud is built is not theirs to know.
    Others,
}

/// The error as the caller is told; what they are not told goes to the log.
pub(crate) fn for_caller(error: ApiError, audience: Audience) -> ApiError {
    let Some(text) = error.code.in_general_words().filter(|_| audience != Audience::RootAdmin)
    else {
        return error;
    };
    tracing::warn!(code = error.code.status(), "told in general words: {}", error.text);
    ApiError { text: text.to_owned(), ..error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_reads_how_the_cloud_is_built() {
        let full = ApiError::server_capacity("host kvm-7 has no room").about("u", "id");
        assert_eq!(for_caller(full.clone(), Audience::RootAdmin), full);
        let shown = for_caller(full.clone(), Audience::Others);
        assert!(!shown.text.contains("kvm-7") && shown.text.contains("insufficient capacity"));
        assert_eq!((shown.code, shown.cs, &shown.uuids), (full.code, full.cs, &full.uuids));
        let value = ApiError::value("`size` is too large");
        assert_eq!(for_caller(value.clone(), Audience::Others), value);
    }
}
