//! The command line. The doc comments are the help texts; keep them teaching.

use std::{net::IpAddr, path::PathBuf};

use crate::cli_operations::{
    Backup, Completions, Healthcheck, LogFormat, Manpages, Metrics, Restore,
};
use chrono::NaiveDate;
use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{OsStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser},
};
use cloudtally_aggregate::{ExportFormat, FORMATS};
use cloudtally_model::{Instant, RecordId, SourceName, UsageTypeId, calendar, usage_type_of};

const EXAMPLES: &str = "\
Examples:
  cloudtally demo                                   the whole thing, on a simulated month
  cloudtally ingest cloud.sql                       a dump as it is: what happened, who pays
  cloudtally ingest events usage_event.csv          one stream alone
  cloudtally aggregate                              publish every complete day
  cloudtally usage --from 2026-01-01 --to 2026-01-31 --group-by account,type
  cloudtally export --format csv --from 2026-01-01 --to 2026-01-31 --out january.csv

Exit status: 0 done, 1 failed, 2 wrong usage, 3 done but --strict found something.";

/// Usage and billing for IaaS clouds: events in, exact usage records out.
#[derive(Debug, Parser)]
#[command(name = "cloudtally", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// Returns true if the demo is to be run.
    pub(crate) fn is_demo(&self) -> bool {
        matches!(self.command, Command::Demo(_))
    }

    /// Returns true if it stays up and serves.
    pub(crate) fn serves(&self) -> bool {
        matches!(self.command, Command::Demo(_) | Command::Serve(_))
    }
}

#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Folder of all state: the database and the lake of Parquet files
    #[arg(long, global = true, value_name = "DIR", env = "CLOUDTALLY_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// Print results as JSON, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Form of log lines, which go to standard error; CLOUDTALLY_LOG sets their levels
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Let tenants use a simulated cloud for a month, bill them, prove the bill, export, serve
    Demo(Demo),
    /// Write a cloud's history to files, with the answer key of what should be billed
    Simulate(Simulate),
    /// Take usage events, network samples or accounts into the data folder
    Ingest(Ingest),
    /// Read the database of a CloudStack management server into the data folder
    Pull(Pull),
    /// Show or empty the quarantine: rows that ingest set aside
    Quarantine(Quarantine),
    /// Take samples that cannot be right out of the lake
    DropSamples(DropSamples),
    /// Compute and publish usage records
    Aggregate(Aggregate),
    /// Show totals as a table
    Usage(Usage),
    /// Write usage records to a file
    Export(Export),
    /// Show the events and segments behind a record, or the records behind an event
    Explain(Explain),
    /// Show what changed when periods were published again, and why
    Corrections(Corrections),
    /// Verify the lake and run the sanity checks
    Check(Check),
    /// Show what a published day adds up to, and what it was made from
    Sheet(Sheet),
    /// Show the runs of the usage job and when it runs next
    Jobs(Jobs),
    /// Close days: what is served of them stays what it is
    Close(Close),
    /// Let go of the events and samples of closed days, and of replaced generations
    Prune(Prune),
    /// Show the state of each period: open, stale, waiting or closed
    Periods(Periods),
    /// Show or change the global configuration
    Settings(Settings),
    /// Show or renew the root admin's API keys
    Keys(Keys),
    /// Serve the API and run the usage job on its schedule
    Serve(Serve),
    /// Print figures of the folder for Prometheus, without a server
    Metrics(Metrics),
    /// Ask a running server whether it is ready
    Healthcheck(Healthcheck),
    /// Copy the data folder while everything goes on
    Backup(Backup),
    /// Make a data folder from a backup
    Restore(Restore),
    /// Set back a folder whose cloud lived ahead of time, by a machine's wrong clock
    RepairClock(RepairClock),
    /// Rewrite a folder that an earlier version made, in the format of this one
    Upgrade(Upgrade),
    /// Print the completions of a shell
    Completions(Completions),
    /// Write the manual pages
    Manpages(Manpages),
}

/// Let seeded tenants use a simulated cloud for a month, with its usage job each
/// night; print the bill beside what they really had, export Parquet and CSV, then
/// serve it and print how to ask.
///
/// Writes to `cloudtally-demo` unless --data says otherwise. Running it again
/// changes nothing.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Stop after the export instead of serving
    #[arg(long)]
    pub(crate) no_serve: bool,
    /// Address to serve on
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub(crate) listen: String,
}

