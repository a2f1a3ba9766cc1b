//! The paths that tell of the server's health.
//!
//! On the public port reasons are left out, because they name files of the machine.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderValue, Response, StatusCode, header},
    routing::get,
};
use tokio::task::spawn_blocking;
use tracing::warn;

use crate::{front::Front, health::Check};

/// The readers of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reasons {
    /// Whoever watches the server.
    Shown,
    /// Anybody.
    LeftOut,
}

/// The paths that tell of health.
pub(crate) fn routes(front: Arc<Front>, reasons: Reasons) -> Router {
    Router::new()
        .route("/livez", get(async || answer(StatusCode::OK, "ok\n".to_owned())))
        .route("/readyz", get(ready))
        .route("/healthz", get(ready))
        .with_state((front, reasons))
}

async fn ready(
    State((front, reasons)): State<(Arc<Front>, Reasons)>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let is_verbose = query.unwrap_or_default().split('&').any(|part| {
        let name = part.split('=').next().unwrap_or_default();
        name == "verbose"
    });
    match spawn_blocking(move || front.checks()).await {
        Ok(checks) => told(&checks, is_verbose, reasons),
        Err(cause) => {
            warn!("the checks of health broke off: {cause}");
            answer(StatusCode::SERVICE_UNAVAILABLE, "not ready: the checks broke off\n".to_owned())
        }
    }
}

fn told(checks: &[Check], is_verbose: bool, reasons: Reasons) -> Response<Body> {
    let is_ready = checks.iter().all(|check| check.problem.is_none());
    let mut text = String::new();
    if is_verbose || !is_ready {
        for Check { name, problem } in checks {
            text.push_str(&match (problem, reasons) {
                (None, _) => format!("[+] {name} ok\n"),
                (Some(problem), Reasons::Shown) => format!("[-] {name} failed: {problem}\n"),
                (Some(_), Reasons::LeftOut) => format!("[-] {name} failed\n"),
            });
        }
    }
    text.push_str(if is_ready { "ok\n" } else { "not ready\n" });
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(status, text)
}

fn answer(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, plain);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
