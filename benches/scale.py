"""Time and memory of every step at about 1 and 10 million records.

    cargo build --release
    python3 scale.py                    # 8400 VMs, 31 days: 1 million records
    python3 scale.py --vms 84000        # 10 million

A month is simulated (seed 1, no mess) and ingested; its first days are back-filled,
the last one is published by the scheduled job on top, one day is rebuilt, all is
exported in each format, then the month is served and asked for its first, middle
and last page with signed requests. Every command is a process of its own; peak
memory is the largest resident set of that process. With --runs the whole is
repeated in new folders and medians are shown.

Standard library only. Talks to 127.0.0.1 alone.
"""

import argparse
import base64
import hashlib
import hmac
import http.client
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

from measure import STEP_SECONDS_MAX, binary, median, note, run, spread, table, wait

HERE = Path(__file__).resolve().parent
FIRST_DAY = date(2026, 1, 1)
SEED = 1
PAGE_ROWS = 500
START_SECONDS_MAX = 120


def main():
    arguments = parse()
    cloudtally = binary(arguments.binary)
    rounds = []
    for number in range(arguments.runs):
        note(f"run {number + 1} of {arguments.runs}")
        work = Path(tempfile.mkdtemp(prefix="cloudtally-scale-", dir=arguments.work))
        try:
            rounds.append(Scale(cloudtally, arguments, work).measure())
        finally:
            shutil.rmtree(work)
    show(rounds, arguments)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--vms", type=int, default=8_400)
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--runs", type=int, default=1, help="repetitions; medians are shown")
    parser.add_argument("--requests", type=int, default=50, help="requests for each page")
    parser.add_argument("--binary", default=HERE.parent / "target/release/cloudtally")
    parser.add_argument("--work", help="where the temporary folder goes (default: TMPDIR)")
    return parser.parse_args()


