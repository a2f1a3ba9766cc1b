//! SSH key pairs and instance groups.

use cloudtally_platform::{col, engine::Start, table::Kind};

use crate::support::{Lab, text, texts};

const PUBLIC: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea ann@desk";
const FINGERPRINT: &str = "cf:07:be:9d:68:ae:65:54:6d:a0:93:c3:6f:bd:0d:82";

#[test]
fn a_pair_is_made_shown_once_and_deleted() {
    let lab = Lab::new(Start::Empty);
    lab.account("ann", "0", None);
    let made = lab.ok_as("ann", "createSSHKeyPair", &[("name", "desk")]);
    let private_key = text(&made, "privatekey");
    assert!(private_key.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"), "{private_key}");
    let fingerprint = text(&made, "fingerprint");
    assert_eq!(fingerprint.split(':').count(), 16, "{fingerprint}");
    // What is kept is the public half of the same pair.
    let world = lab.cloud.world();
    let kept = world.all(Kind::SshKeyPair).next().unwrap();
    let key = ssh_key::PrivateKey::from_openssh(private_key).unwrap();
    assert_eq!(kept.text(col::PUBLIC_KEY), key.public_key().to_openssh().unwrap());
    drop(world);
    let seen = lab.ok_as("ann", "listSSHKeyPairs", &[("fingerprint", &fingerprint)]);
    assert_eq!(texts(&seen, "name"), ["desk"]);
    assert!(!format!("{seen:?}").contains("PRIVATE"));
    let again = lab.run(lab.user("ann"), "createSSHKeyPair", &[("name", "desk")]);
    assert_eq!(again.unwrap_err().0, 431);
    let other = lab.run(lab.root(), "deleteSSHKeyPair", &[("name", "desk")]).unwrap_err();
    assert!(other.1.contains("the account admin has no SSH key pair"), "{}", other.1);
    lab.ok_as("ann", "deleteSSHKeyPair", &[("name", "desk")]);
    assert_eq!(texts(&lab.ok_as("ann", "listSSHKeyPairs", &[]), "name"), [""; 0]);
    lab.ok_as("ann", "createSSHKeyPair", &[("name", "desk")]);
}

#[test]
fn a_public_key_is_registered() {
    let lab = Lab::new(Start::Empty);
    lab.account("ann", "0", None);
    let kept = lab.ok_as("ann", "registerSSHKeyPair", &[("name", "k"), ("publickey", PUBLIC)]);
    assert_eq!(text(&kept, "fingerprint"), FINGERPRINT);
    assert_eq!(text(&kept, "name"), "k");
    let (code, why) = lab.refused("registerSSHKeyPair", &[("name", "k"), ("publickey", "no key")]);
    assert_eq!(code, 431);
    assert!(why.contains("publickey") && why.contains("id_rsa.pub"), "{why}");
    let event = lab.ok_as("ann", "listEvents", &[("type", "REGISTER.SSH.KEYPAIR")]);
    assert_eq!(texts(&event, "state"), ["Completed"]);
}

#[test]
fn groups_are_made_renamed_and_removed() {
    let lab = Lab::new(Start::Empty);
    lab.account("ann", "0", None);
    lab.account("bob", "0", None);
    let group = text(&lab.ok_as("ann", "createInstanceGroup", &[("name", "web")]), "id");
    lab.ok_as("bob", "createInstanceGroup", &[("name", "web")]);
    let twice = lab.run(lab.user("ann"), "createInstanceGroup", &[("name", "WEB")]);
    assert_eq!(twice.unwrap_err().0, 431);
    let renamed = lab.ok_as("ann", "updateInstanceGroup", &[("id", &group), ("name", "front")]);
    assert_eq!((text(&renamed, "name"), text(&renamed, "account")), ("front".into(), "ann".into()));
    let theirs = lab.run(lab.user("bob"), "deleteInstanceGroup", &[("id", &group)]);
    assert_eq!(theirs.unwrap_err().0, 431, "not even that it is there");
    lab.ok_as("ann", "deleteInstanceGroup", &[("id", &group)]);
    assert_eq!(texts(&lab.ok("listInstanceGroups", &[("listall", "true")]), "account"), ["bob"]);
}
