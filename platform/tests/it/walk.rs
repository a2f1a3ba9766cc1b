//! Walks over all rows: what every command does with parameters that are missing,
//! of the wrong type or of resources that are not there.

use std::collections::BTreeSet;

use cloudtally_platform::{
    TABLES,
    engine::Start,
    table::{Command, MapForm, Param, ParamType, Verb},
};

use crate::support::Lab;

/// Commands that the server itself answers are walked over its port.
fn is_ours(command: &&Command) -> bool {
    command.is_built() && !matches!(command.verb, Verb::Front(_))
}

fn refused(lab: &Lab, command: &Command, params: &[(&str, &str)]) -> (u16, String) {
    let answer = lab.run(lab.root(), command.name, params);
    answer.expect_err(&format!("{} {params:?}", command.name))
}

#[test]
fn a_missing_parameter_is_named() {
    let lab = Lab::new(Start::Empty);
    let mut walked = 0;
    for command in TABLES.commands().filter(is_ours) {
        let Some(first) = command.params_all().find(|param| param.required) else { continue };
        let (code, why) = refused(&lab, command, &[]);
        assert_eq!(code, 431, "{}", command.name);
        let expected = format!(
            "Unable to execute API command {} due to missing parameter {}",
            command.name.to_lowercase(),
            first.name
        );
        assert_eq!(why, expected);
        walked += 1;
    }
    assert!(walked > 150, "{walked}");
}

/// A value that a parameter cannot take, if there is one.
fn wrong_value(param: &Param) -> Option<(String, String, u16)> {
    let name = param.name.to_owned();
    Some(match param.ty {
        ParamType::Int
        | ParamType::Short
        | ParamType::Long
        | ParamType::Region
        | ParamType::IdOrNumber(_) => (name, "12x".into(), 431),
        ParamType::Date => (name, "31/12/2026".into(), 431),
        ParamType::Moment => (name, "yesterday".into(), 431),
        ParamType::Id(_) | ParamType::IdOf(_) | ParamType::AnyId | ParamType::IdList(_) => {
            (name, "00000000-0000-0000-0000-000000000000".into(), 431)
        }
        ParamType::Str | ParamType::Secret | ParamType::Password => {
            (name, "x".repeat(usize::try_from(param.length_max).unwrap() + 1), 431)
        }
        ParamType::NetworkDomain => (name, "no-good-.example".into(), 431),
        ParamType::Map(MapForm::Fields(_)) => (format!("{name}[0].nosuchfield"), "x".into(), 431),
        ParamType::Map(MapForm::Free) => (format!("{name}[0][1]"), "x".into(), 430),
        // The server itself reads dates of usage and ids in bills.
        ParamType::Bool | ParamType::List | ParamType::UsageDate | ParamType::BilledId(_) => {
            return None;
        }
    })
}

#[test]
fn a_wrong_value_is_named_with_its_parameter() {
    let lab = Lab::new(Start::Empty);
    let mut walked = 0;
    for command in TABLES.commands().filter(is_ours) {
        for param in command.params_all() {
            let Some((name, value, code)) = wrong_value(param) else { continue };
            let (status, why) = refused(&lab, command, &[(&name, &value)]);
            assert_eq!(status, code, "{} {name}: {why}", command.name);
            assert!(why.contains(param.name), "{} {name}: {why}", command.name);
            let is_secret = matches!(param.ty, ParamType::Secret | ParamType::Password);
            assert!(!is_secret || !why.contains(&value), "{} repeats a secret", command.name);
            walked += 1;
        }
    }
    assert!(walked > 900, "{walked}");
}

/// Words that Go clients look for in the text of an error to learn that a resource is gone.
const GONE: &str = "due to incorrect long value format, or entity does not exist";

#[test]
fn an_unknown_id_is_told_in_the_words_that_clients_look_for() {
    let lab = Lab::new(Start::Empty);
    let mut walked = 0;
    for command in TABLES.commands().filter(is_ours) {
        for param in command.params_all() {
            let values: &[&str] = match param.ty {
                ParamType::Id(_) | ParamType::IdOf(_) | ParamType::AnyId | ParamType::IdList(_) => {
                    &["3c0aff8c-4e0a-4b50-9e51-7d5c1a1f2d40", "3C0AFF8C", "17"]
                }
                ParamType::IdOrNumber(_) => &["3c0aff8c-4e0a-4b50-9e51-7d5c1a1f2d40", "987654321"],
                _ => continue,
            };
            for value in values {
                let (status, why) = refused(&lab, command, &[(param.name, value)]);
                let words = format!("Invalid parameter {} value={value} {GONE}: ", param.name);
                assert!(status == 431 && why.starts_with(&words), "{}: {why}", command.name);
                assert!(why.len() > words.len(), "{} does not say what: {why}", command.name);
            }
            walked += 1;
        }
    }
    assert!(walked > 350, "{walked}");
}

