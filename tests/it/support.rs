//! Runs the binary on a folder of its own.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use tempfile::TempDir;

/// A data folder and the binary to run on it.
pub(crate) struct Cloudtally {
    dir: TempDir,
}

/// The outcome of a run of the binary.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Cloudtally {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A folder of its own with all that `demo --no-serve` leaves, and what that printed. The
    /// month is lived once for all tests.
    pub(crate) fn with_demo() -> (Self, &'static str) {
        static PRINTED: OnceLock<String> = OnceLock::new();
        let lived = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo");
        let printed = PRINTED.get_or_init(|| {
            // That of an earlier version of the program.
            drop(fs::remove_dir_all(&lived));
            let first = Self::new();
            let printed = first.ok(&["demo", "--no-serve"]);
            copy(first.dir.path(), &lived);
            printed
        });
        let cloudtally = Self::new();
        copy(&lived, cloudtally.dir.path());
        (cloudtally, printed)
    }

    /// The temporary folder; the data folder is `data` inside it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloudtally"));
        command
            .current_dir(self.dir.path())
            .env_remove("CLOUDTALLY_DATA")
            .env_remove("CLOUDTALLY_ADMIN_API_KEY")
            .env_remove("CLOUDTALLY_ADMIN_SECRET_KEY")
            .env_remove("CLOUDTALLY_ADMIN_PASSWORD")
            .args(["--data", "data"])
            .args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        ran(&self.command(arguments).output().unwrap())
    }

    /// Runs and requires exit status 0.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.status, Some(0), "{arguments:?}: {ran:?}");
        ran.stdout
    }

    /// Runs, requires the exit status and returns the message.
    pub(crate) fn fails(&self, status: i32, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.status, Some(status), "{arguments:?}: {ran:?}");
        ran.stderr
    }

    /// Writes a file beside the data folder.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    /// All records as CSV.
    pub(crate) fn export(&self) -> String {
        self.ok(&["export", "--format", "csv", "--out", "-"])
    }
}

/// The files below a folder whose paths are wanted, by their paths in it.
pub(crate) fn files(folder: &Path, wanted: fn(&Path) -> bool) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(below).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if wanted(&path) {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// Copies a folder and all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

pub(crate) fn ran(output: &Output) -> Ran {
    Ran {
        status: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Tools of others that tests use: PyPI packages, by what is imported.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Client {
    /// The package `cs`.
    Cs,
    /// The package `apache-libcloud`.
    Libcloud,
    /// The package `duckdb`, which reads the files of the lake and of exports.
    DuckDb,
}

/// True where tests with tools of others must run: a skipped one would show nothing.
pub(crate) fn tools_are_required() -> bool {
    std::env::var_os("CLOUDTALLY_REQUIRE_TOOLS").is_some()
}

/// Runs a Python script that uses a client and requires that it ends well; what it
/// printed. None, and a message, where the client is not installed.
pub(crate) fn with_client(client: Client, script: &str, arguments: &[&str]) -> Option<String> {
    let import = match client {
        Client::Cs => "import cs",
        Client::Libcloud => "import libcloud",
        Client::DuckDb => "import duckdb",
    };
    let found = Command::new("python3").args(["-c", import]).output();
    if !found.as_ref().is_ok_and(|output| output.status.success()) {
        assert!(!tools_are_required(), "python3 cannot `{import}`: {found:?}");
        eprintln!("skipped: python3 cannot `{import}`; install its PyPI package: {found:?}");
        return None;
    }
    let output = Command::new("python3")
        .args(["-c", script])
        .args(arguments)
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let ran = ran(&output);
    assert_eq!(ran.status, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    Some(ran.stdout)
}

/// A tool of the system, if it is there. None, and a message, where it is not; a machine
/// that has installed it names it in `CLOUDTALLY_SYSTEM_TOOLS`, and then it must be.
pub(crate) fn system_tool(name: &str) -> Option<Command> {
    let found = Command::new(name).arg("--version").output();
    if found.as_ref().is_ok_and(|output| output.status.success()) {
        return Some(Command::new(name));
    }
    let required = std::env::var("CLOUDTALLY_SYSTEM_TOOLS").unwrap_or_default();
    assert!(!required.split_whitespace().any(|tool| tool == name), "no `{name}`: {found:?}");
    eprintln!("skipped: there is no `{name}`");
    None
}

/// A row of a CSV file by column name.
pub(crate) type Row = BTreeMap<String, String>;

pub(crate) fn csv_rows(text: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(|row| row.unwrap()).collect()
}

/// The repository, where the files under test are.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Adds the Rust files of a folder and of those in it.
pub(crate) fn sources_in(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources_in(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}
