#![doc = include_str!("../README.md")]

mod dice;
mod mutate;

use std::{
    collections::HashSet,
    env,
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    io::{Seek, Write},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

pub use arbitrary::{Result as Choices, Unstructured};

pub use dice::Dice;
use mutate::mutate;

/// Inputs that a run remembers beside those of the corpus.
const FOUND_MAX: usize = 2000;

/// Bytes of an input; longer ones only cost time.
const INPUT_BYTES_MAX: usize = 64 * 1024;

/// A reader under trial.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Its name, and that of its folder below the corpora.
    pub name: &'a str,
    /// The folder of the corpora of its crate.
    pub corpora: &'a str,
    /// Mutations that a test run tries.
    pub rounds: u64,
    /// Words of the input's language.
    pub words: &'a [&'a str],
}

/// The numbers of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Files of the corpus.
    pub corpus: usize,
    /// Mutations.
    pub rounds: u64,
    /// Mutations that made the target see something new.
    pub found: usize,
}

impl Target<'_> {
    /// Gives the target's corpus to `attempt`, then mutations of it.
    ///
    /// # Panics
    /// If `attempt` does; the input is then kept, and its path printed.
    pub fn run<T: Hash>(self, mut attempt: impl FnMut(&[u8]) -> T) -> Tried {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz").join(self.name);
        if let Some(alone) = env::var_os("CLOUDTALLY_FUZZ_INPUT").map(PathBuf::from) {
            return self.run_alone(&alone, attempt);
        }
        fs::create_dir_all(&kept).expect("the folder of inputs that fail is made");
        let seed = number("CLOUDTALLY_FUZZ_SEED").unwrap_or(1);
        let seconds = number("CLOUDTALLY_FUZZ_SECONDS");
        let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));

        let mut inputs = self.corpus();
        let (corpus, mut seen) = (inputs.len(), HashSet::new());
        let mut dice = Dice::new(seed);
        let mut tried = Tried { corpus, rounds: 0, found: 0 };
        let started = Instant::now();
        let running =
            File::options().create(true).truncate(false).write(true).open(kept.join(RUNNING));
        let mut running = running.expect("the file of the input that is tried is opened");
        for input in &inputs {
            seen.insert(attempted(&kept, &mut running, "corpus", input, &mut attempt));
        }
        while end.map_or(tried.rounds < self.rounds, |end| Instant::now() < end) {
            let input = mutate(&inputs, self.words, INPUT_BYTES_MAX, &mut dice);
            let name = format!("{seed}-{}", tried.rounds);
            let is_new = seen.insert(attempted(&kept, &mut running, &name, &input, &mut attempt));
            tried.rounds += 1;
            if is_new && inputs.len() < corpus + FOUND_MAX {
                tried.found += 1;
                inputs.push(input);
            }
        }
        // What stays says that a process ended in the middle.
        drop(fs::remove_file(kept.join(RUNNING)));
        println!(
            "fuzz target {}: seed {seed}, {corpus} files of the corpus, {} mutations, {} of them new, {} ms",
            self.name,
            tried.rounds,
            tried.found,
            started.elapsed().as_millis()
        );
        tried
    }

    /// Tries one file, if it is of this target.
    fn run_alone<T: Hash>(&self, file: &Path, mut attempt: impl FnMut(&[u8]) -> T) -> Tried {
        let folder = file.parent().and_then(Path::file_name);
        if folder.is_some_and(|name| name == self.name) {
            let input = fs::read(file).expect("the input of CLOUDTALLY_FUZZ_INPUT is read");
            attempt(&input);
        }
        Tried { corpus: 1, rounds: 0, found: 0 }
    }

    /// The files of the corpus, in order of their names.
    fn corpus(&self) -> Vec<Vec<u8>> {
        let folder = Path::new(self.corpora).join(self.name);
        let listed = fs::read_dir(&folder);
        let listed = listed.unwrap_or_else(|e| panic!("no corpus {}: {e}", folder.display()));
        let mut files: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).collect();
        files.sort();
        assert!(!files.is_empty(), "the corpus {} is empty", folder.display());
        let read = |file: &PathBuf| fs::read(file).expect("a file of the corpus is read");
        files.iter().map(read).collect()
    }
}

/// The name of the input that is being tried.
const RUNNING: &str = "running.input";

/// Tries one input, and returns a number for what the target saw.
fn attempted<T: Hash>(
    kept: &Path,
    running: &mut File,
    name: &str,
    input: &[u8],
    attempt: &mut impl FnMut(&[u8]) -> T,
) -> u64 {
    // In place: a file that is made anew each time waits for the disk.
    let written = running.rewind().and_then(|()| running.write_all(input));
    let written = written.and_then(|()| running.set_len(input.len() as u64));
    written.expect("the input that is tried is written");
    match catch_unwind(AssertUnwindSafe(|| attempt(input))) {
        Ok(saw) => {
            let mut hasher = DefaultHasher::new();
            saw.hash(&mut hasher);
            hasher.finish()
        }
        Err(panic) => {
            let path = kept.join(format!("{name}.input"));
            fs::write(&path, input).expect("the input that failed is written");
            drop(fs::remove_file(kept.join(RUNNING)));
            let path = fs::canonicalize(&path).unwrap_or(path);
            eprintln!(
                "input that failed: {0}; try it alone with CLOUDTALLY_FUZZ_INPUT={0}",
                path.display()
            );
            resume_unwind(panic)
        }
    }
}

/// A number of the environment.
fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is `{text}`; give a whole number")))
}

/// The kind of a reason: its words, without the values that it quotes and its numbers.
pub fn kind_of(reason: &str) -> String {
    let outside = reason.split('`').step_by(2);
    outside.flat_map(str::chars).filter(|c| !c.is_ascii_digit()).take(200).collect()
}

#[cfg(test)]
mod tests;
