//! A folder filled through the public interfaces, a server on it, and HTTP by hand.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant as Stopwatch},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use cloudtally_aggregate::{Plan, Rebuild, RunReport, Unfinished, run_job};
use cloudtally_ingest::{IngestRequest, Input, ingest};
use cloudtally_model::{Instant, Millis, SourceName, UsageRecord, calendar};
use cloudtally_platform::engine::{Cloud, ResourceId, Start, Uuid};
use cloudtally_serve::{NewCloud, Pace, ServeError, ServeOptions, Stopped, open_cloud, serve};
use cloudtally_store::{AdminKeys, Inputs, LockWait, PeriodDraft, Store, Stream, Writer};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use tempfile::TempDir;
use tokio::sync::oneshot;

pub(crate) const API_KEY: &str = "an-api-key";
pub(crate) const SECRET_KEY: &str = "a-secret-key";
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder of state.
pub(crate) struct Folder {
    dir: TempDir,
    pub(crate) store: Store,
}

impl Folder {
    /// An empty folder with keys, whose schedule never runs.
    pub(crate) fn new(zone: &str, range_minutes: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("data")).unwrap();
        let folder = Self { dir, store };
        let writer = folder.writer();
        for (name, value) in [
            ("usage.aggregation.timezone", zone),
            ("usage.stats.job.aggregation.range", range_minutes),
            ("enable.usage.server", "false"),
            // Most tests end their events long before they run the job.
            ("usage.source.patience.hours", "-1"),
        ] {
            writer.set_setting(name, value).unwrap();
        }
        let keys = AdminKeys { api_key: API_KEY.to_owned(), secret_key: SECRET_KEY.to_owned() };
        writer.set_admin_keys(&keys).unwrap();
        drop(writer);
        folder
    }

    pub(crate) fn writer(&self) -> Writer {
        self.store.writer(LockWait { limit: PATIENCE, on_wait: &mut || {} }).unwrap()
    }

    /// Takes in CSV rows and requires that all of them are accepted.
    pub(crate) fn take_in(&self, stream: Stream, source: &str, csv: &str) {
        let path = self.dir.path().join("input.csv");
        std::fs::write(&path, csv).unwrap();
        let source = SourceName::new(source).unwrap();
        let inputs = vec![Input::from_argument(path)];
        let request =
            IngestRequest { stream, source, inputs, started_ms: 1, now: at("2027-01-01 00:00:00") };
        let summary = ingest(&self.writer(), &request, &mut |_| {}).unwrap();
        assert_eq!(summary.counts.accepted, summary.counts.read, "{summary:?}");
    }

    /// Events, one a line: `id,type,account,created,zone,resource,name,offering,template,size,virtual,kind`.
    pub(crate) fn events(&self, rows: &str) {
        let header = "id,type,account_id,created,zone_id,resource_id,resource_name,offering_id,\
                      template_id,size,virtual_size,resource_type\n";
        self.take_in(Stream::Events, "default", &format!("{header}{rows}"));
    }

    /// Samples, one a line: `sampled,account,zone,device,kind,network,sent,received`.
    pub(crate) fn samples(&self, rows: &str) {
        let header = "sampled,account_id,zone_id,device_id,device_type,network_id,bytes_sent,\
                      bytes_received\n";
        self.take_in(Stream::Samples, "default", &format!("{header}{rows}"));
    }

    /// Accounts of a source, one a line: `id,name,uuid,type,domain,path`.
    pub(crate) fn accounts(&self, source: &str, rows: &str) {
        let header = "id,account_name,uuid,type,domain_id,domain_path\n";
        self.take_in(Stream::Accounts, source, &format!("{header}{rows}"));
    }

    pub(crate) fn aggregate(&self, from: &str, to: &str) -> RunReport {
        let (from, to) = (calendar::day(from).unwrap(), calendar::day(to).unwrap());
        let (rebuild, unfinished) = (Rebuild::Touched, Unfinished::LeaveOut);
        self.run(Plan::BackFill { from, to, rebuild, unfinished }, "2030-01-01 00:00:00")
    }

    pub(crate) fn run(&self, plan: Plan, now: &str) -> RunReport {
        run_job(&self.writer(), "test", plan, at(now), &|| 1, &mut |_| {}).unwrap()
    }

    /// Publishes records as they are for the day number `day` of 2026 (0 is 1 January, UTC).
    pub(crate) fn publish(&self, day: i64, mut records: Vec<UsageRecord>) {
        records.sort();
        let writer = self.writer();
        writer.source(&SourceName::new("default").unwrap()).unwrap();
        let sources = self.store.snapshot().unwrap().sources;
        let start = at("2026-01-01 00:00:00") + Millis(day * Millis::DAY.0);
        let draft = PeriodDraft {
            period: calendar_period(start),
            records: Some(&records),
            open: Some(&[]),
            counters: Some(&[]),
            anomalies: None,
            inputs: Inputs::default(),
        };
        let staged = writer.stage(&draft, &sources).unwrap();
        writer.publish(vec![staged]).unwrap();
    }

    pub(crate) fn serve(&self) -> Server {
        Server::start(&self.store)
    }
}

