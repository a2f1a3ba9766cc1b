//! Creation of a file: temporary name, write, sync, rename, sync of the folder.
//! Only then may the catalogue name it.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    ops::Deref,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use sha2::{Digest, Sha256};

use super::{blocks, verified::NamedFile};
use crate::{
    LakeFile, StoreError,
    crash::{self, Steps},
    disk::{self, Existing},
    modes::{self, Readers},
};

/// Part of every temporary name.
pub(crate) const TEMPORARY: &str = ".tmp-";

/// A file that is on disk under a temporary name. Removed when dropped before it
/// got its own.
#[derive(Debug)]
pub(crate) struct StagedFile {
    root: PathBuf,
    /// Relative to `root`.
    folder: PathBuf,
    temporary: Option<PathBuf>,
    /// Number of rows.
    pub(crate) rows: u64,
    bytes: u64,
    sha256: String,
    blocks: Arc<[u8]>,
    steps: &'static Steps,
}

/// A file that has its name, for the catalogue to take.
#[derive(Debug)]
pub(crate) struct NewFile {
    file: LakeFile,
    /// Checksums of its blocks.
    pub(crate) blocks: Arc<[u8]>,
}

impl Deref for NewFile {
    type Target = LakeFile;
    fn deref(&self) -> &LakeFile {
        &self.file
    }
}

impl StagedFile {
    /// Writes and syncs `content` into `folder` (relative to `root`) under a temporary name.
    pub(crate) fn write(
        root: &Path,
        folder: &Path,
        content: &[u8],
        rows: usize,
        readers: Readers,
        steps: &'static Steps,
    ) -> Result<Self, StoreError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        make_folder(root, folder, readers)?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{TEMPORARY}{}-{number}", std::process::id());
        let path = root.join(folder).join(name);
        let mut staged = Self {
            root: root.to_owned(),
            folder: folder.to_owned(),
            temporary: None,
            rows: rows as u64,
            bytes: content.len() as u64,
            sha256: hex(&Sha256::digest(content)),
            blocks: blocks::checksums(content).into(),
            steps,
        };
        let result = staged.put(&path, content, readers);
        result.map_err(|e| StoreError::io("write", &path, e))?;
        Ok(staged)
    }

    fn put(&mut self, path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
        crash::point(self.steps.before_write)?;
        let mut file = disk::create(path, Existing::Refuse)?;
        self.temporary = Some(path.to_owned());
        modes::bound_file(path, readers)?;
        file.write_all(content)?;
        crash::point(self.steps.after_write)?;
        file.sync_all()?;
        crash::point(self.steps.after_sync)
    }

    /// The file as it lies on the disk by now.
    pub(crate) fn written(&self) -> NamedFile<'_> {
        let path = self.temporary.as_deref().unwrap_or(&self.root);
        NamedFile { path, rows: self.rows, bytes: self.bytes, checksums: &self.blocks }
    }

    /// Gives the file its own name. The name is on disk only after [`sync_folders`].
    pub(crate) fn rename(mut self, name: &str) -> Result<NewFile, StoreError> {
        let path = self.folder.join(name);
        let target = self.root.join(&path);
        if let Some(temporary) = &self.temporary {
            let renamed = disk::rename(temporary, &target);
            renamed.map_err(|e| StoreError::io("rename a new file to", &target, e))?;
        }
        self.temporary = None;
        crash::point(self.steps.after_rename)
            .map_err(|e| StoreError::io("rename a new file to", &target, e))?;
        let sha256 = std::mem::take(&mut self.sha256);
        let file = LakeFile { path, rows: self.rows, bytes: self.bytes, sha256 };
        Ok(NewFile { file, blocks: Arc::clone(&self.blocks) })
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if let Some(path) = &self.temporary {
            // What cannot be removed now is removed by the next writer.
            let _ = disk::remove_file(path);
        }
    }
}

/// Folders whose names this process has put on disk.
static SYNCED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Makes a folder below `root`, each level synced into the one above.
///
/// One that is there may have been made by a process that was killed, or that met a failing disk, before it
/// was synced. So each process syncs the names of the folders that it writes to, once.
pub(crate) fn make_folder(root: &Path, folder: &Path, readers: Readers) -> Result<(), StoreError> {
    let whole = root.join(folder);
    if whole.is_dir() && synced().contains(&whole) {
        return Ok(());
    }
    let mut path = root.to_owned();
    for part in folder {
        let above = path.clone();
        path.push(part);
        match modes::create_folder(&path, readers) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                if !path.is_dir() {
                    return Err(StoreError::NotAFolder { path });
                }
                if synced().contains(&path) {
                    continue;
                }
            }
            Err(e) => return Err(StoreError::io("make the folder", &path, e)),
        }
        // Until it has come through, the folder may have to be synced again.
        synced().remove(&path);
        sync_folder(&above)?;
        synced().insert(path.clone());
    }
    Ok(())
}

fn synced() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    SYNCED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The folder that a path is in, also of one that is a bare name.
pub(crate) fn above(path: &Path) -> &Path {
    match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        Some(_) => Path::new("."),
        None => path,
    }
}

/// Puts the names of the files on disk, folder by folder.
pub(crate) fn sync_folders<'a>(
    root: &Path,
    files: impl IntoIterator<Item = &'a NewFile>,
    steps: &Steps,
) -> Result<(), StoreError> {
    let mut folders: Vec<&Path> = files.into_iter().filter_map(|new| new.path.parent()).collect();
    folders.sort_unstable();
    folders.dedup();
    for folder in folders {
        sync_folder(&root.join(folder))?;
    }
    crash::point(steps.after_folder_sync).map_err(|e| StoreError::io("sync", root, e))
}

/// Puts the entries of one folder on disk.
pub(crate) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    disk::sync_folder(path).map_err(|e| StoreError::io("sync the folder", path, e))
}

/// All files below the folders of the lake, relative to `root`, in order.
pub(crate) fn list(root: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = super::FOLDERS.iter().map(PathBuf::from).collect();
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        let error = |e| StoreError::io("list", &path, e);
        let entries = match disk::read_dir(&path) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(error(e)),
        };
        for entry in entries {
            let name = folder.join(entry.map_err(error)?.file_name());
            // Follows links: a folder moved to another disk is still a folder.
            if root.join(&name).is_dir() {
                folders.push(name);
            } else {
                files.push(name);
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn staged(root: &Path) -> Result<StagedFile, StoreError> {
        let folder = Path::new("events/2026-01-31");
        StagedFile::write(root, folder, b"abc", 1, Readers::Owner, &crash::EVENTS)
    }

    #[test]
    fn a_file_that_is_not_renamed_goes_away() {
        let root = tempfile::tempdir().unwrap();
        drop(staged(root.path()).unwrap());
        assert_eq!(list(root.path()).unwrap(), Vec::<PathBuf>::new());
        let file = staged(root.path()).unwrap().rename("1-default.parquet").unwrap();
        assert_eq!(list(root.path()).unwrap(), std::slice::from_ref(&file.path));
        assert_eq!(
            file.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "as sha256sum prints it for `abc`"
        );
    }

    #[test]
    fn a_file_where_a_folder_belongs_is_named() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("events"), "").unwrap();
        let error = staged(root.path()).unwrap_err();
        assert!(matches!(error, StoreError::NotAFolder { ref path } if path.ends_with("events")));
    }
}
