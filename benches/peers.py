"""The same daily hours of running VMs, allocated VMs and volumes, by DuckDB and
by Polars: how an analyst would compute them from the event table.

Usage types 1, 2 and 6 alone. The method is the usual one: order the events of
each thing, carry its state and attributes forward with window functions, make
an interval of each event up to the next one, cut the intervals at midnight UTC,
sum by key. What it takes for granted: no event twice, none late, none missing.

    python3 peers.py duckdb|polars csv|parquet INPUT END OUTPUT

END is the first instant after the last day, such as 2026-02-01.

Columns written, in order of day, account, type, resource and the rest of the key:
usagetype, day, accountid, zoneid, resourceid, offeringid, templateid, size,
quantity (milliseconds). The template is part of the key for VMs only, the size
for volumes only; both are empty elsewhere.
"""

import sys

VM_EVENTS = ["VM.CREATE", "VM.START", "VM.STOP", "VM.DESTROY", "VM.UPGRADE", "VM.DYNAMIC.SCALE"]
# After these the VM is what they say; what they leave empty stays as it was.
VM_TEACHES = ["VM.CREATE", "VM.START", "VM.UPGRADE", "VM.DYNAMIC.SCALE"]
VOLUME_EVENTS = ["VOLUME.CREATE", "VOLUME.UPLOAD", "VOLUME.RESIZE", "VOLUME.DELETE"]
VOLUME_OPENS = ["VOLUME.CREATE", "VOLUME.UPLOAD"]
VOLUME_TEACHES = ["VOLUME.CREATE", "VOLUME.UPLOAD", "VOLUME.RESIZE"]


def by_duckdb(kind, source, end, target):
    import duckdb

    def words(names):
        return ", ".join(f"'{name}'" for name in names)

    if kind == "csv":
        types = {
            "id": "UBIGINT",
            "type": "VARCHAR",
            "created": "TIMESTAMP",
            "account_id": "UBIGINT",
            "zone_id": "BIGINT",
            "resource_id": "UBIGINT",
            "resource_name": "VARCHAR",
            "offering_id": "UBIGINT",
            "template_id": "UBIGINT",
            "size": "UBIGINT",
            "virtual_size": "UBIGINT",
            "resource_type": "VARCHAR",
            "processed": "VARCHAR",
        }
        columns = ", ".join(f"'{name}': '{of}'" for name, of in types.items())
        events = f"read_csv('{source}', header = true, columns = {{{columns}}})"
    else:
        events = f"read_parquet('{source}')"

    def carried(value, teaches):
        """The last value an event of this life of the thing has taught."""
        return (
            f"last_value(CASE WHEN type IN ({words(teaches)}) THEN {value} END IGNORE NULLS) "
            "OVER (PARTITION BY resource_id, life ORDER BY created, id)"
        )

    def switched(on, off):
        """Whether the thing is on after the event."""
        return (
            f"last_value(CASE WHEN type IN ({words(on)}) THEN true "
            f"WHEN type IN ({words(off)}) THEN false END IGNORE NULLS) "
            "OVER (PARTITION BY resource_id ORDER BY created, id)"
        )

    def lives(of, begins):
        return (
            f"SELECT *, sum((type IN ({words(begins)}))::INTEGER) "
            "OVER (PARTITION BY resource_id ORDER BY created, id) AS life "
            f"FROM events WHERE type IN ({words(of)})"
        )

    until = (
        f"coalesce(lead(created) OVER (PARTITION BY resource_id ORDER BY created, id), "
        f"TIMESTAMP '{end}')"
    )
    connection = duckdb.connect()
    # The instants are UTC, whatever the machine's zone; Parquet says so itself.
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"""
COPY (
    WITH events AS (
        SELECT id, type, created::TIMESTAMP AS created, account_id, zone_id, resource_id,
               offering_id, template_id, size
        FROM {events}
        WHERE type IN ({words(VM_EVENTS + VOLUME_EVENTS)})
    ),
    vm_lives AS ({lives(VM_EVENTS, ["VM.CREATE"])}),
    vms AS (
        SELECT resource_id, created AS start, {until} AS until,
               {switched(["VM.START"], ["VM.STOP", "VM.DESTROY"])} AS running,
               {switched(["VM.CREATE"], ["VM.DESTROY"])} AS allocated,
               {carried("account_id", VM_TEACHES)} AS account_id,
               {carried("nullif(zone_id, 0)", VM_TEACHES)} AS zone_id,
               {carried("offering_id", VM_TEACHES)} AS offering_id,
               {carried("template_id", VM_TEACHES)} AS template_id
        FROM vm_lives
    ),
    volume_lives AS ({lives(VOLUME_EVENTS, VOLUME_OPENS)}),
    volumes AS (
        SELECT resource_id, created AS start, {until} AS until,
               {switched(VOLUME_OPENS, ["VOLUME.DELETE"])} AS present,
               {carried("account_id", VOLUME_TEACHES)} AS account_id,
               {carried("nullif(zone_id, 0)", VOLUME_TEACHES)} AS zone_id,
               {carried("offering_id", VOLUME_TEACHES)} AS offering_id,
               {carried("size", VOLUME_TEACHES)} AS size
        FROM volume_lives
    ),
    intervals AS (
        SELECT 1 AS usagetype, start, until, account_id, zone_id, resource_id, offering_id,
               template_id, NULL::UBIGINT AS size FROM vms WHERE running
        UNION ALL
        SELECT 2, start, until, account_id, zone_id, resource_id, offering_id,
               template_id, NULL FROM vms WHERE allocated
        UNION ALL
        SELECT 6, start, until, account_id, zone_id, resource_id, offering_id,
               NULL, size FROM volumes WHERE present
    ),
    cut AS (
        SELECT *, unnest(generate_series(date_trunc('day', start),
                                         until - INTERVAL 1 MILLISECOND,
                                         INTERVAL 1 DAY)) AS midnight
        FROM intervals
        WHERE start < until
    )
    SELECT usagetype, midnight::DATE AS day, account_id AS accountid, zone_id AS zoneid,
           resource_id AS resourceid, offering_id AS offeringid, template_id AS templateid, size,
           sum(epoch_ms(least(until, midnight + INTERVAL 1 DAY))
               - epoch_ms(greatest(start, midnight)))::BIGINT AS quantity
    FROM cut
    GROUP BY ALL
    ORDER BY day, accountid, usagetype, resourceid, zoneid, offeringid, templateid, size
) TO '{target}' (FORMAT parquet, COMPRESSION zstd)
""")


