//! NICs of VMs and their secondary addresses. Guide 4.1.1.7.

use crate::areas::vm::VM;
use crate::table::{
    Command, Kind, Object, ParamType::*, Roles, WireType as W, f, fields::*, group, later, p,
};

pub(crate) const NIC: Object = Object {
    name: "Nic",
    fields: &[
        ID,
        f("networkid", W::Id(Kind::Network)),
        f("networkname", W::Str).join("networkid", "name"),
        f("netmask", W::Str),
        f("gateway", W::Str),
        f("ipaddress", W::Str),
        f("isolationuri", W::Str),
        f("broadcasturi", W::Str),
        f("traffictype", W::Str),
        f("type", W::Str),
        f("isdefault", W::Bool),
        f("macaddress", W::Str),
        f("ip6gateway", W::Str),
        f("ip6cidr", W::Str),
        f("ip6address", W::Str),
        f("secondaryip", W::Objects("NicSecondaryIp")).children(Kind::NicSecondaryIp, "nicid"),
    ],
};

pub(crate) const NIC_SECONDARY_IP: Object = Object {
    name: "NicSecondaryIp",
    fields: &[
        ID,
        f("ipaddress", W::Str),
        f("nicid", W::Id(Kind::Nic)),
        f("networkid", W::Id(Kind::Network)),
        f("virtualmachineid", W::Id(Kind::Vm)),
    ],
};

pub(crate) static COMMANDS: &[Command] = &[
    later("addIpToNic")
        .doc("Gives a NIC a secondary IP address")
        .roles(Roles::ALL)
        .params(&[
            p("nicid", Id(Kind::Nic)).required(),
            p("ipaddress", Str).doc("the address; a free one of the network unless given"),
        ])
        .job("NET.IPASSIGN")
        .object("nicsecondaryip", &NIC_SECONDARY_IP),
    later("addNicToVirtualMachine")
        .doc("Puts a VM onto one more network")
        .roles(Roles::ALL)
        .params(&[
            p("virtualmachineid", Id(Kind::Vm)).required(),
            p("networkid", Id(Kind::Network)).required(),
            p("ipaddress", Str).doc("the address; a free one of the network unless given"),
        ])
        .job("NIC.CREATE")
        .object("virtualmachine", &VM),
    later("listNics")
        .doc("Lists the NICs of a VM")
        .roles(Roles::ALL)
        .params(&[
            p("nicid", Id(Kind::Nic)).doc("shows only this NIC"),
            p("virtualmachineid", Id(Kind::Vm)).required(),
        ])
        .groups(&[group::PAGED])
        .items("nic", &NIC),
    later("removeIpFromNic")
        .doc("Takes a secondary IP address from a NIC")
        .roles(Roles::ALL)
        .params(&[p("id", Id(Kind::NicSecondaryIp)).required()])
        .job("NET.IPASSIGN")
        .success(),
    later("removeNicFromVirtualMachine")
        .doc("Takes a VM off a network; not off its default one")
        .roles(Roles::ALL)
        .params(&[
            p("virtualmachineid", Id(Kind::Vm)).required(),
            p("nicid", Id(Kind::Nic)).required(),
        ])
        .job("NIC.DELETE")
        .object("virtualmachine", &VM),
    later("updateDefaultNicForVirtualMachine")
        .doc("Makes another NIC the default one of a VM")
        .roles(Roles::ALL)
        .params(&[
            p("virtualmachineid", Id(Kind::Vm)).required(),
            p("nicid", Id(Kind::Nic)).required(),
        ])
        .job("NIC.UPDATE")
        .object("virtualmachine", &VM),
];
