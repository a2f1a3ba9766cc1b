//! The texts of `sql/`, one constant a query.
//!
//! A file of `sql/` holds the queries of one subject, each under a line
//! `-- name: the_name`. They are cut apart while compiling, so a name that is
//! not there stops the build.

const MARK: &str = "-- name: ";

/// The text under `-- name: <name>` in a file of `sql/`. Made into a constant, a name that is not
/// there stops the build.
pub const fn named_query(file: &'static str, name: &str) -> &'static str {
    let text = file.as_bytes();
    let mut at = 0;
    while at < text.len() {
        if starts(text, at, MARK.as_bytes()) {
            let begin = at + MARK.len();
            if starts(text, begin, name.as_bytes()) && text[begin + name.len()] == b'\n' {
                let body = begin + name.len() + 1;
                let mut end = body;
                while end < text.len() && !starts(text, end, MARK.as_bytes()) {
                    end += 1;
                }
                return file.split_at(end).0.split_at(body).1;
            }
        }
        at += 1;
    }
    panic!("there is no query of this name in the file");
}

const fn starts(text: &[u8], at: usize, part: &[u8]) -> bool {
    if at + part.len() > text.len() {
        return false;
    }
    let mut i = 0;
    while i < part.len() {
        if text[at + i] != part[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// One module a file: `pub(crate) const NAME` for each query, and `ALL` for the test.
macro_rules! queries {
    ($($(#[$doc:meta])* $module:ident from $file:literal { $($constant:ident = $name:literal),* $(,)? })*) => {
        $($(#[$doc])* pub(crate) mod $module {
            const FILE: &str = include_str!(concat!("../../../sql/", $file));
            $(pub(crate) const $constant: &str = super::named_query(FILE, $name);)*
            #[cfg(test)]
            pub(crate) const ALL: (&str, &[&str]) = (FILE, &[$($constant),*]);
        })*
        #[cfg(test)]
        const ALL: &[(&str, &[&str])] = &[$($module::ALL),*];
    };
}

queries! {
    /// Connections and transactions.
    connection from "connection.sql" {
        APPLICATION_ID = "application_id",
        SET_APPLICATION_ID = "set_application_id",
        SCHEMA_VERSION = "schema_version",
        TABLE_COUNT = "table_count",
        JOURNAL_MODE = "journal_mode",
        USE_WAL = "use_wal",
        CONFIGURE = "configure",
        BEGIN_READ = "begin_read",
        BEGIN_WRITE = "begin_write",
        COMMIT = "commit",
        ROLLBACK = "rollback",
        INTEGRITY = "integrity",
        QUICK_CHECK = "quick_check",
        SHARED_ROOTS = "shared_roots",
        FOREIGN_KEYS = "foreign_keys",
        SCHEMA = "schema",
    }
    /// All rows of a table, for tests of debug builds.
    #[cfg_attr(
        not(any(debug_assertions, test)),
        expect(dead_code, reason = "release builds have no faults by a plan")
    )]
    faults from "faults.sql" {
        ROWS = "rows",
    }
    /// Settings and keys.
    settings from "settings.sql" {
        VALUE = "value",
        ALL_VALUES = "all",
        SET = "set",
        CLEAR = "clear",
        ADMIN_KEYS = "admin_keys",
        SET_ADMIN_KEYS = "set_admin_keys",
    }
    /// The files of a folder of an earlier format, rewritten.
    upgrade from "upgrade.sql" {
        FORMAT = "format",
        SET_FORMAT = "set_format",
        NAMED = "named",
        RECORD_FILES = "record_files",
        OPEN_FILES = "open_files",
        EVENT_FILE = "event_file",
        SAMPLE_FILE = "sample_file",
        RECORD_FILE = "record_file",
        OPEN_FILE = "open_file",
    }
    /// Sources, event and sample files, runs.
    ingest from "ingest.sql" {
        SOURCES = "sources",
        SOURCE_ID = "source_id",
        REGISTER_SOURCE = "register_source",
        COMPLETE_THROUGH = "complete_through",
        SET_COMPLETE_THROUGH = "set_complete_through",
        COUNTER = "counter",
        COUNT_UP = "count_up",
        EVENT_FILES = "event_files",
        SAMPLE_FILES = "sample_files",
        SAMPLE_FILES_OF_DAY = "sample_files_of_day",
        EVENT_ID_SETS = "event_id_sets",
        EVENT_IDS_OF_FILE = "event_ids_of_file",
        LAST_SEQ_OF_SOURCE = "last_seq_of_source",
        EVENT_ID_RANGES_OF_SOURCE = "event_id_ranges_of_source",
        INSERT_EVENT_FILE = "insert_event_file",
        INSERT_SAMPLE_FILE = "insert_sample_file",
        DELETE_EVENT_FILE = "delete_event_file",
        DELETE_SAMPLE_FILE = "delete_sample_file",
        INSERT_RUN = "insert_run",
        UPDATE_RUN = "update_run",
        RUNS = "runs",
        COUNT_UNMETERED = "count_unmetered",
        UNMETERED_TYPES = "unmetered_types",
        IS_UNMETERED_TYPE = "is_unmetered_type",
        UNMETERED = "unmetered",
        INSERT_DROPPED = "insert_dropped",
        DROPPED = "dropped",
        NOTE_CORRECTION = "note_correction",
        CORRECTION_NOTES = "correction_notes",
        NOTE_MEND = "note_mend",
        MENDS = "mends",
        SET_PULL_MARK = "set_pull_mark",
        PULL_MARK = "pull_mark",
    }
    /// Rows set aside.
    quarantine from "quarantine.sql" {
        KINDS = "kinds",
        BYTES = "bytes",
        KIND = "kind",
        PUT_KIND = "put_kind",
        SET_ASIDE = "set_aside",
        IS_SET_ASIDE = "is_set_aside",
        NEWEST = "newest",
        COUNT = "count",
        SUMMARY = "summary",
        EMPTY = "empty",
        EMPTY_KINDS = "empty_kinds",
    }
    /// The account dimension.
    accounts from "accounts.sql" {
        ALL_ROWS = "all",
        ONE = "one",
        PUT = "put",
        LOG_REMOVAL = "log_removal",
        REMOVALS = "removals",
        LOG_CHANGE = "log_change",
        CHANGES_AFTER = "changes_after",
    }
    /// Published periods, their files, their anomalies.
    periods from "periods.sql" {
        PUBLISHED = "published",
        FILES_OF_RECORDS = "files_of_records",
        FILES_OF_STATE = "files_of_state",
        ANY = "any",
        STRETCHES = "stretches",
        STRETCHES_OVERLAPPING = "stretches_overlapping",
        STRETCHES_TOUCHING = "stretches_touching",
        DELETE_STRETCH = "delete_stretch",
        INSERT_STRETCH = "insert_stretch",
        STRETCHES_SEE_SAMPLES = "stretches_see_samples",
        OVERLAPPING_STRETCH = "overlapping_stretch",
        CURRENT_RECORDS = "current_records",
        IN_WINDOW = "in_window",
        RECORD_FILES = "record_files",
        OVERLAPPING = "overlapping",
        CURRENT = "current",
        LAST_GENERATION = "last_generation",
        INSERT_RECORDS = "insert_records",
        INSERT_OPEN = "insert_open",
        OPEN_FILES_OF_KIND = "open_files_of_kind",
        DELETE_OPEN_OF_KIND = "delete_open_of_kind",
        PUT = "put",
        CLEAR_ANOMALIES = "clear_anomalies",
        INSERT_ANOMALY = "insert_anomaly",
        ANOMALIES = "anomalies",
        ANOMALY_COUNT = "anomaly_count",
        INSERT_PUBLICATION = "insert_publication",
        PUBLICATIONS = "publications",
        LAST_NOTED = "last_noted",
        SEEN_BOUNDARIES = "seen_boundaries",
        INSERT_CORRECTIONS = "insert_corrections",
        CORRECTIONS = "corrections",
        PUT_SHEET = "put_sheet",
        SHEET = "sheet",
    }
    /// Closed days, and what became of them afterwards.
    closings from "closings.sql" {
        CLOSINGS = "closings",
        CLOSE = "close",
        RESTATED = "restated",
        RESTATED_AS = "restated_as",
        RESTATE = "restate",
        ADJUSTMENTS = "adjustments",
        CLEAR_ADJUSTMENTS = "clear_adjustments",
        PUT_ADJUSTMENT = "put_adjustment",
    }
    /// Runs of jobs.
    jobs from "jobs.sql" {
        BEGIN = "begin",
        FINISH = "finish",
        CUT_OFF = "cut_off",
        COUNT = "count",
        NEWEST = "newest",
    }
    /// Figures for monitoring.
    figures from "figures.sql" {
        ROWS_OF_RUNS = "rows_of_runs",
        LAST_EVENTS = "last_events",
        OUTBOX = "outbox",
        RUNS_OF_JOBS = "runs_of_jobs",
        ANOMALIES = "anomalies",
        CORRECTIONS = "corrections",
        FILES = "files",
    }
    /// The simulated cloud and what it tells the bill.
    platform from "platform.sql" {
        THINGS = "things",
        EVENTS_BEFORE = "events_before",
        BODY = "body",
        PUT = "put",
        ERASE = "erase",
        NUMBERS = "numbers",
        PUT_NUMBER = "put_number",
        TELL_EVENT = "tell_event",
        TELL_SAMPLE = "tell_sample",
        TELL_ACCOUNT = "tell_account",
        TOLD_EVENTS = "told_events",
        TOLD_SAMPLES = "told_samples",
        TOLD_ACCOUNTS = "told_accounts",
        LEDGER = "ledger",
        PUT_LEDGER_ENTRY = "put_ledger_entry",
        TAKE_EVENTS = "take_events",
        TAKE_SAMPLES = "take_samples",
        TAKE_ACCOUNTS = "take_accounts",
    }
    /// Rows against their checksums.
    checksums from "checksums.sql" {
        SETTING = "setting",
        ADMIN_KEY = "admin_key",
        COUNTER = "counter",
        SOURCE = "source",
        EVENT_FILE = "event_file",
        SAMPLE_FILE = "sample_file",
        PERIOD = "period",
        RECORD_FILE = "record_file",
        OPEN_FILE = "open_file",
        RETIRED_FILE = "retired_file",
        FILE_BLOCK = "file_block",
        ACCOUNT = "account",
        ACCOUNT_REMOVAL = "account_removal",
        INGEST_RUN = "ingest_run",
        QUARANTINE = "quarantine",
        ANOMALY = "anomaly",
        JOB = "job",
        THING = "thing",
        CLOUD_NUMBER = "cloud_number",
        OUTBOX_EVENT = "outbox_event",
        OUTBOX_SAMPLE = "outbox_sample",
        OUTBOX_ACCOUNT = "outbox_account",
        LEDGER = "ledger",
        SOURCE_COMPLETE = "source_complete",
        EMPTY_STRETCH = "empty_stretch",
        QUARANTINE_KIND = "quarantine_kind",
        UNMETERED_EVENT = "unmetered_event",
        DROPPED_SAMPLE = "dropped_sample",
        PUBLICATION = "publication",
        CORRECTION_FILE = "correction_file",
        ACCOUNT_CHANGE = "account_change",
        DAY_SHEET = "day_sheet",
        CORRECTION_NOTE = "correction_note",
        MENDED_EVENT = "mended_event",
        PULL_MARK = "pull_mark",
        LEASE = "lease",
        CLOSING = "closing",
        RESTATED = "restated",
        ADJUSTMENT = "adjustment",
        PRUNED = "pruned",
        PRUNED_EVENT_FILE = "pruned_event_file",
    }
    /// Rows that a folder lets go of.
    prune from "prune.sql" {
        PRUNED = "pruned",
        PUT = "put",
        KEEP_IDS = "keep_ids",
        DELETE_GENERATION = "delete_generation",
        PRUNED_IDS_OF_SOURCE = "pruned_ids_of_source",
    }
    /// The right to write.
    lease from "lease.sql" {
        CURRENT = "current",
        TAKE = "take",
        BEAT = "beat",
        RELEASE = "release",
        FORGET = "forget",
        LAX = "lax",
    }
    /// A folder that lived ahead of time.
    repair from "repair.sql" {
        WITHDRAW_PERIODS = "withdraw_periods",
        WITHDRAW_RECORDS = "withdraw_records",
        WITHDRAW_PUBLICATIONS = "withdraw_publications",
        WITHDRAW_CORRECTIONS = "withdraw_corrections",
        SET_BACK_PUBLICATIONS = "set_back_publications",
        SET_BACK_CHANGES = "set_back_changes",
        WITHDRAW_OPEN_FILES = "withdraw_open_files",
        WITHDRAW_ANOMALIES = "withdraw_anomalies",
        WITHDRAW_SHEETS = "withdraw_sheets",
        WITHDRAW_ADJUSTMENTS = "withdraw_adjustments",
        SET_BACK_PRUNED = "set_back_pruned",
        SET_BACK_JOBS = "set_back_jobs",
        SET_BACK_RUNS = "set_back_runs",
        FORGET_RETIRED = "forget_retired",
        SET_BACK_ACCOUNTS = "set_back_accounts",
        SET_BACK_REMOVALS = "set_back_removals",
        SET_BACK_COMPLETENESS = "set_back_completeness",
    }
    /// Files that count.
    lake from "lake.sql" {
        NAMED = "named",
        RECORDS_OF_EARLIER_LAYOUT = "records_of_earlier_layout",
        IS_NAMED = "is_named",
        RETIRED = "retired",
        RETIRE = "retire",
        FORGET_RETIRED = "forget_retired",
        PUT_BLOCKS = "put_blocks",
        BLOCKS = "blocks",
        FORGET_BLOCKS = "forget_blocks",
        SETTLE = "settle",
    }
}

/// The migrations, oldest first: number n brings a database from schema n - 1 to n.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../../../sql/migrations/0001_catalogue.sql"),
    include_str!("../../../sql/migrations/0002_platform.sql"),
    include_str!("../../../sql/migrations/0003_ledger.sql"),
    include_str!("../../../sql/migrations/0004_job_history.sql"),
    include_str!("../../../sql/migrations/0005_restarted.sql"),
    include_str!("../../../sql/migrations/0006_complete_through.sql"),
    include_str!("../../../sql/migrations/0007_generations.sql"),
    include_str!("../../../sql/migrations/0008_empty_stretch.sql"),
    include_str!("../../../sql/migrations/0009_quarantine.sql"),
    include_str!("../../../sql/migrations/0010_checksums.sql"),
    include_str!("../../../sql/migrations/0011_dropped_sample.sql"),
    include_str!("../../../sql/migrations/0012_blocks.sql"),
    include_str!("../../../sql/migrations/0013_key_index.sql"),
    include_str!("../../../sql/migrations/0014_history.sql"),
    include_str!("../../../sql/migrations/0015_lease.sql"),
    include_str!("../../../sql/migrations/0016_day_sheet.sql"),
    include_str!("../../../sql/migrations/0017_correction_note.sql"),
    include_str!("../../../sql/migrations/0018_closings.sql"),
    include_str!("../../../sql/migrations/0019_pruned.sql"),
    include_str!("../../../sql/migrations/0020_mended_event.sql"),
    include_str!("../../../sql/migrations/0021_pull_mark.sql"),
];

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::catalogue::checksums;

    fn migrated() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        checksums::register(&connection).unwrap();
        for migration in MIGRATIONS {
            connection.execute_batch(migration).unwrap();
        }
        connection
    }

    /// Names and texts; how they are broken into lines does not count: SQLite adds
    /// columns behind the last line.
    fn schema(connection: &Connection) -> Vec<(String, String)> {
        let sql = "SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let on_one_line = |(name, text): (String, String)| {
            let words: Vec<&str> = text.split_whitespace().collect();
            (name, words.join(" ").replace(" ,", ",").replace(" )", ")"))
        };
        rows.map(|row| on_one_line(row.unwrap())).collect()
    }

    #[test]
    fn schema_sql_is_what_the_migrations_make() {
        let written = Connection::open_in_memory().unwrap();
        written.execute_batch(include_str!("../../../sql/schema.sql")).unwrap();
        assert_eq!(schema(&written), schema(&migrated()));
    }

    #[test]
    fn every_query_of_every_file_is_used_and_prepares() {
        let connection = migrated();
        for (file, texts) in ALL {
            assert_eq!(file.matches(MARK).count(), texts.len(), "queries in {file}");
            for text in *texts {
                // `configure` is two statements; each prepares on its own.
                for part in text.split_inclusive(";\n").filter(|part| part.contains(';')) {
                    connection.prepare(part).unwrap_or_else(|e| panic!("{part}: {e}"));
                }
            }
        }
    }
    /// Tables of SQLite's own, and why nothing depends on a damaged row of them.
    const WITHOUT_CHECKSUMS: &[(&str, &str)] =
        &[("sqlite_sequence", "offsets only have to grow, and SQLite looks at the rows, too")];

    fn texts(connection: &Connection, sql: &str) -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    fn words(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_value_of_every_table_is_in_a_checksum_or_there_is_a_reason() {
        let connection = migrated();
        let tables = texts(&connection, "SELECT name FROM sqlite_schema WHERE type = 'table'");
        assert_eq!(tables.len(), checksums::TABLES.len() + WITHOUT_CHECKSUMS.len());
        for table in &tables {
            if let Some((_, reason)) = WITHOUT_CHECKSUMS.iter().find(|(name, _)| name == table) {
                assert!(table.starts_with("sqlite_") && !reason.is_empty());
                continue;
            }
            let sql = format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid");
            let mut columns = texts(&connection, &sql);
            columns.retain(|column| column != "checksum");
            let call = |row: &str| {
                let values = columns.iter().map(|column| format!(", {row}{column}"));
                format!("checksum_of('{table}'{})", values.collect::<String>())
            };
            let trigger = |when: &str| {
                let sql = format!(
                    "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = '{table}_{when}'"
                );
                words(&texts(&connection, &sql).remove(0))
            };
            let made = trigger("is_new");
            let (set, new) = (format!("UPDATE {table} SET checksum ="), call("NEW."));
            assert!(
                made.contains(&format!("AFTER INSERT ON {table} BEGIN {set} {new} ")),
                "{made}"
            );
            let changed = trigger("changes");
            let of = format!("AFTER UPDATE OF {} ON {table} BEGIN {set}", columns.join(", "));
            let whole = format!("{of} {new} WHERE");
            let in_part =
                format!("{of} CASE OLD.checksum WHEN {} THEN {new} ELSE -1 END", call("OLD."));
            assert!(changed.contains(&whole) || changed.contains(&in_part), "{changed}");
            let (_, query) = checksums::TABLES.iter().find(|(name, _)| name == table).unwrap();
            let wanted = format!("FROM {table} WHERE checksum <> {};", call(""));
            assert!(words(query).ends_with(&wanted), "{query}");
        }
    }
}
