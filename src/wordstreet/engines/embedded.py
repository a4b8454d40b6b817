"""From the log into the lake in plain Python: read, transform, commit, forget."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa

from wordstreet.engines.collect import open_log
from wordstreet.engines.landing import Ingested, begin, persist
from wordstreet.errors import LogAwayError
from wordstreet.lake.commit import Writer
from wordstreet.lake.maintain import tend, vacuum
from wordstreet.lake.tables import Lake, Stream
from wordstreet.locks import hold
from wordstreet.log import MAX_SLICE_BYTES, Log, Slice
from wordstreet.settings import Settings

__all__ = ["Transform", "ingest", "ingest_alone", "tending"]

Transform = Callable[[pa.RecordBatch, datetime], dict[str, pa.Table]]
"""A slice of the log and the time now in, a table for each name in `schema.TABLES` out."""

_WAIT_SECONDS: Final = 0.1
_SETTLE_SECONDS: Final = 5.0
_TEND_SECONDS: Final = 10.0
_VACUUM_SECONDS: Final = 3600.0

logger = logging.getLogger(__name__)


def ingest(
    log: Log,
    lake: Lake,
    transform: Transform,
    settings: Settings,
    stop: threading.Event,
    ended: Callable[[], bool],
    report: Callable[[Ingested], None] = lambda _: None,
    until: Mapping[int, int] | None = None,
) -> Ingested:
    """
    Move the log into the lake until `stop` is set, or `ended` is true and the log is drained, or
    every partition has come to its offset in `until`.

    What goes wrong on the way is tried again; see `persist`.
    """
    done = Ingested()

    def attempt() -> None:
        nonlocal done
        for so_far in _pass(log, lake, transform, settings, stop, ended, until, done):
            done = so_far
            report(done)

    persist(attempt, lambda: done.landed, stop, ended)
    return done


def ingest_alone(
    settings: Settings,
    transform: Transform,
    stop: threading.Event,
    once: bool,
    report: Callable[[Ingested], None] = lambda _: None,
) -> Ingested:
    """Be the one engine of this home; with `once`, end where the log ends now."""
    lake = Lake(settings.lake_uri)
    with (
        hold(settings.home / "log", "engine"),
        tending(lake, settings),
        closing(open_log(settings, stop)) as log,
    ):
        until = {p: end for p, (_, end) in log.bounds().items()} if once else None
        return ingest(log, lake, transform, settings, stop, lambda: once, report, until)


def _pass(
    log: Log,
    lake: Lake,
    transform: Transform,
    settings: Settings,
    stop: threading.Event,
    ended: Callable[[], bool],
    until: Mapping[int, int] | None,
    done: Ingested,
) -> Iterator[Ingested]:
    """Yield the counts after each batch, with one writer; ends when there is nothing left to do."""
    writer, ends = begin(log, lake, settings)
    streams = {stream.partition: stream for stream in ends}
    settled = time.monotonic()
    while not stop.is_set():
        if until is not None and all(ends[streams[p]] >= end for p, end in until.items()):
            break
        last = ended()  # asked before reading: what came before the end is then on the log
        slices = _next(log, {p: ends[s] for p, s in streams.items()}, settings, stop, last)
        if not slices and last:
            break
        if slices:
            now = datetime.now(UTC)
            records = pa.Table.from_batches([part.records for part in slices])
            batch = records.combine_chunks().to_batches()[0]
            reached = {streams[part.partition]: part.end for part in slices}
            rows = writer.commit(transform(batch, now), reached)
            ends.update(reached)
            done = done.after(len(batch), rows)
            yield done
        if time.monotonic() - settled > _SETTLE_SECONDS:
            _forget(log, writer, ends)
            settled = time.monotonic()
            if len(log.bounds()) != len(streams):
                message = f"topic {log.topic} has more partitions now"
                raise LogAwayError(message)  # begins anew, with all of them
    _forget(log, writer, ends)


def _next(
    log: Log,
    starts: Mapping[int, int],
    settings: Settings,
    stop: threading.Event,
    last: bool,
) -> list[Slice]:
    """Wait until a batch is full or its first record has waited long enough; return its slices."""
    deadline = time.monotonic() + (0 if last else settings.ingest.interval_seconds)
    rows = size = 0
    slices: list[Slice] = []
    at = dict(starts)
    while rows < settings.ingest.batch_rows and size < MAX_SLICE_BYTES:
        left = max(0.0, min(_WAIT_SECONDS, deadline - time.monotonic()))
        found = log.read(at, settings.ingest.batch_rows - rows, left)
        for part in found:
            rows += len(part.records)
            size += part.records.nbytes
            at[part.partition] = part.end
        slices += found
        if stop.is_set() or (not (last and found) and time.monotonic() >= deadline):
            break
    return slices


def _forget(log: Log, writer: Writer, ends: Mapping[Stream, int]) -> None:
    """Let the log go of what every table has."""
    writer.settle(ends)
    log.trim({stream.partition: end for stream, end in ends.items()})


@contextmanager
def tending(lake: Lake, settings: Settings) -> Iterator[None]:
    """Keep the lake in shape beside an ingest that never waits for it, and once more at the end."""
    stop = threading.Event()
    vacuumed = 0.0

    def once(last: bool = False) -> None:
        nonlocal vacuumed
        try:
            tend(lake, settings.lake.small_files, datetime.now(UTC))
            if last or time.monotonic() - vacuumed > _VACUUM_SECONDS:
                vacuum(lake, settings.lake.retention_hours, datetime.now(UTC))
                vacuumed = time.monotonic()
        except Exception as error:  # whatever it is, ingest goes on and the next round tries again
            logger.warning("maintenance put off: %s", error)

    def rounds() -> None:
        while not stop.wait(_TEND_SECONDS):
            once()

    thread = threading.Thread(target=rounds, name="maintenance", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    once(last=True)
