//! The API as tables: what there is, not how it is done.
//!
//! A [`Command`] is one row: its name, who may call it, its parameters, whether a
//! job does the work, what it answers, and the few functions that are its own. An
//! [`Object`] is the ordered list of fields that answers show; a [`Kind`] is what
//! is stored, and its [`KindSpec`] says who owns it, which names must be unique,
//! which states it has and which moves between them. One engine reads the rows
//! ([`crate::Cloud`]); the rows stand in the crate that opens it.
//!
//! Rows are consts, so most mistakes in them (a parameter twice, a filter on a
//! column that is not there) stop the build; what one row alone cannot show is
//! checked by the tests that walk all rows.
//!
//! # Source
//! Guide chapters 2 and 4; names, types and roles are those of the 4.2.1 server.

mod command;
mod kind;
mod meter;
mod object;
mod param;
mod role;
mod tables;

pub use command::{
    Command, Details, Job, Shape, Shown, Verb, create, delete, gone, later, list, own, update,
};
pub use kind::{
    Amount, Forwards, GoesWith, Kind, KindSpec, Limit, Machine, OnDelete, Owner, Sight, Turn,
    Unique, WasRunning, WithOwner, Within,
};
pub use meter::{Change, Meter, Told};
pub use object::{Audience, Field, Hidden, Object, Source, WireType, extended, f, fields, hidden};
pub use param::{MapForm, Param, ParamType, group, p};
pub use role::{Role, Roles};
pub use tables::{Hooks, Tables};

/// Compares two texts where the build does.
pub(crate) const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}
