#!/usr/bin/env python3
"""Works out the usage records that the dump in this folder must give.

Written straight from the usage rules, in the plainest way, with the standard
library alone; it shares nothing with the product, so that the two check each
other. It is slow and has no options beyond what this folder needs:

    python3 expected.py            writes expected_*.csv beside itself
    python3 expected.py --check    says whether they are what it would write

Every day is computed as if the job had run on time (a back-fill), so traffic is
never folded into a later day. Days are those from the first event to LAST_DAY, cut
at the first instant of each local date.
"""

import csv
import datetime as dt
import io
import pathlib
import sys

try:
    import zoneinfo
except ImportError:
    sys.exit("expected.py needs the module `zoneinfo`: use Python 3.9 or later")

HERE = pathlib.Path(__file__).resolve().parent
ZONES = ["UTC", "America/New_York"]
LAST_DAY = dt.date(2026, 3, 9)
HOUR_MS = 3_600_000

COLUMNS = (
    "startdate enddate usagetype account accountid zoneid usage rawusage quantity unit usageid "
    "virtualmachineid offeringid templateid size networkid nicid description"
).split()


# --- Reading, with everything that is set aside ---------------------------------


class Bad(Exception):
    """A row that cannot be read."""


def optional(row, column):
    value = row.get(column)
    return None if value in (None, "", "NULL", r"\N") else value


def required(row, column):
    value = optional(row, column)
    if value is None:
        raise Bad(f"no {column}")
    return value


def unsigned(text):
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) >= 2**64:
        raise Bad(f"`{text}` is not a number")
    return int(text)


def instant(text):
    """Milliseconds since 1970 of `2026-01-31 23:59:59`, in UTC."""
    try:
        moment = dt.datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
    except ValueError:
        raise Bad(f"`{text}` is not an instant") from None
    if moment.year < 1970:
        raise Bad(f"`{text}` lies before 1970")
    return round(moment.replace(tzinfo=dt.timezone.utc).timestamp()) * 1000


def read_event(row):
    zone = required(row, "zone_id")
    try:
        zone = int(zone)
    except ValueError:
        raise Bad(f"`{zone}` is not a zone") from None
    return unsigned(required(row, "id")), {
        "type": required(row, "type"),
        "created": instant(required(row, "created")),
        "account": unsigned(required(row, "account_id")),
        "zone": max(zone, 0),  # 0 and -1 are both "no zone"
        "resource": unsigned(required(row, "resource_id")),
        "name": optional(row, "resource_name"),
        "offering": unsigned(optional(row, "offering_id")),
        "template": unsigned(optional(row, "template_id")),
        "size": unsigned(optional(row, "size")),
        "virtual_size": unsigned(optional(row, "virtual_size")),
        "resource_type": optional(row, "resource_type"),
    }


def read_sample(row):
    series = (
        unsigned(required(row, "account_id")),
        max(int(required(row, "zone_id")), 0),
        optional(row, "device_type") or "",
        unsigned(required(row, "device_id")),
        unsigned(optional(row, "network_id")) or 0,
        optional(row, "address") or "",
    )
    identity = (instant(required(row, "sampled")), series)
    counters = [unsigned(required(row, c)) for c in ("bytes_sent", "bytes_received")]
    return identity, counters


def read_account(row):
    removed = optional(row, "removed")
    account = {"name": required(row, "account_name"), "removed": removed and instant(removed)}
    return unsigned(required(row, "id")), account


