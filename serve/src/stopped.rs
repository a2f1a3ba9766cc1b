//! The two ends that serving comes to.

/// The outcome of serving after the server was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// All work under way came to its end by itself.
    Whole,
    /// The time for it passed: connections were closed or the usage job was left.
    Cut,
}
