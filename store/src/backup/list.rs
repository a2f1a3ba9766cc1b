//! The list of a backup's files, as `sha256sum` writes and reads it.
//!
//! It needs no checksum of its own: a changed line is one that its file does not match, and
//! a line that is missing is a file that the catalogue names and the list does not.

use std::{
    io::{self, Write},
    path::{Component, Path, PathBuf},
};

use super::{BackupError, CATALOGUES, LIST};
use crate::{
    StoreError,
    catalogue::{db::DATABASE, load::path_text},
    crash::{self, BACKUP},
    disk::{self, Existing},
    lake::{
        self,
        file::{TEMPORARY, sync_folder},
    },
};

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Relative to the backup.
    pub(super) path: PathBuf,
    /// Its size; as the disk has it where the list alone was read.
    pub(super) bytes: u64,
    /// Checksum in lower-case hexadecimal.
    pub(super) sha256: String,
}

impl Listed {
    /// Returns true if it is a copy of a catalogue.
    pub(super) fn is_catalogue(&self) -> bool {
        self.path.starts_with(CATALOGUES)
    }
}

/// Writes the list, in place of an earlier one.
pub(super) fn write(to: &Path, files: &[Listed]) -> Result<(), StoreError> {
    let mut lines: Vec<String> =
        files.iter().map(|file| format!("{}  {}\n", file.sha256, path_text(&file.path))).collect();
    lines.sort_unstable_by(|a, b| a[64..].cmp(&b[64..]));
    let temporary = to.join(format!("{TEMPORARY}{}", std::process::id()));
    let target = to.join(LIST);
    let put = || -> io::Result<()> {
        let mut file = disk::create(&temporary, Existing::Empty)?;
        file.write_all(lines.concat().as_bytes())?;
        file.sync_all()?;
        crash::point(BACKUP.before_commit)?;
        disk::rename(&temporary, &target)
    };
    put().map_err(|e| StoreError::io("write", &target, e))?;
    sync_folder(to)
}

/// Reads the list of an earlier backup; none if there is none that can be read.
pub(super) fn read_if_any(dir: &Path) -> Result<Vec<Listed>, BackupError> {
    match read(dir) {
        Err(BackupError::NotABackup { .. } | BackupError::Damaged { .. }) => Ok(Vec::new()),
        other => other,
    }
}

/// Reads the list of a backup.
///
/// # Errors
/// `NotABackup` if there is none; `Damaged` if a line is none of ours.
pub(super) fn read(dir: &Path) -> Result<Vec<Listed>, BackupError> {
    let path = dir.join(LIST);
    let text = match disk::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(BackupError::NotABackup { dir: dir.to_owned() });
        }
        Err(e) => return Err(StoreError::io("read", &path, e).into()),
    };
    let damaged = |what: String| BackupError::Damaged { path: path.clone(), what };
    let text = String::from_utf8(text).map_err(|_| damaged("damaged: it is no text".to_owned()))?;
    if !text.ends_with('\n') {
        return Err(damaged("truncated: its last line has no end".to_owned()));
    }
    let mut files = Vec::new();
    for (line, number) in text.lines().zip(1u32..) {
        let file = parse(dir, line)
            .ok_or_else(|| damaged(format!("damaged: line {number} names no file of a backup")))?;
        files.push(file);
    }
    if files.iter().filter(|file| file.is_catalogue()).count() != 1 {
        return Err(damaged("damaged: it must name one catalogue".to_owned()));
    }
    Ok(files)
}

fn parse(dir: &Path, line: &str) -> Option<Listed> {
    let (sha256, path) = line.split_once("  ")?;
    let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if sha256.len() != 64 || !sha256.bytes().all(is_hex) {
        return None;
    }
    let path = PathBuf::from(path);
    // A list from elsewhere must not lead out of the folder.
    let mut parts = path.components();
    let top = match parts.next()? {
        Component::Normal(top) => top.to_str()?,
        _ => return None,
    };
    let is_below = parts.clone().count() > 0 && parts.all(|p| matches!(p, Component::Normal(_)));
    let is_database = path.file_name().is_some_and(|name| name == DATABASE);
    let is_known = lake::FOLDERS.contains(&top) || (top == CATALOGUES && is_database);
    if !is_below || !is_known {
        return None;
    }
    let bytes = disk::metadata(&dir.join(&path)).map_or(0, |file| file.len());
    Some(Listed { path, bytes, sha256: sha256.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_a_backup_are_taken_for_such() {
        let dir = tempfile::tempdir().unwrap();
        let sum = "0123456789abcdef".repeat(4);
        for path in ["events/2026-01-01/1-a.parquet", "catalogue/1/cloudtally.db"] {
            assert!(parse(dir.path(), &format!("{sum}  {path}")).is_some(), "{path}");
        }
        for path in [
            "/etc/passwd",
            "events",
            "events/../../x",
            "../events/x",
            "records/x",
            "catalogue/1/other.db",
            "",
        ] {
            assert!(parse(dir.path(), &format!("{sum}  {path}")).is_none(), "{path}");
        }
        assert!(parse(dir.path(), "abc  events/x").is_none());
    }
}
