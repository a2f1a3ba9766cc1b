//! One request from its parameters to its answer; knows no HTTP.

use cloudtally_model::Instant;
use cloudtally_store::Store;

use crate::{
    answer::{Answer, Format},
    command::{Call, command},
    error::ApiError,
    params::Params,
    signature::verify,
};

/// The outer element of errors that belong to no command.
pub(crate) const NO_COMMAND: &str = "errorresponse";

/// What came of a request.
pub(crate) struct Outcome {
    /// How to encode it.
    pub(crate) format: Format,
    /// The outer element.
    pub(crate) outer: String,
    pub(crate) result: Result<Answer, ApiError>,
}

/// Answers a request; `form` is its body, or why that cannot be read.
pub(crate) fn respond(
    store: &Store,
    query: &[u8],
    form: Result<&[u8], ApiError>,
    now: Instant,
) -> Outcome {
    // The format and the command first: they say how everything else is told.
    let params = Params::read(query, form.as_ref().copied().unwrap_or_default());
    let json = params.get("response").is_some_and(|value| value.eq_ignore_ascii_case("json"));
    let format = if json { Format::Json } else { Format::Xml };
    let named = form.and_then(|_| {
        // No command is as good as no credentials.
        command(params.given("command").ok_or_else(ApiError::unauthorised)?)
    });
    let row = match named {
        Ok(row) => row,
        Err(error) => return Outcome { format, outer: NO_COMMAND.to_owned(), result: Err(error) },
    };
    let result = params
        .check()
        .and_then(|()| authenticate(store, &params, now))
        .and_then(|()| row.check_required(&params))
        .and_then(|()| (row.run)(&Call { store, params: &params, command: row, now }));
    Outcome { format, outer: row.outer(), result }
}

/// Lets in who holds the root admin's keys.
fn authenticate(store: &Store, params: &Params, now: Instant) -> Result<(), ApiError> {
    let given = |name| params.given(name).ok_or_else(ApiError::unauthorised);
    let (api_key, signature) = (given("apikey")?, given("signature")?);
    // Read each time: keys that are renewed while we serve count at once.
    let keys = store.admin_keys().map_err(|e| ApiError::internal("read the keys", &e))?;
    let keys = keys.filter(|keys| keys.api_key == api_key).ok_or_else(ApiError::unauthorised)?;
    if params.get("signatureversion") == Some("3") {
        let expires = Instant::parse(given("expires")?).map_err(|_| ApiError::unauthorised())?;
        if expires < now {
            return Err(ApiError::unauthorised());
        }
    }
    if verify(params, &keys.secret_key, signature) { Ok(()) } else { Err(ApiError::unauthorised()) }
}
