//! The global configuration, one row a setting.
//!
//! The names and defaults are those of the guide and the 4.2 server; the value
//! is text, as `updateConfiguration` sends it, and each row says what it may be.
//! A setting of a narrower [`Scope`] can also be set for one zone, cluster,
//! storage pool or account, where it wins over the global value.

use std::{net::Ipv4Addr, str::FromStr};

use crate::calendar::{AggregationRange, time_zone};

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The name, such as `usage.aggregation.timezone`.
    pub name: &'static str,
    /// The category `listConfigurations` shows.
    pub category: Category,
    /// The scope it can be set in besides globally.
    pub scope: Scope,
    /// The moment from which a new value counts.
    pub effect: Effective,
    /// The values it may have.
    pub ty: SettingType,
    /// The value of a fresh folder.
    pub default: &'static str,
    /// One line that says what it does and in which unit.
    pub description: &'static str,
}

/// The category of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// Accounts, limits, logins.
    AccountDefaults,
    /// Settings that most installations leave alone.
    Advanced,
    /// Thresholds and mail of alerts.
    Alert,
    /// Networks.
    Network,
    /// Projects.
    ProjectDefaults,
    /// Logins, keys, sessions.
    Secure,
    /// Snapshots.
    Snapshots,
    /// Storage.
    Storage,
    /// The usage job.
    Usage,
    /// Never listed.
    Hidden,
}

impl Category {
    /// As `listConfigurations` shows it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccountDefaults => "Account Defaults",
            Self::Advanced => "Advanced",
            Self::Alert => "Alert",
            Self::Network => "Network",
            Self::ProjectDefaults => "Project Defaults",
            Self::Secure => "Secure",
            Self::Snapshots => "Snapshots",
            Self::Storage => "Storage",
            Self::Usage => "Usage",
            Self::Hidden => "Hidden",
        }
    }
}

/// The scope a setting can be set in besides globally.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Nowhere else.
    Global,
    /// For a zone.
    Zone,
    /// For a cluster.
    Cluster,
    /// For a storage pool.
    StoragePool,
    /// For an account.
    Account,
}

impl Scope {
    /// As `listConfigurations` shows it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Zone => "zone",
            Self::Cluster => "cluster",
            Self::StoragePool => "storagepool",
            Self::Account => "account",
        }
    }
}

/// The moment from which a new value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effective {
    /// From the next use on.
    AtOnce,
    /// After a restart of the server.
    AfterRestart,
}

/// The values that a setting may have.
#[derive(Clone, Copy, Debug)]
pub enum SettingType {
    /// `true` or `false`.
    Bool,
    /// A whole number between two, both allowed.
    Int(i64, i64),
    /// A decimal number from 0 to 1.
    Ratio,
    /// A decimal number of at least 1.
    Factor,
    /// Any text.
    Text,
    /// One of several words.
    Choice(&'static [&'static str]),
    /// Any text that a function allows.
    Checked(fn(&str) -> Result<(), String>),
}

impl Setting {
    /// Refuses a value with what is allowed.
    pub fn check(&self, value: &str) -> Result<(), String> {
        // Digits and a point only: what reads these values later knows no exponents.
        let is_plain = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let decimal = || value.parse::<f64>().ok().filter(|_| is_plain);
        match self.ty {
            SettingType::Bool if matches!(value, "true" | "false") => Ok(()),
            SettingType::Bool => Err("it must be `true` or `false`".to_owned()),
            SettingType::Int(least, most) => match value.parse::<i64>() {
                Ok(number) if (least..=most).contains(&number) => Ok(()),
                _ => Err(format!("`{value}` is not a whole number from {least} to {most}")),
            },
            SettingType::Ratio => match decimal() {
                Some(number) if (0.0..=1.0).contains(&number) => Ok(()),
                _ => Err(format!("`{value}` is not a number from 0 to 1, such as `0.85`")),
            },
            SettingType::Factor => match decimal() {
                Some(number) if number >= 1.0 => Ok(()),
                _ => Err(format!("`{value}` is not a number of at least 1, such as `2.0`")),
            },
            SettingType::Text => Ok(()),
            SettingType::Choice(words) if words.contains(&value) => Ok(()),
            SettingType::Choice(words) => Err(format!("`{value}` is none of {}", words.join(", "))),
            SettingType::Checked(check) => check(value),
        }
    }

