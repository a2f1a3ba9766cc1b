//! Reasons for which a pull stops before it stores anything, and what to do.

use std::fmt;

use thiserror::Error;

use super::server::ServerError;

/// A right that a user of the database lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    table: String,
    text: String,
}

impl Grant {
    pub(super) fn new(database: &str, table: &str, columns: &[&str], user: &str) -> Self {
        let (name, host) = user.rsplit_once('@').unwrap_or((user, "%"));
        // Others have nothing to hide, and their columns differ by version.
        let columns = match table {
            "account" | "configuration" | "image_store" => format!(" ({})", columns.join(", ")),
            _ => String::new(),
        };
        let text = format!("GRANT SELECT{columns} ON {database}.{table} TO '{name}'@'{host}'");
        Self { table: format!("{database}.{table}"), text }
    }

    /// The table, with its database.
    pub(super) fn table(&self) -> &str {
        &self.table
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The reason a pull stops.
#[derive(Debug, Error)]
pub enum PullFault {
    /// The server gives no answer.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The name of the database is none.
    #[error(
        "`{name}` is no name of a database; name it behind the host, such as `mysql://user@host/cloud`"
    )]
    DatabaseName {
        /// The name.
        name: String,
    },
    /// A table that is needed cannot be read.
    #[error(
        "`{}` cannot be read, or it has not the columns that are needed; run `{grant};` as an administrator of the database (leave columns out that its version does not have), or name another database in the address",
        grant.table()
    )]
    Grant {
        /// The right.
        grant: Grant,
    },
    /// The database lost rows that were pulled.
    #[error(
        "the database went back in time: event {seen} was pulled before, and now {found}; events \
         that are lost there stay in the bill, and numbers above {same} are given out again. If \
         the older database is to stay, pull once with `--new-history`, which takes what follows \
         event {same} as new events; else bring back the newer database and pull again"
    )]
    WentBack {
        /// The last event that was pulled.
        seen: u64,
        /// The value that is there in its place.
        found: String,
        /// The last event that is the same.
        same: u64,
    },
    /// The database is another, or too much of it is lost.
    #[error(
        "none of the last {rows} events that were pulled is in the database as it was, {found}: it \
         is another one, or went back further than can be told; if it is the database of another \
         cloud, name another `--source`; if it is the same cloud, bring back the newer database \
         and pull again, since another source would bill what was pulled a second time"
    )]
    Another {
        /// The number of events.
        rows: usize,
        /// The value that is there.
        found: String,
    },
    /// A new history was asked for, and the old one goes on.
    #[error("the database has all the events that were pulled last; leave `--new-history` out")]
    GoesOn,
}
