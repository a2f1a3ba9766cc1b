//! Output for people: progress bars on a terminal (and silence in a pipe),
//! tables, a word while waiting for another process, numbers that can be read.

use std::{borrow::Cow, time::Duration};

use cloudtally_model::Instant;
pub(crate) use cloudtally_serve::wall_clock_ms;
use cloudtally_store::{LockWait, Store, StoreError, Writer};
use comfy_table::{CellAlignment, Table, TableComponent, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Time that a command waits for another one to finish writing.
const LOCK_WAIT: Duration = Duration::from_secs(60);

/// The present, by the machine's clock.
pub(crate) fn now() -> Instant {
    Instant::from_millis(wall_clock_ms())
}

/// The present of what is billed in a folder: a simulated cloud has its own time,
/// and what it has not lived through is nobody's use.
pub(crate) fn present(store: &Store) -> Result<Instant, StoreError> {
    Ok(store.simulated_clock()?.unwrap_or_else(now))
}

/// Takes the folder's lock, saying so if another process has it.
pub(crate) fn writer(store: &Store) -> Result<Writer, StoreError> {
    store.writer(LockWait {
        limit: LOCK_WAIT,
        on_wait: &mut || {
            eprintln!(
                "waiting up to {} s for another cloudtally to finish writing {} ...",
                LOCK_WAIT.as_secs(),
                store.dir().display()
            );
        },
    })
}

/// A progress bar on a terminal, nothing elsewhere.
pub(crate) fn bar(label: &'static str, unit: Unit) -> ProgressBar {
    let template = match unit {
        Unit::Bytes => "{msg:<22} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        Unit::Count => "{msg:<22} [{bar:30}] {human_pos}/{human_len} {per_sec} {eta}",
    };
    let style = ProgressStyle::with_template(template)
        .expect("the template is a constant that parses")
        .progress_chars("=> ");
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    bar.set_style(style);
    bar.set_message(label);
    bar
}

/// The unit of a progress bar.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Bytes,
    Count,
}

/// A plain table; the columns named in `numbers` are aligned to the right.
pub(crate) fn table(header: &[&str], numbers: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_header(header.to_vec());
    for line in [
        TableComponent::HorizontalLines,
        TableComponent::MiddleIntersections,
        TableComponent::LeftBorderIntersections,
        TableComponent::RightBorderIntersections,
    ] {
        table.remove_style(line); // one line under the header is enough
    }
    for &column in numbers {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A text of somebody else's, such as a name, as a terminal may show it: characters
/// that steer terminals or turn the direction of writing are spelt out.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match steers(character) {
            true => shown.extend(character.escape_unicode()),
            false => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

/// `1234567` as `1 234 567`, `-1234567` as `-1 234 567`.
pub(crate) fn grouped(digits: &str) -> String {
    if let Some(magnitude) = digits.strip_prefix('-') {
        return format!("-{}", grouped(magnitude));
    }
    let (integer, fraction) = digits.split_once('.').map_or((digits, None), |(i, f)| (i, Some(f)));
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in integer.chars().enumerate() {
        if index > 0 && (integer.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{grouped, shown};

    #[test]
    fn names_do_not_steer_a_terminal() {
        for (text, expected) in [
            ("web-1 größer \u{1f600}", "web-1 größer \u{1f600}"),
            ("a\x1b[2Jb", "a\\u{1b}[2Jb"),
            ("a\rb\nc\u{9b}", "a\\u{d}b\\u{a}c\\u{9b}"),
            ("\u{202e}txt.exe", "\\u{202e}txt.exe"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn numbers_for_people() {
        for (digits, expected) in
            [("0", "0"), ("999", "999"), ("1000", "1 000"), ("1234567.25", "1 234 567.25")]
        {
            assert_eq!(grouped(digits).replace('\u{202f}', " "), expected);
            let negative = grouped(&format!("-{digits}")).replace('\u{202f}', " ");
            assert_eq!(negative, format!("-{expected}"));
        }
    }
}
