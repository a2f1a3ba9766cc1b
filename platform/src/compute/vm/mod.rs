//! Virtual machines: what most of the bill is about. They count as allocated from
//! deployment until they are expunged, and as running in between.

mod change; // offerings, owners, keys
mod deploy;
mod life; // states, moves, and the usage events on them
mod show; // what is computed of it for answers

use cloudtally_model::ApiError;

pub(crate) use change::evacuate;
pub(crate) use life::{KIND, destroy as destroy_now, expunge, guest_stopped, start_waiting};

use crate::{
    col,
    engine::{Call, Done, Node, ResourceId, View, refusal, scope},
    state::MachineState,
    table::{
        Command, Kind, MapForm, Object, ParamType::*, Role, Roles, WireType as W, f, fields::*,
        group, list, own, p,
    },
};

pub(crate) const VM_PASSWORD: Object =
    Object { name: "GetVMPassword", fields: &[f("encryptedpassword", W::Str)] };

pub(crate) const VM: Object = Object {
    name: "UserVm",
    fields: &[
        ID,
        f("name", W::Str),
        f("displayname", W::Str),
        ACCOUNT,
        PROJECT_ID,
        PROJECT,
        DOMAIN_ID,
        DOMAIN,
        CREATED,
        STATE,
        f("haenable", W::Bool),
        f("groupid", W::Id(Kind::InstanceGroup)),
        f("group", W::Str).join(col::GROUP_ID, "name"),
        ZONE_ID,
        ZONE_NAME,
        f("hostid", W::Id(Kind::Host)).for_root(),
        f("hostname", W::Str).join(col::HOST_ID, "name").for_root(),
        f("templateid", W::Id(Kind::Template)),
        f("templatename", W::Str).join(col::TEMPLATE_ID, "name"),
        f("templatedisplaytext", W::Str).join(col::TEMPLATE_ID, "displaytext"),
        f("passwordenabled", W::Bool).join(col::TEMPLATE_ID, "passwordenabled"),
        f("isoid", W::Id(Kind::Iso)),
        f("isoname", W::Str).join(col::ISO_ID, "name"),
        f("isodisplaytext", W::Str).join(col::ISO_ID, "displaytext"),
        f("serviceofferingid", W::Id(Kind::ServiceOffering)),
        f("serviceofferingname", W::Str).join(col::SERVICE_OFFERING_ID, "name"),
        f("forvirtualnetwork", W::Bool)
            .by(|view| Node::Bool(show::is_on_guest_network(view.world, view.resource))),
        f("cpunumber", W::Int).join(col::SERVICE_OFFERING_ID, "cpunumber"),
        f("cpuspeed", W::Int).join(col::SERVICE_OFFERING_ID, "cpuspeed"),
        f("memory", W::Int).join(col::SERVICE_OFFERING_ID, "memory"),
        f("cpuused", W::Str).by(show::cpu_used),
        f("networkkbsread", W::Long).by(show::received),
        f("networkkbswrite", W::Long).by(show::sent),
        f("diskkbsread", W::Long).by(show::disk),
        f("diskkbswrite", W::Long).by(show::disk),
        f("diskioread", W::Long).by(show::disk),
        f("diskiowrite", W::Long).by(show::disk),
        f("guestosid", W::Id(Kind::OsType)),
        f("rootdeviceid", W::Long),
        f("rootdevicetype", W::Str),
        f("securitygroup", W::Objects("SecurityGroup")).by(security_groups),
        f("password", W::Str),
        f("nic", W::Objects("Nic")).children(Kind::Nic, col::VIRTUAL_MACHINE_ID),
        f("hypervisor", W::Str),
        f("publicipid", W::Id(Kind::IpAddress))
            .by(|view| show::public_address(view, |address| address.uuid.to_string())),
        f("publicip", W::Str).by(|view| {
            show::public_address(view, |address| address.text(col::IP_ADDRESS).to_owned())
        }),
        f("instancename", W::Str).for_root(),
        TAGS,
        f("keypair", W::Str),
        f("affinitygroup", W::Objects("AffinityGroup")),
        f("displayvm", W::Bool),
        f("isdynamicallyscalable", W::Bool),
        f("servicestate", W::Str),
        f("details", W::Map),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    own("assignVirtualMachine")
        .doc("Moves a stopped VM with its volumes to another account")
        .roles(Roles::ADMINS)
        .params(&[
            p("virtualmachineid", Id(Kind::Vm)).required(),
            p("account", Str).required().doc("the account that gets it"),
            p("domainid", Id(Kind::Domain)).required().doc("the domain of the account"),
            p("networkids", IdList(Kind::Network))
                .usable()
                .doc("networks of the new account to put it on, separated by commas"),
            p("securitygroupids", IdList(Kind::SecurityGroup)),
        ])
        .event("VM.MOVE")
        .object("virtualmachine", &VM)
        .act(change::assign),
    own("changeServiceForVirtualMachine")
        .doc("Gives a stopped VM another service offering")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Vm)).required(),
            p("serviceofferingid", Id(Kind::ServiceOffering)).required(),
        ])
        .event("VM.UPGRADE")
        .object("virtualmachine", &VM)
        .kind(Kind::Vm)
        .act(change::change_offering),
    own("cleanVMReservations")
        .doc("Frees capacity that planners keep for VMs no longer coming")
        .roles(Roles::ROOT)
        .job("VM.RESERVATION.CLEANUP")
        .success()
        .act(|_| Ok(Done::Success)),
    own("deployVirtualMachine")
        .doc("Makes a VM and starts it unless told otherwise")
        .roles(Roles::ALL)
        .params(&[
            p("zoneid", Id(Kind::Zone)).required(),
            p("serviceofferingid", Id(Kind::ServiceOffering)).required(),
            p("templateid", IdOf(&[Kind::Template, Kind::Iso]))
                .required()
                .usable()
                .doc("the template or ISO to make it from"),
            p("name", Str)
                .doc("the name and host name; letters, digits and hyphens; its id unless given"),
            p("displayname", Str),
            p("networkids", IdList(Kind::Network)).usable(),
            p("diskofferingid", Id(Kind::DiskOffering))
                .doc("a data volume; with an ISO, the offering of the root volume"),
            p("size", Long).doc("GiB of that volume; only with an offering of custom size"),
            p("group", Str).doc("the name of the instance group to put it into"),
            p("hypervisor", Str).doc("the hypervisor; needed with an ISO"),
            p("userdata", Str).length_max(32_768),
            p("keypair", Str),
            p("hostid", Id(Kind::Host)).doc("the host to start on; root admins only"),
            p("securitygroupids", IdList(Kind::SecurityGroup)),
            p("securitygroupnames", List)
                .doc("the same by name; not together with `securitygroupids`"),
            p("iptonetworklist", Map(MapForm::Fields(&["networkid", "ip", "ipv6"])))
                .doc("`iptonetworklist[0].networkid`, `.ip`, `.ipv6`; instead of `networkids`"),
            p("ipaddress", Str).doc("the IPv4 address on the default network"),
            p("ip6address", Str).doc("the IPv6 address on the default network"),
            p("keyboard", Str).doc("the keyboard of the console: `us`, `uk`, `jp`, ..."),
            p("startvm", Bool).doc("false to leave it stopped; true unless given"),
            p("affinitygroupids", IdList(Kind::AffinityGroup)),
            p("affinitygroupnames", List),
            p("displayvm", Bool),
        ])
        .groups(&[group::OWNER, group::PROJECT])
        .create_job("VM.CREATE")
        .object("virtualmachine", &VM)
        .kind(Kind::Vm)
        .begin(deploy::begin)
        .act(deploy::act)
        .on_failure(|call, _| deploy::fail(call)),
    own("destroyVirtualMachine")
        .doc("Destroys a VM; it can be recovered until it is expunged")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Vm)).required(),
            p("expunge", Bool).doc("true to expunge it at once; root and domain admins only"),
        ])
        .job("VM.DESTROY")
        .object("virtualmachine", &VM)
        .kind(Kind::Vm)
        .check(check_destroy)
        .act(destroy),
    own("getVMPassword")
        .doc("Shows the password of a VM, encrypted with its SSH key")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Vm)).required()])
        .object("password", &VM_PASSWORD)
        .read(change::password),
    list("listVirtualMachines", Kind::Vm)
        .doc("Lists VMs")
        .roles(Roles::ALL)
        .params(&[
            p("groupid", Id(Kind::InstanceGroup)).doc("shows only the VMs of this instance group"),
            p("hostid", Id(Kind::Host)),
            p("id", Id(Kind::Vm)),
            p("name", Str),
            p("podid", Id(Kind::Pod)),
            p("state", Str).doc("shows only VMs in this state, such as `Running` or `Stopped`"),
            p("zoneid", Id(Kind::Zone)),
            p("forvirtualnetwork", Bool)
                .doc("true for VMs on guest networks, false for those directly on shared ones"),
            p("networkid", Id(Kind::Network)).usable(),
            p("hypervisor", Str),
            p("storageid", Id(Kind::StoragePool)),
            p("details", List).doc(
                "what to show: `all`, `min`, `group`, `nics`, `stats`, `secgrp`, `tmpl`, \
                 `servoff`, `iso`, `volume`, `affgrp`; separated by commas, all unless given",
            ),
            p("templateid", Id(Kind::Template))
                .usable()
                .doc("shows only VMs made from this template"),
            p("isoid", Id(Kind::Iso)).usable().doc("shows only VMs with this ISO in their drive"),
            p("vpcid", Id(Kind::Vpc)),
            p("affinitygroupid", Id(Kind::AffinityGroup)),
        ])
        .groups(&[group::PAGED, group::SCOPED, group::IN_PROJECT, group::TAGGED])
        .items("virtualmachine", &VM)
        .details(show::DETAILS)
        .filter(
            change::is_listed,
            &["podid", "networkid", "vpcid", "storageid", "name", "details", "forvirtualnetwork"],
        ),
    own("migrateVirtualMachine")
        .doc("Moves a running VM to another host, or a stopped one to another storage pool")
        .roles(Roles::ROOT)
        .params(&[
            p("hostid", Id(Kind::Host)).doc("the host to move to; this or `storageid`"),
            p("virtualmachineid", Id(Kind::Vm)).required(),
            p("storageid", Id(Kind::StoragePool))
                .doc("the storage pool to move the volumes to; this or `hostid`"),
        ])
        .job("VM.MIGRATE")
        .object("virtualmachine", &VM)
        .act(change::migrate)
        .on_failure(|call, _| change::migration_failed(call)),
    own("migrateVirtualMachineWithVolume")
        .doc("Moves a running VM with its volumes to another host")
        .roles(Roles::ROOT)
        .params(&[
            p("hostid", Id(Kind::Host)).required().doc("the host to move to"),
            p("virtualmachineid", Id(Kind::Vm)).required(),
            p("migrateto", Map(MapForm::Fields(&["volume", "pool"])))
                .doc("where each volume goes: `migrateto[0].volume`, `.pool`"),
        ])
        .job("VM.MIGRATE")
        .object("virtualmachine", &VM)
        .act(change::migrate_with_volumes)
        .on_failure(|call, _| change::migration_failed(call)),
    own("rebootVirtualMachine")
        .doc("Reboots a running VM")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Vm)).required()])
        .job("VM.REBOOT")
        .object("virtualmachine", &VM)
        .kind(Kind::Vm)
        .act(change::reboot)
        .on_failure(|call, _| start_failed(call)),
    own("recoverVirtualMachine")
        .doc("Brings back a destroyed VM, stopped")
        .roles(Roles::ADMINS)
        .params(&[p("id", Id(Kind::Vm)).required()])
        .object("virtualmachine", &VM)
        .kind(Kind::Vm)
        .act(change::recover),
    own("resetPasswordForVirtualMachine")
        .doc("Gives a stopped VM a new password; its template must be enabled for it")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Vm)).required()])
        .job("VM.RESETPASSWORD")
        .object("virtualmachine", &VM)
        .kind(Kind::Vm)
        .act(change::reset_password),
    own("resetSSHKeyForVirtualMachine")
        .doc("Gives a stopped VM another SSH key; the VM gets it when it starts")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::Vm)).required(), p("keypair", Str).required()])
        .groups(&[group::OWNER, group::PROJECT])
        .job("VM.RESETSSHKEY")
        .object("virtualmachine", &VM)
        .kind(Kind::Vm)
        .act(change::reset_key),
    own("restoreVirtualMachine")
        .doc("Makes the root volume anew from the template; what was on it is lost")
        .roles(Roles::ALL)
        .params(&[
            p("virtualmachineid", Id(Kind::Vm)).required(),
            p("templateid", Id(Kind::Template))
                .usable()
                .doc("the template to use from now on; the VM's own unless given"),
        ])
        .job("VM.RESTORE")
        .object("virtualmachine", &VM)
        .act(change::restore)
        .on_failure(|call, _| life::start_failed(call, call.args.id_required("virtualmachineid"))),
    own("scaleVirtualMachine")
        .doc("Gives a VM a larger service offering while it runs")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Vm)).required(),
            p("serviceofferingid", Id(Kind::ServiceOffering)).required(),
        ])
        .job("VM.UPGRADE")
        .object("virtualmachine", &VM)
        .kind(Kind::Vm)
        .act(change::scale),
    own("startVirtualMachine")
        .doc("Starts a stopped VM")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Vm)).required(),
            p("hostid", Id(Kind::Host)).doc("the host to start on; root admins only"),
        ])
        .job("VM.START")
        .object("virtualmachine", &VM)
        .kind(Kind::Vm)
        .act(start)
        .on_failure(|call, _| start_failed(call)),
    own("stopVirtualMachine")
        .doc("Stops a running VM")
        .roles(Roles::ALL)
        .params(&[
            p("id", Id(Kind::Vm)).required(),
            p("forced", Bool).doc("true to count it as stopped although its host does not answer"),
        ])
        .job("VM.STOP")
        .object("virtualmachine", &VM)
        .kind(Kind::Vm)
        .act(stop)
        .on_failure(|call, _| stop_failed(call)),
    own("updateVirtualMachine")
        .doc("Changes what is said of a VM; most of it counts from its next start")
        .roles(Roles::ALL)
        .params(&[
            p("displayname", Str),
            p("group", Str).doc("the name of the instance group to put it into"),
            p("haenable", Bool).doc("whether it is started again after a failure"),
            p("id", Id(Kind::Vm)).required(),
            p("ostypeid", Id(Kind::OsType)),
            p("userdata", Str)
                .length_max(32_768)
                .doc("base64 text for the VM to read: 2 KiB by GET, 32 KiB by POST"),
            p("displayvm", Bool),
            p("isdynamicallyscalable", Bool),
        ])
        .event("VM.UPDATE")
        .object("virtualmachine", &VM)
        .kind(Kind::Vm)
        .act(change::update),
];

