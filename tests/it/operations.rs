//! The server as an operator's tools see it: metrics, health, logs, systemd, backups.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixDatagram,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant as Stopwatch},
};

use cloudtally_serve::{METRICS, MetricKind, MetricOrigin, signed_query};
use serde_json::Value;

use crate::{
    api::{API_KEY, SECRET_KEY, Serving},
    support::{Cloudtally, ran, repository, system_tool},
};

const EVENTS: &str = "id,type,created,account_id,zone_id,resource_id,size\n\
                      1,VOLUME.CREATE,2026-01-01 00:00:00,2,1,501,1073741824\n\
                      1,VOLUME.CREATE,2026-01-01 00:00:00,2,1,501,1073741824\n\
                      x,VOLUME.CREATE,2026-01-01 00:00:00,2,1,502,1073741824\n";
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder with three published days, a duplicate and a row set aside.
fn billed() -> Cloudtally {
    let cloudtally = Cloudtally::new();
    cloudtally.file("events.csv", EVENTS);
    cloudtally.ok(&["ingest", "events", "events.csv"]);
    cloudtally.ok(&["aggregate", "--now", "2026-01-04T00:15:00Z"]);
    cloudtally
}

fn start(cloudtally: &Cloudtally, arguments: &[&str], environment: &[(&str, &str)]) -> Serving {
    let mut all = vec![
        ("CLOUDTALLY_ADMIN_API_KEY", API_KEY),
        ("CLOUDTALLY_ADMIN_SECRET_KEY", SECRET_KEY),
        ("CLOUDTALLY_ADMIN_PASSWORD", "password-of-the-admin"),
    ];
    all.extend_from_slice(environment);
    Serving::start_with(cloudtally, arguments, &all)
}

/// A server with a listener for monitoring, and its address.
fn monitored(cloudtally: &Cloudtally) -> (Serving, SocketAddr) {
    cloudtally.ok(&["settings", "enable.usage.server", "false"]);
    let serving = start(cloudtally, &["--empty", "--metrics", "127.0.0.1:0"], &[]);
    let line = serving.line();
    let address = line.strip_prefix("metrics http://").and_then(|rest| rest.split('/').next());
    let address = address.and_then(|address| address.parse().ok());
    let address = address.unwrap_or_else(|| panic!("no address in `{line}`"));
    (serving, address)
}

/// Status, head and body of a `GET`.
fn get(address: SocketAddr, path: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), body.to_owned())
}

/// The value of a sample, by its name and labels.
fn value(text: &str, sample: &str) -> String {
    let found = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {sample} in\n{text}")).to_owned()
}

/// Requires that Prometheus' own tool takes a text for metrics.
fn check_metrics(text: &str) {
    let Some(mut promtool) = system_tool("promtool") else { return };
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = promtool.stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let ran = ran(&child.wait_with_output().unwrap());
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
}

