//! `simulate`: a cloud's history as files, with its answer key.

use std::{
    fs::{self, File},
    io::BufWriter,
    path::{Path, PathBuf},
    process::ExitCode,
};

use cloudtally_generator::{
    EmittedEvent, EmittedSample, History, MESS_FILE_NAME, Options, Rate, RawRow, key_file_name,
    write_key, write_mess,
};
use cloudtally_ingest::write::{AccountWriter, EventWriter, Format, RawLine, SampleWriter};
use serde_json::json;

use super::{Context, print_json};
use crate::{
    cli::{FileFormat, Simulate},
    console::{self, Unit},
    failure::Failure,
};

pub(crate) fn run(context: &Context, arguments: &Simulate) -> Result<ExitCode, Failure> {
    let options = Options {
        days: arguments.days,
        vms: arguments.vms,
        seed: arguments.seed,
        start: arguments.start,
        mess: Rate::from_millionths(arguments.mess)
            .map_err(|error| Failure::usage(error.to_string()))?,
        timezones: arguments.timezone.clone(),
        sample_minutes: arguments.sample_minutes,
    };
    let format = match arguments.format {
        FileFormat::Csv => Format::Csv,
        FileFormat::Jsonl => Format::JsonLines,
        FileFormat::Parquet => Format::Parquet,
    };
    let written = write_history(&options, format, &arguments.out)?;
    if context.json() {
        let files: Vec<_> = written
            .files
            .iter()
            .map(|(path, rows)| json!({ "file": path.display().to_string(), "rows": rows }))
            .collect();
        print_json(&json!({ "files": files }))?;
    } else {
        for (path, rows) in &written.files {
            println!("{rows:>12} rows  {}", path.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The files of a history.
pub(crate) struct Written {
    /// Every file and its rows, in the order written.
    pub(crate) files: Vec<(PathBuf, u64)>,
    pub(crate) accounts: PathBuf,
    /// The main file, then the late one if there is one.
    pub(crate) events: Vec<PathBuf>,
    /// Likewise.
    pub(crate) samples: Vec<PathBuf>,
}

/// Generates a history and writes all its files to `out`.
pub(crate) fn write_history(
    options: &Options,
    format: Format,
    out: &Path,
) -> Result<Written, Failure> {
    let history = History::generate(options).map_err(|error| Failure::usage(error.to_string()))?;
    fs::create_dir_all(out).map_err(|cause| {
        Failure::Failed(
            anyhow::Error::new(cause)
                .context(format!("cannot make the folder `{}`", out.display())),
        )
    })?;
    let file = |name: &str| out.join(format!("{name}.{}", format.extension()));
    let mut written = Written {
        files: Vec::new(),
        accounts: file("accounts"),
        events: vec![file("usage_events")],
        samples: vec![file("network_samples")],
    };

    let mut accounts = AccountWriter::create(&written.accounts, format)?;
    for account in history.accounts() {
        accounts.write(account)?;
    }
    written.files.push((written.accounts.clone(), accounts.finish()?));

    written.files.push(write_events(history.events(), format, &written.events[0])?);
    let mut late = history.late_events().peekable();
    if late.peek().is_some() {
        let path = file("usage_events_late");
        written.files.push(write_events(late, format, &path)?);
        written.events.push(path);
    }
    written.files.push(write_samples(history.samples(), format, &written.samples[0])?);
    let mut late = history.late_samples().peekable();
    if late.peek().is_some() {
        let path = file("network_samples_late");
        written.files.push(write_samples(late, format, &path)?);
        written.samples.push(path);
    }

    for zone in &options.timezones {
        let path = out.join(key_file_name(zone));
        let rows = history.answer_key(zone).map_err(|error| Failure::usage(error.to_string()))?;
        let rows = write_key(zone, rows, BufWriter::new(create(&path)?))?;
        written.files.push((path, rows));
    }
    let path = out.join(MESS_FILE_NAME);
    let rows = write_mess(history.mess(), BufWriter::new(create(&path)?))?;
    written.files.push((path, rows));
    Ok(written)
}

fn create(path: &Path) -> Result<File, Failure> {
    File::create(path).map_err(|cause| {
        Failure::Failed(
            anyhow::Error::new(cause).context(format!("cannot create `{}`", path.display())),
        )
    })
}

fn write_events(
    events: impl Iterator<Item = EmittedEvent>,
    format: Format,
    path: &Path,
) -> Result<(PathBuf, u64), Failure> {
    let bar = console::bar("writing usage events", Unit::Count);
    let mut writer = EventWriter::create(path, format)?;
    for event in events {
        match event {
            // Only a raw line can spell a zone of -1; Parquet writes it as no zone.
            EmittedEvent::Event(row) if row.is_plain() || format == Format::Parquet => {
                writer.write(&row.event)?;
            }
            EmittedEvent::Event(row) => {
                let _: RawLine = writer.write_raw_line(line(&row.fields(), format).as_bytes())?;
            }
            EmittedEvent::Malformed(row) => {
                let _: RawLine = writer.write_raw_line(line(&row, format).as_bytes())?;
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((path.to_owned(), writer.finish()?))
}

fn write_samples(
    samples: impl Iterator<Item = EmittedSample>,
    format: Format,
    path: &Path,
) -> Result<(PathBuf, u64), Failure> {
    let bar = console::bar("writing samples", Unit::Count);
    let mut writer = SampleWriter::create(path, format)?;
    for sample in samples {
        match sample {
            EmittedSample::Sample(sample) => writer.write(&sample)?,
            EmittedSample::Malformed(row) => {
                let _: RawLine = writer.write_raw_line(line(&row, format).as_bytes())?;
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((path.to_owned(), writer.finish()?))
}

fn line(row: &RawRow, format: Format) -> String {
    match format {
        Format::JsonLines => row.json_line(),
        Format::Csv | Format::Parquet => row.csv_line(),
    }
}
