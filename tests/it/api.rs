//! The API of the binary over its port; details are tested in `serve/tests/it`.

use std::{
    fs::File,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::ExitStatusExt},
    },
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    time::{Duration, Instant as Stopwatch},
};

use cloudtally_serve::signed_query;

use crate::support::{Client, Cloudtally, csv_rows, with_client};

pub(crate) const API_KEY: &str = "key-of-the-environment";
pub(crate) const SECRET_KEY: &str = "secret-of-the-environment";
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `serve`; killed when dropped.
pub(crate) struct Serving {
    process: Running,
    address: SocketAddr,
    lines: mpsc::Receiver<String>,
    log: PathBuf,
}

impl Serving {
    fn start(cloudtally: &Cloudtally, keys: Option<(&str, &str)>) -> Self {
        let keys = keys.map_or(Vec::new(), |(api_key, secret_key)| {
            vec![("CLOUDTALLY_ADMIN_API_KEY", api_key), ("CLOUDTALLY_ADMIN_SECRET_KEY", secret_key)]
        });
        Self::start_with(cloudtally, &[], &keys)
    }

    pub(crate) fn start_with(
        cloudtally: &Cloudtally,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let mut command = cloudtally.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(arguments).envs(environment.iter().copied());
        let log = cloudtally.path("serve.log");
        command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        let mut process = Running(command.spawn().unwrap());
        let stdout = BufReader::new(process.0.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                drop(sender.send(line));
            }
        });
        let first = lines.recv_timeout(PATIENCE).expect("the address is printed");
        let address = first
            .strip_prefix("serving http://")
            .and_then(|rest| rest.strip_suffix("/client/api")?.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address in `{first}`"));
        Self { process, address, lines, log }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.process.0.id()
    }

    /// A `GET` of a server that may die over it.
    pub(crate) fn try_get(&self, query: &str) -> Option<(u16, String, String)> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let request =
            format!("GET /client/api?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, head.to_owned(), body.to_owned()))
    }

    /// All that it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends a request as it is; returns status, head and body.
    pub(crate) fn raw(&self, request: &str) -> (u16, String, String) {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }

    pub(crate) fn get(&self, query: &str) -> (u16, String, String) {
        self.raw(&format!(
            "GET /client/api?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        ))
    }

    pub(crate) fn post(&self, query: &str, body: &str) -> (u16, String, String) {
        self.raw(&format!(
            "POST /client/api?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    /// Sends a signal and requires that it ends the server as told, cutting nothing off.
    pub(crate) fn signal(mut self, name: &str) {
        self.process.signal(name);
        let status = self.process.end();
        let log = std::fs::read_to_string(&self.log).unwrap();
        let (code, signal) = (status.code(), status.signal());
        assert_eq!((code, signal), (Some(0), None), "after {name}: {log}");
        assert!(log.contains("stopping") && !log.contains("closed connections"), "{log}");
    }
}

/// The end of a server.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) log: String,
}

impl Serving {
    /// Waits until the server ends by itself.
    pub(crate) fn ended(mut self) -> Ended {
        let status = self.process.end();
        Ended { code: status.code(), log: std::fs::read_to_string(&self.log).unwrap() }
    }
}

/// Ends one of our processes as a power cut would.
pub(crate) fn kill(process_id: u32) {
    let sent = Command::new("kill").args(["-KILL", &process_id.to_string()]).status();
    assert!(sent.unwrap().success());
}

/// A process; killed when dropped.
struct Running(Child);

impl Running {
    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.0.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    fn end(&mut self) -> ExitStatus {
        wait_until("the process still runs", || self.0.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Waits until there is something; `otherwise` says what there is if it never comes.
fn wait_until<T>(otherwise: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Stopwatch::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{otherwise} after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Three volumes for all of January 2026: 93 records. The schedule is off, so
/// that nothing but the test changes the folder.
fn january() -> Cloudtally {
    let cloudtally = Cloudtally::new();
    cloudtally.file("accounts.csv", "id,account_name,domain_id\n2,acme & sons,1\n");
    cloudtally.file(
        "events.csv",
        "id,type,created,account_id,zone_id,resource_id,resource_name,offering_id,size\n\
         1,VOLUME.CREATE,2026-01-01 00:00:00,2,1,501,DATA-501,1,1073741824\n\
         2,VOLUME.CREATE,2026-01-01 12:00:00,2,1,502,DATA-502,1,1073741824\n\
         3,VOLUME.CREATE,2026-01-01 00:00:00,3,1,503,DATA-503,1,1073741824\n",
    );
    cloudtally.ok(&["ingest", "accounts", "accounts.csv"]);
    cloudtally.ok(&["ingest", "events", "events.csv"]);
    cloudtally.ok(&["settings", "enable.usage.server", "false"]);
    cloudtally.ok(&["aggregate", "--from", "2026-01-01", "--to", "2026-01-31"]);
    cloudtally
}

fn signed(pairs: &[(&str, &str)]) -> String {
    signed_query(pairs, API_KEY, SECRET_KEY)
}

const FIRST: [(&str, &str); 5] = [
    ("command", "listUsageRecords"),
    ("startdate", "2026-01-01"),
    ("enddate", "2026-01-31"),
    ("page", "1"),
    ("pagesize", "1"),
];

#[test]
fn get_and_post_in_xml_and_json_until_told_to_stop() {
    let cloudtally = january();
    let serving = Serving::start(&cloudtally, Some((API_KEY, SECRET_KEY)));
    assert_eq!(serving.line(), "root admin keys are those of the environment");
    let id = &csv_rows(&cloudtally.export())[0]["recordid"];

    let (status, head, body) = serving.get(&signed(&FIRST));
    let expected = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><listusagerecordsresponse \
         cloud-stack-version=\"4.2.1\"><count>93</count><usagerecord>\
         <account>acme &amp; sons</account><accountid>2</accountid><domainid>1</domainid>\
         <zoneid>1</zoneid><description>Volume Id: 501 usage time (DiskOffering: 1)</description>\
         <usage>24 Hrs</usage><usagetype>6</usagetype><rawusage>24</rawusage>\
         <offeringid>1</offeringid><usageid>501</usageid><size>1073741824</size>\
         <startdate>2026-01-01T00:00:00+0000</startdate><enddate>2026-01-01T23:59:59+0000</enddate>\
         <recordid>{id}</recordid><source>default</source></usagerecord></listusagerecordsresponse>"
    );
    assert_eq!((status, body), (200, expected), "{head}");

    let mut pairs = FIRST.to_vec();
    pairs.push(("response", "json"));
    let expected = format!(
        "{{\"listusagerecordsresponse\":{{\"count\":93,\"usagerecord\":[{{\
         \"account\":\"acme & sons\",\"accountid\":\"2\",\"domainid\":\"1\",\"zoneid\":\"1\",\
         \"description\":\"Volume Id: 501 usage time (DiskOffering: 1)\",\"usage\":\"24 Hrs\",\
         \"usagetype\":6,\"rawusage\":\"24\",\"offeringid\":\"1\",\"usageid\":\"501\",\
         \"size\":1073741824,\"startdate\":\"2026-01-01T00:00:00+0000\",\
         \"enddate\":\"2026-01-01T23:59:59+0000\",\"recordid\":\"{id}\",\"source\":\"default\"}}]}}}}"
    );
    let (command, rest) = {
        let all = signed(&pairs);
        let (command, rest) = all.split_once('&').unwrap();
        (command.to_owned(), rest.to_owned())
    };
    for (status, head, body) in [
        serving.get(&signed(&pairs)),
        serving.post("", &signed(&pairs)),
        serving.post(&command, &rest),
    ] {
        assert_eq!((status, &body), (200, &expected), "{head}");
        assert!(head.to_lowercase().contains("content-type: application/json"), "{head}");
    }

    let (status, head, _) = serving.get("command=listUsageRecords&response=json");
    assert_eq!(status, 401, "{head}");
    let (status, head, _) = serving.get("command=nothing");
    assert_eq!(status, 432, "{head}");
    let (status, head, body) = serving.get(&signed(&FIRST[..1]));
    assert_eq!(status, 431, "{head}");
    assert!(head.contains("missing parameter startdate") && body.contains("<cserrorcode>9999<"));

    // An idle connection does not keep it.
    let mut idle = serving.connect();
    idle.write_all(
        format!("GET /client/api?{} HTTP/1.1\r\nHost: x\r\n\r\n", signed(&FIRST)).as_bytes(),
    )
    .unwrap();
    idle.read_exact(&mut [0; 20]).unwrap();
    serving.signal("-TERM");
    cloudtally.ok(&["check"]);
}

#[test]
fn keys_are_made_printed_once_and_kept() {
    let cloudtally = january();
    let serving = Serving::start(&cloudtally, None);
    let printed = [serving.line(), serving.line(), serving.line()];
    assert!(printed[0].contains("shown this once"), "{printed:?}");
    let key = |line: &str| line.split_whitespace().last().unwrap().to_owned();
    let (api_key, secret_key) = (key(&printed[1]), key(&printed[2]));
    let query = signed_query(&FIRST, &api_key, &secret_key);
    assert_eq!(serving.get(&query).0, 200);
    serving.signal("-INT");

    let serving = Serving::start(&cloudtally, None);
    let printed = serving.line();
    assert!(!printed.contains(&secret_key), "not shown again: {printed}");
    assert_eq!(serving.get(&query).0, 200, "they are kept");
    cloudtally.ok(&["keys", "--new"]);
    assert_eq!(serving.get(&query).0, 401, "renewed while serving");
    serving.signal("-TERM");
}

/// Both signals are caught before the server says that it serves. An output that
/// takes no more holds it between the two: it listens, and has not said so.
#[test]
fn signals_count_before_it_says_that_it_serves() {
    let cloudtally = january();
    // An address of our own, for there is nothing yet to read a free port from.
    let [.., b, c, d] = std::process::id().to_be_bytes();
    let address = SocketAddr::from((Ipv4Addr::new(127, b, c, d.max(2)), 27_182));
    for name in ["-INT", "-TERM"] {
        let (output, mut reader) = full_pipe();
        let mut command = cloudtally.command(&["serve", "--listen", &address.to_string()]);
        command.stdout(output).stderr(Stdio::null());
        let mut process = Running(command.spawn().unwrap());
        drop(command); // and with it our end of the output
        wait_until("it does not listen", || TcpStream::connect(address).ok());
        process.signal(name);
        let mut printed = String::new();
        reader.read_to_string(&mut printed).unwrap();
        let status = process.end();
        assert_eq!((status.code(), status.signal()), (Some(0), None), "after {name}");
        let said = printed.trim_start_matches('.');
        assert!(said.starts_with(&format!("serving http://{address}/")), "{said}");
    }
}

/// A way out that holds as much as it can until the other end is read.
fn full_pipe() -> (OwnedFd, UnixStream) {
    let (mut output, reader) = UnixStream::pair().unwrap();
    reader.set_read_timeout(Some(PATIENCE)).unwrap();
    output.set_nonblocking(true).unwrap();
    for piece in [&[b'.'; 4096][..], b"."] {
        let full = std::iter::repeat_with(|| output.write(piece)).find_map(Result::err).unwrap();
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
    }
    output.set_nonblocking(false).unwrap();
    (output.into(), reader)
}

#[test]
fn generates_the_days_it_is_told() {
    let cloudtally = january();
    let serving = Serving::start(&cloudtally, Some((API_KEY, SECRET_KEY)));
    let dates = [("startdate", "2026-02-03"), ("enddate", "2026-02-04")];
    let mut pairs = vec![("command", "generateUsageRecords")];
    pairs.extend(dates);
    let (status, _, body) = serving.post("", &signed(&pairs));
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("<success>true</success>"), "{body}");
    let days: Vec<String> = csv_rows(&cloudtally.export())
        .iter()
        .skip(93)
        .map(|row| row["startdate"][..10].to_owned())
        .collect();
    assert_eq!(days.join(" "), "2026-02-03 2026-02-03 2026-02-03 2026-02-04 2026-02-04 2026-02-04");
}

/// Lists the records with the PyPI package `cs`, page by page, by GET and by POST.
const CS_SCRIPT: &str = r#"
import json, sys
from cs import CloudStack, CloudStackException
endpoint, key, secret = sys.argv[1:]
ids = []
for method in ("get", "post"):
    cs = CloudStack(endpoint=endpoint, key=key, secret=secret, method=method)
    dates = dict(startdate="2026-01-01", enddate="2026-01-31")
    records = cs.listUsageRecords(fetch_list=True, page_size=10, **dates)
    assert len(records) == 93, len(records)
    ids = [record["recordid"] for record in records]
    assert len(cs.listUsageRecords(fetch_list=True, account="acme & sons", **dates)) == 62
    assert cs.listUsageRecords(startdate="2027-01-01", enddate="2027-01-31") == {}
    assert cs.listUsageRecords(fetch_list=True, startdate="2027-01-01", enddate="2027-01-31") == []
    assert len(cs.listUsageTypes(fetch_list=True)) == 13
    try:
        cs.listUsageRecords(account="no*body ~ at + all / é", **dates)
        raise AssertionError("that account does not exist")
    except CloudStackException as refused:
        assert refused.error["errorcode"] == 431, refused.error
print(json.dumps(ids))
"#;

#[test]
fn an_unmodified_client_pages_through_the_records() {
    let cloudtally = january();
    let serving = Serving::start(&cloudtally, Some((API_KEY, SECRET_KEY)));
    let endpoint = format!("http://{}/client/api", serving.address);
    let Some(said) = with_client(Client::Cs, CS_SCRIPT, &[&endpoint, API_KEY, SECRET_KEY]) else {
        return;
    };
    let ids: Vec<String> = serde_json::from_str(&said).unwrap();
    let exported: Vec<String> =
        csv_rows(&cloudtally.export()).iter().map(|row| row["recordid"].clone()).collect();
    assert_eq!(ids, exported, "the same records in the same order as the export");
}
