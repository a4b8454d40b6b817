"""Whether a log continues a lake: what it may have forgotten, what it may not be."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import pyarrow as pa

from wordstreet.errors import PositionError
from wordstreet.lake.tables import Stream
from wordstreet.schema import GAPS, TABLES

__all__ = ["check_made_anew", "check_position", "missing"]

Runs = Sequence[tuple[int, int]]
"""Consecutive offsets [start, stop), in order."""

_ACCEPT: Final = "accept"


def check_position(
    stream: Stream, position: int, end: int, gone: Runs, on_missing: str = "refuse"
) -> None:
    """
    Raise `PositionError` when a log that ends at `end` cannot continue the lake at `position`.

    A log that ends before the position was cut, and would give the same offsets again: that is
    never accepted. `gone` are the offsets it has forgotten before they landed.
    """
    if end < position:
        message = (
            f"the lake has read {stream.topic}/{stream.partition} up to offset {position}, but the "
            f"log ends at {end}: it was cut or replaced; restore it, or give the lake another address"
        )
        raise PositionError(message)
    lost = sum(stop - start for start, stop in gone)
    if lost and on_missing != _ACCEPT:
        message = (
            f"the log {stream.topic}/{stream.partition} begins at offset {gone[-1][1]}, but the lake "
            f"has only read up to {position}: {lost} records are gone; restore the log, or go on "
            "without them, noted as a gap, with --set ingest.missing=accept"
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
    accepted = {stream.log_id for stream in known}
    for stream in now:
        if on_missing == _ACCEPT or stream.log_id in accepted:
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


def missing(stream: Stream, gone: Runs, now: datetime) -> dict[str, pa.Table]:
    """Return the tables that account for offsets as lost: a row of `gaps` for each run of them."""
    rows = [
        {
            **dict.fromkeys(GAPS.names),
            "source": "log",
            "lost": stop - start,
            "reason": f"the log forgot {stop - start} records before they landed",
            "observed_at": now,
            "ingested_at": now,
            "log_id": stream.log_id,
            "topic": stream.topic,
            "partition": stream.partition,
            "offset": stop - 1,
            "first_offset": start,
        }
        for start, stop in gone
    ]
    empty = {name: schema.empty_table() for name, schema in TABLES.items()}
    return {**empty, "gaps": pa.Table.from_pylist(rows, schema=GAPS)}
