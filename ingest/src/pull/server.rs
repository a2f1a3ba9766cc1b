//! A database server, as far as a pull needs one.

use std::{io, ops::ControlFlow};

use thiserror::Error;

/// The cells of a row; `None` is NULL.
pub type Cell<'a> = Option<&'a [u8]>;

/// A database server. Tests put a recorded one in its place.
pub trait Server: Send {
    /// Sends one statement and hands over the rows of its answer, one at a time. Where the
    /// sink breaks, the rest is not read and the server can be asked nothing more.
    ///
    /// # Errors
    /// `Refused` where the server says no; it can be asked on. All others end it.
    fn rows(
        &mut self,
        statement: &str,
        sink: &mut dyn FnMut(&[Cell<'_>]) -> ControlFlow<()>,
    ) -> Result<(), ServerError>;
}

/// The reason a server gives no answer.
#[derive(Debug, Error)]
pub enum ServerError {
    /// Nobody answers at the address.
    #[error("cannot reach the database server at `{address}`")]
    Connect {
        /// The address.
        address: String,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// The connection broke.
    #[error(
        "the connection to the database server broke; what was pulled before stays: pull again"
    )]
    Gone {
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// The server refuses.
    #[error("the database server refuses: {message} ({code})")]
    Refused {
        /// The number of the error.
        code: u16,
        /// The server's words.
        message: String,
    },
    /// The server answers what no sound one would.
    #[error("the database server {what}")]
    Strange {
        /// The answer, as the end of a sentence.
        what: String,
    },
    /// The login needs what is not spoken here.
    #[error(
        "the database server wants a login by `{plugin}`, which needs TLS or is not known here; \
         connect through its socket, or give the user `mysql_native_password`"
    )]
    Login {
        /// The way of the login.
        plugin: String,
    },
}

impl ServerError {
    pub(super) fn strange(what: impl Into<String>) -> Self {
        Self::Strange { what: what.into() }
    }
}
