//! The roles of each command, against a list that is not made from our rows.
//!
//! `roles.csv` was read once from the 4.2.1 server's own masks; listUsageRecords is as
//! the guide has it (all three roles, each with its scope), and the commands of ours
//! were added by hand.

use std::collections::BTreeMap;

use cloudtally_platform::{TABLES, table::Role};

const TABLE: &str = include_str!("../../../tests/fixtures/roles.csv");

#[test]
fn every_command_is_for_whom_the_list_says() {
    let mut lines = TABLE.lines();
    assert_eq!(lines.next(), Some("command,root,domain,user"));
    let mut listed: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
    for line in lines {
        let mut words = line.split(',');
        let name = words.next().unwrap();
        let may = words.map(|word| match word {
            "yes" => true,
            "no" => false,
            other => panic!("{name}: {other}"),
        });
        assert!(listed.insert(name, may.collect()).is_none(), "{name} stands twice");
    }
    let mut wrong = Vec::new();
    for command in TABLES.commands() {
        let roles = [Role::RootAdmin, Role::DomainAdmin, Role::User];
        let may: Vec<bool> = roles.iter().map(|role| command.roles.contains(*role)).collect();
        match listed.remove(command.name) {
            Some(expected) if expected == may => {}
            expected => wrong.push(format!("{}: {may:?}, not {expected:?}", command.name)),
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(listed.is_empty(), "there is no row for {:?}", listed.keys());
}
