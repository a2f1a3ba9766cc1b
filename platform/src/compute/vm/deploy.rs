//! Deploying a virtual machine.
//!
//! The call makes the machine, its volumes and its network interfaces and says so
//! to the bill; the job finds it a host and starts it. If that fails the machine
//! is in error: nothing of it stays but the pairs of its creation and its end.

use cloudtally_model::ApiError;

use super::{VM, life};
use crate::{
    col,
    engine::{
        Call, Done, Node, Resource, ResourceId, View, limit, refusal, remove_all_on, unknown,
    },
    network::{guest, nic},
    offering::hypervisor::{BARE_METAL, HYPERVISORS},
    parse::{given, units::gib},
    site::{
        imagecopy,
        placement::{self, Demand},
    },
    state::MachineState,
    storage::{image, volume},
    table::{Kind, Limit},
};

/// Longest host name.
const NAME_CHARS_MAX: usize = 63;
/// Decoded bytes of user data; the wire allows 2 KiB by GET and 32 KiB by POST.
const USER_DATA_CHARS_MAX: usize = 32_768;

/// The parts of a new machine.
struct Plan {
    owner: ResourceId,
    zone: ResourceId,
    offering: ResourceId,
    image: ResourceId,
    hypervisor: String,
    /// Of the root volume; none for bare metal, which has its own disks.
    root_bytes: Option<i64>,
    data: Option<(ResourceId, i64)>,
    networks: Vec<(ResourceId, Option<String>)>,
    security_groups: Vec<ResourceId>,
    name: Option<String>,
}

/// Makes the machine, stopped.
pub(super) fn begin(call: &mut Call<'_, '_>) -> Result<Option<ResourceId>, ApiError> {
    let plan = plan(call)?;
    let args = call.args.clone();
    let id = call.tx.insert(Kind::Vm, |vm| {
        vm.owner = Some(plan.owner);
        vm.set_flag(col::IS_PLANNED, true);
    });
    let is_iso = call.tx.resource(plan.image).kind == Kind::Iso;
    let name = plan.name.clone().unwrap_or_else(|| call.tx.resource(id).uuid.to_string());
    let display_name = args.text("displayname").unwrap_or(&name).to_owned();
    let suffix = match &plan.name {
        Some(name) if call.tx.setting_flag("vm.instancename.flag") => name,
        _ => call.tx.setting("instance.name"),
    };
    let instance = format!("i-{}-{}-{suffix}", plan.owner, id);
    let (os_type, is_scalable) = {
        let image = call.tx.resource(plan.image);
        (image.id_of(col::OS_TYPE_ID), image.flag(col::IS_DYNAMICALLY_SCALABLE))
    };
    let offers_ha = call.tx.resource(plan.offering).flag(col::OFFER_HA);
    let group = group_named(call, plan.owner)?;
    let key_pair = key_pair_named(call, plan.owner)?;
    call.tx.edit(id, |vm| {
        vm.set_text(col::NAME, &name)
            .set_text(col::DISPLAY_NAME, &display_name)
            .set_flag(col::HA_ENABLE, offers_ha)
            .set_ref(col::GROUP_ID, group)
            .set_ref(col::ZONE_ID, plan.zone)
            .set_ref(col::SERVICE_OFFERING_ID, plan.offering)
            .set_ref(col::GUEST_OS_ID, os_type)
            .set_int(col::ROOT_DEVICE_ID, 0)
            .set_text(col::ROOT_DEVICE_TYPE, "ROOT")
            .set_text(col::HYPERVISOR, &plan.hypervisor)
            .set_text(col::INSTANCE_NAME, &instance)
            .set_flag(col::DISPLAY_VM, args.flag("displayvm").unwrap_or(true))
            .set_flag(col::IS_DYNAMICALLY_SCALABLE, is_scalable)
            .set_ref(if is_iso { col::ISO_ID } else { col::TEMPLATE_ID }, plan.image)
            .set_ref(col::BOOT_ISO_ID, is_iso.then_some(plan.image))
            .set_ref(col::WANTED_HOST, args.id("hostid"));
        for column in [col::USER_DATA, col::KEYBOARD] {
            if let Some(text) = args.text(column.name()) {
                vm.set_text(column, text);
            }
        }
        if let Some(key_pair) = key_pair {
            vm.set_text(col::KEYPAIR, &key_pair);
        }
        vm.set_refs(col::SECURITY_GROUPS, plan.security_groups);
    });
    // Told in this order: disks, the machine.
    if let Some(bytes) = plan.root_bytes {
        volume::insert_root(call.tx, id, plan.image, bytes);
    }
    if let Some((offering, size_bytes)) = plan.data {
        volume::insert_data(call.tx, id, offering, size_bytes);
    }
    call.tx.edit(id, |vm| {
        vm.clear(col::IS_PLANNED);
    });
    for (on, wanted) in &plan.networks {
        nic::plan(call.tx, id, *on, wanted.as_deref());
    }
    Ok(Some(id))
}