class Scale:
    """One pass over all steps."""

    def __init__(self, cloudtally, arguments, work):
        self.cloudtally, self.arguments, self.work = cloudtally, arguments, work
        self.state = {"CLOUDTALLY_DATA": str(work / "data")}
        self.steps = {}
        self.facts = {}
        self.account, self.records_of_account = None, 0

    def measure(self):
        last_day = FIRST_DAY + timedelta(days=self.arguments.days - 1)
        first, last = FIRST_DAY.isoformat(), last_day.isoformat()
        inputs = self.work / "inputs"
        self.step("simulate", "simulate", "--vms", self.arguments.vms, "--days",
                  self.arguments.days, "--seed", SEED, "--start", first, "--out", inputs)  # fmt: skip
        ingest = lambda stream, name: self.step(
            f"ingest {stream}", "ingest", stream, inputs / f"{name}.csv", "--json"
        )
        accounts = ingest("accounts", "accounts")
        events = ingest("events", "usage_events")
        samples = ingest("samples", "network_samples")
        self.step("aggregate, all days but the last", "aggregate", "--from", first,
                  "--to", last_day - timedelta(days=1))  # fmt: skip
        after = (last_day + timedelta(days=1)).isoformat() + "T00:15:00Z"
        self.step("aggregate, the job of the last day", "aggregate", "--now", after)
        self.step("aggregate, the job with nothing to do", "aggregate", "--now", after)
        middle = (FIRST_DAY + timedelta(days=self.arguments.days // 2)).isoformat()
        self.step("aggregate --rebuild of one day", "aggregate", "--rebuild", "--from", middle,
                  "--to", middle)  # fmt: skip
        rebuilt = json.loads(self.step("aggregate --rebuild of all days", "aggregate", "--rebuild",
                                       "--json"))  # fmt: skip
        for count in ("republished", "changed", "added", "removed"):
            if rebuilt[count]:
                raise SystemExit(f"a rebuild changed something: {rebuilt}")
        sizes = {}
        for kind in ("csv", "jsonl", "parquet"):
            out = self.work / f"records.{kind}"
            self.step(f"export {kind}", "export", "--format", kind, "--from", first, "--to", last,
                      "--out", out)  # fmt: skip
            sizes[kind] = out.stat().st_size
            if kind == "csv":
                # No field of ours holds a line break.
                records = sum(1 for _ in out.open("rb")) - 1
            out.unlink()
        totals = json.loads(self.step("usage, by account and type", "usage", "--json"))["totals"]
        self.account, self.records_of_account = middling(totals)
        if records != rebuilt["records"]:
            raise SystemExit(f"{records} records exported, {rebuilt['records']} computed")
        self.facts = {
            "accounts": json.loads(accounts)["accepted"],
            "events": json.loads(events)["accepted"],
            "samples": json.loads(samples)["accepted"],
            "records": records,
            "inputs_mib": size_of(inputs) / 2**20,
            "lake_mib": size_of(self.work / "data") / 2**20,
            **{f"{kind}_mib": size / 2**20 for kind, size in sizes.items()},
        }
        self.serve(records, first, last)
        return self

    def step(self, name, *words):
        note(f"  {name}")
        self.steps[name] = run([self.cloudtally, *words], self.state)
        return self.steps[name].output

    def serve(self, records, first, last):
        """Starts the server, asks for pages, stops it by its id."""
        # The schedule would go on to publish the days from the simulated month to today.
        run([self.cloudtally, "settings", "enable.usage.server", "false"], self.state)
        keys = json.loads(run([self.cloudtally, "keys", "--json"], self.state).output)
        note("  serve")
        began = time.perf_counter()
        server = subprocess.Popen(
            [str(self.cloudtally), "serve", "--listen", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **self.state},
        )
        try:
            address = address_of(server, began + START_SECONDS_MAX)
            self.facts["start_ms"] = (time.perf_counter() - began) * 1e3
            self.facts["serve_idle_mib"] = peak_mib(server.pid)
            client = Client(address, keys)
            window = {"startdate": first, "enddate": last}
            pages = -(-records // PAGE_ROWS)
            rows_of_last = records - (pages - 1) * PAGE_ROWS
            self.facts["pages"] = {}
            for name, page, rows in (
                ("first", 1, min(PAGE_ROWS, records)),
                ("middle", pages // 2, PAGE_ROWS),
                ("last", pages, rows_of_last),
            ):
                self.facts["pages"][name] = [
                    client.page(window, page, rows, records)
                    for _ in range(self.arguments.requests)
                ]
            self.facts["pages"]["scattered"] = [
                # Steps that visit pages all over the month, each another one.
                client.page(window, 1 + number * (pages - 1) // (self.arguments.requests + 1),
                            PAGE_ROWS, records)
                for number in range(self.arguments.requests)
            ]  # fmt: skip
            # An account of middling size: its page is gathered from many days.
            of_one = {**window, "account": self.account}
            self.facts["pages"]["first of one account"] = [
                client.page(of_one, 1, None, self.records_of_account)
                for _ in range(self.arguments.requests)
            ]
            self.facts["serve_mib"] = peak_mib(server.pid)
        finally:
            server.send_signal(signal.SIGTERM)
            wait(server, time.perf_counter() + START_SECONDS_MAX)


def middling(totals):
    """The account with the median number of records, as its name and that number."""
    records = {}
    for line in totals:
        records[line["account"]] = records.get(line["account"], 0) + line["records"]
    by_size = sorted(records, key=lambda name: (records[name], name))
    name = by_size[len(by_size) // 2]
    return name, records[name]


def address_of(server, deadline):
    """The address that the server prints once it is bound."""
    text = b""
    while time.perf_counter() < deadline:
        ready, _, _ = select.select([server.stdout], [], [], 0.1)
        if ready:
            more = os.read(server.stdout.fileno(), 4096)
            if not more:
                break
            text += more
        for word in text.decode(errors="replace").split():
            if word.startswith("http://127.0.0.1:") and b"\n" in text:
                return urlsplit(word).netloc
    raise SystemExit(f"the server did not say where it listens; it said: {text!r}")


def peak_mib(pid):
    """The largest resident set so far, as the kernel counts it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"process {pid} has no VmHWM; this needs Linux")


class Client:
    """Signed requests over one connection that stays open."""

    def __init__(self, address, keys):
        self.connection = http.client.HTTPConnection(address, timeout=STEP_SECONDS_MAX)
        self.keys = keys

    def page(self, window, page, rows, count):
        """Milliseconds from the request to the last byte of a page, which must be whole."""
        rows = min(PAGE_ROWS, count) if rows is None else rows
        query = self.signed({"command": "listUsageRecords", "response": "json", "page": page,
                             "pagesize": PAGE_ROWS, **window})  # fmt: skip
        began = time.perf_counter()
        self.connection.request("GET", f"/client/api?{query}")
        response = self.connection.getresponse()
        body = response.read()
        elapsed_ms = (time.perf_counter() - began) * 1e3
        if response.status != 200:
            raise SystemExit(f"page {page}: status {response.status}: {body[:500]!r}")
        answer = json.loads(body)["listusagerecordsresponse"]
        if (answer["count"], len(answer["usagerecord"])) != (count, rows):
            raise SystemExit(
                f"page {page} holds {len(answer['usagerecord'])} of {answer['count']} records, "
                f"not {rows} of {count}"
            )
        return elapsed_ms

    def signed(self, parameters):
        pairs = {**parameters, "apikey": self.keys["apikey"]}
        query = "&".join(f"{name}={quote(str(pairs[name]), safe='*')}" for name in sorted(pairs))
        digest = hmac.new(self.keys["secretkey"].encode(), query.lower().encode(), hashlib.sha1)
        return f"{query}&signature={quote(base64.b64encode(digest.digest()), safe='')}"


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def show(rounds, arguments):
    facts = rounds[0].facts
    mib = "".join(f", export {kind} {facts[f'{kind}_mib']:.0f}" for kind in ("csv", "jsonl", "parquet"))
    print(f"{arguments.vms} VMs, {arguments.days} days, seed {SEED}: {facts['accounts']} accounts, "
          f"{facts['events']} events, {facts['samples']} samples, {facts['records']} records. "
          f"MiB on disk: inputs {facts['inputs_mib']:.0f}, "
          f"folder of state {facts['lake_mib']:.0f}{mib}. Runs: {len(rounds)}.\n")  # fmt: skip
    rows = []
    for name in rounds[0].steps:
        runs = [pass_.steps[name] for pass_ in rounds]
        walls = [run.wall_s for run in runs]
        rows.append([name, f"{median(walls):.2f}", spread(walls),
                     f"{median([run.cpu_s for run in runs]):.2f}",
                     f"{median([run.peak_mib for run in runs]):.0f}"])  # fmt: skip
    table(["step", "wall s, median", "wall s, range", "CPU s", "peak MiB"], rows)
    rows = []
    for name in facts["pages"]:
        latencies = [ms for pass_ in rounds for ms in pass_.facts["pages"][name]]
        firsts = [pass_.facts["pages"][name][0] for pass_ in rounds]
        rows.append([name, len(latencies), f"{median(firsts):.1f}", f"{median(latencies):.1f}",
                     f"{max(latencies):.1f}"])  # fmt: skip
    table([f"page of {PAGE_ROWS}", "requests", "first request ms", "median ms", "max ms"], rows)
    of = lambda name: f"{median([pass_.facts[name] for pass_ in rounds]):.0f}"
    print(f"The one account has {rounds[0].records_of_account} records. "
          f"serve: ready after {of('start_ms')} ms, peak memory {of('serve_idle_mib')} MiB when "
          f"ready and {of('serve_mib')} MiB after all pages.")  # fmt: skip


if __name__ == "__main__":
    main()
