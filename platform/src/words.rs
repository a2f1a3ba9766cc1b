//! The meanings of parameters whose name means the same everywhere.

use crate::table::{Command, Param};

fn found(words: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    words.binary_search_by(|(word, _)| (*word).cmp(name)).ok().map(|at| words[at].1)
}

/// Describes a parameter of a command in one line: in its own words, else in the common
/// ones of its name, which in lists are those of a filter.
pub fn of_param(command: &Command, param: &Param) -> &'static str {
    let on_list = || found(ON_LISTS, param.name).filter(|_| command.is_list());
    param.doc.or_else(on_list).or_else(|| found(WORDS, param.name)).unwrap_or_default()
}

/// The meanings of parameters in commands that list; sorted by name.
const ON_LISTS: &[(&str, &str)] = &[
    ("id", "shows only the one with this uuid"),
    ("name", "shows only what has this name"),
    ("projectid", "shows only what belongs to the project; -1 is all projects of the caller"),
    ("tags", "shows only what has all of these tags: `tags[0].key`, `tags[0].value`"),
];

/// Sorted by name.
const WORDS: &[(&str, &str)] = &[
    ("account", "the name of an account; goes with `domainid`"),
    ("accountdetails", "details of the account: `accountdetails[0].key=value`, any keys"),
    ("accountid", "the account"),
    ("accounts", "names of accounts in the caller's domain, separated by commas"),
    ("accounttype", "0 user, 1 root admin, 2 domain admin"),
    ("aclid", "the network ACL list"),
    ("acltype", "who may use the network: `Account` or `Domain`"),
    ("action", "`Allow` or `Deny`"),
    ("affinitygroupid", "the affinity group"),
    ("affinitygroupids", "affinity groups; not together with `affinitygroupnames`"),
    ("affinitygroupnames", "the same by name; not together with `affinitygroupids`"),
    ("aggregatename", "the aggregate on the filer"),
    ("algorithm", "`roundrobin`, `leastconn` or `source`"),
    ("allocationstate", "`Enabled` or `Disabled`; what is disabled takes nothing new"),
    ("applied", "true for those that are in effect, false for those that are not"),
    ("autoscaleuserid", "the user whose API keys make and destroy the VMs"),
    (
        "availability",
        "`Optional` or `Required`; one required offering serves a zone without choice",
    ),
    ("bits", "32 or 64; 64 unless given"),
    ("bladeid", "the blade"),
    ("bootable", "whether a VM can boot from it; true unless given"),
    ("bytesreadrate", "most bytes read a second"),
    ("byteswriterate", "most bytes written a second"),
    ("capacitybytes", "size in bytes that may be used"),
    ("capacityiops", "I/O operations a second that may be used"),
    ("category", "the category, such as `Advanced`, `Network` or `Storage`"),
    ("checksum", "MD5 of the file; compared after the download"),
    ("cidr", "the address range, such as `10.1.0.0/16`"),
    ("cidrlist", "address ranges separated by commas; `0.0.0.0/0` unless given"),
    ("clusterid", "the cluster"),
    ("clustername", "the name of the cluster"),
    ("clustertype", "`CloudManaged`, or `ExternalManaged` for VMware"),
    ("conditionids", "conditions, which must all hold"),
    ("counterid", "the counter"),
    ("counterparam", "parameters for reading the counters: `counterparam[0].name`, `.value`"),
    ("cpuovercommitratio", "how many times the real CPU may be given away; 1 or more"),
    ("customer", "a free word for the customer the tags are for"),
    ("description", "a line that says what it is for"),
    ("destroyvmgraceperiod", "seconds a VM keeps its connections before it is destroyed"),
    ("destzoneid", "the zone to copy to"),
    ("dhcpservertype", "the kind of DHCP server: `Dhcpd` or `Dnsmasq`"),
    ("displayname", "a name for people; the VM's own name unless given"),
    ("displaynetwork", "whether end users see it"),
    ("displaytext", "a line that says what it is"),
    ("displayvm", "whether end users see it"),
    ("dns1", "the first name server for guests"),
    ("dns2", "the second name server for guests"),
    ("domain", "the DNS domain of guests in the zone"),
    ("domainid", "the domain"),
    ("dpd", "whether dead peers are detected"),
    ("email", "the e-mail address"),
    ("enabled", "whether it is enabled"),
    ("enddate", "the last day or moment, inclusive"),
    ("endip", "the last address of the range; `startip` unless given"),
    ("endipv6", "the last IPv6 address of the range; `startipv6` unless given"),
    ("endpoint", "the URL of the API of the region"),
    ("endport", "the last port; `startport` unless given"),
    ("esplifetime", "life of the ESP association in seconds, 300 to 86400; 3600 unless given"),
    ("esppolicy", "ESP cipher and hash with an optional group, such as `3des-md5;modp1024`"),
    ("firstname", "the given name"),
    ("format", "`VHD`, `QCOW2`, `OVA`, `RAW`, `ISO` or `BareMetal`"),
    ("forvirtualnetwork", "true for public addresses, false for those of a guest network"),
    ("forvpc", "true for those of VPCs, false for the others"),
    ("fwdeviceid", "the firewall device"),
    ("gateway", "the gateway address"),
    ("gatewayid", "the private gateway"),
    ("gslblbmethod", "`roundrobin`, `leastconn` or `proximity`; `roundrobin` unless given"),
    ("gslbstickysessionmethodname", "how clients stay with a site: `sourceip`"),
    ("guestcidraddress", "the address range of guest networks, such as `10.1.1.0/24`"),
    ("guestiptype", "`Shared` or `Isolated`"),
    ("hostid", "the host"),
    ("hostname", "the name or address of the device"),
    ("hosttags", "words separated by commas; offerings with one of them run on such hosts"),
    ("hypervisor", "`XenServer`, `KVM`, `VMware`, `BareMetal`, `Ovm`, `LXC` or `Simulator`"),
    ("icmpcode", "the ICMP code; -1 for all"),
    ("icmptype", "the ICMP type; -1 for all"),
    ("id", "its uuid"),
    ("ids", "uuids separated by commas"),
    ("ikelifetime", "life of the IKE association in seconds; 86400 unless given"),
    ("ikepolicy", "IKE cipher and hash with an optional group, such as `aes128-sha1;modp1536`"),
    ("imagestoreuuid", "the image store to keep it on; chosen by the system unless given"),
    ("internaldns1", "the first name server for system VMs"),
    ("internaldns2", "the second name server for system VMs"),
    ("interval", "seconds between two looks at the conditions"),
    ("intervaltype", "`HOURLY`, `DAILY`, `WEEKLY` or `MONTHLY`"),
    ("iopsreadrate", "most read operations a second"),
    ("iopswriterate", "most write operations a second"),
    ("ip6cidr", "the IPv6 range, such as `2001:db8::/64`"),
    ("ip6dns1", "the first IPv6 name server for guests"),
    ("ip6dns2", "the second IPv6 name server for guests"),
    ("ip6gateway", "the IPv6 gateway"),
    ("ipaddressid", "the public IP address"),
    ("ipsecpsk", "the pre-shared key"),
    ("iqn", "the iSCSI name of the initiator"),
    ("isdefault", "true for what the system came with, false for the others"),
    ("isdynamicallyscalable", "whether VMs of it can grow while they run"),
    ("isextractable", "whether others may download it"),
    ("isfeatured", "whether it is shown first to everybody; root admins only"),
    ("ispersistent", "whether the network is set up at once, before its first VM"),
    ("ispublic", "whether everybody may use it"),
    ("isrecursive", "true to show the subdomains of `domainid` as well"),
    ("isrouting", "whether it is a template of virtual routers"),
    ("issystem", "true for those of the system's own use"),
    ("keypair", "the name of an SSH key pair"),
    ("keyword", "shows only what has this text in its name or description"),
    ("kvmnetworklabel", "the bridge on KVM hosts, such as `cloudbr0`"),
    ("lastname", "the family name"),
    ("lbdevicecapacity", "how many networks it may serve"),
    ("lbdeviceid", "the load balancer device"),
    ("lbruleid", "the load balancer rule"),
    ("listall", "true to show all that the caller may see, not just what is its own"),
    ("loadbalancerrulelist", "load balancer rules, one a zone"),
    ("localstorageenabled", "whether VMs may use the disks of hosts"),
    ("managedstate", "`Managed` or `Unmanaged`; unmanaged hosts are left alone"),
    ("maxconnections", "most connections at a time for a load balancer of the network"),
    ("maxiops", "most I/O operations a second; only with custom I/O"),
    ("maxmembers", "the most VMs in the group"),
    ("memoryovercommitratio", "how many times the real memory may be given away; 1 or more"),
    ("miniops", "fewest I/O operations a second; only with custom I/O"),
    ("minmembers", "the fewest VMs in the group"),
    ("mode", "`HTTP_DOWNLOAD` for a link to fetch it from, `FTP_UPLOAD` to send it to `url`"),
    ("name", "its name"),
    ("netmask", "the netmask, such as `255.255.255.0`"),
    (
        "networkdeviceparameterlist",
        "parameters of the device: `networkdeviceparameterlist[0].key=value`",
    ),
    ("networkdevicetype", "the device, such as `F5BigIpLoadBalancer` or `JuniperSRXFirewall`"),
    ("networkdomain", "the DNS suffix of the guest networks"),
    ("networkid", "the network"),
    ("networkids", "networks separated by commas; the first is the default one"),
    ("networkofferingid", "the network offering"),
    ("networkspeed", "the speed, such as `1G`"),
    ("networktype", "`Basic` or `Advanced`"),
    ("nicid", "the NIC"),
    ("nspid", "the network service provider"),
    ("number", "the place of the rule in its list; lower numbers are looked at first"),
    ("nvpdeviceid", "the Nicira NVP device"),
    ("op", "`add`, `remove` or `reset`"),
    ("oscategoryid", "the OS category"),
    ("ostypeid", "the OS type"),
    ("otherdeployparams", "further parameters of deployVirtualMachine as `name=value&name=value`"),
    ("page", "the page, from 1; goes with `pagesize`"),
    ("pagesize", "items on a page; -1 alone for all"),
    ("password", "the password"),
    ("passwordenabled", "whether VMs of it can have their password reset"),
    ("physicalnetworkid", "the physical network"),
    ("podid", "the pod"),
    ("poolname", "the name of the pool"),
    ("privateport", "the first port on the VM"),
    ("projectid", "the project"),
    ("projectids", "projects separated by commas"),
    ("protocol", "`tcp`, `udp` or `icmp`"),
    ("provider", "the name of the provider"),
    ("publicipid", "the public IP address"),
    ("publicport", "the first port on the public address"),
    ("pxeservertype", "the kind of PXE server: `PING` or `KICK_START`"),
    ("quiettime", "seconds in which the policy rests after it acted"),
    ("regionid", "the region"),
    ("requireshvm", "whether it needs hardware virtualisation"),
    ("resourceid", "the resource, by its uuid"),
    ("resourceids", "resources of the type, by uuids separated by commas"),
    ("resourcetype", "the type, such as `UserVm`, `Template`, `ISO`, `Volume` or `Snapshot`"),
    ("restartrequired", "true for those that a restart must bring up to date"),
    ("scaledownpolicyids", "the policies that remove a VM"),
    ("scaleuppolicyids", "the policies that add a VM"),
    ("scheme", "`Internal`; other load balancers are made by createLoadBalancerRule"),
    ("scope", "`ZONE` or `CLUSTER`"),
    ("securitygroupid", "the security group; this or `securitygroupname`"),
    ("securitygroupids", "security groups; only in zones that have them"),
    ("securitygroupname", "the name of the security group"),
    ("serviceofferingid", "the service offering"),
    ("serviceproviderlist", "who provides what: `serviceproviderlist[0].service`, `.provider`"),
    ("showcapacities", "true to show how much is used"),
    ("showremoved", "true to show removed ones as well"),
    ("size", "the size in GiB; only with an offering of custom size"),
    ("sortkey", "where it stands in lists; lower numbers come first"),
    ("source", "where the value is read, such as `snmp`"),
    ("sourceipaddress", "the address that the load balancer listens on"),
    ("sourceipaddressnetworkid", "the network of that address"),
    ("sourcezoneid", "the zone to copy from"),
    ("specifyipranges", "whether the network's address range is given by hand"),
    ("specifyvlan", "whether a VLAN can be named for the network"),
    ("startdate", "the first day or moment"),
    ("startip", "the first address of the range"),
    ("startipv6", "the first IPv6 address of the range"),
    ("startport", "the first port"),
    ("state", "shows only what is in this state"),
    ("storageid", "the storage pool"),
    ("storagetype", "`shared`, or `local` for the disks of hosts; `shared` unless given"),
    ("supportedservices", "services separated by commas, such as `Dhcp,Dns,SourceNat`"),
    ("systemvmtype", "`domainrouter`, `consoleproxy` or `secondarystoragevm`"),
    ("tags", "`tags[0].key`, `tags[0].value`"),
    ("templateid", "the template"),
    ("templatetag", "the host tag of hosts for VMs of it"),
    ("tftpdir", "the TFTP folder of the PXE server"),
    ("timezone", "the time zone, such as `Europe/Berlin`"),
    ("traffictype", "`Public`, `Guest`, `Management`, `Storage` or `Vpn`"),
    ("ucsmanagerid", "the UCS manager"),
    ("url", "the URL of the device or service"),
    ("userdata", "base64 text for the VM to read: 2 KiB by GET, 32 KiB by POST"),
    ("userid", "the user"),
    ("username", "the user name"),
    ("usersecuritygrouplist", "groups of others: `usersecuritygrouplist[0].account`, `.group`"),
    ("virtualmachineid", "the virtual machine"),
    ("virtualmachineids", "virtual machines separated by commas"),
    ("vlan", "the VLAN"),
    ("vmguestip", "the VM's address to forward to; its first one unless given"),
    ("vmprofileid", "the profile of the VMs"),
    ("vmsnapshotid", "the VM snapshot"),
    ("vmwarenetworklabel", "the switch of VMware hosts, such as `vSwitch0`"),
    ("vnsdeviceid", "the BigSwitch VNS device"),
    ("volumeid", "the volume"),
    ("volumename", "the name of the volume"),
    ("vpcid", "the VPC"),
    ("vpcofferingid", "the VPC offering"),
    ("xennetworklabel", "the network name label on XenServer hosts"),
    ("zoneid", "the zone"),
];

#[cfg(test)]
mod tests {
    use super::{ON_LISTS, WORDS, of_param};
    use crate::TABLES;

    #[test]
    fn words_are_sorted() {
        for words in [WORDS, ON_LISTS] {
            assert!(words.is_sorted_by(|(one, _), (next, _)| one < next));
        }
    }

    #[test]
    fn every_word_is_used() {
        let is_used = |word: &str, meaning: &str| {
            TABLES.commands().any(|row| {
                row.params_all().any(|param| param.name == word && of_param(row, param) == meaning)
            })
        };
        let words = WORDS.iter().chain(ON_LISTS);
        let unused: Vec<_> = words.filter(|(word, meaning)| !is_used(word, meaning)).collect();
        assert!(unused.is_empty(), "words of no parameter: {unused:?}");
    }

    #[test]
    fn a_filter_is_described_where_something_is_listed_alone() {
        let id_of = |name: &str| {
            let row = TABLES.command(name).unwrap();
            let param = row.params_all().find(|param| param.name == "id").unwrap();
            (of_param(row, param), param.doc)
        };
        assert_eq!(id_of("listAccounts").0, "shows only the one with this uuid");
        assert_eq!(id_of("deleteAccount").0, "its uuid");
    }
}
