//! The site: zones, pods, clusters, hosts, pools, stores and physical networks, with their
//! capacity and the placement of machines on them.

pub(crate) mod addressrange;
pub(crate) mod capacity;
pub(crate) mod certificate;
pub(crate) mod cluster;
pub(crate) mod dedicatedresource;
pub(crate) mod host;
pub(crate) mod hostlist;
pub(crate) mod hostupdate; // hotfixes; declared by the guide alone
pub(crate) mod imagecopy; // copies of templates and ISOs in zones
pub(crate) mod imagestore;
pub(crate) mod machine; // machines of whatever kind on hosts
pub(crate) mod migration; // where machines can move to
pub(crate) mod physicalnetwork;
pub(crate) mod placement;
pub(crate) mod pod;
pub(crate) mod podaddress;
pub(crate) mod region;
pub(crate) mod resourcestate; // what the operator lets hosts do
pub(crate) mod served; // the networks of a router
pub(crate) mod storagenetwork;
pub(crate) mod storagepool;
pub(crate) mod systemvm;
pub(crate) mod zone;
pub(crate) mod zonestore;
