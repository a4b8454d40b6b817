"""Exactly once: rows and the offsets they cover become visible in one commit, or not at all."""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.transaction import AddAction

from wordstreet.errors import CommitRefused
from wordstreet.lake.deletions import Deletions
from wordstreet.lake.tables import PARTITION, Lake, Stream, commit, parse_name, refusing
from wordstreet.schema import TABLES

__all__ = ["Writer"]

_ORDER: Final = ("deletions", "posts", "mentions", "rejects", "gaps")
"""Deletions first: after a crash between two commits, what is gone is known to what follows."""

_PLAIN: Final = ("text", "raw", "links", "post_id", "author_id", "duplicate_group")
"""Columns whose values hardly repeat: a dictionary would only cost time."""


class Writer:
    """
    The only way rows reach the lake from a log; one per engine.

    The position of a stream lives in each table as a Delta app transaction whose version is the
    next offset to read. Rows below a table's own position are dropped, the rest is written to
    files whose names say what they hold, and files and new position are committed on the very
    handle that read the old one. So a batch given twice lands once, and a writer whose handle is
    older than somebody else's commit is refused with `CommitRefused`: forget this writer, make a
    new one, go on from `positions()`.

    `trace` is told the name of every step after it is done.
    """

    def __init__(
        self, lake: Lake, streams: Iterable[Stream], trace: Callable[[str], None] = lambda _: None
    ) -> None:
        self._lake = lake
        self._streams = tuple(streams)
        self._trace = trace
        self._id = uuid.uuid4().hex[:8]  # a slow twin must never overwrite a file of ours
        with refusing("opening the lake for writing"):
            lake.enlist(self._streams)
            self._handles: dict[str, DeltaTable] = {name: lake.handle(name) for name in TABLES}
            self._done = {name: self._positions(name) for name in TABLES}
            self._leftovers = {name: self._unlisted(name) for name in TABLES}
            self._deletions = Deletions(lake)

    def positions(self) -> dict[Stream, int]:
        """Return for each stream the offset to read next: the least any table still needs."""
        return {s: min(self._done[name][s] for name in TABLES) for s in self._streams}

    def commit(self, tables: Mapping[str, pa.Table], ends: Mapping[Stream, int]) -> dict[str, int]:
        """
        Land what `transform` made of the offsets up to `ends`; return the rows new in each table.

        A table that gets no rows keeps its older position until `settle`.
        """
        with refusing("reading the deletions"):
            tables = self._deletions.applied_to(tables)
        return {
            name: self._commit(name, rows, ends)
            for name in _ORDER
            if len(rows := self._news(name, tables[name]))
        }

    def settle(self, ends: Mapping[Stream, int]) -> None:
        """Move every table's position to `ends`, so that the log may forget what lies before."""
        for name in _ORDER:
            if any(self._done[name][stream] < end for stream, end in ends.items()):
                self._commit(name, TABLES[name].empty_table(), ends)

    def _positions(self, name: str) -> dict[Stream, int]:
        return self._lake.positions(name, self._handles[name], self._streams)

    def _news(self, name: str, rows: pa.Table) -> pa.Table:
        """Drop rows that this table has committed already."""
        for stream in self._streams:
            landed = pc.less(rows["offset"], self._done[name][stream])
            rows = rows.filter(pc.invert(pc.and_(_of(stream, rows), landed)))
        return rows

    def _commit(self, name: str, rows: pa.Table, ends: Mapping[Stream, int]) -> int:
        # a table may be ahead of the batch after a crash, and must never go back
        ends = {stream: max(end, self._done[name][stream]) for stream, end in ends.items()}
        handle = self._handles[name]
        before = handle.version()
        with refusing(f"the commit to {name}"):
            actions = [
                self._write(name, stream, end, month, part)
                for stream, end in ends.items()
                for month, part in by_month(rows.filter(_of(stream, rows)))
            ]
            self._trace(f"{name}: files written")
            commit(handle, actions, {s.app_id(name): end for s, end in ends.items()})
            self._trace(f"{name}: committed")
            handle.update_incremental()
            self._lake.storage.sync_commit(name, range(before + 1, handle.version() + 1))
            self._done[name].update(ends)
            if self._positions(name) != self._done[name]:
                message = f"another writer moved the position of {name}; only one may ingest a log"
                raise CommitRefused(message)
            self._sweep(name)
        self._trace(f"{name}: synced")
        return len(rows)

    def _write(self, name: str, stream: Stream, end: int, month: str, rows: pa.Table) -> AddAction:
        """Write one Parquet file and return the action that makes it part of the table."""
        start = self._done[name][stream]
        path = (
            f"{PARTITION}={month}/{stream.prefix}{start:020d}-{end:020d}+{self._id}.append.parquet"
        )
        data = encode(rows.sort_by("observed_at"))
        self._lake.storage.write(f"{name}/{path}", data)
        return AddAction(
            path, data.size, {PARTITION: month}, int(time.time() * 1000), True, statistics(rows)
        )

    def _unlisted(self, name: str) -> list[str]:
        """Return files of our streams that no commit names: what a crash left behind."""
        listed = {uri.rsplit("/", 1)[-1] for uri in self._handles[name].file_uris()}
        prefixes = {stream.prefix for stream in self._streams}
        return [
            file.path
            for file in self._lake.storage.list(name)
            if (named := parse_name(file.path))
            and named.prefix in prefixes
            and file.path.rsplit("/", 1)[-1] not in listed
        ]

    def _sweep(self, name: str) -> None:
        """
        Remove what crashed predecessors left.

        Only after a commit of ours: it fences every older writer of these streams, so nobody can
        still be about to commit those files. Files that compaction replaced stay for `vacuum`.
        """
        if self._leftovers[name]:
            removed = set(removed_files(self._handles[name], name))
            self._lake.storage.delete(p for p in self._leftovers[name] if p not in removed)
            self._leftovers[name] = []


