//! Settings, their scopes and checks; capabilities.

use cloudtally_platform::engine::{Node, Start};

use crate::support::{Lab, int, text, texts};

fn value(lab: &Lab, name: &str, place: &[(&str, &str)]) -> String {
    let mut params = vec![("keyword", name)];
    params.extend(place);
    let Node::List(items) = lab.ok("listConfigurations", &params) else { panic!() };
    let item = items.iter().find(|item| text(item, "name") == name);
    text(item.unwrap_or_else(|| panic!("{name} is not listed: {params:?}")), "value")
}

#[test]
fn settings_are_listed_sorted_filtered_and_paged() {
    let lab = Lab::new(Start::Empty);
    let all = texts(&lab.ok("listConfigurations", &[]), "name");
    assert!(all.len() > 90, "{}", all.len());
    assert!(all.is_sorted(), "{all:?}");
    for hidden in ["ldap.config", "security.singlesignon.key"] {
        assert!(!all.contains(&hidden.to_owned()), "{hidden}");
    }
    let listed = |params: &[(&str, &str)]| texts(&lab.ok("listConfigurations", params), "name");
    assert_eq!(
        listed(&[("name", "EXPUNGE.")]),
        ["allow.user.expunge.recover.vm", "expunge.delay", "expunge.interval", "expunge.workers"],
        "a part of the name will do"
    );
    let usage = listed(&[("category", "usage")]);
    assert!(usage.contains(&"usage.stats.job.exec.time".to_owned()), "{usage:?}");
    assert!(usage.iter().all(|name| name.contains("usage")), "{usage:?}");
    assert_eq!(listed(&[("keyword", "wrong passwords")]), ["incorrect.login.attempts.allowed"]);
    assert_eq!(listed(&[("keyword", "system.vm.use"), ("name", "expunge")]), [""; 0]);
    assert_eq!(listed(&[("page", "2"), ("pagesize", "3")]), all[3..6]);
    let one = lab.one("listConfigurations", &[("name", "expunge.delay")]);
    assert_eq!(text(&one, "category"), "Advanced");
    assert_eq!(text(&one, "value"), "86400");
    assert!(text(&one, "description").starts_with("seconds after which"), "{one:?}");
    assert_eq!((one.field("scope"), one.field("id")), (None, None));
    let late = lab.one("listConfigurations", &[("name", "api.throttling.max")]);
    assert!(text(&late, "description").ends_with("after a restart)"), "{late:?}");
}

#[test]
fn a_value_is_set_shown_and_cleared() {
    let lab = Lab::new(Start::Empty);
    let set = |name: &str, value: &str| {
        lab.ok("updateConfiguration", &[("name", name), ("value", value)])
    };
    assert_eq!(text(&set("expunge.delay", "60"), "value"), "60");
    assert_eq!(value(&lab, "expunge.delay", &[]), "60");
    // Nothing given shows it; nothing in it clears it, and so does `null`.
    assert_eq!(text(&lab.ok("updateConfiguration", &[("name", "expunge.delay")]), "value"), "60");
    assert_eq!(text(&set("expunge.delay", ""), "value"), "86400");
    set("expunge.delay", "60");
    assert_eq!(text(&set("expunge.delay", "null"), "value"), "86400");
    // It outlives the process.
    set("expunge.delay", "61");
    let lab = lab.restart();
    assert_eq!(value(&lab, "expunge.delay", &[]), "61");
    let events = lab.ok("listEvents", &[("type", "CONFIGURATION.VALUE.EDIT")]);
    let told = texts(&events, "description");
    assert!(told[0].ends_with("expunge.delay is now 61"), "{told:?}");
    assert!(told[1].ends_with("expunge.delay is the default again"), "{told:?}");
}

