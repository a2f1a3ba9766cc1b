#!/usr/bin/env python3
"""Memory and honest calls of a server while strangers try passwords.

    python3 benches/logins.py [--binary target/release/cloudtally] [--clients 520] [--seconds 15]

Starts the server in a folder of its own on a free port. The clients log in with wrong
passwords as fast as they are answered, each from an address of its own (127.1.x.y), so that
the delays by address do not stand in for the bounds by place. One honest client beside them,
a process of its own, makes signed calls. Prints one figure a line, then both verdicts; ends
with 1 unless memory stays below 150 MB and every honest call below 100 ms.
"""

import argparse
import asyncio
import collections
import http.client
import multiprocessing
import os
import sys
import tempfile
import time

from live import Client, Server

MEMORY_MB_MAX = 150
HONEST_MS_MAX = 100
# Between two calls of the honest client.
PAUSE_S = 0.02


def honest(address, until, answers):
    """Makes signed calls until a moment; hands over how long each took, in ms."""
    client = Client(address)
    took = []
    while time.time() < until:
        begun = time.monotonic()
        try:
            client.call("listZones")
        except (http.client.HTTPException, ConnectionError):
            # Idle between two calls when all places were taken: closed, as HTTP lets a
            # server do. A client connects again; the time of both counts.
            client = Client(address)
            client.call("listZones")
        took.append((time.monotonic() - begun) * 1000)
        time.sleep(PAUSE_S)
    answers.put(took)


async def stranger(address, number, until, statuses):
    """Logs in with wrong passwords until a moment."""
    host, port = address.rsplit(":", 1)
    own = f"127.1.{number // 250}.{number % 250 + 1}"
    while time.time() < until:
        try:
            reader, writer = await asyncio.open_connection(host, int(port), local_addr=(own, 0))
        except OSError as cause:
            statuses[type(cause).__name__] += 1
            await asyncio.sleep(0.1)
            continue
        try:
            while time.time() < until:
                query = f"command=login&username=admin&password=wrong-{number}-{time.time()}&response=json"
                request = f"GET /client/api?{query} HTTP/1.1\r\nHost: {address}\r\n\r\n"
                writer.write(request.encode())
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                statuses[head.split(" ")[1]] += 1
                length = head.split("content-length:")[1].split("\r\n")[0]
                await reader.readexactly(int(length))
        except (OSError, asyncio.IncompleteReadError) as cause:
            statuses[type(cause).__name__] += 1
        finally:
            writer.close()


async def strangers(address, clients, until, statuses):
    await asyncio.gather(*(stranger(address, n, until, statuses) for n in range(clients)))


def peak_mb(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def judged(what, found, bound, unit):
    """Prints whether a figure is below its bound; whether it is."""
    is_kept = found < bound
    print(f"{what:<33}{'kept' if is_kept else 'BROKEN'}: {found:.1f} of {bound} {unit}")
    return is_kept


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default="target/release/cloudtally")
    parser.add_argument("--clients", type=int, default=520)
    parser.add_argument("--seconds", type=float, default=15)
    arguments = parser.parse_args()
    # Each wrong password is a line of the log otherwise.
    os.environ.setdefault("CLOUDTALLY_LOG", "error")
    with tempfile.TemporaryDirectory() as folder:
        server = Server(arguments.binary, f"{folder}/data")
        try:
            Client(server.address).call("listZones")
            before = server.resident_kib() / 1024
            until = time.time() + arguments.seconds
            answers = multiprocessing.Queue()
            caller = multiprocessing.Process(target=honest, args=(server.address, until, answers))
            caller.start()
            statuses = collections.Counter()
            asyncio.run(strangers(server.address, arguments.clients, until, statuses))
            took = sorted(answers.get(timeout=60))
            caller.join(60)
            peak = peak_mb(server)
        finally:
            server.stop()
    slow = took[len(took) * 99 // 100]
    print(f"clients, seconds                 {arguments.clients}, {arguments.seconds:g}")
    print(f"answers by status                {dict(sorted(statuses.items()))}")
    print(f"memory before, at its peak       {before:.0f}, {peak:.0f} MB")
    print(f"honest calls                     {len(took)}")
    print(f"  median, 99 of 100, slowest     {took[len(took) // 2]:.1f}, {slow:.1f}, {took[-1]:.1f} ms")
    kept = [
        judged("memory at its peak", peak, MEMORY_MB_MAX, "MB"),
        judged("slowest honest call", took[-1], HONEST_MS_MAX, "ms"),
    ]
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
