//! The deeds that are drawn.

use Of::{Account, Any, Else, Maybe, Name, Text};
use cloudtally_platform::table::Kind;

use crate::chance::{FLAG, Of, Row};

const URL: Of = Text(&["http://images.example.org/image"]);

const FORMAT: Of = Text(&["VHD", "QCOW2"]);

/// The deeds of tenants and operators; what stands twice is done twice as often.
pub(super) const ROWS: &[Row] = &[
    (
        "deployVirtualMachine",
        &[
            ("zoneid", Any(Kind::Zone)),
            ("serviceofferingid", Any(Kind::ServiceOffering)),
            ("templateid", Any(Kind::Template)),
            ("diskofferingid", Maybe(Kind::DiskOffering)),
            ("size", Text(&["1", "2"])),
            ("startvm", FLAG),
        ],
    ),
    (
        "deployVirtualMachine",
        &[
            ("zoneid", Any(Kind::Zone)),
            ("serviceofferingid", Any(Kind::ServiceOffering)),
            ("templateid", Any(Kind::Template)),
        ],
    ),
    (
        "deployVirtualMachine",
        &[
            ("zoneid", Any(Kind::Zone)),
            ("serviceofferingid", Any(Kind::ServiceOffering)),
            ("templateid", Any(Kind::Iso)),
            ("diskofferingid", Any(Kind::DiskOffering)),
            ("hypervisor", Text(&["Simulator", "KVM"])),
        ],
    ),
    ("startVirtualMachine", &[("id", Any(Kind::Vm))]),
    ("startVirtualMachine", &[("id", Any(Kind::Vm)), ("hostid", Maybe(Kind::Host))]),
    ("stopVirtualMachine", &[("id", Any(Kind::Vm)), ("forced", FLAG)]),
    ("rebootVirtualMachine", &[("id", Any(Kind::Vm))]),
    ("destroyVirtualMachine", &[("id", Any(Kind::Vm))]),
    ("destroyVirtualMachine", &[("id", Any(Kind::Vm)), ("expunge", FLAG)]),
    ("recoverVirtualMachine", &[("id", Any(Kind::Vm))]),
    (
        "restoreVirtualMachine",
        &[("virtualmachineid", Any(Kind::Vm)), ("templateid", Maybe(Kind::Template))],
    ),
    (
        "changeServiceForVirtualMachine",
        &[("id", Any(Kind::Vm)), ("serviceofferingid", Any(Kind::ServiceOffering))],
    ),
    (
        "scaleVirtualMachine",
        &[("id", Any(Kind::Vm)), ("serviceofferingid", Any(Kind::ServiceOffering))],
    ),
    (
        "updateVirtualMachine",
        &[
            ("id", Any(Kind::Vm)),
            ("haenable", Text(&["true"])),
            ("isdynamicallyscalable", Text(&["true"])),
        ],
    ),
    ("assignVirtualMachine", &[("virtualmachineid", Any(Kind::Vm)), ("account", Account)]),
    ("migrateVirtualMachine", &[("virtualmachineid", Any(Kind::Vm)), ("hostid", Any(Kind::Host))]),
    (
        "migrateVirtualMachine",
        &[("virtualmachineid", Any(Kind::Vm)), ("storageid", Any(Kind::StoragePool))],
    ),
    (
        "migrateVirtualMachineWithVolume",
        &[("virtualmachineid", Any(Kind::Vm)), ("hostid", Any(Kind::Host))],
    ),
    ("attachIso", &[("id", Any(Kind::Iso)), ("virtualmachineid", Any(Kind::Vm))]),
    ("detachIso", &[("virtualmachineid", Any(Kind::Vm))]),
    (
        "addNicToVirtualMachine",
        &[("virtualmachineid", Any(Kind::Vm)), ("networkid", Any(Kind::Network))],
    ),
    (
        "removeNicFromVirtualMachine",
        &[("virtualmachineid", Any(Kind::Vm)), ("nicid", Any(Kind::Nic))],
    ),
    (
        "updateDefaultNicForVirtualMachine",
        &[("virtualmachineid", Any(Kind::Vm)), ("nicid", Any(Kind::Nic))],
    ),
    (
        "createVolume",
        &[
            ("name", Name),
            ("zoneid", Any(Kind::Zone)),
            ("diskofferingid", Any(Kind::DiskOffering)),
            ("size", Text(&["", "1", "3"])),
        ],
    ),
    ("createVolume", &[("name", Name), ("snapshotid", Any(Kind::Snapshot))]),
    (
        "uploadVolume",
        &[("name", Name), ("zoneid", Any(Kind::Zone)), ("url", URL), ("format", FORMAT)],
    ),
    ("attachVolume", &[("id", Any(Kind::Volume)), ("virtualmachineid", Any(Kind::Vm))]),
    ("attachVolume", &[("id", Any(Kind::Volume)), ("virtualmachineid", Any(Kind::Vm))]),
    ("detachVolume", &[("id", Any(Kind::Volume))]),
    ("deleteVolume", &[("id", Any(Kind::Volume))]),
    (
        "resizeVolume",
        &[
            ("id", Any(Kind::Volume)),
            ("size", Text(&["", "2", "5"])),
            ("diskofferingid", Maybe(Kind::DiskOffering)),
            ("shrinkok", FLAG),
        ],
    ),
    (
        "migrateVolume",
        &[
            ("volumeid", Any(Kind::Volume)),
            ("storageid", Any(Kind::StoragePool)),
            ("livemigrate", FLAG),
        ],
    ),
    (
        "extractVolume",
        &[
            ("id", Any(Kind::Volume)),
            ("zoneid", Any(Kind::Zone)),
            ("mode", Text(&["HTTP_DOWNLOAD"])),
        ],
    ),
    ("createSnapshot", &[("volumeid", Any(Kind::Volume))]),
    ("createSnapshot", &[("volumeid", Any(Kind::Volume)), ("policyid", Any(Kind::SnapshotPolicy))]),
    ("deleteSnapshot", &[("id", Any(Kind::Snapshot))]),
    (
        "createSnapshotPolicy",
        &[
            ("volumeid", Any(Kind::Volume)),
            ("intervaltype", Text(&["HOURLY"])),
            ("schedule", Text(&["30", "7"])),
            ("maxsnaps", Text(&["1", "2"])),
            ("timezone", Text(&["UTC", "Asia/Kathmandu"])),
        ],
    ),
    ("deleteSnapshotPolicies", &[("id", Any(Kind::SnapshotPolicy))]),
    (
        "createTemplate",
        &[
            ("name", Name),
            ("displaytext", Name),
            ("ostypeid", Any(Kind::OsType)),
            ("volumeid", Any(Kind::Volume)),
        ],
    ),
    (
        "createTemplate",
        &[
            ("name", Name),
            ("displaytext", Name),
            ("ostypeid", Any(Kind::OsType)),
            ("snapshotid", Any(Kind::Snapshot)),
        ],
    ),
    (
        "registerTemplate",
        &[
            ("name", Name),
            ("displaytext", Name),
            ("ostypeid", Any(Kind::OsType)),
            ("zoneid", Else(Kind::Zone, "-1")),
            ("url", URL),
            ("hypervisor", Text(&["Simulator", "KVM"])),
            ("format", FORMAT),
            ("ispublic", FLAG),
        ],
    ),
    (
        "registerIso",
        &[
            ("name", Name),
            ("displaytext", Name),
            ("ostypeid", Any(Kind::OsType)),
            ("zoneid", Any(Kind::Zone)),
            ("url", URL),
        ],
    ),
    (
        "copyTemplate",
        &[
            ("id", Any(Kind::Template)),
            ("sourcezoneid", Any(Kind::Zone)),
            ("destzoneid", Any(Kind::Zone)),
        ],
    ),
    (
        "copyIso",
        &[
            ("id", Any(Kind::Iso)),
            ("sourcezoneid", Any(Kind::Zone)),
            ("destzoneid", Any(Kind::Zone)),
        ],
    ),
    ("deleteTemplate", &[("id", Any(Kind::Template)), ("zoneid", Maybe(Kind::Zone))]),
    ("deleteIso", &[("id", Any(Kind::Iso)), ("zoneid", Maybe(Kind::Zone))]),
    (
        "createNetwork",
        &[
            ("name", Name),
            ("displaytext", Name),
            ("zoneid", Any(Kind::Zone)),
            ("networkofferingid", Any(Kind::NetworkOffering)),
        ],
    ),
    ("deleteNetwork", &[("id", Any(Kind::Network))]),
    ("restartNetwork", &[("id", Any(Kind::Network)), ("cleanup", FLAG)]),
    ("associateIpAddress", &[("networkid", Any(Kind::Network))]),
    ("disassociateIpAddress", &[("id", Any(Kind::IpAddress))]),
    (
        "enableStaticNat",
        &[("ipaddressid", Any(Kind::IpAddress)), ("virtualmachineid", Any(Kind::Vm))],
    ),
    ("disableStaticNat", &[("ipaddressid", Any(Kind::IpAddress))]),
    (
        "createPortForwardingRule",
        &[
            ("ipaddressid", Any(Kind::IpAddress)),
            ("virtualmachineid", Any(Kind::Vm)),
            ("protocol", Text(&["tcp"])),
            ("publicport", Text(&["22", "80", "443"])),
            ("privateport", Text(&["22", "80"])),
        ],
    ),
    (
        "createLoadBalancerRule",
        &[
            ("publicipid", Any(Kind::IpAddress)),
            ("name", Name),
            ("algorithm", Text(&["roundrobin"])),
            ("publicport", Text(&["81", "82"])),
            ("privateport", Text(&["81"])),
        ],
    ),
    (
        "assignToLoadBalancerRule",
        &[("id", Any(Kind::LoadBalancerRule)), ("virtualmachineids", Any(Kind::Vm))],
    ),
    ("addIpToNic", &[("nicid", Any(Kind::Nic))]),
    ("deleteServiceOffering", &[("id", Any(Kind::ServiceOffering))]),
    ("deleteDiskOffering", &[("id", Any(Kind::DiskOffering))]),
    ("reconnectHost", &[("id", Any(Kind::Host))]),
    ("reconnectHost", &[("id", Any(Kind::Host))]),
    ("prepareHostForMaintenance", &[("id", Any(Kind::Host))]),
    ("cancelHostMaintenance", &[("id", Any(Kind::Host))]),
    (
        "deleteHost",
        &[("id", Any(Kind::Host)), ("forced", FLAG), ("forcedestroylocalstorage", FLAG)],
    ),
    ("enableStorageMaintenance", &[("id", Any(Kind::StoragePool))]),
    ("cancelStorageMaintenance", &[("id", Any(Kind::StoragePool))]),
    ("deleteStoragePool", &[("id", Any(Kind::StoragePool)), ("forced", FLAG)]),
    (
        "updateZone",
        &[("id", Any(Kind::Zone)), ("allocationstate", Text(&["Enabled", "Disabled", "Enabled"]))],
    ),
    ("disableAccount", &[("id", Any(Kind::Account)), ("lock", FLAG)]),
    ("enableAccount", &[("id", Any(Kind::Account))]),
    ("suspendProject", &[("id", Any(Kind::Project))]),
    ("activateProject", &[("id", Any(Kind::Project))]),
    (
        "configureSimulator",
        &[
            (
                "name",
                Text(&[
                    "StartCommand",
                    "StopCommand",
                    "RebootCommand",
                    "MigrateCommand",
                    "ScaleVmCommand",
                    "BackupSnapshotCommand",
                    "DownloadCommand",
                    "PingCommand",
                    "PingCommand",
                ]),
            ),
            (
                "value",
                Text(&[
                    "enabled:true",
                    "enabled:false",
                    "wait:400000",
                    "wait:1500",
                    "wait:0",
                    "wait:60000",
                    "timeout:90",
                    "enabled:false|wait:2500",
                ]),
            ),
            ("hostid", Maybe(Kind::Host)),
        ],
    ),
    ("deleteAccount", &[("id", Any(Kind::Account))]),
    ("deleteProject", &[("id", Any(Kind::Project))]),
];

/// Commands that are drawn again and again: lives of machines and disks, what they are
/// made of, and hosts that are slow.
pub(super) const OFTEN: [&str; 15] = [
    "deployVirtualMachine",
    "startVirtualMachine",
    "stopVirtualMachine",
    "destroyVirtualMachine",
    "recoverVirtualMachine",
    "migrateVirtualMachine",
    "scaleVirtualMachine",
    "createVolume",
    "attachVolume",
    "detachVolume",
    "deleteVolume",
    "createSnapshot",
    "registerTemplate",
    "deleteTemplate",
    "configureSimulator",
];

/// Commands that take so much away that they are seldom drawn.
pub(super) const RARE: [&str; 13] = [
    "enableStorageMaintenance",
    "prepareHostForMaintenance",
    "suspendProject",
    "updateZone",
    "restartNetwork",
    "deleteNetwork",
    "deleteAccount",
    "deleteProject",
    "deleteHost",
    "deleteStoragePool",
    "deleteServiceOffering",
    "deleteDiskOffering",
    "disableAccount",
];
