#![doc = include_str!("../README.md")]

mod days; // local days by a second calendar
mod ledger_bill; // the sum of a ledger, by local day

pub use self::{
    days::{Coverage, LocalDay, UnknownTimeZone, Window, check_time_zone, local_days},
    ledger_bill::{BillError, BillLine, ledger_bill},
};
