//! The cloud behind the API, without a port and without a disk.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod alerts; // raised, listed, archived, purged
mod catalogue; // the rows against the catalogue of the 4.2.1 server
mod chance; // commands drawn by chance
mod config; // settings, capabilities, what expires
mod discovery; // listApis
mod docs; // the reference pages
mod events; // filters, archiving, deleting
mod hazards; // anything at any time, against the ledger
mod identity; // domains, accounts, users, jobs
mod infrastructure; // data centres: zones to hosts, storage, offerings, capacity
mod keys; // SSH key pairs, instance groups
mod ledger; // the bill against what tenants really had
mod limits; // resource limits and counts
mod machines; // virtual machines, disks, networks, and their usage events
mod network_hazards; // the same for networks
mod network_infrastructure; // physical networks, ranges of addresses, network offerings
mod projects; // members, invitations, what goes with them
mod restore; // damage in what is kept
mod roles; // who may call what
mod rules; // addresses and the rules on them, snapshots, VPN users
mod scenarios; // texts of commands and expected answers
mod scope; // whose resources lists show
mod support;
mod tags; // tags and details
mod vpc_hazards; // the same for VPCs
mod walk; // all rows: missing and wrong parameters