#[test]
fn what_a_setting_cannot_be_is_refused_with_what_it_can() {
    let lab = Lab::new(Start::Ready);
    let zone = lab.zone("Advanced");
    let cluster = texts(&lab.ok("listClusters", &[]), "id").remove(0);
    for (params, part) in [
        (vec![("name", "no.such.setting"), ("value", "1")], "there is no such setting"),
        (vec![("name", "expunge.delay"), ("value", "soon")], "`soon` is not a whole number from 0"),
        (vec![("name", "expunge.delay"), ("value", "-1")], "not a whole number"),
        (vec![("name", "kvm.snapshot.enabled"), ("value", "yes")], "`true` or `false`"),
        (vec![("name", "storage.overprovisioning.factor"), ("value", "0.9")], "at least 1"),
        (vec![("name", "pool.storage.capacity.disablethreshold"), ("value", "1.1")], "from 0 to 1"),
        (vec![("name", "usage.aggregation.timezone"), ("value", "Mars/Base")], "Mars/Base"),
        (vec![("name", "usage.stats.job.exec.time"), ("value", "25:00")], "time of day"),
        (vec![("name", "json.content.type"), ("value", "text/plain")], "application/json"),
        (
            vec![("name", "expunge.delay"), ("value", "1"), ("zoneid", &zone)],
            "it can only be set globally",
        ),
        (
            vec![
                ("name", "storage.overprovisioning.factor"),
                ("value", "3"),
                ("clusterid", &cluster),
            ],
            "for a zone",
        ),
        (
            vec![("name", "expunge.delay"), ("zoneid", &zone), ("clusterid", &cluster)],
            "exclude each other",
        ),
    ] {
        let (code, why) = lab.refused("updateConfiguration", &params);
        assert_eq!(code, 431, "{params:?}");
        assert!(why.contains(part), "{params:?}: {why}");
    }
    let both = [("zoneid", zone.as_str()), ("clusterid", cluster.as_str())];
    assert_eq!(lab.refused("listConfigurations", &both).0, 431);
}

#[test]
fn a_place_has_its_own_value() {
    let lab = Lab::new(Start::Ready);
    let (zone, other) = (lab.zone("Advanced"), lab.zone("Basic"));
    let cluster = texts(&lab.ok("listClusters", &[]), "id").remove(0);
    let ann = text(&lab.account("ann", "0", None), "id");
    for (param, id, name, set, default, scope, scoped) in [
        ("zoneid", &zone, "guest.domain.suffix", "ann.example", "cloud.internal", "zone", 10),
        ("clusterid", &cluster, "cpu.overprovisioning.factor", "2.0", "1", "cluster", 10),
        ("accountid", &ann, "allow.public.user.templates", "false", "true", "account", 4),
    ] {
        let place = [(param, id.as_str())];
        assert_eq!(value(&lab, name, &place), default, "the global one at first");
        let update = [("name", name), ("value", set), place[0]];
        let shown = lab.ok("updateConfiguration", &update);
        assert_eq!((text(&shown, "value"), text(&shown, "scope")), (set.into(), scope.into()));
        assert!(int(&shown, "id") > 0);
        assert_eq!(value(&lab, name, &place), set);
        assert_eq!(value(&lab, name, &[]), default, "the global one stays");
        // With a place only settings of its scope are listed.
        let Node::List(items) = lab.ok("listConfigurations", &place) else { panic!() };
        assert!(items.len() >= scoped, "{param}: {}", items.len());
        assert!(items.iter().all(|item| text(item, "scope") == scope), "{param}");
        let clear = [("name", name), ("value", ""), place[0]];
        assert_eq!(text(&lab.ok("updateConfiguration", &clear), "value"), default);
        assert_eq!(value(&lab, name, &place), default);
    }
    assert_eq!(value(&lab, "guest.domain.suffix", &[("zoneid", &other)]), "cloud.internal");
}

#[test]
fn capabilities_follow_the_settings() {
    let lab = Lab::new(Start::Ready);
    lab.account("ann", "0", None);
    let seen = lab.ok_as("ann", "listCapabilities", &[]);
    let flag = |node: &Node, name: &str| node.field(name) == Some(&Node::Bool(true));
    assert_eq!(text(&seen, "cloudstackversion"), "4.2.1");
    assert_eq!(text(&seen, "supportELB"), "false");
    assert_eq!(int(&seen, "customdiskofferingmaxsize"), 1024);
    assert!(flag(&seen, "userpublictemplateenabled") && flag(&seen, "allowusercreateprojects"));
    assert!(flag(&seen, "securitygroupsenabled"), "the basic zone has them");
    assert!(!flag(&seen, "projectinviterequired") && !flag(&seen, "KVMsnapshotenabled"));
    assert!(!flag(&seen, "regionsecondaryenabled"));
    assert_eq!(seen.field("apilimitmax"), None, "throttling is off");
    let set = |name: &str, value: &str| {
        lab.ok("updateConfiguration", &[("name", name), ("value", value)]);
    };
    set("project.invite.required", "true");
    set("custom.diskoffering.size.max", "2048");
    set("kvm.snapshot.enabled", "true");
    set("api.throttling.enabled", "true");
    let seen = lab.ok_as("ann", "listCapabilities", &[]);
    assert!(flag(&seen, "projectinviterequired") && flag(&seen, "KVMsnapshotenabled"));
    assert_eq!(int(&seen, "customdiskofferingmaxsize"), 2048);
    assert_eq!((int(&seen, "apilimitinterval"), int(&seen, "apilimitmax")), (1, 25));
    // What an account has of its own counts for it alone.
    let ann = text(&lab.one("listAccounts", &[("name", "ann"), ("listall", "true")]), "id");
    let own = [("name", "allow.public.user.templates"), ("value", "false"), ("accountid", &ann)];
    lab.ok("updateConfiguration", &own);
    let user_templates =
        |user: &str| flag(&lab.ok_as(user, "listCapabilities", &[]), "userpublictemplateenabled");
    assert!(!user_templates("ann") && user_templates("admin"));
}

