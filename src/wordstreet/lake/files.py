"""Rows as Parquet files that are on disk and belong to no table yet."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wordstreet.lake.storage import Storage
from wordstreet.lake.tables import PARTITION, Stream

__all__ = ["Positions", "Written", "above", "write"]

Positions = Mapping[str, Mapping[Stream, int]]
"""For each table and stream the next offset that the table needs."""

_PLAIN: Final = ("text", "raw", "links", "post_id", "author_id", "duplicate_group")
"""Columns whose values hardly repeat: a dictionary would only cost time."""


@dataclass(frozen=True, slots=True)
class Written:
    """
    One file of rows of one table, written and waiting to be committed.

    path:       within the table
    month:      the partition it lies in
    statistics: as Delta wants them, JSON
    """

    table: str
    path: str
    size: int
    month: str
    rows: int
    statistics: str


def above(rows: pa.Table, name: str, done: Positions) -> pa.Table:
    """Return the rows that table `name` has not committed yet."""
    lowest = pc.min(rows["offset"]).as_py() or 0
    for stream, position in done[name].items():
        if position <= lowest:  # nothing of it has landed, which is how it usually is
            continue
        landed = pc.less(rows["offset"], position)
        rows = rows.filter(pc.invert(pc.and_(_of(stream, rows), landed)))
    return rows


def write(
    storage: Storage,
    name: str,
    rows: pa.Table,
    ranges: Mapping[Stream, tuple[int, int]],
    writer: str,
) -> list[Written]:
    """
    Write the rows of table `name`, one file for each stream and month, and return the files.

    `ranges` says for each stream which offsets [start, end) the rows come from; `writer` is eight
    hexadecimal digits that nobody else uses, so that no file of another is ever overwritten.
    """
    return [
        _write(storage, name, f"{stream.prefix}{start:020d}-{end:020d}+{writer}", month, part)
        for stream, (start, end) in ranges.items()
        for month, part in by_month(rows.filter(_of(stream, rows)))
    ]


def _write(storage: Storage, name: str, stem: str, month: str, rows: pa.Table) -> Written:
    path = f"{PARTITION}={month}/{stem}.append.parquet"
    data = encode(rows.sort_by("observed_at"))
    storage.write(f"{name}/{path}", data)
    return Written(name, path, data.size, month, len(rows), statistics(rows))


def _of(stream: Stream, rows: pa.Table) -> pa.ChunkedArray:
    """Mark the rows of a stream."""
    log = pc.and_(pc.equal(rows["log_id"], stream.log_id), pc.equal(rows["topic"], stream.topic))
    return pc.and_(log, pc.equal(rows["partition"], stream.partition))


def by_month(rows: pa.Table) -> list[tuple[str, pa.Table]]:
    """Split rows by the UTC month (YYYY-MM) of `observed_at`, oldest first."""
    span = pc.min_max(rows["observed_at"])
    first, last = (pc.strftime(span[end], "%Y-%m").as_py() for end in ("min", "max"))
    if first is not None and first == last:
        return [(first, rows)]
    months = pc.strftime(rows["observed_at"], "%Y-%m")
    return [
        (month, rows.filter(pc.equal(months, month)))
        for month in sorted(pc.unique(months).to_pylist())
    ]


def encode(rows: pa.Table) -> pa.Buffer:
    """Return the rows as one Parquet file."""
    sink = pa.BufferOutputStream()
    repeating = [n for n in rows.schema.names if n not in _PLAIN]
    pq.write_table(
        rows,
        sink,
        compression="zstd",
        compression_level=1,
        use_dictionary=repeating,
        write_statistics=["observed_at", "offset"],
    )
    return sink.getvalue()


def statistics(rows: pa.Table) -> str:
    """Return Delta's statistics of a file; never of a column that holds people's words."""
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    for column in ("observed_at", "offset"):
        span = pc.min_max(rows[column]).as_py()
        low[column], high[column] = map(_plain, (span["min"], span["max"]))
    nulls = {column: rows[column].null_count for column in low}
    return json.dumps(
        {"numRecords": len(rows), "minValues": low, "maxValues": high, "nullCount": nulls}
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return value
