//! Walks over all rows of the command table, through the real port: what every
//! command answers without parameters, in both encodings and to every role.
//!
//! The answers in XML and in JSON are taken apart by parsers that are not ours and
//! compared with each other; what refusals say is written out here.

use std::collections::BTreeMap;

use cloudtally_platform::{
    TABLES,
    engine::Start,
    table::{Command, Role, Shape, Verb},
};
use quick_xml::{Reader, XmlVersion, events::Event};
use serde_json::Value;

use crate::support::{Folder, Keys, Reply, Server, at, options_with, root, signed_with};
use cloudtally_serve::Pace;

/// Read once from the 4.2.1 server's own masks.
const ROLES: &str = include_str!("../../../tests/fixtures/roles.csv");
/// Lists that want one of several parameters, none of them for itself.
const ONE_OF_SEVERAL: &[&str] = &["listResourceDetails"];
/// Declared for the reference; to the server it is unknown.
const GONE: &str = "createConfiguration";

/// A cloud that is ready to use, and whose clock stands still.
fn serve(folder: &Folder) -> Server {
    let pace = Pace::Simulated { speed: 0, start: at("2026-01-01 00:00:00") };
    Server::start_with(options_with(&folder.store, "127.0.0.1:0", Start::Ready, pace))
}

/// A signed call in an encoding, with nothing but its name.
fn bare(server: &Server, keys: &Keys, name: &str, response: &str) -> Reply {
    let pairs = [("command", name), ("response", response)];
    server.get(&signed_with(&pairs, &keys.api_key, &keys.secret_key))
}

/// An element of XML: names and order as they come, text unescaped.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Parses a document of one element.
    fn parse(text: &str) -> Self {
        let mut reader = Reader::from_str(text);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().unwrap_or_else(|e| panic!("{e}: {text}")) {
                Event::Decl(_) => {}
                Event::Start(start) => {
                    let name = start.name().as_ref().to_owned();
                    let attribute = |attribute: quick_xml::events::attributes::Attribute<'_>| {
                        let name = attribute.key.as_ref().to_owned();
                        (
                            name,
                            attribute
                                .normalized_value(XmlVersion::Explicit1_0)
                                .unwrap()
                                .into_owned(),
                        )
                    };
                    let attributes = start.attributes().map(|a| attribute(a.unwrap())).collect();
                    open.push(Self { name, attributes, ..Self::default() });
                }
                Event::Text(piece) => open.last_mut().unwrap().text += &piece,
                Event::GeneralRef(reference) => {
                    let name: &str = &reference;
                    let resolved = match reference.resolve_char_ref().unwrap() {
                        Some(character) => character.to_string(),
                        None => quick_xml::escape::resolve_predefined_entity(name)
                            .unwrap_or_else(|| panic!("&{name};: {text}"))
                            .to_owned(),
                    };
                    open.last_mut().unwrap().text += &resolved;
                }
                Event::End(_) => {
                    let done = open.pop().unwrap();
                    open.last_mut().unwrap().children.push(done);
                }
                Event::Eof => break,
                other => panic!("{other:?}: {text}"),
            }
        }
        assert_eq!(open.len(), 1, "{text}");
        let mut document = open.pop().unwrap();
        assert_eq!((document.children.len(), document.text.as_str()), (1, ""), "{text}");
        document.children.pop().unwrap()
    }
}

/// A plain value as XML has it.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Requires that two objects say the same, field by field and in the same order.
/// XML has no lists of plain values, and a map is a text there.
fn compare(json: &Value, xml: &Element, path: &str) {
    let mut children = xml.children.iter();
    let mut next = |name: &str| {
        let child = children.next().unwrap_or_else(|| panic!("{path}: XML has no {name}"));
        assert_eq!(child.name, name, "{path}");
        child
    };
    for (name, value) in json.as_object().unwrap_or_else(|| panic!("{path}: {json}")) {
        let path = format!("{path}.{name}");
        match value {
            Value::Array(items) => {
                for item in items.iter().filter(|item| item.is_object()) {
                    compare(item, next(name), &path);
                }
            }
            Value::Object(map) => {
                let child = next(name);
                if child.children.is_empty() && child.text.starts_with('{') {
                    let pairs: Vec<String> = map
                        .iter()
                        .map(|(key, value)| format!("{key}={}", plain(value).unwrap()))
                        .collect();
                    assert_eq!(child.text, format!("{{{}}}", pairs.join(", ")), "{path}");
                } else {
                    compare(value, child, &path);
                }
            }
            value => {
                let expected = plain(value).unwrap_or_else(|| panic!("{path}: {value}"));
                let child = next(name);
                assert_eq!((&child.text, child.children.len()), (&expected, 0), "{path}");
            }
        }
    }
    let rest: Vec<&str> = children.map(|child| child.name.as_str()).collect();
    assert!(rest.is_empty(), "{path}: JSON has no {rest:?}");
}

