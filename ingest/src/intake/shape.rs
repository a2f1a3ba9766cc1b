//! The tables that are read, by their names or by their columns.

use cloudtally_model::{Account, NetworkSample, UsageEvent};
use cloudtally_store::Stream;

use crate::{error::Fault, names};

/// A table whose rows are no stream's but tell something about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Helper {
    /// `domain`: the paths of domains.
    Domains,
    /// `user_ip_address`: the accounts of addresses.
    Addresses,
    /// `data_center`: the zones there are.
    Zones,
    /// `image_store`: the zones of stores.
    Stores,
    /// `user_statistics`: the series of counters.
    Series,
    /// `op_user_stats_log`: counters as they were at the end of periods.
    SeriesLog,
}

/// The use of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Stream(Stream),
    Helper(Helper),
}

/// The tables by their names in a CloudStack database.
const BY_NAME: [(&str, Table); 8] = [
    ("usage_event", Table::Stream(Stream::Events)),
    ("account", Table::Stream(Stream::Accounts)),
    ("domain", Table::Helper(Helper::Domains)),
    ("user_ip_address", Table::Helper(Helper::Addresses)),
    ("data_center", Table::Helper(Helper::Zones)),
    ("image_store", Table::Helper(Helper::Stores)),
    ("user_statistics", Table::Helper(Helper::Series)),
    ("op_user_stats_log", Table::Helper(Helper::SeriesLog)),
];

/// The end of the name of the usage server's database, which has copies of some tables.
const COPIES: &str = "_usage";

/// The tables that are read, for messages.
pub(super) fn all_names() -> String {
    crate::error::quoted(BY_NAME.map(|(name, _)| name))
}

/// The table of a name. Of the usage server's copies only events are taken: its accounts
/// lack their states, and its counters are older.
pub(super) fn by_name(database: Option<&str>, table: &str) -> Option<Table> {
    let (_, found) = BY_NAME.iter().find(|(name, _)| name.eq_ignore_ascii_case(table))?;
    let is_copy = database.is_some_and(|name| name.to_ascii_lowercase().ends_with(COPIES));
    (!is_copy || *found == Table::Stream(Stream::Events)).then_some(*found)
}

impl Helper {
    /// The columns that are read, in the order in which they are used.
    pub(super) fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Domains => &["id", "path"],
            Self::Addresses => &["id", "account_id", "public_ip_address"],
            Self::Zones => &["id", "networktype"],
            Self::Stores => &["id", "data_center_id", "image_provider_name"],
            Self::Series => &[
                "id",
                "account_id",
                "data_center_id",
                "device_id",
                "device_type",
                "network_id",
                "public_ip_address",
                "net_bytes_sent",
                "net_bytes_received",
                "current_bytes_sent",
                "current_bytes_received",
            ],
            Self::SeriesLog => {
                &["user_stats_id", "updated", "agg_bytes_sent", "agg_bytes_received"]
            }
        }
    }

    /// The positions of the columns; those of some may be missing in old schemas.
    pub(super) fn positions(self, found: &[String]) -> Vec<Option<usize>> {
        self.columns().iter().map(|column| names::position_of(found, column)).collect()
    }
}

/// The table that has these columns.
pub(super) fn by_columns(columns: &[String]) -> Option<Table> {
    if names::has_required::<UsageEvent>(columns) {
        return Some(Table::Stream(Stream::Events));
    }
    if names::has_required::<NetworkSample>(columns) {
        return Some(Table::Stream(Stream::Samples));
    }
    if names::has_required::<Account>(columns) {
        return Some(Table::Stream(Stream::Accounts));
    }
    use Helper::{Addresses, Domains, Series, SeriesLog, Stores, Zones};
    let is_there = |helper: &Helper| helper.positions(columns).iter().all(Option::is_some);
    [Series, SeriesLog, Addresses, Stores, Zones, Domains]
        .into_iter()
        .find(is_there)
        .map(Table::Helper)
}

/// True if a first line names columns: one of them is known.
pub(super) fn is_header(names: &[String]) -> bool {
    let is_known = |name: &&str| names::position_of(names, name).is_some();
    let streams = ["id", "type", "created", "account_id", "account_name", "sampled", "device_id"];
    streams.iter().any(is_known)
        || names.iter().all(|name| {
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            name.bytes().all(is_name) && name.bytes().any(|byte| byte.is_ascii_alphabetic())
        })
}

/// The fault of an input whose columns are those of no table.
pub(super) fn no_table(input: &str, found: &[String]) -> Fault {
    const SHOWN_MAX: usize = 40;
    let shown = found.iter().take(SHOWN_MAX).map(|name| crate::value::cut(name.trim(), 60));
    Fault::NoTable {
        input: input.to_owned(),
        expected: format!(
            "the columns of events ({}), samples ({}) or accounts ({}), or one of the tables {}",
            names::required::<UsageEvent>(),
            names::required::<NetworkSample>(),
            names::required::<Account>(),
            all_names()
        ),
        found: crate::error::quoted(shown),
    }
}
