"""A tenant's day through the PyPI package `apache-libcloud` as it is: its CloudStack
driver signs, asks and waits in its own way.

Called with host, port, API key and secret key. The server's clock stands still.
"""

import sys

from libcloud.compute.providers import get_driver
from libcloud.compute.types import NodeState, Provider

host, port, api_key, secret_key = sys.argv[1:]
driver = get_driver(Provider.CLOUDSTACK)(
    api_key, secret_key, secure=False, host=host, port=int(port), path="/client/api"
)

# What there is to choose from.
location = next(l for l in driver.list_locations() if l.name == "zone-1")
small = next(s for s in driver.list_sizes() if s.name == "Small Instance")
medium = next(s for s in driver.list_sizes() if s.name == "Medium Instance")
image = next(i for i in driver.list_images() if i.extra["hypervisor"] == "KVM")
offering = next(
    o
    for o in driver.ex_list_network_offerings()
    if o.name == "DefaultIsolatedNetworkOfferingWithSourceNatService"
)

# A network and a machine in it.
network = driver.ex_create_network("inner", "inner", offering, location)
assert [n.name for n in driver.ex_list_networks() if n.id == network.id] == ["inner"]
node = driver.create_node(
    name="web", size=small, image=image, location=location, networks=[network], ex_start_vm=True
)
assert node.state == NodeState.RUNNING and len(node.private_ips) == 1, node
assert [n.name for n in driver.list_nodes()] == ["web"]

# The way in.
address = driver.ex_allocate_public_ip(network_id=network.id, location=location)
assert address.address in [a.address for a in driver.ex_list_public_ips()]
forward = driver.ex_create_port_forwarding_rule(node, address, 22, 2222, "TCP")
assert [(r.private_port, r.public_port) for r in driver.ex_list_port_forwarding_rules()] == [
    ("22", "2222")
]
# The forwarded port is open already: forwarding opens it unless told not to.
assert [r.start_port for r in driver.ex_list_firewall_rules()] == ["2222"]
wall = driver.ex_create_firewall_rule(address, "0.0.0.0/0", "TCP", start_port=443, end_port=443)
assert wall.id in [r.id for r in driver.ex_list_firewall_rules()]
out = driver.ex_create_egress_firewall_rule(
    network.id, "10.1.1.0/24", "TCP", start_port=80, end_port=80
)

# A disk and what is kept of it.
volume = driver.create_volume(5, "data", location=location)
assert driver.attach_volume(node, volume)
assert sorted(v.name.partition("-")[0] for v in driver.list_volumes()) == ["ROOT", "data"]
snapshot = driver.create_volume_snapshot(volume)
assert [s.id for s in driver.list_snapshots()] == [snapshot.id]
assert driver.destroy_volume_snapshot(snapshot)
assert driver.detach_volume(volume) and driver.destroy_volume(volume)

# Keys, groups, tags.
pair = driver.create_key_pair("mine")
assert pair.private_key.startswith("-----BEGIN") and driver.get_key_pair("mine").name == "mine"
assert driver.delete_key_pair(pair) and driver.list_key_pairs() == []
driver.ex_create_security_group("web", description="who may come in")
driver.ex_authorize_security_group_ingress("web", "tcp", "0.0.0.0/0", 80, 80)
assert "web" in [group["name"] for group in driver.ex_list_security_groups()]
assert driver.ex_delete_security_group("web")
assert driver.ex_create_tags([node.id], "UserVm", {"role": "web"})
assert driver.ex_delete_tags([node.id], "UserVm", {"role": "web"})

# A second network card.
second = driver.ex_create_network("second", "second", offering, location)
assert driver.ex_attach_nic_to_node(node, second)
cards = driver.ex_list_nics(node)
assert len(cards) == 2
assert driver.ex_detach_nic_from_node(next(c for c in cards if not c.is_default), node)

# Up, down, larger.
assert driver.reboot_node(node)
assert driver.ex_stop(node) == "Stopped"
assert driver.ex_change_node_size(node, medium)
assert driver.ex_start(node) == "Running"
assert driver.list_nodes()[0].extra["size_id"] == medium.id

# And all of it away again.
assert driver.ex_delete_port_forwarding_rule(node, forward)
assert driver.ex_delete_firewall_rule(wall) and driver.ex_delete_egress_firewall_rule(out)
assert driver.ex_release_public_ip(address)
assert driver.destroy_node(node, ex_expunge=True) and driver.list_nodes() == []
assert driver.ex_delete_network(network) and driver.ex_delete_network(second)
print("done")
