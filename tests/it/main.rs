//! Whole-system tests: the binary as a user runs it, its files, its port.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod answer_key; // simulate, ingest, aggregate, export: equals what was decided
mod api; // the API over its real port, and an unmodified client
mod audit; // another engine comes to the same sums
mod bad_input; // every kind of it gets a clear message and loses nothing
mod by_hand; // lists of what is in use, and events that people add
mod closed; // closed days, on the command line and over the port
mod cloud; // the simulated cloud: kills, restarts, a client
mod crash; // killed anywhere and run again: the same bytes
mod data_centre; // deployed, used and torn down by an unmodified client
mod demo; // the README's main command
mod dropped; // samples taken out by hand
mod dumps; // dumps as they come, clouds whose numbers meet, exports
mod held; // changes that are too large
mod history; // what was shown once, what changed since, and why
mod invariants; // who may depend on what, where SQL may stand
mod jobs; // the history of the usage job
mod lease; // a machine that takes the folder over
mod libcloud; // a tenant's day by another unmodified client
mod living; // tenants, kills in the middle of their lives, the bill of it
mod operations; // health, metrics, logs, systemd, backups
mod operator_dumps; // what operators hand over, to the bill
mod prune; // rows that closed days need no more
mod pull; // a real database of a cloud, read where it stands
mod repair; // a folder that lived ahead of time
mod sample_data; // a small real dump with records derived independently
mod shape; // folders that import downwards, no circles of files
mod support;
mod threads;
mod upgrade; // a folder of an earlier format // the same folder for any number of threads