/// Write usage_events, network_samples and accounts as a real cloud would have
/// written them, and beside them an answer key computed from what was decided,
/// not from the events.
///
/// The same seed and options give the same bytes.
#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// Days of history
    #[arg(long, default_value_t = 31, value_parser = clap::value_parser!(u32).range(1..=3660))]
    pub(crate) days: u32,
    /// Virtual machines, roughly; everything else scales with them
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) vms: u32,
    /// Seed of all randomness
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// First instant, such as 2026-01-01 or 2026-01-01T00:00:00Z
    #[arg(long, default_value = "2026-01-01", value_parser = start_instant)]
    pub(crate) start: Instant,
    /// Folder to write to; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Format of the three inputs
    #[arg(long, value_enum, default_value_t = FileFormat::Csv)]
    pub(crate) format: FileFormat,
    /// Share of rows to spoil, each way: duplicates, late, reordered, lost closes, malformed
    #[arg(long, default_value = "0", value_name = "RATE", value_parser = parts_per_million)]
    pub(crate) mess: u32,
    /// Zones whose days the answer key is cut in
    #[arg(long, default_value = "UTC", value_name = "ZONE", num_args = 1..)]
    pub(crate) timezone: Vec<String>,
    /// Minutes between two samples of a network device
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub(crate) sample_minutes: u32,
}

/// Take rows into the data folder. Rows that are there already are counted as
/// duplicates, rows that cannot be read go to the quarantine with their reason;
/// read = accepted + duplicate + quarantined, always.
///
/// Files are taken as they come, their content tells the format: dumps of `mysqldump` and
/// `mariadb-dump` (SQL, `--tab`, `--xml`), the output of `mysql` (`--batch`, `--xml`, `\G`,
/// drawn tables) and of `INTO OUTFILE`, CSV with commas, semicolons or bars, JSON Lines and
/// Parquet, plain or compressed with gzip or zstd; `-` is standard input.
///
/// Without a stream, tables and columns tell it: one dump may hold events, accounts and
/// counters, and the tables that go with them (domain, data_center, image_store,
/// user_ip_address, user_statistics, op_user_stats_log). A stream takes that one alone.
///
/// Corrections are events of yours: the columns of events and `author` and `reason`, with
/// numbers of their own as `id`, which never meet those of the cloud. `explain` shows who
/// added them, and why.
#[derive(Debug, Args)]
pub(crate) struct Ingest {
    /// Stream to take alone (events, samples, accounts, corrections), or the first file;
    /// a file of such a name is `./events`
    #[arg(
        required_unless_present = "complete_through",
        value_name = "STREAM|FILE",
        value_parser = stream_or_file()
    )]
    pub(crate) first: Option<StreamOrFile>,
    /// Files to read, in order; none is needed with --complete-through
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Columns, in their order, of files without a header row; else the definition of the
    /// table is looked for beside the file, as `mysqldump --tab` writes it
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    pub(crate) columns: Vec<String>,
    /// Instant at which user_statistics was read or dumped, which has none of its own
    #[arg(long, value_name = "INSTANT", value_parser = start_instant)]
    pub(crate) sampled: Option<Instant>,
    /// Name of the cloud the rows come from; ids of different sources never meet
    #[arg(long, default_value = SourceName::DEFAULT, value_parser = source_name)]
    pub(crate) source: SourceName,
    /// Say that the source has no further events up to this instant (`now`: the clock),
    /// so that the usage job need not wait for them
    #[arg(long, value_name = "INSTANT|now", value_parser = complete_through)]
    pub(crate) complete_through: Option<CompleteThrough>,
    /// Exit with status 3 if any row was quarantined
    #[arg(long)]
    pub(crate) strict: bool,
    /// Judge instants by this clock [default: the machine's]; later ones by more than
    /// 48 hours are quarantined
    #[arg(long, value_name = "INSTANT", value_parser = start_instant)]
    pub(crate) now: Option<Instant>,
}

