//! Lists of every role and each combination of parameters, and whose resources they show
//! that says so, over several commands; and that no command has rules of its own.

use std::collections::BTreeMap;

use cloudtally_platform::{
    TABLES,
    engine::{Node, Start},
    table::Verb,
};

use crate::support::{Lab, text};

/// The expectations, by hand: see the head of the file.
const TABLE: &str = include_str!("../../../tests/fixtures/list-scope.txt");

/// The commands walked, with the parameters that leave only what the tree was given,
/// and how an item tells whose it is.
const LISTS: [(&str, Params, Label); 6] = [
    ("listSSHKeyPairs", &[], Label::Field("name")),
    ("listInstanceGroups", &[], Label::Field("name")),
    ("listVolumes", &[], Label::Field("name")),
    ("listNetworks", &[("type", "isolated")], Label::Field("name")),
    ("listTags", &[], Label::Field("key")),
    ("listEvents", &[("type", "REGISTER.SSH.KEYPAIR")], Label::Owner),
];

type Params = &'static [(&'static str, &'static str)];

#[derive(Clone, Copy)]
enum Label {
    /// The resource is named like its owner.
    Field(&'static str),
    /// By its account or its project.
    Owner,
}

/// The tree at the head of the table.
struct Tree {
    lab: Lab,
    /// Uuids of domains and projects, by name.
    ids: BTreeMap<String, String>,
}

impl Tree {
    fn new() -> Self {
        let lab = Lab::new(Start::Ready);
        let mut ids = BTreeMap::new();
        // 1. Domains and accounts.
        ids.insert("ROOT".to_owned(), text(&lab.one("listDomains", &[("level", "0")]), "id"));
        for (name, parent) in [("sales", "ROOT"), ("north", "sales"), ("labs", "ROOT")] {
            let params = [("name", name), ("parentdomainid", ids[parent].as_str())];
            let id = text(&lab.ok("createDomain", &params), "id");
            ids.insert(name.to_owned(), id);
        }
        let accounts = [
            ("ruth", "0", "ROOT"),
            ("chief", "2", "sales"),
            ("sam", "0", "sales"),
            ("moe", "0", "sales"),
            ("nora", "0", "north"),
            ("lee", "0", "labs"),
        ];
        for (name, account_type, domain) in accounts {
            lab.account(name, account_type, Some(&ids[domain]));
        }
        // 2. Projects.
        for (name, admin) in [("p-sales", "sam"), ("p-north", "nora"), ("p-labs", "lee")] {
            let params = [("name", name), ("displaytext", name)];
            let id = text(&lab.ok_as(admin, "createProject", &params), "id");
            ids.insert(name.to_owned(), id);
        }
        let moe = [("projectid", ids["p-sales"].as_str()), ("account", "moe")];
        lab.ok_as("sam", "addAccountToProject", &moe);
        // 3. A resource of each kind for each of them.
        let zone = lab.zone("Advanced");
        let Node::List(disks) = lab.ok("listDiskOfferings", &[]) else { panic!() };
        let fixed = disks.iter().find(|o| o.field("iscustomized") == Some(&Node::Bool(false)));
        let disk = text(fixed.unwrap(), "id");
        let network =
            [("name", "DefaultIsolatedNetworkOfferingWithSourceNatService"), ("listall", "true")];
        let network = text(&lab.one("listNetworkOfferings", &network), "id");
        let mut owners = Vec::new();
        for (name, _, domain) in [("admin", "1", "ROOT")].into_iter().chain(accounts) {
            owners.push((name, vec![("account", name), ("domainid", ids[domain].as_str())]));
        }
        for project in ["p-sales", "p-north", "p-labs"] {
            owners.push((project, vec![("projectid", ids[project].as_str())]));
        }
        for (name, owner) in &owners {
            let make = |command: &str, params: &[(&str, &str)]| {
                let params: Vec<_> = owner.iter().chain(params).copied().collect();
                lab.ok(command, &params)
            };
            let key =
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";
            make("registerSSHKeyPair", &[("name", name), ("publickey", key)]);
            make("createInstanceGroup", &[("name", name)]);
            let volume = [("name", *name), ("zoneid", zone.as_str()), ("diskofferingid", &disk)];
            let volume = text(&make("createVolume", &volume), "id");
            let params = [
                ("name", *name),
                ("displaytext", *name),
                ("zoneid", zone.as_str()),
                ("networkofferingid", &network),
            ];
            make("createNetwork", &params);
            let tag = [
                ("resourcetype", "Volume"),
                ("resourceids", volume.as_str()),
                ("tags[0].key", name),
                ("tags[0].value", "x"),
            ];
            lab.ok("createTags", &tag);
        }
        Self { lab, ids }
    }

