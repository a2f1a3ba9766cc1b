//! Resource limits: set, inherited, counted and enforced.

use cloudtally_platform::engine::{Node, Start};

use crate::support::{Lab, int, text, texts};

fn set(lab: &Lab, user: &str, params: &[(&str, &str)]) -> Result<Node, (u16, String)> {
    lab.run(lab.user(user), "updateResourceLimit", params)
}

#[test]
fn an_account_has_the_defaults_until_it_has_its_own() {
    let lab = Lab::new(Start::Empty);
    lab.account("ann", "0", None);
    let root = text(&lab.one("listDomains", &[("level", "0")]), "id");
    let list = lab.ok_as("ann", "listResourceLimits", &[]);
    let Node::List(items) = &list else { panic!() };
    let shown: Vec<(String, i64)> =
        items.iter().map(|item| (text(item, "resourcetype"), int(item, "max"))).collect();
    let defaults = [20, 20, 20, 20, 20, -1, 20, 20, 40, 40_960, 200, 400];
    assert_eq!(shown.len(), 12);
    for (number, (shown, default)) in shown.iter().zip(defaults).enumerate() {
        assert_eq!(*shown, (number.to_string(), default));
    }
    assert_eq!(text(&items[0], "account"), "ann");
    let ann = [("account", "ann"), ("domainid", root.as_str())];
    let own = set(&lab, "admin", &[ann[0], ann[1], ("resourcetype", "0"), ("max", "3")]).unwrap();
    assert_eq!((int(&own, "max"), text(&own, "account")), (3, "ann".into()));
    let vms = lab.ok_as("ann", "listResourceLimits", &[("resourcetype", "0")]);
    let Node::List(vms) = vms else { panic!() };
    assert_eq!(int(&vms[0], "max"), 3);
    let account = lab.one("listAccounts", &[("name", "ann"), ("listall", "true")]);
    assert_eq!(text(&account, "vmlimit"), "3");
    assert_eq!(text(&account, "vmavailable"), "3");
    // -1 is no limit; root admins never have one.
    set(&lab, "admin", &[ann[0], ann[1], ("resourcetype", "0"), ("max", "-1")]).unwrap();
    let account = lab.one("listAccounts", &[("name", "ann"), ("listall", "true")]);
    assert_eq!(text(&account, "vmlimit"), "Unlimited");
    let Node::List(root_limits) = lab.ok("listResourceLimits", &[]) else { panic!() };
    assert!(root_limits.iter().all(|item| int(item, "max") == -1));
}

#[test]
fn limits_that_cannot_be_set() {
    let lab = Lab::new(Start::Empty);
    let top = text(&lab.ok("createDomain", &[("name", "top")]), "id");
    let low = [("name", "low"), ("parentdomainid", top.as_str())];
    let low = text(&lab.ok("createDomain", &low), "id");
    lab.account("chief", "2", Some(&top));
    lab.account("clerk", "0", Some(&low));
    let root = text(&lab.one("listDomains", &[("level", "0")]), "id");
    let vms = ("resourcetype", "0");
    let domain = |id| ("domainid", id);
    set(&lab, "admin", &[domain(top.as_str()), vms, ("max", "5")]).unwrap();
    for (user, params, code, part) in [
        ("admin", vec![domain(&top), ("resourcetype", "12"), ("max", "1")], 431, "from 0 to 11"),
        ("admin", vec![domain(&top), vms, ("max", "-2")], 431, "-1 for no limit"),
        ("admin", vec![vms, ("max", "1")], 431, "`domainid` is needed alone or with `account`"),
        (
            "admin",
            vec![("account", "admin"), vms, ("max", "1")],
            431,
            "of a root admin and has no limits",
        ),
        ("admin", vec![domain(&low), vms, ("max", "6")], 431, "may have 5 virtual machines"),
        ("chief", vec![domain(&low), vms, ("max", "-1")], 431, "may have 5 virtual machines"),
        ("chief", vec![domain(&top), vms, ("max", "9")], 531, "is your own"),
        ("chief", vec![domain(&root), vms, ("max", "9")], 431, "there is no domain"),
    ] {
        let (status, why) = set(&lab, user, &params).unwrap_err();
        assert_eq!(status, code, "{user} {params:?}: {why}");
        assert!(why.contains(part), "{user} {params:?}: {why}");
    }
    let limit = set(&lab, "chief", &[domain(&low), vms, ("max", "5")]).unwrap();
    assert_eq!((text(&limit, "domain"), int(&limit, "max")), ("low".into(), 5));
    assert_eq!(limit.field("account"), None);
    let clerk = [("account", "clerk"), domain(&low), vms, ("max", "2")];
    set(&lab, "chief", &clerk).unwrap();
    // A domain's limits are listed by its id, those below with `isrecursive`.
    let listed = |params: &[(&str, &str)]| {
        let Node::List(items) = lab.ok_as("chief", "listResourceLimits", params) else { panic!() };
        items.iter().map(|item| (text(item, "domain"), int(item, "max"))).collect::<Vec<_>>()
    };
    let limit = |domain: &str, max| (domain.to_owned(), max);
    assert_eq!(listed(&[domain(&top), vms]), [limit("top", 5)]);
    let below = [domain(&top), vms, ("isrecursive", "true")];
    assert_eq!(listed(&below), [limit("top", 5), limit("low", 5)]);
    assert_eq!(listed(&[clerk[0], clerk[1], vms]), [limit("low", 2)]);
}