/// Read what is new in the database of a CloudStack management server: usage events,
/// accounts with their domains, zones, and with --samples the counters of bytes. Reading
/// changes nothing there, and a user who may read these tables is enough.
///
/// The password comes from the variable CLOUDTALLY_DATABASE_PASSWORD or from the section
/// [client] of an option file. The connection is not encrypted: use the server's socket, the
/// same machine or a tunnel.
///
/// Each pull goes on behind the last one, and ends with status 0 if nothing is new. It takes
/// nothing where the database went back in time, and says what to do. The first pull takes
/// over the cloud's time zone and range of the bill, as long as no period is published.
#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// Address, such as mysql://tally@127.0.0.1/; the database is `cloud` unless it is named
    #[arg(value_name = "mysql://USER@HOST[:PORT]/[DATABASE][?socket=PATH]")]
    pub(crate) address: String,
    /// Name of the cloud; ids of different sources never meet
    #[arg(long, default_value = SourceName::DEFAULT, value_parser = source_name)]
    pub(crate) source: SourceName,
    /// Read the counters of bytes, too
    #[arg(long)]
    pub(crate) samples: bool,
    /// Tell what waits and what could not be read, and store nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Take what follows the last event that is still the same as new events, after the
    /// database went back in time
    #[arg(long)]
    pub(crate) new_history: bool,
    /// Option file with user, password, host, port or socket in its section [client]
    #[arg(long, value_name = "FILE")]
    pub(crate) option_file: Option<PathBuf>,
    /// Read over a network that others may listen to
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Judge instants by this clock [default: the machine's]; later ones by more than
    /// 48 hours are quarantined
    #[arg(long, value_name = "INSTANT", value_parser = start_instant)]
    pub(crate) now: Option<Instant>,
}

/// Show the rows that ingest set aside, by reason, or remove them.
///
/// Correct them at their source and ingest the file again: rows that are there
/// already count as duplicates. Of each reason the first 1000 rows are kept.
#[derive(Debug, Args)]
pub(crate) struct Quarantine {
    /// Only rows of this source
    #[arg(long, value_name = "NAME", value_parser = any_source_name)]
    pub(crate) source: Option<SourceName>,
    /// Rows to show, the latest first
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(crate) rows: usize,
    /// Remove the rows in place of showing them
    #[arg(long)]
    pub(crate) empty: bool,
}

