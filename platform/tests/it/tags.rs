//! Tags and details.

use cloudtally_platform::engine::{Node, Start};

use crate::support::{Lab, text, texts};

/// Ann with a network, and Bob.
fn lab() -> (Lab, String) {
    let lab = Lab::new(Start::Ready);
    lab.account("ann", "0", None);
    lab.account("bob", "0", None);
    let zone = lab.zone("Advanced");
    let offering = text(
        &lab.one(
            "listNetworkOfferings",
            &[("name", "DefaultIsolatedNetworkOfferingWithSourceNatService")],
        ),
        "id",
    );
    let network = lab.ok_as(
        "ann",
        "createNetwork",
        &[("name", "n"), ("displaytext", "n"), ("networkofferingid", &offering), ("zoneid", &zone)],
    );
    (lab, text(&network, "id"))
}

fn tags(lab: &Lab, user: &str, params: &[(&str, &str)]) -> Vec<String> {
    let list = lab.ok_as(user, "listTags", params);
    texts(&list, "key").into_iter().zip(texts(&list, "value")).map(|(k, v)| k + "=" + &v).collect()
}

#[test]
fn a_thing_without_tags_shows_that_it_has_none() {
    let (lab, network) = lab();
    let params = [("networkid", network.as_str())];
    lab.ok_as("ann", "associateIpAddress", &params);
    for list in ["listPublicIpAddresses", "listNetworks"] {
        let Node::List(items) = lab.ok_as("ann", list, &[]) else { panic!() };
        assert_eq!(items[0].field("tags"), Some(&Node::List(Vec::new())), "{list}");
    }
}

#[test]
fn tags_are_put_on_a_thing_shown_with_it_and_taken_off() {
    let (lab, network) = lab();
    let on = [("resourcetype", "network"), ("resourceids", network.as_str())];
    let put = |user: &str, key: &str, value: &str| {
        let params =
            [on[0], on[1], ("tags[0].key", key), ("tags[0].value", value), ("customer", "acme")];
        lab.run(lab.user(user), "createTags", &params)
    };
    assert_eq!(put("ann", "env", "prod"), Ok(Node::Bool(true)));
    put("ann", "tier", "web").unwrap();
    let Node::List(listed) = lab.ok_as("ann", "listTags", &[("key", "env")]) else { panic!() };
    assert_eq!(text(&listed[0], "resourcetype"), "Network");
    assert_eq!(text(&listed[0], "resourceid"), network);
    assert_eq!(text(&listed[0], "account"), "ann");
    assert_eq!(text(&listed[0], "domain"), "ROOT");
    assert_eq!(text(&listed[0], "customer"), "acme");
    // The network shows them, and is found by them.
    let by = |key, value| {
        let params = [("tags[0].key", key), ("tags[0].value", value)];
        texts(&lab.ok_as("ann", "listNetworks", &params), "name")
    };
    assert_eq!(by("env", "prod"), ["n"]);
    assert_eq!(by("env", "test"), [""; 0]);
    let Node::List(networks) = lab.ok_as("ann", "listNetworks", &[]) else { panic!() };
    assert_eq!(texts(networks[0].field("tags").unwrap(), "key"), ["env", "tier"]);
    // A key stands once, and only the owner's side touches the network.
    let (code, why) = put("ann", "env", "x").unwrap_err();
    assert_eq!(code, 431);
    assert!(why.contains("has a tag env already"), "{why}");
    let (code, why) = put("bob", "mine", "x").unwrap_err();
    assert_eq!(code, 431);
    assert!(why.contains("or it is not yours"), "{why}");
    // Lists are in scope, and by resource.
    assert_eq!(tags(&lab, "bob", &[("listall", "true")]), [""; 0]);
    assert_eq!(tags(&lab, "admin", &[]), [""; 0]);
    assert_eq!(tags(&lab, "admin", &[("listall", "true")]), ["env=prod", "tier=web"]);
    assert_eq!(tags(&lab, "ann", &[("resourceid", &network)]), ["env=prod", "tier=web"]);
    assert_eq!(tags(&lab, "ann", &[("resourcetype", "UserVm")]), [""; 0]);
    // A value that does not match keeps the tag; a key alone takes it off.
    let take = |params: &[(&str, &str)]| {
        let params: Vec<_> = on.iter().chain(params).copied().collect();
        lab.run(lab.user("ann"), "deleteTags", &params)
    };
    let (code, why) = take(&[("tags[0].key", "env"), ("tags[0].value", "test")]).unwrap_err();
    assert_eq!(code, 431);
    assert!(why.contains("`tags` has `env`, which the"), "{why}");
    take(&[("tags[0].key", "env")]).unwrap();
    assert_eq!(tags(&lab, "ann", &[]), ["tier=web"]);
    put("ann", "env", "test").unwrap();
    take(&[]).unwrap();
    assert_eq!(tags(&lab, "ann", &[]), [""; 0]);
}