/// Returns true if a command only looks, and needs no parameter.
fn is_open_question(row: &Command) -> bool {
    let looks = match row.verb {
        Verb::List { .. } | Verb::Read(_) => true,
        Verb::Front(_) => row.name.starts_with("list") || row.name.starts_with("get"),
        _ => false,
    };
    looks && row.params_all().all(|param| !param.required)
}

/// Gives the root admin some resources of their own, with texts that need escaping.
fn furnish(server: &Server) {
    let first = |list: &[(&str, &str)], item: &str| {
        let listed = server.works(&root(), list);
        listed[item][0]["id"].as_str().unwrap_or_else(|| panic!("{list:?}: {listed}")).to_owned()
    };
    let zone = first(&[("command", "listZones"), ("networktype", "Advanced")], "zone");
    let offering =
        first(&[("command", "listServiceOfferings"), ("name", "m1.small")], "serviceoffering");
    let image = [
        ("command", "listTemplates"),
        ("templatefilter", "featured"),
        ("hypervisor", "KVM"),
        ("zoneid", &zone),
    ];
    let template = first(&image, "template");
    let deploy = [
        ("command", "deployVirtualMachine"),
        ("zoneid", &zone),
        ("serviceofferingid", &offering),
        ("templateid", &template),
        ("displayname", "a<b>&\"c' é"),
    ];
    let done = server.job(&root(), &deploy);
    assert_eq!(done["jobstatus"], 1, "{done}");
    let vm = done["jobresult"]["virtualmachine"]["id"].as_str().unwrap();
    let tags = [
        ("command", "createTags"),
        ("resourcetype", "UserVm"),
        ("resourceids", vm),
        ("tags[0].key", "k & <l>"),
        ("tags[0].value", "]]>'\" é"),
    ];
    assert_eq!(server.job(&root(), &tags)["jobstatus"], 1);
    let make = |pairs: &[(&str, &str)]| {
        let done = server.job(&root(), pairs);
        assert_eq!(done["jobstatus"], 1, "{pairs:?}: {done}");
    };
    make(&[("command", "createProject"), ("name", "p"), ("displaytext", "a & b")]);
    let disk = first(&[("command", "listVolumes")], "volume");
    make(&[("command", "createSnapshot"), ("volumeid", &disk)]);
    let network = first(&[("command", "listNetworks")], "network");
    make(&[("command", "associateIpAddress"), ("networkid", &network)]);
    let list = [("command", "listPublicIpAddresses"), ("issourcenat", "false")];
    let address = first(&list, "publicipaddress");
    for (rule, more) in [
        ("createFirewallRule", &[("ipaddressid", address.as_str()), ("startport", "8000")][..]),
        ("createEgressFirewallRule", &[("networkid", &network), ("startport", "25")]),
        (
            "createPortForwardingRule",
            &[
                ("ipaddressid", &address),
                ("virtualmachineid", vm),
                ("publicport", "22"),
                ("privateport", "22"),
            ],
        ),
    ] {
        let mut pairs = vec![("command", rule), ("protocol", "tcp")];
        pairs.extend_from_slice(more);
        make(&pairs);
    }
    make(&[
        ("command", "createLoadBalancerRule"),
        ("publicipid", &address),
        ("name", "lb"),
        ("algorithm", "roundrobin"),
        ("publicport", "80"),
        ("privateport", "80"),
    ]);
    for make in ["createSSHKeyPair", "createInstanceGroup", "createDomain"] {
        server.works(&root(), &[("command", make), ("name", "one")]);
    }
}