/// The security groups of a machine.
fn security_groups(view: &View<'_>) -> Node {
    let groups = view.resource.ids_of(col::SECURITY_GROUPS);
    let show = |id: ResourceId| {
        let group = view.of(id);
        Node::Object(vec![
            ("id", Node::text(group.resource.uuid.to_string())),
            ("name", Node::text(group.resource.text(col::NAME))),
            ("description", Node::text(group.resource.text(col::DESCRIPTION))),
        ])
    };
    Node::List(groups.into_iter().map(show).collect())
}

fn start(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let (vm, host) = (call.entity_id(), call.args.id("hostid"));
    if host.is_some() && !call.caller.is_root() {
        return Err(refusal::reserved("naming the host by `hostid`", "root admins"));
    }
    if call.step == 0 {
        scope::refuse_shut(call.tx, call.entity().owner)?;
    }
    life::start(call, vm, host)
}

fn start_failed(call: &mut Call<'_, '_>) {
    if let Some(vm) = call.entity {
        life::start_failed(call, vm);
    }
}

fn stop(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let vm = call.entity_id();
    life::stop(call, vm)
}

fn stop_failed(call: &mut Call<'_, '_>) {
    if let Some(vm) = call.entity {
        life::stop_failed(call, vm);
    }
}

fn check_destroy(call: &mut Call<'_, '_>) -> Result<(), ApiError> {
    let may_expunge =
        call.caller.role != Role::User || call.tx.setting_flag("allow.user.expunge.recover.vm");
    if call.args.is_true("expunge") && !may_expunge {
        return Err(refusal::reserved("expunging by `expunge=true`", "admins"));
    }
    use MachineState::*;
    let vm = call.args.id_required("id");
    call.tx.resource(vm).must_be(&[Running, Stopped, Starting, Error, Destroyed], "destroyed", "id")
}

fn destroy(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let vm = call.entity_id();
    destroy_now(call.tx, vm);
    if call.args.is_true("expunge") && call.tx.resource(vm).is(MachineState::Destroyed) {
        expunge(call.tx, vm);
    }
    Ok(Done::Resource(vm))
}
