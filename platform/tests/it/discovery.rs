//! `listApis`: what it tells is what the catalogue says.

use cloudtally_platform::{
    TABLES,
    engine::{Node, Start},
    table::Role,
};

use crate::{
    catalogue::PARAMS_BEYOND_CATALOGUE,
    catalogue::{catalogue, flag, items, text as said},
    support::{Lab, text},
};

fn objects(node: &Node, field: &str) -> Vec<Node> {
    match node.field(field) {
        Some(Node::List(nodes)) => nodes.clone(),
        other => panic!("{field}: {other:?}"),
    }
}

fn names(nodes: &[Node]) -> Vec<String> {
    nodes.iter().map(|node| text(node, "name")).collect()
}

#[test]
fn all_commands_are_told_as_the_catalogue_has_them() {
    let Some(catalogue) = catalogue() else { return };
    let lab = Lab::new(Start::Empty);
    let mut wrong = Vec::new();
    let mut told = 0;
    for (name, entry) in &catalogue {
        let api = lab.one("listApis", &[("name", name)]);
        told += 1;
        let mut params: Vec<(String, String, bool)> = objects(&api, "params")
            .iter()
            .map(|param| {
                assert!(!text(param, "description").is_empty(), "{name}: {param:?}");
                let required = param.field("required") == Some(&Node::Bool(true));
                (text(param, "name"), text(param, "type"), required)
            })
            .filter(|(param, ..)| !PARAMS_BEYOND_CATALOGUE.contains(&(name, param.as_str())))
            .collect();
        params.sort();
        let mut wanted: Vec<(String, String, bool)> = items(entry, "params")
            .iter()
            .map(|param| (said(param, "name"), said(param, "type"), flag(param, "required")))
            .collect();
        wanted.sort();
        if params != wanted {
            wrong.push(format!("{name}: parameters {params:?}, not {wanted:?}"));
        }
        if api.field("isasync") != Some(&Node::Bool(flag(entry, "async"))) {
            wrong.push(format!("{name}: isasync {:?}", api.field("isasync")));
        }
        let shown = names(&objects(&api, "response"));
        let fields = entry["response_fields"].as_array().map_or(&[][..], Vec::as_slice);
        let missing: Vec<&str> = fields
            .iter()
            .filter_map(|field| field.as_str())
            .filter(|field| !shown.iter().any(|shown| shown == field))
            .collect();
        if !missing.is_empty() {
            wrong.push(format!("{name}: the answer lacks {missing:?}"));
        }
    }
    assert_eq!(told, 466);
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

/// Fields without a description, and how many have one.
fn undescribed(fields: &[Node], path: &str, empty: &mut Vec<String>) -> usize {
    let mut told = 0;
    for field in fields {
        let path = format!("{path}.{}", text(field, "name"));
        match field.field("description") {
            Some(Node::Text(words)) if !words.trim().is_empty() => told += 1,
            _ => empty.push(path.clone()),
        }
        if let Some(Node::List(inner)) = field.field("response") {
            told += undescribed(inner, &path, empty);
        }
    }
    told
}

#[test]
fn every_field_of_every_answer_has_a_description() {
    let lab = Lab::new(Start::Empty);
    let Node::List(apis) = lab.ok("listApis", &[]) else { panic!("no list") };
    let mut empty = Vec::new();
    let told: usize = apis
        .iter()
        .map(|api| undescribed(&objects(api, "response"), &text(api, "name"), &mut empty))
        .sum();
    assert!(empty.is_empty(), "{} without a description: {empty:?}", empty.len());
    assert!(told > 4_000, "only {told} fields");
}

#[test]
fn each_role_is_told_what_is_for_it() {
    let lab = Lab::new(Start::Empty);
    lab.account("boss", "2", None);
    lab.account("alice", "0", None);
    for (user, role) in [("boss", Role::DomainAdmin), ("alice", Role::User)] {
        let Node::List(apis) = lab.ok_as(user, "listApis", &[]) else { panic!("no list") };
        let expected = TABLES.commands().filter(|row| row.roles.contains(role)).map(|row| row.name);
        assert!(names(&apis).iter().map(String::as_str).eq(expected), "{user}");
        // What is related to what is for them is for them, too.
        let known = names(&apis);
        for api in &apis {
            let related = text(api, "related");
            let mut related = related.split(',').filter(|name| !name.is_empty());
            assert!(related.all(|name| known.iter().any(|known| known == name)), "{api:?}");
        }
    }
    let zones = lab.one("listApis", &[("name", "listZones")]);
    assert_eq!(text(&zones, "related"), "createZone,updateZone");
    let (code, said) = lab.refused("listApis", &[("name", "listzones")]);
    assert_eq!(code, 431);
    assert!(said.contains("Invalid parameter name value=listzones"), "{said}");
}