#[test]
fn the_cloud_says_who_it_is_to_whom_it_knows() {
    let lab = Lab::new(Start::Empty);
    let ann = lab.account("ann", "0", None);
    let ann = texts(ann.field("user").unwrap(), "id").remove(0);
    let bob = lab.account("bob", "0", None);
    let bob = texts(bob.field("user").unwrap(), "id").remove(0);
    let ask = |id: &str| lab.run(lab.user("ann"), "getCloudIdentifier", &[("userid", id)]);
    let (code, why) = ask(&ann).unwrap_err();
    assert_eq!(code, 431);
    assert!(why.contains("registerUserKeys"), "{why}");
    lab.ok_as("ann", "registerUserKeys", &[("id", &ann)]);
    let one = ask(&ann).unwrap();
    assert_eq!(text(&one, "userid"), ann);
    assert_eq!(text(&one, "signature").len(), 28, "20 bytes in Base64");
    assert_eq!(ask(&ann).unwrap(), one, "it does not change");
    assert_eq!(ask(&bob).unwrap_err().0, 431, "not even that he is there");
    let lab = lab.restart();
    assert_eq!(lab.ok_as("ann", "getCloudIdentifier", &[("userid", &ann)]), one);
}

#[test]
fn planners_are_listed() {
    let lab = Lab::new(Start::Empty);
    let all = texts(&lab.ok("listDeploymentPlanners", &[]), "name");
    assert_eq!(all.first().map(String::as_str), Some("FirstFitPlanner"));
    let some = texts(&lab.ok("listDeploymentPlanners", &[("keyword", "bare")]), "name");
    assert_eq!(some, ["BareMetalPlanner"]);
}

#[test]
fn finished_jobs_and_old_events_go_when_their_time_is_up() {
    let lab = Lab::new(Start::Empty);
    let set = |name: &str, value: &str| {
        lab.ok("updateConfiguration", &[("name", name), ("value", value)]);
    };
    set("job.expire.minutes", "10");
    let ann = text(&lab.account("ann", "0", None), "id");
    let answer = lab.call(lab.root(), "disableAccount", &[("id", &ann), ("lock", "false")]);
    let Ok(cloudtally_platform::engine::Answer::Job { job, .. }) = answer else { panic!() };
    lab.finish(&job).unwrap();
    lab.pass(599);
    lab.ok("queryAsyncJobResult", &[("jobid", &job)]);
    lab.pass(1);
    assert_eq!(lab.refused("queryAsyncJobResult", &[("jobid", &job)]).0, 431);
    // Events stay for `event.purge.delay` days, archived ones as long as
    // `event.archive.purge.delay` says, at first for ever.
    let events = |params: &[(&str, &str)]| {
        let mut all = vec![("listall", "true"), ("type", "ACCOUNT.CREATE")];
        all.extend(params);
        texts(&lab.ok("listEvents", &all), "id")
    };
    lab.account("ben", "0", None);
    let [ben, ann_made] = <[String; 2]>::try_from(events(&[])).unwrap();
    lab.ok("archiveEvents", &[("ids", &ben)]);
    lab.pass(15 * 86_400);
    assert_eq!(events(&[]), [ann_made], "not older than 15 days at the last look");
    lab.pass(86_400);
    assert_eq!(events(&[]), [""; 0]);
    let archived = lab.id(&ben);
    assert!(lab.cloud.world().any(archived).is_some(), "archived ones are kept");
    set("event.archive.purge.delay", "30");
    lab.pass(13 * 86_400);
    assert!(lab.cloud.world().any(archived).is_some(), "not older than 30 days at the last look");
    lab.pass(2 * 86_400);
    assert!(lab.cloud.world().any(archived).is_none());
}
