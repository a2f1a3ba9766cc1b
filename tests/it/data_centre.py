"""A data centre through the API: made, used by its tenants, and taken down.

Called with the endpoint and the root admin's keys; everything goes through the
PyPI package `cs` as it is. The server's clock is a simulated one that stands
still: what takes its time is waited for with `advanceClock`.
"""

import sys

from cs import CloudStack, CloudStackApiException

endpoint, api_key, secret_key = sys.argv[1:]


def client(keys, method="get"):
    # Jobs are polled by the client itself, more often than every two seconds.
    return CloudStack(
        endpoint=endpoint,
        key=keys["apikey"],
        secret=keys["secretkey"],
        method=method,
        fetch_result=True,
        poll_interval=0.02,
    )


def only(answer, item):
    """The one item of a list."""
    assert answer["count"] == 1 and len(answer[item]) == 1, answer
    return answer[item][0]


def names(items, field="name"):
    return sorted(item[field] for item in items)


def typed(thing, **types):
    """Requires fields of these types; `bool` is no `int` here."""
    for field, expected in types.items():
        assert type(thing.get(field)) is expected, (field, thing)


def refused(code, piece, call, **params):
    """Requires a refusal with this code and this piece of text."""
    try:
        answer = call(**params)
    except CloudStackApiException as refusal:
        error = refusal.error
        assert error["errorcode"] == code and piece in error["errortext"], error
        if refusal.response.status_code == 200:
            return  # A job that failed: asking for it works.
        assert refusal.response.status_code == code, refusal.response
        assert refusal.response.headers["X-Description"] == error["errortext"]
        assert isinstance(error["uuidList"], list), error
        return
    raise AssertionError(f"not refused: {answer}")


root = client({"apikey": api_key, "secretkey": secret_key})

# 1. The zone and its physical network, in the order of the reference layout.
assert root.listZones() == {}
zone = root.createZone(
    name="east",
    networktype="Advanced",
    dns1="8.8.8.8",
    internaldns1="10.147.28.6",
    guestcidraddress="10.1.1.0/24",
)["zone"]
assert zone["allocationstate"] == "Disabled", zone
refused(431, "the zone east exists already", root.createZone, name="east", networktype="Advanced",
        dns1="8.8.8.8", internaldns1="10.147.28.6")
zone_id = zone["id"]
wires = root.createPhysicalNetwork(zoneid=zone_id, name="wires")["physicalnetwork"]
for traffic in ("Guest", "Management", "Public"):
    made = root.addTrafficType(physicalnetworkid=wires["id"], traffictype=traffic)
    assert made["traffictype"]["traffictype"] == traffic, made

# 2. Its providers: first what each is made of, then the provider itself.
elements = {
    "VirtualRouter": (
        root.listVirtualRouterElements, "virtualrouterelement", root.configureVirtualRouterElement,
    ),
    "VpcVirtualRouter": (
        root.listVirtualRouterElements, "virtualrouterelement", root.configureVirtualRouterElement,
    ),
    "InternalLbVm": (
        root.listInternalLoadBalancerElements, "internalloadbalancerelement",
        root.configureInternalLoadBalancerElement,
    ),
}
for name, (list_elements, item, configure) in elements.items():
    listed = root.listNetworkServiceProviders(physicalnetworkid=wires["id"], name=name)
    provider = only(listed, "networkserviceprovider")
    assert provider["state"] == "Disabled", provider
    element = only(list_elements(nspid=provider["id"]), item)
    configure(id=element["id"], enabled=True)
    enabled = root.updateNetworkServiceProvider(id=provider["id"], state="Enabled")
    assert enabled["networkserviceprovider"]["state"] == "Enabled", enabled
root.updatePhysicalNetwork(id=wires["id"], state="Enabled", vlan="100-200")