def _of(stream: Stream, rows: pa.Table) -> pa.ChunkedArray:
    """Mark the rows of a stream."""
    log = pc.and_(pc.equal(rows["log_id"], stream.log_id), pc.equal(rows["topic"], stream.topic))
    return pc.and_(log, pc.equal(rows["partition"], stream.partition))


def by_month(rows: pa.Table) -> list[tuple[str, pa.Table]]:
    """Split rows by the UTC month (YYYY-MM) of `observed_at`, oldest first."""
    months = pc.strftime(rows["observed_at"], "%Y-%m")
    return [
        (month, rows.filter(pc.equal(months, month)))
        for month in sorted(pc.unique(months).to_pylist())
    ]


def encode(rows: pa.Table) -> pa.Buffer:
    """Return the rows as one Parquet file."""
    sink = pa.BufferOutputStream()
    repeating = [n for n in rows.schema.names if n not in _PLAIN]
    pq.write_table(
        rows,
        sink,
        compression="zstd",
        compression_level=1,
        use_dictionary=repeating,
        write_statistics=["observed_at", "offset"],
    )
    return sink.getvalue()


def statistics(rows: pa.Table) -> str:
    """Return Delta's statistics of a file; never of a column that holds people's words."""
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    for column in ("observed_at", "offset"):
        span = pc.min_max(rows[column]).as_py()
        low[column], high[column] = map(_plain, (span["min"], span["max"]))
    nulls = {column: rows[column].null_count for column in low}
    return json.dumps(
        {"numRecords": len(rows), "minValues": low, "maxValues": high, "nullCount": nulls}
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return value


def removed_files(handle: DeltaTable, table: str, hours: int = 0) -> list[str]:
    """Return the files that a commit older than `hours` has removed; some may be gone from disk."""
    found = handle.vacuum(retention_hours=hours, enforce_retention_duration=False, dry_run=True)
    return [f"{table}/{path}" for path in found]