    /// The allowed values, for people.
    pub fn range(&self) -> String {
        match self.ty {
            SettingType::Bool => "`true` or `false`".to_owned(),
            SettingType::Int(least, i64::MAX) => format!("a whole number from {least}"),
            SettingType::Int(least, most) => format!("a whole number from {least} to {most}"),
            SettingType::Ratio => "0 to 1".to_owned(),
            SettingType::Factor => "at least 1".to_owned(),
            SettingType::Text => "text".to_owned(),
            SettingType::Choice(words) => words.join(", "),
            SettingType::Checked(_) => "see the description".to_owned(),
        }
    }
}

/// Zone of the day boundaries and of the dates in records.
pub const AGGREGATION_TIMEZONE: &str = "usage.aggregation.timezone";
/// Minutes a period lasts.
pub const AGGREGATION_RANGE: &str = "usage.stats.job.aggregation.range";
/// The time of day at which the usage job runs.
pub const EXEC_TIME: &str = "usage.stats.job.exec.time";
/// Zone of [`EXEC_TIME`].
pub const EXECUTION_TIMEZONE: &str = "usage.execution.timezone";
/// Lets the group of the files of the lake read them.
pub const FILES_GROUP_READABLE: &str = "usage.files.group.readable";
/// Percent by which the published numbers of a period may move.
pub const PUBLISH_MAX_CHANGE: &str = "usage.publish.max.change";
/// Days for which events and samples are kept.
pub const RETENTION_ROWS: &str = "usage.retention.rows.days";
/// Days for which replaced generations are kept.
pub const RETENTION_GENERATIONS: &str = "usage.retention.generations.days";
/// Days after which archived events of the simulated cloud are removed; 0 keeps them.
pub const ARCHIVED_EVENTS_PURGE: &str = "event.archive.purge.delay";
/// Hours that are billed beyond what a source is known to be complete through.
pub const SOURCE_PATIENCE: &str = "usage.source.patience.hours";
/// Switch of the usage job's schedule.
pub const ENABLE_USAGE: &str = "enable.usage.server";
/// Page size where a request names none, and the largest allowed.
pub const DEFAULT_PAGE_SIZE: &str = "default.page.size";

const fn row(
    category: Category,
    name: &'static str,
    ty: SettingType,
    default: &'static str,
    description: &'static str,
) -> Setting {
    let (scope, effect) = (Scope::Global, Effective::AtOnce);
    Setting { name, category, scope, effect, ty, default, description }
}

