//! The store from outside, over real folders.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should fail where it stands")]

mod append; // events, samples and accounts come back as they went in
mod backup; // copies made while others write
mod catalogue; // opening, settings, jobs, quarantine
mod closed; // closed periods
mod crash; // killed at every step
mod damage; // what `verify` finds
mod flips; // one changed bit, anywhere
mod journal; // what the cloud keeps
mod links; // the folder that any reader reads
mod lock; // one writer, many readers
mod modes; // rights of files and folders
mod periods; // publishing and reading again
mod records; // windows, filters, pages
mod rows; // one changed value of the catalogue
mod set_back; // a folder that lived ahead of time
mod support; // small worlds to test with
