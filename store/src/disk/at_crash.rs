//! Names and contents that no sync has put on disk, and what a crash leaves of them.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// A change of a name, with what undoes it.
#[derive(Debug)]
enum Change {
    /// A file, a link or a folder has this name now.
    Made(PathBuf),
    /// The first name is another one now; the second stood for a file that is kept aside.
    Renamed(PathBuf, PathBuf, Option<PathBuf>),
    /// The name is gone; what it stood for is kept aside.
    Removed(PathBuf, PathBuf),
}

impl Change {
    fn path(&self) -> &Path {
        match self {
            Self::Made(path) | Self::Renamed(_, path, _) | Self::Removed(path, _) => path,
        }
    }
}

/// All that a crash could lose.
#[derive(Debug, Default)]
pub(super) struct Unsynced {
    aside: PathBuf,
    kept: u64,
    replaced: Option<(PathBuf, PathBuf)>,
    /// Changes in their order.
    names: Vec<Change>,
    /// Contents, with true where their sync has failed.
    contents: BTreeMap<PathBuf, bool>,
}

impl Unsynced {
    /// Nothing yet; `aside` is a folder on the same disk for what names stood for.
    pub(super) fn new(aside: PathBuf) -> Self {
        Self { aside, ..Self::default() }
    }

    fn next_aside(&mut self) -> PathBuf {
        self.kept += 1;
        drop(fs::create_dir_all(&self.aside));
        self.aside.join(self.kept.to_string())
    }

    pub(super) fn wrote(&mut self, path: &Path) {
        self.contents.entry(path.to_owned()).or_insert(false);
    }

    /// Notes that a file is new: what failed with an earlier one of its name is over.
    pub(super) fn began(&mut self, path: &Path) {
        self.contents.insert(path.to_owned(), false);
    }

    pub(super) fn synced(&mut self, path: &Path) {
        if self.contents.get(path) == Some(&false) {
            self.contents.remove(path);
        }
    }

    pub(super) fn synced_folder(&mut self, folder: &Path) {
        self.names.retain(|change| change.path().parent() != Some(folder));
    }

    /// Notes that the sync of a file failed: a later one tells nothing of what was there before.
    /// Names are in the journal of the file system, which keeps them for the next try.
    pub(super) fn never_syncs(&mut self, path: &Path) {
        if let Some(is_lost) = self.contents.get_mut(path) {
            *is_lost = true;
        }
    }

    pub(super) fn made(&mut self, path: &Path) {
        self.names.push(Change::Made(path.to_owned()));
    }

    pub(super) fn keep_replaced(&mut self, path: &Path) {
        self.replaced = None;
        if path.is_file() {
            let aside = self.next_aside();
            if fs::hard_link(path, &aside).is_ok() {
                self.replaced = Some((path.to_owned(), aside));
            }
        }
    }

    pub(super) fn renamed(&mut self, from: &Path, to: &Path) {
        let replaced = self.replaced.take().filter(|(path, _)| path == to).map(|(_, aside)| aside);
        self.names.push(Change::Renamed(from.to_owned(), to.to_owned(), replaced));
        self.move_contents(from, to);
    }

    fn move_contents(&mut self, from: &Path, to: &Path) {
        let moved: Vec<(PathBuf, bool)> = self
            .contents
            .iter()
            .filter_map(|(path, is_lost)| {
                let rest = path.strip_prefix(from).ok()?;
                let new = if rest.as_os_str().is_empty() { to.to_owned() } else { to.join(rest) };
                Some((new, *is_lost))
            })
            .collect();
        self.contents.retain(|path, _| !path.starts_with(from) && !path.starts_with(to));
        self.contents.extend(moved);
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        fs::symlink_metadata(path)?;
        let aside = self.next_aside();
        fs::rename(path, &aside)?;
        self.move_contents(path, &aside);
        self.names.push(Change::Removed(path.to_owned(), aside));
        Ok(())
    }

    /// Makes of the folder what a crash leaves: of each folder the first so many changes of
    /// names stay, and contents are torn.
    pub(super) fn lose(&mut self, draw: &mut dyn FnMut() -> u64, all_names: bool) {
        let mut stay: BTreeMap<PathBuf, u64> = BTreeMap::new();
        let names = std::mem::take(&mut self.names);
        for change in &names {
            *stay.entry(folder_of(change.path())).or_default() += 1;
        }
        for count in stay.values_mut() {
            *count = if all_names { 0 } else { draw() % (*count + 1) };
        }
        let mut undone = Vec::new();
        for change in names {
            match stay.get_mut(&folder_of(change.path())) {
                Some(left) if *left > 0 => *left -= 1,
                _ => undone.push(change),
            }
        }
        for change in undone.into_iter().rev() {
            self.undo(change);
        }
        for path in std::mem::take(&mut self.contents).into_keys() {
            tear(&path, draw);
        }
        drop(fs::remove_dir_all(&self.aside));
    }

    fn undo(&mut self, change: Change) {
        match change {
            Change::Made(path) => {
                drop(if path.is_dir() {
                    fs::remove_dir_all(&path)
                } else {
                    fs::remove_file(&path)
                });
            }
            Change::Renamed(from, to, replaced) => {
                drop(fs::rename(&to, &from));
                self.move_contents(&to, &from);
                if let Some(aside) = replaced {
                    drop(fs::rename(aside, &to));
                }
            }
            Change::Removed(path, aside) => {
                drop(fs::rename(&aside, &path));
                self.move_contents(&aside, &path);
            }
        }
    }
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_owned()
}

/// Leaves of an unsynced content all, the beginning, the beginning and zeroes, or all but a bit.
fn tear(path: &Path, draw: &mut dyn FnMut() -> u64) {
    let Ok(mut bytes) = fs::read(path) else { return };
    if bytes.is_empty() {
        return;
    }
    let at = usize::try_from(draw() % bytes.len() as u64).unwrap_or(0);
    match draw() % 4 {
        0 => return,
        1 => bytes.truncate(at),
        2 => bytes[at..].fill(0),
        _ => bytes[at] ^= 1 << (draw() % 8),
    }
    drop(fs::write(path, bytes));
}
