//! Requests in, answers out: the one place that knows axum.
//!
//! Each request is answered on a thread of its own, because reading the lake
//! blocks. Threads of the runtime's pool would do, but a runtime waits for its
//! pool when it ends, however long a usage job takes; a thread of ours ends with
//! the process, and the folder is whole whenever that is. The thread sends the answer
//! by its [`HttpOutbox`].

use std::{
    io,
    net::IpAddr,
    sync::Arc,
    thread,
    time::{Duration, Instant as Stopwatch},
};

use axum::{
    Extension, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Method as HttpMethod, Response, header},
    middleware::from_fn_with_state,
    routing::get,
};
use cloudtally_model::ApiError;
use cloudtally_platform::{engine::secret, table::Command};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::timeout,
};
use tracing::{debug, field::Empty, info_span};

use crate::{
    answer::{NO_COMMAND, Style},
    bodies::{Arrived, BODY_BYTES_MAX, Bodies, NotRead},
    clock,
    connections::Connection,
    error::internal,
    front::Front,
    guard::{Guard, address_of, guard},
    health_http::{self, Reasons},
    http_outbox::{HttpOutbox, send},
    http_request::{HttpRequest, Method, Port},
    large::LargeAnswers,
    params::Params,
    request::{named, respond},
    response::{SESSION_COOKIE, failed},
};

/// Time that a body may take to arrive.
const BODY_WAIT: Duration = Duration::from_secs(30);
/// Requests answered at a time; others wait.
const REQUESTS_MAX: usize = 64;
/// Seconds after which a body that found no room makes sense again.
const BODY_RETRY_SECONDS: u64 = 2;
/// Logins that wait for their passwords to be checked; one more is refused.
const LOGINS_WAITING: usize = 16;
/// Seconds after which a login that was refused makes sense again.
const LOGIN_RETRY_SECONDS: u64 = 2;
const FORM: &str = "application/x-www-form-urlencoded";

/// State shared by all requests at one port.
#[derive(Clone)]
struct Server {
    front: Arc<Front>,
    places: Places,
    port: Port,
    /// The proxies whose word counts on a caller's address.
    proxies: Arc<Vec<IpAddr>>,
}

/// Places of requests that are being answered.
#[derive(Clone)]
struct Places {
    requests: Arc<Semaphore>,
    /// Those whose passwords are being checked, and those that wait for that. They have
    /// places of their own, because anybody may try.
    logins: Arc<Semaphore>,
    large: LargeAnswers,
    bodies: Bodies,
}

impl Places {
    fn new() -> Self {
        let logins = secret::hashed_at_a_time() + LOGINS_WAITING;
        Self {
            requests: Arc::new(Semaphore::new(REQUESTS_MAX)),
            logins: Arc::new(Semaphore::new(logins)),
            large: LargeAnswers::default(),
            bodies: Bodies::new(),
        }
    }
}

/// The ways into the API: the public one at its path, and the one for programs
/// of the same machine, at any path, by the names that `integration` allows.
pub(crate) fn routers(
    front: Arc<Front>,
    proxies: Vec<IpAddr>,
    integration: Guard,
) -> (Router, Router) {
    let (places, proxies) = (Places::new(), Arc::new(proxies));
    let server = |port| Server {
        front: Arc::clone(&front),
        places: places.clone(),
        port,
        proxies: Arc::clone(&proxies),
    };
    let methods = || get(answer).post(answer);
    let public = Router::new()
        .route("/client/api", methods())
        .route("/client/api/", methods())
        .with_state(server(Port::Public))
        .merge(health_http::routes(Arc::clone(&front), Reasons::LeftOut))
        .layer(from_fn_with_state(Guard::public(), guard));
    let programs = Router::new()
        .fallback_service(methods().with_state(server(Port::Integration)))
        .layer(from_fn_with_state(integration, guard));
    (public, programs)
}

