//! From the name of an input to its bytes and their format.
//!
//! Names say nothing here: compression and format are told by the bytes. Rules:
//! a gzip or zstd header means so compressed; `PAR1` at the beginning means
//! Parquet; else, after a byte order mark and blanks, `{` means JSON Lines, a statement or a
//! comment of SQL a dump of statements, `<?xml` a dump as XML, a drawn table or a numbered row
//! what a terminal showed, a first line with more tabs than commas the output of
//! `mysql --batch` or `--tab`, and anything else CSV by the separator that its first line
//! has most of: with quotes doubled, unless a sample shows that backslashes escape.

use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read, Seek, SeekFrom},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::bufread::MultiGzDecoder;

use crate::{
    dump::{self, Dialect, Style},
    error::Fault,
    tsv,
    window::{Filled, Window},
};

/// Bytes of the beginning of an input that tell its format.
const SAMPLE_BYTES: usize = 64 * 1024;

/// Something to ingest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Standard input, `-` on the command line.
    Stdin,
    /// A file or a named pipe.
    File(PathBuf),
    /// The database of a cloud, by its address without a password.
    Database(String),
}

impl Input {
    /// Reads an argument of the command line: `-` is standard input.
    pub fn from_argument(argument: impl Into<PathBuf>) -> Self {
        let path = argument.into();
        if path.as_os_str() == "-" { Self::Stdin } else { Self::File(path) }
    }

    /// The input's name in messages: the path as it was given, or `-`.
    pub fn name(&self) -> String {
        match self {
            Self::Stdin => "-".to_owned(),
            Self::File(path) => path.display().to_string(),
            Self::Database(address) => address.clone(),
        }
    }

    /// The input's name in the quarantine: the file's name without its folder, or `-`.
    pub fn file_name(&self) -> String {
        match self {
            Self::Stdin => "-".to_owned(),
            Self::File(path) => path
                .file_name()
                .map_or_else(|| self.name(), |name| name.to_string_lossy().into_owned()),
            Self::Database(address) => address.clone(),
        }
    }

    /// Bytes of the input, compressed as they are; `None` for what is no file.
    pub(crate) fn size_bytes(&self) -> Option<u64> {
        match self {
            Self::Stdin | Self::Database(_) => None,
            Self::File(path) => {
                let metadata = std::fs::metadata(path).ok()?;
                metadata.is_file().then_some(metadata.len())
            }
        }
    }

    /// Finds out early what is wrong with the name. Does not open a pipe, which
    /// can be opened only once.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let Self::File(path) = self else { return Ok(()) };
        let unopened = |cause| Fault::Open { input: self.name(), cause };
        let metadata = std::fs::metadata(path).map_err(unopened)?;
        if metadata.is_dir() {
            return Err(Fault::Folder { input: self.name() });
        }
        if metadata.is_file() {
            File::open(path).map_err(unopened)?;
        }
        Ok(())
    }
}

/// An input ready to be read.
pub(crate) enum Opened {
    /// Fields behind this separator, with quotes doubled.
    Csv(Window<Bytes>, u8),
    Tsv(Window<Bytes>),
    JsonLines(Window<Bytes>),
    Parquet(File),
    /// A dump of tables.
    Dump(Window<Bytes>, Dialect),
}

/// The bytes of an input.
pub(crate) type Bytes = Box<dyn Read + Send>;

/// Opens an input and looks at its first bytes. Bytes read from it (compressed,
/// as they are) are added to `bytes_read`, but for Parquet, whose reader does. `columns`
/// are those that an empty input lacks, for its message.
pub(crate) fn open(
    input: &Input,
    columns: &str,
    bytes_read: &Arc<AtomicU64>,
) -> Result<Opened, Fault> {
    input.check()?;
    let unopened = |cause| Fault::Open { input: input.name(), cause };
    match input {
        Input::Stdin => open_stream(input, columns, Box::new(io::stdin()), bytes_read),
        Input::Database(_) => Err(unopened(io::ErrorKind::Unsupported.into())),
        Input::File(path) => {
            let mut file = File::open(path).map_err(unopened)?;
            if !file.metadata().map_err(unopened)?.is_file() {
                return open_stream(input, columns, Box::new(file), bytes_read);
            }
            if begins_with_parquet(&mut file).map_err(unopened)? {
                return whole_parquet(input, file);
            }
            open_stream(input, columns, Box::new(file), bytes_read)
        }
    }
}

const PARQUET_MAGIC: &[u8] = b"PAR1";

fn begins_with_parquet(file: &mut File) -> io::Result<bool> {
    let mut head = Vec::new();
    Read::by_ref(file).take(4).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(head == PARQUET_MAGIC)
}