/// Decides what is made, or why not.
fn plan(call: &mut Call<'_, '_>) -> Result<Plan, ApiError> {
    let args = call.args.clone();
    let owner = call.owner()?;
    let (zone, offering) = (args.id_required("zoneid"), args.id_required("serviceofferingid"));
    let image = args.id_required("templateid");
    // 1. A zone that takes machines, an offering for guests.
    crate::site::zone::refuse_disabled(call, zone)?;
    if args.has("hostid") && !call.caller.is_root() {
        return Err(refusal::reserved("naming the host by `hostid`", "root admins"));
    }
    if call.tx.resource(offering).flag(col::IS_SYSTEM) {
        return Err(call.tx.resource(offering).refused("serviceofferingid", "is for system VMs"));
    }
    crate::site::zone::refuse_local(call, zone, &[Some(offering), args.id("diskofferingid")])?;
    // 2. An image that is ready in the zone, and the hypervisor that runs it.
    check_image(call, image, owner, zone)?;
    let hypervisor = hypervisor_of(call, image)?;
    // 3. The disks.
    let (root_bytes, data) = disks(call, image, placement::is_bare_metal(&hypervisor))?;
    // 4. Limits.
    let bytes = root_bytes.unwrap_or_default() + data.map_or(0, |(_, bytes)| bytes);
    let volumes = i64::from(root_bytes.is_some()) + i64::from(data.is_some());
    check_limits(call, owner, offering, volumes, bytes)?;
    // 5. Networks, with the addresses wanted on them.
    let networks = networks(call, owner, zone)?;
    let ids: Vec<ResourceId> = networks.iter().map(|(id, _)| *id).collect();
    guest::refuse_hypervisor(call.tx, &ids, &hypervisor)?;
    let security_groups = crate::network::securitygroup::for_deployment(call, owner, zone)?;
    if let Some(name) = args.list("affinitygroupnames").first() {
        return Err(call.invalid("affinitygroupnames", name, "there is no such affinity group"));
    }
    // 6. A name that nobody of the owner's machines has, and data a machine can read.
    let name = args.text("name").map(str::to_owned);
    if let Some(name) = &name {
        check_name(call, owner, name)?;
    }
    if let Some(data) = args.text("userdata") {
        check_user_data(call, data)?;
    }
    Ok(Plan {
        owner,
        zone,
        offering,
        image,
        hypervisor,
        root_bytes,
        data,
        networks,
        security_groups,
        name,
    })
}