fn calendar_period(start: Instant) -> cloudtally_model::Period {
    cloudtally_model::Calendar::utc_days().period_at(start)
}

pub(crate) fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

/// The options of a server; the cloud is empty if it is new.
pub(crate) fn options(store: &Store, listen: &str) -> ServeOptions {
    options_with(store, listen, Start::Empty, Pace::Real)
}

/// The same, of a cloud that begins otherwise.
pub(crate) fn options_with(store: &Store, listen: &str, start: Start, pace: Pace) -> ServeOptions {
    let keys = store.admin_keys().unwrap().unwrap();
    let new = NewCloud { start, seed: Some(1) };
    let opened = open_cloud(store, new, pace, &keys).unwrap();
    ServeOptions {
        store: store.clone(),
        cloud: opened.cloud,
        clock: opened.clock,
        tenants: None,
        listen: listen.to_owned(),
        integration_listen: Ipv4Addr::LOCALHOST.into(),
        metrics: Some("127.0.0.1:0".to_owned()),
    }
}

/// A server on a thread of its own.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) cloud: Option<Arc<Cloud>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<Stopped, ServeError>>>,
}

impl Server {
    pub(crate) fn start(store: &Store) -> Self {
        Self::start_with(options(store, "127.0.0.1:0"))
    }

