//! Scenarios: texts of commands, clock steps and expected answers, under
//! `tests/scenarios`. Adding one needs no Rust.
//!
//! ```text
//! # comment
//! cloud ready | cloud empty        what the cloud has at first; first line, `ready` unless said
//! as alice                         who calls from here on; the root admin at first
//! createDomain name=sales -> d     runs a command, and its job to the end; $d is the answer's id
//! createZone name="a b" -> z       values with spaces stand in quotes
//! updateZone id=$z name=b          names of earlier answers stand for their ids
//! = name b                         a field of the last answer, `.` goes into objects and lists
//! = count 2                        how many items the last list has
//! = state Running Stopped          one field of all items of the last list
//! - displaytext                    a field that is not there
//! ! 431 already createDomain ..    a command that is refused with this code and piece of text
//! pass 3600                        seconds go by
//! restart                          the process ends and begins again
//! usage VM.CREATE VM.START         the usage events since the last `usage`
//! ```

use std::{collections::BTreeMap, fs, path::PathBuf};

use cloudtally_platform::engine::{Answer, Node, Start};

use crate::support::{Lab, refusal};

struct Play {
    lab: Lab,
    user: String,
    names: BTreeMap<String, String>,
    last: Node,
    seen_usage: usize,
    called: Vec<String>,
}

/// The folder of scenarios.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios")
}

/// All scenarios by file name.
fn scenarios() -> Vec<(String, String)> {
    let mut scenarios: Vec<(String, String)> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "txt"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    scenarios.sort();
    scenarios
}

/// Words of a line; quotes hold blanks together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.extend(Some(std::mem::take(&mut word)).filter(|w| !w.is_empty())),
            _ => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// A value as scenarios write it.
fn shown(node: &Node) -> String {
    match node {
        Node::Null => "-".to_owned(),
        Node::Bool(flag) => flag.to_string(),
        Node::Int(number) => number.to_string(),
        Node::Text(text) => text.to_string(),
        Node::Date(at) => at.to_string(),
        Node::List(items) => items.iter().map(shown).collect::<Vec<_>>().join(" "),
        Node::Object(_) => "{}".to_owned(),
        Node::Map(pairs) => {
            pairs.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" ")
        }
    }
}

/// The values at a path: lists are gone through.
fn at<'n>(node: &'n Node, path: &str) -> Vec<&'n Node> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(a, b)| (a, Some(b)));
    match node {
        Node::List(items) => items.iter().flat_map(|item| at(item, path)).collect(),
        _ => match (node.field(first), rest) {
            (Some(found), None) => vec![found],
            (Some(found), Some(rest)) => at(found, rest),
            (None, _) => Vec::new(),
        },
    }
}

impl Play {
    fn params(&self, words: &[String]) -> Vec<(String, String)> {
        words
            .iter()
            .map(|word| {
                let (name, value) =
                    word.split_once('=').unwrap_or_else(|| panic!("no parameter: {word}"));
                let value = value
                    .split(',')
                    .map(|part| match part.strip_prefix('$') {
                        Some(name) => self
                            .names
                            .get(name)
                            .unwrap_or_else(|| panic!("no answer was named {name}"))
                            .clone(),
                        None => part.to_owned(),
                    })
                    .collect::<Vec<_>>()
                    .join(",");
                (name.to_owned(), value)
            })
            .collect()
    }

    fn run(&mut self, words: &[String]) -> Result<(), (u16, String)> {
        let (name, params) = words.split_first().expect("a command");
        let params = self.params(params);
        let params: Vec<(&str, &str)> =
            params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.called.push(name.clone());
        let caller = self.lab.user(&self.user);
        self.last = match self.lab.call(caller, name, &params).map_err(refusal)? {
            Answer::Job { job, .. } => self.lab.finish(&job)?,
            Answer::Object { object, .. } => object,
            Answer::List { items, .. } => Node::List(items),
            Answer::Bare(fields) => Node::Object(fields),
            Answer::Success => Node::Bool(true),
        };
        Ok(())
    }

    fn line(mut self, line: &str) -> Self {
        let mut words = words(line);
        match words[0].as_str() {
            "as" => self.user = words[1].clone(),
            "pass" => self.lab.pass(words[1].parse().unwrap()),
            "restart" => self.lab = self.lab.restart(),
            "usage" => {
                let all = self.lab.usage_types();
                assert_eq!(all[self.seen_usage..].join(" "), words[1..].join(" "));
                self.seen_usage = all.len();
            }
            "=" if words[1] == "count" && words.len() == 3 => {
                let Node::List(items) = &self.last else { panic!("no list: {:?}", self.last) };
                assert_eq!(items.len().to_string(), words[2], "{items:?}");
            }
            "=" => {
                let found: Vec<String> =
                    at(&self.last, &words[1]).into_iter().map(shown).collect();
                let expected: Vec<String> = words[2..]
                    .iter()
                    .map(|word| match word.strip_prefix('$') {
                        Some(name) => self.names[name].clone(),
                        None => word.clone(),
                    })
                    .collect();
                assert_eq!(found.join(" "), expected.join(" "), "{:?}", self.last);
            }
            "-" => {
                assert!(at(&self.last, &words[1]).is_empty(), "{:?}", self.last);
            }
            "!" => {
                let (code, piece) = (words[1].clone(), words[2].clone());
                let (status, why) = self.run(&words[3..]).expect_err("it is not refused");
                assert_eq!(status.to_string(), code, "{why}");
                assert!(why.contains(&piece), "{why}");
            }
            _ => {
                let name = match words.iter().position(|word| word == "->") {
                    Some(at) => Some(words.drain(at..).nth(1).expect("a name")),
                    None => None,
                };
                self.run(&words).unwrap_or_else(|(code, why)| panic!("{code} {why}"));
                if let Some(name) = name {
                    let found = at(&self.last, "id");
                    let id = found.first().unwrap_or_else(|| panic!("no id: {:?}", self.last));
                    self.names.insert(name, shown(id));
                }
            }
        }
        self
    }
}

fn play(file: &str, text: &str) -> Vec<String> {
    let start = if text.contains("\ncloud empty") || text.starts_with("cloud empty") {
        Start::Empty
    } else {
        Start::Ready
    };
    let mut play = Play {
        lab: Lab::new(start),
        user: "admin".to_owned(),
        names: BTreeMap::new(),
        last: Node::Null,
        seen_usage: 0,
        called: Vec::new(),
    };
    play.seen_usage = play.lab.usage_types().len();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with("cloud ") {
            continue;
        }
        // A failing line is found by the last one told.
        println!("{file}:{}: {line}", number + 1);
        play = play.line(line);
    }
    play.called
}

#[test]
fn all_scenarios_play_as_written() {
    let all = scenarios();
    assert!(!all.is_empty());
    for (file, text) in all {
        play(&file, &text);
    }
}