/// Refuses an image that is not ready in the zone, or that the owner could not restore the
/// machine from later.
fn check_image(
    call: &Call<'_, '_>,
    image: ResourceId,
    owner: ResourceId,
    zone: ResourceId,
) -> Result<(), ApiError> {
    if imagecopy::ready_in(call.tx, image, zone).is_none() {
        let image = call.tx.resource(image);
        return Err(image.refused(
            "templateid",
            format!("is not ready in the zone {}", call.tx.resource(zone).text(col::NAME)),
        ));
    }
    // What it is made from, its owner must be able to restore it from.
    if !image::is_open_to(call.tx.resource(image), owner) {
        return Err(call.tx.resource(image).refused_as(
            ApiError::permission,
            "templateid",
            format!(
                "is not for the account {}; share it first",
                call.tx.resource(owner).text(col::NAME)
            ),
        ));
    }
    Ok(())
}

/// The hypervisor that runs the image: a template's own, the one that is named for an ISO.
fn hypervisor_of(call: &Call<'_, '_>, image: ResourceId) -> Result<String, ApiError> {
    let is_iso = call.tx.resource(image).kind == Kind::Iso;
    match (is_iso, given::word(call, "hypervisor", &HYPERVISORS)?) {
        (false, wanted) => {
            let image = call.tx.resource(image);
            let of_image = image.text(col::HYPERVISOR);
            if wanted.is_some_and(|wanted| !wanted.eq_ignore_ascii_case(of_image)) {
                return Err(image.refused(
                    "templateid",
                    format!("is of the hypervisor {of_image}; leave `hypervisor` out"),
                ));
            }
            Ok(of_image.to_owned())
        }
        (true, Some(BARE_METAL)) => Err(call
            .tx
            .resource(image)
            .refused("templateid", "is an ISO; bare metal is deployed from templates")),
        (true, Some(hypervisor)) => Ok(hypervisor.to_owned()),
        (true, None) => Err(refusal::parameter(
            "hypervisor",
            "is needed with an ISO, which does not say its own",
        )),
    }
}

/// The bytes of the root volume, and the offering and bytes of the data volume.
type Disks = (Option<i64>, Option<(ResourceId, i64)>);

/// Decides on the disks: the root disk is the template's, or of the disk offering of an
/// ISO; the data disk is of the disk offering. Bare metal has its own.
fn disks(call: &Call<'_, '_>, image: ResourceId, is_metal: bool) -> Result<Disks, ApiError> {
    let args = &call.args;
    let is_iso = call.tx.resource(image).kind == Kind::Iso;
    if is_iso && !call.tx.resource(image).flag(col::BOOTABLE) {
        return Err(call.tx.resource(image).refused("templateid", "is not bootable"));
    }
    let disk = match args.id("diskofferingid") {
        Some(disk) => {
            volume::refuse_size(call, disk)?;
            Some((disk, volume::size_of(call, disk, args.int("size"))?))
        }
        None if args.has("size") => {
            return Err(refusal::parameter(
                "size",
                "is that of the volume of `diskofferingid`; give one of custom size with it",
            ));
        }
        None => None,
    };
    Ok(match (is_iso, disk) {
        (false, Some(_)) if is_metal => {
            return Err(refusal::parameter(
                "diskofferingid",
                "is not for bare metal, which takes no volumes; leave it out",
            ));
        }
        (false, _) if is_metal => (None, None),
        (false, data) => (Some(call.tx.resource(image).int(col::SIZE)), data),
        (true, Some((_, bytes))) => (Some(bytes), None),
        (true, None) => {
            return Err(refusal::parameter(
                "diskofferingid",
                "is needed with an ISO: the root disk is of this offering",
            ));
        }
    })
}

/// Refuses a machine with volumes of so many bytes that a limit of the owner does not allow.
pub(super) fn check_limits(
    call: &Call<'_, '_>,
    owner: ResourceId,
    offering: ResourceId,
    volumes: i64,
    bytes: i64,
) -> Result<(), ApiError> {
    let demand = call.tx.resource(offering);
    let needs = [
        (Limit::Vm, 1),
        (Limit::Volume, volumes),
        (Limit::Cpu, demand.int(col::CPU_NUMBER)),
        (Limit::Memory, demand.int(col::MEMORY)),
        (Limit::PrimaryStorage, gib(bytes)),
    ];
    for (which, more) in needs {
        limit::check(call.tx, owner, which, more)?;
    }
    Ok(())
}

