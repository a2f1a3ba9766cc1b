//! Words and shapes that unmodified clients look for in the answers: one table, and one
//! walk over it through the real port.
//!
//! A client reads words and shapes that no reference promises; the row says which client,
//! what it asks, and what must be there. Names as `$vm` stand for what `furnish` has made.

use std::collections::BTreeMap;

use cloudtally_platform::engine::Start;
use cloudtally_serve::Pace;
use serde_json::Value;

use crate::support::{Folder, Keys, Reply, Server, at, options_with, root, signed_with};

/// A resource that must stand in an answer.
enum Needs {
    /// The whole body.
    Body(&'static str),
    /// A header.
    Header(&'static str, &'static str),
    /// A header that says the same as `errortext`.
    HeaderIsErrorText(&'static str),
    /// Something of a type at a path below the outer element.
    Is(&'static str, Type),
    /// Just this at a path.
    Says(&'static str, &'static str),
    /// A text at a path that begins so.
    Begins(&'static str, &'static str),
    /// The members at a path, and no others.
    Members(&'static str, &'static [&'static str]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Text,
    Number,
    Flag,
    List,
    Object,
}

use Needs::*;
use Type::*;

/// The client, what it asks, the status, and what must be there.
type Row = (&'static str, &'static str, u16, &'static [Needs]);

/// Words by which every Go client learns that a resource is not there.
const GONE: &str =
    "Invalid parameter id value=$gone due to incorrect long value format, or entity does not exist";
const UNKNOWN: &str = "Invalid parameter id value=$unknown due to incorrect long value format, \
                       or entity does not exist";
const ERROR: &[&str] = &["cserrorcode", "errorcode", "errortext", "uuidList"];

const ROWS: &[Row] = &[
    // Go: Terraform's provider, Packer, cluster and storage drivers. A resource is gone when its
    // list is empty, or by the words of the error.
    ("go-cloudstack", "listVolumes id=$gone", 200, &[Body(r#"{"listvolumesresponse":{}}"#)]),
    ("go-cloudstack", "listVolumes id=$unknown", 431, &[Begins("errortext", UNKNOWN)]),
    ("go-cloudstack", "listVirtualMachines id=$unknown", 431, &[Begins("errortext", UNKNOWN)]),
    ("terraform", "deleteVolume id=$gone", 431, &[Begins("errortext", GONE)]),
    ("terraform", "destroyVirtualMachine id=$unknown", 431, &[Begins("errortext", UNKNOWN)]),
    ("terraform", "deleteNetwork id=$unknown", 431, &[Begins("errortext", UNKNOWN)]),
    ("terraform", "disassociateIpAddress id=$unknown", 431, &[Begins("errortext", UNKNOWN)]),
    ("terraform", "deleteLoadBalancerRule id=$unknown", 431, &[Begins("errortext", UNKNOWN)]),
    ("terraform", "deletePortForwardingRule id=$unknown", 431, &[Begins("errortext", UNKNOWN)]),
    ("terraform", "deleteFirewallRule id=$unknown", 431, &[Begins("errortext", UNKNOWN)]),
    ("packer", "deleteTemplate id=$unknown", 431, &[Begins("errortext", UNKNOWN)]),
    (
        "go-cloudstack",
        "listVolumes virtualmachineid=$unknown",
        431,
        &[Begins(
            "errortext",
            "Invalid parameter virtualmachineid value=$unknown due to incorrect long value \
             format, or entity does not exist",
        )],
    ),
    // Strict about the types of numbers, flags and texts.
    (
        "go-cloudstack",
        "listVirtualMachines id=$vm",
        200,
        &[
            Is("count", Number),
            Is("virtualmachine.0.cpunumber", Number),
            Is("virtualmachine.0.cpuspeed", Number),
            Is("virtualmachine.0.memory", Number),
            Is("virtualmachine.0.haenable", Flag),
            Is("virtualmachine.0.passwordenabled", Flag),
            Is("virtualmachine.0.rootdeviceid", Number),
            Is("virtualmachine.0.nic.0.isdefault", Flag),
        ],
    ),
    (
        "go-cloudstack",
        "listVolumes virtualmachineid=$vm type=ROOT",
        200,
        &[Is("volume.0.size", Number), Is("volume.0.deviceid", Number)],
    ),
    (
        "go-cloudstack",
        "listPublicIpAddresses id=$ip",
        200,
        &[
            Is("publicipaddress.0.issourcenat", Flag),
            Is("publicipaddress.0.isstaticnat", Flag),
            Is("publicipaddress.0.ipaddress", Text),
        ],
    ),
    (
        "go-cloudstack",
        "listDiskOfferings",
        200,
        &[Is("diskoffering.0.disksize", Number), Is("diskoffering.0.iscustomized", Flag)],
    ),
    (
        "go-cloudstack",
        "listPortForwardingRules ipaddressid=$ip",
        200,
        &[
            Is("portforwardingrule.0.publicport", Text),
            Is("portforwardingrule.0.publicendport", Text),
            Is("portforwardingrule.0.privateport", Text),
            Is("portforwardingrule.0.privateendport", Text),
            Is("portforwardingrule.0.virtualmachineid", Text),
            Is("portforwardingrule.0.protocol", Text),
        ],
    ),
    // Ansible tests the list for truth and then takes its first item; Marvin and CloudStackAIO
    // fail on a bare count.
    (
        "ansible",
        "listVirtualMachines name=nobody",
        200,
        &[Body(r#"{"listvirtualmachinesresponse":{}}"#)],
    ),
    ("ansible", "listZones page=9 pagesize=500", 200, &[Body(r#"{"listzonesresponse":{}}"#)]),
    ("ansible", "listZones page=1 pagesize=500", 200, &[Is("count", Number), Is("zone", List)]),
    (
        "ansible",
        "listVirtualMachines id=$vm",
        200,
        &[Is("virtualmachine.0.tags", List), Is("virtualmachine.0.displayname", Text)],
    ),
    ("ansible", "listPublicIpAddresses id=$ip", 200, &[Is("publicipaddress.0.tags", List)]),
    ("ansible", "listNics virtualmachineid=$vm", 200, &[Is("nic.0.isdefault", Flag)]),
    ("ansible", "listHypervisors zoneid=$zone", 200, &[Is("hypervisor.0.name", Text)]),
    ("ansible", "listCapabilities", 200, &[Is("capability", Object)]),
    // One outer element, the status of the error, and the type of the body.
    (
        "cs",
        "listZones id=$unknown",
        431,
        &[
            Header("content-type", "application/json"),
            Members("", ERROR),
            Says("errorcode", "431"),
            Is("cserrorcode", Number),
            Says("uuidList", "[]"),
        ],
    ),
    // Libcloud takes these without asking whether they are there.
    ("libcloud", "listZones", 200, &[Is("zone.0.id", Text), Is("zone.0.name", Text)]),
    (
        "libcloud",
        "listServiceOfferings",
        200,
        &[
            Is("serviceoffering.0.id", Text),
            Is("serviceoffering.0.name", Text),
            Is("serviceoffering.0.cpunumber", Number),
            Is("serviceoffering.0.memory", Number),
        ],
    ),
    (
        "libcloud",
        "listTemplates templatefilter=executable",
        200,
        &[
            Is("template.0.hypervisor", Text),
            Is("template.0.format", Text),
            Is("template.0.ostypename", Text),
            Is("template.0.displaytext", Text),
            Is("template.0.size", Number),
        ],
    ),
    (
        "libcloud",
        "listVirtualMachines virtualMachineId=None vpc_id=None id=$vm",
        200,
        &[Says("virtualmachine.0.state", "Running"), Is("virtualmachine.0.nic.0.ipaddress", Text)],
    ),
    (
        "libcloud",
        "listLoadBalancerRules networkid=None vpc_id=None algorithm=roundrobin publicipid=$ip",
        200,
        &[
            Is("loadbalancerrule.0.state", Text),
            Is("loadbalancerrule.0.publicip", Text),
            Is("loadbalancerrule.0.publicport", Text),
            Is("loadbalancerrule.0.privateport", Text),
            Is("loadbalancerrule.0.publicipid", Text),
        ],
    ),
    (
        "libcloud",
        "createLoadBalancerRule publicipid=$ip name=more algorithm=roundrobin publicport=81 \
         privateport=81 networkid=None vpc_id=None",
        200,
        &[Is("id", Text), Is("jobid", Text)],
    ),
    (
        "libcloud",
        "createSSHKeyPair name=desk",
        200,
        &[Is("keypair.fingerprint", Text), Is("keypair.privatekey", Text)],
    ),
    ("libcloud", "deleteSSHKeyPair name=desk", 200, &[Says("success", "true")]),
    // Jobs: numbers, a result in all that are over, an object for an error.
    (
        "csclient",
        "queryAsyncJobResult jobid=$done",
        200,
        &[
            Says("jobstatus", "1"),
            Is("jobstatus", Number),
            Is("jobprocstatus", Number),
            Is("jobresultcode", Number),
            Is("jobresult.virtualmachine.id", Text),
        ],
    ),
    (
        "csclient",
        "queryAsyncJobResult jobid=$failed",
        200,
        &[
            Says("jobstatus", "2"),
            Is("jobresult.errorcode", Number),
            Is("jobresult.errortext", Text),
            Says("jobresultcode", "530"),
        ],
    ),
    (
        "ansible",
        "queryAsyncJobResult jobid=$balancer",
        200,
        &[Is("jobresult.loadbalancer", Object)],
    ),
    (
        "ansible",
        "queryAsyncJobResult jobid=$forwarding",
        200,
        &[Is("jobresult.portforwardingrule", Object)],
    ),
    ("ansible", "queryAsyncJobResult jobid=$address", 200, &[Is("jobresult.ipaddress", Object)]),
    (
        "libcloud",
        "createVolume name=more zoneid=$zone diskofferingid=$disk",
        200,
        &[Members("", &["id", "jobid"]), Is("id", Text), Is("jobid", Text)],
    ),
    // CloudMonkey prints the header, and logs in again after 401 alone.
    ("cloudmonkey", "deleteVolume id=$unknown", 431, &[HeaderIsErrorText("x-description")]),
    (
        "cloudmonkey",
        "listNothings",
        432,
        &[Body(
            r#"{"errorresponse":{"uuidList":[],"errorcode":432,"cserrorcode":9999,"errortext":"The given command listNothings does not exist; listApis tells which there are"}}"#,
        )],
    ),
    (
        "cloudmonkey",
        "listApis name=listZones",
        200,
        &[
            Says("api.0.name", "listZones"),
            Says("api.0.isasync", "false"),
            Is("api.0.params.0.name", Text),
            Is("api.0.params.0.required", Flag),
            Is("api.0.params.0.type", Text),
            Is("api.0.params.0.length", Number),
            Is("api.0.response", List),
        ],
    ),
];

/// A cloud that is ready to use, and whose clock stands still.
fn serve(folder: &Folder) -> Server {
    let pace = Pace::Simulated { speed: 0, start: at("2026-01-01 00:00:00") };
    Server::start_with(options_with(&folder.store, "127.0.0.1:0", Start::Ready, pace))
}

type Names = BTreeMap<&'static str, String>;

/// Puts what was made in the place of the names of a text.
fn meant(text: &str, names: &Names) -> String {
    let mut meant = text.to_owned();
    // The longest first, so that no name is taken for the beginning of another.
    let mut known: Vec<_> = names.iter().collect();
    known.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    for (name, id) in known {
        meant = meant.replace(&format!("${name}"), id);
    }
    assert!(!meant.contains('$'), "{text} names what was not made");
    meant
}

fn ask(server: &Server, keys: &Keys, line: &str, names: &Names) -> Reply {
    let line = meant(line, names);
    let mut words = line.split(' ');
    let mut pairs = vec![("command", words.next().unwrap())];
    pairs.extend(words.map(|word| word.split_once('=').unwrap()));
    pairs.push(("response", "json"));
    server.get(&signed_with(&pairs, &keys.api_key, &keys.secret_key))
}

/// Makes one resource of each kind that the table asks for.
fn furnish(server: &Server) -> Names {
    let mut names: Names = BTreeMap::new();
    names.insert("unknown", "3c0aff8c-4e0a-4b50-9e51-7d5c1a1f2d40".to_owned());
    let first = |line: &str, names: &Names| {
        let reply: Value = serde_json::from_slice(&ask(server, &root(), line, names).body).unwrap();
        let outer = reply.as_object().unwrap().values().next().unwrap();
        let items = outer.as_object().unwrap().values().find_map(Value::as_array);
        items.unwrap_or_else(|| panic!("{line}: {reply}"))[0]["id"].as_str().unwrap().to_owned()
    };
    for (name, line) in [
        ("zone", "listZones networktype=Advanced"),
        ("small", "listServiceOfferings name=m1.small"),
        ("disk", "listDiskOfferings name=Small"),
        ("image", "listTemplates templatefilter=featured hypervisor=KVM zoneid=$zone"),
    ] {
        let id = first(line, &names);
        names.insert(name, id);
    }
    // Each makes a resource by a job: the names of the resource and of the job.
    for (resource, job, line) in [
        (
            "vm",
            "done",
            "deployVirtualMachine zoneid=$zone serviceofferingid=$small templateid=$image",
        ),
        ("gone", "made", "createVolume name=old zoneid=$zone diskofferingid=$disk"),
        ("ip", "address", "associateIpAddress networkid=$net"),
        (
            "pf",
            "forwarding",
            "createPortForwardingRule ipaddressid=$ip protocol=tcp publicport=22 privateport=22 \
             virtualmachineid=$vm",
        ),
        (
            "lb",
            "balancer",
            "createLoadBalancerRule publicipid=$ip name=lb algorithm=roundrobin publicport=80 \
             privateport=80",
        ),
    ] {
        let line = meant(line, &names);
        let mut words = line.split(' ');
        let mut pairs = vec![("command", words.next().unwrap())];
        pairs.extend(words.map(|word| word.split_once('=').unwrap()));
        let begun = server.works(&root(), &pairs);
        let text = |field: &str| begun[field].as_str().unwrap().to_owned();
        names.insert(resource, text("id"));
        names.insert(job, text("jobid"));
        let ended = |done: &Value| done["jobstatus"] != 0;
        let question = [("command", "queryAsyncJobResult"), ("jobid", names[job].as_str())];
        crate::support::wait_until(|| {
            let done = server.works(&root(), &question);
            (ended(&done), done)
        });
        if resource == "vm" {
            let net = first("listNetworks", &names);
            names.insert("net", net);
        }
    }
    server.works(&root(), &[("command", "deleteVolume"), ("id", &names["gone"])]);
    let root_disk = first("listVolumes type=ROOT", &names);
    let begun = server.works(&root(), &[("command", "detachVolume"), ("id", &root_disk)]);
    names.insert("failed", begun["jobid"].as_str().unwrap().to_owned());
    let question = [("command", "queryAsyncJobResult"), ("jobid", names["failed"].as_str())];
    crate::support::wait_until(|| {
        let done = server.works(&root(), &question);
        (done["jobstatus"] != 0, done)
    });
    names
}

/// Finds what stands at a path: members by name, items by number.
fn at_path<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').filter(|step| !step.is_empty()).try_fold(value, |value, step| {
        step.parse::<usize>().map_or_else(|_| value.get(step), |index| value.get(index))
    })
}

fn type_of(value: &Value) -> Option<Type> {
    Some(match value {
        Value::String(_) => Text,
        Value::Number(_) => Number,
        Value::Bool(_) => Flag,
        Value::Array(_) => List,
        Value::Object(_) => Object,
        Value::Null => return None,
    })
}

/// Says why an answer is not what a row needs.
fn lacks(reply: &Reply, need: &Needs, names: &Names) -> Option<String> {
    let whole: Value = serde_json::from_slice(&reply.body).unwrap();
    let inner = whole.as_object().and_then(|outer| outer.values().next()).unwrap();
    let found = |path: &str| at_path(inner, path).cloned().unwrap_or_default();
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let wrong = match need {
        Body(body) => reply.text() != *body,
        Header(name, value) => reply.headers.get(*name).map(String::as_str) != Some(value),
        HeaderIsErrorText(name) => reply.headers.get(*name) != Some(&plain(&found("errortext"))),
        Is(path, expected) => type_of(&found(path)) != Some(*expected),
        Says(path, text) => plain(&found(path)) != *text,
        Begins(path, text) => !plain(&found(path)).starts_with(&meant(text, names)),
        Members(path, members) => {
            let found = found(path);
            let mut found: Vec<&str> = found
                .as_object()
                .map(|of| of.keys().map(String::as_str).collect())
                .unwrap_or_default();
            found.sort_unstable();
            let mut members = members.to_vec();
            members.sort_unstable();
            found != members
        }
    };
    wrong.then(|| format!("{}: {}", reply.status, reply.text()))
}

#[test]
fn clients_find_what_they_look_for() {
    let folder = Folder::new("UTC", "1440");
    let server = serve(&folder);
    let names = furnish(&server);
    let mut failed = Vec::new();
    for (client, line, status, needs) in ROWS {
        let reply = ask(&server, &root(), line, &names);
        if reply.status != *status {
            failed.push(format!("{client}: {line}: {} {}", reply.status, reply.text()));
            continue;
        }
        let lacking = needs.iter().enumerate().filter_map(|(number, need)| {
            let why = lacks(&reply, need, &names)?;
            Some(format!("{client}: {line}: need {number}: {why}"))
        });
        failed.extend(lacking);
    }
    assert!(failed.is_empty(), "{} of the table:\n{}", failed.len(), failed.join("\n"));
}