/// The directory of a Parquet file is at its end, which has the magic again.
fn whole_parquet(input: &Input, mut file: File) -> Result<Opened, Fault> {
    let mut tail = Vec::new();
    let size_bytes = file.seek(SeekFrom::End(0)).unwrap_or(0);
    let sought = file.seek(SeekFrom::Start(size_bytes.saturating_sub(4)));
    let read = sought.and_then(|_| Read::by_ref(&mut file).take(4).read_to_end(&mut tail));
    read.map_err(|cause| Fault::Open { input: input.name(), cause })?;
    if size_bytes < 12 || tail != PARQUET_MAGIC {
        return Err(Fault::CutOffParquet { input: input.name() });
    }
    Ok(Opened::Parquet(file))
}

/// Bytes that may be compressed, and are no Parquet file that one can seek in.
fn open_stream(
    input: &Input,
    columns: &str,
    bytes: Bytes,
    bytes_read: &Arc<AtomicU64>,
) -> Result<Opened, Fault> {
    let unreadable = |what, hint| Fault::Unreadable { input: input.name(), what, hint };
    let unread = |cause| Fault::Read { input: input.name(), rows: 0, cause };

    // What it is compressed with.
    let mut counted = Counted { bytes, bytes_read: bytes_read.clone() };
    let mut head = Vec::new();
    Read::by_ref(&mut counted).take(6).read_to_end(&mut head).map_err(unread)?;
    if head.starts_with(PARQUET_MAGIC) {
        let hint = "its directory is at its end: write it to a file and name that";
        return Err(unreadable("a Parquet file in a pipe, which cannot be read", hint));
    }
    if let Some(what) = other_container(&head) {
        return Err(unreadable(what, "decompress it first, or use gzip or zstd"));
    }
    let compression = Compression::of(&head);
    let bytes = BufReader::with_capacity(64 * 1024, Cursor::new(head).chain(counted));
    let bytes: Bytes = match compression {
        Compression::None => Box::new(bytes),
        Compression::Gzip => Box::new(MultiGzDecoder::new(bytes)),
        Compression::Zstd => {
            Box::new(zstd::stream::read::Decoder::with_buffer(bytes).map_err(unread)?)
        }
    };

    // What the bytes are.
    let mut window = Window::new(bytes);
    while window.unread().len() < 4 && window.fill() == Filled::More {}
    if window.unread().starts_with(PARQUET_MAGIC) {
        let hint = "decompress it first; Parquet compresses its own columns";
        return Err(unreadable("a compressed Parquet file", hint));
    }
    match window.unread() {
        [0xef, 0xbb, 0xbf, ..] => window.consume(3),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            let hint = "convert it first: `iconv -f UTF-16 -t UTF-8`";
            return Err(unreadable("UTF-16 text", hint));
        }
        _ => {}
    }
    loop {
        let blanks = window.unread().iter().take_while(|b| b.is_ascii_whitespace()).count();
        let breaks = window.unread()[..blanks].iter().filter(|byte| **byte == b'\n').count();
        window.lines_before += breaks as u64;
        window.consume(blanks);
        if !window.unread().is_empty() || window.fill() == Filled::NoMore {
            break;
        }
    }
    match window.unread() {
        // A failure says more than that there is nothing; the reader finds it.
        [] if !window.failed() => {
            Err(Fault::Empty { input: input.name(), columns: columns.to_owned() })
        }
        [b'{', ..] => Ok(Opened::JsonLines(window)),
        [b'[', ..] => {
            let hint = "write one object a line instead (JSON Lines): `jq -c '.[]'`";
            Err(unreadable("a JSON array", hint))
        }
        _ => Ok(text(window)),
    }
}

/// Text by its beginning.
fn text(mut window: Window<Bytes>) -> Opened {
    while window.unread().len() < SAMPLE_BYTES && window.fill() == Filled::More {}
    let sample = &window.unread()[..window.unread().len().min(SAMPLE_BYTES)];
    let first_line = sample.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if let Some(dialect) = dump::dialect_of(sample) {
        return Opened::Dump(window, dialect);
    }
    if tsv::is_tsv(first_line) {
        return Opened::Tsv(window);
    }
    let separator = separator_of(first_line);
    // Fields in apostrophes are what people copy as rows of a statement.
    let second = sample.split(|byte| *byte == b'\n').nth(1).unwrap_or(first_line);
    let quote = if second.starts_with(b"'") { b'\'' } else { b'"' };
    let style = Style { separator, quote };
    match quote == b'\'' || dump::escapes_are_meant(sample, style) {
        true => Opened::Dump(window, Dialect::Outfile { separator, quote }),
        false => Opened::Csv(window, separator),
    }
}