    pub(crate) fn start_with(options: ServeOptions) -> Self {
        let (ready, address) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let cloud = Arc::clone(&options.cloud);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let result =
                runtime.block_on(serve(options, |bound| ready.send(bound.api).unwrap(), async {
                    drop(stopped.await)
                }));
            // Like the binary: what the server left running goes with the runtime.
            drop(runtime);
            result
        });
        let address = address.recv_timeout(PATIENCE).unwrap();
        Self { address, cloud: Some(cloud), stop: Some(stop), thread: Some(thread) }
    }

    /// Stops the server; returns how it ended.
    pub(crate) fn stop(mut self) -> Stopped {
        self.ask_to_stop();
        self.wait_for_end()
    }

    pub(crate) fn ask_to_stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits for the end of a server that was asked to stop; returns how it ended.
    pub(crate) fn wait_for_end(mut self) -> Stopped {
        // Another server may have the cloud next.
        self.cloud = None;
        let thread = self.thread.take().unwrap();
        wait_until(|| (thread.is_finished(), "the server has not ended"));
        thread.join().unwrap().unwrap()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Sends bytes as they are and reads until the server closes.
    pub(crate) fn raw(&self, request: &[u8]) -> Reply {
        let mut stream = self.connect();
        // The server may answer and close before it has read all of it.
        drop(stream.write_all(request));
        let mut answer = Vec::new();
        if let Err(cause) = stream.read_to_end(&mut answer) {
            assert!(!answer.is_empty(), "no answer: {cause}");
        }
        Reply::parse(&answer)
    }

    /// Begins a `POST` of a form of so many bytes and returns once the server wants
    /// them, so that the request is under way for certain.
    pub(crate) fn begin(&self, form_bytes: usize) -> TcpStream {
        let mut stream = self.connect();
        let head = format!(
            "POST /client/api HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {form_bytes}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut said = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
        stream.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream
    }

    /// `GET` of a raw query string.
    pub(crate) fn get(&self, query: &str) -> Reply {
        self.raw(
            format!("GET /client/api?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                .as_bytes(),
        )
    }

    /// `POST` of a form, with parameters in the query string as well.
    pub(crate) fn post(&self, query: &str, headers: &str, body: &[u8]) -> Reply {
        let mut request = format!(
            "POST /client/api?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.raw(&request)
    }

    /// A signed `GET`.
    pub(crate) fn ask(&self, pairs: &[(&str, &str)]) -> Reply {
        self.get(&signed(pairs))
    }

    /// A call signed with somebody's keys; status and what stands in the outer element.
    pub(crate) fn call(&self, keys: &Keys, pairs: &[(&str, &str)]) -> (u16, serde_json::Value) {
        let mut pairs = pairs.to_vec();
        pairs.push(("response", "json"));
        inner(&self.get(&signed_with(&pairs, &keys.api_key, &keys.secret_key)))
    }

    /// A call that must work.
    pub(crate) fn works(&self, keys: &Keys, pairs: &[(&str, &str)]) -> serde_json::Value {
        let (status, value) = self.call(keys, pairs);
        assert_eq!(status, 200, "{pairs:?}: {value}");
        value
    }

    /// Waits for the job that a call began, and returns its result.
    pub(crate) fn job(&self, keys: &Keys, pairs: &[(&str, &str)]) -> serde_json::Value {
        let begun = self.works(keys, pairs);
        let job = begun["jobid"].as_str().unwrap_or_else(|| panic!("no job: {begun}")).to_owned();
        let mut done = serde_json::Value::Null;
        wait_until(|| {
            done = self.works(keys, &[("command", "queryAsyncJobResult"), ("jobid", &job)]);
            (done["jobstatus"] != 0, done.clone())
        });
        done
    }

    /// An account with one user of the same name, and the user's keys.
    pub(crate) fn account(&self, name: &str, kind: &str, domain: Option<&str>) -> Tenant {
        let mut pairs = vec![
            ("command", "createAccount"),
            ("accounttype", kind),
            ("username", name),
            ("password", "pass word"),
            ("firstname", "F"),
            ("lastname", "L"),
            ("email", "e@example.org"),
        ];
        pairs.extend(domain.map(|domain| ("domainid", domain)));
        let made = self.works(&root(), &pairs);
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let user = text(&made["account"]["user"][0]["id"]);
        let keys = self.works(&root(), &[("command", "registerUserKeys"), ("id", &user)]);
        let keys = Keys {
            api_key: text(&keys["userkeys"]["apikey"]),
            secret_key: text(&keys["userkeys"]["secretkey"]),
        };
        let id = text(&made["account"]["id"]);
        Tenant { keys, user, id, domain: text(&made["account"]["domainid"]) }
    }

    /// A domain by name, below another or ROOT; its uuid.
    pub(crate) fn domain(&self, name: &str, parent: Option<&str>) -> String {
        let mut pairs = vec![("command", "createDomain"), ("name", name)];
        pairs.extend(parent.map(|parent| ("parentdomainid", parent)));
        self.works(&root(), &pairs)["domain"]["id"].as_str().unwrap().to_owned()
    }

    /// The number of a resource that bills know it by.
    pub(crate) fn number(&self, uuid: &str) -> u64 {
        let world = self.cloud.as_ref().unwrap().world();
        let ResourceId(number) = world.by_uuid(Uuid::parse(uuid).unwrap()).unwrap().id;
        number
    }

    /// The records of a signed `listUsageRecords` and their count, in JSON.
    pub(crate) fn list(&self, pairs: &[(&str, &str)]) -> Listed {
        let mut all = vec![("command", "listUsageRecords"), ("response", "json")];
        all.extend_from_slice(pairs);
        Listed::of(&self.ask(&all))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            let _ = stop.send(());
            drop(thread.join());
        }
    }
}

/// A pair of keys that somebody signs with.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) api_key: String,
    pub(crate) secret_key: String,
}

/// The root admin's.
pub(crate) fn root() -> Keys {
    Keys { api_key: API_KEY.to_owned(), secret_key: SECRET_KEY.to_owned() }
}

/// An account with one user.
pub(crate) struct Tenant {
    pub(crate) keys: Keys,
    pub(crate) user: String,
    pub(crate) id: String,
    pub(crate) domain: String,
}

/// Status of a JSON reply and what stands in its outer element.
pub(crate) fn inner(reply: &Reply) -> (u16, serde_json::Value) {
    let json: serde_json::Value = serde_json::from_slice(&reply.body)
        .unwrap_or_else(|e| panic!("{e}: {} {}", reply.status_line, reply.text()));
    let outer = json.as_object().unwrap();
    assert_eq!(outer.len(), 1, "{json}");
    (reply.status, outer.values().next().unwrap().clone())
}

/// A list answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Listed {
    pub(crate) count: Option<u64>,
    pub(crate) items: Vec<serde_json::Value>,
}

