"""Records as Kafka's clients for data frames give them, in the shape of our log."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wordstreet.schema import RECORDS, TIME

__all__ = ["CONSUMED", "HEADERS", "moment", "records", "stamped"]

HEADERS: Final = ("source", "event", "observed_at", "origin", "schema")
"""What every record of ours carries beside key and value, as text."""

CONSUMED: Final = pa.schema(
    [
        pa.field("key", pa.binary()),
        pa.field("value", pa.binary()),
        pa.field(
            "headers",
            pa.list_(pa.struct([pa.field("key", pa.string()), pa.field("value", pa.binary())])),
        ),
        pa.field("partition", pa.int32()),
        pa.field("offset", pa.int64()),
        pa.field("timestamp", TIME),
    ]
)
"""Records as Spark's Kafka source gives them, headers included."""

_EARLIEST: Final = -62_135_596_800_000_000
"""The year 1 in microseconds: no calendar goes further back, and the lake sorts by months."""

_LATEST: Final = 2**57
_PLAIN: Final = r"^-?[0-9]{1,18}$"


def records(consumed: pa.RecordBatch, log_id: str, topic: str) -> pa.RecordBatch:
    """
    Return rows in the shape of `schema.RECORDS` from rows whose columns begin like `CONSUMED`.

    What a foreign producer left out is null; its time is the one Kafka has given the record. Of a
    header that comes twice the last one counts, and text that is no UTF-8 gets replacement signs.
    """
    count = len(consumed)
    headers = consumed["headers"]
    told = {name: _header(headers, name, count) for name in HEADERS}
    times = pc.fill_null(consumed["timestamp"].cast(pa.int64()), 0)
    columns = {
        **told,
        "key": pc.fill_null(_text(consumed["key"]), ""),
        "value": consumed["value"],
        "observed_at": _moments(told["observed_at"], times).cast(TIME),
        "log_id": pa.repeat(pa.scalar(log_id), count),
        "topic": pa.repeat(pa.scalar(topic), count),
        "partition": consumed["partition"],
        "offset": consumed["offset"],
    }
    return pa.RecordBatch.from_arrays([columns[f.name] for f in RECORDS], schema=RECORDS)


def _header(headers: pa.Array, name: str, count: int) -> pa.Array:
    """Return the text of one header for each record, null where there is none."""
    rows, flat = pc.list_parent_indices(headers), pc.list_flatten(headers)
    mine = pc.and_(pc.equal(flat.field("key"), name), pc.is_valid(flat.field("value")))
    values = flat.field("value").filter(mine)
    places = np.full(count, -1)
    places[rows.filter(mine).to_numpy()] = np.arange(len(values))
    taken = values.take(pa.array(places, mask=places < 0))
    return _text(taken)


def _text(column: pa.Array) -> pa.Array:
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        return _each(column, lambda data: data.decode(errors="replace"), pa.string())


def _moments(told: pa.Array, kafka: pa.Array) -> pa.Array:
    """Return the microseconds of each text, Kafka's own where the text is none."""
    if pc.all(pc.match_substring_regex(told, _PLAIN)).as_py() is not False:
        micros = told.cast(pa.int64())
    else:
        micros = _each(told, moment, pa.int64())
    sane = pc.and_(pc.less(micros, _LATEST), pc.greater_equal(micros, _EARLIEST))
    stamps = pc.min_element_wise(pc.max_element_wise(kafka, 0), _LATEST)
    return pc.if_else(pc.fill_null(sane, False), micros, stamps)


def moment(text: str) -> int | None:
    """Return the microseconds a header says; None when it says none."""
    try:
        micros = int(text)
    except ValueError:
        return None
    return micros if _EARLIEST <= micros < _LATEST else None


def stamped(millis: int) -> int:
    """Return the microseconds of the time that Kafka has given a record."""
    return min(max(0, millis) * 1000, _LATEST)


def _each(column: pa.Array, of: Callable[[Any], Any], kind: pa.DataType) -> pa.Array:
    return pa.array((None if v is None else of(v) for v in column.to_pylist()), kind)
