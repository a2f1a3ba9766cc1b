//! Tests that walk the tables of the API.

mod catalogue; // the rows against the catalogue of the 4.2.1 server