def by_polars(kind, source, end, target):
    from datetime import datetime

    import polars as pl

    needed = [
        "id", "type", "created", "account_id", "zone_id", "resource_id", "offering_id",
        "template_id", "size",
    ]  # fmt: skip
    if kind == "csv":
        numbers = ["id", "account_id", "resource_id", "offering_id", "template_id", "size"]
        types = {name: pl.UInt64 for name in numbers}
        events = pl.scan_csv(source, schema_overrides={**types, "zone_id": pl.Int64})
        created = pl.col("created").str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="ms")
    else:
        events = pl.scan_parquet(source)
        created = pl.col("created").dt.cast_time_unit("ms").dt.replace_time_zone(None)
    kind_of_event = pl.col("type")
    zone = pl.col("zone_id").cast(pl.Int64)
    events = events.select(needed).with_columns(
        created=created, zone_id=pl.when(zone != 0).then(zone)
    )
    end = datetime.fromisoformat(end)

    def ordered(of, begins):
        """The events of things of one kind, in order, with their lives numbered."""
        same = pl.col("resource_id").shift(-1) == pl.col("resource_id")
        return (
            events.filter(kind_of_event.is_in(of))
            .sort("resource_id", "created", "id")
            .with_columns(
                # Over all things, not one: it differs wherever lives differ.
                life=kind_of_event.is_in(begins).cum_sum(),
                until=pl.when(same)
                .then(pl.col("created").shift(-1))
                .otherwise(pl.lit(end, dtype=pl.Datetime("ms"))),
            )
        )

    def carried(name, teaches):
        """The last value an event of this life of the thing has taught."""
        taught = pl.when(kind_of_event.is_in(teaches)).then(pl.col(name))
        return taught.forward_fill().over("resource_id", "life").alias(name)

    def switched(on, off, name):
        """Whether the thing is on after the event."""
        state = pl.when(kind_of_event.is_in(on)).then(True).when(kind_of_event.is_in(off)).then(False)
        return state.forward_fill().over("resource_id").alias(name)

    vms = ordered(VM_EVENTS, ["VM.CREATE"]).select(
        "resource_id",
        "created",
        "until",
        switched(["VM.START"], ["VM.STOP", "VM.DESTROY"], "running"),
        switched(["VM.CREATE"], ["VM.DESTROY"], "allocated"),
        *[carried(n, VM_TEACHES) for n in ("account_id", "zone_id", "offering_id", "template_id")],
    )
    volumes = ordered(VOLUME_EVENTS, VOLUME_OPENS).select(
        "resource_id",
        "created",
        "until",
        switched(VOLUME_OPENS, ["VOLUME.DELETE"], "present"),
        *[carried(n, VOLUME_TEACHES) for n in ("account_id", "zone_id", "offering_id", "size")],
    )

    def of_type(usage_type, things, on):
        nothing = [
            pl.lit(None, dtype=pl.UInt64).alias(name)
            for name in (["size"] if usage_type != 6 else ["template_id"])
        ]
        return things.filter(pl.col(on)).select(
            pl.lit(usage_type, dtype=pl.Int32).alias("usagetype"),
            start="created",
            until="until",
            accountid="account_id",
            zoneid="zone_id",
            resourceid="resource_id",
            offeringid="offering_id",
            templateid=nothing[0] if usage_type == 6 else pl.col("template_id"),
            size=nothing[0] if usage_type != 6 else pl.col("size"),
        )

    key = ["accountid", "zoneid", "resourceid", "offeringid", "templateid", "size"]
    midnight = pl.col("midnight")
    length = pl.min_horizontal("until", midnight.dt.offset_by("1d")) - pl.max_horizontal(
        "start", midnight
    )
    (
        pl.concat(
            [of_type(1, vms, "running"), of_type(2, vms, "allocated"), of_type(6, volumes, "present")]
        )
        .filter(pl.col("start") < pl.col("until"))
        .with_columns(
            midnight=pl.datetime_ranges(
                pl.col("start").dt.truncate("1d"),
                pl.col("until") - pl.duration(milliseconds=1),
                interval="1d",
            )
        )
        .explode("midnight")
        .with_columns(quantity=length.dt.total_milliseconds(), day=midnight.dt.date())
        .group_by("usagetype", "day", *key)
        .agg(pl.col("quantity").sum())
        .sort("day", "accountid", "usagetype", "resourceid", "zoneid", "offeringid", "templateid", "size")
        .select("usagetype", "day", *key, "quantity")
        .sink_parquet(target, compression="zstd")
    )


if __name__ == "__main__":
    if len(sys.argv) != 6 or sys.argv[1] not in ("duckdb", "polars") or sys.argv[2] not in ("csv", "parquet"):
        raise SystemExit(__doc__)
    peer = by_duckdb if sys.argv[1] == "duckdb" else by_polars
    peer(*sys.argv[2:])
