//! Scenarios: texts of commands, clock steps and expected answers, under
//! `tests/scenarios`. Adding one needs no Rust.
//!
//! ```text
//! # comment
//! cloud ready | cloud empty        what the cloud has at first; first line, `ready` unless said
//! as alice                         who calls from here on; the root admin at first
//! createDomain name=sales -> d     runs a command, and its job to the end; $d is the answer's id
//! createZone name="a b" -> z       values with spaces stand in quotes; there `\n` ends a line
//! begin startVirtualMachine id=$v -> j  begins a job and lets it be; $j is the job's id
//! updateZone id=$z name=b          names of earlier answers stand for their ids
//! keep nic.id -> nic               $nic is the first value at a path of the last answer
//! pick type=ROOT -> root           $root is the id of the item of the last list with this field
//! = name b                         a field of the last answer, `.` goes into objects and lists
//! = count 2                        how many items the last list has
//! = state Running Stopped          one field of all items of the last list
//! ~ description "of web"           a field of the last answer with this piece in it
//! - displaytext                    a field that is not there
//! type size number                 what a field is: number, flag, text or date
//! ! 431 already createDomain ..    a command that is refused with this code and piece of text
//! ! 431 "id value=$z due" ..       names stand for their ids there, too
//! pass 3600                        seconds go by
//! restart                          the process ends and begins again
//! usage VM.CREATE VM.START         the usage events since the last `usage`; alone: none
//! billed alice                     what the last `usage` told is billed to accounts so named
//! ```
//!
//! All lines that fail are told, not the first alone. A command counts as shown when
//! some scenario runs it with success; a list when it lists something.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
    path::PathBuf,
};

use cloudtally_platform::{
    TABLES, col,
    engine::{Answer, Node, Resource, ResourceId, Start},
    table::{Kind, ParamType, Verb},
};

use crate::support::Lab;

/// Commands that the server itself answers: its tests call them over the port.
fn is_of_the_server(verb: &Verb) -> bool {
    matches!(verb, Verb::Front(_))
}

struct Play {
    lab: Lab,
    user: String,
    names: BTreeMap<String, String>,
    last: Node,
    /// The events that the last `usage` line told.
    told_usage: Range<usize>,
    shown: BTreeSet<String>,
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
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => is_quoted = !is_quoted,
            '\\' if is_quoted && rest.next_if_eq(&'n').is_some() => word.push('\n'),
            ' ' if !is_quoted => {
                words.extend(Some(std::mem::take(&mut word)).filter(|w| !w.is_empty()))
            }
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

/// The value of a field.
fn type_of(node: &Node) -> &'static str {
    match node {
        Node::Null => "nothing",
        Node::Bool(_) => "flag",
        Node::Int(_) => "number",
        Node::Text(_) => "text",
        Node::Date(_) => "date",
        Node::List(_) => "list",
        Node::Object(_) | Node::Map(_) => "object",
    }
}

/// The outcome of a line: nothing, or what was not so.
type Line = Result<(), String>;

fn same(found: &str, expected: &str, of: &Node) -> Line {
    if found == expected { Ok(()) } else { Err(format!("it is `{found}` in {of:?}")) }
}

impl Play {
    /// A word with the ids of earlier answers in place of their names.
    fn meant(&self, word: &str) -> Result<String, String> {
        let parts: Result<Vec<&str>, String> = word
            .split(',')
            .map(|part| match part.strip_prefix('$') {
                Some(name) => self
                    .names
                    .get(name)
                    .map(String::as_str)
                    .ok_or_else(|| format!("no answer was named {name}")),
                None => Ok(part),
            })
            .collect();
        Ok(parts?.join(","))
    }

    /// A piece of a text, with ids in place of the names behind `=`.
    fn told(&self, piece: &str) -> Result<String, String> {
        let word = |word: &str| match word.split_once('=') {
            Some((name, value)) => Ok(format!("{name}={}", self.meant(value)?)),
            None => Ok(word.to_owned()),
        };
        Ok(piece.split(' ').map(word).collect::<Result<Vec<_>, String>>()?.join(" "))
    }

    fn params(&self, words: &[String]) -> Result<Vec<(String, String)>, String> {
        let pair = |word: &String| {
            let (name, value) =
                word.split_once('=').ok_or_else(|| format!("no parameter: {word}"))?;
            Ok((name.to_owned(), self.meant(value)?))
        };
        words.iter().map(pair).collect()
    }

    /// Runs a command and, if it makes one, its job: what it answers or why it is
    /// refused.
    fn run(&mut self, words: &[String]) -> Result<Result<(), (u16, String)>, String> {
        let (name, params) = words.split_first().ok_or("no command")?;
        if !TABLES.commands().any(|command| command.name == name) {
            return Err(format!("there is no command {name}"));
        }
        let params = self.params(params)?;
        let params: Vec<(&str, &str)> =
            params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let caller = self.lab.user(&self.user);
        let answer = match self.lab.run(caller, name, &params) {
            Ok(answer) => answer,
            Err(refused) => return Ok(Err(refused)),
        };
        self.last = answer;
        if !matches!(&self.last, Node::List(items) if items.is_empty()) {
            self.shown.insert(name.clone());
        }
        Ok(Ok(()))
    }

