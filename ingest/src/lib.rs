#![doc = include_str!("../README.md")]

mod table; // the columns of each stream: the one place to add another
pub mod write; // the mirror: rows into files

pub use table::{Cell, Column, Kind, Need, Row};
