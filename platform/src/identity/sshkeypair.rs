//! SSH key pairs: keys that VMs get at their start. Guide 4.1.1.5.
//!
//! Only the public half is kept; the private half of a pair made here is answered
//! once and forgotten. Pairs are named, not numbered: a name stands once an account.
//! The fingerprint is the MD5 of the public key in the form `43:51:..`, as the 4.2.1
//! server and the tools of its time write it.

use base64::{Engine, prelude::BASE64_STANDARD};
use cloudtally_model::ApiError;
use md5::{Digest, Md5};
use ssh_key::{LineEnding, PrivateKey, private::Ed25519Keypair};

use crate::{
    col,
    engine::{Call, Done, Node, ResourceId},
    table::{
        Command, Kind, KindSpec, Object, ParamType::*, Roles, Unique, WireType as W, Within, f,
        group, hidden, list, own, p,
    },
};

/// `publickey` is the line as `authorized_keys` has it.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::SshKeyPair, &SSH_KEY_PAIR)
    .hidden(&[hidden("publickey", W::Str)])
    .owned()
    .unique(&[Unique { column: col::NAME, within: Within::Account }])
    .keyword(&[col::NAME, col::FINGERPRINT]);

pub(crate) const CREATED_SSH_KEY_PAIR: Object = Object {
    name: "CreateSSHKeyPair",
    fields: &[f("privatekey", W::Str), f("name", W::Str), f("fingerprint", W::Str)],
};

pub(crate) const SSH_KEY_PAIR: Object =
    Object { name: "SSHKeyPair", fields: &[f("name", W::Str), f("fingerprint", W::Str)] };

pub(crate) static COMMANDS: &[Command] = &[
    own("createSSHKeyPair")
        .doc("Makes an SSH key pair; the private key is shown this once")
        .roles(Roles::ALL)
        .params(&[p("name", Str).required()])
        .groups(&[group::OWNER, group::PROJECT])
        .object("keypair", &CREATED_SSH_KEY_PAIR)
        .act(create),
    own("deleteSSHKeyPair")
        .doc("Deletes an SSH key pair; VMs that have it keep it")
        .roles(Roles::ALL)
        .params(&[p("name", Str).required()])
        .groups(&[group::OWNER, group::PROJECT])
        .success()
        .act(delete),
    list("listSSHKeyPairs", Kind::SshKeyPair)
        .doc("Lists SSH key pairs")
        .roles(Roles::ALL)
        .params(&[
            p("name", Str),
            p("fingerprint", Str).doc("shows only the one with this fingerprint"),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("sshkeypair", &SSH_KEY_PAIR),
    own("registerSSHKeyPair")
        .doc("Keeps a public key under a name")
        .roles(Roles::ALL)
        .params(&[
            p("name", Str).required(),
            p("publickey", Str)
                .required()
                .length_max(5120)
                .doc("the public key, as in `id_rsa.pub`"),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .event("REGISTER.SSH.KEYPAIR")
        .object("keypair", &SSH_KEY_PAIR)
        .act(register),
];

/// Keeps a public key for the account that the parameters name.
fn keep(
    call: &mut Call<'_, '_>,
    public_key: &str,
    fingerprint: &str,
) -> Result<ResourceId, ApiError> {
    let owner = call.owner()?;
    let name = call.args.text_required("name").to_owned();
    let id = call.tx.insert(Kind::SshKeyPair, |pair| {
        pair.owner = Some(owner);
        pair.set_text(col::NAME, &name)
            .set_text(col::PUBLIC_KEY, public_key)
            .set_text(col::FINGERPRINT, fingerprint);
    });
    call.check_unique(call.tx.resource(id))?;
    call.entity = Some(id);
    Ok(id)
}

fn create(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    // 1. The pair: 32 random bytes are all of an Ed25519 key.
    let mut seed = [0; 32];
    (call.tx.entropy)(&mut seed)?;
    let broken = |cause| ApiError::runtime(format!("cannot write down an SSH key: {cause}"));
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&seed));
    let private_key = key.to_openssh(LineEnding::LF).map_err(broken)?;
    let public_key = key.public_key().to_openssh().map_err(broken)?;
    let fingerprint = fingerprint(&key.public_key().to_bytes().map_err(broken)?);
    // 2. Its public half stays.
    let id = keep(call, &public_key, &fingerprint)?;
    let name = call.tx.resource(id).text(col::NAME).to_owned();
    Ok(Done::Node(Node::Object(vec![
        ("privatekey", Node::text(private_key.as_str())),
        ("name", Node::text(name)),
        ("fingerprint", Node::text(fingerprint)),
    ])))
}

fn register(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let given = call.args.text_required("publickey").trim().to_owned();
    let blob = blob_of(&given).ok_or_else(|| {
        let shown: String = given.chars().take(40).collect();
        let expected = "expected a line as in `id_rsa.pub`: the type, the key in Base64, a comment";
        call.invalid("publickey", &shown, expected)
    })?;
    keep(call, &given, &fingerprint(&blob)).map(Done::Resource)
}

/// The bytes of a key written as `ssh-rsa AAAA.. comment`; none where the type that
/// is written is not the one inside.
fn blob_of(line: &str) -> Option<Vec<u8>> {
    let mut words = line.split_whitespace();
    let (algorithm, key) = (words.next()?, words.next()?);
    let blob = BASE64_STANDARD.decode(key).ok()?;
    let (length, rest) = blob.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let inside = rest.get(..length)?;
    (inside == algorithm.as_bytes() && rest.len() > length).then_some(blob)
}

fn fingerprint(blob: &[u8]) -> String {
    let bytes: Vec<String> = Md5::digest(blob).iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(":")
}

fn delete(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let owner = call.owner()?;
    let name = call.args.text_required("name");
    let found = call.tx.owned_by(owner, Kind::SshKeyPair).find(|pair| pair.text(col::NAME) == name);
    let Some(id) = found.map(|pair| pair.id) else {
        let account = call.tx.resource(owner).text(col::NAME);
        let expected = format!("the account {account} has no SSH key pair of this name");
        return Err(call.invalid("name", name, &expected));
    };
    call.tx.remove_with_dependants(id);
    Ok(Done::Success)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_those_of_ssh_keygen() {
        // ssh-keygen -l -E md5 of the key that RFC 8032 has as its first test.
        let line =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";
        let blob = blob_of(line).unwrap();
        assert_eq!(blob.len(), 51);
        let seed: Vec<u8> = (0..32)
            .map(|at| {
                let hex = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
                u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap()
            })
            .collect();
        let key = PrivateKey::from(Ed25519Keypair::from_seed(&seed.try_into().unwrap()));
        assert_eq!(key.public_key().to_bytes().unwrap(), blob);
        assert_eq!(fingerprint(&blob), "cf:07:be:9d:68:ae:65:54:6d:a0:93:c3:6f:bd:0d:82");
    }

    #[test]
    fn keys_that_lie_about_their_type_are_none() {
        let ed25519 = "AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";
        for line in [
            format!("ssh-rsa {ed25519}"),
            "ssh-ed25519".to_owned(),
            "ssh-ed25519 !!!".to_owned(),
            "ssh-ed25519 AAAA".to_owned(),
            String::new(),
        ] {
            assert_eq!(blob_of(&line), None, "{line}");
        }
    }
}
