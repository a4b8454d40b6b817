"""Where posts come from: the contract every source keeps."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from wordstreet.schema import Envelope

__all__ = ["Cursor", "RawBatch", "Source"]

Cursor = Mapping[str, str]
"""
Opaque positions in a source, one for each of its parts (a file, a host, the one stream).

The log merges what a batch moved into what it has and stores both with the batch, in one step.
"""


@dataclass(frozen=True, slots=True)
class RawBatch:
    """
    Records that become durable together with the cursor that covers them.

    records: in the order received; a gap is a record of event `gap`
    cursor:  the parts that moved; reading after it continues behind the last record
    """

    records: list[Envelope] = field(default_factory=list)
    cursor: Cursor = field(default_factory=dict)


class Source(Protocol):
    """
    A place public posts come from.

    A source keeps no memory between runs. The cursor travels with the posts and is stored with
    them, so a restart continues after the last stored post. A post may arrive twice. What can no
    longer be replayed is reported as a gap, never passed over in silence.
    """

    name: str

    def share(self) -> float | None:
        """Return how much has been read, in [0, 1]; None of a source that has no end."""
        ...

    def read(self, after: Cursor) -> Iterator[RawBatch]:
        """
        Yield batches published after `after`, oldest first, until the source ends.

        A live source yields an empty batch at least every second while nothing happens, so that
        whoever reads can stop. Raises `SourceError` when it gives up for good; everything yielded
        before stays valid.
        """
        ...
