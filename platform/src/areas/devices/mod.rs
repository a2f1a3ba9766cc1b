//! Areas of plug-ins: devices that the cloud drives. Nearly all are for root admins alone.

pub(super) mod baremetal;
pub(super) mod bigswitch;
pub(super) mod cisconexus;
pub(super) mod ciscovnmc;
pub(super) mod f5;
pub(super) mod netapp;
pub(super) mod netscaler;
pub(super) mod networkdevice;
pub(super) mod nicira;
pub(super) mod srx;
pub(super) mod stratosphere;
pub(super) mod trafficmonitor;
pub(super) mod ucs;
pub(super) mod vmwaredc;