impl Setting {
    const fn scoped(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    const fn restart(mut self) -> Self {
        self.effect = Effective::AfterRestart;
        self
    }
}

use Category::{
    AccountDefaults, Advanced, Alert, Hidden, Network, ProjectDefaults, Secure, Snapshots, Storage,
    Usage,
};
use SettingType::{Bool, Checked, Choice, Factor, Int, Ratio, Text};

/// A count that -1 leaves without a limit.
const LIMIT: SettingType = Int(-1, i64::MAX);
/// Seconds, milliseconds or counts.
const COUNT: SettingType = Int(0, i64::MAX);
const ZONE_NAME: SettingType =
    Checked(|value| time_zone(value).map(drop).map_err(|e| e.to_string()));

/// Addresses between commas.
const ADDRESSES: SettingType = Checked(|value| {
    let wrong = value
        .split(',')
        .map(str::trim)
        .find(|part| !part.is_empty() && part.parse::<std::net::IpAddr>().is_err());
    wrong.map_or(Ok(()), |part| {
        Err(format!("`{part}` is not an address; give addresses such as `10.1.1.5` or `::1`, separated by commas"))
    })
});
/// A key that requests are signed with, if any.
const SIGNING_KEY: SettingType = Checked(|value| match value.chars().count() {
    0 | SIGNING_KEY_CHARS_MIN.. => Ok(()),
    few => Err(format!("it has {few} characters; give at least {SIGNING_KEY_CHARS_MIN}, or none")),
});
/// Characters that a key has at least: a shorter one could be guessed from what it signs.
const SIGNING_KEY_CHARS_MIN: usize = 16;

/// All settings, sorted by name.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    row(Advanced, "account.cleanup.interval", Int(1, i64::MAX), "86400", "seconds between two clean-ups of what is left of removed accounts and still runs of disabled ones"),
    row(Alert, "alert.email.addresses", Text, "", "addresses that alerts are sent to, separated by commas"),
    row(Alert, "alert.email.sender", Text, "", "address that alerts are sent from"),
    row(Alert, "alert.purge.delay", COUNT, "0", "days after which alerts are removed; 0 keeps them"),
    row(Alert, "alert.purge.interval", Int(1, i64::MAX), "86400", "seconds between two clean-ups of alerts"),
    row(Alert, "alert.smtp.host", Text, "", "mail server for alerts"),
    row(Alert, "alert.smtp.port", Int(1, 65_535), "465", "port of the mail server for alerts"),
    row(Advanced, "allow.public.user.templates", Bool, "true", "whether users may make their templates public").scoped(Scope::Account),
    row(ProjectDefaults, "allow.user.create.projects", Bool, "true", "whether users may create projects"),
    row(Advanced, "allow.user.expunge.recover.vm", Bool, "false", "whether users may expunge and recover their virtual machines"),
    row(Advanced, "api.throttling.cachesize", Int(1, i64::MAX), "50000", "accounts whose calls are counted at a time").restart(),
    row(Advanced, "api.throttling.enabled", Bool, "false", "whether the calls of an account are counted and limited").restart(),
    row(Advanced, "api.throttling.interval", Int(1, 86_400), "1", "seconds in which calls are counted").restart(),
    row(Advanced, "api.throttling.max", Int(1, i64::MAX), "25", "calls an account may make in an interval").restart(),
    row(Advanced, "blacklisted.routes", Checked(cidrs), "", "address ranges, separated by commas, that new static routes of VPCs must not overlap").scoped(Scope::Zone),
    row(Alert, "capacity.check.period", Int(1, i64::MAX), "300000", "milliseconds between two looks at the capacity thresholds"),
    row(Advanced, "check.pod.cidrs", Bool, "true", "whether the addresses of a new or changed pod must not overlap those of the zone's other pods"),
    row(Alert, "cluster.cpu.allocated.capacity.disablethreshold", Ratio, "0.85", "share of CPU allocated above which a cluster takes no new virtual machines").scoped(Scope::Cluster),
    row(Alert, "cluster.cpu.allocated.capacity.notificationthreshold", Ratio, "0.75", "share of CPU allocated above which an alert is raised").scoped(Scope::Cluster),
    row(Alert, "cluster.localStorage.capacity.notificationthreshold", Ratio, "0.75", "share of the disks of hosts given away above which an alert is raised"),
    row(Alert, "cluster.memory.allocated.capacity.disablethreshold", Ratio, "0.85", "share of memory allocated above which a cluster takes no new virtual machines").scoped(Scope::Cluster),
    row(Alert, "cluster.memory.allocated.capacity.notificationthreshold", Ratio, "0.75", "share of memory allocated above which an alert is raised").scoped(Scope::Cluster),
    row(Alert, "cluster.storage.allocated.capacity.notificationthreshold", Ratio, "0.75", "share of storage allocated above which an alert is raised").scoped(Scope::Cluster),
    row(Alert, "cluster.storage.capacity.notificationthreshold", Ratio, "0.75", "share of storage used above which an alert is raised").scoped(Scope::Cluster),
    row(Advanced, "cpu.overprovisioning.factor", Factor, "1", "how much more CPU is allocated than there is").scoped(Scope::Cluster),
    row(Storage, "custom.diskoffering.size.max", Int(1, i64::MAX), "1024", "largest disk of a custom disk offering, in GiB"),
    row(Storage, "custom.diskoffering.size.min", Int(1, i64::MAX), "1", "smallest disk of a custom disk offering, in GiB"),
    row(Advanced, DEFAULT_PAGE_SIZE, Int(1, 100_000), "500", "items on a page of a list answer, and the largest `pagesize` a caller may ask for"),
    row(Advanced, "direct.agent.load.size", Int(1, i64::MAX), "16", "hosts that a management server of 4.2 takes over at a time; without meaning here, where one process has them all"),
    row(Advanced, "enable.dynamic.scale.vm", Bool, "false", "whether running virtual machines may be scaled").scoped(Scope::Zone),
    row(Advanced, "enable.ec2.api", Bool, "false", "whether the EC2 front answers").restart(),
    row(Advanced, "enable.s3.api", Bool, "false", "whether the S3 front answers").restart(),
    row(Usage, ENABLE_USAGE, Bool, "true", "whether `serve` runs the usage job on its schedule"),
    row(Advanced, "encode.api.response", Bool, "false", "whether text values of answers are URL-encoded"),
    row(Advanced, ARCHIVED_EVENTS_PURGE, COUNT, "0", "days after which archived events are removed; 0 keeps them"),
    row(Advanced, "event.purge.delay", COUNT, "15", "days after which events are removed; 0 keeps them"),
    row(Advanced, "event.purge.interval", Int(1, i64::MAX), "86400", "seconds between two clean-ups of events"),
    row(Advanced, "execute.in.sequence.hypervisor.commands", Bool, "false", "whether a host runs one command after the other").restart(),
    row(Advanced, "expunge.delay", COUNT, "86400", "seconds after which a destroyed virtual machine is expunged"),
    row(Advanced, "expunge.interval", Int(1, i64::MAX), "86400", "seconds between two looks for virtual machines to expunge"),
    row(Advanced, "expunge.workers", Int(1, i64::MAX), "1", "threads that expunge virtual machines in 4.2; without meaning here, where each is expunged when it is due"),
    row(Advanced, "extract.url.cleanup.interval", Int(1, i64::MAX), "7200", "seconds between two clean-ups of download links"),
    row(Advanced, "extract.url.expiration.interval", Int(1, i64::MAX), "14400", "seconds that a download link lives"),
    row(Network, "guest.domain.suffix", Text, "cloud.internal", "domain of guests whose network names none").scoped(Scope::Zone),
    row(Advanced, "guest.vlan.bits", Int(1, 12), "12", "bits of a guest VLAN number").restart(),
    row(Advanced, "ha.tag", Text, "", "tag of hosts that are kept for restarts after failures").restart(),
    row(Advanced, "hypervisor.list", Text, "XenServer,KVM,VMware,Ovm,BareMetal,Simulator", "hypervisors that zones may have, separated by commas").restart(),
    row(Secure, "incorrect.login.attempts.allowed", COUNT, "5", "wrong passwords after which a user's logins are refused for a minute, and twice as long after each further one, up to an hour; 0 never refuses"),
    row(Advanced, "instance.name", Text, "VM", "first part of the internal names of virtual machines").restart(),
    row(Advanced, "integration.api.hosts", Text, "", "names and addresses, separated by commas, by which programs may address the port without authentication besides those of loopback").restart(),
    row(Advanced, "integration.api.port", Int(0, 65_535), "0", "port that answers without authentication; 0 is off").restart(),
    row(Advanced, "job.cancel.threshold.minutes", Int(1, i64::MAX), "60", "minutes after which a job that hangs is cancelled"),
    row(Advanced, "job.expire.minutes", Int(1, i64::MAX), "1440", "minutes that a finished job can be asked for"),
    row(Advanced, "json.content.type", Choice(&["application/json", "text/javascript"]), "application/json", "content type of JSON answers; 4.2 servers send text/javascript"),
    row(Advanced, "kvm.snapshot.enabled", Bool, "false", "whether volumes on KVM hosts can have snapshots"),
    row(Hidden, "ldap.config", Text, "", "the directory that logins are checked against"),
    row(AccountDefaults, "max.account.cpus", LIMIT, "40", "CPU cores an account may have; -1 is no limit"),
    row(AccountDefaults, "max.account.memory", LIMIT, "40960", "memory an account may have, in MiB; -1 is no limit"),
    row(AccountDefaults, "max.account.networks", LIMIT, "20", "networks an account may have; -1 is no limit"),
    row(AccountDefaults, "max.account.primary.storage", LIMIT, "200", "primary storage an account may have, in GiB; -1 is no limit"),
    row(AccountDefaults, "max.account.public.ips", LIMIT, "20", "public IP addresses an account may have; -1 is no limit"),
    row(AccountDefaults, "max.account.secondary.storage", LIMIT, "400", "secondary storage an account may have, in GiB; -1 is no limit"),
    row(AccountDefaults, "max.account.snapshots", LIMIT, "20", "snapshots an account may have; -1 is no limit"),
    row(AccountDefaults, "max.account.templates", LIMIT, "20", "templates and ISOs an account may have; -1 is no limit"),
    row(AccountDefaults, "max.account.user.vms", LIMIT, "20", "virtual machines an account may have; -1 is no limit"),
    row(AccountDefaults, "max.account.volumes", LIMIT, "20", "volumes an account may have; -1 is no limit"),
    row(AccountDefaults, "max.account.vpcs", LIMIT, "20", "VPCs an account may have; -1 is no limit"),
    row(ProjectDefaults, "max.project.cpus", LIMIT, "40", "CPU cores a project may have; -1 is no limit"),
    row(ProjectDefaults, "max.project.memory", LIMIT, "40960", "memory a project may have, in MiB; -1 is no limit"),
    row(ProjectDefaults, "max.project.networks", LIMIT, "20", "networks a project may have; -1 is no limit"),
    row(ProjectDefaults, "max.project.primary.storage", LIMIT, "200", "primary storage a project may have, in GiB; -1 is no limit"),
    row(ProjectDefaults, "max.project.public.ips", LIMIT, "20", "public IP addresses a project may have; -1 is no limit"),
    row(ProjectDefaults, "max.project.secondary.storage", LIMIT, "400", "secondary storage a project may have, in GiB; -1 is no limit"),
    row(ProjectDefaults, "max.project.snapshots", LIMIT, "20", "snapshots a project may have; -1 is no limit"),
    row(ProjectDefaults, "max.project.templates", LIMIT, "20", "templates and ISOs a project may have; -1 is no limit"),
    row(ProjectDefaults, "max.project.user.vms", LIMIT, "20", "virtual machines a project may have; -1 is no limit"),
    row(ProjectDefaults, "max.project.volumes", LIMIT, "20", "volumes a project may have; -1 is no limit"),
    row(ProjectDefaults, "max.project.vpcs", LIMIT, "20", "VPCs a project may have; -1 is no limit"),
    row(Storage, "max.template.iso.size", Int(1, i64::MAX), "50", "largest template or ISO that may be registered, in GiB"),
    row(Advanced, "mem.overprovisioning.factor", Factor, "1", "how much more memory is allocated than there is").scoped(Scope::Cluster),
    row(Network, "network.gc.interval", Int(1, i64::MAX), "600", "seconds between two looks for networks without virtual machines"),
    row(Network, "network.gc.wait", Int(1, i64::MAX), "600", "seconds that a network without virtual machines keeps its router"),
    row(Network, "network.loadbalancer.basiczone.elb.enabled", Bool, "false", "whether basic zones have elastic load balancing").restart(),
    row(Network, "network.throttling.rate", LIMIT, "200", "rate of guest networks whose offering names none, in Mbit/s; -1 is no limit").scoped(Scope::Zone),
    row(Alert, "pod.privateip.capacity.notificationthreshold", Ratio, "0.75", "share of a pod's addresses taken above which an alert is raised"),
    row(Storage, "pool.storage.allocated.capacity.disablethreshold", Ratio, "0.85", "share of storage allocated above which a pool takes no new volumes").scoped(Scope::Zone),
    row(Storage, "pool.storage.capacity.disablethreshold", Ratio, "0.85", "share of storage used above which a pool takes no new volumes").scoped(Scope::Zone),
    row(ProjectDefaults, "project.email.sender", Text, "", "address that invitations are sent from"),
    row(ProjectDefaults, "project.invite.required", Bool, "false", "whether members must accept an invitation"),
    row(ProjectDefaults, "project.invite.timeout", Int(1, i64::MAX), "86400", "seconds that an invitation can be accepted"),
    row(Secure, "proxy.addresses", ADDRESSES, "", "addresses of proxies in front of the API, separated by commas; of their requests the last address of `X-Forwarded-For` counts").restart(),
    row(Network, "remote.access.vpn.client.iprange", Text, "10.1.2.1-10.1.2.8", "addresses that VPN clients get").scoped(Scope::Account),
    row(Network, "remote.access.vpn.psk.length", Int(8, 256), "24", "length of the pre-shared keys of remote access VPNs, in characters"),
    row(Network, "remote.access.vpn.user.limit", COUNT, "8", "VPN users an account may have"),
    row(Network, "router.check.interval", Int(1, i64::MAX), "30", "seconds between two looks of a VPC's router at its VPN connections"),
    row(Network, "router.stats.interval", Int(1, i64::MAX), "300", "seconds between two polls of the traffic counters of routers"),
    row(Network, "router.template.kvm", Text, "SystemVM Template (KVM)", "template of routers on KVM").scoped(Scope::Zone),
    row(Network, "router.template.vmware", Text, "SystemVM Template (vSphere)", "template of routers on VMware").scoped(Scope::Zone),
    row(Network, "router.template.xen", Text, "SystemVM Template (XenServer)", "template of routers on XenServer").scoped(Scope::Zone),
    row(Advanced, "secstorage.allowed.internal.sites", Checked(cidrs), "", "ranges inside the cloud that images may be downloaded from in 4.2, as CIDRs separated by commas; without meaning here, where nothing is really downloaded"),
    row(Hidden, "security.singlesignon.key", SIGNING_KEY, "", "key that single sign-on requests are signed with: at least 16 characters; empty is off"),
    row(Secure, "security.singlesignon.tolerance.millis", COUNT, "300000", "milliseconds that a single sign-on request is valid"),
    row(Secure, "session.timeout", Int(1, i64::MAX), "1800", "seconds after which an idle session ends"),
    row(Network, "site2site.vpn.customergateway.subnets.limit", Int(1, i64::MAX), "10", "address ranges that may lie behind a VPN customer gateway"),
    row(Network, "site2site.vpn.vpngateway.connection.limit", Int(1, i64::MAX), "4", "connections that a VPN gateway may have"),
    row(Snapshots, "snapshot.max.daily", Int(1, i64::MAX), "8", "daily snapshots a policy may keep"),
    row(Snapshots, "snapshot.max.hourly", Int(1, i64::MAX), "8", "hourly snapshots a policy may keep"),
    row(Snapshots, "snapshot.max.monthly", Int(1, i64::MAX), "8", "monthly snapshots a policy may keep"),
    row(Snapshots, "snapshot.max.weekly", Int(1, i64::MAX), "8", "weekly snapshots a policy may keep"),
    row(Storage, "storage.cleanup.enabled", Bool, "true", "whether destroyed volumes are cleaned up"),
    row(Storage, "storage.cleanup.interval", Int(1, i64::MAX), "86400", "seconds between two clean-ups of storage"),
    row(Storage, "storage.max.volume.size", Int(1, i64::MAX), "2000", "largest volume, in GiB"),
    row(Storage, "storage.overprovisioning.factor", Factor, "2", "how much more storage is allocated than there is").scoped(Scope::Zone),
    row(Advanced, "system.vm.use.local.storage", Bool, "false", "whether system VMs live on local storage").restart(),
    row(Usage, AGGREGATION_TIMEZONE, ZONE_NAME, "UTC", "IANA zone in which days begin and record dates are shown; fixed once a period is published"),
    row(Usage, EXECUTION_TIMEZONE, ZONE_NAME, "UTC", "IANA zone of `usage.stats.job.exec.time`"),
    row(Usage, FILES_GROUP_READABLE, Bool, "false", "whether the group of the files in the data folder may read events, samples and records; the database and its keys stay with the owner"),
    row(Usage, PUBLISH_MAX_CHANGE, Int(-1, 1_000_000), "-1", "percent of the published sum of a usage type by which late events may move a day without a person saying so; more is held back until `cloudtally aggregate --accept DAY`; -1 is no limit"),
    row(Usage, RETENTION_GENERATIONS, Int(-1, 1_000_000), "-1", "days that replaced generations of records are kept for `asof`; what was replaced earlier goes with the next scheduled run; -1 keeps all"),
    row(Usage, RETENTION_ROWS, Int(-1, 1_000_000), "-1", "days that the events and samples of closed days are kept; older ones go with the next scheduled run, and the records stay; -1 keeps all"),
    row(Usage, "usage.sanity.check.interval", COUNT, "1", "days between two sanity checks of usage; 0 is never"),
    row(Usage, SOURCE_PATIENCE, Int(-1, 87_600), "168", "hours that the scheduled usage job bills beyond the instant through which a source is known to be complete; 0 is strict, -1 never waits for a source"),
    row(Usage, AGGREGATION_RANGE, Checked(|value| AggregationRange::from_str(value).map(drop).map_err(|e| e.to_string())), "1440", "minutes a period lasts: 1440 (a calendar day) or a divisor of it of at least 10; fixed once a period is published"),
    row(Usage, EXEC_TIME, Checked(|value| exec_time(value).map(drop)), "00:15", "time of day `HH:MM` at which the usage job runs; with a shorter range it runs every range from there"),
    row(Network, "use.external.dns", Bool, "false", "whether guests ask the zone's DNS servers and not the router").scoped(Scope::Zone),
    row(Network, "use.system.guest.vlans", Bool, "true", "whether an account with VLANs of its own may also use those of the zone").scoped(Scope::Account),
    row(Network, "use.system.public.ips", Bool, "true", "whether an account with public addresses of its own may also use those of the zone").scoped(Scope::Account),
    row(Advanced, "vm.allocation.algorithm", Choice(&["random", "firstfit", "userdispersing", "userconcentratedpod_random", "userconcentratedpod_firstfit"]), "random", "how 4.2 chooses among hosts with room; without meaning here, where the host with the most room is taken"),
    row(Advanced, "vm.instancename.flag", Bool, "false", "whether the name of a virtual machine is part of its internal name"),
    row(Network, "vm.network.throttling.rate", LIMIT, "200", "rate of guests whose offering names none, in Mbit/s; -1 is no limit"),
    row(Advanced, "vm.op.wait.interval", Int(1, i64::MAX), "120", "seconds that 4.2 waits before it looks again at an operation of a virtual machine; without meaning here, where operations never wait for each other"),
    row(Advanced, "vmware.reserve.cpu", Bool, "false", "whether VMware reserves the CPU of a guest").scoped(Scope::Cluster),
    row(Advanced, "vmware.reserve.mem", Bool, "false", "whether VMware reserves the memory of a guest").scoped(Scope::Cluster),
    row(Network, "vpc.cleanup.interval", Int(1, i64::MAX), "3600", "seconds between two looks for VPCs whose deletion was not finished"),
    row(Network, "vpc.max.networks", Int(1, i64::MAX), "3", "tiers that a VPC may have"),
    row(Advanced, "workers", Int(1, i64::MAX), "5", "threads that work on jobs in 4.2; without meaning here, where jobs are done in the order in which they are due"),
    row(Alert, "zone.directnetwork.publicip.capacity.notificationthreshold", Ratio, "0.75", "share of a zone's shared network addresses taken above which an alert is raised"),
    row(Alert, "zone.secstorage.capacity.notificationthreshold", Ratio, "0.75", "share of a zone's secondary storage used above which an alert is raised"),
    row(Alert, "zone.virtualnetwork.publicip.capacity.notificationthreshold", Ratio, "0.75", "share of a zone's public addresses taken above which an alert is raised"),
    row(Alert, "zone.vlan.capacity.notificationthreshold", Ratio, "0.75", "share of a zone's VLANs taken above which an alert is raised"),
];

