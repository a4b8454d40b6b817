"""The ordered, replayable record between collectors and engines: the contract of every log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import pyarrow as pa

from wordstreet.schema import Envelope

__all__ = ["MAX_SLICE_BYTES", "Intake", "Log", "Slice"]

MAX_SLICE_BYTES: Final = 8 * 2**20
"""A read ends early at this many payload bytes, so that memory does not follow the size of posts."""


@dataclass(frozen=True, slots=True)
class Slice:
    """
    Consecutive records [start, end) of one partition.

    records: rows in the shape of `schema.RECORDS`, ordered by offset; there may be fewer rows
             than offsets where a log skips numbers, never two rows with one offset
    """

    partition: int
    start: int
    end: int
    records: pa.RecordBatch


class Intake(Protocol):
    """What a collector needs of a log: a place for records and for the cursor that covers them."""

    def append(self, records: Sequence[Envelope], source: str, cursor: Mapping[str, str]) -> None:
        """Store the records, then or with them the cursor of `source`, merged; both durable."""
        ...

    def cursor(self, source: str) -> dict[str, str]:
        """Return the stored cursor of a source; empty when it never ran."""
        ...


class Log(Intake, Protocol):
    """
    A topic of partitions of records.

    What `append` has returned from is durable, and so is the cursor given with it. Offsets grow
    by order of arrival within a partition and are never used twice; ranges are half-open. `id`
    is new whenever offsets start again, so that two logs are never taken for one another: a UUID,
    with `.<cluster>` behind it where topics of one name can be made again in one place.
    """

    id: str
    topic: str

    def bounds(self) -> dict[int, tuple[int, int]]:
        """Return for every partition [begin, end): the first offset held, the next to be given."""
        ...

    def read(self, starts: Mapping[int, int], limit: int, seconds: float = 0) -> list[Slice]:
        """
        Return up to about `limit` records from these offsets on, at most one slice a partition.

        Waits up to `seconds` for more while there are fewer. Without any slice, there was nothing
        behind `starts` when the call ended.
        """
        ...

    def trim(self, ends: Mapping[int, int]) -> None:
        """Let the log forget what lies below these offsets; it is in the lake."""
        ...

    def close(self) -> None:
        """Let go of files and connections; what was appended is durable already."""
        ...