    /// Names a value for the lines to come.
    fn keep(&mut self, name: Option<String>, value: Option<String>) -> Line {
        let name = name.ok_or("no name: end the line with `-> name`")?;
        let value = value.ok_or_else(|| format!("there is none in {:?}", self.last))?;
        self.names.insert(name, value);
        Ok(())
    }

    fn line(&mut self, line: &str) -> Line {
        let mut words = words(line);
        let name = match words.iter().position(|word| word == "->") {
            Some(at) => words.drain(at..).nth(1),
            None => None,
        };
        let path = words.get(1).map_or("", String::as_str);
        match words[0].as_str() {
            "as" => self.user = path.to_owned(),
            "pass" => self.lab.pass(path.parse().map_err(|_| "no number of seconds")?),
            "restart" => {
                let lab = std::mem::replace(&mut self.lab, Lab::new(Start::Empty));
                self.lab = lab.restart();
            }
            "usage" => {
                let all = self.lab.usage_types();
                let new = all[self.told_usage.end..].join(" ");
                self.told_usage = self.told_usage.end..all.len();
                return same(&new, &words[1..].join(" "), &Node::Null);
            }
            "billed" => {
                let events = self.lab.memory.usage();
                for event in &events[self.told_usage.clone()] {
                    let world = self.lab.cloud.world();
                    let account = world.any(ResourceId(event.account.0));
                    let name = account.map_or("nobody", |account| account.text(col::NAME));
                    if !name.starts_with(path) {
                        return Err(format!("{} is billed to {name}", event.event_type));
                    }
                }
            }
            "begin" => {
                let params = self.params(&words[2..])?;
                let params: Vec<(&str, &str)> =
                    params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let answer = self.lab.call(self.lab.user(&self.user), path, &params);
                let job = match answer.map_err(|refused| refused.text)? {
                    Answer::Job { job, .. } => Some(job),
                    _ => None,
                };
                return self.keep(name, job);
            }
            "keep" => {
                let value = at(&self.last, path).first().map(|node| shown(node));
                return self.keep(name, value);
            }
            "pick" => {
                let (field, wanted) = path.split_once('=').ok_or("write pick field=value")?;
                let wanted = self.meant(wanted)?;
                let Node::List(items) = &self.last else { return Err("no list".into()) };
                let is_it = |item: &&Node| at(item, field).iter().any(|node| shown(node) == wanted);
                let found = items.iter().find(is_it).and_then(|item| item.field("id")).map(shown);
                return self.keep(name, found);
            }
            "=" if path == "count" && words.len() == 3 => {
                let Node::List(items) = &self.last else {
                    return Err(format!("no list: {:?}", self.last));
                };
                return same(&items.len().to_string(), &words[2], &self.last);
            }
            "=" => {
                let found: Vec<String> = at(&self.last, path).into_iter().map(shown).collect();
                let expected: Result<Vec<String>, String> =
                    words[2..].iter().map(|word| self.meant(word)).collect();
                return same(&found.join(" "), &expected?.join(" "), &self.last);
            }
            "~" => {
                let piece = self.meant(words.get(2).ok_or("no piece of text")?)?;
                if !at(&self.last, path).into_iter().any(|node| shown(node).contains(&piece)) {
                    return Err(format!("not in {:?}", self.last));
                }
            }
            "-" => {
                let found: Vec<String> = at(&self.last, path).into_iter().map(shown).collect();
                return same(&found.join(" "), "", &self.last);
            }
            "type" => {
                let found = at(&self.last, path).first().map_or("missing", |node| type_of(node));
                return same(found, words.get(2).ok_or("no type")?, &self.last);
            }
            "!" => {
                let [_, code, piece, command @ ..] = words.as_slice() else {
                    return Err("write ! code piece command".into());
                };
                let piece = self.told(piece)?;
                match self.run(command)? {
                    Ok(()) => return Err("it is not refused".into()),
                    Err((status, why)) if status.to_string() != *code || !why.contains(&piece) => {
                        return Err(format!("{status} {why}"));
                    }
                    Err(_) => {}
                }
            }
            _ => {
                self.run(&words)?.map_err(|(code, why)| format!("{code} {why}"))?;
                if name.is_some() {
                    let id = at(&self.last, "id").first().map(|node| shown(node));
                    return self.keep(name, id);
                }
            }
        }
        Ok(())
    }
}

