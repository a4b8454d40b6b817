"""What both engines do alike: count, begin where the lake stands, and never give up for a refusal."""

import logging
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from wordstreet.errors import EngineError, LakeError, LogAwayError, PositionError
from wordstreet.lake.commit import Writer
from wordstreet.lake.lineage import check_made_anew, check_position, missing
from wordstreet.lake.maintain import unlanded
from wordstreet.lake.tables import Lake, Stream, refusing
from wordstreet.log import Log
from wordstreet.settings import Settings

__all__ = ["Ingested", "begin", "persist"]

_TAKING_TURNS: Final = 3
_PATIENCE: Final = 8
"""Refusals in a row after which an ingest that is meant to end gives up."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an engine has done so far: records read from the log, and the rows new in each table."""

    received: int = 0
    stored: int = 0
    mentions: int = 0
    rejects: int = 0
    deletions: int = 0
    gaps: int = 0

    @property
    def landed(self) -> int:
        """Rows of every table together."""
        return self.stored + self.mentions + self.rejects + self.deletions + self.gaps

    def after(self, received: int, rows: Mapping[str, int]) -> "Ingested":
        """Return the counts with one more committed batch."""
        return Ingested(
            self.received + received,
            self.stored + rows.get("posts", 0),
            self.mentions + rows.get("mentions", 0),
            self.rejects + rows.get("rejects", 0),
            self.deletions + rows.get("deletions", 0),
            self.gaps + rows.get("gaps", 0),
        )


def begin(
    log: Log, lake: Lake, settings: Settings, trace: Callable[[str], None] = lambda _: None
) -> tuple[Writer, dict[Stream, int]]:
    """
    Return a writer for the partitions that the log has now, and where each is to be read from.

    Raises `PositionError` when the log does not continue the lake, unless `ingest.missing` accepts
    it; what a log forgot is then noted as a gap. `trace` is the writer's.
    """
    bounds = log.bounds()
    streams = {p: Stream(log.id, log.topic, p) for p in bounds}
    accepted = settings.ingest.missing
    with refusing("reading the streams"):
        check_made_anew(lake.streams(), streams.values(), accepted)
    writer = Writer(lake, streams.values(), trace)
    ends = writer.positions()
    for partition, (first, end) in bounds.items():
        stream = streams[partition]
        gone = unlanded(lake, stream, ends[stream], first)
        check_position(stream, ends[stream], end, gone, accepted)
        if first > ends[stream]:
            writer.commit(missing(stream, gone, datetime.now(UTC)), {stream: first})
            writer.settle({stream: first})
            ends[stream] = first
    return writer, ends


def persist(
    attempt: Callable[[], None],
    landed: Callable[[], int],
    stop: threading.Event,
    ended: Callable[[], bool],
    in_vain: Callable[[], bool] = lambda: False,
) -> None:
    """
    Make attempts until one returns or `stop` is set.

    The lake alone knows how far we are, so a refused commit, a lost connection and a killed worker
    are mended the same way: the next attempt asks it for the position and goes on from there.
    While `ended` is false they are made without end; then until `_PATIENCE` in a row have failed
    without landing anything. Raises at once what waiting would not mend, or when it is `in_vain`.
    """
    refusals, reached = 0, landed()
    while True:
        try:
            return attempt()
        except PositionError:
            raise
        except (LakeError, LogAwayError, EngineError) as refusal:
            if stop.is_set():
                return None
            # re-reading what is there is no progress
            refusals, reached = (refusals + 1 if landed() == reached else 1), landed()
            if in_vain() or (ended() and refusals > _PATIENCE):
                raise
            # one refusal is how maintenance and ingest take turns; many are trouble
            level = logging.WARNING if refusals > _TAKING_TURNS else logging.DEBUG
            logger.log(level, "%s (try %d)", refusal, refusals)
            stop.wait(random.uniform(0.5, 1) * min(30.0, 0.1 * 2**refusals))
