//! HTTP responses of answers and of errors: status, headers, body.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use cloudtally_model::{ApiError, ErrorCode};
use hyper::ext::ReasonPhrase;

use crate::answer::{Style, encode_error};

/// Characters of an error that the header repeats.
const DESCRIPTION_CHARS_MAX: usize = 512;
const DESCRIPTION: &str = "x-description";

/// The cookie that names a session.
pub(crate) const SESSION_COOKIE: &str = "JSESSIONID";

/// The response of an answer.
pub(crate) fn ok(style: Style, body: Body) -> Response<Body> {
    response(StatusCode::OK, style, body)
}

/// The response of an error.
pub(crate) fn failed(style: Style, outer: &str, error: &ApiError) -> Response<Body> {
    let status = StatusCode::from_u16(error.code.status());
    let status = status.expect("documented codes are HTTP statuses");
    let mut response = response(status, style, encode_error(outer, error, style.format).into());
    // HTTP's own name of 431 would mislead, and it has none for 432 and 530.
    response.extensions_mut().insert(reason(error.code));
    // Command line clients print this header when a call fails.
    response.headers_mut().insert(DESCRIPTION, description(&error.text));
    if let Some(seconds) = error.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn response(status: StatusCode, style: Style, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(style.content_type);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

fn reason(code: ErrorCode) -> ReasonPhrase {
    ReasonPhrase::try_from(code.reason().as_bytes()).expect("the table's words are plain ASCII")
}

/// A text as a header can carry it: printable ASCII, not too long.
fn description(text: &str) -> HeaderValue {
    let plain = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    let text: String = text.chars().take(DESCRIPTION_CHARS_MAX).map(plain).collect();
    HeaderValue::from_str(&text).expect("printable ASCII is a header value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_fits_the_description_header() {
        assert_eq!(description("no `é`\r\nX: y\u{0}"), "no `?`??X: y?");
        assert_eq!(description(&"x".repeat(70_000)).len(), DESCRIPTION_CHARS_MAX);
        assert_eq!(description(""), "");
    }
}
