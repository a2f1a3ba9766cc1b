//! `page` and `pagesize`.

use cloudtally_model::{ApiError, settings};

use crate::{command::Call, error::internal};

/// Items `[offset, offset + limit)` of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) offset: u64,
    pub(super) limit: u64,
}

/// The page a call asks for: both parameters together, `pagesize=-1` alone for
/// all there is, neither for the first items up to `default.page.size`.
///
/// # Source
/// Guide 6.2; texts of the 4.2 server.
pub(super) fn page(call: &Call<'_>) -> Result<Page, ApiError> {
    let pair = (call.integer("page")?, call.integer("pagesize")?);
    let largest = call
        .store
        .setting(settings::DEFAULT_PAGE_SIZE)
        .map_err(|e| internal("read the settings", &e))?
        .parse::<u64>()
        .map_err(|e| internal("read `default.page.size`", &e))?;
    let (page, size) = match pair {
        (None, None) => return Ok(Page { offset: 0, limit: largest }),
        (None, Some(-1)) => return Ok(Page { offset: 0, limit: u64::MAX }),
        (Some(_), Some(-1)) => {
            return Err(ApiError::parameter(
                "Can't specify page parameter when pagesize is -1 (Unlimited)",
            ));
        }
        (None, Some(_)) => {
            return Err(ApiError::parameter(
                "\"page\" parameter is required when \"pagesize\" is specified",
            ));
        }
        (Some(_), None) => {
            return Err(ApiError::parameter(
                "\"pagesize\" parameter is required when \"page\" is specified",
            ));
        }
        (Some(page), Some(size)) => (positive("page", page)?, positive("pagesize", size)?),
    };
    if size > largest {
        return Err(ApiError::value(format!(
            "Page size can't exceed max allowed page size value: {largest}"
        )));
    }
    Ok(Page { offset: (page - 1).saturating_mul(size), limit: size })
}

fn positive(name: &str, value: i64) -> Result<u64, ApiError> {
    let positive = u64::try_from(value).ok().filter(|value| *value > 0);
    positive.ok_or_else(|| ApiError::value(format!("{name} must be 1 or more, not {value}")))
}
