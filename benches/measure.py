"""What both scripts need: run a process and say how long it took and how much
memory it had at its peak, and print figures.

Standard library only.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

# No single step may take longer than this; a step that does is stuck.
STEP_SECONDS_MAX = 1800


@dataclass(frozen=True)
class Run:
    """One process from start to exit."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    output: str


def run(command, environment=None):
    """Runs `command` to its end; anything but exit status 0 is an error.

    `wait4` gives the resources of this child alone, so the peak is its own and
    not that of the largest child so far. But a child starts from what its parent
    holds, so no peak is below that of this interpreter, some 22 MiB.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        child = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env={**os.environ, **(environment or {})},
        )
        status, usage = wait(child, began + STEP_SECONDS_MAX)
        wall_s = time.perf_counter() - began
        texts = []
        for stream in (output, errors):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
    if status != 0:
        words = " ".join(str(word) for word in command)
        raise SystemExit(f"`{words}` ended with status {status}:\n{texts[0]}{texts[1]}")
    return Run(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, texts[0])


def wait(child, deadline):
    """The exit status and resources of a child, which is killed at the deadline."""
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid == child.pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return child.returncode, usage
        if time.perf_counter() > deadline:
            child.kill()
            deadline = float("inf")
        time.sleep(0.002)


def binary(argument):
    """The `cloudtally` to measure, refused if it is not there."""
    path = Path(argument)
    if not path.is_file():
        raise SystemExit(
            f"there is no `{path}`; build it with `cargo build --release` "
            "or name it with `--binary`"
        )
    return path.resolve()


def median(values):
    return statistics.median(values)


def spread(values):
    """Smallest to largest, for people."""
    return f"{min(values):.2f}-{max(values):.2f}"


def table(header, rows):
    """A Markdown table on standard output."""
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def note(text):
    """Progress, away from the figures."""
    print(text, file=sys.stderr, flush=True)