/// The separator that a line has most of outside of quotes.
fn separator_of(line: &[u8]) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'|', 0)];
    let mut quoted = false;
    for byte in line {
        quoted ^= *byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(separator, _)| separator == byte)
            && !quoted
        {
            *count += 1;
        }
    }
    // The first of those that have equally many.
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    counts.iter().find(|(_, count)| *count == most).map_or(b',', |(separator, _)| *separator)
}

enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or one that is skipped: parallel writers begin with such.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// Containers that people may try and that are not read.
fn other_container(head: &[u8]) -> Option<&'static str> {
    match head {
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some("compressed with bzip2, which is not read"),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => Some("compressed with xz, which is not read"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Some("compressed with lz4, which is not read"),
        [b'P', b'K', 3, 4, ..] => Some("a zip archive, which is not read"),
        _ => None,
    }
}

struct Counted {
    bytes: Bytes,
    bytes_read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.bytes_read.fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &'static [u8], expected: &str) {
        let bytes_read = Arc::default();
        let opened = open_stream(&Input::Stdin, "`id`", Box::new(bytes), &bytes_read);
        let rest = |mut window: Window<Bytes>| {
            while window.fill() == Filled::More {}
            String::from_utf8_lossy(window.unread()).into_owned()
        };
        let found = match opened {
            Ok(Opened::Csv(window, separator)) => {
                format!("csv{} {}", char::from(separator), rest(window))
            }
            Ok(Opened::Dump(_, dialect)) => dialect.name().to_owned(),
            Ok(Opened::Tsv(window)) => format!("tsv {}", rest(window)),
            Ok(Opened::JsonLines(window)) => format!("jsonl {}", rest(window)),
            Ok(Opened::Parquet(_)) => "parquet".to_owned(),
            Err(fault) => fault.to_string(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn the_bytes_tell_the_format() {
        check(b"id,type\n", "csv, id,type\n");
        check(b"\"id\";\"a,b\";c\n", "csv; \"id\";\"a,b\";c\n");
        check(b"id|type\n", "csv| id|type\n");
        check(b"\xef\xbb\xbf id,type\n", "csv, id,type\n");
        check(b"\r\n\n {\"id\": 1}", "jsonl {\"id\": 1}");
        check(b"\x1f", "csv, \x1f");
        check(b"id\ttype\n1\tVM.START\n", "tsv id\ttype\n1\tVM.START\n");
        for sql in ["/*M!999999\\- enable */\n", "-- MySQL dump 10.13\n", "insert into `t` "] {
            check(sql.as_bytes(), "a dump of SQL statements");
        }
        check(b"<?xml version=\"1.0\"?>", "a dump as XML");
        check(b"mysql> x;\n+----+\n| id |\n", "a table drawn with lines");
        check(b"*** 1. row ***\nid: 1\n", "the output of `\\G`");
        check(b"1,\"a\\\"b\"\n2,\"c\"\n", "the output of `INTO OUTFILE`");
        check(b"id, type\n'1', 'VM.START'\n", "the output of `INTO OUTFILE`");
    }

    #[test]
    fn what_is_not_read_says_what_to_do() {
        check(
            b"PAR1abc",
            "`-` is a Parquet file in a pipe, which cannot be read; its directory is at its end: \
             write it to a file and name that",
        );
        check(
            b"BZh91AY",
            "`-` is compressed with bzip2, which is not read; decompress it first, or use gzip or \
             zstd",
        );
        check(
            b" [{}]",
            "`-` is a JSON array; write one object a line instead (JSON Lines): `jq -c '.[]'`",
        );
        check(
            b"\xff\xfei\0d\0",
            "`-` is UTF-16 text; convert it first: `iconv -f UTF-16 -t UTF-8`",
        );
        for nothing in [&b""[..], b"\n \r\n", b"\xef\xbb\xbf"] {
            check(
                nothing,
                "`-` is empty: expected a header row with `id` (or JSON Lines, Parquet or a dump)",
            );
        }
    }

    #[test]
    fn inputs_by_name() {
        assert_eq!(Input::from_argument("-"), Input::Stdin);
        let file = Input::from_argument("a/b.csv");
        assert_eq!((file.name(), file.file_name()), ("a/b.csv".to_owned(), "b.csv".to_owned()));
        assert!(matches!(
            Input::from_argument("no/such").check(),
            Err(Fault::Open { cause, .. }) if cause.kind() == io::ErrorKind::NotFound
        ));
        assert!(matches!(Input::from_argument(".").check(), Err(Fault::Folder { .. })));
    }
}
