"""From Kafka into the lake with Spark: executors transform and write, the driver commits."""

import json
import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from wordstreet.engines.collect import open_log
from wordstreet.engines.embedded import tending
from wordstreet.engines.landing import Ingested, begin, persist
from wordstreet.engines.spark_score import Pipeline
from wordstreet.engines.spark_session import alive, started
from wordstreet.engines.spark_task import DESCRIBED, Job, land
from wordstreet.engines.transform import watchlist
from wordstreet.errors import EngineError, LogAwayError, SettingsError, WordstreetError
from wordstreet.lake.files import Written
from wordstreet.lake.tables import Lake, Stream
from wordstreet.locks import hold
from wordstreet.log import Log
from wordstreet.log.java import translated
from wordstreet.settings import Settings

__all__ = ["Batches", "ingest_spark"]

_LOOK_SECONDS: Final = 0.2
_SETTLE_SECONDS: Final = 5.0

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Batches:
    """
    What Spark says of itself, as `--json` gives it.

    version:         of Spark
    batches:         how many have landed
    rows_per_second: of the last batch, as Spark measures it
    batch_seconds:   how long the last batch took
    lag:             records of the topic that had not landed when the last batch had
    """

    version: str = ""
    batches: int = 0
    rows_per_second: float | None = None
    batch_seconds: float | None = None
    lag: int | None = None


@dataclass(slots=True)
class _Run:
    """What outlives a query: what it works on, and the counts."""

    settings: Settings
    lake: Lake
    session: Any
    pipeline: Pipeline | None
    stop: threading.Event
    report: Callable[[Ingested, Batches], None]
    trace: Callable[[str], None]
    done: Ingested = field(default_factory=Ingested)
    batches: Batches = field(default_factory=Batches)


def ingest_spark(
    settings: Settings,
    stop: threading.Event,
    once: bool,
    report: Callable[[Ingested, Batches], None] = lambda _i, _b: None,
    trace: Callable[[str], None] = lambda _: None,
) -> tuple[Ingested, Batches]:
    """
    Be the one engine of this home, on Spark; with `once`, end where the topic ends now.

    A query starts where the lake stands, with a new checkpoint in a folder of its own: Spark's
    memory of offsets is never older or newer than the lake. Whatever ends a query (a refused
    commit, a lost executor, a deleted checkpoint, a broker that is away) is mended by the next
    one; only a log that does not continue the lake, and a Spark that has ended itself, is not.
    `trace` is told every step of a commit, see `Writer`.
    """
    if settings.log.kind != "kafka":
        message = "the Spark engine reads Kafka: --set log.kind=kafka --set log.servers=…"
        raise SettingsError(message)
    lake = Lake(settings.lake_uri)
    with (
        hold(settings.home / "log", "engine"),
        tending(lake, settings),
        started(settings) as session,
    ):
        run = _Run(settings, lake, session, Pipeline.of(settings, session), stop, report, trace)
        run.batches.version = session.version

        def attempt() -> None:
            with closing(open_log(settings, stop)) as log:
                _Query(run, log).run(once)

        try:
            persist(
                attempt, lambda: run.done.landed, stop, lambda: once, lambda: not alive(session)
            )
        except EngineError as error:
            if alive(session):
                raise
            message = "Spark's Java process has ended by itself; what landed is safe, start again"
            raise EngineError(message) from error
    return run.done, run.batches