/// Take samples of a device that cannot be right out of the lake, so that the series that
/// waits for them is billed again. Without --yes it tells which they are, and drops nothing.
///
/// `check` and `aggregate` name the device and the two readings between which the bytes do
/// not fit. A sample that is billed is not dropped. What was dropped and when stays known:
/// `check` and `explain` show it. The same rows that come again count as duplicates; a
/// corrected sample of the same instant is taken.
#[derive(Debug, Args)]
pub(crate) struct DropSamples {
    /// Source of the samples
    #[arg(long, default_value = SourceName::DEFAULT, value_name = "NAME", value_parser = any_source_name)]
    pub(crate) source: SourceName,
    /// Number of the device
    #[arg(long, value_name = "ID")]
    pub(crate) device: u64,
    /// Instant the samples were taken, as `check` prints it
    #[arg(long, value_name = "INSTANT", value_parser = start_instant)]
    pub(crate) at: Instant,
    /// Only samples of this account, by its number
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<u64>,
    /// Only samples of this address
    #[arg(long, value_name = "IP")]
    pub(crate) address: Option<String>,
    /// Do it
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Through which instant a source is said to be complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CompleteThrough {
    /// The present, by the clock.
    Now,
    /// A given instant.
    At(Instant),
}

/// Compute usage records and publish them, period by period.
///
/// Without dates it is the scheduled job: every period that is over and not
/// published yet, as far as each source is complete (usage.source.patience.hours),
/// and those that late events have touched. With dates it is a back-fill: each
/// period as if the job had run on time, complete or not. Running it again changes
/// nothing.
#[derive(Debug, Args)]
pub(crate) struct Aggregate {
    /// First day, in the aggregation zone
    #[arg(long, requires = "to", value_name = "DAY", value_parser = day)]
    pub(crate) from: Option<NaiveDate>,
    /// Last day, inclusive
    #[arg(long, requires = "from", value_name = "DAY", value_parser = day)]
    pub(crate) to: Option<NaiveDate>,
    /// Compute published periods again (all of them without dates)
    #[arg(long)]
    pub(crate) rebuild: bool,
    /// Act as if it were this instant, such as 2026-02-01T00:15:00Z [default: the
    /// present, by the clock of the folder's cloud]
    #[arg(long, value_name = "INSTANT", value_parser = start_instant)]
    pub(crate) now: Option<Instant>,
    /// Take a --now that lies ahead of the clock: bill what has not been used yet
    #[arg(long, requires = "now")]
    pub(crate) force_now: bool,
    /// Publish what would move this day by more than `usage.publish.max.change` allows; may
    /// be repeated
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub(crate) accept: Vec<NaiveDate>,
    /// Tell what would change, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// A choice of records or corrections: a window of days and filters.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// First day, in the aggregation zone [default: the first published]
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub(crate) from: Option<NaiveDate>,
    /// Last day, inclusive [default: the last published]
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub(crate) to: Option<NaiveDate>,
    /// Only records of this source
    #[arg(long, value_name = "NAME", value_parser = any_source_name)]
    pub(crate) source: Option<SourceName>,
    /// Only this account: a number is its id, anything else its name
    #[arg(long, value_name = "ID|NAME")]
    pub(crate) account: Option<String>,
    /// Only accounts of this domain, by path or id
    #[arg(long, value_name = "PATH|ID")]
    pub(crate) domain: Option<String>,
    /// Only this usage type, by number or name (1, RUNNING_VM)
    #[arg(long = "type", value_name = "TYPE", value_parser = usage_type_of)]
    pub(crate) usage_type: Option<UsageTypeId>,
}

/// The instant whose answer is wanted.
#[derive(Debug, Args)]
pub(crate) struct AsOf {
    /// Show what was shown at this instant, such as 2026-02-01T00:15:00Z or 2026-02-01 (its
    /// first instant in UTC), whatever was published later; by the clock that the runs of the
    /// job went by [default: what is published now]
    #[arg(long = "asof", value_name = "INSTANT", value_parser = start_instant)]
    pub(crate) instant: Option<Instant>,
}

/// Show totals as a table. Quantities of different usage types are never added up.
#[derive(Debug, Args)]
pub(crate) struct Usage {
    #[command(flatten)]
    pub(crate) selection: Selection,
    #[command(flatten)]
    pub(crate) as_of: AsOf,
    /// Columns to group by: day, account, domain, type, zone, offering, source, resource
    #[arg(long, value_delimiter = ',', default_value = "account,type", value_name = "COLUMNS")]
    pub(crate) group_by: Vec<String>,
}

/// Write usage records to a file, in the order and with the values of the API.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// File format
    #[arg(long, value_parser = export_format())]
    pub(crate) format: &'static ExportFormat,
    #[command(flatten)]
    pub(crate) selection: Selection,
    #[command(flatten)]
    pub(crate) as_of: AsOf,
    /// File to write; `-` for standard output. A file that is there is replaced and keeps
    /// its mode and owner; a new one is its owner's alone
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// In CSV, write a `'` before texts that a spreadsheet would take for a formula: those
    /// that begin with =, +, -, @, a tab or a carriage return
    #[arg(long)]
    pub(crate) spreadsheet_safe: bool,
}

/// Show the events and segments (or samples) that make up a record, to the
/// millisecond, and that they add up.
///
/// With --event or --resource it goes the other way: the records that an event or a
/// resource touched.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The record's id, from an export or from listUsageRecords
    #[arg(
        value_name = "RECORDID",
        required_unless_present_any = ["event", "resource"],
        conflicts_with_all = ["event", "resource"]
    )]
    pub(crate) record: Option<RecordId>,
    /// Show the records of use that this event began or ended, by its number
    #[arg(long, value_name = "ID", conflicts_with = "resource")]
    pub(crate) event: Option<u64>,
    /// Show the records of this resource (of bytes: device), by its number; goes with --type
    #[arg(long, value_name = "ID", requires = "usage_type")]
    pub(crate) resource: Option<u64>,
    /// Usage type of the resource's records, by number or name (1, RUNNING_VM)
    #[arg(
        long = "type",
        value_name = "TYPE",
        value_parser = usage_type_of,
        requires = "resource"
    )]
    pub(crate) usage_type: Option<UsageTypeId>,
    /// First day of the resource's records, in the aggregation zone [default: the first
    /// published]
    #[arg(long, value_name = "DAY", value_parser = day, requires = "resource")]
    pub(crate) from: Option<NaiveDate>,
    /// Last day, inclusive [default: the last published]
    #[arg(long, value_name = "DAY", value_parser = day, requires = "resource")]
    pub(crate) to: Option<NaiveDate>,
    /// Source of the record, the event or the resource
    #[arg(long, value_name = "NAME", value_parser = any_source_name)]
    pub(crate) source: Option<SourceName>,
    #[command(flatten)]
    pub(crate) as_of: AsOf,
}