fn networks(
    call: &mut Call<'_, '_>,
    owner: ResourceId,
    zone: ResourceId,
) -> Result<Vec<(ResourceId, Option<String>)>, ApiError> {
    let args = call.args.clone();
    let named = args.ids("networkids");
    let listed = args.map("iptonetworklist");
    if !named.is_empty() && !listed.is_empty() {
        return Err(refusal::exclusive(&["networkids", "iptonetworklist"]));
    }
    let mut wanted: Vec<(ResourceId, Option<String>)> = Vec::new();
    for entry in listed {
        let text = entry.get("networkid").map_or("", String::as_str);
        let found = crate::engine::Uuid::parse(text)
            .and_then(|uuid| call.tx.by_uuid(uuid))
            .filter(|resource| resource.kind == Kind::Network && resource.removed.is_none())
            .filter(|resource| call.tx.may_use(&call.caller, resource));
        let network = found
            .map(|resource| resource.id)
            .ok_or_else(|| unknown("iptonetworklist", text, Kind::Network.noun()))?;
        wanted.push((network, entry.get("ip").cloned()));
    }
    let ids: Vec<ResourceId> = if listed.is_empty() {
        named.to_vec()
    } else {
        wanted.iter().map(|(network, _)| *network).collect()
    };
    let chosen = guest::for_deployment(call, owner, zone, &ids)?;
    if listed.is_empty() {
        wanted = chosen.into_iter().map(|network| (network, None)).collect();
    }
    // Better refused than forgotten.
    let of_network = listed.iter().find_map(|entry| entry.get("ipv6")).map(String::as_str);
    if let Some(address) = args.text("ip6address").or(of_network) {
        let expected = "leave it out: networks give no IPv6 addresses to machines";
        return Err(call.invalid("ip6address", address, expected));
    }
    if let (Some(first), Some(address)) = (wanted.first_mut(), args.text("ipaddress")) {
        let listed = first.1.replace(address.to_owned());
        if listed.is_some_and(|listed| listed != address) {
            let expected = "`iptonetworklist` has another address for the first network";
            return Err(call.invalid("ipaddress", address, expected));
        }
    }
    Ok(wanted)
}

fn check_name(call: &Call<'_, '_>, owner: ResourceId, name: &str) -> Result<(), ApiError> {
    let is_good = name.len() <= NAME_CHARS_MAX
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && !name.ends_with('-')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !is_good {
        let expected = "expected a host name: letters, digits and hyphens, beginning with a letter, at most 63";
        return Err(call.invalid("name", name, expected));
    }
    let taken = call
        .tx
        .owned_by(owner, Kind::Vm)
        .any(|vm| vm.text(col::NAME).eq_ignore_ascii_case(name) && !vm.is(MachineState::Expunging));
    if taken {
        return Err(refusal::taken(Kind::Vm, name, "name"));
    }
    Ok(())
}

/// User data is Base64 text.
pub(super) fn check_user_data(call: &Call<'_, '_>, data: &str) -> Result<(), ApiError> {
    use base64::Engine as _;
    let decoded = base64::prelude::BASE64_STANDARD.decode(data.replace(['\n', '\r'], ""));
    match decoded {
        Ok(_) if data.len() <= USER_DATA_CHARS_MAX => Ok(()),
        _ => {
            Err(call.invalid("userdata", "...", "expected Base64 text of at most 32768 characters"))
        }
    }
}