# 3. Addresses, a cluster with two hosts, storage; then the zone is open.
pod = root.createPod(
    name="rack", zoneid=zone_id, gateway="172.16.15.1", netmask="255.255.255.0",
    startip="172.16.15.2", endip="172.16.15.200",
)["pod"]
public = root.createVlanIpRange(
    zoneid=zone_id, forvirtualnetwork=True, vlan="50", gateway="192.168.2.1",
    netmask="255.255.255.0", startip="192.168.2.2", endip="192.168.2.200",
)["vlan"]
cluster = only(
    root.addCluster(
        clustername="c0", zoneid=zone_id, podid=pod["id"], hypervisor="Simulator",
        clustertype="CloudManaged",
    ),
    "cluster",
)
hosts = [
    only(
        root.addHost(
            zoneid=zone_id, podid=pod["id"], clusterid=cluster["id"], hypervisor="Simulator",
            url=f"http://sim/c0/{name}", username="root", password="p w*~&+",
        ),
        "host",
    )
    for name in ("h0", "h1")
]
pool = root.createStoragePool(
    name="ps0", zoneid=zone_id, podid=pod["id"], clusterid=cluster["id"],
    url="nfs://10.147.28.6/export/ps0",
)["storagepool"]
store = root.addImageStore(
    provider="NFS", zoneid=zone_id, url="nfs://10.147.28.6/export/secondary", name="images",
)["imagestore"]
root.updateZone(id=zone_id, allocationstate="Enabled")
system_vms = root.listSystemVms(fetch_list=True, zoneid=zone_id)
assert names(system_vms, "systemvmtype") == ["consoleproxy", "secondarystoragevm"], system_vms
assert names(system_vms, "state") == ["Running", "Running"], system_vms

# 4. What tenants choose from.
tiny = root.createServiceOffering(
    name="tiny", displaytext="one core", cpunumber=1, cpuspeed=500, memory=256,
)["serviceoffering"]
typed(tiny, cpunumber=int, cpuspeed=int, memory=int, issystem=bool, offerha=bool)
disk = root.createDiskOffering(name="disk", displaytext="two GiB", disksize=2)["diskoffering"]
typed(disk, disksize=int, iscustomized=bool)
system = only(root.listOsTypes(description="Ubuntu 12.04 (64-bit)"), "ostype")
template = only(
    root.registerTemplate(
        name="ubuntu", displaytext="Ubuntu & more", url="http://images.example.org/u.vhd",
        zoneid=zone_id, hypervisor="Simulator", format="VHD", ostypeid=system["id"],
        ispublic=True, isfeatured=True,
    ),
    "template",
)
root.advanceClock(seconds=3600)

# 5. Tenants: a domain, its admin and a user, each with keys of their own.
refused(401, "credentials", client({"apikey": "nobody", "secretkey": "x"}).listZones)
domain = root.createDomain(name="acme")["domain"]


def tenant(name, kind, method):
    made = root.createAccount(
        accounttype=kind, username=name, password="p w*~&+", firstname="F", lastname="L",
        email=f"{name}@example.org", domainid=domain["id"],
    )["account"]
    keys = root.registerUserKeys(id=made["user"][0]["id"])["userkeys"]
    return made, client(keys, method)


chief_account, chief = tenant("chief", 2, "post")
alice_account, alice = tenant("alice", 0, "get")

# 6. The user finds what is needed to deploy, and nothing of how the cloud is built.
assert only(alice.listZones(available=True), "zone")["id"] == zone_id
typed(alice.listCapabilities()["capability"], securitygroupsenabled=bool, cloudstackversion=str)
assert "Simulator" in names(alice.listHypervisors(zoneid=zone_id)["hypervisor"])
# Beside the built-in template for simulated hosts there is the one just made.
assert len(alice.listTemplates(templatefilter="executable", zoneid=zone_id)["template"]) == 2
found = only(alice.listTemplates(templatefilter="executable", name=template["name"]), "template")
assert found["id"] == template["id"], found
typed(found, hypervisor=str, format=str, ostypename=str, displaytext=str, size=int, isready=bool,
      ispublic=bool, isfeatured=bool, passwordenabled=bool)
assert found["isready"] is True and found["displaytext"] == "Ubuntu & more", found
refused(401, "not for a user", alice.listHosts)
refused(401, "not for a user", alice.createZone, name="west")
refused(401, "not for a domain admin", chief.addHost, zoneid=zone_id)
isolated = only(
    alice.listNetworkOfferings(name="DefaultIsolatedNetworkOfferingWithSourceNatService"),
    "networkoffering",
)
network = alice.createNetwork(
    name="net", displaytext="net", networkofferingid=isolated["id"], zoneid=zone_id,
)["network"]
assert network["state"] == "Allocated", network
typed(network, issystem=bool, isdefault=bool, canusefordeploy=bool)

