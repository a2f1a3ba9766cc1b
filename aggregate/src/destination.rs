//! The file that an export writes.
//!
//! A regular file appears under its name only when it is complete: the rows go to a
//! file beside it, of a random name that nobody else can have made, which then takes
//! its place, its mode and its owner. Symbolic links are followed, so that the link
//! stays. A pipe, a terminal or a device is written to as it is.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

/// Links followed before a name is taken for a circle.
const LINKS_MAX: usize = 40;

/// The place of rows until they are complete.
#[derive(Debug)]
pub(crate) enum Destination {
    /// Something that cannot be replaced.
    Stream(File),
    /// A file beside the one to be.
    Beside { file: NamedTempFile, target: PathBuf },
}

impl Destination {
    /// Opens what `path` leads to.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let target = resolved(path)?;
        let before = match fs::metadata(&target) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if let Some(before) = &before
            && !before.is_file()
        {
            // A folder is refused here, in the system's words.
            return OpenOptions::new().write(true).open(&target).map(Self::Stream);
        }
        let folder = match target.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let file =
            tempfile::Builder::new().prefix(".cloudtally-").suffix(".part").tempfile_in(folder)?;
        if let Some(before) = &before {
            keep_mode_and_owner(file.as_file(), before)?;
        }
        Ok(Self::Beside { file, target })
    }

    /// The file to write to.
    pub(crate) fn file(&mut self) -> &mut File {
        match self {
            Self::Stream(file) => file,
            Self::Beside { file, .. } => file.as_file_mut(),
        }
    }

    /// Puts the complete file in its place; dropped without it, nothing is left.
    pub(crate) fn complete(self) -> io::Result<()> {
        let Self::Beside { file, target } = self else { return Ok(()) };
        file.as_file().sync_all()?;
        file.persist(&target).map(drop).map_err(|error| error.error)
    }
}

/// The path behind all symbolic links, which need not be there.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_symlink() => {
                let link = fs::read_link(&path)?;
                path = path.parent().unwrap_or(Path::new("")).join(link);
            }
            _ => return Ok(path),
        }
    }
    Err(io::Error::other(format!("`{}` is a circle of symbolic links", path.display())))
}

#[cfg(unix)]
fn keep_mode_and_owner(file: &File, before: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let now = file.metadata()?;
    if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
        // The mode would let others read than those who could.
        fchown(file, Some(before.uid()), Some(before.gid())).map_err(|error| {
            let hint = "the file belongs to somebody else and its owner cannot be kept";
            io::Error::new(error.kind(), format!("{hint} ({error}); write to another name"))
        })?;
    }
    // After the owner: changing that takes set-id bits away.
    file.set_permissions(before.permissions())
}

#[cfg(not(unix))]
fn keep_mode_and_owner(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::{
        io::{Read, Write},
        os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    };

    use super::*;

    fn write(path: &Path, text: &str) -> io::Result<()> {
        let mut destination = Destination::open(path)?;
        destination.file().write_all(text.as_bytes())?;
        destination.complete()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_file_is_its_owners_and_one_that_is_there_keeps_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bill.csv");
        write(&path, "1").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o640, 0o600, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            write(&path, "2").unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "2");
        assert_eq!(names(dir.path()), ["bill.csv"]);
    }

    #[test]
    fn links_are_followed_and_stay() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("elsewhere")).unwrap();
        let link = dir.path().join("link.csv");
        symlink("elsewhere/bill.csv", &link).unwrap();
        for text in ["first", "second"] {
            write(&link, text).unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            let target = dir.path().join("elsewhere/bill.csv");
            assert_eq!(fs::read_to_string(target).unwrap(), text);
        }
        symlink("circle", dir.path().join("circle")).unwrap();
        assert!(write(&dir.path().join("circle"), "x").is_err());
    }

    #[test]
    fn pipes_and_devices_are_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || {
                let mut text = String::new();
                File::open(pipe).unwrap().read_to_string(&mut text).unwrap();
                text
            }
        });
        write(&pipe, "through the pipe").unwrap();
        assert_eq!(reader.join().unwrap(), "through the pipe");
        assert_eq!(names(dir.path()), ["pipe"]);

        let before = fs::metadata("/dev/null").unwrap();
        write(Path::new("/dev/null"), "gone").unwrap();
        assert_eq!(fs::metadata("/dev/null").unwrap().rdev(), before.rdev());
        assert!(write(dir.path(), "x").is_err());
    }

    #[test]
    fn an_export_that_fails_leaves_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bill.csv");
        fs::write(&path, "before").unwrap();
        let mut destination = Destination::open(&path).unwrap();
        destination.file().write_all(b"half").unwrap();
        drop(destination);
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        assert_eq!(names(dir.path()), ["bill.csv"]);
    }
}
