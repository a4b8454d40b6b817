"""The ordered, replayable record between collectors and engines: the contract of every log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from wordstreet.schema import Envelope

__all__ = ["Log", "Slice"]


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


class Log(Protocol):
    """
    A topic of partitions of records.

    What `append` has returned from is durable, and so is the cursor given with it. Offsets grow
    by order of arrival within a partition and are never used twice; ranges are half-open. `id`
    is new whenever offsets start again, so that two logs are never taken for one another.
    """

    id: str
    topic: str

    def append(self, records: Sequence[Envelope], source: str, cursor: Mapping[str, str]) -> None:
        """Store the records and merge the cursor of `source`, in one durable step."""
        ...

    def cursor(self, source: str) -> dict[str, str]:
        """Return the stored cursor of a source; empty when it never ran."""
        ...

    def partitions(self) -> list[int]:
        """Return the numbers of the partitions."""
        ...

    def bounds(self, partition: int) -> tuple[int, int]:
        """Return [begin, end): the first offset still held and the next one to be given."""
        ...

    def read(self, partition: int, start: int, limit: int) -> Slice:
        """Return up to `limit` records from `start` on; an empty slice ends where it starts."""
        ...

    def trim(self, partition: int, before: int) -> None:
        """Forget records below `before`; they are in the lake."""
        ...
