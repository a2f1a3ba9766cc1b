"""Pages of `listUsageRecords` by every filter, from a folder of state that is there.

    python3 benches/pages.py DATA FROM TO [--binary PATH] [--requests N] [--connections N]

Starts `serve` on the folder, asks for random pages of 500 records by one connection (one
account, one type, both, all), then for pages by many connections at once, and prints times,
pages a second and memory. Accounts and types are drawn from the totals of the window. Every
answer is checked for its count and number of records. Standard library only.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from measure import binary, run, wait
from scale import PAGE_ROWS, START_SECONDS_MAX, Client, address_of, peak_mib


def main():
    arguments = parse()
    state = {"CLOUDTALLY_DATA": str(arguments.data)}
    cloudtally = binary(arguments.binary)
    run([cloudtally, "settings", "enable.usage.server", "false"], state)
    keys = json.loads(run([cloudtally, "keys", "--json"], state).output)
    totals = totals_of(cloudtally, arguments, state)
    server = subprocess.Popen(
        [str(cloudtally), "serve", "--listen", "127.0.0.1:0"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **state},
    )
    try:
        address = address_of(server, time.perf_counter() + START_SECONDS_MAX)
        print(f"ready: {peak_mib(server.pid):.0f} MiB")
        window = {"startdate": arguments.first, "enddate": arguments.last}
        for name in ("all", "account", "type", "both"):
            plan = requests(name, totals, window, arguments.requests, random.Random(name))
            client = Client(address, keys)
            first, *times = [client.page(*request) for request in plan]
            times.sort()
            p50, p99 = statistics.median(times), times[len(times) * 99 // 100]
            memory = peak_mib(server.pid)
            rate, cpu = at_once(address, keys, plan[1:], arguments.connections, server.pid)
            print(f"{name}: first {first:.1f} ms, p50 {p50:.2f}, p99 {p99:.2f}, "
                  f"{rate:.0f} pages a second on {arguments.connections} connections, "
                  f"{cpu:.2f} ms of the server's CPU a page, peak {memory:.0f} MiB")
        print(f"in the end: {peak_mib(server.pid):.0f} MiB")
    finally:
        server.send_signal(signal.SIGTERM)
        wait(server, time.perf_counter() + START_SECONDS_MAX)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("first")
    parser.add_argument("last")
    parser.add_argument("--binary", default="target/release/cloudtally")
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--connections", type=int, default=8)
    return parser.parse_args()


def totals_of(cloudtally, arguments, state):
    """Records by account and type."""
    words = ["usage", "--group-by", "account,type", "--json",
             "--from", arguments.first, "--to", arguments.last]  # fmt: skip
    lines = json.loads(run([cloudtally, *words], state).output)["totals"]
    return {(line["accountid"], line["usagetype"]): line["records"] for line in lines}


def requests(name, totals, window, count, chance):
    """Random pages of a filter, as arguments of `Client.page`."""
    of_account, of_type = {}, {}
    for (account, usage_type), records in totals.items():
        of_account[account] = of_account.get(account, 0) + records
        of_type[usage_type] = of_type.get(usage_type, 0) + records
    choices = {
        "all": [({}, sum(totals.values()))],
        "account": [({"accountid": key}, records) for key, records in of_account.items()],
        "type": [({"type": key}, records) for key, records in of_type.items()],
        "both": [({"accountid": key[0], "type": key[1]}, n) for key, n in totals.items()],
    }[name]
    plan = []
    for _ in range(count):
        fields, records = chance.choice(choices)
        page = 1 + chance.randrange(-(-records // PAGE_ROWS))
        rows = min(PAGE_ROWS, records - (page - 1) * PAGE_ROWS)
        plan.append(({**window, **fields}, page, rows, records))
    return plan


def ask(address, keys, plan):
    client = Client(address, keys)
    for request in plan:
        client.page(*request)


def at_once(address, keys, plan, connections, pid):
    """Pages a second, and milliseconds of the server's CPU a page."""
    with ProcessPoolExecutor(connections) as pool:
        list(pool.map(abs, range(connections)))
        began, before = time.perf_counter(), cpu_s(pid)
        asked = [pool.submit(ask, address, keys, plan) for _ in range(connections)]
        for one in asked:
            one.result()
        pages = connections * len(plan)
        return pages / (time.perf_counter() - began), (cpu_s(pid) - before) * 1e3 / pages


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
