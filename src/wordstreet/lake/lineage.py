"""Whether a log continues a lake: what it may have forgotten, what it may not be."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import pyarrow as pa

from wordstreet.errors import PositionError
from wordstreet.lake.tables import Stream
from wordstreet.schema import GAPS, TABLES

__all__ = ["check_made_anew", "check_position", "missing"]

_ACCEPT: Final = "accept"


def check_position(
    stream: Stream, position: int, begin: int, end: int, on_missing: str = "refuse"
) -> None:
    """
    Raise `PositionError` when the log [begin, end) cannot continue the lake at `position`.

    A log that ends before the position was cut, and would give the same offsets again: that is
    never accepted. One that begins after it has forgotten records that never landed.
    """
    if end < position:
        message = (
            f"the lake has read {stream.topic}/{stream.partition} up to offset {position}, but the "
            f"log ends at {end}: it was cut or replaced; restore it, or give the lake another address"
        )
        raise PositionError(message)
    if begin > position and on_missing != _ACCEPT:
        message = (
            f"the log {stream.topic}/{stream.partition} begins at offset {begin}, but the lake has "
            f"only read up to {position}: {begin - position} records are gone; restore the log, or go "
            "on without them, noted as a gap, with --set ingest.missing=accept"
        )
        raise PositionError(message)


def check_made_anew(
    known: Iterable[Stream], now: Iterable[Stream], on_missing: str = "refuse"
) -> None:
    """
    Raise `PositionError` when a topic the lake has read was deleted and made anew.

    That is a stream of the same topic of the same cluster under another id; what the old topic
    held beyond the lake's position is gone, and nobody knows how much it was.
    """
    known = list(known)
    for stream in now:
        if on_missing == _ACCEPT or stream in known:
            continue
        for old in known:
            if _same_place(old, stream):
                message = (
                    f"topic {stream.topic} was deleted and made anew: the lake has read it as {old.log_id}, "
                    f"now it is {stream.log_id}; what had not landed is lost. "
                    "To go on with the new one: --set ingest.missing=accept"
                )
                raise PositionError(message)


def _same_place(old: Stream, new: Stream) -> bool:
    cluster = new.log_id.partition(".")[2]
    return bool(cluster) and (cluster, new.topic, new.partition) == (
        old.log_id.partition(".")[2],
        old.topic,
        old.partition,
    )


def missing(stream: Stream, position: int, begin: int, now: datetime) -> dict[str, pa.Table]:
    """Return the tables that account for offsets [position, begin) as lost: one row of `gaps`."""
    row = {
        **dict.fromkeys(GAPS.names),
        "source": "log",
        "lost": begin - position,
        "reason": f"the log forgot {begin - position} records before they landed",
        "observed_at": now,
        "ingested_at": now,
        "log_id": stream.log_id,
        "topic": stream.topic,
        "partition": stream.partition,
        "offset": begin - 1,
        "first_offset": position,
    }
    empty = {name: schema.empty_table() for name, schema in TABLES.items()}
    return {**empty, "gaps": pa.Table.from_pylist([row], schema=GAPS)}