/// Show what changed when periods were published again, and why: each record's quantity
/// before and after, and the events that came late. The differences of a period add up
/// to the difference between its generations.
///
/// Late events, late word of a removed account, dropped samples and `aggregate
/// --rebuild` are what publishes a period again.
#[derive(Debug, Args)]
pub(crate) struct Corrections {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Form of the output; CSV and JSON have all of them
    #[arg(long, value_enum, default_value_t = CorrectionFormat::Table)]
    pub(crate) format: CorrectionFormat,
    /// Corrections that the table shows, the latest periods first; the totals are of all
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(crate) rows: usize,
}

/// The form in which corrections are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CorrectionFormat {
    /// A table with totals by usage type, for people
    Table,
    /// JSON, for programs
    Json,
    /// Comma-separated values with a header row
    Csv,
}

/// Verify every file of the lake against its checksum and run the sanity checks.
///
/// Exits with 1 if anything is damaged or does not add up.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Exit with status 3 on warnings, too
    #[arg(long)]
    pub(crate) strict: bool,
    /// List of what is in use now in an imported cloud: a file with the columns usage_type
    /// (number or name) and resource_id, and zone_id, nic_id, account_id and name where known.
    /// Tells what is billed and not in it, and what is in it and not billed; usage types that
    /// it does not name are not compared
    #[arg(long, value_name = "FILE")]
    pub(crate) inventory: Option<PathBuf>,
    /// Source that the inventory is of
    #[arg(long, requires = "inventory", default_value = SourceName::DEFAULT, value_name = "NAME", value_parser = any_source_name)]
    pub(crate) source: SourceName,
}

/// Show the day sheet of each period of a day: for each usage type the sum of its records, of
/// the segments they were made of, and the same computed a second time in another way; the
/// uses that began, ended and are open at its end; its events by what became of them; and the
/// SHA-256 of the files that were read and written.
///
/// The three sums are one number: a period for which they differ is not published. Times are
/// in milliseconds.
#[derive(Debug, Args)]
pub(crate) struct Sheet {
    /// The day, in the aggregation zone
    #[arg(value_name = "DAY", value_parser = day)]
    pub(crate) day: NaiveDate,
}

/// Show the latest runs of the usage job, whoever began them: what they published
/// and how they ended. A run that is `cut off` ended with its process; what it had
/// published stands, and the next run goes on behind it.
///
/// Below them stands up to when usage is published and when `serve` runs the job
/// next; `cloudtally aggregate` runs it now.
#[derive(Debug, Args)]
pub(crate) struct Jobs {
    /// Number of runs to show, the latest first
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(crate) last: usize,
}

/// Close all days through one, for good: a bill that was sent stays what it is.
///
/// Late events of a closed day become adjustments in the first open period: records
/// that say which period they correct (`corrects`), negative where they take away. Late
/// samples become folded records there, as always. Nothing opens a closed day again.
///
/// The days must be published and up to date: run `cloudtally aggregate` first.
/// docs/trust.md says what becomes of late events of each usage type.
#[derive(Debug, Args)]
pub(crate) struct Close {
    /// Last day to close, in the aggregation zone
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub(crate) through: NaiveDate,
    /// Reason, kept beside it
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Name of who closes [default: the user of the system]
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

/// Let go of the events and samples of closed days before one, and of generations that were
/// replaced before it. Records, day sheets and corrections stay.
///
/// Whole files go, up to the last day whose open use is kept (at most a few days before the
/// one named); use that goes on is billed as before. Afterwards records of those days cannot be
/// explained, `--asof` does not reach back there, and rows that arrive for them are set aside. Take a
/// backup first (`cloudtally backup --to DIR`).
///
/// `usage.retention.rows.days` and `usage.retention.generations.days` do the same after each
/// scheduled run, and `event.archive.purge.delay` with archived events; --dry-run without
/// --before tells what they would take now. Archived events of the simulated cloud from before the
/// day go, too, unless `serve` has the cloud.
#[derive(Debug, Args)]
pub(crate) struct Prune {
    /// First day that is kept, in the aggregation zone; all days before it must be closed
    #[arg(long, value_name = "DAY", value_parser = day, required_unless_present = "dry_run")]
    pub(crate) before: Option<NaiveDate>,
    /// Tell what would go, and write nothing; without --before, by the settings of retention
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Show the state of each period that is over.
///
/// open: published, and late events may change it. stale: the next run of the usage job
/// publishes it again. waiting: not published yet. closed: published for good. Empty periods
/// in a row are one line.
#[derive(Debug, Args)]
pub(crate) struct Periods {
    /// First day, in the aggregation zone [default: the first]
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub(crate) from: Option<NaiveDate>,
    /// Last day, inclusive [default: the last]
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub(crate) to: Option<NaiveDate>,
    /// Form of the output; --json is the same as json
    #[arg(long, value_enum, default_value_t = ListFormat::Table)]
    pub(crate) format: ListFormat,
}

/// The forms of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// For people
    Table,
    /// For programs
    Json,
    /// For spreadsheets
    Csv,
}

/// Show all settings, one, or change one.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// The setting, such as usage.aggregation.timezone
    pub(crate) name: Option<String>,
    /// Its new value
    #[arg(allow_negative_numbers = true)]
    pub(crate) value: Option<String>,
}