#[test]
fn what_is_used_is_counted_and_no_more_is_given() {
    let lab = Lab::new(Start::Ready);
    lab.account("ann", "0", None);
    let root = text(&lab.one("listDomains", &[("level", "0")]), "id");
    let zone = lab.zone("Advanced");
    let offering = lab.one("listServiceOfferings", &[("name", "m1.small")]);
    let template = lab.template(&zone);
    let offering_id = text(&offering, "id");
    let deploy = |name: &str| {
        let params = [
            ("name", name),
            ("zoneid", zone.as_str()),
            ("serviceofferingid", &offering_id),
            ("templateid", &template),
        ];
        lab.run(lab.user("ann"), "deployVirtualMachine", &params)
    };
    let vm = text(&deploy("one").unwrap(), "id");
    let count = |number: &str| {
        let params = [("account", "ann"), ("domainid", root.as_str()), ("resourcetype", number)];
        int(&lab.one("updateResourceCount", &params), "resourcecount")
    };
    assert_eq!(count("0"), 1);
    assert_eq!(count("2"), 1, "its root disk");
    assert_eq!(count("6"), 1, "its network");
    assert_eq!(count("8"), int(&offering, "cpunumber"));
    assert_eq!(count("9"), int(&offering, "memory"));
    let Node::List(volumes) = lab.ok_as("ann", "listVolumes", &[]) else { panic!() };
    let gib = 1 << 30;
    assert_eq!(count("10"), (int(&volumes[0], "size") + gib - 1) / gib);
    assert_eq!(count("11"), 0);
    let volume = text(&volumes[0], "id");
    let snapshot = lab.ok_as("ann", "createSnapshot", &[("volumeid", &volume)]);
    assert_eq!(count("3"), 1);
    assert_eq!(count("11"), count("10"), "a snapshot is as large as its volume");
    lab.ok_as("ann", "deleteSnapshot", &[("id", &text(&snapshot, "id"))]);
    assert_eq!((count("3"), count("11")), (0, 0));
    let account = lab.one("listAccounts", &[("name", "ann"), ("listall", "true")]);
    assert_eq!(int(&account, "cputotal"), int(&offering, "cpunumber"));
    assert_eq!(int(&account, "memorytotal"), int(&offering, "memory"));
    // All 12 of them, for the whole domain too.
    let all = lab.ok("updateResourceCount", &[("domainid", &root)]);
    assert_eq!(texts(&all, "resourcetype").len(), 12);
    // One is all she may have.
    let limit =
        [("account", "ann"), ("domainid", root.as_str()), ("resourcetype", "0"), ("max", "1")];
    set(&lab, "admin", &limit).unwrap();
    let (code, why) = deploy("two").unwrap_err();
    assert_eq!(code, 535, "{why}");
    assert!(why.contains("the account ann may have 1 virtual machines, has 1"), "{why}");
    // What is destroyed does not count.
    lab.ok_as("ann", "destroyVirtualMachine", &[("id", &vm)]);
    assert_eq!((count("0"), count("8"), count("9")), (0, 0, 0));
    deploy("two").unwrap();
    // A domain's limit is for all in it together.
    let domain = text(&lab.ok("createDomain", &[("name", "d")]), "id");
    lab.account("dan", "0", Some(&domain));
    set(&lab, "admin", &[("domainid", &domain), ("resourcetype", "2"), ("max", "0")]).unwrap();
    let Node::List(offerings) = lab.ok("listDiskOfferings", &[]) else { panic!() };
    let fixed = offerings.iter().find(|o| o.field("iscustomized") == Some(&Node::Bool(false)));
    let disk = text(fixed.unwrap(), "id");
    let params = [("name", "v"), ("diskofferingid", disk.as_str()), ("zoneid", &zone)];
    let (code, why) = lab.run(lab.user("dan"), "createVolume", &params).unwrap_err();
    assert_eq!(code, 535);
    assert!(why.contains("the domain d may have 0 volumes"), "{why}");
}

#[test]
fn a_project_has_limits_of_its_own() {
    let lab = Lab::new(Start::Empty);
    let domain = text(&lab.ok("createDomain", &[("name", "d")]), "id");
    lab.account("chief", "2", Some(&domain));
    lab.account("ann", "0", Some(&domain));
    let project = lab.ok_as("ann", "createProject", &[("name", "p"), ("displaytext", "p")]);
    let project = text(&project, "id");
    let limit = [("projectid", project.as_str()), ("resourcetype", "6"), ("max", "0")];
    let set_by_chief = set(&lab, "chief", &limit).unwrap();
    assert_eq!((text(&set_by_chief, "project"), int(&set_by_chief, "max")), ("p".into(), 0));
    let seen = [("projectid", project.as_str()), ("resourcetype", "6")];
    let Node::List(items) = lab.ok_as("ann", "listResourceLimits", &seen) else { panic!() };
    assert_eq!(int(&items[0], "max"), 0);
    assert_eq!(items[0].field("account"), None);
    let shown = lab.ok_as("ann", "listProjects", &[]);
    assert_eq!(texts(&shown, "networklimit"), ["0"]);
    let all = [("projectid", "-1"), ("resourcetype", "6")];
    let Node::List(items) = lab.ok_as("ann", "listResourceLimits", &all) else { panic!() };
    assert_eq!(texts(&Node::List(items), "project"), ["p"]);
}