def take_in(name, read):
    """Rows by identity, and how many were read, accepted, duplicate, quarantined."""
    rows, counts = {}, dict.fromkeys(["read", "accepted", "duplicate", "quarantined"], 0)
    with open(HERE / name, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            counts["read"] += 1
            try:
                identity, content = read(row)
            except Bad:
                counts["quarantined"] += 1
                continue
            if identity not in rows:
                rows[identity] = content
                counts["accepted"] += 1
            elif rows[identity] == content:
                counts["duplicate"] += 1
            else:
                counts["quarantined"] += 1
    return rows, counts


# --- Events to stretches ---------------------------------------------------------

# What opens and closes the types of one event in, one event out.
SIMPLE = {
    "NET.IPASSIGN": (3, "open"),
    "PORTABLE.IPASSIGN": (3, "open"),
    "NET.IPRELEASE": (3, "close"),
    "PORTABLE.IPRELEASE": (3, "close"),
    "VOLUME.CREATE": (6, "open"),
    "VOLUME.UPLOAD": (6, "open"),
    "VOLUME.DELETE": (6, "close"),
    "SNAPSHOT.CREATE": (9, "open"),
    "SNAPSHOT.DELETE": (9, "close"),
    "LB.CREATE": (11, "open"),
    "LB.DELETE": (11, "close"),
    "NET.RULEADD": (12, "open"),
    "NET.RULEDELETE": (12, "close"),
    "VPN.USER.ADD": (14, "open"),
    "VPN.USER.REMOVE": (14, "close"),
}
STORED = {
    "TEMPLATE.CREATE": (7, "open"),
    "TEMPLATE.COPY": (7, "open"),
    "TEMPLATE.DELETE": (7, "close"),
    "ISO.CREATE": (8, "open"),
    "ISO.COPY": (8, "open"),
    "ISO.DELETE": (8, "close"),
}
ASSIGNED = ("NETWORK.OFFERING.ASSIGN", "NETWORK.OFFERING.CREATE")
UNASSIGNED = ("NETWORK.OFFERING.REMOVE", "NETWORK.OFFERING.DELETE")


class Meter:
    def __init__(self, accounts):
        self.accounts = accounts
        self.open = {}  # (usage type, resource, NIC or zone) -> [since, attributes]
        self.known = {}  # last known attributes of VMs and volumes
        self.stretches = []  # (usage type, resource, nic, since, until, attributes)

    def begin(self, part, event):
        self.end(part, event["created"])
        self.open[part] = [event["created"], event]

    def end(self, part, at):
        if part not in self.open:
            return
        since, event = self.open.pop(part)
        account = self.accounts.get(event["account"])
        removed = account and account["removed"]
        # Open usage ends with its account; `None` is still open.
        until = min((moment for moment in (at, removed) if moment is not None), default=None)
        nic = part[2] if part[0] == 13 else 0
        self.stretches.append((part[0], part[1], nic, since, until, event))

    def fill(self, what, event):
        """The event with what it leaves empty as last known."""
        known = self.known.setdefault((what, event["resource"]), {})
        for field in ("name", "offering", "template", "size", "resource_type"):
            if event[field] is not None:
                known[field] = event[field]
        return event | known

    def apply(self, event):
        kind, resource, at = event["type"], event["resource"], event["created"]
        running, allocated = (1, resource, 0), (2, resource, 0)
        if kind == "VM.CREATE":
            self.known.pop(("vm", resource), None)
            self.fill("vm", event)
            self.begin(allocated, event)
        elif kind in ("VM.START", "VM.UPGRADE", "VM.DYNAMIC.SCALE"):
            filled = self.fill("vm", event)
            if kind == "VM.START" or running in self.open:
                self.begin(running, filled)
            if allocated in self.open:
                # A change splits; without one, cutting the stretch changes no sum.
                self.begin(allocated, filled)
        elif kind == "VM.STOP":
            self.end(running, at)
        elif kind == "VM.DESTROY":
            for part in list(self.open):
                if part[:2] in ((1, resource), (2, resource), (13, resource)):
                    self.end(part, at)
        elif kind in ASSIGNED:
            self.begin((13, resource, int(event["name"])), event)
        elif kind in UNASSIGNED:
            self.end((13, resource, int(event["name"])), at)
        elif kind == "VOLUME.RESIZE":
            filled = self.fill("volume", event)
            if (6, resource, 0) in self.open:
                self.begin((6, resource, 0), filled)
        elif kind in SIMPLE:
            usage_type, what = SIMPLE[kind]
            if what == "close":
                self.end((usage_type, resource, 0), at)
                return
            if usage_type == 6:
                self.known.pop(("volume", resource), None)
                self.fill("volume", event)
            self.begin((usage_type, resource, 0), event)
        elif kind in STORED:
            usage_type, what = STORED[kind]
            zone = event["zone"]
            if what == "open":
                self.begin((usage_type, resource, zone), event)
                return
            # Of no zone: everywhere. Of a zone: there, and the region-wide copy.
            for part in list(self.open):
                if part[:2] == (usage_type, resource) and (zone == 0 or part[2] in (zone, 0)):
                    self.end(part, at)

    def finish(self):
        for part in list(self.open):
            self.end(part, None)
        return self.stretches


# --- Stretches and samples to records ---------------------------------------------


def days(zone, first_instant):
    """(start, end, first second shown, last second shown) of each local day."""
    date = dt.datetime.fromtimestamp(first_instant / 1000, zone).date()
    while date <= LAST_DAY:
        start = dt.datetime(date.year, date.month, date.day, tzinfo=zone)
        date += dt.timedelta(days=1)
        end = dt.datetime(date.year, date.month, date.day, tzinfo=zone)
        last = dt.datetime.fromtimestamp(end.timestamp() - 1, zone)
        layout = "%Y-%m-%dT%H:%M:%S%z"
        yield (
            round(start.timestamp()) * 1000,
            round(end.timestamp()) * 1000,
            start.strftime(layout),
            last.strftime(layout),
        )


def hours(millis):
    """Hours rounded half-even to six decimals, trailing zeros trimmed."""
    millionths, rest = divmod(millis * 1_000_000, HOUR_MS)
    if rest * 2 > HOUR_MS or (rest * 2 == HOUR_MS and millionths % 2 == 1):
        millionths += 1
    whole, fraction = divmod(millionths, 1_000_000)
    return f"{whole}.{fraction:06}".rstrip("0").rstrip(".")


def describe(record):
    kind, resource = record["usagetype"], record["resource"]
    label = record["name"] or str(resource)
    if kind in (1, 2):
        text = f"{label} {'running time' if kind == 1 else 'allocated'}"
        if record["offering"] is not None:
            text += f" (ServiceOffering: {record['offering']})"
        if record["template"] is not None:
            text += f" (Template: {record['template']})"
        return text
    if kind == 3:
        return f"IPAddress: {label}"
    if kind in (4, 5):
        text = f"network bytes {'sent' if kind == 4 else 'received'}"
        return text + (f" for Host: {resource}" if resource else "")
    if kind == 6:
        text = f"Volume Id: {resource} usage time"
        if record["template"] is not None:
            return f"{text} (Template: {record['template']})"
        if record["offering"] is not None:
            return f"{text} (DiskOffering: {record['offering']})"
        return text
    if kind in (7, 8, 9):
        what = {7: "Template", 8: "ISO", 9: "Snapshot"}[kind]
        virtual = (record["virtual_size"] or 0) if kind != 9 else 0
        return f"{what} Id:{resource} Size:{record['size'] or 0}VirtualSize:{virtual}"
    if kind == 11:
        return f"Load Balancing Policy: {resource} usage time"
    if kind == 12:
        return f"Port Forwarding Rule: {resource} usage time"
    if kind == 13:
        return f"Network offering:{record['offering']} for Vm : {resource} usage time"
    return f"VPN User: {record['name']}, Id: {resource} usage time"


def lifecycle_records(stretches, start, end):
    sums = {}
    for usage_type, resource, nic, since, until, event in sorted(stretches, key=lambda s: s[3]):
        since, until = max(since, start), end if until is None else min(until, end)
        if since >= until:
            continue
        has_offering = usage_type in (1, 2, 6, 13)
        key = (
            event["account"],
            usage_type,
            resource,
            event["zone"],
            nic,
            event["offering"] if has_offering else None,
            event["template"] if usage_type in (1, 2) else None,
            event["size"] if usage_type in (6, 7, 8, 9) else None,
        )
        is_nothing = usage_type in (7, 8) and event["size"] == 0
        amount = 0 if is_nothing else until - since
        # Fields outside the key are those of the last stretch of the day.
        sums[key] = (sums.get(key, (0,))[0] + amount, event)
    for key, (quantity, event) in sums.items():
        account, usage_type, resource, zone, nic, offering, template, size = key
        yield {
            "account": account,
            "usagetype": usage_type,
            "resource": resource,
            "zone": zone,
            "nic": nic,
            "offering": offering,
            "template": event["template"] if usage_type in (1, 2, 6, 7) else None,
            "size": size,
            "network": 0,
            "device_type": "",
            "name": event["name"],
            "virtual_size": event["virtual_size"],
            "quantity": quantity,
        }


def traffic_records(samples, start, end):
    sums, last = {}, {}
    for (sampled, series), counters in sorted(samples.items()):
        before = last.get(series)
        last[series] = counters
        # A sample on a boundary belongs to the day that ends there.
        if before is None or not start < sampled <= end:
            continue
        growth = [now if now < then else now - then for now, then in zip(counters, before)]
        key = series[:5]  # addresses of one device add up
        sums[key] = [a + b for a, b in zip(sums.get(key, [0, 0]), growth)]
    for (account, zone, device_type, device, network), both in sums.items():
        if both == [0, 0]:
            continue
        for usage_type, quantity in zip((4, 5), both):
            yield {
                "account": account,
                "usagetype": usage_type,
                "resource": device,
                "zone": zone,
                "nic": 0,
                "offering": None,
                "template": None,
                "size": None,
                "network": network,
                "device_type": device_type,
                "name": None,
                "virtual_size": None,
                "quantity": quantity,
            }


def order(record):
    """Account, usage type, resource, then the rest of the key; absent values first."""
    absent_first = lambda value: (value is not None, value or 0)
    return (
        record["account"],
        record["usagetype"],
        record["resource"],
        record["zone"],
        record["nic"],
        absent_first(record["offering"]),
        absent_first(record["template"]),
        absent_first(record["size"]),
        record["network"],
        record["device_type"],
    )


def line(record, accounts, first, last):
    kind, quantity = record["usagetype"], record["quantity"]
    is_bytes = kind in (4, 5)
    raw = str(quantity) if is_bytes else hours(quantity)
    unit = {4: "bytes sent", 5: "bytes received"}.get(kind, "Hrs")
    usage_id = record["offering"] if kind == 13 else record["resource"]
    if is_bytes and record["resource"] == 0:
        usage_id = None
    account = accounts.get(record["account"])
    values = {
        "startdate": first,
        "enddate": last,
        "usagetype": kind,
        "account": account["name"] if account else record["account"],
        "accountid": record["account"],
        "zoneid": record["zone"] or None,
        "usage": f"{raw} {unit}",
        "rawusage": raw,
        "quantity": quantity,
        "unit": "bytes" if is_bytes else "ms",
        "usageid": usage_id,
        "virtualmachineid": record["resource"] if kind in (1, 2, 13) else None,
        "offeringid": record["offering"],
        "templateid": record["template"],
        "size": record["size"],
        "networkid": record["network"] or None,
        "nicid": record["nic"] if kind == 13 else None,
        "description": describe(record),
    }
    return ["" if values[column] is None else values[column] for column in COLUMNS]


def as_csv(rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def main():
    events, event_counts = take_in("usage_event.csv", read_event)
    samples, sample_counts = take_in("network_sample.csv", read_sample)
    accounts, account_counts = take_in("account.csv", read_account)

    files = {}
    counts = {"events": event_counts, "samples": sample_counts, "accounts": account_counts}
    header = ["stream", *event_counts]
    files["expected_ingest.csv"] = as_csv(
        [header] + [[stream, *numbers.values()] for stream, numbers in counts.items()]
    )

    meter = Meter(accounts)
    for _, event in sorted(events.items(), key=lambda item: (item[1]["created"], item[0])):
        meter.apply(event)
    stretches = meter.finish()
    first = min(event["created"] for event in events.values())
    for name in ZONES:
        try:
            zone = zoneinfo.ZoneInfo(name)
        except zoneinfo.ZoneInfoNotFoundError:
            sys.exit(
                f"expected.py finds no rules for the time zone {name}: install the system's "
                "time zone database, or `pip install tzdata`"
            )
        rows = [COLUMNS]
        for start, end, shown_first, shown_last in days(zone, first):
            records = [*lifecycle_records(stretches, start, end)]
            records += traffic_records(samples, start, end)
            records.sort(key=order)
            rows += [line(record, accounts, shown_first, shown_last) for record in records]
        files[f"expected_{name.replace('/', '_')}.csv"] = as_csv(rows)

    stale = []
    for name, text in files.items():
        path = HERE / name
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        sys.exit(f"not what expected.py writes: {', '.join(stale)}")


if __name__ == "__main__":
    main()
