//! VPNs: remote access for users, billed by user.

use cloudtally_model::ApiError;

use super::{
    addressuse, guest,
    rules::{self, VPN_PORTS},
};
use crate::{
    col,
    desk::metering,
    engine::{Call, Done, ResourceId, Tx, scope, secret, table},
    parse::ip,
    state::{MachineState, RuleState, VpnState},
    table::{
        Command, GoesWith, Kind, KindSpec, Object, ParamType::*, Roles, Turn, Unique,
        WireType as W, Within, f, fields::*, group, hidden, list, own, p,
    },
};

pub(crate) const REMOTE_ACCESS_VPN: Object = Object {
    name: "RemoteAccessVpn",
    fields: &[
        f("publicipid", W::Id(Kind::IpAddress)),
        f("publicip", W::Str).join(col::PUBLIC_IP_ID, "ipaddress"),
        f("iprange", W::Str),
        f("presharedkey", W::Str),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        STATE,
        ID,
    ],
};

pub(crate) const VPN_USER: Object = Object {
    name: "VpnUsers",
    fields: &[ID, f("username", W::Str), ACCOUNT, DOMAIN_ID, DOMAIN, PROJECT_ID, PROJECT, STATE],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("addVpnUser")
        .doc("Lets a user in through the remote access VPNs of an account")
        .roles(Roles::ALL)
        .params(&[p("username", Str).required(), p("password", Secret).required()])
        .groups(&[group::OWNER, group::PROJECT])
        .create_job("VPN.USER.ADD")
        .object("vpnuser", &VPN_USER)
        .kind(Kind::VpnUser)
        .begin(begin_user)
        .act(rules::activate)
        .on_failure(|call, _| rules::give_up(call)),
    own("createRemoteAccessVpn")
        .doc("Opens a public IP address for remote access")
        .roles(Roles::ALL)
        .params(&[
            p("publicipid", Id(Kind::IpAddress)).required(),
            p("iprange", Str).doc("addresses for clients; those of the setting unless given"),
            p("openfirewall", Bool).doc("false to leave the firewall closed; true unless given"),
        ])
        .groups(&[group::OWNER])
        .create_job("VPN.REMOTE.ACCESS.CREATE")
        .object("remoteaccessvpn", &REMOTE_ACCESS_VPN)
        .kind(Kind::RemoteAccessVpn)
        .begin(begin_remote)
        .act(act_remote)
        .on_failure(|call, _| rules::give_up(call)),
    own("deleteRemoteAccessVpn")
        .doc("Closes the remote access of a public IP address")
        .roles(Roles::ALL)
        .params(&[p("publicipid", Id(Kind::IpAddress)).required()])
        .job("VPN.REMOTE.ACCESS.DESTROY")
        .success()
        .act(delete_remote),
    list("listRemoteAccessVpns", Kind::RemoteAccessVpn)
        .doc("Lists the remote access VPN of a public IP address")
        .roles(Roles::ALL)
        .params(&[p("publicipid", Id(Kind::IpAddress)).required()])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("remoteaccessvpn", &REMOTE_ACCESS_VPN),
    list("listVpnUsers", Kind::VpnUser)
        .doc("Lists users of remote access VPNs")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::VpnUser)), p("username", Str)])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT])
        .items("vpnuser", &VPN_USER),
    own("removeVpnUser")
        .doc("Shuts a user out of the remote access VPNs of an account")
        .roles(Roles::ALL)
        .params(&[p("username", Str).required()])
        .groups(&[group::OWNER, group::PROJECT])
        .job("VPN.USER.REMOVE")
        .success()
        .act(delete_user),
];

/// A remote access VPN; `due` has no use.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::RemoteAccessVpn, &REMOTE_ACCESS_VPN)
    .keyword(&[col::IP_RANGE])
    .owned()
    .states(table!(VpnState: Added, Running; Added => Running;))
    .goes_with(&[GoesWith {
        other: Kind::IpAddress,
        by: col::PUBLIC_IP_ID,
        turn: Turn::RemoteAccess,
        remove: rules::remove,
    }])
    .job_instance("FirewallRule");

/// Users are of an account, for all its VPNs.
pub(crate) static USER_KIND: KindSpec = KindSpec::new(Kind::VpnUser, &VPN_USER)
    .goes_with_owner(Turn::VpnUsers, remove_user)
    .hidden(&[hidden("secret", W::Str)])
    .owned()
    .unique(&[Unique { column: col::USERNAME, within: Within::Account }])
    .states(table!(RuleState: Add, Active; Add => Active;))
    .metered(metering::VPN_USER)
    .keyword(&[col::USERNAME])
    .job_instance("FirewallRule");

