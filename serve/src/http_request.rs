//! A request as HTTP brought it, in types of our own.

use std::net::IpAddr;

use cloudtally_model::ApiError;

use crate::params::Params;

/// The port that a request came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    /// Callers say who they are.
    Public,
    /// Everybody is the system user.
    Integration,
}

/// The way a request came: what stands in an address is bounded more closely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// All parameters stand in the address.
    Get,
    /// They may stand in the body.
    Post,
}

/// A request: its parameters and its origin.
pub(crate) struct HttpRequest<'a> {
    pub(crate) method: Method,
    /// The parameters of the address and the body.
    pub(crate) params: Params,
    /// The error of the body, if it cannot be read.
    pub(crate) form: Result<(), ApiError>,
    /// The address it comes from.
    pub(crate) address: IpAddr,
    /// The session the cookie names.
    pub(crate) session: Option<&'a str>,
    pub(crate) port: Port,
}
