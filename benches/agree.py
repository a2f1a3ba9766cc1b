"""Whether all have exactly the same records of usage types 1, 2 and 6.

    python3 agree.py OUR_EXPORT PEER_RECORDS...

Prints the number of records in each file and of those compared; ends with an
error that shows some of the differing records if there are any.
"""

import json
import sys

import duckdb

# Our export in the columns of `peers.py`.
OURS = """
SELECT usagetype::INTEGER AS usagetype, startdate::TIMESTAMP::DATE AS day, accountid,
       zoneid::BIGINT AS zoneid, usageid AS resourceid, offeringid,
       CASE WHEN usagetype <> 6 THEN templateid END AS templateid, size,
       quantity::BIGINT AS quantity
FROM read_parquet('{path}') WHERE usagetype IN (1, 2, 6)
"""
THEIRS = """
SELECT usagetype::INTEGER AS usagetype, day, accountid, zoneid::BIGINT AS zoneid, resourceid,
       offeringid, templateid, size, quantity::BIGINT AS quantity
FROM read_parquet('{path}')
"""


def main(ours, *others):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("CREATE TABLE ours AS " + OURS.format(path=ours))
    count, total = connection.execute("SELECT count(*), sum(quantity) FROM ours").fetchone()
    if not count:
        raise SystemExit(f"`{ours}` holds no records of types 1, 2 and 6")
    for path in others:
        connection.execute("CREATE OR REPLACE TABLE theirs AS " + THEIRS.format(path=path))
        for one, other in (("ours", "theirs"), ("theirs", "ours")):
            differing = f"SELECT * FROM {one} EXCEPT ALL SELECT * FROM {other}"
            number = connection.execute(f"SELECT count(*) FROM ({differing})").fetchone()[0]
            if number:
                print(connection.execute(f"{differing} ORDER BY ALL LIMIT 5").fetchall())
                raise SystemExit(f"{number} records stand only in {one}, against `{path}`")
    in_file = "SELECT count(*) FROM read_parquet('{path}')"
    records = [
        connection.execute(in_file.format(path=path)).fetchone()[0] for path in (ours, *others)
    ]
    print(json.dumps({"records": records, "compared": count, "milliseconds": int(total)}))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
