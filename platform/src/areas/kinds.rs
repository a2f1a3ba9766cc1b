//! Which kinds there are rows for: the list the engine looks kinds up in.

use super as areas;
use crate::table::{Kind, KindSpec};

/// What is stored of each kind.
pub(crate) static KINDS: &[&KindSpec] = &[
    &areas::account::KIND,
    &areas::alert::KIND,
    &areas::config::KIND,
    &areas::domain::KIND,
    &areas::event::KIND,
    &areas::housekeeping::KIND,
    &areas::image::COPY_KIND,
    &areas::internalloadbalancer::ELEMENT_KIND,
    &areas::iso::KIND,
    &areas::job::KIND,
    &areas::limit::KIND,
    &areas::networkoffering::KIND,
    &areas::physicalnetwork::KIND,
    &areas::physicalnetwork::PROVIDER_KIND,
    &areas::physicalnetwork::TRAFFIC_TYPE_KIND,
    &areas::portableip::KIND,
    &areas::project::KIND,
    &areas::project::MEMBER_KIND,
    &areas::project::INVITATION_KIND,
    &areas::router::ELEMENT_KIND,
    &areas::resourcedetail::KIND,
    &areas::simulator::KIND,
    &areas::sshkeypair::KIND,
    &areas::storagenetwork::KIND,
    &areas::tag::KIND,
    &areas::template::KIND,
    &areas::address::KIND,
    &areas::network::KIND,
    &areas::nic::KIND,
    &areas::nic::SECONDARY_KIND,
    &areas::router_vm::KIND,
    &areas::securitygroup::KIND,
    &areas::vm::KIND,
    &areas::volume::KIND,
    &areas::egressfirewall::KIND,
    &areas::firewall::KIND,
    &areas::loadbalancer::KIND,
    &areas::loadbalancer::MEMBER_KIND,
    &areas::loadbalancer::STICKINESS_KIND,
    &areas::loadbalancer::HEALTH_CHECK_KIND,
    &areas::nat::KIND,
    &areas::portforwarding::KIND,
    &areas::snapshot::KIND,
    &areas::snapshot::POLICY_KIND,
    &areas::vpn::KIND,
    &areas::vpn::USER_KIND,
    &areas::securitygroup::RULE_KIND,
    &areas::user::KIND,
    &areas::vmgroup::KIND,
    &areas::vlan::KIND,
    &areas::vlan::GUEST_KIND,
    &areas::certificate::KIND,
    &areas::cluster::KIND,
    &areas::diskoffering::KIND,
    &areas::guestos::KIND,
    &areas::guestos::CATEGORY_KIND,
    &areas::host::KIND,
    &areas::hostupdate::KIND,
    &areas::hypervisor::KIND,
    &areas::imagestore::KIND,
    &areas::imagestore::STAGING_KIND,
    &areas::pod::KIND,
    &areas::region::KIND,
    &areas::serviceoffering::KIND,
    &areas::storagepool::KIND,
    &areas::systemvm::KIND,
    &areas::devices::vmwaredc::KIND,
    &areas::zone::KIND,
];

/// The rows by number of their kind.
static BY_NUMBER: [Option<&'static KindSpec>; Kind::ALL.len()] = by_number();

const fn by_number() -> [Option<&'static KindSpec>; Kind::ALL.len()] {
    let mut rows = [None; Kind::ALL.len()];
    let mut at = 0;
    while at < KINDS.len() {
        let number = KINDS[at].kind as usize;
        assert!(rows[number].is_none(), "a kind with two rows");
        rows[number] = Some(KINDS[at]);
        at += 1;
    }
    rows
}

/// What is stored of a kind; none if nothing is yet.
pub(crate) fn spec(kind: Kind) -> Option<&'static KindSpec> {
    BY_NUMBER[kind as usize]
}