/// Every row with a domain of networks, at the bounds of what DNS takes.
#[test]
fn domains_of_networks_are_checked_everywhere() {
    let lab = Lab::new(Start::Empty);
    let label = "a".repeat(63);
    let long = [label.as_str(); 3].join(".");
    let good = ["cs1.internal", "x", "10.example", "a--b.c", label.as_str(), &long[..190]];
    let bad = [
        "-a.example",
        "a-.example",
        "a..b",
        ".a",
        "a.",
        "a_b.example",
        "a b",
        "é.example",
        "a/b",
        &"a".repeat(64),
        &long,
    ];
    let mut walked = BTreeSet::new();
    for command in TABLES.commands().filter(is_ours) {
        for param in command.params_all().filter(|param| param.ty == ParamType::NetworkDomain) {
            for value in bad {
                let (code, why) = refused(&lab, command, &[(param.name, value)]);
                let words = format!("Invalid parameter {} value={value}: expected", param.name);
                assert!(code == 431 && why.contains(&words), "{} {why}", command.name);
            }
            for value in good {
                let (_, why) = refused(&lab, command, &[(param.name, value)]);
                assert!(!why.contains(param.name), "{} {value}: {why}", command.name);
            }
            walked.insert(command.name);
        }
    }
    let expected = [
        "createAccount",
        "createDomain",
        "createNetwork",
        "createVPC",
        "createZone",
        "updateAccount",
        "updateDomain",
        "updateNetwork",
        "updateZone",
    ];
    assert_eq!(walked.into_iter().collect::<Vec<_>>(), expected);
    let untyped = TABLES
        .commands()
        .flat_map(|command| command.params_all())
        .filter(|param| param.name == "networkdomain" && param.ty != ParamType::NetworkDomain);
    assert_eq!(untyped.count(), 0);
}

#[test]
fn minus_one_is_all_only_where_the_row_says_so() {
    let lab = Lab::new(Start::Empty);
    let mut walked = 0;
    for command in TABLES.commands().filter(is_ours) {
        let is_id = |param: &&Param| {
            matches!(param.ty, ParamType::Id(_) | ParamType::IdOf(_) | ParamType::AnyId)
                && !param.takes_all
        };
        for param in command.params_all().filter(is_id) {
            let (status, why) = refused(&lab, command, &[(param.name, "-1")]);
            assert_eq!(status, 431, "{} {}: {why}", command.name, param.name);
            assert!(why.contains(param.name), "{} {}: {why}", command.name, param.name);
            walked += 1;
        }
    }
    assert!(walked > 300, "{walked}");
}

#[test]
fn every_list_of_a_new_cloud_answers_for_every_role() {
    let lab = Lab::new(Start::Ready);
    lab.account("chief", "2", None);
    lab.account("clerk", "0", None);
    let mut walked = 0;
    for command in TABLES.commands().filter(is_ours) {
        let takes_nothing = command.params_all().all(|param| !param.required);
        if !matches!(command.verb, Verb::List { .. } | Verb::Read(_)) || !takes_nothing {
            continue;
        }
        for user in ["admin", "chief", "clerk"] {
            let caller = lab.user(user);
            let answer = lab.run(caller, command.name, &[]);
            let expected: &[u16] = match command.roles.contains(caller.role) {
                // Some say which of several parameters they want one of.
                true => &[200, 431],
                false => &[401],
            };
            let code = answer.as_ref().map_or_else(|(code, _)| *code, |_| 200);
            assert!(expected.contains(&code), "{user} {}: {answer:?}", command.name);
            walked += 1;
        }
    }
    assert!(walked > 150, "{walked}");
}

#[test]
fn the_list_of_commands_not_built_yet_is_true() {
    let listed: BTreeSet<String> = include_str!("../../../tests/fixtures/commands-not-yet.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let not_yet: BTreeSet<String> = TABLES
        .commands()
        .filter(|command| !command.is_built() && !command.is_gone())
        .map(|command| command.name.to_owned())
        .collect();
    let built: Vec<&String> = listed.difference(&not_yet).collect();
    assert!(built.is_empty(), "take these off the list, they are built: {built:?}");
    let new: Vec<&String> = not_yet.difference(&listed).collect();
    assert!(new.is_empty(), "the list may only shrink, but these are not built: {new:?}");
}