/// The content of the outer element of a question's answer, which must be the same
/// in both encodings; none if the question is refused in both.
fn answered(server: &Server, keys: &Keys, row: &Command, more: &[(&str, &str)]) -> Option<Value> {
    let name = row.name;
    let [json, xml] = ["json", "xml"].map(|kind| {
        let mut pairs = vec![("command", name), ("response", kind)];
        pairs.extend_from_slice(more);
        server.get(&signed_with(&pairs, &keys.api_key, &keys.secret_key))
    });
    if [json.status, xml.status] == [431, 431] {
        return None;
    }
    assert_eq!([json.status, xml.status], [200, 200], "{name}: {}", json.text());
    assert_eq!(json.headers["content-type"], "application/json", "{name}");
    assert_eq!(xml.headers["content-type"], "text/xml; charset=UTF-8", "{name}");

    let outer = format!("{}response", name.to_lowercase());
    let parsed: Value = serde_json::from_slice(&json.body)
        .unwrap_or_else(|e| panic!("{name}: {e}: {}", json.text()));
    let members = parsed.as_object().unwrap();
    assert_eq!(members.keys().collect::<Vec<_>>(), [&outer], "{name}");
    let inner = &members[&outer];
    let element = Element::parse(xml.text());
    assert_eq!(element.name, outer);
    assert_eq!(element.attributes["cloud-stack-version"], "4.2.1", "{name}");
    compare(inner, &element, name);

    let keys: Vec<&str> = inner.as_object().unwrap().keys().map(String::as_str).collect();
    match row.shape {
        // Without a count: clients take any member for items.
        Shape::List { .. } if keys.is_empty() => {
            assert_eq!(json.text(), format!("{{\"{outer}\":{{}}}}"));
        }
        Shape::List { item, .. } => {
            assert_eq!(keys, ["count", item], "{name}");
            let items = inner[item].as_array().unwrap().len();
            assert!(items > 0 && inner["count"].as_u64() >= Some(items as u64), "{name}");
            let of_xml = element.children.iter().filter(|child| child.name == item).count();
            assert_eq!(of_xml, items, "{name}");
        }
        Shape::Object { item, .. } => assert_eq!(keys, [item], "{name}"),
        Shape::Success | Shape::Bare(_) => {}
    }
    Some(inner.clone())
}

#[test]
fn lists_and_reads_say_the_same_in_both_encodings() {
    let folder = Folder::new("UTC", "1440");
    let server = serve(&folder);
    furnish(&server);
    let alice = server.account("alice", "0", None).keys;
    let mut refused = Vec::new();
    let (mut walked, mut with_items, mut empty) = (0, 0, 0);
    for row in TABLES.commands().filter(|row| row.is_built() && is_open_question(row)) {
        if row.roles.contains(Role::User) {
            answered(&server, &alice, row, &[]);
        }
        let Some(answer) = answered(&server, &root(), row, &[]) else {
            refused.push(row.name);
            continue;
        };
        walked += 1;
        if matches!(row.shape, Shape::List { .. }) {
            *if answer["count"].is_null() { &mut empty } else { &mut with_items } += 1;
        }
    }
    assert_eq!(refused, ONE_OF_SEVERAL);
    assert!(
        walked > 60 && with_items > 45 && empty > 5,
        "{walked} walked: {with_items} lists with items, {empty} without"
    );
}

#[test]
fn every_list_is_cut_into_pages_alike() {
    let folder = Folder::new("UTC", "1440");
    let server = serve(&folder);
    furnish(&server);
    let mut walked = 0;
    for row in TABLES.commands().filter(|row| row.is_built() && is_open_question(row)) {
        let Shape::List { item, .. } = row.shape else { continue };
        let Some(all) = answered(&server, &root(), row, &[]) else { continue };
        let (true, Some(count)) = (row.is_paged(), all["count"].as_u64()) else { continue };
        let name = row.name;
        let page = |page: u64, size: &str| {
            let page = page.to_string();
            answered(&server, &root(), row, &[("page", &page), ("pagesize", size)])
        };
        let first = page(1, "1").unwrap();
        assert_eq!((&first["count"], &first[item][0]), (&all["count"], &all[item][0]), "{name}");
        assert_eq!(first[item].as_array().map(Vec::len), Some(1), "{name}");
        let last = page(count, "1").unwrap();
        let of_all = all[item].as_array().and_then(|items| items.last());
        assert_eq!((&last["count"], last[item].get(0)), (&all["count"], of_all), "{name}");
        assert_eq!(page(count + 1, "1"), Some(serde_json::json!({})), "{name}: past the end");
        assert_eq!(page(1, "501"), None, "{name}: larger than a page may be");
        assert_eq!(answered(&server, &root(), row, &[("page", "1")]), None, "{name}: of what size");
        walked += 1;
    }
    assert!(walked > 40, "{walked}");
}

/// Requires a refusal, exactly, in both encodings.
fn check_refusal(
    [json, xml]: &[Reply; 2],
    outer: &str,
    (status, cs): (u16, Option<u16>),
    text: &str,
) {
    let cs_json = cs.map(|code| format!("\"cserrorcode\":{code},")).unwrap_or_default();
    let expected = format!(
        "{{\"{outer}\":{{\"uuidList\":[],\"errorcode\":{status},{cs_json}\"errortext\":\"{text}\"}}}}"
    );
    assert_eq!((json.status, json.text()), (status, expected.as_str()));
    let element = Element::parse(xml.text());
    assert_eq!((xml.status, element.name.as_str()), (status, outer), "{}", xml.text());
    let fields: Vec<(&str, &str)> =
        element.children.iter().map(|c| (c.name.as_str(), c.text.as_str())).collect();
    let cs = cs.map(|code| code.to_string());
    let status = status.to_string();
    let mut expected = vec![("errorcode", status.as_str())];
    expected.extend(cs.as_deref().map(|code| ("cserrorcode", code)));
    expected.push(("errortext", text));
    assert_eq!(fields, expected, "{outer}");
    for reply in [json, xml] {
        assert_eq!(reply.headers["x-description"], text, "{outer}");
    }
}

