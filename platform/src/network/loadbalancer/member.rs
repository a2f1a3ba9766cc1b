//! Machines behind load balancer rules.

use cloudtally_model::ApiError;

use crate::{
    col,
    engine::{Answer, Call, Done, Query, Resource, ResourceId, World},
    network::rules,
    state::MachineState,
    table::{GoesWith, Kind, KindSpec, Object, Turn, WireType as W, hidden},
};

const MEMBER: Object = Object { name: "LoadBalancerMember", fields: &[] };

/// A machine behind a rule.
pub(crate) static MEMBER_KIND: KindSpec = KindSpec::new(Kind::LoadBalancerMember, &MEMBER)
    .hidden(&[
        hidden("rule", W::Id(Kind::LoadBalancerRule)),
        hidden("virtualmachineid", W::Id(Kind::Vm)),
        hidden("networkid", W::Id(Kind::Network)),
    ])
    .goes_with(&[GoesWith {
        other: Kind::Vm,
        by: col::VIRTUAL_MACHINE_ID,
        turn: Turn::LoadBalancing,
        remove: |tx, id| tx.remove_with_dependants(id),
    }]);

/// The machines behind a rule.
pub(super) fn members(world: &World, rule: ResourceId) -> Vec<ResourceId> {
    let members = world.referring(rule, Kind::LoadBalancerMember, col::RULE);
    members.filter_map(|member| member.id_of(col::VIRTUAL_MACHINE_ID)).collect()
}

pub(super) fn assign(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let rule = call.entity_id();
    let network = call.entity().id_of(col::NETWORK_ID).expect("rules lead into a network");
    let vms = call.args.ids("virtualmachineids").to_vec();
    for vm in vms {
        rules::nic_of(call, vm, network)?;
        if members(call.tx, rule).contains(&vm) {
            return Err(call
                .tx
                .resource(vm)
                .refused("virtualmachineids", "is behind the rule already"));
        }
        call.tx.insert(Kind::LoadBalancerMember, |member| {
            member
                .set_ref(col::RULE, rule)
                .set_ref(col::VIRTUAL_MACHINE_ID, vm)
                .set_ref(col::NETWORK_ID, network);
        });
    }
    Ok(Done::Success)
}

pub(super) fn take_off(call: &mut Call<'_, '_>) -> Result<Done, ApiError> {
    let rule = call.entity_id();
    let vms = call.args.ids("virtualmachineids").to_vec();
    for vm in vms {
        let member = call
            .tx
            .referring(rule, Kind::LoadBalancerMember, col::RULE)
            .find(|member| member.id_of(col::VIRTUAL_MACHINE_ID) == Some(vm))
            .map(|member| member.id);
        let member = member.ok_or_else(|| {
            call.tx.resource(vm).refused("virtualmachineids", "is not behind the rule")
        })?;
        call.tx.erase(member);
    }
    Ok(Done::Success)
}

/// The machines behind a rule, or those that could be put there.
pub(super) fn list_instances(query: &Query<'_>) -> Result<Answer, ApiError> {
    let rule = query.world.resource(query.args.id_required("id"));
    let behind = members(query.world, rule.id);
    let is_named =
        |vm: &&Resource| query.is_named_in(&[vm.text(col::NAME), vm.text(col::DISPLAY_NAME)]);
    if query.args.flag("applied") != Some(false) {
        let behind = behind.into_iter().map(|id| query.world.resource(id));
        return query.page(behind.filter(is_named));
    }
    let network = rule.id_of(col::NETWORK_ID).expect("rules lead into a network");
    let free = query
        .world
        .referring(network, Kind::Nic, col::NETWORK_ID)
        .filter_map(|nic| nic.id_of(col::VIRTUAL_MACHINE_ID))
        .filter(|vm| !behind.contains(vm))
        .map(|vm| query.world.resource(vm))
        .filter(|vm| vm.is_any(&[MachineState::Running, MachineState::Stopped]))
        .filter(is_named);
    query.page(free)
}
