//! Figures that the system keeps of the process, where it is Linux.

use std::{fs, sync::OnceLock};

use super::{
    names,
    text::{Seconds, Text},
};
use crate::clock::wall_clock_ms;

/// Ticks a second in which `/proc` counts CPU time. The kernel shows that to programs
/// whatever it counts in itself.
const TICKS_PER_SECOND: u64 = 100;

static STARTED_MS: OnceLock<i64> = OnceLock::new();

/// The start of the server, in wall time, milliseconds since 1970: the first moment that
/// it was asked for.
pub(super) fn started() -> i64 {
    *STARTED_MS.get_or_init(wall_clock_ms)
}

/// Writes what the system tells; what it does not tell is left out.
pub(super) fn put(text: &mut Text) {
    if let Some(ticks) = cpu_ticks() {
        let ms = ticks * (1000 / TICKS_PER_SECOND);
        let ms = i64::try_from(ms).unwrap_or(i64::MAX);
        text.one(&names::PROCESS_CPU, Seconds::of_millis(ms));
    }
    if let Some(bytes) = resident_bytes() {
        text.one(&names::PROCESS_MEMORY, bytes);
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        text.one(&names::PROCESS_FILES, files.count());
    }
    if let Some(most) = files_max() {
        text.one(&names::PROCESS_FILES_MAX, most);
    }
    text.one(&names::PROCESS_START, Seconds::of_millis(started()));
}

/// Time in user and system mode: the 14th and 15th field, of which the second is the
/// program's name in brackets and may hold anything.
fn cpu_ticks() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11).map(str::parse::<u64>);
    Some(fields.next()?.ok()? + fields.next()?.ok()?)
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn files_max() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
