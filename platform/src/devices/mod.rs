//! Areas of plug-ins: devices that the cloud drives. Nearly all are for root admins alone.

pub(crate) mod baremetal;
pub(crate) mod bigswitch;
pub(crate) mod cisconexus;
pub(crate) mod ciscovnmc;
pub(crate) mod f5;
pub(crate) mod netapp;
pub(crate) mod netscaler;
pub(crate) mod networkdevice;
pub(crate) mod nicira;
pub(crate) mod srx;
pub(crate) mod stratosphere;
pub(crate) mod trafficmonitor;
pub(crate) mod ucs;
pub(crate) mod vmwaredc;