# 7. A virtual machine; names of parameters come in any case.
pair = alice.createSSHKeyPair(name="desk")["keypair"]
typed(pair, fingerprint=str, privatekey=str)
begun = alice.deployVirtualMachine(
    zoneId=zone_id, serviceOfferingId=tiny["id"], templateId=template["id"], name="web",
    displayname="the shop's", networkids=[network["id"]], keypair="desk", fetch_result=False,
)
assert sorted(begun) == ["id", "jobid"], begun
vm = alice._jobresult(jobid=begun["jobid"])["virtualmachine"]
assert (vm["id"], vm["state"]) == (begun["id"], "Running"), vm
job = alice.queryAsyncJobResult(jobid=begun["jobid"], fetch_result=False)
typed(job, jobstatus=int, jobprocstatus=int, jobresultcode=int, jobresult=dict, created=str)
assert (job["jobstatus"], job["jobresultcode"]) == (1, 0), job
assert job["jobresult"]["virtualmachine"] == vm, job
listed = only(alice.listVirtualMachines(id=vm["id"]), "virtualmachine")
typed(listed, cpunumber=int, cpuspeed=int, memory=int, rootdeviceid=int, haenable=bool,
      passwordenabled=bool, displayname=str, created=str, nic=list)
assert listed["displayname"] == "the shop's" and listed["account"] == "alice", listed
nic = only(alice.listNics(virtualmachineid=vm["id"]), "nic")
assert nic["isdefault"] is True and nic["ipaddress"] == listed["nic"][0]["ipaddress"], nic
assert nic["ipaddress"].startswith("10.1.1."), nic
implemented = only(alice.listNetworks(id=network["id"]), "network")
assert implemented["state"] == "Implemented", implemented
refused(431, "the virtual machine web exists already", alice.deployVirtualMachine, zoneid=zone_id,
        serviceofferingid=tiny["id"], templateid=template["id"], name="web",
        networkids=[network["id"]])

# 8. A volume, attached.
volume = alice.createVolume(name="data", zoneid=zone_id, diskofferingid=disk["id"])["volume"]
typed(volume, size=int)
assert (volume["size"], volume["state"]) == (2 << 30, "Allocated"), volume
attached = alice.attachVolume(id=volume["id"], virtualmachineid=vm["id"])["volume"]
assert attached["virtualmachineid"] == vm["id"], attached
typed(attached, deviceid=int, size=int, attached=str)
refused(431, "", alice.deleteVolume, id=volume["id"])
of_vm = alice.listVolumes(fetch_list=True, virtualmachineid=vm["id"])
assert names(of_vm, "type") == ["DATADISK", "ROOT"], of_vm

# 9. An address and rules on it.
address = alice.associateIpAddress(networkid=network["id"])["ipaddress"]
typed(address, ipaddress=str, issourcenat=bool, isstaticnat=bool)
assert address["ipaddress"].startswith("192.168.2."), address
rule = alice.createPortForwardingRule(
    ipaddressid=address["id"], protocol="tcp", publicport=22, privateport=22,
    virtualmachineid=vm["id"], openfirewall="True",
)["portforwardingrule"]
rule = only(alice.listPortForwardingRules(ipaddressid=address["id"]), "portforwardingrule")
typed(rule, virtualmachineid=str, protocol=str, publicport=str, publicendport=str,
      privateport=str, privateendport=str)
refused(537, "", alice.createPortForwardingRule, ipaddressid=address["id"], protocol="tcp",
        publicport=22, privateport=2222, virtualmachineid=vm["id"])
opened = alice.createFirewallRule(
    ipaddressid=address["id"], protocol="tcp", startport=8000, endport=8010,
    cidrlist=["10.0.0.0/8", "192.0.2.0/24"],
)["firewallrule"]
typed(opened, startport=str, endport=str, cidrlist=str)
# Its client looks for a balancer before the job is asked for.
begun = alice.createLoadBalancerRule(
    publicipid=address["id"], name="lb", algorithm="roundrobin", publicport=80, privateport=8080,
    vpc_id="None", fetch_result=False,
)
balancer = only(
    alice.listLoadBalancerRules(publicipid=address["id"], algorithm="roundrobin"),
    "loadbalancerrule",
)
assert balancer["id"] == begun["id"], (balancer, begun)
assert alice._jobresult(jobid=begun["jobid"])["loadbalancer"]["id"] == begun["id"]
typed(balancer, state=str, publicip=str, publicport=str, privateport=str, publicipid=str)
alice.assignToLoadBalancerRule(id=balancer["id"], virtualmachineids=[vm["id"]])
member = only(alice.listLoadBalancerRuleInstances(id=balancer["id"]), "loadbalancerruleinstance")
assert member["nic"][0]["ipaddress"] == nic["ipaddress"], member

