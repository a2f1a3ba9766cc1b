//! A client of MySQL and MariaDB: logs in, sends statements, and hands over rows as they come.
//!
//! It speaks the text protocol without TLS, and holds one row at a time. It never drains an
//! answer that is not wanted any more: the connection is closed.

use std::{
    fmt,
    io::{self, BufReader, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    ops::ControlFlow,
    os::unix::net::UnixStream,
    path::PathBuf,
    time::{Duration, Instant as Moment},
};

use sha1::{Digest, Sha1};
use sha2::Sha256;

use super::{
    packet::{self, Fields},
    server::{Cell, Server, ServerError},
};

/// Time until an address answers.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// Time until the next bytes come.
const READ_WAIT: Duration = Duration::from_secs(120);
/// Time for one answer, however slowly it drips.
const ANSWER_WAIT: Duration = Duration::from_secs(900);
/// Columns of an answer.
const COLUMNS_MAX: u64 = 200;
/// Steps of a login.
const LOGIN_STEPS_MAX: usize = 8;
/// `utf8mb4`, in which every text of a database fits.
const CHARSET: u8 = 45;
/// Long passwords and flags, protocol 4.1, transactions, 20 bytes of salt, plugins.
const CAPABILITIES: u32 = 0x1 | 0x4 | 0x200 | 0x2000 | 0x8000 | 0x8_0000;

/// The place of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A host and a port.
    Tcp(String, u16),
    /// A socket of this machine.
    Socket(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Socket(path) => path.display().fmt(f),
        }
    }
}

/// A connection to a server.
pub struct Client {
    stream: BufReader<Stream>,
    number: u8,
    payload: Vec<u8>,
    /// True while the server waits for a statement.
    is_ready: bool,
}

enum Stream {
    Tcp(TcpStream),
    Socket(UnixStream),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Socket(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Socket(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.flush(),
            Self::Socket(stream) => stream.flush(),
        }
    }
}

impl Client {
    /// Connects and logs in.
    ///
    /// # Errors
    /// `Connect`, `Login` or `Refused`, by how far it came.
    pub fn connect(place: &Place, user: &str, password: &str) -> Result<Self, ServerError> {
        let connect = |cause| ServerError::Connect { address: place.to_string(), cause };
        let stream = open(place).map_err(connect)?;
        let is_private = matches!(stream, Stream::Socket(_));
        let stream = BufReader::new(stream);
        let mut client = Self { stream, number: 0, payload: Vec::new(), is_ready: false };
        client.log_in(user, password.as_bytes(), is_private)?;
        client.is_ready = true;
        Ok(client)
    }

    fn read(&mut self) -> Result<(), ServerError> {
        packet::read(&mut self.stream, &mut self.number, &mut self.payload)
    }

    fn write(&mut self, payload: &[u8]) -> Result<(), ServerError> {
        packet::write(self.stream.get_mut(), &mut self.number, payload)
    }

    fn log_in(&mut self, user: &str, password: &[u8], is_private: bool) -> Result<(), ServerError> {
        self.read()?;
        if self.payload.first() == Some(&0xff) {
            return Err(packet::refusal(&self.payload));
        }
        let (salt, mut plugin) = greeting(&self.payload)?;
        let mut answer = CAPABILITIES.to_le_bytes().to_vec();
        answer.extend_from_slice(&0x0100_0000_u32.to_le_bytes());
        answer.push(CHARSET);
        answer.extend_from_slice(&[0; 23]);
        answer.extend_from_slice(user.as_bytes());
        answer.push(0);
        // A way that is not known is asked for anew below.
        let proof = proof(&plugin, password, &salt).unwrap_or_default();
        answer.push(u8::try_from(proof.len()).unwrap_or(0));
        answer.extend_from_slice(&proof);
        answer.extend_from_slice(plugin.as_bytes());
        answer.push(0);
        self.write(&answer)?;
        for _ in 0..LOGIN_STEPS_MAX {
            self.read()?;
            match self.payload.first() {
                Some(0) => return Ok(()),
                Some(0xff) => return Err(packet::refusal(&self.payload)),
                Some(0xfe) => {
                    let mut fields = Fields(&self.payload[1..]);
                    plugin = String::from_utf8_lossy(fields.through_zero()).into_owned();
                    let salt = fields.0.strip_suffix(&[0]).unwrap_or(fields.0).to_vec();
                    let Some(proof) = self::proof(&plugin, password, &salt) else {
                        return Err(ServerError::Login { plugin });
                    };
                    self.write(&proof)?;
                }
                // The server knows the hash of the password, or wants the password itself.
                Some(1) if self.payload.get(1) == Some(&3) => {}
                Some(1) if self.payload.get(1) == Some(&4) && is_private => {
                    let mut text = password.to_vec();
                    text.push(0);
                    self.write(&text)?;
                }
                Some(1) => return Err(ServerError::Login { plugin }),
                _ => return Err(ServerError::strange("answers a login with what is no answer")),
            }
        }
        Err(ServerError::strange("goes on asking for the login"))
    }

