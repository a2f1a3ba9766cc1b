#!/usr/bin/env python3
"""Durable throughput of the living cloud through its real port.

    python3 benches/live.py [--binary target/release/cloudtally] [--vms 200] [--clients 4] [--days 10]

Starts the server in a folder of its own, twice: on the real clock for deployments and
lists, on the simulated one for tenants. Prints one figure a line. Every answer counts
only once it is kept on disk: the server commits before it answers.
"""

import argparse
import base64
import hashlib
import hmac
import http.client
import json
import os
import signal
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse

KEYS = {"CLOUDTALLY_ADMIN_API_KEY": "key-of-the-live-bench", "CLOUDTALLY_ADMIN_SECRET_KEY": "secret-of-the-live-bench"}


class Client:
    """One connection, kept open; signed requests, JSON answers."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=600)

    def call(self, command, **params):
        params.update(command=command, response="json", apiKey=KEYS["CLOUDTALLY_ADMIN_API_KEY"])
        pairs = sorted(params.items(), key=lambda pair: pair[0].lower())
        query = "&".join(f"{k}={urllib.parse.quote(str(v), safe='')}" for k, v in pairs)
        secret = KEYS["CLOUDTALLY_ADMIN_SECRET_KEY"].encode()
        digest = hmac.new(secret, query.lower().encode(), hashlib.sha1).digest()
        signature = urllib.parse.quote(base64.b64encode(digest).decode(), safe="")
        self.connection.request("GET", f"/client/api?{query}&signature={signature}")
        answer = self.connection.getresponse()
        body = json.loads(answer.read())
        (inner,) = body.values()
        if answer.status != 200:
            raise SystemExit(f"{command}: {answer.status} {inner}")
        return inner


class Server:
    def __init__(self, binary, folder, *options):
        command = [binary, "--data", folder, "serve", "--listen", "127.0.0.1:0", *options]
        environment = {**os.environ, **KEYS}
        environment.setdefault("CLOUDTALLY_LOG", "warn")
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        first = self.process.stdout.readline()
        self.address = first.split("http://")[1].split("/")[0]

    def resident_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def cpu_ms(self):
        """User and system time of all its threads so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def in_parallel(clients, work):
    """Calls work(client number) in threads; returns the seconds it took in all."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - begun


def deployments(server, vms, clients):
    root = Client(server.address)
    zone = next(z["id"] for z in root.call("listZones")["zone"] if z["networktype"] == "Basic")
    offering = root.call("listServiceOfferings", name="Tiny Instance")["serviceoffering"][0]["id"]
    templates = root.call("listTemplates", templatefilter="featured", zoneid=zone)["template"]
    template = next(t["id"] for t in templates if t["hypervisor"] == "Simulator")
    before = server.resident_kib()

    def deploy(number):
        client = Client(server.address)
        for _ in range(number, vms, clients):
            job = client.call(
                "deployVirtualMachine",
                zoneid=zone, serviceofferingid=offering, templateid=template,
            )["jobid"]
            for _ in range(10_000):
                result = client.call("queryAsyncJobResult", jobid=job)
                if result["jobstatus"]:
                    break
            if result["jobstatus"] != 1:
                raise SystemExit(f"a deployment failed: {result}")

    cpu_ms = server.cpu_ms()
    seconds = in_parallel(clients, deploy)
    cpu_ms = server.cpu_ms() - cpu_ms
    print(f"deploy jobs completed a second   {vms / seconds:10.1f}   ({clients} clients, {vms} VMs)")
    print(f"server's CPU per deployment      {cpu_ms / vms:10.2f} ms")
    print(f"memory per VM                    {(server.resident_kib() - before) / vms:10.1f} KiB")


def lists(server, clients, calls=400):
    def ask(_):
        client = Client(server.address)
        for _ in range(calls):
            client.call("listVirtualMachines", listall="true", page=1, pagesize=50)

    cpu_ms = server.cpu_ms()
    rates = [clients * calls / in_parallel(clients, ask) for _ in range(5)]
    cpu_ms = server.cpu_ms() - cpu_ms
    print(f"lists of 50 VMs a second         {statistics.median(rates):10.1f}   (median of 5)")
    print(f"server's CPU per list            {cpu_ms / (5 * clients * calls):10.2f} ms")


def simulated(binary, folder, days):
    options = ("--clock", "sim", "--speed", "0", "--start", "2026-01-01", "--tenants", "8", "--seed", "42")
    server = Server(binary, folder, *options)
    try:
        root = Client(server.address)
        times = []
        for _ in range(days):
            begun = time.monotonic()
            root.call("advanceClock", seconds=86_400)
            times.append(time.monotonic() - begun)
        print(f"simulated days a minute          {60 / statistics.median(times):10.1f}   (8 tenants, median day of {days})")
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default="target/release/cloudtally")
    parser.add_argument("--vms", type=int, default=200)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--days", type=int, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(arguments.binary, os.path.join(folder, "real"))
        try:
            deployments(server, arguments.vms, arguments.clients)
            lists(server, arguments.clients)
        finally:
            server.stop()
        simulated(arguments.binary, os.path.join(folder, "simulated"), arguments.days)


if __name__ == "__main__":
    main()
