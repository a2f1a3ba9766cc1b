//! The server over its real port: bytes in, bytes out, no client library.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should fail where it stands")]

mod bytes; // every field of every usage type, in both encodings
mod clients; // words and shapes that unmodified clients look for
mod crowds; // thousands of connections, slow clients, requests that are too large
mod dates; // windows, zones, clock changes, folded records
mod errors; // status, code and text of each
mod generate; // generateUsageRecords
mod history; // what was shown at an instant, what changed, what records are made of
mod identity; // domains, accounts, users and their keys
mod lifecycle; // starting, stopping, keys and generations that change meanwhile
mod living; // a cloud on a simulated clock, from commands to the bill
mod noise; // anything at all as a request
mod paging; // pages, counts, answers in pieces
mod requests; // methods, bodies, signatures, headers
mod scope; // whose records
mod sessions; // login, logout, lock-out
mod support;
mod tenants; // whose records domain admins and users see
mod throttle; // how many calls an account may make; the port without authentication
mod walk; // what every command answers, in both encodings and to every role
