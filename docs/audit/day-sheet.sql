-- The use of each UTC day by usage type, from the events and samples of a folder alone, in
-- SQL for DuckDB: a third way to the sums of `cloudtally sheet`, for whoever wants to check a
-- bill with a tool of their own. It knows nothing of Cloudtally but the files of its lake
-- (docs/audit/README.md). Removals of accounts, which end use without an event, and
-- samples that came late, whose bytes stand in a later record, are not looked at.
--
--     set variable lake = 'cloudtally-data';
--     .read docs/audit/day-sheet.sql
with effect (type, usage_type, does) as (
    values
        ('VM.START', 1, 'open'), ('VM.STOP', 1, 'close'), ('VM.DESTROY', 1, 'close'),
        ('VM.CREATE', 2, 'open'), ('VM.DESTROY', 2, 'close'),
        ('NET.IPASSIGN', 3, 'open'), ('PORTABLE.IPASSIGN', 3, 'open'),
        ('NET.IPRELEASE', 3, 'close'), ('PORTABLE.IPRELEASE', 3, 'close'),
        ('VOLUME.CREATE', 6, 'open'), ('VOLUME.UPLOAD', 6, 'open'), ('VOLUME.DELETE', 6, 'close'),
        ('TEMPLATE.CREATE', 7, 'open'), ('TEMPLATE.COPY', 7, 'open'), ('TEMPLATE.DELETE', 7, 'close'),
        ('ISO.CREATE', 8, 'open'), ('ISO.COPY', 8, 'open'), ('ISO.DELETE', 8, 'close'),
        ('SNAPSHOT.CREATE', 9, 'open'), ('SNAPSHOT.DELETE', 9, 'close'),
        ('LB.CREATE', 11, 'open'), ('LB.DELETE', 11, 'close'),
        ('NET.RULEADD', 12, 'open'), ('NET.RULEDELETE', 12, 'close'),
        ('NETWORK.OFFERING.ASSIGN', 13, 'open'), ('NETWORK.OFFERING.CREATE', 13, 'open'),
        ('NETWORK.OFFERING.REMOVE', 13, 'close'), ('NETWORK.OFFERING.DELETE', 13, 'close'),
        ('VM.DESTROY', 13, 'close all'),
        ('VPN.USER.ADD', 14, 'open'), ('VPN.USER.REMOVE', 14, 'close')
),
-- What has a use of its own: a template or ISO in each zone (0: none), each NIC of a machine.
move as (
    select
        source, usage_type, resource_id,
        case
            when usage_type in (7, 8) then coalesce(zone_id, 0)
            when usage_type = 13 then coalesce(try_cast(trim(resource_name) as ubigint), 0)
            else 0
        end as part,
        epoch_ms(created) as ms, id, does,
        -- Open storage of nothing is no use.
        (usage_type not in (7, 8) or coalesce(size, 1) > 0)::bigint as counts
    from read_parquet(getvariable('lake') || '/events/*/*.parquet') join effect using (type)
),
part as (
    select distinct source, usage_type, resource_id, part as there from move where does = 'open'
),
-- An end without a zone is one in all, and what has no zone ends in any.
apart as (
    select source, usage_type, resource_id, part, ms, id, does, counts from move where does = 'open'
    union all
    select source, usage_type, resource_id, there, ms, id, 'close', 0
    from move join part using (source, usage_type, resource_id)
    where does = 'close all'
        or does = 'close' and (part = there or usage_type in (7, 8) and 0 in (part, there))
),
-- The state after a row is what the row says; the change is that to the state before.
step as (
    select
        source, usage_type, ms,
        (does = 'open')::bigint * counts
            - coalesce(lag((does = 'open')::bigint * counts) over (
                partition by source, usage_type, resource_id, part order by ms, id
            ), 0) as change
    from apart
),
-- Bytes: what a counter grew by, or all of it where it began again, in the day that ends at or
-- behind the reading. A reading of nothing that is not the first is a poll that failed.
reading as (
    select
        *, epoch_ms(sampled) as ms,
        row_number() over series as number
    from read_parquet(getvariable('lake') || '/samples/*/*.parquet')
    window series as (
        partition by source, account_id, zone_id, device_type, device_id, network_id, address
        order by sampled
    )
),
counted as (
    select
        source, ms,
        lag(bytes_sent) over series as sent_before, bytes_sent as sent,
        lag(bytes_received) over series as received_before, bytes_received as received,
        restarted
    from reading
    where number = 1 or bytes_sent > 0 or bytes_received > 0 or coalesce(restarted, false)
    window series as (
        partition by source, account_id, zone_id, device_type, device_id, network_id, address
        order by sampled
    )
),
grown as (
    select
        source, (ms - 1) // 86400000 as day,
        -- The counter restarted, for both directions, where either is less than it was.
        coalesce(restarted, false) as anew,
        sent, sent_before, received, received_before
    from counted where sent_before is not null
),
bounds as (select min(ms) // 86400000 as first, max(ms) // 86400000 as last from step),
day as (select unnest(range(first, last + 1)) as day from bounds),
used as (
    select day, source, usage_type,
        sum(change * ((day + 1) * 86400000 - greatest(ms, day * 86400000))) as quantity
    from step join day on ms < (day + 1) * 86400000
    group by all
    union all
    select day, source, 4, sum(case when anew or sent < sent_before then sent else sent - sent_before end)
    from grown group by all
    union all
    select day, source, 5,
        sum(case when anew or received < received_before then received else received - received_before end)
    from grown group by all
)
select strftime(make_timestamp(day * 86400000000), '%Y-%m-%d') as day, source, usage_type,
    quantity::hugeint as quantity
from used where quantity <> 0 order by day, source, usage_type;
