"""
What a Spark executor does with a piece of the topic: transform it, write its files, say which.

Runs in the Python workers of a cluster. Nothing here speaks to the driver or to Kafka: records
come in as Arrow batches, rows that describe files go out, and the driver alone commits.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from wordstreet.lake.deletions import Deletions
from wordstreet.lake.files import Positions, above, write
from wordstreet.lake.tables import Lake, Stream
from wordstreet.log.wire import CONSUMED, records
from wordstreet.schema import TABLES
from wordstreet.transform import Matcher, Scorer, transform
from wordstreet.transform.parse import parse
from wordstreet.transform.score import load
from wordstreet.transform.score.labels import Given
from wordstreet.watchlist import Watchlist

__all__ = ["DESCRIBED", "WITH_TEXT", "Job", "land", "with_text"]

_PIECE_BYTES: Final = 64 * 2**20
"""So much is written at once; more would only take memory."""

WITH_TEXT: Final = CONSUMED.append(pa.field("text", pa.string()))
"""What a pipeline of Spark ML gets: records and the text of the post in each, empty where none is."""


@dataclass(frozen=True, slots=True)
class Job:
    """
    What executors need to know; travels with every task, so it holds no secret and no handle.

    done:    rows below these offsets have landed and are dropped
    now:     written into `ingested_at`
    scorer:  its name, or (id, version) when the column `score` of the records already says
    """

    lake_uri: str
    log_id: str
    topic: str
    watchlist: Watchlist
    scorer: str | tuple[str, str]
    done: Positions
    now: datetime


DESCRIBED: Final = (
    "partition int, end long, records long, table string, path string, size long, month string,"
    " rows long, statistics string"
)
"""
What a task tells the driver: a row for each file it wrote, and one for each piece of a partition.

The row of a piece has no table: `partition` of the topic, `end`, the next offset behind what was
read, and `records`, how many they were. The row of a file has what `Written` has.
"""

_DESCRIBED: Final = pa.schema(
    [
        pa.field("partition", pa.int32()),
        pa.field("end", pa.int64()),
        pa.field("records", pa.int64()),
        pa.field("table", pa.string()),
        pa.field("path", pa.string()),
        pa.field("size", pa.int64()),
        pa.field("month", pa.string()),
        pa.field("rows", pa.int64()),
        pa.field("statistics", pa.string()),
    ]
)


def land(batches: Iterator[pa.RecordBatch], job: Job) -> Iterator[pa.RecordBatch]:
    """Write what the records become as files of the lake; yield a description of every piece."""
    held: list[pa.RecordBatch] = []
    for batch in filter(len, batches):
        held.append(batch)
        if sum(b.nbytes for b in held) > _PIECE_BYTES:
            yield _piece(held, job)
            held = []
    if held:
        yield _piece(held, job)


def _piece(batches: list[pa.RecordBatch], job: Job) -> pa.RecordBatch:
    """Transform some batches and write a file for each table, stream and month."""
    made = [_transformed(batch, job) for batch in batches]
    tables = {name: pa.concat_tables(one[name] for one in made) for name in TABLES}
    tables = _deletions(job.lake_uri).applied_to(tables)
    consumed = pa.Table.from_batches(batches)
    ranges = _ranges(consumed, job)
    writer = uuid.uuid4().hex[:8]
    found = []
    for name in TABLES:
        rows = above(tables[name], name, job.done)
        if len(rows):
            mine = _needed(ranges, job.done[name])
            found += write(_lake(job.lake_uri).storage, name, rows, mine, writer)
    rows = [
        {"partition": stream.partition, "end": end, "records": count}
        for stream, ((_, end), count) in _counted(consumed, ranges).items()
    ]
    rows += [{"partition": -1, "end": 0, "records": 0, **asdict(file)} for file in found]
    return pa.RecordBatch.from_pylist(rows, schema=_DESCRIBED)


def _transformed(batch: pa.RecordBatch, job: Job) -> dict[str, pa.Table]:
    scorer = _named(job.scorer, batch)
    raw = records(batch, job.log_id, job.topic)
    return transform(raw, _matcher(job.watchlist), scorer, job.now)


def _named(scorer: str | tuple[str, str], batch: pa.RecordBatch) -> Scorer:
    if isinstance(scorer, str):
        return _scorer(scorer)
    return Given(*scorer, batch["text"], batch["score"])


def _ranges(consumed: pa.Table, job: Job) -> dict[Stream, tuple[int, int]]:
    spans = consumed.group_by("partition").aggregate([("offset", "min"), ("offset", "max")])
    return {
        Stream(job.log_id, job.topic, row["partition"]): (row["offset_min"], row["offset_max"] + 1)
        for row in spans.to_pylist()
    }


def _needed(
    ranges: Mapping[Stream, tuple[int, int]], done: Mapping[Stream, int]
) -> dict[Stream, tuple[int, int]]:
    """Begin no range below what its table has: a file that does is taken for a crash's leftover."""
    return {s: (max(start, done.get(s, 0)), end) for s, (start, end) in ranges.items()}


def _counted(
    consumed: pa.Table, ranges: Mapping[Stream, tuple[int, int]]
) -> dict[Stream, tuple[tuple[int, int], int]]:
    """Return for each stream its range and how many records were read of it."""
    return {
        stream: (span, pc.sum(pc.equal(consumed["partition"], stream.partition)).as_py())
        for stream, span in ranges.items()
    }


def with_text(batches: Iterator[pa.RecordBatch], job: Job) -> Iterator[pa.RecordBatch]:
    """Add to each record the text of its post, as the scorers of `transform` see it."""
    for batch in batches:
        posts = parse(records(batch, job.log_id, job.topic), job.now)["posts"]
        keys = [f"{p}/{o}" for p, o in _places(posts)]
        wanted = [f"{p}/{o}" for p, o in _places(batch)]
        places = pc.index_in(pa.array(wanted, pa.string()), pa.array(keys, pa.string()))
        # pipelines may fail on null, and nothing is made of what they say of an empty text
        texts = pc.fill_null(posts["text"].combine_chunks().take(places), "")
        yield pa.RecordBatch.from_arrays([*batch.columns, texts], schema=WITH_TEXT)


def _places(rows: pa.Table | pa.RecordBatch) -> Iterator[tuple[int, int]]:
    return zip(rows["partition"].to_pylist(), rows["offset"].to_pylist(), strict=True)


# A worker lives for many tasks; what is dear to make is made once in it.


@cache
def _lake(uri: str) -> Lake:
    return Lake(uri)


@cache
def _deletions(uri: str) -> Deletions:
    return Deletions(_lake(uri))


@cache
def _matcher(watchlist: Watchlist) -> Matcher:
    return Matcher(watchlist)


@cache
def _scorer(name: str) -> Scorer:
    return load(name)
