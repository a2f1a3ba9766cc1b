//! The inputs of a run, whatever their formats and whichever tables they hold.
//!
//! One table in a file goes the fast way of its format, if it is a stream's. Dumps of
//! several tables, and tables that tell something about the streams, go a row at a time:
//! accounts wait for the paths of their domains, counters for their series, until all
//! inputs are read. What is gathered goes to the storing side in batches.

mod counters; // samples out of the cloud's own counters
mod helpers; // tables beside the streams
mod rows; // tables of a dump
mod shape; // which table is which
mod terms; // what holds for all inputs of a run

use std::{
    fs::File,
    path::Path,
    sync::{Arc, atomic::AtomicU64, mpsc::SyncSender},
};

use cloudtally_model::{Account, NetworkSample, UsageEvent};
use cloudtally_store::Stream;

pub(crate) use self::terms::Terms;
use self::{
    counters::Counters,
    helpers::Helpers,
    rows::TableRows,
    shape::{Table, by_columns, is_header, no_table},
};
use crate::{
    batch::{Batch, Batcher, HungUp, Outlet, Stop},
    border::{Addresses, Zones},
    csv::{self, Layout},
    dump::{self, Dialect, Style},
    error::Fault,
    jsonl, names,
    open::{Bytes, Input, Opened, open},
    parquet, tsv,
    window::Window,
};

/// Accounts that wait for the paths of their domains; further ones have none.
const ACCOUNTS_HELD_MAX: usize = 1_000_000;

/// A piece of the inputs on its way to the storing side.
#[derive(Debug)]
pub(crate) enum Gathered {
    Events(Box<Batch<UsageEvent>>),
    Samples(Box<Batch<NetworkSample>>),
    /// Samples of counters that never fall.
    Counters(Box<Batch<NetworkSample>>),
    Accounts(Batch<Account>),
    /// The zones of the cloud, as far as they are known now.
    Zones(Zones),
    Addresses(Addresses),
    /// Something that the user should know.
    Note(String),
}

impl Outlet<UsageEvent> for SyncSender<Gathered> {
    fn send(&self, batch: Batch<UsageEvent>) -> Result<(), HungUp> {
        tell(self, Gathered::Events(Box::new(batch)))
    }
}

impl Outlet<NetworkSample> for SyncSender<Gathered> {
    fn send(&self, batch: Batch<NetworkSample>) -> Result<(), HungUp> {
        tell(self, Gathered::Samples(Box::new(batch)))
    }
}

impl Outlet<Account> for SyncSender<Gathered> {
    fn send(&self, batch: Batch<Account>) -> Result<(), HungUp> {
        tell(self, Gathered::Accounts(batch))
    }
}

/// The way of counters that never fall.
struct CounterOutlet(SyncSender<Gathered>);

impl Outlet<NetworkSample> for CounterOutlet {
    fn send(&self, batch: Batch<NetworkSample>) -> Result<(), HungUp> {
        tell(&self.0, Gathered::Counters(Box::new(batch)))
    }
}

fn tell(sender: &SyncSender<Gathered>, gathered: Gathered) -> Result<(), HungUp> {
    SyncSender::send(sender, gathered).map_err(|_| HungUp)
}

