//! Changes of a virtual machine besides its life: offerings, owners, keys.

mod assign;
mod migrate;
mod offering;
mod restore;

use cloudtally_model::ApiError;

use crate::{
    col,
    compute::vm::{deploy, show},
    engine::{Answer, Call, Done, Node, Query, Resource, ResourceId, scope},
    state::MachineState,
    table::Kind,
};

pub(crate) use assign::assign;
pub(crate) use migrate::{evacuate, migrate, migrate_with_volumes, migration_failed};
pub(crate) use offering::{change_offering, scale};
pub(crate) use restore::{reboot, recover, restore};

pub(super) fn reset_password(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let vm = call.entity_id();
    call.tx.resource(vm).must_be(&[MachineState::Stopped], "given a new password", "id")?;
    let takes_password = call
        .entity()
        .id_of(col::TEMPLATE_ID)
        .is_some_and(|id| call.tx.resource(id).flag(col::PASSWORD_ENABLED));
    if !takes_password {
        return Err(call.entity().refused("id", "has a template that takes no passwords"));
    }
    deploy::with_password(call, vm)
}

pub(super) fn reset_key(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let vm = call.entity_id();
    call.tx.resource(vm).must_be(&[MachineState::Stopped], "given another key", "id")?;
    scope::refuse_other_owner(call, vm)?;
    let name = call.args.text_required("keypair").to_owned();
    let owner = call.entity().owner.expect("virtual machines have an owner");
    let is_known =
        call.tx.owned_by(owner, Kind::SshKeyPair).any(|pair| pair.text(col::NAME) == name);
    if !is_known {
        return Err(call.invalid("keypair", &name, "the owner has no key pair of this name"));
    }
    call.tx.edit(vm, |vm| {
        vm.set_text(col::KEYPAIR, &name);
    });
    deploy::with_password(call, vm)
}

pub(super) fn password(query: &Query<'_>) -> Result<Answer, ApiError> {
    let vm = query.world.resource(query.args.id_required("id"));
    match vm.text(col::ENCRYPTED_PASSWORD) {
        "" => Err(vm.refused("id", "has no password that was made for it")),
        password => Ok(Answer::Object {
            item: "password",
            object: Node::Object(vec![("encryptedpassword", Node::text(password))]),
        }),
    }
}

pub(super) fn update(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let vm = call.entity_id();
    let args = call.args.clone();
    let owner = call.entity().owner.expect("virtual machines have an owner");
    if let Some(data) = args.text("userdata") {
        deploy::check_user_data(call, data)?;
    }
    let group = deploy::group_named(call, owner)?;
    call.tx.edit(vm, |vm| {
        for column in [col::DISPLAY_NAME, col::USER_DATA] {
            if let Some(text) = args.text(column.name()) {
                vm.set_text(column, text);
            }
        }
        for column in [col::HA_ENABLE, col::DISPLAY_VM, col::IS_DYNAMICALLY_SCALABLE] {
            if let Some(flag) = args.flag(column.name()) {
                vm.set_flag(column, flag);
            }
        }
        if let Some(os_type) = args.id("ostypeid") {
            vm.set_ref(col::GUEST_OS_ID, os_type);
        }
        if group.is_some() {
            vm.set_ref(col::GROUP_ID, group);
        }
    });
    Ok(Done::Resource(vm))
}

/// Filters lists of machines by more than equal columns.
pub(super) fn is_listed(query: &Query<'_>, vm: &Resource) -> bool {
    let (world, args) = (query.world, query.args);
    let host = vm.id_of(col::HOST_ID);
    let pod = host.and_then(|host| world.resource(host).id_of(col::POD_ID));
    let on_network = |network: ResourceId| {
        world
            .referring(vm.id, Kind::Nic, col::VIRTUAL_MACHINE_ID)
            .any(|nic| nic.id_of(col::NETWORK_ID) == Some(network))
    };
    let in_vpc = |vpc: ResourceId| {
        let mut nics = world.referring(vm.id, Kind::Nic, col::VIRTUAL_MACHINE_ID);
        nics.any(|nic| {
            let network = nic.id_of(col::NETWORK_ID).map(|id| world.resource(id));
            network.is_some_and(|network| network.id_of(col::VPC_ID) == Some(vpc))
        })
    };
    let in_pool = |pool: ResourceId| {
        world
            .referring(vm.id, Kind::Volume, col::VIRTUAL_MACHINE_ID)
            .any(|volume| volume.id_of(col::POOL_ID) == Some(pool))
    };
    // Destroyed machines are for those who may recover them.
    let is_shown = !vm.is(MachineState::Destroyed) && !vm.is(MachineState::Expunging)
        || query.caller.role != crate::table::Role::User;
    // What is not to be displayed only root admins are shown.
    is_shown
        && (vm.flag(col::DISPLAY_VM) || query.caller.is_root())
        && args
            .flag("forvirtualnetwork")
            .is_none_or(|wanted| show::is_on_guest_network(world, vm) == wanted)
        && args.id("podid").is_none_or(|wanted| pod == Some(wanted))
        && args.id("networkid").is_none_or(on_network)
        // A tier says more than its VPC.
        && (args.has("networkid") || args.id("vpcid").is_none_or(in_vpc))
        && args.id("storageid").is_none_or(in_pool)
        && args.text("name").is_none_or(|wanted| {
            let wanted = wanted.to_lowercase();
            [col::NAME, col::DISPLAY_NAME]
                .into_iter()
                .any(|c| vm.text(c).to_lowercase().contains(&wanted))
        })
}
