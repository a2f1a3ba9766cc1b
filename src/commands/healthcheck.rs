//! `healthcheck`: asks a running server whether it is ready.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};

use crate::{cli_operations::Healthcheck, failure::Failure};

/// Time that the server has to take the question, and to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read.
const ANSWER_MAX: u64 = 64 << 10;

pub(crate) fn run(arguments: &Healthcheck) -> Result<ExitCode, Failure> {
    let (host, path) = parts(&arguments.url)?;
    let answer =
        ask(&host, path).with_context(|| format!("`{}` does not answer", arguments.url))?;
    let (status, body) = read(&answer)?;
    if status == 200 {
        println!("{}", body.trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    Err(anyhow!("`{}` answers {status}: {}", arguments.url, body.trim_end()).into())
}

/// The address with its port, and the path.
fn parts(url: &str) -> Result<(String, &str), Failure> {
    let wrong = || {
        Failure::usage(format!(
            "`{url}` is no address to ask; write it as http://HOST:PORT/readyz, without https and user names"
        ))
    };
    let rest = url.strip_prefix("http://").ok_or_else(wrong)?;
    let at = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(at);
    if host.is_empty() || rest.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@') {
        return Err(wrong());
    }
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let host = if has_port { host.to_owned() } else { format!("{host}:80") };
    Ok((host, if path.is_empty() { "/readyz" } else { path }))
}

fn ask(host: &str, path: &str) -> anyhow::Result<String> {
    let mut cause = io::Error::from(io::ErrorKind::NotFound);
    for address in host.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(mut stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                let request =
                    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
                stream.write_all(request.as_bytes())?;
                let mut answer = Vec::new();
                stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
                return Ok(String::from_utf8_lossy(&answer).into_owned());
            }
            Err(error) => cause = error,
        }
    }
    Err(cause.into())
}

fn read(answer: &str) -> anyhow::Result<(u16, &str)> {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        bail!("the answer is no HTTP");
    };
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.map(|status| (status, body)).context("the answer has no status")
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn addresses() {
        for (url, expected) in [
            ("http://127.0.0.1:8080/readyz", ("127.0.0.1:8080", "/readyz")),
            ("http://[::1]:9/livez?verbose", ("[::1]:9", "/livez?verbose")),
            ("http://host", ("host:80", "/readyz")),
        ] {
            let (host, path) = parts(url).unwrap();
            assert_eq!((host.as_str(), path), expected);
        }
        for url in
            ["https://x/", "x:80", "http://", "http://a@b/", "http://a/b c", "http://a/\r\nb"]
        {
            assert!(parts(url).is_err(), "{url}");
        }
    }
}
