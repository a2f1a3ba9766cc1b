#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! A call is decoded by its command's row ([`decode`]), which also decides what of
//! others the caller may name ([`caller`]); it looks ([`Query`]) or changes
//! ([`Call`]) the [`World`] inside a transaction ([`Tx`]); what takes time goes on in
//! a job ([`jobs`]); both write action events ([`event`]). [`Cloud`] joins all that
//! with a journal, so that nothing is seen that is not kept.
//!
//! The engine knows no HTTP and no disk: answers are trees ([`Node`]), and a
//! journal is a trait.

mod call;
mod caller;
mod clock; // the cloud's own time
mod cloud;
pub mod col;
mod column;
mod decode;
mod event;
mod ids;
pub mod jobs;
pub mod ledger; // what each tenant really had, seen from below the events
pub mod limit;
mod list;
pub mod login;
mod node;
pub mod own_users;
pub mod refusal; // errors in one style
mod removal;
mod render;
mod resource;
mod restore; // what was kept, looked at before it is used
mod result;
pub mod scope;
pub mod secret;
mod set_back; // a cloud that lived ahead of time
mod state;
pub mod table; // what rows look like
mod tx;
pub mod verbs;
mod world;

pub use call::{Act, Begin, Call, Check, Done, Fail, Filter, Query};
pub use caller::Caller;
pub use clock::{Clock, ClockError};
pub use cloud::{CLOCK_MS, Cloud, CloudOptions, IS_SIMULATED, Start};
pub use column::{Column, ColumnKey, ColumnType, Pairs, Reference, Stored};
pub use decode::{Arg, Args, Entry, RawParams, Reach, invalid, unknown, unknown_because};
pub use event::{Level, write_alone as happened};
pub use ids::{ResourceId, Uuid};
pub use jobs::{Request, answer_of as job_answer, begin_by_itself};
pub use list::Page;
pub use node::{Answer, Fields, Node};
pub use removal::{remove_all_of, remove_all_on, stop_all_of};
pub use render::View;
pub use resource::Resource;
pub use restore::faults;
pub use scope::Scope;
pub use secret::Entropy;
pub use set_back::{SetBack, set_back};
pub use state::{AccountState, EventState, JobStatus, Move, ProjectState, State, States};
pub use table::{Hooks, Tables};
pub use tx::{Savepoint, Tx};
pub use world::World;
