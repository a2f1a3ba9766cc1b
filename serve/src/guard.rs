//! A guard in front of each port: admits or refuses a request by its head alone.
//!
//! Browsers send requests to wherever a page of a stranger tells them to, also to
//! addresses of this machine and of its network, and names can be made to lead there.
//! Such a request cannot choose `Host`, `Origin` and `Sec-Fetch-Site`. At the
//! port without authentication they decide; everywhere a request has one `Host`.

use std::{net::IpAddr, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Response, Version, header, uri::Authority},
    middleware::Next,
};
use cloudtally_model::ApiError;

use crate::{
    answer::{NO_COMMAND, Style},
    http_request::Port,
    response::failed,
};

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// A port and the names that it may be addressed by.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    port: Port,
    hosts: Arc<Vec<String>>,
}

impl Guard {
    /// The guard of the public port, which any name leads to.
    pub(crate) fn public() -> Self {
        Self { port: Port::Public, hosts: Arc::default() }
    }

    /// The guard of the port without authentication; `configured` are names between
    /// commas, `listen` is its address.
    pub(crate) fn integration(configured: &str, listen: IpAddr) -> Self {
        let names = configured.split(',').map(|name| name.trim().to_lowercase());
        let mut hosts: Vec<String> = names.filter(|name| !name.is_empty()).collect();
        if !listen.is_unspecified() {
            hosts.push(listen.to_string());
        }
        Self { port: Port::Integration, hosts: Arc::new(hosts) }
    }

    /// Refuses a request by its head.
    fn check(&self, request: &Request) -> Result<(), ApiError> {
        let headers = request.headers();
        let host = host_of(headers, request.version())?;
        if self.port == Port::Public {
            return Ok(());
        }
        // A whole address in the first line counts more than `Host`.
        let named = [host.clone(), request.uri().authority().cloned()];
        let named: Vec<Authority> = named.into_iter().flatten().collect();
        if named.is_empty() || !named.iter().all(|name| self.is_ours(name.host())) {
            return Err(ApiError::forbidden(
                "This port answers only requests whose `Host` is of loopback or stands in `integration.api.hosts`",
            ));
        }
        let is_own = |origin: &HeaderValue| {
            let text = origin.to_str().unwrap_or_default().to_lowercase();
            let of = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
            host.as_ref().is_some_and(|host| of == Some(host.as_str().to_lowercase().as_str()))
        };
        let is_same_site =
            |site: &HeaderValue| [&b"same-origin"[..], b"none"].contains(&site.as_bytes());
        if !headers.get_all(header::ORIGIN).iter().all(is_own)
            || !headers.get_all(SEC_FETCH_SITE).iter().all(is_same_site)
        {
            return Err(ApiError::forbidden("This port does not answer pages of other sites"));
        }
        Ok(())
    }

    /// Returns true if a name leads to this machine or was configured.
    fn is_ours(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_lowercase();
        let is_loopback =
            host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
        host == "localhost" || is_loopback || self.hosts.contains(&host)
    }
}

/// The one `Host` of a request; HTTP/1.0 needs none.
fn host_of(headers: &HeaderMap, version: Version) -> Result<Option<Authority>, ApiError> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (host, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return Err(ApiError::bad_request("The request has two `Host` headers; send one"));
    }
    let Some(host) = host else {
        return match version {
            Version::HTTP_09 | Version::HTTP_10 => Ok(None),
            _ => Err(ApiError::bad_request("The request has no `Host` header; send one")),
        };
    };
    // No name at all is a name that nobody has configured.
    if host.is_empty() {
        return Ok(None);
    }
    let host =
        Authority::try_from(host.as_bytes()).ok().filter(|host| !host.as_str().contains('@'));
    host.map(Some).ok_or_else(|| {
        ApiError::bad_request("The `Host` header is no name or address with or without a port")
    })
}

/// Admits a request or refuses it, and tells browsers to take every answer for what
/// it says it is.
pub(crate) async fn guard(
    State(guard): State<Guard>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let mut response = match guard.check(&request) {
        Ok(()) => next.run(request).await,
        Err(error) => failed(Style::PLAIN, NO_COMMAND, &error),
    };
    let nosniff = HeaderValue::from_static("nosniff");
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

/// The address a request comes from: that of the connection or, behind one of the
/// proxies, the last one that the proxy has not got from another of them.
pub(crate) fn address_of(headers: &HeaderMap, peer: IpAddr, proxies: &[IpAddr]) -> IpAddr {
    let is_proxy = |address: &IpAddr| proxies.contains(&address.to_canonical());
    if !is_proxy(&peer) {
        return peer;
    }
    let lines: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .map(|line| line.to_str().unwrap_or_default())
        .collect();
    // What stands before something unreadable may be anybody's.
    let mut last = peer;
    for part in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Ok(address) = part.trim().parse::<IpAddr>() else { break };
        last = address;
        if !is_proxy(&address) {
            break;
        }
    }
    last
}

/// Reads the addresses of proxies; what is none is left out.
pub(crate) fn proxies(text: &str) -> Vec<IpAddr> {
    let addresses = text.split(',').filter_map(|part| part.trim().parse::<IpAddr>().ok());
    addresses.map(|address| address.to_canonical()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_proxy_says_who_asked() {
        let proxies = proxies("10.0.0.1, ::1,nobody");
        let seen = |peer: &str, lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", HeaderValue::from_str(line).unwrap());
            }
            address_of(&headers, address(peer), &proxies)
        };
        assert_eq!(seen("10.0.0.2", &["192.0.2.1"]), address("10.0.0.2"));
        assert_eq!(seen("10.0.0.1", &["192.0.2.1"]), address("192.0.2.1"));
        assert_eq!(seen("::ffff:10.0.0.1", &["192.0.2.1"]), address("192.0.2.1"));
        // Whoever asks may have begun the list; the proxies have gone on with it.
        assert_eq!(seen("::1", &["1.1.1.1, 192.0.2.1", "10.0.0.1"]), address("192.0.2.1"));
        assert_eq!(seen("10.0.0.1", &["192.0.2.1, unknown"]), address("10.0.0.1"));
        assert_eq!(seen("10.0.0.1", &[]), address("10.0.0.1"));
    }

    #[test]
    fn names_of_this_machine() {
        let guard = Guard::integration(" Cloud.example, 10.0.0.9,", address("10.0.0.5"));
        for ours in [
            "localhost",
            "LOCALHOST",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
            "cloud.example",
            "10.0.0.5",
            "10.0.0.9",
        ] {
            assert!(guard.is_ours(ours), "{ours}");
        }
        let guard = Guard::integration("", address("0.0.0.0"));
        for other in
            ["", "0.0.0.0", "example.org", "localhost.example.org", "10.0.0.5", "127.0.0.1.nip.io"]
        {
            assert!(!guard.is_ours(other), "{other}");
        }
    }
}