/// The row of a setting.
pub fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.binary_search_by(|row| row.name.cmp(name)).ok().map(|at| &SETTINGS[at])
}

/// Refuses ranges of addresses that are none; the empty text is none of them.
fn cidrs(value: &str) -> Result<(), String> {
    let is_cidr = |text: &str| {
        text.split_once('/').is_some_and(|(address, bits)| {
            address.parse::<Ipv4Addr>().is_ok() && bits.parse::<u8>().is_ok_and(|bits| bits <= 32)
        })
    };
    let mut ranges = value.split(',').map(str::trim).filter(|text| !text.is_empty());
    match ranges.find(|text| !is_cidr(text)) {
        Some(wrong) => Err(format!("`{wrong}` is not a range such as `10.1.0.0/16`")),
        None => Ok(()),
    }
}

/// Reads `HH:MM` as (hour, minute).
pub fn exec_time(value: &str) -> Result<(u32, u32), String> {
    let parsed = value.split_once(':').and_then(|(hour, minute)| {
        let digits = |s: &str| {
            (s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit())).then(|| s.parse().ok())
        };
        Some((digits(hour)??, digits(minute)??))
    });
    parsed
        .filter(|(hour, minute)| *hour < 24 && *minute < 60)
        .ok_or_else(|| format!("`{value}` is not a time of day; write `HH:MM`, such as `00:15`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_pass_their_own_check() {
        for row in SETTINGS {
            assert_eq!(row.check(row.default), Ok(()), "{}", row.name);
        }
    }

    #[test]
    fn rows_are_sorted_and_found() {
        assert!(SETTINGS.is_sorted_by(|a, b| a.name < b.name));
        for row in SETTINGS {
            assert_eq!(setting(row.name).map(|found| found.name), Some(row.name));
        }
    }

    #[test]
    fn each_type_refuses_what_it_is_not() {
        let refused =
            |ty, value: &str| row(Advanced, "x", ty, "", "").check(value).expect_err(value);
        assert!(refused(Bool, "True").contains("`true` or `false`"));
        assert!(refused(Int(1, 5), "6").contains("from 1 to 5"));
        assert!(refused(Ratio, "1.01").contains("`1.01`"));
        assert!(refused(Ratio, "NaN").contains("`NaN`"));
        assert!(refused(Factor, "0.5").contains("at least 1"));
        assert!(refused(Factor, "1e1").contains("at least 1"));
        assert!(refused(Ratio, "5e-1").contains("from 0 to 1"));
        assert!(refused(Choice(&["a", "b"]), "c").contains("a, b"));
    }

    #[test]
    fn ranges_of_addresses() {
        for value in ["", "10.0.0.0/8", "10.1.0.0/16, 192.168.1.7/32"] {
            assert_eq!(cidrs(value), Ok(()), "{value}");
        }
        for value in ["10.0.0.0", "10.0.0/8", "10.0.0.0/33", "10.0.0.0/8,all"] {
            assert!(cidrs(value).is_err(), "{value}");
        }
    }

    #[test]
    fn times_of_day() {
        assert_eq!(exec_time("00:15"), Ok((0, 15)));
        assert_eq!(exec_time("23:59"), Ok((23, 59)));
        for value in ["24:00", "0:15", "00:60", "0015", "00:15:00", ""] {
            assert!(exec_time(value).is_err(), "{value}");
        }
    }
}
