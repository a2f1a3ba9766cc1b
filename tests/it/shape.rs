//! The shape of the code: the folders of `platform` import only downwards, and no files of
//! a crate import one another in a circle of more than two. Doc comments are plain.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::support::{repository, sources_in};

/// Crates whose files import one another in pairs at most.
const WITHOUT_CIRCLES: [&str; 11] = [
    "model",
    "oracle",
    "generator",
    "engine",
    "platform",
    "store",
    "ingest",
    "aggregate",
    "serve",
    "fuzz",
    ".",
];

/// Folders whose doc comments begin with a verb or a noun.
const WITH_PLAIN_DOCS: [&str; 13] = [
    "model",
    "oracle",
    "generator",
    "engine",
    "platform",
    "store",
    "ingest",
    "aggregate",
    "serve",
    "fuzz",
    "src",
    "tests",
    "benches",
];

/// The words that no line of a doc comment begins with: they make a riddle of it.
const RIDDLES: [&str; 8] = ["What", "Who", "Whose", "Whether", "Which", "Where", "How", "When"];

/// The folders and files of `platform/src`, from the ground up: each imports those before it.
const LAYERS: [&str; 20] = [
    "col",
    "state",
    "facts",
    "front",
    "words",
    "meanings",
    "parse",
    "desk",
    "offering",
    "site",
    "network",
    "storage",
    "identity",
    "compute",
    "devices",
    "operations",
    "seed",
    "tables",
    "tenants",
    "",
];

/// The path of a module or an item inside its crate: `["site", "host"]`.
type Name = Vec<String>;

/// The modules of a crate with what each imports.
struct Modules {
    files: BTreeMap<Name, PathBuf>,
    /// For each module the modules that its `use` lines name.
    imports: BTreeMap<Name, BTreeSet<Name>>,
}

impl Modules {
    fn of(krate: &str) -> Self {
        let root = repository().join(krate).join("src");
        let mut paths = Vec::new();
        sources_in(&root, &mut paths);
        let files: BTreeMap<Name, PathBuf> =
            paths.into_iter().map(|path| (module(&root, &path), path)).collect();
        let sources: BTreeMap<&Name, Vec<Use>> = files
            .iter()
            .map(|(name, path)| (name, uses(&fs::read_to_string(path).unwrap())))
            .collect();
        // A folder's `pub use child::item` makes the item a name of the folder; whoever
        // imports that name depends on the child.
        let mut aliases: BTreeMap<Name, Option<Name>> = BTreeMap::new();
        for (name, uses) in &sources {
            for used in uses.iter().filter(|used| used.is_public) {
                let mut alias = (*name).clone();
                alias.push(used.name.clone());
                aliases.insert(alias, absolute(name, &used.path, &files));
            }
        }
        let mut imports = BTreeMap::new();
        for (name, uses) in &sources {
            let targets = uses.iter().filter(|used| !used.is_public).filter_map(|used| {
                let path = follow(absolute(name, &used.path, &files)?, &aliases)?;
                let target = (0..=path.len()).rev().map(|n| path[..n].to_vec());
                target.into_iter().find(|name| files.contains_key(name))
            });
            // The rows of the engine hold functions, and so name what these are handed.
            let is_row =
                |name: &Name| krate == "engine" && name.first().is_some_and(|f| f == "table");
            let targets: BTreeSet<Name> = targets
                .filter(|target| target != *name && (!is_row(name) || is_row(target)))
                .collect();
            imports.insert((*name).clone(), targets);
        }
        Self { files, imports }
    }

    /// The largest sets of modules each of which reaches all others.
    fn circles(&self) -> Vec<BTreeSet<&Name>> {
        let reach: BTreeMap<&Name, BTreeSet<&Name>> =
            self.files.keys().map(|from| (from, self.reached(from))).collect();
        let mut circles: Vec<BTreeSet<&Name>> = Vec::new();
        for from in self.files.keys() {
            let circle: BTreeSet<&Name> =
                reach[from].iter().copied().filter(|to| reach[*to].contains(from)).collect();
            if circle.len() > 1 && !circles.contains(&circle) {
                circles.push(circle);
            }
        }
        circles
    }

    fn reached<'a>(&'a self, from: &'a Name) -> BTreeSet<&'a Name> {
        let mut reached = BTreeSet::new();
        let mut left = vec![from];
        while let Some(name) = left.pop() {
            for to in &self.imports[name] {
                if reached.insert(to) {
                    left.push(to);
                }
            }
        }
        reached
    }
}

/// One item that a `use` line names.
struct Use {
    path: Name,
    /// The name it has from then on.
    name: String,
    is_public: bool,
}

fn module(root: &Path, path: &Path) -> Name {
    let inside = path.strip_prefix(root).unwrap().with_extension("");
    let mut name: Name = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if matches!(name.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        name.pop();
    }
    name
}

/// The `use` lines at the left margin: those of tests inside a file stand further right.
fn uses(text: &str) -> Vec<Use> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("use ") {
        let line_start = rest[..at].rfind('\n').map_or(0, |n| n + 1);
        let before = &rest[line_start..at];
        let end = rest[at..].find(';').map_or(rest.len(), |n| at + n);
        if before.is_empty() || before == "pub " || before == "pub(crate) " {
            let tree: String = rest[at + 4..end].split_whitespace().collect::<Vec<_>>().join(" ");
            let mut paths = Vec::new();
            expand(&[], &tree, &mut paths);
            let is_public = !before.is_empty();
            found.extend(paths.into_iter().map(|(path, name)| Use { path, name, is_public }));
            rest = &rest[end..];
        } else {
            rest = &rest[at + 4..];
        }
    }
    found
}