#[test]
fn a_folder_has_figures_without_a_server() {
    let cloudtally = billed();
    let text = cloudtally.ok(&["metrics"]);
    for (sample, expected) in [
        (r#"cloudtally_ingest_rows_total{stream="events",result="accepted"}"#, "1"),
        (r#"cloudtally_ingest_rows_total{stream="events",result="duplicate"}"#, "1"),
        (r#"cloudtally_ingest_rows_total{stream="events",result="quarantined"}"#, "1"),
        (r#"cloudtally_ingest_rows_total{stream="samples",result="accepted"}"#, "0"),
        (r#"cloudtally_ingest_last_event_timestamp_seconds{source="default"}"#, "1767225600"),
        (r#"cloudtally_outbox_rows{stream="events"}"#, "0"),
        (r#"cloudtally_job_runs_total{kind="scheduled",result="done"}"#, "1"),
        (r#"cloudtally_job_duration_seconds_count{kind="scheduled"}"#, "1"),
        ("cloudtally_job_running", "0"),
        (r#"cloudtally_periods{state="published"}"#, "3"),
        (r#"cloudtally_periods{state="stale"}"#, "0"),
        (r#"cloudtally_periods{state="closed"}"#, "0"),
        ("cloudtally_corrections_total", "0"),
        ("cloudtally_last_published_period_end_timestamp_seconds", "1767484800"),
        ("cloudtally_records", "3"),
        (r#"cloudtally_lake_files{kind="events"}"#, "1"),
        (r#"cloudtally_lake_files{kind="records"}"#, "3"),
    ] {
        assert_eq!(value(&text, sample), expected, "{sample}");
    }
    for metric in METRICS {
        let line = format!("# TYPE {} {}\n", metric.name, metric.kind.as_name());
        assert_eq!(text.contains(&line), metric.origin == MetricOrigin::Folder, "{line}");
    }
    check_metrics(&text);
    // A late event makes the days stale that it touches.
    let late = EVENTS.lines().next().unwrap().to_owned()
        + "\n2,VOLUME.CREATE,2026-01-03 00:00:00,2,1,503,1073741824\n";
    cloudtally.file("late.csv", late);
    cloudtally.ok(&["ingest", "events", "late.csv"]);
    assert_eq!(value(&cloudtally.ok(&["metrics"]), r#"cloudtally_periods{state="stale"}"#), "1");
    // It becomes a correction, and the days are closed.
    cloudtally.ok(&["aggregate", "--now", "2026-01-04T00:30:00Z"]);
    cloudtally.ok(&["close", "--through", "2026-01-02", "--by", "finance"]);
    let text = cloudtally.ok(&["metrics"]);
    assert_eq!(value(&text, "cloudtally_corrections_total"), "1");
    assert_eq!(value(&text, r#"cloudtally_periods{state="closed"}"#), "2");
    assert_eq!(value(&text, "cloudtally_closed_through_timestamp_seconds"), "1767398400");
    check_metrics(&text);
    assert!(cloudtally.fails(1, &["metrics", "--data", "nowhere"]).contains("no data folder"));
}

#[test]
fn a_server_tells_metrics_and_health_to_those_who_watch_it() {
    let cloudtally = billed();
    let (serving, monitor) = monitored(&cloudtally);
    let zones = signed_query(&[("command", "listZones")], API_KEY, SECRET_KEY);
    assert_eq!(serving.get(&zones).0, 200);
    assert_eq!(serving.get("command=listZones").0, 401);
    assert_eq!(serving.get("command=nothing&x=1").0, 432);
    let (status, head, text) = get(monitor, "/metrics");
    assert_eq!(status, 200);
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    for (sample, expected) in [
        ("cloudtally_ready", "1"),
        ("cloudtally_records", "3"),
        ("cloudtally_http_server_active_requests", "0"),
    ] {
        assert_eq!(value(&text, sample), expected, "{sample}");
    }
    let count = "cloudtally_http_server_request_duration_seconds_count";
    assert_eq!(value(&text, &format!(r#"{count}{{command="listZones",status="200"}}"#)), "1");
    assert_eq!(value(&text, &format!(r#"{count}{{command="listZones",status="401"}}"#)), "1");
    let is_named = |name: &str| text.contains(&format!("command=\"{name}\""));
    assert!(is_named("none") && !is_named("nothing"), "{text}");
    for metric in METRICS.iter().filter(|metric| metric.name != "cloudtally_sanity_checks_failed") {
        assert!(text.contains(&format!("# TYPE {} ", metric.name)), "{}", metric.name);
    }
    check_metrics(&text);
    // The public port has no metrics and tells no reasons.
    assert_eq!(get(serving.address(), "/metrics").0, 404);
    for address in [serving.address(), monitor] {
        for path in ["/livez", "/readyz", "/healthz"] {
            let (status, _, body) = get(address, path);
            assert_eq!((status, body.as_str()), (200, "ok\n"), "{path}");
        }
        let (status, _, body) = get(address, "/readyz?verbose");
        assert_eq!(status, 200);
        for check in ["catalogue", "cloud-lock", "lake-lock", "cloud", "serving"] {
            assert!(body.contains(&format!("[+] {check} ok\n")), "{body}");
        }
    }
    let url = format!("http://{}/readyz", serving.address());
    assert_eq!(cloudtally.ok(&["healthcheck", "--url", &url]), "ok\n");

    // Somebody removes the database from below the server.
    let (database, aside) = (cloudtally.path("data/cloudtally.db"), cloudtally.path("aside.db"));
    fs::rename(&database, &aside).unwrap();
    let began = Stopwatch::now();
    let (status, body) = loop {
        let (status, _, body) = get(monitor, "/readyz");
        if status != 200 || began.elapsed() > PATIENCE {
            break (status, body);
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(status, 503);
    assert!(body.contains("[-] catalogue failed: ") && body.ends_with("not ready\n"), "{body}");
    let (status, _, body) = get(serving.address(), "/readyz");
    assert!(status == 503 && body.contains("[-] catalogue failed\n"), "{body}");
    assert_eq!(get(monitor, "/livez").0, 200, "a restart would not bring it back");
    let refused = cloudtally.fails(1, &["healthcheck", "--url", &url]);
    assert!(refused.contains("answers 503"), "{refused}");
    assert_eq!(value(&get(monitor, "/metrics").2, "cloudtally_ready"), "0");
    fs::rename(&aside, &database).unwrap();
    serving.signal("-TERM");
    let refused = cloudtally.fails(1, &["healthcheck", "--url", &url]);
    assert!(refused.contains("does not answer"), "{refused}");
}

/// Words of a text that are names of metrics by their form.
fn metrics_named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_name = |word: &&str| word.starts_with("cloudtally_") || word.starts_with("process_");
    words.filter(is_name).map(str::to_owned).collect()
}

#[test]
fn rules_and_dashboard_name_only_metrics_that_there_are() {
    let mut known = BTreeSet::new();
    for metric in METRICS {
        match metric.kind {
            MetricKind::Histogram => {
                known.extend(["bucket", "sum", "count"].map(|of| format!("{}_{of}", metric.name)));
            }
            _ => drop(known.insert(metric.name.to_owned())),
        }
    }
    let rules = repository().join("packaging/prometheus/cloudtally.rules.yml");
    let dashboard = repository().join("packaging/grafana/cloudtally.json");
    let text = fs::read_to_string(&dashboard).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    assert!(json["panels"].as_array().unwrap().len() > 10);
    for path in [&rules, &dashboard] {
        let named = metrics_named(&fs::read_to_string(path).unwrap());
        assert!(named.len() >= 5, "{named:?}");
        let unknown: Vec<_> = named.difference(&known).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", path.display());
    }
    // All metrics stand in the page for operators, each with its name.
    let page = fs::read_to_string(repository().join("docs/operations.md")).unwrap();
    for metric in METRICS {
        assert!(page.contains(&format!("`{}", metric.name)), "{}", metric.name);
    }
    if let Some(mut promtool) = system_tool("promtool") {
        let ran = ran(&promtool.args(["check", "rules"]).arg(&rules).output().unwrap());
        assert_eq!(ran.status, Some(0), "{ran:?}");
    }
}

#[test]
fn logs_are_lines_of_json_that_name_requests_and_jobs_and_hold_no_secrets() {
    let cloudtally = Cloudtally::new();
    let arguments = ["--empty", "--log-format", "json", "--clock", "sim", "--speed", "0"];
    let serving = start(&cloudtally, &arguments, &[("CLOUDTALLY_LOG", "trace")]);
    let mut secrets = vec![API_KEY.to_owned(), SECRET_KEY.to_owned()];
    let mut signed = |pairs: &[(&str, &str)]| {
        let query = signed_query(pairs, API_KEY, SECRET_KEY);
        let signature = query.split('&').find_map(|pair| pair.strip_prefix("signature="));
        secrets.push(signature.unwrap().to_owned());
        secrets
            .push(signature.unwrap().replace("%2B", "+").replace("%2F", "/").replace("%3D", "="));
        query
    };
    // By signature, right and wrong; a password in a command; one that fails.
    assert_eq!(serving.get(&signed(&[("command", "listZones")])).0, 200);
    let wrong = signed(&[("command", "listUsers")]).replace("signature=", "x=1&signature=");
    assert_eq!(serving.get(&wrong).0, 401);
    let account = [
        ("command", "createAccount"),
        ("accounttype", "0"),
        ("username", "tenant"),
        ("password", "password-of-a-tenant"),
        ("firstname", "F"),
        ("lastname", "L"),
        ("email", "e"),
    ];
    assert_eq!(serving.get(&signed(&account)).0, 200);
    assert_ne!(serving.get(&signed(&account)).0, 200, "there already");
    // By session, right and wrong.
    let login = |password: &str| {
        let form = format!("command=login&username=admin&password={password}&response=json");
        serving.post("", &form)
    };
    assert_ne!(login("a-wrong-password").0, 200);
    let (status, head, body) = login("password-of-the-admin");
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    let key = body["loginresponse"]["sessionkey"].as_str().unwrap().to_owned();
    let cookie = head.lines().find_map(|line| {
        line.to_lowercase()
            .find("jsessionid=")
            .map(|at| line[at + "jsessionid=".len()..].split(';').next().unwrap().to_owned())
    });
    let cookie = cookie.unwrap();
    let key_in_url = key.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let (status, ..) = serving.raw(&format!(
        "GET /client/api?command=listZones&sessionkey={key_in_url} HTTP/1.1\r\nHost: x\r\n\
         Cookie: JSESSIONID={cookie}\r\nConnection: close\r\n\r\n"
    ));
    assert_eq!(status, 200);
    // The usage job, on the simulated clock.
    let advance = signed(&[("command", "advanceClock"), ("seconds", "90000")]);
    assert_eq!(serving.get(&advance).0, 200);
    secrets.extend([key, key_in_url, cookie]);
    secrets.extend(
        ["password-of-the-admin", "password-of-a-tenant", "a-wrong-password"].map(str::to_owned),
    );
    let log = serving.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    for secret in &secrets {
        assert!(!log.contains(secret.as_str()), "{secret} in\n{log}");
    }
    let of = |text: &str| {
        let said = |line: &&Value| line["message"].as_str().is_some_and(|m| m.contains(text));
        lines.iter().filter(said).collect::<Vec<_>>()
    };
    let answered = of("answered listzonesresponse: 200");
    let ids: BTreeSet<&str> =
        answered.iter().map(|line| line["span"]["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2, "two requests, two ids: {answered:?}");
    let done = of("usage job done");
    assert!(!done.is_empty(), "{log}");
    for (line, number) in done.iter().zip(1..) {
        assert_eq!(line["span"]["job"], number, "{done:?}");
    }
    serving.signal("-TERM");
    // The same as text.
    let serving = start(&cloudtally, &["--clock", "sim", "--speed", "0"], &[]);
    assert!(serving.log().contains("the usage job runs next"), "{}", serving.log());
    serving.signal("-TERM");
}

#[test]
fn systemd_is_told_when_the_port_answers_when_it_lives_and_when_it_stops() {
    let cloudtally = Cloudtally::new();
    cloudtally.ok(&["settings", "enable.usage.server", "false"]);
    let path = cloudtally.path("notify.socket");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let told = || {
        let mut message = [0; 256];
        let length = socket.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).trim().to_owned()
    };
    let environment = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "200000")];
    let serving = start(&cloudtally, &["--empty"], &environment);
    let until = |wanted: &str| {
        let began = Stopwatch::now();
        while told() != wanted {
            assert!(began.elapsed() < PATIENCE, "{wanted} is not told");
        }
    };
    until("READY=1");
    assert_eq!(get(serving.address(), "/readyz").0, 200);
    until("WATCHDOG=1");
    until("WATCHDOG=1");
    serving.signal("-TERM");
    until("STOPPING=1");
}

/// The units, with the binary under test in place of the installed one.
#[test]
fn systemd_takes_the_units_and_finds_them_hardened() {
    let units = repository().join("packaging/systemd");
    let dir = tempfile::tempdir().unwrap();
    let mut paths = Vec::<PathBuf>::new();
    for name in ["cloudtally.service", "cloudtally-usage.service", "cloudtally-usage.timer"] {
        let text = fs::read_to_string(units.join(name)).unwrap();
        let text = text.replace("/usr/bin/cloudtally", env!("CARGO_BIN_EXE_cloudtally"));
        fs::write(dir.path().join(name), text).unwrap();
        paths.push(dir.path().join(name));
    }
    let Some(mut verify) = system_tool("systemd-analyze") else { return };
    let ran_verify = ran(&verify.args(["verify", "--man=no"]).args(&paths).output().unwrap());
    assert_eq!(ran_verify.status, Some(0), "{ran_verify:?}");
    for path in &paths[..2] {
        // Exposure in tenths: at most 2.0.
        let mut security = Command::new("systemd-analyze");
        let security =
            security.args(["security", "--offline=true", "--threshold=20", "--no-pager"]);
        let ran = ran(&security.arg(path).output().unwrap());
        assert_eq!(ran.status, Some(0), "{ran:?}");
    }
}

/// A backup while tenants work and the usage job publishes.
#[test]
fn a_backup_of_a_living_server_is_a_whole_folder() {
    let cloudtally = Cloudtally::new();
    let arguments = ["--clock", "sim", "--speed", "0", "--tenants", "4", "--seed", "3"];
    let serving = start(&cloudtally, &arguments, &[]);
    let address = serving.address();
    let advance = |seconds: &str| {
        let pairs = [("command", "advanceClock"), ("seconds", seconds)];
        get(address, &format!("/client/api?{}", signed_query(&pairs, API_KEY, SECRET_KEY))).0
    };
    assert_eq!(advance("200000"), 200);
    std::thread::scope(|scope| {
        let living = scope.spawn(|| advance("500000"));
        let mut rounds = 0;
        while !living.is_finished() || rounds == 0 {
            rounds += 1;
            let report: Value =
                serde_json::from_str(&cloudtally.ok(&["backup", "--to", "backup", "--json"]))
                    .unwrap();
            assert!(report["files"].as_u64().unwrap() > 3, "{report}");
            let to = format!("restored-{rounds}");
            cloudtally.ok(&["restore", "--from", "backup", "--to", &to]);
            cloudtally.ok(&["check", "--data", &to]);
            if rounds == 5 {
                break;
            }
        }
        assert_eq!(living.join().unwrap(), 200);
    });
    serving.signal("-TERM");
    // Nobody writes any more: what is restored is the folder itself.
    let bill = cloudtally.export();
    assert!(bill.lines().count() > 20, "{bill}");
    let text = cloudtally.ok(&["backup", "--to", "backup", "--prune"]);
    assert!(text.contains("there already"), "{text}");
    cloudtally.ok(&["restore", "--from", "backup", "--to", "last"]);
    cloudtally.ok(&["check", "--data", "last"]);
    let export = ["export", "--format", "csv", "--out", "-", "--data", "last"];
    assert_eq!(cloudtally.ok(&export), bill);
    let refused = cloudtally.fails(1, &["restore", "--from", "backup", "--to", "last"]);
    assert!(refused.contains("neither empty nor"), "{refused}");
}
