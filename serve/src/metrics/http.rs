//! The listener for monitoring: `/metrics`, and the health of the server with reasons.
//!
//! It has no authentication and no secrets: names of sources and settings of the machine
//! stand in it, so it is never part of the public port.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderValue, Response, StatusCode, header},
    routing::get,
};
use cloudtally_model::with_causes;
use cloudtally_platform::{col, table::Kind};
use tokio::{sync::Mutex, task::spawn_blocking};
use tracing::error;

use super::{
    folder, names, process,
    text::{CONTENT_TYPE, Text},
};
use crate::{
    connections::Connections,
    front::Front,
    health_http::{self, Reasons},
};

/// State of the listener.
#[derive(Clone)]
struct Monitor {
    front: Arc<Front>,
    /// The connections to the API.
    connections: Connections,
    /// Held during a scrape: several at once would cost as many snapshots.
    scraping: Arc<Mutex<()>>,
}

/// The ways into the listener for monitoring; `connections` are those to the API.
pub(crate) fn router(front: Arc<Front>, connections: Connections) -> Router {
    let _ = process::started();
    let health = health_http::routes(Arc::clone(&front), Reasons::Shown);
    let monitor = Monitor { front, connections, scraping: Arc::default() };
    Router::new().route("/metrics", get(scrape)).with_state(monitor).merge(health)
}

async fn scrape(State(monitor): State<Monitor>) -> Response<Body> {
    let alone = Arc::clone(&monitor.scraping).lock_owned().await;
    let text = spawn_blocking(move || {
        let _alone = alone;
        monitor.text()
    });
    match text.await {
        Ok(text) => {
            let mut response = Response::new(Body::from(text));
            let content_type = HeaderValue::from_static(CONTENT_TYPE);
            response.headers_mut().insert(header::CONTENT_TYPE, content_type);
            response
        }
        Err(cause) => {
            error!("a scrape broke off: {cause}");
            let mut response = Response::new(Body::from("the scrape broke off\n"));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

impl Monitor {
    /// All metrics. Where the catalogue cannot be read, those of the server are told all
    /// the same: `cloudtally_ready` is 0 then.
    fn text(&self) -> String {
        let front = &self.front;
        let mut text = Text::default();
        let mut of_folder = Text::default();
        match folder::put(&mut of_folder, &front.store) {
            Ok(()) => text.append(of_folder),
            Err(cause) => {
                error!("cannot read the figures of the folder: {}", with_causes(&cause));
            }
        }
        let is_ready = front.checks().iter().all(|check| check.problem.is_none());
        text.one(&names::READY, u8::from(is_ready));
        if let Some(failed) = front.driver.usage_job().sanity_failed() {
            text.one(&names::SANITY_FAILED, failed);
        }
        let mut held = text.metric(&names::PERIODS_HELD);
        if let Some(count) = front.driver.usage_job().periods_held() {
            held.put(&[], count);
        }
        self.alerts(&mut text);
        front.requests.put(&mut text);
        text.one(&names::CONNECTIONS, self.connections.count());
        process::put(&mut text);
        text.finish()
    }

    fn alerts(&self, text: &mut Text) {
        let mut stand = std::collections::BTreeMap::<i64, u64>::new();
        {
            let world = self.front.cloud.world();
            for alert in world.all(Kind::Alert).filter(|alert| alert.id_of(col::STANDS).is_some()) {
                *stand.entry(alert.int(col::TYPE_NUMBER)).or_default() += 1;
            }
        }
        let mut samples = text.metric(&names::ALERTS);
        for (number, count) in stand {
            samples.put(&[("type", &number.to_string())], count);
        }
    }
}
