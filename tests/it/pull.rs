//! The database of a cloud, read where it stands: against Debian's MariaDB, which is started
//! here without rights and stopped again. Skipped where it is not installed.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::support::{Cloudtally, files, repository, system_tool};

/// Tries, a tenth of a second each, until a server answers.
const TRIES: usize = 600;

/// A MariaDB of a test's own.
struct MariaDb {
    folder: tempfile::TempDir,
    server: Child,
    port: u16,
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// A command that runs without the rights of root, which the server refuses.
fn unprivileged(program: &str) -> Command {
    let is_root = fs::metadata("/proc/self")
        .is_ok_and(|proc| std::os::unix::fs::MetadataExt::uid(&proc) == 0);
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", program]);
    command
}

impl MariaDb {
    /// Starts one with the sample database; none where it is not installed.
    fn start() -> Option<Self> {
        system_tool("mariadbd")?;
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777))
            .unwrap();
        let data = format!("--datadir={}/data", folder.path().display());
        // Servers that share one take one another's temporary tables.
        let temporary = format!("--tmpdir={}", folder.path().display());
        let installed = unprivileged("mariadb-install-db")
            .args(["--no-defaults", &data, "--auth-root-authentication-method=normal"])
            .args(["--skip-test-db", "--innodb-log-file-size=4M", &temporary])
            .output()
            .unwrap();
        assert!(installed.status.success(), "{installed:?}");
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = unprivileged("mariadbd")
            .args([
                "--no-defaults",
                &data,
                "--innodb-log-file-size=4M",
                "--skip-name-resolve",
                &temporary,
            ])
            .args(["--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0"])
            .arg(format!("--socket={}/s.sock", folder.path().display()))
            .arg(format!("--pid-file={}/pid", folder.path().display()))
            .arg(format!("--log-error={}/err.log", folder.path().display()))
            .args(["--bind-address=127.0.0.1", &format!("--port={port}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Self { folder, server, port };
        for _ in 0..TRIES {
            if started.client().args(["-e", "select 1"]).output().unwrap().status.success() {
                started.sql(
                    "create database cloud; create user tally@'127.0.0.1' identified by 'x y';",
                );
                started.load(&repository().join("sample-data/dumps/dump.sql"));
                started.sql(
                    "create table configuration (name varchar(255) primary key, value text); \
                     insert into configuration values ('secret', 'x'), \
                     ('usage.stats.job.aggregation.range', '1440')",
                );
                return Some(started);
            }
            thread::sleep(Duration::from_millis(100));
        }
        let log = fs::read_to_string(started.folder.path().join("err.log"));
        panic!("the server does not answer: {log:?}");
    }

    fn socket(&self) -> String {
        self.folder.path().join("s.sock").display().to_string()
    }

    fn client(&self) -> Command {
        let mut client = Command::new("mariadb");
        client.args(["--no-defaults", "-uroot", "-S", &self.socket()]);
        client
    }

    fn sql(&self, text: &str) -> String {
        let output = self.client().args(["cloud", "-N", "-e", text]).output().unwrap();
        // Before the database is there.
        let output = match output.status.success() || !text.starts_with("create database") {
            true => output,
            false => self.client().args(["-e", text]).output().unwrap(),
        };
        assert!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn load(&self, file: &Path) {
        let file = fs::File::open(file).unwrap();
        let output = self.client().arg("cloud").stdin(file).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn dump(&self, to: &Path) {
        let output = Command::new("mariadb-dump")
            .args(["--no-defaults", "-uroot", "-S", &self.socket(), "cloud"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        fs::write(to, output.stdout).unwrap();
    }

    fn event(&self, id: u64, event_type: &str, created: &str) {
        self.sql(&format!(
            "insert into usage_event (id, type, account_id, created, zone_id, resource_id, \
             resource_name, offering_id, template_id) values ({id}, '{event_type}', 2, {created}, \
             1, 500, 'late', 1, 1)"
        ));
    }

    /// The address over the socket, as root.
    fn address(&self) -> String {
        format!("mysql://root@localhost/?socket={}", self.socket())
    }
}

fn json(cloudtally: &Cloudtally, arguments: &[&str]) -> Value {
    serde_json::from_str(&cloudtally.ok(&[arguments, &["--json"]].concat())).unwrap()
}

/// The files of the lake by their paths.
fn lake(cloudtally: &Cloudtally) -> BTreeMap<PathBuf, Vec<u8>> {
    files(&cloudtally.path("data"), |path| path.extension().is_some_and(|of| of == "parquet"))
}

const VM: [&str; 4] = ["aggregate", "--from", "2026-01-01", "--to"];

#[test]
fn a_pull_is_the_ingest_of_a_dump_in_every_schema() {
    let Some(database) = MariaDb::start() else { return };
    let schemas = [
        "select 1",
        // 4.16: accounts have instants. 4.22.1: events of volumes have a VM.
        "alter table account add created datetime; \
         update account set created = '2025-12-01 00:00:00' where id = 3; \
         alter table usage_event add vm_id bigint unsigned; set sql_mode = ''; \
         insert into usage_event (type, account_id, created, zone_id, resource_id) values \
         ('VM.CREATE', 2, '0000-00-00 00:00:00', 1, 9)",
        // As before 4.2, and the columns in another order.
        "alter table usage_event drop virtual_size, modify created datetime not null first; \
         alter table user_statistics drop network_id",
    ];
    for schema in schemas {
        database.sql(schema);
        let (pulled, ingested) = (Cloudtally::new(), Cloudtally::new());
        let said = json(&pulled, &["pull", &database.address(), "--samples"]);
        let sampled = said["pull"]["completethrough"].as_str().unwrap();
        database.dump(&ingested.path("dump.sql"));
        let dump = json(&ingested, &["ingest", "dump.sql", "--sampled", sampled]);
        for number in ["read", "accepted", "quarantined", "mended"] {
            assert_eq!(said[number], dump[number], "{schema}: {number}\n{said}\n{dump}");
        }
        assert!(said["accepted"].as_u64().unwrap() > 20, "{said}");
        // A zone that is no number of ours, and from the second schema on a date that is none.
        let set_aside = if schema == "select 1" { 1 } else { 2 };
        assert_eq!(said["quarantined"], set_aside, "{said}");
        for cloudtally in [&pulled, &ingested] {
            cloudtally.ok(&[&VM[..], &["2026-01-03"]].concat());
        }
        assert!(lake(&pulled) == lake(&ingested), "{schema}: the files differ");
        assert_eq!(pulled.export(), ingested.export(), "{schema}");
        pulled.ok(&["check"]);

        // Nothing is new: the accounts are there already, no event is read.
        let again = json(&pulled, &["pull", &database.address()]);
        assert_eq!((&again["accepted"], &again["quarantined"]), (&0.into(), &0.into()));
        let events = |said: &Value| {
            said["streams"].as_array().unwrap().iter().any(|row| row["stream"] == "events")
        };
        assert!(events(&said) && !events(&again), "{again}");
    }
}

#[test]
fn an_event_that_is_committed_late_is_taken_once() {
    let Some(database) = MariaDb::start() else { return };
    let cloudtally = Cloudtally::new();
    cloudtally.ok(&["pull", &database.address()]);
    // One session inserts and stays open, another commits a higher number.
    let mut open = database
        .client()
        .args(["cloud", "-N", "--unbuffered"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = open.stdin.take().unwrap();
    let insert = "begin; insert into usage_event (id, type, account_id, created, zone_id, \
                  resource_id, resource_name, offering_id, template_id) values (900, 'VM.START', \
                  2, utc_timestamp(), 1, 600, 'open', 1, 1); select 'inserted';\n";
    input.write_all(insert.as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(open.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "inserted\n");
    database.event(901, "VM.START", "utc_timestamp()");

    let first = json(&cloudtally, &["pull", &database.address()]);
    assert_eq!(first["accepted"], 1, "{first}");
    assert_eq!(first["pull"]["seen"], 901);
    assert!(first["pull"]["floor"].as_u64().unwrap() < 900, "{first}");
    input.write_all(b"commit;\n").unwrap();
    drop(input);
    assert!(open.wait().unwrap().success());

    let look = json(&cloudtally, &["pull", &database.address(), "--dry-run"]);
    assert_eq!(look["waiting"], 0, "{look}");
    let second = json(&cloudtally, &["pull", &database.address()]);
    assert_eq!(second["accepted"], 1, "{second}");
    let third = json(&cloudtally, &["pull", &database.address()]);
    assert_eq!((&third["accepted"], &third["quarantined"]), (&0.into(), &0.into()), "{third}");
    cloudtally.ok(&["check"]);
}

#[test]
fn a_database_that_went_back_is_not_mixed_with_what_was_pulled() {
    let Some(database) = MariaDb::start() else { return };
    let cloudtally = Cloudtally::new();
    let last: u64 = database.sql("select max(id) from usage_event").trim().parse().unwrap();
    for id in last + 1..=last + 3 {
        database.event(id, "VM.REBOOT", "'2026-01-10 00:00:00'");
    }
    cloudtally.ok(&["pull", &database.address()]);
    // A new history is refused while the old one goes on.
    let refused = cloudtally.fails(1, &["pull", &database.address(), "--new-history"]);
    assert!(refused.contains("leave `--new-history` out"), "{refused}");

    // A backup from before the last two comes back, and their numbers are given out again.
    database.sql(&format!("delete from usage_event where id > {}", last + 1));
    let stopped = cloudtally.fails(1, &["pull", &database.address()]);
    for part in [
        "went back in time".to_owned(),
        format!("event {} was pulled before, and now the last is event {}", last + 3, last + 1),
        format!("what follows event {} as new events", last + 1),
    ] {
        assert!(stopped.contains(&part), "`{part}` is missing in: {stopped}");
    }
    for id in last + 2..=last + 4 {
        database.event(id, "VM.START", "'2026-01-11 00:00:00'");
    }
    let stopped = cloudtally.fails(1, &["pull", &database.address()]);
    assert!(stopped.contains("its number has another event"), "{stopped}");
    let anew = json(&cloudtally, &["pull", &database.address(), "--new-history"]);
    assert_eq!((&anew["accepted"], &anew["quarantined"]), (&3.into(), &0.into()), "{anew}");
    assert_eq!(anew["pull"]["history"], 1);
    let again = json(&cloudtally, &["pull", &database.address()]);
    assert_eq!((&again["accepted"], &again["quarantined"]), (&0.into(), &0.into()), "{again}");
    database.event(last + 5, "VM.STOP", "'2026-01-11 10:00:00'");
    let goes_on = json(&cloudtally, &["pull", &database.address()]);
    assert_eq!(goes_on["accepted"], 1, "{goes_on}");
    cloudtally.ok(&[&VM[..], &["2026-01-12"]].concat());
    cloudtally.ok(&["check"]);

    // Another database altogether.
    database.sql("update usage_event set account_id = account_id + 1");
    let another = cloudtally.fails(1, &["pull", &database.address()]);
    assert!(another.contains("name another `--source`"), "{another}");
}

#[test]
fn the_settings_of_the_cloud_are_taken_over_once() {
    let Some(database) = MariaDb::start() else { return };
    let zone = |zone: &str| {
        database.sql(&format!(
            "replace into configuration values ('usage.aggregation.timezone', '{zone}')"
        ))
    };
    zone("America/New_York");
    let (cloudtally, chosen) = (Cloudtally::new(), Cloudtally::new());
    cloudtally.ok(&["pull", &database.address(), "--dry-run"]);
    assert_eq!(cloudtally.ok(&["settings", "usage.aggregation.timezone"]), "UTC\n");
    let said = cloudtally.ok(&["pull", &database.address()]);
    assert!(said.contains("`usage.aggregation.timezone` is America/New_York, as in the"), "{said}");
    let here = ["settings", "usage.aggregation.timezone"];
    assert_eq!(cloudtally.ok(&here), "America/New_York\n");
    // Later changes are told, and what somebody chose here stays.
    zone("Asia/Tokyo");
    let said = cloudtally.ok(&["pull", &database.address()]);
    assert!(said.contains("is America/New_York here and Asia/Tokyo in the cloud"), "{said}");
    chosen.ok(&["settings", "usage.aggregation.timezone", "Europe/Berlin"]);
    chosen.ok(&["pull", &database.address()]);
    assert_eq!(chosen.ok(&here), "Europe/Berlin\n");
}

#[test]
fn each_right_that_is_missing_is_named() {
    let Some(database) = MariaDb::start() else { return };
    let cloudtally = Cloudtally::new();
    let address = format!("mysql://tally@127.0.0.1:{}/", database.port);
    let pull = |password: &str| {
        let mut command = cloudtally.command(&["pull", &address, "--samples"]);
        crate::support::ran(
            &command.env("CLOUDTALLY_DATABASE_PASSWORD", password).output().unwrap(),
        )
    };
    let wrong = pull("wrong");
    assert!(wrong.stderr.contains("Access denied"), "{wrong:?}");
    let mut granted = Vec::new();
    let mut done = None;
    for _ in 0..12 {
        let ran = pull("x y");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!said.contains("x y"), "the password is told: {said}");
        let Some((_, rest)) = said.split_once("run `") else {
            done = Some(ran);
            break;
        };
        let grant = rest.split_once("`").unwrap().0.replace("created, ", "");
        assert!(!granted.contains(&grant), "{grant} did not help: {said}");
        database.sql(&grant);
        granted.push(grant);
    }
    let done = done.unwrap();
    assert_eq!(done.status, Some(0), "{done:?}");
    assert!(granted.len() >= 5, "{granted:?}");
    assert!(granted[0].contains("ON cloud.account TO 'tally'@'127.0.0.1'"), "{granted:?}");

    // Events without what they are billed by are not taken: a column that a right is missing
    // for looks as if it were not there.
    let user = "'tally'@'127.0.0.1'";
    let all = [
        "id, type, account_id, created, zone_id, resource_id, resource_name",
        "offering_id",
        "template_id",
        "size",
        "resource_type",
    ];
    database.sql(&format!("REVOKE SELECT ON cloud.usage_event FROM {user}"));
    for missing in &all[1..] {
        let others: Vec<&str> = all.iter().copied().filter(|column| column != missing).collect();
        let others = others.join(", ");
        database.sql(&format!("GRANT SELECT ({others}) ON cloud.usage_event TO {user}"));
        let refused = pull("x y");
        assert_ne!(refused.status, Some(0), "without {missing}: {refused:?}");
        assert!(refused.stderr.contains("ON cloud.usage_event TO"), "{refused:?}");
        database.sql(&format!("REVOKE SELECT ({others}) ON cloud.usage_event FROM {user}"));
    }
    let all = all.join(", ");
    database.sql(&format!("GRANT SELECT ({all}) ON cloud.usage_event TO {user}"));
    assert_eq!(pull("x y").status, Some(0));
}

#[test]
fn pulls_that_are_killed_or_meet_bill_nothing_twice() {
    let Some(database) = MariaDb::start() else { return };
    database.sql(
        "insert into usage_event (type, account_id, created, zone_id, resource_id, \
         resource_name, offering_id, template_id) select if(seq % 2, 'VM.START', 'VM.STOP'), 2, \
         '2026-01-05 00:00:00' + interval seq second, 1, 1000 + (seq + 1) div 2, 'many', 1, 1 \
         from seq_1_to_300000",
    );
    let sound = Cloudtally::new();
    sound.ok(&["pull", &database.address()]);
    let killed = Cloudtally::new();
    for wait in [150, 400, 900] {
        let mut child = killed
            .command(&["pull", &database.address()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(wait));
        child.kill().ok();
        child.wait().unwrap();
    }
    // Two at once: the second waits, and finds nothing new.
    let both: Vec<Child> = (0..2)
        .map(|_| killed.command(&["pull", &database.address()]).stdout(Stdio::null()).spawn())
        .map(Result::unwrap)
        .collect();
    for mut child in both {
        assert!(child.wait().unwrap().success());
    }
    for cloudtally in [&sound, &killed] {
        cloudtally.ok(&[&VM[..], &["2026-01-09"]].concat());
        cloudtally.ok(&["check"]);
    }
    assert_eq!(sound.export(), killed.export());
}

#[test]
fn what_cannot_be_pulled_is_told() {
    let cloudtally = Cloudtally::new();
    let secret = cloudtally.fails(2, &["pull", "mysql://tally:secret@127.0.0.1/"]);
    assert!(secret.contains("can be read by every user"), "{secret}");
    assert!(!secret.contains("secret@"), "{secret}");
    let far = cloudtally.fails(2, &["pull", "mysql://tally@db.example/"]);
    assert!(far.contains("would cross the network in clear"), "{far}");
    let nobody = cloudtally.fails(1, &["pull", "mysql://tally@localhost/?socket=/nowhere.sock"]);
    assert!(nobody.contains("cannot reach the database server at `/nowhere.sock`"), "{nobody}");
}