# 10. Tags on more than one kind, and lists by them.
for kind, thing in (("UserVm", vm), ("Volume", volume), ("PublicIpAddress", address)):
    alice.createTags(
        resourcetype=kind, resourceids=[thing["id"]],
        tags=[{"key": "env", "value": "a*b~c+d & é"}, {"key": "who", "value": "alice"}],
    )
by_tag = alice.listVirtualMachines(tags=[{"key": "env", "value": "a*b~c+d & é"}])
shown = {tag["key"]: tag for tag in only(by_tag, "virtualmachine")["tags"]}
assert shown["env"]["value"] == "a*b~c+d & é", shown
assert shown["who"] == {
    "key": "who", "value": "alice", "resourcetype": "UserVm", "resourceid": vm["id"],
    "account": "alice", "domainid": domain["id"], "domain": "acme",
}, shown
assert alice.listVirtualMachines(tags=[{"key": "env", "value": "other"}]) == {}
assert len(alice.listTags(fetch_list=True)) == 6
typed(only(alice.listPublicIpAddresses(id=address["id"]), "publicipaddress"), tags=list)

# 11. A job that fails tells why in an object: root admins what failed, others in
# general words.
root.configureSimulator(name="StartCommand", value="enabled:false")
begun = alice.deployVirtualMachine(
    zoneid=zone_id, serviceofferingid=tiny["id"], templateid=template["id"], name="unlucky",
    networkids=[network["id"]], fetch_result=False,
)
refused(534, "a resource is unavailable", alice._jobresult, jobid=begun["jobid"])
refused(534, "StartCommand", root._jobresult, jobid=begun["jobid"])
job = alice.queryAsyncJobResult(jobid=begun["jobid"], fetch_result=False)
assert (job["jobstatus"], job["jobresultcode"]) == (2, 530), job
typed(job["jobresult"], errorcode=int, errortext=str)
root.configureSimulator(name="StartCommand", value="enabled:true")

# 12. The domain admin has a machine, too; who sees which.
chiefs = chief.createNetwork(
    name="ops", displaytext="ops", networkofferingid=isolated["id"], zoneid=zone_id,
)["network"]
ops = chief.deployVirtualMachine(
    zoneid=zone_id, serviceofferingid=tiny["id"], templateid=template["id"], name="ops",
    networkids=[chiefs["id"]],
)["virtualmachine"]


def seen(caller, **params):
    machines = caller.listVirtualMachines(fetch_list=True, state="Running", **params)
    return names(machines)


assert seen(chief) == ["ops"], "their own unless told otherwise"
assert seen(chief, listall=True) == ["ops", "web"]
assert seen(chief, domainid=domain["id"], isrecursive=True) == ["ops", "web"]
assert seen(chief, domainid=domain["id"], account="alice") == ["web"]
assert seen(alice) == seen(alice, listall=True) == ["web"]
assert seen(root) == [] and seen(root, listall=True) == ["ops", "web"]
refused(431, "", alice.listVirtualMachines, id=ops["id"])
refused(431, "", alice.stopVirtualMachine, id=ops["id"])
refused(531, "", alice.listVirtualMachines, domainid=domain["id"], account="chief")
for command, item in (("listVolumes", "volume"), ("listNetworks", "network"),
                      ("listPublicIpAddresses", "publicipaddress"), ("listTags", "tag")):
    of_alice = getattr(alice, command)(fetch_list=True, listall=True)
    of_all = getattr(chief, command)(fetch_list=True, listall=True)
    assert of_alice and all(thing["account"] == "alice" for thing in of_alice), of_alice
    assert all(thing in of_all for thing in of_alice), command

