//! The two ends that serving comes to.

/// How serving ended once the server was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// What was under way came to its end by itself.
    Whole,
    /// The time for it passed: connections were closed or the usage job was left.
    Cut,
}
