//! From the name of an input to its bytes and their format.
//!
//! Names say nothing here: compression and format are told by the bytes. Rules:
//! a gzip or zstd header means so compressed; `PAR1` at the beginning means
//! Parquet; else, after a byte order mark and blanks, `{` means JSON Lines, a first
//! line with tabs and no comma the output of `mysql --batch`, and anything else CSV.

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
    error::Fault,
    names,
    table::Row,
    tsv,
    window::{Filled, Window},
};

/// Something to ingest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Standard input, `-` on the command line.
    Stdin,
    /// A file or a named pipe.
    File(PathBuf),
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
        }
    }

    /// The input's name in the quarantine: the file's name without its folder, or `-`.
    pub fn file_name(&self) -> String {
        match self {
            Self::Stdin => "-".to_owned(),
            Self::File(path) => path
                .file_name()
                .map_or_else(|| self.name(), |name| name.to_string_lossy().into_owned()),
        }
    }

    /// Bytes of the input, compressed as they are; `None` for what is no file.
    pub(crate) fn size_bytes(&self) -> Option<u64> {
        match self {
            Self::Stdin => None,
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
    Csv(Window<Bytes>),
    Tsv(Window<Bytes>),
    JsonLines(Window<Bytes>),
    Parquet(File),
}

type Bytes = Box<dyn Read + Send>;

/// Opens an input and looks at its first bytes. Bytes read from it (compressed,
/// as they are) are added to `bytes_read`, but for Parquet, whose reader does.
pub(crate) fn open<T: Row>(input: &Input, bytes_read: &Arc<AtomicU64>) -> Result<Opened, Fault> {
    input.check()?;
    let unopened = |cause| Fault::Open { input: input.name(), cause };
    match input {
        Input::Stdin => open_stream::<T>(input, Box::new(io::stdin()), bytes_read),
        Input::File(path) => {
            let mut file = File::open(path).map_err(unopened)?;
            if !file.metadata().map_err(unopened)?.is_file() {
                return open_stream::<T>(input, Box::new(file), bytes_read);
            }
            if begins_with_parquet(&mut file).map_err(unopened)? {
                return whole_parquet(input, file);
            }
            open_stream::<T>(input, Box::new(file), bytes_read)
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
fn open_stream<T: Row>(
    input: &Input,
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
        window.consume(blanks);
        if !window.unread().is_empty() || window.fill() == Filled::NoMore {
            break;
        }
    }
    match window.unread() {
        // A failure says more than that there is nothing; the reader finds it.
        [] if !window.failed() => {
            Err(Fault::Empty { input: input.name(), columns: names::required::<T>() })
        }
        [b'{', ..] => Ok(Opened::JsonLines(window)),
        [b'[', ..] => {
            let hint = "write one object a line instead (JSON Lines): `jq -c '.[]'`";
            Err(unreadable("a JSON array", hint))
        }
        _ => Ok(match tsv::is_tsv(&mut window) {
            true => Opened::Tsv(window),
            false => Opened::Csv(window),
        }),
    }
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
    use cloudtally_model::UsageEvent;

    use super::*;

    fn check(bytes: &'static [u8], expected: &str) {
        let bytes_read = Arc::default();
        let opened = open_stream::<UsageEvent>(&Input::Stdin, Box::new(bytes), &bytes_read);
        let rest = |mut window: Window<Bytes>| {
            while window.fill() == Filled::More {}
            String::from_utf8_lossy(window.unread()).into_owned()
        };
        let found = match opened {
            Ok(Opened::Csv(window)) => format!("csv {}", rest(window)),
            Ok(Opened::Tsv(window)) => format!("tsv {}", rest(window)),
            Ok(Opened::JsonLines(window)) => format!("jsonl {}", rest(window)),
            Ok(Opened::Parquet(_)) => "parquet".to_owned(),
            Err(fault) => fault.to_string(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn the_bytes_tell_the_format() {
        check(b"id,type\n", "csv id,type\n");
        check(b"\xef\xbb\xbf id,type\n", "csv id,type\n");
        check(b"\r\n\n {\"id\": 1}", "jsonl {\"id\": 1}");
        check(b"\x1f", "csv \x1f");
        check(b"id\ttype\n1\tVM.START\n", "tsv id\ttype\n1\tVM.START\n");
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
                "`-` is empty: expected a header row with `id`, `type`, `created`, `account_id`, \
                 `zone_id`, `resource_id` (or JSON Lines or Parquet)",
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