# 13. What happened, as the events tell it.
told = alice.listEvents(fetch_list=True)
assert told and all(event["account"] == "alice" for event in told), told
assert not [event for event in told if event["type"] == "ZONE.CREATE"]
chain = [event for event in alice.listEvents(fetch_list=True, type="VM.CREATE")
         if vm["id"] in event["description"]]
assert [event["state"] for event in reversed(chain)] == [
    "Scheduled", "Created", "Started", "Completed",
], chain
first = chain[-1]
assert "parentid" not in first and all(e["parentid"] == first["id"] for e in chain[:-1]), chain
errors = alice.listEvents(fetch_list=True, type="VM.CREATE", level="ERROR")
of_jobs = [event for event in errors if "parentid" in event]
assert len(of_jobs) == 1 and "unlucky" in of_jobs[0]["description"], errors
assert "the virtual machine web exists already" in errors[-1]["description"], "the call that was refused"
of_domain = chief.listEvents(fetch_list=True, listall=True, type="VM.CREATE")
assert {event["account"] for event in of_domain} == {"alice", "chief"}, of_domain
assert only(root.listEvents(type="ZONE.CREATE", level="INFO"), "event")["account"] == "admin"

# 14. What is in use stays.
refused(536, "", root.deleteZone, id=zone_id)
refused(536, "", root.deletePod, id=pod["id"])
refused(536, "", root.deleteCluster, id=cluster["id"])
refused(536, "", root.deleteVlanIpRange, id=public["id"])
refused(536, "", root.deleteImageStore, id=store["id"])
refused(536, "", alice.deleteNetwork, id=network["id"])

# 15. The tenants leave: the user by hand, the domain admin with the domain.
alice.deleteLoadBalancerRule(id=balancer["id"])
alice.deleteFirewallRule(id=opened["id"])
alice.deletePortForwardingRule(id=rule["id"])
assert alice.listPortForwardingRules() == {}
assert alice.disassociateIpAddress(id=address["id"])["success"] is True
alice.detachVolume(id=volume["id"])
assert alice.deleteVolume(id=volume["id"])["success"] in ("true", True)
unlucky = only(alice.listVirtualMachines(state="Error"), "virtualmachine")
assert unlucky["name"] == "unlucky", unlucky
# What never ran needs no time to think it over.
for machine, state in ((vm, "Destroyed"), (unlucky, "Expunging")):
    destroyed = alice.destroyVirtualMachine(id=machine["id"])["virtualmachine"]
    assert destroyed["state"] == state, destroyed
root.advanceClock(seconds=3 * 86400)
assert alice.listVirtualMachines(listall=True) == {}, "expunged"
alice.deleteNetwork(id=network["id"])
assert alice.listNetworks() == {} and alice.listPublicIpAddresses() == {}
assert alice.listVolumes() == {} and alice.listTags() == {}
root.deleteAccount(id=alice_account["id"])
refused(401, "credentials", alice.listVirtualMachines)
refused(536, "cleanup", root.deleteDomain, id=domain["id"])
root.deleteDomain(id=domain["id"], cleanup=True)
refused(401, "credentials", chief.listVirtualMachines)
assert names(root.listDomains(fetch_list=True, listall=True)) == ["ROOT"]
assert root.listVirtualMachines(listall=True) == {}
assert root.listRouters(listall=True) == {}

# 16. And down, in reverse.
root.deleteTemplate(id=template["id"])
root.deleteServiceOffering(id=tiny["id"])
root.deleteDiskOffering(id=disk["id"])
root.updateZone(id=zone_id, allocationstate="Disabled")
for system_vm in system_vms:
    root.destroySystemVm(id=system_vm["id"])
root.deleteImageStore(id=store["id"])
root.enableStorageMaintenance(id=pool["id"])
root.deleteStoragePool(id=pool["id"])
for host in hosts:
    root.prepareHostForMaintenance(id=host["id"])
    root.deleteHost(id=host["id"])
root.deleteCluster(id=cluster["id"])
root.deleteVlanIpRange(id=public["id"])
root.deletePod(id=pod["id"])
root.deletePhysicalNetwork(id=wires["id"])
root.deleteZone(id=zone_id)
for command in ("listZones", "listPhysicalNetworks", "listPods", "listClusters", "listHosts",
                "listStoragePools", "listImageStores", "listSystemVms", "listVlanIpRanges"):
    assert getattr(root, command)() == {}, command
print("done")