/// Reads all inputs, one after the other. What was read before a fault is sent on.
pub(crate) fn gather(
    inputs: &[Input],
    bytes_read: &Arc<AtomicU64>,
    sender: SyncSender<Gathered>,
    terms: &Terms,
) -> Result<(), Fault> {
    let mut intake = Intake::new(sender, terms);
    let mut read = Ok(());
    for (index, input) in inputs.iter().enumerate() {
        read = intake.begin(index).map_err(Stop::from);
        read = read.and_then(|()| intake.read(input, bytes_read));
        if read.is_err() {
            break;
        }
    }
    let finished = intake.finish().map_err(Stop::from);
    match read.and(finished) {
        // Then the storing side has the error.
        Ok(()) | Err(Stop::HungUp) => Ok(()),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

/// Takes tables that somebody feeds, in place of inputs. What was fed before a fault is sent on.
pub(crate) fn gather_tables(
    sender: SyncSender<Gathered>,
    terms: &Terms,
    name: &str,
    feed: impl FnOnce(&mut dyn dump::TableSink) -> Result<(), Stop>,
) -> Result<(), Fault> {
    let mut intake = Intake::new(sender, terms);
    let begun = intake.begin(0).map_err(Stop::from);
    let fed = begun.and_then(|()| feed(&mut TableRows::new(&mut intake, name)));
    let finished = intake.finish().map_err(Stop::from);
    match fed.and(finished) {
        Ok(()) | Err(Stop::HungUp) => Ok(()),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

struct Intake<'a> {
    terms: &'a Terms,
    sender: SyncSender<Gathered>,
    events: Batcher<UsageEvent>,
    samples: Batcher<NetworkSample>,
    accounts: Batcher<Account>,
    helpers: Helpers,
    counters: Counters,
    /// The input that the last counters came from.
    counters_input: usize,
    /// Accounts without the paths of their domains, each with its input and text.
    held: Vec<(usize, Account, Vec<u8>)>,
    input: usize,
    /// Rows of helping tables that could not be read, with the first reason.
    unread: u64,
    first_unread: Option<String>,
}

impl<'a> Intake<'a> {
    fn new(sender: SyncSender<Gathered>, terms: &'a Terms) -> Self {
        Self {
            terms,
            events: Batcher::new(sender.clone(), terms.plausible),
            samples: Batcher::new(sender.clone(), terms.plausible),
            accounts: Batcher::new(sender.clone(), terms.plausible),
            sender,
            helpers: Helpers::default(),
            counters: Counters::default(),
            counters_input: 0,
            held: Vec::new(),
            input: 0,
            unread: 0,
            first_unread: None,
        }
    }

    fn begin(&mut self, input: usize) -> Result<(), HungUp> {
        self.input = input;
        self.events.begin(input)?;
        self.samples.begin(input)?;
        self.accounts.begin(input)
    }

    /// Rows of the current input so far.
    fn rows(&self) -> u64 {
        self.events.rows() + self.samples.rows() + self.accounts.rows() + self.held.len() as u64
    }

    fn read(&mut self, input: &Input, bytes_read: &Arc<AtomicU64>) -> Result<(), Stop> {
        let name = input.name();
        let chunks = self.terms.chunks;
        let required = match self.terms.wanted {
            None | Some(Stream::Events) => names::required::<UsageEvent>(),
            Some(Stream::Samples) => names::required::<NetworkSample>(),
            Some(Stream::Accounts) => names::required::<Account>(),
        };
        let mut window = match open(input, &required, bytes_read)? {
            Opened::Parquet(file) => {
                let found = || parquet::column_names(&name, &file);
                return match self.stream(&name, found)? {
                    Stream::Events => {
                        parquet::read(&name, file, bytes_read, chunks, &mut self.events)
                    }
                    Stream::Samples => {
                        parquet::read(&name, file, bytes_read, chunks, &mut self.samples)
                    }
                    Stream::Accounts => {
                        parquet::read(&name, file, bytes_read, chunks, &mut self.accounts)
                    }
                };
            }
            Opened::JsonLines(mut window) => {
                match self.stream(&name, || Ok(jsonl::sample_keys(&mut window)))? {
                    Stream::Events => jsonl::read(&name, &mut window, chunks, &mut self.events)?,
                    Stream::Samples => jsonl::read(&name, &mut window, chunks, &mut self.samples)?,
                    Stream::Accounts => {
                        jsonl::read(&name, &mut window, chunks, &mut self.accounts)?;
                    }
                }
                window
            }
            Opened::Tsv(mut window) => {
                self.separated(input, &mut window, Style { separator: b'\t', quote: 0 })?;
                window
            }
            Opened::Csv(mut window, separator) => {
                self.separated(input, &mut window, Style { separator, quote: b'"' })?;
                window
            }
            Opened::Dump(mut window, dialect) => {
                let columns = match dialect {
                    Dialect::Outfile { separator, quote } => {
                        let style = Style { separator, quote };
                        self.columns_beside(input, &first_record(&window, style))?
                    }
                    _ => None,
                };
                self.dump(&name, &mut window, dialect, columns.as_deref())?;
                window
            }
        };
        let rows = self.rows();
        window.check().map_err(|cause| {
            Stop::Fault(match cause.kind() {
                std::io::ErrorKind::UnexpectedEof => Fault::CutOff { input: name, rows },
                _ => Fault::Read { input: name, rows, cause },
            })
        })
    }

    /// The stream of an input that holds one.
    fn stream(
        &self,
        input: &str,
        columns: impl FnOnce() -> Result<Vec<String>, Fault>,
    ) -> Result<Stream, Fault> {
        if let Some(wanted) = self.terms.wanted {
            return Ok(wanted);
        }
        let columns = columns()?;
        match by_columns(&columns) {
            Some(Table::Stream(stream)) => Ok(stream),
            _ => Err(no_table(input, &columns)),
        }
    }

    /// Reads separated fields: one table, of a stream or another.
    fn separated(
        &mut self,
        input: &Input,
        window: &mut Window<Bytes>,
        style: Style,
    ) -> Result<(), Stop> {
        let first = first_record(window, style);
        let given = self.columns_beside(input, &first)?;
        let found = given.as_ref().unwrap_or(&first);
        let has_paths = names::position_of(found, "domain_path").is_some();
        let stream = match (self.terms.wanted, by_columns(found)) {
            (None, Some(Table::Stream(Stream::Accounts))) if !has_paths => None,
            (None, Some(Table::Stream(stream))) => Some(stream),
            (None, Some(Table::Helper(_))) => None,
            (None, None) => return Err(no_table(&input.name(), found).into()),
            (Some(Stream::Samples), Some(Table::Helper(_))) => None,
            (Some(wanted), _) => Some(wanted),
        };
        self.tell_zones()?;
        let (name, given) = (input.name(), given.as_deref());
        let chunks = self.terms.chunks;
        let Some(stream) = stream else {
            let Style { separator, quote } = style;
            return self.dump(&name, window, Dialect::Outfile { separator, quote }, given);
        };
        if style.separator == b'\t' {
            return match stream {
                Stream::Events => tsv::read(&name, window, given, chunks, &mut self.events),
                Stream::Samples => tsv::read(&name, window, given, chunks, &mut self.samples),
                Stream::Accounts => tsv::read(&name, window, given, chunks, &mut self.accounts),
            };
        }
        let layout = Layout { separator: style.separator, columns: given };
        match stream {
            Stream::Events => csv::read(&name, window, layout, chunks, &mut self.events),
            Stream::Samples => csv::read(&name, window, layout, chunks, &mut self.samples),
            Stream::Accounts => csv::read(&name, window, layout, chunks, &mut self.accounts),
        }
    }

    /// The columns of an input without a header row: those that are given, or those of the
    /// definition that stands beside it. `None` if it has a header row.
    fn columns_beside(
        &self,
        input: &Input,
        first: &[String],
    ) -> Result<Option<Vec<String>>, Fault> {
        let has_header = is_header(first);
        if let Some(columns) = &self.terms.columns {
            return match has_header {
                true => Err(Fault::HeaderAndColumns { input: input.name() }),
                false => Ok(Some(columns.clone())),
            };
        }
        if has_header {
            return Ok(None);
        }
        let Input::File(path) = input else {
            return Err(Fault::NoHeader { input: input.name(), beside: "TABLE.sql".to_owned() });
        };
        // `usage_event.sql` beside `usage_event.txt.gz`
        let stem = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let stem = stem.as_deref().and_then(|name| name.split('.').next()).unwrap_or_default();
        let beside = path.with_file_name(format!("{stem}.sql"));
        let columns = (*beside != **path).then(|| definition(&beside)).flatten();
        match columns {
            Some(columns) => Ok(Some(columns)),
            None => Err(Fault::NoHeader { input: input.name(), beside: format!("{stem}.sql") }),
        }
    }

    /// Sends the zones that came since the last time.
    fn tell_zones(&mut self) -> Result<(), HungUp> {
        match self.helpers.new_zones() {
            Some(zones) => tell(&self.sender, Gathered::Zones(zones)),
            None => Ok(()),
        }
    }

    fn dump(
        &mut self,
        input: &str,
        window: &mut Window<Bytes>,
        dialect: Dialect,
        columns: Option<&[String]>,
    ) -> Result<(), Stop> {
        let mut rows = TableRows::new(self, input);
        dump::read(dialect, window, columns, &mut rows)?;
        rows.finish(window.failed())
    }

    /// Sends what waited and what is left.
    fn finish(&mut self) -> Result<(), HungUp> {
        for (input, mut account, text) in std::mem::take(&mut self.held) {
            if input != self.input {
                self.begin(input)?;
            }
            self.helpers.complete(&mut account);
            self.accounts.take_text(Ok(account), &text)?;
        }
        if self.terms.sampled.is_none() && self.counters.series_count() > 0 {
            let count = self.counters.series_count();
            let text = format!(
                "user_statistics has {count} counters and no instant: say when the dump was taken \
                 with `--sampled INSTANT` to take them as samples"
            );
            tell(&self.sender, Gathered::Note(text))?;
        }
        let outlet = CounterOutlet(self.sender.clone());
        let mut counters = Batcher::new(outlet, self.terms.plausible);
        counters.begin(self.counters_input)?;
        let made = std::mem::take(&mut self.counters);
        for (sample, text) in made.make(self.terms) {
            counters.take_text(sample, text.as_bytes())?;
        }
        self.tell_zones()?;
        self.accounts.flush()?;
        self.samples.flush()?;
        counters.flush()?;
        self.events.flush()?;
        tell(&self.sender, Gathered::Addresses(self.helpers.addresses()))?;
        if let Some(reason) = self.first_unread.take() {
            let count = self.unread;
            let text =
                format!("{count} rows of other tables could not be read; the first: {reason}");
            tell(&self.sender, Gathered::Note(text))?;
        }
        Ok(())
    }
}

fn first_record(window: &Window<Bytes>, style: Style) -> Vec<String> {
    dump::first_record(window.unread(), style)
}

/// The columns of the table that a file of statements defines.
fn definition(path: &Path) -> Option<Vec<String>> {
    dump::sql::columns_of(File::open(path).ok()?)
}