/// Show the root admin's API keys, making them if there are none.
///
/// CLOUDTALLY_ADMIN_API_KEY and CLOUDTALLY_ADMIN_SECRET_KEY set them instead; each has
/// at least 16 characters.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    /// Make new ones; the old ones stop working at once
    #[arg(long)]
    pub(crate) new: bool,
}

/// Serve the API, let the simulated cloud live and run the usage job on its
/// schedule, until interrupted.
///
/// The first start makes the cloud and its root admin `admin`, with the password
/// of CLOUDTALLY_ADMIN_PASSWORD, which has at least 6 characters, or one that is
/// printed once.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address to listen on; port 0 takes any free one and prints it
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub(crate) listen: String,
    /// Address of the port without authentication, which the setting
    /// integration.api.port opens
    #[arg(long, default_value = "127.0.0.1", value_name = "IP")]
    pub(crate) integration_listen: IpAddr,
    /// Address of a listener for monitoring: /metrics in the text format of Prometheus, and
    /// /livez, /readyz and /healthz with reasons; port 0 takes any free one and prints it.
    /// Without it there is none. It knows no authentication, so keep it inside
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<String>,
    /// Begin a new cloud without zones, hosts, offerings and templates
    #[arg(long)]
    pub(crate) empty: bool,
    /// Seed of a new cloud's uuids [default: random] and of the
    /// tenants' decisions [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Simulated tenants with habits of their own, who use the cloud through the
    /// same commands as everybody
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) tenants: u32,
    /// Clock that the cloud and the usage job live by; signatures and sessions stay
    /// on the machine's
    #[arg(long, value_enum, default_value_t = ClockArgument::Real)]
    pub(crate) clock: ClockArgument,
    /// Simulated seconds a second, with --clock sim, as far as the machine keeps up: the
    /// clock waits for what is due; at 0 only advanceClock moves it
    #[arg(long, default_value_t = 3600, value_name = "N")]
    pub(crate) speed: u32,
    /// First instant of a new simulated cloud; one that is there goes on where it stopped
    #[arg(long, default_value = "2026-01-01", value_parser = start_instant, value_name = "INSTANT")]
    pub(crate) start: Instant,
}

/// Set back a folder whose cloud lived ahead of time, because the machine's clock was
/// wrong. Without --yes it tells what it would change, and changes nothing.
///
/// One rule holds: what the folder's cloud dated after the instant gets that instant.
///
/// - The cloud's clock shows it. Resources made or removed later, jobs, events and alerts
///   have that date; what is still due waits as long as it would have waited. Sessions
///   end, as with every start of the server.
/// - Usage events later than it happen at it, in their order and with their ids, and the
///   ledger with them: use between the instant and the wrong dates is billed to nobody.
///   What is still used is billed on from the instant.
/// - Bytes that were counted later are billed on its day, for they went by.
/// - Published periods that end after it are withdrawn; the next runs of the usage job
///   publish them anew when they are over. Periods before stay as they are.
/// - Events of other sources stay as they were ingested.
///
/// Stop `serve`, put the machine's clock right and copy the folder first. The instant is
/// best the last one at which the clock was right, for what is later is lived once more.
#[derive(Debug, Args)]
pub(crate) struct RepairClock {
    /// Instant to go back to, at most the present, to the second
    #[arg(long, value_name = "INSTANT", value_parser = start_instant)]
    pub(crate) to: Instant,
    /// Do it
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Rewrite the files of a data folder that an earlier version made, in the format of this
/// one. Without --yes it tells what it would do, and changes nothing.
///
/// Every file is verified, written anew and read back row by row; then all new files take
/// the place of the old ones at once. Cut off or failed at any point, the folder is as it
/// was: run it again. The new files need about as much room as the old ones, which stay for
/// an hour and are removed by the next command that writes after it.
///
/// Stop `serve` and copy the folder first: earlier versions cannot read what this one writes.
#[derive(Debug, Args)]
pub(crate) struct Upgrade {
    /// Do it
    #[arg(long)]
    pub(crate) yes: bool,
}

/// The clock that a cloud lives by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClockArgument {
    /// The machine's
    Real,
    /// A simulated one
    Sim,
}