/// The instance group of a name, made if there is none.
pub(super) fn group_named(
    call: &mut Call<'_, '_>,
    owner: ResourceId,
) -> Result<Option<ResourceId>, ApiError> {
    let Some(name) = call.args.text("group").map(str::to_owned) else { return Ok(None) };
    let known = call
        .tx
        .owned_by(owner, Kind::InstanceGroup)
        .find(|group| group.text(col::NAME) == name)
        .map(|group| group.id);
    Ok(Some(known.unwrap_or_else(|| {
        call.tx.insert(Kind::InstanceGroup, |group| {
            group.owner = Some(owner);
            group.set_text(col::NAME, &name);
        })
    })))
}

fn key_pair_named(call: &Call<'_, '_>, owner: ResourceId) -> Result<Option<String>, ApiError> {
    let Some(name) = call.args.text("keypair") else { return Ok(None) };
    let is_known =
        call.tx.owned_by(owner, Kind::SshKeyPair).any(|pair| pair.text(col::NAME) == name);
    if !is_known {
        return Err(call.invalid("keypair", name, "the account has no key pair of this name"));
    }
    Ok(Some(name.to_owned()))
}

/// Starts the machine, unless told not to.
pub(super) fn act(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let vm = call.entity_id();
    if call.args.flag("startvm") == Some(false) {
        for nic in nic::of_vm(call.tx, vm) {
            nic::meter(call.tx, nic);
        }
        return with_password(call, vm);
    }
    let wanted = call.tx.resource(vm).id_of(col::WANTED_HOST);
    match life::start(call, vm, wanted)? {
        Done::Resource(_) => with_password(call, vm),
        waits => Ok(waits),
    }
}

/// The machine, with its password where its template gives it one: shown this once.
pub(super) fn with_password(call: &mut Call<'_, '_>, vm: ResourceId) -> Result<Done, ApiError> {
    let takes_password = call
        .tx
        .resource(vm)
        .id_of(col::TEMPLATE_ID)
        .is_some_and(|id| call.tx.resource(id).flag(col::PASSWORD_ENABLED));
    if !takes_password {
        return Ok(Done::Resource(vm));
    }
    let password = crate::engine::secret::password(call.tx.entropy)?;
    let encrypted = crate::engine::secret::sealed(&password);
    call.tx.edit(vm, |vm| {
        vm.set_text(col::ENCRYPTED_PASSWORD, &encrypted);
    });
    let view = View::new(call.tx, &call.caller, call.tx.resource(vm), call.tx.now);
    let Node::Object(mut fields) = view.object(&VM) else { panic!("objects are shown as such") };
    let at = fields.iter().position(|(name, _)| *name == "nic").unwrap_or(fields.len());
    fields.insert(at, ("password", Node::text(&password)));
    Ok(Done::Node(Node::Object(fields)))
}

/// A machine that could not be started is in error and holds nothing.
pub(super) fn fail(call: &mut Call<'_, '_>) {
    let Some(vm) = call.entity else { return };
    // One that was started by other means meanwhile is deployed.
    let has_not_run = |vm: &Resource| {
        vm.is_any(&[MachineState::Stopped, MachineState::Starting])
            && vm.id_of(col::LAST_HOST_ID).is_none()
    };
    if !call.tx.get(Kind::Vm, vm).is_some_and(has_not_run) {
        return;
    }
    call.tx.move_to(vm, MachineState::Error);
    // It may have been given some while its host was waited for.
    remove_all_on(call.tx, vm);
    for nic in nic::of_vm(call.tx, vm) {
        nic::remove(call.tx, nic);
    }
    for id in call.tx.ids_referring(vm, Kind::Volume, col::VIRTUAL_MACHINE_ID) {
        if call.tx.resource(id).text(col::TYPE) != "ROOT" {
            volume::destroy(call.tx, id);
        }
        volume::expunge(call.tx, id);
    }
}

/// The demand of an offering, for checks of other commands.
pub(super) fn demand(call: &Call<'_, '_>, offering: ResourceId) -> Demand {
    Demand::of(call.tx.resource(offering))
}
