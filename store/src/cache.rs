//! A small cache that forgets what was used longest ago once it grows too big.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Values by the path of an immutable file, bounded by their size in bytes.
pub(crate) struct Cache<V> {
    entries: Mutex<Entries<V>>,
    bytes_max: usize,
}

struct Entries<V> {
    by_path: HashMap<PathBuf, Entry<V>>,
    bytes: usize,
    clock: u64,
}

struct Entry<V> {
    value: V,
    bytes: usize,
    last_used: u64,
}

impl<V: Clone> Cache<V> {
    /// An empty cache of at most `bytes_max` bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        let entries = Entries { by_path: HashMap::new(), bytes: 0, clock: 0 };
        Self { entries: Mutex::new(entries), bytes_max }
    }

    /// The value of a path, if it is remembered.
    pub(crate) fn get(&self, path: &Path) -> Option<V> {
        let mut entries = self.lock();
        entries.clock += 1;
        let clock = entries.clock;
        let entry = entries.by_path.get_mut(path)?;
        entry.last_used = clock;
        Some(entry.value.clone())
    }

    /// Remembers a value of `bytes` bytes; one larger than the cache is not kept.
    pub(crate) fn put(&self, path: &Path, value: V, bytes: usize) {
        if bytes > self.bytes_max {
            return;
        }
        let mut entries = self.lock();
        entries.clock += 1;
        let entry = Entry { value, bytes, last_used: entries.clock };
        entries.bytes += bytes;
        if let Some(replaced) = entries.by_path.insert(path.to_owned(), entry) {
            entries.bytes -= replaced.bytes;
        }
        if entries.bytes > self.bytes_max {
            entries.shrink(self.bytes_max / 4 * 3);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries<V>> {
        // A panic elsewhere leaves at worst a wrong count of bytes.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Entries<V> {
    /// Forgets the longest unused until `bytes_max` are left: a quarter at a time,
    /// so that the sorting is paid for by many insertions.
    fn shrink(&mut self, bytes_max: usize) {
        let mut by_age: Vec<(u64, PathBuf)> =
            self.by_path.iter().map(|(path, entry)| (entry.last_used, path.clone())).collect();
        by_age.sort_unstable();
        for (_, path) in by_age {
            if self.bytes <= bytes_max {
                break;
            }
            if let Some(entry) = self.by_path.remove(&path) {
                self.bytes -= entry.bytes;
            }
        }
    }
}

impl<V> fmt::Debug for Cache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("bytes_max", &self.bytes_max).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_what_was_used_longest_ago() {
        let cache = Cache::new(40);
        for (name, value) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
            cache.put(Path::new(name), value, 10);
        }
        assert_eq!(cache.get(Path::new("a")), Some(1));
        cache.put(Path::new("e"), 5, 10);
        let kept: Vec<_> = ["a", "b", "c", "d", "e"].map(|n| cache.get(Path::new(n))).to_vec();
        assert_eq!(kept, [Some(1), None, None, Some(4), Some(5)]);
        cache.put(Path::new("huge"), 6, 41);
        assert_eq!(cache.get(Path::new("huge")), None);
    }
}