fn begin_remote(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    // 1. An address of an isolated network that offers VPNs, with none yet.
    let args = call.args.clone();
    let address = args.id_required("publicipid");
    if call.tx.resource(address).id_of(col::VPC_ID).is_some() {
        let why = "is of a VPC, which has no remote access; use an address of an isolated network";
        return Err(call.tx.resource(address).refused("publicipid", why));
    }
    rules::check_no_static_nat(call.tx, address)?;
    scope::refuse_other_owner(call, address)?;
    let network = addressuse::network_of(call, address, None, "Vpn")?;
    let of = call.tx.resource(address).clone();
    if call.tx.referring(address, Kind::RemoteAccessVpn, col::PUBLIC_IP_ID).next().is_some() {
        return Err(of.refused("publicipid", "has a remote access VPN already"));
    }
    for ports in &VPN_PORTS {
        rules::check_free(call.tx, address, ports, None)?;
    }
    // 2. The addresses of its clients, and a key to share.
    let owner = of.owner.expect("addresses have an owner");
    let range = match args.text("iprange") {
        Some(range) => range.to_owned(),
        None => call.tx.scoped_setting(owner, "remote.access.vpn.client.iprange").to_owned(),
    };
    let bounds = range.split_once('-').and_then(|(first, last)| {
        ip::parse(first.trim()).zip(ip::parse(last.trim())).filter(|(first, last)| first < last)
    });
    let Some((first, last)) = bounds else {
        let expected = "expected a range of addresses, such as 10.1.2.1-10.1.2.8";
        return Err(call.invalid("iprange", &range, expected));
    };
    // Machines of the network have others.
    let meets = |other: Option<(u32, u32)>| {
        other.is_some_and(|(other_first, other_last)| first <= other_last && other_first <= last)
    };
    let guests = guest::whole_cidr(call.tx.resource(network));
    if meets(ip::bounds(guests)) {
        let expected = format!("it overlaps {guests}, the addresses of the network's machines");
        return Err(call.invalid("iprange", &range, &expected));
    }
    let length = usize::try_from(call.tx.setting_number("remote.access.vpn.psk.length"));
    let mut key = secret::key(call.tx.entropy)?;
    key.retain(|c| c.is_ascii_alphanumeric());
    key.truncate(length.unwrap_or(usize::MAX));
    let id = call.tx.insert(Kind::RemoteAccessVpn, |vpn| {
        vpn.owner = Some(owner);
        vpn.set_ref(col::PUBLIC_IP_ID, address)
            .set_text(col::IP_RANGE, &range)
            .set_text(col::PRE_SHARED_KEY, &key);
    });
    // 3. Clients are let in from everywhere.
    for ports in &VPN_PORTS {
        rules::open_firewall(call, id, address, ports, "0.0.0.0/0")?;
    }
    Ok(Some(id))
}

fn act_remote(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let id = call.entity_id();
    call.tx.move_to(id, MachineState::Running);
    Ok(Done::Resource(id))
}

fn delete_remote(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let address = call.args.id_required("publicipid");
    let vpn = call.tx.referring(address, Kind::RemoteAccessVpn, col::PUBLIC_IP_ID).next();
    let vpn = vpn.map(|vpn| vpn.id).ok_or_else(|| {
        call.tx.resource(address).refused("publicipid", "has no remote access VPN")
    })?;
    rules::remove(call.tx, vpn);
    Ok(Done::Success)
}

fn begin_user(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let owner = call.owner()?;
    let args = call.args.clone();
    let name = args.text_required("username");
    let most = call.tx.setting_number("remote.access.vpn.user.limit");
    let has = i64::try_from(call.tx.owned_by(owner, Kind::VpnUser).count()).unwrap_or(i64::MAX);
    if has >= most {
        return Err(call.tx.resource(owner).refused_as(
            ApiError::allocation,
            "username",
            format!("has {has} VPN users, as many as `remote.access.vpn.user.limit` allows"),
        ));
    }
    let id = call.tx.insert(Kind::VpnUser, |user| {
        user.owner = Some(owner);
        user.set_text(col::USERNAME, name).set_text(col::SECRET, args.text_required("password"));
    });
    call.check_unique(call.tx.resource(id))?;
    Ok(Some(id))
}

/// Takes a user away, and off the bill.
pub(crate) fn remove_user(tx: &mut Tx<'_>, id: ResourceId) {
    tx.remove_with_dependants(id);
}

fn delete_user(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let owner = call.owner()?;
    let name = call.args.text_required("username");
    let user = call.tx.owned_by(owner, Kind::VpnUser).find(|user| user.text(col::USERNAME) == name);
    let user = user.map(|user| user.id).ok_or_else(|| {
        call.invalid("username", name, "the account has no VPN user of this name")
    })?;
    remove_user(call.tx, user);
    Ok(Done::Success)
}