/// The first word of an ingest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StreamOrFile {
    Stream(StreamArgument),
    File(PathBuf),
}

/// Reads the name of a stream, or else that of a file.
fn stream_or_file() -> impl TypedValueParser<Value = StreamOrFile> {
    OsStringValueParser::new().map(|word| {
        let stream = word.to_str().and_then(|word| StreamArgument::from_str(word, false).ok());
        stream.map_or_else(|| StreamOrFile::File(word.into()), StreamOrFile::Stream)
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StreamArgument {
    /// Rows of the cloud's usage_event table
    Events,
    /// Byte counters of network devices
    Samples,
    /// The account dimension
    Accounts,
    /// Events that the cloud never told, each with its author and reason
    Corrections,
}

/// Reads the name of an export format; the formats themselves say which there are.
fn export_format() -> impl TypedValueParser<Value = &'static ExportFormat> {
    let choice = |format: &ExportFormat| PossibleValue::new(format.name).help(format.help);
    PossibleValuesParser::new(FORMATS.map(choice)).try_map(|name| {
        let format = FORMATS.into_iter().find(|format| format.name == name);
        format.ok_or(format!("`{name}` is no export format"))
    })
}

/// The formats of input files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileFormat {
    /// Comma-separated values with a header row
    Csv,
    /// One JSON object a line
    Jsonl,
    /// Apache Parquet
    Parquet,
}

fn day(text: &str) -> Result<NaiveDate, calendar::DayError> {
    calendar::day(text)
}

fn any_source_name(text: &str) -> Result<SourceName, String> {
    SourceName::new(text).map_err(|error| error.to_string())
}

fn source_name(text: &str) -> Result<SourceName, String> {
    // Rows of files under that name would take the ids of events that the cloud has
    // yet to tell, which then were set aside and never billed.
    if text == SourceName::PLATFORM {
        return Err(format!(
            "`{text}` is the folder's own cloud, which tells by itself; choose another name"
        ));
    }
    SourceName::new(text).map_err(|error| error.to_string())
}

fn complete_through(text: &str) -> Result<CompleteThrough, String> {
    if text == "now" {
        return Ok(CompleteThrough::Now);
    }
    start_instant(text).map(CompleteThrough::At)
}

fn start_instant(text: &str) -> Result<Instant, String> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    Instant::parse(&whole).map_err(|error| error.to_string())
}

/// `0.01` as 10000 parts per million, exactly.
fn parts_per_million(text: &str) -> Result<u32, String> {
    let error = || format!("`{text}` is not a rate; write a decimal from 0 to 0.2, such as 0.01");
    let (integer, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 6 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(error());
    }
    let whole: u32 = integer.parse().map_err(|_| error())?;
    let millionths: u32 = format!("{fraction:0<6}").parse().map_err(|_| error())?;
    let rate = whole.checked_mul(1_000_000).and_then(|whole| whole.checked_add(millionths));
    rate.filter(|rate| *rate <= 200_000).ok_or_else(error)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn data_may_stand_before_or_after_the_command() {
        for line in [["cloudtally", "--data", "x", "check"], ["cloudtally", "check", "--data", "x"]]
        {
            let arguments = Arguments::try_parse_from(line).unwrap();
            assert_eq!(arguments.global.data, Some(PathBuf::from("x")));
        }
    }

    #[test]
    fn rates_are_exact() {
        assert_eq!(parts_per_million("0.01"), Ok(10_000));
        assert_eq!(parts_per_million("0"), Ok(0));
        for text in ["-0.1", "1", "0.0000001", "x", ""] {
            assert!(parts_per_million(text).is_err(), "{text}");
        }
    }
}