    /// The parameters of a row, with uuids for names.
    fn params<'t>(&'t self, written: &'t str) -> Vec<(&'t str, &'t str)> {
        let read = |word: &'t str| {
            let (name, value) = word.split_once('=').unwrap();
            (name, self.ids.get(value).map_or(value, String::as_str))
        };
        written.split_whitespace().map(read).collect()
    }
}

/// The owners of the items of a list.
fn labels(list: &Node, label: Label) -> Vec<String> {
    let Node::List(items) = list else { panic!("no list: {list:?}") };
    let of = |item: &Node| match label {
        Label::Field(field) => text(item, field),
        Label::Owner if item.field("account").is_some() => text(item, "account"),
        Label::Owner => text(item, "project"),
    };
    items.iter().map(of).collect()
}

#[test]
fn everybody_sees_what_the_guide_says() {
    let tree = Tree::new();
    let mut rows = 0;
    let mut wrong = Vec::new();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let [user, written, expected] =
            <[&str; 3]>::try_from(line.split('|').map(str::trim).collect::<Vec<_>>()).unwrap();
        rows += 1;
        for (command, more, label) in LISTS {
            let mut params = tree.params(written);
            params.extend(more);
            let seen = match tree.lab.run(tree.lab.user(user), command, &params) {
                Ok(list) => {
                    let mut seen = labels(&list, label);
                    seen.sort();
                    seen.join(" ")
                }
                Err((status, _)) => status.to_string(),
            };
            let mut expected: Vec<&str> = expected.split_whitespace().collect();
            expected.sort_unstable();
            let expected = expected.join(" ");
            if seen != expected {
                wrong.push(format!("{command}, {user}, {written}: {seen}, not {expected}"));
            }
        }
    }
    assert!(rows > 70, "{rows}");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_list_of_owned_things_has_rules_of_its_own() {
    let tree = Tree::new();
    let mut walked = 0;
    let mut wrong = Vec::new();
    let scoped = TABLES.commands().filter(|command| {
        let looks = matches!(command.verb, Verb::List { .. } | Verb::Read(_));
        let has = |name| command.param(name).is_some();
        looks && has("account") && has("domainid") && has("listall") && has("isrecursive")
    });
    for command in scoped {
        for (user, written, status) in [
            ("chief", "domainid=labs", 431),
            ("chief", "account=nobody domainid=sales", 531),
            ("sam", "account=chief domainid=sales", 531),
            ("sam", "domainid=north", 431),
            ("sam", "projectid=p-labs", 431),
        ] {
            let caller = tree.lab.user(user);
            let takes_project = command.param("projectid").is_some();
            if !command.roles.contains(caller.role)
                || written.starts_with("projectid") && !takes_project
            {
                continue;
            }
            let mut params = tree.params(written);
            // What must be given besides; where it names a resource, that decides.
            let mut required = command.params_all().filter(|param| param.required);
            match required.next().map(|param| param.name) {
                None => {}
                Some(name @ ("templatefilter" | "isofilter")) => params.push((name, "self")),
                Some(_) => continue,
            }
            let answer = tree.lab.run(caller, command.name, &params);
            let seen = answer.as_ref().map_or_else(|(status, _)| *status, |_| 200);
            if seen != status {
                wrong.push(format!("{}, {user}, {written}: {seen}, not {status}", command.name));
            }
            walked += 1;
        }
    }
    assert!(walked > 60, "{walked}");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
