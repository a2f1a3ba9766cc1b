//! Domains, accounts, users and projects, with their limits.

pub(crate) mod account;
pub(crate) mod domain;
pub(crate) mod governed;
pub(crate) mod limit; // resource limits
pub(crate) mod project;
pub(crate) mod sshkeypair;
pub(crate) mod user;
