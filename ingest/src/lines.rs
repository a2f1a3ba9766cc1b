//! The lines of an input whose rows are lines: JSON Lines and tab-separated text.

use std::io::Read;

use crate::{
    batch::Stop,
    csv::ROW_BYTES_MAX,
    window::{Filled, Window},
};

/// The end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    /// With a line break, which is handed on.
    Break,
    /// With the input.
    OfInput,
    /// Beyond [`ROW_BYTES_MAX`]: its beginning is handed on, the rest is skipped.
    TooLong,
}

impl LineEnd {
    /// Adds to the reason why a row is bad what its end tells.
    pub(crate) fn explain(self, reason: String) -> String {
        match self {
            Self::Break | Self::TooLong => reason,
            Self::OfInput => format!(
                "{reason} (the last line has no line break: the file may have been cut off)"
            ),
        }
    }
}

/// Hands all lines to `take`. A failure of the input ends them early and is left in
/// the window; the line that it cut off is no line.
pub(crate) fn each<R, F>(window: &mut Window<R>, mut take: F) -> Result<(), Stop>
where
    R: Read,
    F: FnMut(&[u8], LineEnd) -> Result<(), Stop>,
{
    let mut searched = 0;
    loop {
        let unread = window.unread();
        if let Some(at) = unread[searched..].iter().position(|b| *b == b'\n') {
            let length = searched + at + 1;
            take(&unread[..length], LineEnd::Break)?;
            window.consume(length);
            searched = 0;
            continue;
        }
        searched = unread.len();
        if searched > ROW_BYTES_MAX {
            take(unread, LineEnd::TooLong)?;
            window.skip_line();
            searched = 0;
        } else if window.fill() == Filled::NoMore {
            return match window.unread() {
                [] => Ok(()),
                _ if window.failed() => Ok(()),
                last => take(last, LineEnd::OfInput),
            };
        }
    }
}
