//! Requests in, answers out: the one place that knows axum.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, RawQuery, State},
    http::{HeaderValue, Response, StatusCode, header},
    routing::get,
};
use cloudtally_model::Instant;
use cloudtally_store::Store;

use crate::{
    answer::{Format, encode, encode_error},
    command::{Call, command},
    error::ApiError,
    params::Params,
    signature::verify,
    usage::wall_clock_ms,
};

/// The largest body read; a form of any command is far smaller.
const BODY_LIMIT: usize = 1 << 20;
/// The outer element of errors that belong to no command.
const NO_COMMAND: &str = "errorresponse";

/// The routes of the API.
pub(crate) fn router(store: Store) -> Router {
    Router::new()
        .route("/client/api", get(answer).post(answer))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(store)
}

async fn answer(State(store): State<Store>, query: RawQuery, body: Bytes) -> Response<Body> {
    // Reading the lake blocks; requests wait in the pool, not on the reactor.
    let work = tokio::task::spawn_blocking(move || {
        respond(&store, query.0.as_deref().unwrap_or_default().as_bytes(), &body)
    });
    match work.await {
        Ok(response) => response,
        Err(cause) => {
            let error = ApiError::internal("answer the request", cause);
            response_of(Format::Xml, NO_COMMAND, Err(error))
        }
    }
}

fn respond(store: &Store, query: &[u8], body: &[u8]) -> Response<Body> {
    let params = match Params::read(query, body) {
        Ok(params) => params,
        Err(error) => return response_of(Format::Xml, NO_COMMAND, Err(error)),
    };
    let json = params.get("response").is_some_and(|value| value.eq_ignore_ascii_case("json"));
    let format = if json { Format::Json } else { Format::Xml };
    let Some(name) = params.given("command") else {
        return response_of(format, NO_COMMAND, Err(ApiError::unauthorised()));
    };
    let Some(row) = command(name) else {
        return response_of(format, NO_COMMAND, Err(ApiError::unknown_command(name)));
    };
    let now = Instant::from_millis(wall_clock_ms());
    let result = authenticate(store, &params, now)
        .and_then(|()| row.check_required(&params))
        .and_then(|()| (row.run)(&Call { store, params: &params, command: row, now }));
    let outer = row.outer();
    response_of(format, &outer, result.map(|answer| encode(&outer, &answer, format)))
}

/// Lets in who holds the root admin's keys.
fn authenticate(store: &Store, params: &Params, now: Instant) -> Result<(), ApiError> {
    let given = |name| params.given(name).ok_or_else(ApiError::unauthorised);
    let (api_key, signature) = (given("apikey")?, given("signature")?);
    let keys = store.admin_keys().map_err(|e| ApiError::internal("read the keys", e))?;
    let keys = keys.filter(|keys| keys.api_key == api_key).ok_or_else(ApiError::unauthorised)?;
    if params.get("signatureversion") == Some("3") {
        let expires = Instant::parse(given("expires")?).map_err(|_| ApiError::unauthorised())?;
        if expires < now {
            return Err(ApiError::unauthorised());
        }
    }
    if verify(params, &keys.secret_key, signature) { Ok(()) } else { Err(ApiError::unauthorised()) }
}

fn response_of(format: Format, outer: &str, result: Result<String, ApiError>) -> Response<Body> {
    let (status, body, description) = match result {
        Ok(body) => (200, body, None),
        Err(error) => (error.code.status(), encode_error(outer, &error, format), Some(error.text)),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).expect("documented codes are HTTP statuses");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    // Command line clients print this header when a call fails.
    let shown = description.and_then(|text| HeaderValue::from_str(&text).ok());
    if let Some(text) = shown {
        headers.insert("x-description", text);
    }
    response
}
