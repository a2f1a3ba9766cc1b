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
pub(crate) enum Told {
    /// The root admin, who may know all of it.
    Everything,
    /// Anybody else: how the cloud is built is not theirs to know.
    WhatConcernsThem,
}

/// The error as the caller is told; what they are not told goes to the log.
pub(crate) fn for_caller(error: ApiError, told: Told) -> ApiError {
    let Some(text) = error.code.in_general_words().filter(|_| told != Told::Everything) else {
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
        assert_eq!(for_caller(full.clone(), Told::Everything), full);
        let told = for_caller(full.clone(), Told::WhatConcernsThem);
        assert!(!told.text.contains("kvm-7") && told.text.contains("insufficient capacity"));
        assert_eq!((told.code, told.cs, &told.uuids), (full.code, full.cs, &full.uuids));
        let value = ApiError::value("`size` is too large");
        assert_eq!(for_caller(value.clone(), Told::WhatConcernsThem), value);
    }
}