class _Query:
    """One streaming query: from where the lake stands until it ends, is stopped or fails."""

    def __init__(self, run: _Run, log: Log) -> None:
        self._run = run
        self._log = log
        self._writer, self._ends = begin(log, run.lake, run.settings, run.trace)
        self._settled = time.monotonic()
        self._failure: Exception | None = None
        self._turn = threading.Lock()  # held while a batch is in hand
        self._over = False

    def run(self, once: bool) -> None:
        """Run the query to its end; raises what made it fail."""
        with _checkpoint() as folder:
            query = (
                self._source()
                .writeStream.foreachBatch(self._land)
                .option("checkpointLocation", folder)
                .trigger(**self._trigger(once))
                .start()
            )
            try:
                self._watch(query)
            except Exception as error:
                raise self._failure or _ended(error) from error
            finally:
                with self._turn:  # the batch in hand is finished, no other is begun
                    self._over = True
                with suppress(Exception):  # a Spark that has ended cannot be asked to stop
                    query.stop()
        self._writer.settle(self._ends)

    def _trigger(self, once: bool) -> dict[str, Any]:
        seconds = self._run.settings.spark.trigger_seconds
        return {"availableNow": True} if once else {"processingTime": f"{seconds} seconds"}

    def _source(self) -> Any:
        settings = self._run.settings
        offsets = {self._log.topic: {str(s.partition): end for s, end in self._ends.items()}}
        options = {**translated(settings.log.options), **settings.spark.kafka}
        return (
            self._run.session.readStream.format("kafka")
            .option("kafka.bootstrap.servers", settings.log.servers)
            .options(**{f"kafka.{name}": value for name, value in options.items()})
            .option("subscribe", self._log.topic)
            .option("startingOffsets", json.dumps(offsets))
            .option("maxOffsetsPerTrigger", settings.spark.offsets_per_trigger)
            .option("includeHeaders", "true")
            .load()
            .select("key", "value", "headers", "partition", "offset", "timestamp")
        )

    def _watch(self, query: Any) -> None:
        seen = -1
        while not query.awaitTermination(_LOOK_SECONDS):
            seen = self._tell(query, seen)
            if self._run.stop.is_set():
                return
        self._tell(query, seen)

    def _tell(self, query: Any, seen: int) -> int:
        """Pass on what Spark says of batches we have not told of."""
        for progress in query.recentProgress:
            if progress["batchId"] > seen and progress["numInputRows"]:
                seen = progress["batchId"]
                _note(self._run.batches, progress, self._lag())
                self._run.report(self._run.done, self._run.batches)
        return seen

    def _lag(self) -> int:
        """Return how many records of the topic have not landed yet."""
        ends = {stream.partition: end for stream, end in self._ends.items()}
        return sum(end - ends.get(p, first) for p, (first, end) in self._log.bounds().items())

    def _land(self, frame: Any, _batch: int) -> None:
        """Have a batch written by the executors, and commit it."""
        with self._turn:
            if self._over or self._run.stop.is_set():
                return
            try:
                self._land_batch(frame)
            except Exception as error:
                self._failure = error if isinstance(error, WordstreetError) else _ended(error)
                raise

    def _land_batch(self, frame: Any) -> None:
        job, pipeline = self._job(), self._run.pipeline
        scored = frame if pipeline is None else pipeline.scored(frame, job)
        rows = scored.mapInArrow(partial(land, job=job), DESCRIBED).collect()
        ends = self._reached(rows)
        if not ends:
            return
        self._check_same()
        landed = self._writer.commit_files(_files(rows), ends)
        self._ends.update(ends)
        self._run.done = self._run.done.after(sum(row.records for row in rows), landed)
        if time.monotonic() - self._settled > _SETTLE_SECONDS:
            self._writer.settle(self._ends)
            self._settled = time.monotonic()

    def _job(self) -> Job:
        settings, pipeline = self._run.settings, self._run.pipeline
        return Job(
            lake_uri=self._run.lake.uri,
            log_id=self._log.id,
            topic=self._log.topic,
            watchlist=watchlist(settings),
            scorer=settings.score.scorer if pipeline is None else (pipeline.id, pipeline.version),
            done=self._writer.done,
            now=datetime.now(UTC),
        )

    def _reached(self, rows: Sequence[Any]) -> dict[Stream, int]:
        """Return how far each partition was read."""
        streams = {stream.partition: stream for stream in self._ends}
        ends: dict[Stream, int] = {}
        for row in rows:
            if row.table is not None:
                continue
            if row.partition not in streams:
                message = f"topic {self._log.topic} has more partitions now"
                raise LogAwayError(message)  # begins anew, with all of them
            stream = streams[row.partition]
            ends[stream] = max(row.end, ends.get(stream, 0))
        return ends

    def _check_same(self) -> None:
        """Ask last whether the topic is still the one whose offsets were read."""
        with closing(open_log(self._run.settings)) as now:
            if now.id != self._log.id:
                message = f"topic {now.topic} was deleted and made anew while it was read"
                raise LogAwayError(message)


def _files(rows: Sequence[Any]) -> dict[str, list[Written]]:
    """Return the files that executors have described, for each table."""
    found: dict[str, list[Written]] = {}
    for row in rows:
        if row.table is not None:
            file = Written(row.table, row.path, row.size, row.month, row.rows, row.statistics)
            found.setdefault(row.table, []).append(file)
    return found


def _note(batches: Batches, progress: Mapping[str, Any], lag: int) -> None:
    batches.batches += 1
    batches.rows_per_second = round(progress["processedRowsPerSecond"], 1)
    batches.batch_seconds = progress["durationMs"]["triggerExecution"] / 1000
    batches.lag = lag
    logger.info(
        "Spark batch %d: %d records, %.0f/s, %.1f s, lag %d",
        progress["batchId"],
        progress["numInputRows"],
        batches.rows_per_second,
        batches.batch_seconds,
        batches.lag,
    )


def _ended(error: Exception) -> EngineError:
    """Return our error for one of Spark's, which are pages long."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    ours = [line for line in lines if line.startswith("wordstreet.errors.")]
    said = ours[-1] if ours else (lines or [type(error).__name__])[0]
    return EngineError(f"Spark gave up a batch: {said[:500]}")


@contextmanager
def _checkpoint() -> Iterator[str]:
    """Yield a folder for Spark's own notes of one query; only the driver reads and writes it."""
    folder = tempfile.mkdtemp(prefix="wordstreet-checkpoint-")
    try:
        yield Path(folder).as_uri()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