async fn answer(
    State(server): State<Server>,
    Extension(connection): Extension<Arc<Connection>>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let (form, room) = match read_form(&server.places.bodies, &parts.headers, body).await {
        Ok(Arrived { bytes, room }) => (Ok(bytes), room),
        Err(refused) => (Err(refused), None),
    };
    let busy = connection.begin();
    // What is read here says which place it takes.
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let params = Params::read(query, form.as_deref().unwrap_or_default());
    let address = address_of(&parts.headers, connection.peer, &server.proxies);
    let command = named(&params).ok();
    let counted = server.front.requests.begin(command.map(|command| command.name));
    let permit = match server.place(command, &params, address).await {
        Ok(permit) => permit,
        Err(refused) => {
            counted.answered(refused.status().as_u16());
            return refused;
        }
    };
    let (reply, replied) = oneshot::channel();
    let span = info_span!("request", id = %server.front.requests.next_id(), job = Empty);
    let started = thread::Builder::new().name("request".to_owned()).spawn(move || {
        let _inside = span.enter();
        let began = Stopwatch::now();
        let session = session_of(&parts.headers);
        let request = HttpRequest {
            params,
            form: form.map(drop),
            session: session.as_deref(),
            port: server.port,
            address,
            method: match parts.method {
                HttpMethod::POST => Method::Post,
                _ => Method::Get,
            },
        };
        let outcome = respond(&server.front, &request, clock::now());
        let outer = outcome.outer.clone();
        let status = send(outcome, HttpOutbox::new(reply, busy, permit, server.places.large));
        // The parameters are as long as the form was.
        drop(room);
        counted.answered(status);
        debug!(status, elapsed_ms = began.elapsed().as_millis(), "answered {outer}: {status}");
    });
    let replied = match started {
        Ok(_) => replied.await.map_err(|_| no_answer("it broke off; the log says more")),
        Err(cause) => Err(internal("start a thread for the request", &cause)),
    };
    replied.unwrap_or_else(|error| failed(Style::PLAIN, NO_COMMAND, &error))
}

impl Server {
    /// Waits for a place for a request. A login does not wait for one: where many try
    /// passwords the rest is told at once to come later, whoever they are.
    async fn place(
        &self,
        command: Option<&Command>,
        params: &Params,
        address: IpAddr,
    ) -> Result<OwnedSemaphorePermit, Response<Body>> {
        let login = command.filter(|command| command.name == "login");
        let Some(login) = login else {
            let place = Arc::clone(&self.places.requests).acquire_owned().await;
            return place.map_err(|_| {
                failed(Style::PLAIN, NO_COMMAND, &no_answer("the server is stopping"))
            });
        };
        let refused = |why: &str, seconds: u64| {
            let error = ApiError::rate_limit(format!("{why}; retry after {seconds} s"));
            failed(Style::unset(params), &login.outer(), &error.after(seconds))
        };
        if let Some(left) = self.front.guesses.wait(address, Stopwatch::now()) {
            let seconds = left.as_secs() + 1;
            return Err(refused("Too many wrong passwords came from your address", seconds));
        }
        let place = Arc::clone(&self.places.logins).try_acquire_owned();
        place.map_err(|_| refused("Too many logins are waiting", LOGIN_RETRY_SECONDS))
    }
}

/// The session that the cookies name.
fn session_of(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == SESSION_COOKIE).then(|| value.trim_matches('"').to_owned())
    })
}

/// Reads a form; other bodies are no parameters, so they are refused rather
/// than ignored.
async fn read_form(bodies: &Bodies, headers: &HeaderMap, body: Body) -> Result<Arrived, ApiError> {
    let arrived = match timeout(BODY_WAIT, bodies.read(body)).await {
        Ok(Ok(arrived)) => arrived,
        Ok(Err(NotRead::TooLarge)) => {
            return Err(ApiError::parameter(format!(
                "The request's body broke off or is larger than {BODY_BYTES_MAX} bytes"
            )));
        }
        Ok(Err(NotRead::NoRoom)) => {
            let why = "Too many requests with large bodies are arriving";
            let error = ApiError::rate_limit(format!("{why}; retry after {BODY_RETRY_SECONDS} s"));
            return Err(error.after(BODY_RETRY_SECONDS));
        }
        Err(_) => {
            return Err(ApiError::parameter(format!(
                "The request's body did not arrive within {} s",
                BODY_WAIT.as_secs()
            )));
        }
    };
    let content_type = headers.get(header::CONTENT_TYPE).map_or(FORM.as_bytes(), |v| v.as_bytes());
    let essence = content_type.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    if arrived.bytes.is_empty() || essence.eq_ignore_ascii_case(FORM.as_bytes()) {
        return Ok(arrived);
    }
    Err(ApiError::parameter(format!(
        "The request's body is {}; parameters in a body must be {FORM}",
        String::from_utf8_lossy(essence)
    )))
}

fn no_answer(why: &str) -> ApiError {
    internal("answer the request", &io::Error::other(why.to_owned()))
}
