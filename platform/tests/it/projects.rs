//! Projects: members, invitations, who may change what, and what goes with them.

use cloudtally_platform::{
    col,
    engine::{Answer, Node, Start},
    table::Kind,
};

use crate::support::{Lab, int, text, texts};

/// Ann, Ben and Eve in one domain, and its admin Chief.
struct Club {
    lab: Lab,
    domain: String,
}

impl Club {
    fn new() -> Self {
        let lab = Lab::new(Start::Empty);
        let domain = text(&lab.ok("createDomain", &[("name", "club")]), "id");
        lab.account("chief", "2", Some(&domain));
        for name in ["ann", "ben", "eve"] {
            lab.account(name, "0", Some(&domain));
        }
        Self { lab, domain }
    }

    /// A project of Ann's.
    fn project(&self, name: &str) -> String {
        let params = [("name", name), ("displaytext", "x")];
        text(&self.lab.ok_as("ann", "createProject", &params), "id")
    }

    fn refused(&self, user: &str, name: &str, params: &[(&str, &str)]) -> (u16, String) {
        self.lab.run(self.lab.user(user), name, params).expect_err(name)
    }

    fn seen(&self, user: &str, params: &[(&str, &str)]) -> Vec<String> {
        texts(&self.lab.ok_as(user, "listProjects", params), "name")
    }