    fn answer(
        &mut self,
        sink: &mut dyn FnMut(&[Cell<'_>]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, ServerError> {
        let begun = Moment::now();
        self.read()?;
        match self.payload.first() {
            Some(0) => return Ok(ControlFlow::Continue(())),
            Some(0xff) => return Err(packet::refusal(&self.payload)),
            Some(0xfb) => return Err(ServerError::strange("asks for a file of this machine")),
            _ => {}
        }
        let columns = Fields(&self.payload).length()?.unwrap_or(0);
        if columns > COLUMNS_MAX {
            let what = format!("answers with {columns} columns, and nobody asked for that many");
            return Err(ServerError::strange(what));
        }
        // The definitions of the columns, and the end of them.
        for _ in 0..=columns {
            self.read()?;
        }
        loop {
            self.read()?;
            match self.payload.first() {
                Some(0xfe) if self.payload.len() < 9 => return Ok(ControlFlow::Continue(())),
                Some(0xff) => return Err(packet::refusal(&self.payload)),
                _ => {}
            }
            let mut fields = Fields(&self.payload);
            let cells = (0..columns).map(|_| fields.text()).collect::<Result<Vec<_>, _>>()?;
            if !fields.0.is_empty() {
                return Err(ServerError::strange("sends a row with more fields than columns"));
            }
            if sink(&cells).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if begun.elapsed() > ANSWER_WAIT {
                let seconds = ANSWER_WAIT.as_secs();
                let what = format!("needs more than {seconds} seconds for one answer");
                return Err(ServerError::strange(what));
            }
        }
    }
}

impl Server for Client {
    fn rows(
        &mut self,
        statement: &str,
        sink: &mut dyn FnMut(&[Cell<'_>]) -> ControlFlow<()>,
    ) -> Result<(), ServerError> {
        if !self.is_ready {
            return Err(ServerError::Gone { cause: io::ErrorKind::NotConnected.into() });
        }
        self.is_ready = false;
        self.number = 0;
        let mut command = vec![3];
        command.extend_from_slice(statement.as_bytes());
        self.write(&command)?;
        let answered = self.answer(sink);
        self.is_ready =
            matches!(answered, Ok(ControlFlow::Continue(())) | Err(ServerError::Refused { .. }));
        answered.map(drop)
    }
}

fn open(place: &Place) -> io::Result<Stream> {
    match place {
        Place::Socket(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(READ_WAIT))?;
            stream.set_write_timeout(Some(READ_WAIT))?;
            Ok(Stream::Socket(stream))
        }
        Place::Tcp(host, port) => {
            let mut failed = io::Error::from(io::ErrorKind::NotFound);
            for address in (host.as_str(), *port).to_socket_addrs()? {
                match TcpStream::connect_timeout(&address, CONNECT_WAIT) {
                    Ok(stream) => {
                        stream.set_read_timeout(Some(READ_WAIT))?;
                        stream.set_write_timeout(Some(READ_WAIT))?;
                        stream.set_nodelay(true)?;
                        return Ok(Stream::Tcp(stream));
                    }
                    Err(cause) => failed = cause,
                }
            }
            Err(failed)
        }
    }
}

/// The salt and the way of the login that a server greets with.
fn greeting(packet: &[u8]) -> Result<(Vec<u8>, String), ServerError> {
    let mut fields = Fields(packet);
    if fields.byte()? != 10 {
        return Err(ServerError::strange("is none of MySQL or MariaDB"));
    }
    fields.through_zero();
    fields.bytes(4)?;
    let mut salt = fields.bytes(8)?.to_vec();
    // A filler, capabilities, the charset, the status, more capabilities.
    fields.bytes(1 + 2 + 1 + 2 + 2)?;
    fields.bytes(1 + 10)?;
    salt.extend_from_slice(fields.bytes(12)?);
    fields.bytes(1)?;
    Ok((salt, String::from_utf8_lossy(fields.through_zero()).into_owned()))
}

/// The proof that the password is known; `None` where the way is not known here.
fn proof(plugin: &str, password: &[u8], salt: &[u8]) -> Option<Vec<u8>> {
    let mixed =
        |first: &[u8], second: &[u8]| first.iter().zip(second).map(|(a, b)| a ^ b).collect();
    match plugin {
        "mysql_native_password" | "caching_sha2_password" if password.is_empty() => {
            Some(Vec::new())
        }
        "mysql_native_password" => {
            let once = Sha1::digest(password);
            let salted = Sha1::new().chain_update(salt).chain_update(Sha1::digest(once)).finalize();
            Some(mixed(&once, &salted))
        }
        "caching_sha2_password" => {
            let once = Sha256::digest(password);
            let twice = Sha256::digest(Sha256::digest(once));
            let salted = Sha256::new().chain_update(twice).chain_update(salt).finalize();
            Some(mixed(&once, &salted))
        }
        // The server asks the operating system who we are.
        "unix_socket" | "auth_socket" => Some(Vec::new()),
        _ => None,
    }
}