/// Takes a tree such as `a::{b, c::d as e}` apart into paths and their names.
fn expand(prefix: &[String], tree: &str, into: &mut Vec<(Name, String)>) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(p, a)| (p, Some(a)));
        let parts = path.split("::").map(|part| part.trim().to_owned());
        let mut path: Name = prefix.iter().cloned().chain(parts).collect();
        if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
            path.pop();
        }
        let name = alias.or(path.last().map(String::as_str)).unwrap_or_default().to_owned();
        into.push((path, name));
        return;
    };
    let head = tree[..open].split("::").map(|part| part.trim().to_owned());
    let prefix: Name = prefix.iter().cloned().chain(head.filter(|part| !part.is_empty())).collect();
    let (mut depth, mut from) = (0, open + 1);
    for (at, letter) in tree.char_indices().skip(open + 1) {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                if !tree[from..at].trim().is_empty() {
                    expand(&prefix, &tree[from..at], into);
                }
                from = at + 1;
            }
            _ => {}
        }
    }
}

/// The path from the crate's root; none if it leads out of the crate.
fn absolute(of: &Name, path: &Name, files: &BTreeMap<Name, PathBuf>) -> Option<Name> {
    let mut base = of.clone();
    let mut rest = path.as_slice();
    match rest.first()?.as_str() {
        "crate" => (base, rest) = (Vec::new(), &rest[1..]),
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|part| part == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        child => {
            base.push(child.to_owned());
            if !files.contains_key(&base) {
                return None;
            }
            rest = &rest[1..];
        }
    }
    base.extend(rest.iter().cloned());
    Some(base)
}

/// Replaces names that a folder only passes on by the names they stand for.
/// None if that leads out of the crate.
fn follow(mut path: Name, aliases: &BTreeMap<Name, Option<Name>>) -> Option<Name> {
    for _ in 0..8 {
        let known = (1..=path.len()).find_map(|n| Some((n, aliases.get(&path[..n].to_vec())?)));
        let Some((n, target)) = known else { break };
        let rest = path[n..].to_vec();
        path = target.as_ref()?.iter().cloned().chain(rest).collect();
    }
    Some(path)
}

#[test]
fn folders_of_the_platform_import_only_downwards() {
    let modules = Modules::of("platform");
    let floor = |name: &Name| {
        let layer = name.first().map_or("", String::as_str);
        let floor = LAYERS.iter().position(|known| *known == layer);
        floor.unwrap_or_else(|| panic!("the layers do not say where {layer} stands"))
    };
    let mut upward = Vec::new();
    for (from, targets) in &modules.imports {
        for to in targets.iter().filter(|to| floor(to) > floor(from)) {
            upward.push(format!("{} imports {}", from.join("::"), to.join("::")));
        }
    }
    assert!(modules.imports.len() > 100, "{} files", modules.imports.len());
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn no_more_than_two_files_import_one_another() {
    let mut long = Vec::new();
    for krate in WITHOUT_CIRCLES {
        let modules = Modules::of(krate);
        assert!(modules.imports.values().any(|targets| !targets.is_empty()), "{krate}");
        for circle in modules.circles().into_iter().filter(|circle| circle.len() > 2) {
            let names: Vec<String> = circle.iter().map(|name| name.join("::")).collect();
            long.push(format!("{krate}: {}", names.join(", ")));
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

/// True of a line of a doc comment that begins with one of [`RIDDLES`].
fn riddle(line: &str) -> bool {
    let line = line.trim_start();
    let text = line.strip_prefix("/// ").or_else(|| line.strip_prefix("//! "));
    let word = text.and_then(|text| text.split(|c: char| !c.is_ascii_alphanumeric()).next());
    word.is_some_and(|word| RIDDLES.contains(&word))
}

#[test]
fn doc_comments_begin_with_a_verb_or_a_noun() {
    assert!(riddle("    /// What it holds.") && riddle("//! When: now."));
    assert!(!riddle("/// Whatever.") && !riddle("// What a comment may say.") && !riddle("What"));
    let mut riddles = Vec::new();
    for folder in WITH_PLAIN_DOCS {
        let mut paths = Vec::new();
        sources_in(&repository().join(folder), &mut paths);
        assert!(!paths.is_empty(), "{folder}");
        for path in paths {
            let text = fs::read_to_string(&path).unwrap();
            let found = text.lines().zip(1..).filter(|(line, _)| riddle(line));
            riddles.extend(found.map(|(line, at)| format!("{}:{at}: {line}", path.display())));
        }
    }
    assert!(riddles.is_empty(), "{riddles:#?}");
}

#[test]
fn use_lines_are_read_as_the_compiler_reads_them() {
    let text =
        "use std::fs;\nuse super::{a, b::{self, c as d}};\npub(crate) use e::f;\n    use x::y;\n";
    let paths: Vec<(String, bool)> = uses(text)
        .into_iter()
        .map(|used| (format!("{} {}", used.path.join("::"), used.name), used.is_public))
        .collect();
    let expected = [
        ("std::fs fs", false),
        ("super::a a", false),
        ("super::b b", false),
        ("super::b::c d", false),
        ("e::f f", true),
    ];
    assert_eq!(paths, expected.map(|(path, is_public)| (path.to_owned(), is_public)));
}
