//! The structure of the workspace, as ARCHITECTURE.md states it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use crate::support::{repository, sources_in};

/// All crates of libraries.
const CRATES: [&str; 10] = [
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
];

fn manifest(of: &str) -> String {
    fs::read_to_string(repository().join(of).join("Cargo.toml")).unwrap()
}

/// Names in `[dependencies]` of a crate.
fn dependencies(of: &str) -> Vec<String> {
    let text = manifest(of);
    let section = text.split("[dependencies]").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    let name = |line: &str| line.split(['.', ' ', '=']).next().unwrap().to_owned();
    section
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(name)
        .collect()
}

#[test]
fn light_crates_stay_light() {
    for of in ["model", "oracle", "generator", "engine", "platform"] {
        for heavy in ["tokio", "axum", "rusqlite", "arrow", "parquet", "polars"] {
            assert!(!dependencies(of).iter().any(|name| name == heavy), "{of} depends on {heavy}");
        }
    }
}

#[test]
fn dependencies_point_one_way() {
    for (of, allowed) in [
        ("model", &[][..]),
        ("oracle", &["model"]),
        ("generator", &["model", "oracle"]),
        ("engine", &["model"]),
        ("platform", &["model", "engine"]),
        ("store", &["model"]),
        ("ingest", &["model", "store"]),
        ("aggregate", &["model", "store"]),
        ("serve", &["model", "store", "platform", "ingest", "aggregate"]),
        ("fuzz", &[]),
    ] {
        for name in dependencies(of) {
            if let Some(ours) = name.strip_prefix("cloudtally-") {
                assert!(allowed.contains(&ours), "{of} depends on {ours}");
            }
        }
    }
}

/// The second opinions take plain data of `model` and none of its rules: the calendar,
/// the table of usage types and the segments are what they are held against.
#[test]
fn the_second_opinions_use_no_rule_of_the_first() {
    let rules = [
        "calendar",
        "Calendar",
        "usage_type(",
        "usage_types(",
        "event_code",
        "meters(",
        "KeyParts",
        "Segment",
        "chrono",
    ];
    for of in ["oracle", "generator"] {
        let mut sources = Vec::new();
        sources_in(&repository().join(of).join("src"), &mut sources);
        // Tests may ask the rules what there is to cover.
        sources.retain(|path| !path.components().any(|part| part.as_os_str() == "tests"));
        assert!(sources.len() > 2, "{of}");
        for path in sources {
            let text = fs::read_to_string(&path).unwrap();
            for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                let code = line.split("//").next().unwrap();
                for rule in rules {
                    assert!(!code.contains(rule), "{} uses {rule}: {line}", path.display());
                }
            }
        }
        assert!(!manifest(of).contains("chrono"), "{of} knows the first calendar");
    }
}

#[test]
fn only_aggregate_knows_polars_and_only_serve_axum() {
    for of in CRATES.into_iter().chain(["."]) {
        let text = manifest(of);
        let text =
            if of == "." { text.split("[dependencies]").nth(1).unwrap().to_owned() } else { text };
        // How a crate is optimised is no dependency on it.
        let text = text.split("[profile").next().unwrap();
        assert_eq!(text.contains("polars"), of == "aggregate", "{of}");
        assert_eq!(text.contains("axum"), of == "serve", "{of}");
        assert_eq!(text.contains("rusqlite"), of == "store", "{of}");
    }
}

#[test]
fn sql_stands_in_its_folder_only() {
    let mut sources = Vec::new();
    for of in CRATES.into_iter().chain(["src"]) {
        let folder = repository().join(of);
        sources_in(if of == "src" { folder } else { folder.join("src") }.as_path(), &mut sources);
    }
    assert!(sources.len() > 30);
    for path in sources {
        let text = fs::read_to_string(&path).unwrap();
        for statement in ["SELECT ", "INSERT INTO", "DELETE FROM", "CREATE TABLE"] {
            // Tests may ask the database what its schema is.
            let code = text.split("#[cfg(test)]").next().unwrap();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            let found = lines.into_iter().any(|line| line.contains(statement));
            assert!(!found, "{} holds SQL: {statement}", path.display());
        }
    }
}

/// Faults of a disk strike in `store/src/disk` alone, so whatever went by it would never meet them.
#[test]
fn only_one_place_of_the_store_calls_the_system_about_files() {
    let mut sources = Vec::new();
    sources_in(&repository().join("store/src"), &mut sources);
    sources.retain(|path| !path.components().any(|part| part.as_os_str() == "disk"));
    assert!(sources.len() > 40);
    for path in sources.iter().filter(|path| !path.ends_with("tests.rs")) {
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            // Rights and numbers that a platform shows are types, and no calls.
            let line = line.replace("std::os::unix::fs::", "").replace("use fs::", "");
            let line = line.replace("fs::DirBuilder, ", "");
            for call in ["fs::", "fs,", "fs}", "std::fs", "OpenOptions", "std::fs::File"] {
                let words =
                    line.split(|c: char| c.is_whitespace() || c == '(' || c == '{' || c == '&');
                let found = words.into_iter().any(|word| word.starts_with(call));
                let is_allowed = line.trim() == "fs::DirBuilder,";
                assert!(!found || is_allowed, "{} calls {call}: {line}", path.display());
            }
        }
    }
}

/// The walks of CONTRIBUTING.md would mislead whoever follows them after a file has moved.
/// Names like `closed::closings_change_no_sum` in tables of a page.
fn tests_named(text: &str) -> BTreeSet<(String, String)> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_name = |part: &str| {
        let mut bytes = part.bytes();
        !part.is_empty() && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let named = quoted.filter_map(|quoted| quoted.split_once("::"));
    let named = named.filter(|(file, function)| is_name(file) && is_name(function));
    named.map(|(file, function)| (file.to_owned(), function.to_owned())).collect()
}

#[test]
fn tests_that_the_page_of_trust_names_are_there() {
    let page = fs::read_to_string(repository().join("docs/trust.md")).unwrap();
    let named = tests_named(&page);
    assert!(named.len() > 40, "{named:?}");
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for folder in [".", "aggregate", "store", "serve", "ingest", "platform"] {
        for part in ["tests/it", "src"] {
            let (place, mut paths) = (repository().join(folder).join(part), Vec::new());
            if place.is_dir() {
                sources_in(&place, &mut paths);
            }
            for path in paths {
                let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                files.entry(name).or_default().push_str(&fs::read_to_string(&path).unwrap());
            }
        }
    }
    for (file, function) in named {
        let text = files.get(&file).unwrap_or_else(|| panic!("no file {file}.rs"));
        assert!(text.contains(&format!("fn {function}(")), "{file}.rs has no test {function}");
    }
}

#[test]
fn files_that_contributing_names_are_there() {
    let text = fs::read_to_string(repository().join("CONTRIBUTING.md")).unwrap();
    let endings = [".rs", ".md", ".csv", ".txt", ".toml", ".py", "/"];
    // AREA, NAME and the like stand for names that are chosen by whoever adds a resource.
    let is_placeholder = |path: &str| {
        path.split(['/', '.']).any(|part| part.len() > 2 && part.chars().all(char::is_uppercase))
    };
    let named: Vec<&str> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.contains('/') && !word.contains(' '))
        .filter(|word| endings.iter().any(|ending| word.ends_with(ending)))
        .filter(|path| !is_placeholder(path))
        .collect();
    assert!(named.len() > 15, "{named:?}");
    for path in named {
        assert!(repository().join(path).exists(), "CONTRIBUTING.md names {path}");
    }
}