#[test]
fn tags_that_cannot_be() {
    let (lab, network) = lab();
    let refused = |params: &[(&str, &str)]| {
        lab.run(lab.user("ann"), "createTags", params).expect_err("createTags")
    };
    let ids = ("resourceids", network.as_str());
    let key = ("tags[0].key", "k");
    let value = ("tags[0].value", "v");
    for (params, part) in [
        (vec![("resourcetype", "Host"), ids, key, value], "expected one of"),
        (vec![("resourcetype", "UserVm"), ids, key, value], "there is no UserVm with this id"),
        (vec![("resourcetype", "Network"), ids, key], "a tag needs a value"),
        (vec![("resourcetype", "Network"), ids, value], "a tag needs a key"),
        (
            vec![
                ("resourcetype", "Network"),
                ids,
                key,
                value,
                ("tags[1].key", "k"),
                ("tags[1].value", "w"),
            ],
            "stands twice",
        ),
    ] {
        let (code, why) = refused(&params);
        assert_eq!(code, 431, "{params:?}");
        assert!(why.contains(part), "{params:?}: {why}");
    }
    assert_eq!(tags(&lab, "ann", &[]), [""; 0]);
}

#[test]
fn tags_go_with_their_thing_and_projects_have_them_too() {
    let (lab, network) = lab();
    let tag = |resource_type: &str, id: &str| {
        let params = [
            ("resourcetype", resource_type),
            ("resourceids", id),
            ("tags[0].key", "k"),
            ("tags[0].value", "v"),
        ];
        lab.ok_as("ann", "createTags", &params);
    };
    tag("Network", &network);
    let project =
        text(&lab.ok_as("ann", "createProject", &[("name", "p"), ("displaytext", "p")]), "id");
    tag("Project", &project);
    assert_eq!(tags(&lab, "ann", &[]), ["k=v"]);
    assert_eq!(tags(&lab, "ann", &[("projectid", "-1")]), ["k=v"]);
    let by_tag = [("tags[0].key", "k"), ("tags[0].value", "v")];
    assert_eq!(texts(&lab.ok_as("ann", "listProjects", &by_tag), "name"), ["p"]);
    lab.ok_as("ann", "deleteNetwork", &[("id", &network)]);
    assert_eq!(tags(&lab, "ann", &[]), [""; 0]);
}

#[test]
fn details_of_volumes() {
    let (lab, _) = lab();
    let zone = lab.zone("Advanced");
    let Node::List(offerings) = lab.ok("listDiskOfferings", &[]) else { panic!() };
    let fixed = offerings.iter().find(|o| o.field("iscustomized") == Some(&Node::Bool(false)));
    let offering = text(fixed.unwrap(), "id");
    let volume = lab.ok_as(
        "ann",
        "createVolume",
        &[("name", "v"), ("diskofferingid", &offering), ("zoneid", &zone)],
    );
    let volume = text(&volume, "id");
    let on = [("resourcetype", "volume"), ("resourceid", volume.as_str())];
    let add = |key, value| {
        lab.ok(
            "addResourceDetail",
            &[on[0], on[1], ("details[0].key", key), ("details[0].value", value)],
        )
    };
    add("backup", "daily");
    add("colour", "red");
    add("colour", "blue");
    let shown = |params: &[(&str, &str)]| {
        let list = lab.ok("listResourceDetails", params);
        texts(&list, "key").into_iter().zip(texts(&list, "value")).collect::<Vec<_>>()
    };
    let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
    assert_eq!(shown(&on), [pair("backup", "daily"), pair("colour", "blue")]);
    assert_eq!(shown(&[on[0], on[1], ("key", "colour")]), [pair("colour", "blue")]);
    assert_eq!(shown(&[("resourcetype", "Volume")]), [], "they are Ann's");
    assert_eq!(shown(&[("resourcetype", "Volume"), ("listall", "true")]).len(), 2);
    assert_eq!(shown(&[("resourcetype", "Nic"), ("listall", "true")]), []);
    lab.ok("removeResourceDetail", &[on[0], on[1], ("key", "colour")]);
    assert_eq!(shown(&on), [pair("backup", "daily")]);
    let (code, why) = lab.refused(
        "addResourceDetail",
        &[("resourcetype", "Host"), on[1], ("details[0].key", "k"), ("details[0].value", "v")],
    );
    assert_eq!(code, 431);
    assert!(why.contains("expected `Volume` or `Nic`"), "{why}");
    assert_eq!(lab.refused("listResourceDetails", &[]).0, 431);
}
