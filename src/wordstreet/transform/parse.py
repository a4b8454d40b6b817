"""From raw log records to posts, rejects, deletions and gaps: each record becomes exactly one row."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from wordstreet.schema import DELETIONS, GAPS, POSTS, REJECTS, TIME
from wordstreet.transform import x
from wordstreet.transform.wire import (
    Deletion,
    Gap,
    InexactError,
    Post,
    RejectedError,
    load,
    load_exactly,
    moment,
)

__all__ = ["parse"]

Row = tuple[Any, ...]
Reader = Callable[[dict[str, Any]], Row]


def parse(records: pa.RecordBatch, now: datetime) -> dict[str, pa.Table]:
    """
    Return the tables posts, rejects, deletions and gaps of a batch in the shape of `RECORDS`.

    No payload raises: what cannot be read becomes a reject with its reason and its raw bytes.
    """
    found: dict[str, list[Row]] = {"posts": [], "rejects": [], "deletions": [], "gaps": []}
    places: dict[str, list[int]] = {name: [] for name in found}
    headers = (records.column(name).to_pylist() for name in ("event", "schema", "value"))
    for place, (event, schema, value) in enumerate(zip(*headers, strict=True)):
        try:
            table, reader = _reader(event, schema)
            row = _read(reader, value)
        except RejectedError as error:
            table, row = "rejects", (str(error),)
        found[table].append(row)
        places[table].append(place)
    return {
        name: _BUILDERS[name](records.take(pa.array(places[name], pa.int64())), found[name], now)
        for name in found
    }


def _read_gap(tree: dict[str, Any]) -> Gap:
    """Read a gap as a source notes it: from, to, lost, reason; each may be null."""
    times = [tree.get("from"), tree.get("to")]
    from_at, to_at = (None if time is None else moment(time) for time in times)
    lost, reason = tree.get("lost"), tree.get("reason")
    known = [time for time in (from_at, to_at) if time is not None]
    if (
        len(known) != 2 - times.count(None)
        or not (lost is None or (type(lost) is int and 0 <= lost < 2**63))
        or not (reason is None or isinstance(reason, str))
    ):
        message = "a gap whose from, to, lost or reason cannot be read"
        raise RejectedError(message)
    return Gap(from_at, to_at, lost, reason)


_READERS: Final[dict[tuple[str, str], tuple[str, Reader]]] = {
    ("post", "x.v1"): ("posts", x.read_v1),
    ("post", "x.v2"): ("posts", x.read_v2),
    ("delete", "x.v1"): ("deletions", x.read_delete),
    ("delete", "x.v2"): ("deletions", x.read_delete),
    ("account", "x.v1"): ("deletions", x.read_account),
    ("account", "x.v2"): ("deletions", x.read_account),
}
_EVENTS: Final = ("post", "delete", "account", "gap")


def _reader(event: str | None, schema: str | None) -> tuple[str, Reader]:
    """Return the table a record belongs to and the function that reads it."""
    if schema == "oversize":
        reason = "record longer than the limit; its beginning is kept"
    elif event == "gap":
        return "gaps", _read_gap
    elif event is not None and schema is not None and (event, schema) in _READERS:
        return _READERS[event, schema]
    elif event in _EVENTS:
        reason = f"unknown wire format {schema}"
    else:
        reason = f"unknown event {event}"
    raise RejectedError(reason)


def _read(reader: Reader, value: bytes | None) -> Row:
    try:
        return reader(load(value))
    except InexactError:
        return reader(load_exactly(value or b""))


def _posts(records: pa.RecordBatch, rows: Sequence[Row], now: datetime) -> pa.Table:
    columns = _columns(POSTS, Post._fields, rows)
    words = [len(row[Post._fields.index("text")].split()) for row in rows]
    columns |= {"word_count": pa.array(words, pa.int32()), "raw": records.column("value")}
    return _table(POSTS, records, columns, now)


def _rejects(records: pa.RecordBatch, rows: Sequence[Row], now: datetime) -> pa.Table:
    columns = _columns(REJECTS, ("reason",), rows) | {"raw": records.column("value")}
    return _table(REJECTS, records, columns, now)


def _deletions(records: pa.RecordBatch, rows: Sequence[Row], now: datetime) -> pa.Table:
    columns = _columns(DELETIONS, Deletion._fields, rows)
    columns["deleted_at"] = pc.coalesce(columns["deleted_at"], records.column("observed_at"))
    return _table(DELETIONS, records, columns, now)


def _gaps(records: pa.RecordBatch, rows: Sequence[Row], now: datetime) -> pa.Table:
    return _table(GAPS, records, _columns(GAPS, Gap._fields, rows), now)


_BUILDERS: Final = {
    "posts": _posts,
    "rejects": _rejects,
    "deletions": _deletions,
    "gaps": _gaps,
}


def _columns(schema: pa.Schema, names: Sequence[str], rows: Sequence[Row]) -> dict[str, pa.Array]:
    """Turn rows into one array for each name, in the type its table wants."""
    values = zip(*rows, strict=True) if rows else ((),) * len(names)
    return {
        name: pa.array(column, schema.field(name).type)
        for name, column in zip(names, values, strict=True)
    }


def _table(
    schema: pa.Schema, records: pa.RecordBatch, columns: dict[str, pa.Array], now: datetime
) -> pa.Table:
    """Fill a table's columns: those read, those the log knew, and null for what nobody knows."""
    known = dict(zip(records.schema.names, records.columns, strict=True)) | columns
    known["ingested_at"] = pa.repeat(pa.scalar(now, TIME), len(records))
    arrays = [known.get(field.name, pa.nulls(len(records), field.type)) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)
