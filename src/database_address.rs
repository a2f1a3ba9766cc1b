//! Addresses of databases, and the files of options that MySQL's own tools read.
//!
//! A password never stands in an argument, where every user of the machine could read it:
//! it comes from the environment or from such a file.

use std::{net::IpAddr, path::Path};

use cloudtally_ingest::pull::Place;

/// The variable that holds the password.
pub(crate) const PASSWORD: &str = "CLOUDTALLY_DATABASE_PASSWORD";
/// Bytes of a file of options that are read.
const OPTIONS_BYTES_MAX: u64 = 1024 * 1024;

/// The address of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) user: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) socket: Option<String>,
    pub(crate) database: Option<String>,
}

impl Address {
    /// Reads `mysql://USER@HOST[:PORT]/[DATABASE][?socket=PATH]`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let rest = text
            .strip_prefix("mysql://")
            .or_else(|| text.strip_prefix("mariadb://"))
            .ok_or("an address begins with `mysql://`, such as `mysql://tally@db.example/`")?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if user.is_some_and(|user| user.contains(':')) {
            return Err(format!(
                "a password in an address can be read by every user of this machine; put it into \
                 the variable {PASSWORD} or an option file (`--option-file`), and leave it out here"
            ));
        }
        let (host, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => match host.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (host, None),
            },
        };
        let number = |port: &str| {
            let port = port.parse().ok().filter(|port| *port > 0);
            port.ok_or("a port is a number from 1 to 65535")
        };
        let socket = match query {
            "" => None,
            query => match query.strip_prefix("socket=") {
                Some(path) if !path.is_empty() => Some(path.to_owned()),
                _ => return Err(format!("`?{query}` is not known here; `?socket=PATH` is")),
            },
        };
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(Self {
            user: user.and_then(given),
            host: given(host),
            port: port.map(number).transpose()?,
            socket,
            database: given(database),
        })
    }

    /// The address without anything secret, as inputs are named.
    pub(crate) fn name(&self, database: &str) -> String {
        let user = self.user.as_deref().map(|user| format!("{user}@")).unwrap_or_default();
        match self.place() {
            Place::Tcp(..) => format!("mysql://{user}{}/{database}", self.place()),
            Place::Socket(path) => format!("mysql://{user}{}/{database}", path.display()),
        }
    }

    /// The place where the server answers.
    pub(crate) fn place(&self) -> Place {
        if let Some(socket) = &self.socket {
            return Place::Socket(socket.into());
        }
        let host = self.host.clone().unwrap_or_else(|| "127.0.0.1".to_owned());
        Place::Tcp(host, self.port.unwrap_or(3306))
    }

    /// True if what is said on the way stays on this machine.
    pub(crate) fn is_private(&self) -> bool {
        match self.place() {
            Place::Socket(_) => true,
            Place::Tcp(host, _) if host == "localhost" => true,
            Place::Tcp(host, _) => host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        }
    }

    /// Fills what is not said from a file of options: its section `[client]`. The password.
    pub(crate) fn fill(&mut self, text: &str) -> Option<String> {
        let mut password = None;
        let mut is_client = false;
        for line in text.lines().map(str::trim) {
            if let Some(section) = line.strip_prefix('[') {
                is_client = section.trim_end_matches(']').trim() == "client";
                continue;
            }
            if !is_client || line.starts_with(['#', ';', '!']) {
                continue;
            }
            let Some((name, value)) = line.split_once('=') else { continue };
            let value = unquoted(value.trim()).to_owned();
            match name.trim() {
                "user" => self.user = self.user.take().or(Some(value)),
                "password" => password = Some(value),
                "host" => self.host = self.host.take().or(Some(value)),
                "port" => self.port = self.port.or(value.parse().ok()),
                "socket" if self.host.is_none() => {
                    self.socket = self.socket.take().or(Some(value));
                }
                _ => {}
            }
        }
        password
    }
}

/// Reads a file of options.
pub(crate) fn options(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?.take(OPTIONS_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// A value without the quotes around it.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        let inside = value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
        if let Some(inside) = inside {
            return inside;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let full = Address::parse("mysql://tally@db.example:3307/cloud2").unwrap();
        assert_eq!(full.name("cloud2"), "mysql://tally@db.example:3307/cloud2");
        assert_eq!(full.database.as_deref(), Some("cloud2"));
        assert!(!full.is_private());
        let local = Address::parse("mysql://tally@[::1]/").unwrap();
        assert_eq!(local.place(), Place::Tcp("::1".to_owned(), 3306));
        assert!(local.is_private());
        let socket = Address::parse("mysql://root@localhost/?socket=/run/s.sock").unwrap();
        assert_eq!(socket.place(), Place::Socket("/run/s.sock".into()));
        assert!(Address::parse("mysql://127.0.0.1.example/").is_ok_and(|it| !it.is_private()));
        for (bad, said) in [
            ("postgres://x/", "begins with `mysql://`"),
            ("mysql://tally:secret@db/", "can be read by every user"),
            ("mysql://tally@db:99999/", "a port is a number"),
            ("mysql://tally@db/?ssl=1", "`?ssl=1` is not known"),
        ] {
            let error = Address::parse(bad).unwrap_err();
            assert!(error.contains(said), "{bad}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn an_option_file_fills_what_is_not_said() {
        let mut address = Address::parse("mysql://db/").unwrap();
        let file = "[mysqld]\npassword=no\n[client]\n# a remark\nuser = tally\n\
                    password = \"a = b\"\nhost=other\nport=3310\nsocket=/s\n";
        assert_eq!(address.fill(file).as_deref(), Some("a = b"));
        assert_eq!(address.name("cloud"), "mysql://tally@db:3310/cloud");
    }
}