/// Plays a scenario: the commands it shows, and the lines that did not come true.
fn play(file: &str, text: &str) -> (BTreeSet<String>, Vec<String>) {
    let (play, failed) = played(file, text);
    (play.shown, failed)
}

fn played(file: &str, text: &str) -> (Play, Vec<String>) {
    let is_empty = text.lines().any(|line| line == "cloud empty");
    let lab = Lab::new(if is_empty { Start::Empty } else { Start::Ready });
    let mut play = Play {
        told_usage: lab.usage_types().len()..lab.usage_types().len(),
        lab,
        user: "admin".to_owned(),
        names: BTreeMap::new(),
        last: Node::Null,
        shown: BTreeSet::new(),
    };
    let mut failed = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with("cloud ") {
            continue;
        }
        // Where a line ends the test itself, the last one told is it.
        println!("{file}:{}: {line}", number + 1);
        if let Err(why) = play.line(line) {
            failed.push(format!("{file}:{}: {line}\n    {why}", number + 1));
        }
    }
    (play, failed)
}

#[test]
fn all_scenarios_play_as_written() {
    let all = scenarios();
    assert!(!all.is_empty());
    let failed: Vec<String> = all.iter().flat_map(|(file, text)| play(file, text).1).collect();
    assert!(failed.is_empty(), "{} lines:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn every_built_command_has_a_scenario() {
    let shown: BTreeSet<String> =
        scenarios().iter().flat_map(|(file, text)| play(file, text).0).collect();
    let missing: Vec<&str> = TABLES
        .commands()
        .filter(|command| command.is_built() && !is_of_the_server(&command.verb))
        .map(|command| command.name)
        .filter(|name| !shown.contains(*name))
        .collect();
    assert!(missing.is_empty(), "{} without one: {missing:?}", missing.len());
}

/// Lists that tell what is left of a removed resource, in place of nothing.
const TELL_OF_REMOVED: &[(&str, &str)] = &[("listSnapshots", "volumeid")];

/// Each list by each parameter that names a resource which one of the scenarios has removed.
#[test]
fn a_list_by_what_is_gone_is_empty() {
    let mut walked = BTreeSet::new();
    for (file, text) in scenarios() {
        let lab = played(&file, &text).0.lab;
        let gone: BTreeMap<Kind, (bool, String)> = {
            let world = lab.cloud.world();
            let removed = Kind::ALL.iter().flat_map(|kind| {
                world.removed_too(*kind).filter(|resource| resource.removed.is_some()).last()
            });
            let told =
                |resource: &Resource| (resource.spec().leaves_nothing, resource.uuid.to_string());
            removed.map(|resource| (resource.kind, told(resource))).collect()
        };
        for command in TABLES.commands().filter(|command| command.is_built() && command.is_list()) {
            for param in command.params_all() {
                let (ParamType::Id(kind) | ParamType::IdOrNumber(kind)) = param.ty else {
                    continue;
                };
                let Some((leaves_nothing, uuid)) = gone.get(&kind) else { continue };
                if is_of_the_server(&command.verb)
                    || TELL_OF_REMOVED.contains(&(command.name, param.name))
                {
                    continue;
                }
                let mut params = vec![(param.name, uuid.as_str())];
                if command.name == "listTemplates" {
                    params.push(("templatefilter", "all"));
                }
                let what = format!("{file}: {} {params:?}", command.name);
                match lab.run(lab.root(), command.name, &params) {
                    Ok(Node::List(items)) if items.is_empty() && !leaves_nothing => {}
                    Err((431, why)) if *leaves_nothing && why.contains(uuid) => {}
                    Err((431, why)) if why.contains("missing parameter") => continue,
                    other => panic!("{what}: {other:?}"),
                }
                walked.insert((command.name, param.name));
            }
        }
    }
    assert!(walked.len() > 60, "{} {walked:?}", walked.len());
}

/// The runner itself: what it must not let pass.
#[test]
fn a_line_that_is_not_true_is_told() {
    for (text, piece) in [
        ("listDomains\n= count 2", "it is `1`"),
        ("listDomains\n= name roof", "it is `ROOT`"),
        ("listDomains\n- name", "it is `ROOT`"),
        ("listDomains\n~ name roof", "not in"),
        ("listDomains\ntype level text", "it is `number`"),
        ("listDomains\npick name=roof -> d", "there is none"),
        ("listDomains\nkeep roof -> d", "there is none"),
        ("listDomains id=$d", "no answer was named d"),
        ("listDomain", "no command listDomain"),
        ("deleteDomain", "431"),
        ("! 431 x listDomains", "it is not refused"),
        ("! 430 missing deleteDomain", "431"),
        ("! 431 roof deleteDomain", "missing parameter"),
        ("usage VM.CREATE", "it is ``"),
    ] {
        let (_, failed) = play("text", &format!("cloud empty\n{text}"));
        assert!(failed.len() == 1 && failed[0].contains(piece), "{text}: {failed:?}");
    }
}
