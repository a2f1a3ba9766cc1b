//! Databases that no sound server is: endless, cut off, out of order.

use std::{io, ops::ControlFlow};

use cloudtally_ingest::{
    IngestError, IngestRequest, IngestSummary, Input,
    pull::{History, PullOrder, PullReport, Server, ServerCell, ServerError, pull},
};
use cloudtally_model::SourceName;
use cloudtally_store::{LockWait, Stream};

use crate::{Cloud, at};

/// The way in which a recorded server is broken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Breach {
    None,
    /// More rows than were asked for, without an end.
    Endless,
    /// Gone behind so many rows.
    GoneBehind(u64),
    /// The same row again and again.
    Same,
    /// A field too many.
    Fields,
}

/// A server with so many events.
struct Recorded {
    events: u64,
    breach: Breach,
    host: &'static str,
}

/// The number behind a word of a statement.
fn number(statement: &str, word: &str) -> u64 {
    let rest = statement.split_once(word).map_or("", |(_, rest)| rest).trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().unwrap_or(0)
}

/// The columns of events that every version has.
const EVENT_COLUMNS: [&str; 11] = [
    "id",
    "type",
    "account_id",
    "created",
    "zone_id",
    "resource_id",
    "resource_name",
    "offering_id",
    "template_id",
    "size",
    "resource_type",
];

impl Recorded {
    fn page(
        &self,
        (above, through, limit): (u64, u64, u64),
        sink: &mut dyn FnMut(&[ServerCell<'_>]) -> ControlFlow<()>,
    ) -> Result<(), ServerError> {
        let last = match self.breach {
            Breach::Endless => u64::MAX,
            _ => through.min(above + limit).min(self.events),
        };
        for id in above + 1..=last {
            if matches!(self.breach, Breach::GoneBehind(rows) if id > rows) {
                return Err(ServerError::Gone { cause: io::ErrorKind::ConnectionReset.into() });
            }
            let id = if self.breach == Breach::Same { 1 } else { id };
            let (id, resource) = (id.to_string(), (id + 100).to_string());
            let mut cells: Vec<ServerCell<'_>> =
                [id.as_str(), "VM.CREATE", "2", "2026-01-05 00:00:00", "1", &resource]
                    .map(|text| Some(text.as_bytes()))
                    .to_vec();
            cells.resize(EVENT_COLUMNS.len(), None);
            if self.breach == Breach::Fields {
                cells.push(None);
            }
            if sink(&cells).is_break() {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Server for Recorded {
    fn rows(
        &mut self,
        statement: &str,
        sink: &mut dyn FnMut(&[ServerCell<'_>]) -> ControlFlow<()>,
    ) -> Result<(), ServerError> {
        let mut answer = |rows: &[&[&str]]| {
            for row in rows {
                let cells: Vec<_> = row.iter().map(|text| Some(text.as_bytes())).collect();
                if sink(&cells).is_break() {
                    return;
                }
            }
        };
        let of_events = statement.contains("usage_event");
        if statement.contains("UTC_TIMESTAMP") {
            answer(&[&["2026-01-06 00:00:00", "tally@10.0.0.5", self.host, "3306"]]);
        } else if statement.contains("information_schema") && of_events {
            EVENT_COLUMNS.iter().for_each(|column| answer(&[&[column]]));
        } else if statement.contains("information_schema") && statement.contains("'account'") {
            answer(&[&["id"], &["account_name"]]);
        } else if statement.contains("MIN(id)") && of_events {
            answer(&[&["1", &self.events.to_string()]]);
        } else if statement.contains("MIN(id)") {
            answer(&[&["2", "2"]]);
        } else if statement.contains("LIMIT") && of_events {
            let bounds = ["id >", "id <=", "LIMIT"].map(|word| number(statement, word));
            return self.page((bounds[0], bounds[1], bounds[2]), sink);
        } else if statement.contains("LIMIT") {
            answer(&[&["2", "admin"]]);
        }
        Ok(())
    }
}

fn pulled(
    cloud: &Cloud,
    server: &mut Recorded,
) -> Result<(IngestSummary, PullReport), IngestError> {
    let wait = LockWait { limit: std::time::Duration::ZERO, on_wait: &mut || {} };
    let writer = cloud.store.writer(wait).unwrap();
    let request = IngestRequest {
        stream: Stream::Events,
        source: SourceName::new("default").unwrap(),
        inputs: vec![Input::Database("mysql://tally@db/cloud".to_owned())],
        started_ms: 5,
        now: at("2026-01-06 00:00:00"),
    };
    let order =
        PullOrder { database: "cloud".to_owned(), is_sampled: false, history: History::Same };
    pull(&writer, server, (&request, &order), &mut |_| {})
}

#[test]
fn a_server_that_is_no_sound_one_is_told_and_bounded() {
    for (breach, said) in [
        (Breach::Endless, "where one between 10001 and 25000 belongs"),
        (Breach::Same, "sends row `1`"),
        (Breach::Fields, "sends 12 fields of `usage_event` for 11"),
    ] {
        let cloud = Cloud::new();
        let told =
            pulled(&cloud, &mut Recorded { events: 25_000, breach, host: "db" }).unwrap_err();
        let told = told.to_string();
        // An endless page ends where more rows come than were asked for.
        let is_bounded = breach == Breach::Endless && told.contains("more than the 10000 rows");
        assert!(told.contains(said) || is_bounded, "{told}");
        assert_eq!(cloud.store.pull_mark(&SourceName::new("default").unwrap()).unwrap(), None);
    }
}

#[test]
fn a_pull_that_is_cut_off_is_made_again_and_loses_nothing() {
    let cloud = Cloud::new();
    let mut cut = Recorded { events: 25_000, breach: Breach::GoneBehind(17_000), host: "db" };
    let told = pulled(&cloud, &mut cut).unwrap_err();
    assert!(told.to_string().contains("the connection to the database server broke"), "{told}");
    assert_eq!(told.summary.counts.accepted, 17_001);
    let mut whole = Recorded { events: 25_000, breach: Breach::None, host: "db" };
    let (summary, report) = pulled(&cloud, &mut whole).unwrap();
    assert_eq!((summary.counts.accepted, summary.counts.duplicate), (8_000, 17_001));
    assert_eq!((report.floor, report.seen, report.missed), (25_000, 25_000, 0));
    // The rights that would tell more are named.
    let domains = "GRANT SELECT ON cloud.domain TO 'tally'@'10.0.0.5'";
    assert!(report.notes.iter().any(|note| note.contains(domains)), "{:?}", report.notes);
    // Another server took over: its history is the same, so the pull goes on.
    whole.host = "standby";
    let (again, report) = pulled(&cloud, &mut whole).unwrap();
    let moved = "the server is `standby:3306`, and was `db:3306` at the last pull";
    assert!(report.notes.iter().any(|note| note == moved), "{:?}", report.notes);
    assert_eq!((again.counts.read, again.counts.duplicate), (1, 1));
}