#[test]
fn a_missing_parameter_is_named_in_both_encodings() {
    let folder = Folder::new("UTC", "1440");
    let server = serve(&folder);
    let mut walked = 0;
    // Who logs in is told less.
    for row in TABLES.commands().filter(|row| row.is_built() && row.name != "login") {
        let mut required: Vec<&str> =
            row.params_all().filter(|param| param.required).map(|param| param.name).collect();
        // Dates are named in the order people write them.
        required.sort_by_key(|name| *name == "enddate");
        let Some(first) = required.first() else { continue };
        let name = row.name.to_lowercase();
        let text = format!("Unable to execute API command {name} due to missing parameter {first}");
        let replies = ["json", "xml"].map(|kind| bare(&server, &root(), row.name, kind));
        check_refusal(&replies, &format!("{name}response"), (431, Some(9999)), &text);
        walked += 1;
    }
    assert!(walked > 150, "{walked}");
}

/// The rows of the fixture: who may.
fn may_call() -> BTreeMap<&'static str, [bool; 3]> {
    let mut lines = ROLES.lines();
    assert_eq!(lines.next(), Some("command,root,domain,user"));
    lines
        .map(|line| {
            let (name, rest) = line.split_once(',').unwrap();
            let may: Vec<bool> = rest.split(',').map(|word| word == "yes").collect();
            (name, may.try_into().unwrap())
        })
        .collect()
}

#[test]
fn each_role_is_let_in_where_the_list_says() {
    let folder = Folder::new("UTC", "1440");
    let server = serve(&folder);
    let domain = server.domain("acme", None);
    let chief = server.account("chief", "2", Some(&domain)).keys;
    let alice = server.account("alice", "0", Some(&domain)).keys;
    let callers = [
        (Role::RootAdmin, root()),
        (Role::DomainAdmin, chief.clone()),
        (Role::User, alice.clone()),
    ];
    let (mut let_in, mut turned_away, mut not_built) = (0, 0, 0);
    for (name, may) in may_call() {
        // Sessions know no roles; the one of the reference is unknown.
        if matches!(name, "login" | "logout" | GONE) {
            continue;
        }
        let row = TABLES.command(name).unwrap_or_else(|| panic!("no row for {name}"));
        for ((role, keys), may) in callers.iter().zip(may) {
            if !may {
                let replies = ["json", "xml"].map(|kind| bare(&server, keys, name, kind));
                let text = format!(
                    "The command {name} is not for a {}; listApis tells which commands are",
                    role.name()
                );
                let outer = format!("{}response", name.to_lowercase());
                check_refusal(&replies, &outer, (401, None), &text);
                turned_away += 1;
            } else if !row.is_built() {
                let replies = ["json", "xml"].map(|kind| bare(&server, keys, name, kind));
                let text = format!("The command {name} is not supported yet");
                check_refusal(&replies, "errorresponse", (432, Some(9999)), &text);
                not_built += 1;
            } else {
                let reply = bare(&server, keys, name, "json");
                let status = reply.status;
                assert!(
                    status == 200 || (430..600).contains(&status) && !matches!(status, 432 | 530),
                    "{name} of a {}: {status} {}",
                    role.name(),
                    reply.text()
                );
                let_in += 1;
            }
        }
    }
    let all: usize = let_in + turned_away + not_built;
    assert_eq!(all, (TABLES.commands().count() - 3) * 3);
    assert!(let_in > 300 && turned_away > 300, "{let_in} {turned_away} {not_built}");
    // All three are still there and are who they were.
    for (role, keys) in &callers {
        let accounts = server.works(keys, &[("command", "listAccounts")]);
        assert_eq!(accounts["account"][0]["accounttype"], role.number(), "{accounts}");
    }
}

#[test]
fn what_no_row_knows_is_unknown_to_every_role() {
    let folder = Folder::new("UTC", "1440");
    let server = serve(&folder);
    let alice = server.account("alice", "0", None).keys;
    for keys in [&root(), &alice] {
        for name in [GONE, "makeCoffee", "LISTZONES", "listZones2"] {
            let replies = ["json", "xml"].map(|kind| bare(&server, keys, name, kind));
            let text =
                format!("The given command {name} does not exist; listApis tells which there are");
            check_refusal(&replies, "errorresponse", (432, Some(9999)), &text);
        }
    }
}