impl Listed {
    pub(crate) fn of(reply: &Reply) -> Self {
        assert_eq!(reply.status, 200, "{}", reply.text());
        let json: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        let list = &json["listusagerecordsresponse"];
        let items = list.get("usagerecord").and_then(|items| items.as_array());
        Self { count: list["count"].as_u64(), items: items.cloned().unwrap_or_default() }
    }

    /// One field of every item.
    pub(crate) fn all(&self, field: &str) -> Vec<String> {
        let text = |value: &serde_json::Value| match value.as_str() {
            Some(text) => text.to_owned(),
            None => value.to_string(),
        };
        self.items.iter().map(|item| text(&item[field])).collect()
    }
}

/// An HTTP response taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) status_line: String,
    /// By lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
    /// Without transfer coding.
    pub(crate) body: Vec<u8>,
    /// True if the body came to its end.
    pub(crate) complete: bool,
}

impl Reply {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap().to_owned();
        let status = status_line.split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_lowercase(), value.to_owned())
        };
        let headers: BTreeMap<String, String> = lines.map(header).collect();
        let rest = &bytes[end + 4..];
        let (body, complete) = if headers.contains_key("transfer-encoding") {
            unchunked(rest)
        } else {
            let length = headers.get("content-length").map(|n| n.parse::<usize>().unwrap());
            (rest.to_vec(), length.is_none_or(|length| length == rest.len()))
        };
        Self { status, status_line, headers, body, complete }
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

fn unchunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|w| w == b"\r\n") else { return (body, false) };
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        rest = &rest[end + 2..];
        if size == 0 {
            return (body, true);
        }
        if rest.len() < size + 2 {
            return (body, false);
        }
        body.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
    }
}

/// Everything but letters, digits and `-_.` in percent form.
pub(crate) fn encoded(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// The signature of parameters, by the guide's steps.
pub(crate) fn signature(pairs: &[(&str, &str)], secret_key: &str) -> String {
    let mut fields: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)).to_lowercase())
        .collect();
    fields.sort();
    let mut mac = Hmac::<Sha1>::new_from_slice(secret_key.as_bytes()).unwrap();
    mac.update(fields.join("&").as_bytes());
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

/// A signed query string.
pub(crate) fn signed(pairs: &[(&str, &str)]) -> String {
    signed_with(pairs, API_KEY, SECRET_KEY)
}

pub(crate) fn signed_with(pairs: &[(&str, &str)], api_key: &str, secret_key: &str) -> String {
    let mut pairs = pairs.to_vec();
    pairs.push(("apiKey", api_key));
    let signature = signature(&pairs, secret_key);
    pairs.push(("signature", &signature));
    query(&pairs)
}

/// Parameters as a query string or form.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    pairs.join("&")
}

/// Waits for a condition; `state` is shown if it never comes.
pub(crate) fn wait_until<S: std::fmt::Debug>(mut state: impl FnMut() -> (bool, S)) {
    let began = Stopwatch::now();
    loop {
        let (done, state) = state();
        if done {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain; last: {state:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
