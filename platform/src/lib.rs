#![doc = include_str!("../README.md")]

pub mod bulk; // whole histories written straight to files, with their answer key
