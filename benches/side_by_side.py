"""Cloudtally beside DuckDB and Polars: the same events, the same hours.

    pip install -r requirements.txt
    cargo build --release
    python3 side_by_side.py

makes one history with `cloudtally simulate`, then times in turns (A B C A B C):

1. from the CSV dump to a Parquet file of records: our ingest, aggregate and
   export, and what `peers.py` does with DuckDB and with Polars;
2. the computation over Parquet: our `aggregate --rebuild` over the lake, and the
   peers over `usage_events.parquet`.

Every run is a process of its own, so starting up counts and peak memory is its own.

It fails unless all three have exactly the same records of usage types 1, 2 and 6:
same day, account, zone, resource, offering, template or size, and the same
milliseconds. That makes it a check of the bill by two foreign engines, too.
"""

import argparse
import json
import shutil
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

from measure import binary, median, note, run, spread, table

HERE = Path(__file__).resolve().parent
FIRST_DAY = date(2026, 1, 1)
SEED = 1
PEERS = ("duckdb", "polars")
NAMES = {"cloudtally": "Cloudtally", "duckdb": "DuckDB", "polars": "Polars"}

def main():
    arguments = parse()
    cloudtally = binary(arguments.binary)
    for peer in PEERS:
        # One that is missing should be told before anything is timed.
        run([sys.executable, "-c", f"import {peer}"])
    work = Path(tempfile.mkdtemp(prefix="cloudtally-side-by-side-", dir=arguments.work))
    try:
        side_by_side(cloudtally, arguments, work)
    finally:
        shutil.rmtree(work)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--vms", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--runs", type=int, default=5, help="rounds; medians are shown")
    parser.add_argument("--binary", default=HERE.parent / "target/release/cloudtally")
    parser.add_argument("--work", help="where the temporary folder goes (default: TMPDIR)")
    return parser.parse_args()


def side_by_side(cloudtally, arguments, work):
    end = FIRST_DAY + timedelta(days=arguments.days)
    inputs = {}
    for kind in ("csv", "parquet"):
        note(f"simulating {arguments.vms} VMs for {arguments.days} days as {kind}")
        run([cloudtally, "simulate", "--vms", arguments.vms, "--days", arguments.days,
             "--seed", SEED, "--start", FIRST_DAY, "--format", kind, "--out", work / kind])  # fmt: skip
        inputs[kind] = work / kind / f"usage_events.{kind}"
    rows = sum(1 for _ in inputs["csv"].open("rb")) - 1
    print(f"{arguments.vms} VMs, {arguments.days} days, seed {SEED}: {rows} events, "
          f"{inputs['csv'].stat().st_size / 2**20:.0f} MiB of CSV, "
          f"{inputs['parquet'].stat().st_size / 2**20:.0f} MiB of Parquet; "
          f"medians of {arguments.runs} runs in turns\n")  # fmt: skip

    window = ["--from", FIRST_DAY, "--to", end - timedelta(days=1)]
    result = {name: work / f"{name}.parquet" for name in NAMES}
    data = work / "data"

    def ours():
        """From the dump to the file of records, in a new folder."""
        shutil.rmtree(data, ignore_errors=True)
        state = {"CLOUDTALLY_DATA": str(data)}
        return [
            run([cloudtally, "ingest", "events", inputs["csv"]], state),
            run([cloudtally, "aggregate", *window], state),
            run([cloudtally, "export", "--format", "parquet", *window,
                 "--out", result["cloudtally"]], state),
        ]  # fmt: skip

    def rebuild():
        return [run([cloudtally, "aggregate", "--rebuild"], {"CLOUDTALLY_DATA": str(data)})]

    def theirs(peer, kind):
        return lambda: [run([sys.executable, HERE / "peers.py", peer, kind, inputs[kind],
                             end, result[peer]])]  # fmt: skip

    print("From the CSV dump to a Parquet file of records:\n")
    measured = in_turns(
        {"cloudtally": ours, **{peer: theirs(peer, "csv") for peer in PEERS}}, arguments.runs
    )
    show(measured, agree(result))
    parts = zip(("ingest", "aggregate", "export"), zip(*measured["cloudtally"]))
    table(
        ["of Cloudtally's", "wall s, median", "wall s, range", "CPU s", "peak MiB"],
        [[name, *figures([[run] for run in runs])] for name, runs in parts],
    )

    print("The computation alone, over Parquet:\n")
    measured = in_turns(
        {"cloudtally": rebuild, **{peer: theirs(peer, "parquet") for peer in PEERS}},
        arguments.runs,
    )
    show(measured, agree(result))


def in_turns(contenders, rounds):
    """One run of each, then the next round; the first round warms up and is dropped."""
    measured = {name: [] for name in contenders}
    for number in range(rounds + 1):
        note(f"round {number} of {rounds}" + (", not counted" if number == 0 else ""))
        for name, step in contenders.items():
            runs = step()
            if number > 0:
                measured[name].append(runs)
    return measured


def figures(rounds):
    walls = [sum(run.wall_s for run in runs) for runs in rounds]
    cpus = [sum(run.cpu_s for run in runs) for runs in rounds]
    peaks = [max(run.peak_mib for run in runs) for runs in rounds]
    return [f"{median(walls):.2f}", spread(walls), f"{median(cpus):.2f}", f"{median(peaks):.0f}"]


def show(measured, records):
    base = median([sum(run.wall_s for run in runs) for runs in measured["cloudtally"]])
    rows = []
    for name, rounds in measured.items():
        wall_s = median([sum(run.wall_s for run in runs) for runs in rounds])
        rows.append([NAMES[name], *figures(rounds), f"{wall_s / base:.2f}", records[name],
                     f"{records[name] / wall_s / 1e6:.2f}"])  # fmt: skip
    table(
        ["", "wall s, median", "wall s, range", "CPU s", "peak MiB", "time / ours", "records",
         "million records a second"],
        rows,
    )  # fmt: skip


def agree(result):
    """How many records each has; ends the script unless all agree."""
    # In a process of its own: a child's peak memory starts from what this one
    # holds when it makes the child, so this one must stay small.
    checked = run([sys.executable, HERE / "agree.py", *(result[name] for name in NAMES)])
    counts = json.loads(checked.output)
    print(f"All agree on {counts['compared']} records of types 1, 2 and 6, "
          f"{counts['milliseconds']} ms in all.\n")  # fmt: skip
    return dict(zip(NAMES, counts["records"]))


if __name__ == "__main__":
    main()