    fn members(&self, project: &str) -> Vec<(String, String)> {
        let list = self.lab.ok("listProjectAccounts", &[("projectid", project)]);
        texts(&list, "account").into_iter().zip(texts(&list, "role")).collect()
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn a_project_has_an_account_that_owns_what_is_in_it() {
    let club = Club::new();
    let id = club.project("web");
    let project = club.lab.one("listProjects", &[("id", &id)]);
    assert_eq!(text(&project, "account"), "ann");
    assert_eq!(text(&project, "state"), "Active");
    assert_eq!(text(&project, "domain"), "club");
    assert_eq!((text(&project, "vmlimit"), int(&project, "vmtotal")), ("20".into(), 0));
    assert_eq!(club.members(&id), pairs(&[("ann", "Admin")]));
    // The account behind it is named for it, of type 5, and not listed.
    let world = club.lab.cloud.world();
    let owner = world.resource(club.lab.id(&id)).owner.unwrap();
    let domain = club.lab.id(&club.domain);
    assert_eq!(world.resource(owner).text(col::NAME), format!("PrjAcct-web-{domain}"));
    assert_eq!(world.resource(owner).int(col::ACCOUNT_TYPE), 5);
    drop(world);
    assert!(
        !texts(&club.lab.ok("listAccounts", &[("listall", "true")]), "name")
            .iter()
            .any(|name| name.starts_with("PrjAcct"))
    );
    // A name stands once in a domain.
    let again = [("name", "WEB"), ("displaytext", "x")];
    assert_eq!(club.refused("ben", "createProject", &again).0, 431);
}

#[test]
fn members_work_in_it_and_only_its_administrator_changes_it() {
    let club = Club::new();
    let id = club.project("web");
    // Who is not in it does not even know that it is there.
    let group = [("name", "front"), ("projectid", id.as_str())];
    assert_eq!(club.refused("ben", "createInstanceGroup", &group).0, 431);
    assert_eq!(club.seen("ben", &[]), [""; 0]);
    club.lab.ok_as("ann", "addAccountToProject", &[("projectid", &id), ("account", "ben")]);
    assert_eq!(club.members(&id), pairs(&[("ann", "Admin"), ("ben", "Regular")]));
    assert_eq!(club.seen("ben", &[]), ["web"]);
    let made = club.lab.ok_as("ben", "createInstanceGroup", &group);
    assert_eq!((text(&made, "project"), made.field("account")), ("web".into(), None));
    let in_project =
        texts(&club.lab.ok_as("ann", "listInstanceGroups", &[("projectid", &id)]), "name");
    assert_eq!(in_project, ["front"]);
    // A member does not change it.
    for (name, params) in [
        ("updateProject", vec![("id", id.as_str()), ("displaytext", "y")]),
        ("suspendProject", vec![("id", &id)]),
        ("deleteProject", vec![("id", &id)]),
        ("addAccountToProject", vec![("projectid", &id), ("account", "eve")]),
        ("deleteAccountFromProject", vec![("projectid", &id), ("account", "ann")]),
    ] {
        let (code, why) = club.refused("ben", name, &params);
        assert_eq!(code, 531, "{name}");
        assert!(
            why.contains("the project web is changed by its administrator only"),
            "{name}: {why}"
        );
    }
    // The domain's admin does; then Ben administers it and Ann is one of many.
    let heir = [("id", id.as_str()), ("account", "ben"), ("displaytext", "y")];
    let changed = club.lab.ok_as("chief", "updateProject", &heir);
    assert_eq!(
        (text(&changed, "account"), text(&changed, "displaytext")),
        ("ben".into(), "y".into())
    );
    assert_eq!(club.members(&id), pairs(&[("ann", "Regular"), ("ben", "Admin")]));
    let out = |name| [("projectid", id.as_str()), ("account", name)];
    let (code, why) = club.refused("ben", "deleteAccountFromProject", &out("ben"));
    assert_eq!(code, 431);
    assert!(why.contains("ben, who administers the project"), "{why}");
    club.lab.ok_as("ben", "deleteAccountFromProject", &out("ann"));
    assert_eq!(club.seen("ann", &[]), [""; 0]);
    let stranger = [("id", id.as_str()), ("account", "eve")];
    assert!(club.refused("ben", "updateProject", &stranger).1.contains("only a member"));
}

#[test]
fn a_suspended_project_takes_nothing_until_it_is_activated() {
    let club = Club::new();
    let id = club.project("web");
    club.lab.ok_as("ann", "suspendProject", &[("id", &id)]);
    assert_eq!(club.seen("ann", &[("state", "suspended")]), ["web"]);
    let group = [("name", "front"), ("projectid", id.as_str())];
    let (code, why) = club.refused("ann", "createInstanceGroup", &group);
    assert_eq!(code, 431);
    assert!(why.contains("the project web is suspended"), "{why}");
    let add = [("projectid", id.as_str()), ("account", "ben")];
    assert!(club.refused("ann", "addAccountToProject", &add).1.contains("activate it"));
    club.lab.ok_as("ann", "activateProject", &[("id", &id)]);
    club.lab.ok_as("ann", "createInstanceGroup", &group);
}

#[test]
fn a_project_that_is_removed_takes_everything_with_it() {
    let club = Club::new();
    let id = club.project("web");
    club.lab.ok_as("ann", "createSSHKeyPair", &[("name", "k"), ("projectid", &id)]);
    let owner = club.lab.cloud.world().resource(club.lab.id(&id)).owner.unwrap();
    // Its administrator cannot go before it.
    let ann = text(&club.lab.one("listAccounts", &[("name", "ann"), ("listall", "true")]), "id");
    let (code, why) = club.lab.refused("deleteAccount", &[("id", &ann)]);
    assert_eq!(code, 431);
    assert!(why.contains("administers the projects web"), "{why}");
    club.lab.ok_as("ann", "deleteProject", &[("id", &id)]);
    assert_eq!(club.seen("chief", &[("listall", "true")]), [""; 0]);
    let world = club.lab.cloud.world();
    assert!(world.resource(owner).removed.is_some());
    assert_eq!(world.owned_by(owner, Kind::SshKeyPair).count(), 0);
    drop(world);
    // The name is free again, and Ann may go.
    let again = club.project("web");
    club.lab.ok_as("ann", "deleteProject", &[("id", &again)]);
    club.lab.ok("deleteAccount", &[("id", &ann)]);
}

#[test]
fn a_domain_goes_with_its_projects() {
    let club = Club::new();
    let id = club.project("web");
    let owner = club.lab.cloud.world().resource(club.lab.id(&id)).owner.unwrap();
    club.lab.ok("deleteDomain", &[("id", &club.domain), ("cleanup", "true")]);
    let world = club.lab.cloud.world();
    assert!(world.resource(owner).removed.is_some());
    assert_eq!(world.all(Kind::ProjectAccount).count(), 0);
    assert_eq!(world.all(Kind::Account).count(), 2, "system and admin");
}

#[test]
fn accounts_accept_or_decline_where_invitations_are_required() {
    let club = Club::new();
    club.lab.ok("updateConfiguration", &[("name", "project.invite.required"), ("value", "true")]);
    let id = club.project("web");
    for name in ["ben", "eve"] {
        let params = [("projectid", id.as_str()), ("account", name)];
        club.lab.ok_as("ann", "addAccountToProject", &params);
    }
    assert_eq!(club.members(&id), pairs(&[("ann", "Admin")]), "nobody has accepted yet");
    let twice = [("projectid", id.as_str()), ("account", "ben")];
    assert!(club.refused("ann", "addAccountToProject", &twice).1.contains("pending invitation"));
    // Each sees its own, the administrator those of the project.
    let invited = |user: &str, params: &[(&str, &str)]| {
        texts(&club.lab.ok_as(user, "listProjectInvitations", params), "account")
    };
    assert_eq!(invited("ben", &[]), ["ben"]);
    assert_eq!(invited("ann", &[]), [""; 0]);
    assert_eq!(invited("ann", &[("projectid", &id)]), ["ben", "eve"]);
    assert_eq!(invited("ben", &[("projectid", &id)]), ["ben"]);
    assert_eq!(invited("chief", &[("listall", "true")]), ["ben", "eve"]);
    club.lab.ok_as("ben", "updateProjectInvitation", &[("projectid", &id)]);
    let no = [("projectid", id.as_str()), ("account", "eve"), ("accept", "false")];
    club.lab.ok_as("eve", "updateProjectInvitation", &no);
    assert_eq!(club.members(&id), pairs(&[("ann", "Admin"), ("ben", "Regular")]));
    let list = club.lab.ok_as("ann", "listProjectInvitations", &[("projectid", &id)]);
    assert_eq!(texts(&list, "state"), ["Completed", "Declined"]);
    // Once answered, it is over; who was never asked cannot name the project.
    assert_eq!(club.refused("eve", "updateProjectInvitation", &no).0, 431);
    // Nobody answers for another.
    let eve = [("projectid", id.as_str()), ("account", "eve")];
    club.lab.ok_as("ann", "addAccountToProject", &eve);
    assert_eq!(club.refused("ben", "updateProjectInvitation", &eve).0, 531);
    // It can be withdrawn by the administrator alone.
    let active = [("projectid", id.as_str()), ("activeonly", "true")];
    let Node::List(open) = club.lab.ok_as("ann", "listProjectInvitations", &active) else {
        panic!()
    };
    assert_eq!(open.len(), 1);
    let invitation = text(&open[0], "id");
    assert_eq!(club.refused("eve", "deleteProjectInvitation", &[("id", &invitation)]).0, 531);
    assert_eq!(club.refused("ben", "deleteProjectInvitation", &[("id", &invitation)]).0, 431);
    club.lab.ok_as("ann", "deleteProjectInvitation", &[("id", &invitation)]);
    assert_eq!(club.refused("eve", "updateProjectInvitation", &[("projectid", &id)]).0, 431);
}

#[test]
fn invitations_expire() {
    let club = Club::new();
    club.lab.ok("updateConfiguration", &[("name", "project.invite.required"), ("value", "true")]);
    club.lab.ok("updateConfiguration", &[("name", "project.invite.timeout"), ("value", "600")]);
    let id = club.project("web");
    let ben = [("projectid", id.as_str()), ("account", "ben")];
    club.lab.ok_as("ann", "addAccountToProject", &ben);
    club.lab.pass(599);
    let state = || text(&club.lab.one("listProjectInvitations", &[("projectid", &id)]), "state");
    assert_eq!(state(), "Pending");
    club.lab.pass(1);
    assert_eq!(state(), "Expired");
    assert_eq!(club.refused("ben", "updateProjectInvitation", &ben).0, 431);
    // A new one can be sent.
    club.lab.ok_as("ann", "addAccountToProject", &ben);
    club.lab.ok_as("ben", "updateProjectInvitation", &ben);
    assert_eq!(club.members(&id), pairs(&[("ann", "Admin"), ("ben", "Regular")]));
}

#[test]
fn whoever_has_the_token_of_a_mail_may_join() {
    let club = Club::new();
    let id = club.project("web");
    let mail = [("projectid", id.as_str()), ("email", "x@example.org")];
    let (code, why) = club.refused("ann", "addAccountToProject", &mail);
    assert_eq!(code, 431);
    assert!(why.contains("project.invite.required"), "{why}");
    assert_eq!(club.refused("ann", "addAccountToProject", &[("projectid", &id)]).0, 431);
    club.lab.ok("updateConfiguration", &[("name", "project.invite.required"), ("value", "true")]);
    club.lab.ok_as("ann", "addAccountToProject", &mail);
    // The mail stands in Ann's event, and nobody else's list.
    let sent = [("type", "PROJECT.ACCOUNT.ADD"), ("keyword", "token")];
    let event = |user: &str| club.lab.ok_as(user, "listEvents", &sent);
    assert_eq!(event("eve"), Node::List(Vec::new()));
    let Node::List(events) = event("ann") else { panic!() };
    let description = text(&events[0], "description");
    let token = description.rsplit(' ').next().unwrap();
    let answer = |token: &str| {
        club.lab.run(
            club.lab.user("eve"),
            "updateProjectInvitation",
            &[("projectid", &id), ("token", token)],
        )
    };
    assert_eq!(answer("guessed").unwrap_err().0, 431);
    answer(token).unwrap();
    assert_eq!(club.members(&id), pairs(&[("ann", "Admin"), ("eve", "Regular")]));
    assert_eq!(answer(token).unwrap_err().0, 431, "a token works once");
}

#[test]
fn users_make_projects_only_where_that_is_allowed_and_their_limit_lets_them() {
    let club = Club::new();
    club.lab
        .ok("updateConfiguration", &[("name", "allow.user.create.projects"), ("value", "false")]);
    let web = [("name", "web"), ("displaytext", "x")];
    assert_eq!(club.refused("ann", "createProject", &web).0, 531);
    // An admin makes one for her.
    let domain = club.domain.as_str();
    let for_ann = [("account", "ann"), ("domainid", domain), web[0], web[1]];
    let made = club.lab.ok_as("chief", "createProject", &for_ann);
    assert_eq!(text(&made, "account"), "ann");
    club.lab.ok(
        "updateResourceLimit",
        &[("account", "ann"), ("domainid", domain), ("resourcetype", "5"), ("max", "1")],
    );
    let second = [for_ann[0], for_ann[1], ("name", "shop"), web[1]];
    let (code, why) = club.refused("chief", "createProject", &second);
    assert_eq!(code, 535);
    assert!(why.contains("the account ann may have 1 projects, has 1"), "{why}");
}

#[test]
fn projects_are_listed_by_membership_and_by_domain() {
    let club = Club::new();
    let below = [("name", "below"), ("parentdomainid", club.domain.as_str())];
    let below = text(&club.lab.ok("createDomain", &below), "id");
    club.lab.account("deep", "0", Some(&below));
    club.project("web");
    club.lab.ok_as("deep", "createProject", &[("name", "sea"), ("displaytext", "x")]);
    club.lab.ok("createProject", &[("name", "top"), ("displaytext", "x")]);
    let domain = club.domain.as_str();
    let none: [&str; 0] = [];
    for (user, params, expected) in [
        ("ann", vec![], vec!["web"]),
        ("ann", vec![("listall", "true")], vec!["web"]),
        ("ben", vec![("listall", "true")], none.to_vec()),
        ("chief", vec![], none.to_vec()),
        ("chief", vec![("listall", "true")], vec!["web", "sea"]),
        ("chief", vec![("domainid", domain)], vec!["web"]),
        ("chief", vec![("domainid", domain), ("isrecursive", "true")], vec!["web", "sea"]),
        ("chief", vec![("account", "ann"), ("domainid", domain)], vec!["web"]),
        ("chief", vec![("listall", "true"), ("keyword", "SE")], vec!["sea"]),
        ("admin", vec![], vec!["top"]),
        ("admin", vec![("listall", "true")], vec!["web", "sea", "top"]),
    ] {
        assert_eq!(club.seen(user, &params), expected, "{user} {params:?}");
    }
    let web = text(&club.lab.one("listProjects", &[("name", "web"), ("listall", "true")]), "id");
    assert_eq!(club.refused("deep", "listProjects", &[("id", &web)]).0, 431);
}

#[test]
fn making_a_project_is_a_job_that_answers_its_id_at_once() {
    let club = Club::new();
    let params = [("name", "web"), ("displaytext", "x")];
    let answer = club.lab.call(club.lab.user("ann"), "createProject", &params).unwrap();
    let Answer::Job { id: Some(id), job } = answer else { panic!("{answer:?}") };
    let project = club.lab.finish(&job).unwrap();
    assert_eq!(text(&project, "id"), id);
}
