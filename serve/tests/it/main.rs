//! The server over its real port: bytes in, bytes out, no client library.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should fail where it stands")]

mod bytes; // every field of every usage type, in both encodings
mod dates; // windows, zones, clock changes, folded records
mod errors; // status, code and text of each
mod generate; // generateUsageRecords
mod lifecycle; // starting, stopping, keys and generations that change meanwhile
mod noise; // anything at all as a request
mod paging; // pages, counts, answers in pieces
mod requests; // methods, bodies, signatures, headers
mod scope; // whose records
mod support;
