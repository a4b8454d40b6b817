"""The log in one SQLite file: the same topics, partitions and offsets as Kafka, for one machine."""

import sqlite3
import time
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from wordstreet.errors import LogError, LogFullError, SettingsError
from wordstreet.locks import hold
from wordstreet.log import MAX_SLICE_BYTES, Slice
from wordstreet.schema import RECORDS, Envelope

__all__ = ["EmbeddedLog"]

_TRIM_ROWS: Final = 5_000
_POLL_SECONDS: Final = 0.05
_BUSY_SECONDS: Final = 60.0

_TABLES: Final = """
create table if not exists log (id text not null);
create table if not exists topics (
    topic text primary key, partitions integer not null
);
create table if not exists heads (
    topic text, partition integer, next integer not null, primary key (topic, partition)
) without rowid;
create table if not exists cursors (
    source text, part text, position text not null, primary key (source, part)
) without rowid;
create table if not exists records (
    topic text not null, partition integer not null, offset integer not null,
    key text, value blob, source text, event text, observed_at integer, origin text, schema text,
    unique (topic, partition, offset)
);
"""


class EmbeddedLog:
    """
    One topic of the log kept in `folder`; see `wordstreet.log.Log` for the contract.

    Every append is one transaction, synced to disk before it returns. One process appends and
    another reads and trims at the same time. What is trimmed
    is overwritten with zeros, because a deleted post must leave no text behind. `partitions` is
    the number that a new topic gets; 0 takes an old topic as it is and makes a new one with 1.
    """

    def __init__(self, folder: Path, topic: str, partitions: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "log.sqlite"
        self.topic = topic
        self._stale = False
        with self._reported(), hold(folder, "opening", _BUSY_SECONDS):  # going to WAL does not wait
            self._db = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._db.execute("pragma secure_delete = on")
            with self._transaction():
                for statement in _TABLES.strip().split(";\n"):
                    self._db.execute(statement)
                self._found(topic, partitions)
            self.id: str = self._db.execute("select id from log").fetchone()[0]
            stored = self._db.execute(
                "select partitions from topics where topic = ?", (topic,)
            ).fetchone()[0]
        if partitions and stored != partitions:
            message = (
                f"topic {topic!r} in {self.path} has {stored} partitions and keeps them; "
                f"set log.partitions={stored} or take another log.topic"
            )
            raise SettingsError(message)
        self._partitions: int = stored

    def _found(self, topic: str, partitions: int) -> None:
        """Give a new log its id and a new topic its partitions."""
        if self._db.execute("select count(*) from log").fetchone()[0] == 0:
            self._db.execute("insert into log values (?)", (str(uuid.uuid4()),))
        if self._db.execute(
            "insert or ignore into topics values (?, ?)", (topic, partitions or 1)
        ).rowcount:
            self._db.executemany(
                "insert into heads values (?, ?, 0)", [(topic, p) for p in range(partitions or 1)]
            )

    def append(self, records: Sequence[Envelope], source: str, cursor: Mapping[str, str]) -> None:
        """Store the records and merge the cursor of `source`, in one durable step."""
        with self._reported(), self._transaction():
            ordered = sorted(records, key=self._partition_of) if self._partitions > 1 else records
            for partition, group in groupby(ordered, key=self._partition_of):
                self._append_to(partition, list(group))
            self._db.executemany(
                "insert or replace into cursors values (?, ?, ?)",
                [(source, part, position) for part, position in cursor.items()],
            )

    def _append_to(self, partition: int, records: list[Envelope]) -> None:
        start = self._head(partition)
        self._db.executemany(
            "insert into records values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ((self.topic, partition, offset, *r) for offset, r in enumerate(records, start)),
        )
        self._db.execute(
            "update heads set next = ? where topic = ? and partition = ?",
            (start + len(records), self.topic, partition),
        )

    def _partition_of(self, record: Envelope) -> int:
        return zlib.crc32(record.key.encode()) % self._partitions if self._partitions > 1 else 0

    def _head(self, partition: int) -> int:
        row = self._db.execute(
            "select next from heads where topic = ? and partition = ?", (self.topic, partition)
        ).fetchone()
        return int(row[0])

    def cursor(self, source: str) -> dict[str, str]:
        """Return the stored cursor of a source; empty when it never ran."""
        with self._reported():
            return dict(
                self._db.execute("select part, position from cursors where source = ?", (source,))
            )

    def cursors(self) -> dict[str, dict[str, str]]:
        """Return the stored cursors of all sources."""
        with self._reported():
            rows = self._db.execute("select source, part, position from cursors").fetchall()
        found: dict[str, dict[str, str]] = {}
        for source, part, position in rows:
            found.setdefault(source, {})[part] = position
        return found

    def bounds(self) -> dict[int, tuple[int, int]]:
        """Return for every partition [begin, end): the first offset held, the next to be given."""
        with self._reported():
            rows = self._db.execute(
                "select partition, next, (select min(offset) from records r where r.topic = h.topic"
                " and r.partition = h.partition) from heads h where topic = ? order by partition",
                (self.topic,),
            ).fetchall()
        return {p: (head if first is None else first, head) for p, head, first in rows}

    def held_bytes(self) -> int:
        """Return about how many bytes the records take that are held, of all topics."""
        with self._reported():
            pages, free, size = (
                self._db.execute(f"pragma {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((pages - free) * size)

    def read(self, starts: Mapping[int, int], limit: int, seconds: float = 0) -> list[Slice]:
        """Return up to about `limit` records from these offsets on, at most one slice a partition."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            bounds = self.bounds()
            if sum(bounds[p][1] - start for p, start in starts.items()) >= limit:
                break
            time.sleep(_POLL_SECONDS)
        share = max(1, limit // len(starts))
        found = (self._slice(p, start, share) for p, start in starts.items())
        return [part for part in found if part.end > part.start]

    def _slice(self, partition: int, start: int, limit: int) -> Slice:
        rows: list[tuple[Any, ...]] = []
        size = 0
        with self._reported():
            found = self._db.execute(
                "select key, value, source, event, observed_at, origin, schema, offset from records"
                " where topic = ? and partition = ? and offset >= ? order by offset limit ?",
                (self.topic, partition, start, limit),
            )
            for row in found:
                rows.append(row)
                size += len(row[1])
                if size >= MAX_SLICE_BYTES:
                    break
            found.close()
        end = rows[-1][-1] + 1 if rows else start
        return Slice(partition, start, end, self._batch(partition, rows))

    def _batch(self, partition: int, rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
        *columns, offsets = zip(*rows, strict=True) if rows else ((),) * 8
        count = len(rows)
        position = (
            pa.repeat(pa.scalar(self.id), count),
            pa.repeat(pa.scalar(self.topic), count),
            pa.repeat(pa.scalar(partition, pa.int32()), count),
            offsets,
        )
        arrays = [
            pa.array(column, field.type) if isinstance(column, tuple) else column
            for column, field in zip((*columns, *position), RECORDS, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=RECORDS)

    def trim(self, ends: Mapping[int, int]) -> None:
        """Forget the records below these offsets; they are in the lake."""
        with self._reported():
            begins = self.bounds()
            for partition, before in ends.items():
                self._forget(partition, begins[partition][0], before)
            if self._stale:  # the write-ahead log holds what was trimmed until nobody reads it
                busy = self._db.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
                self._stale = bool(busy)

    def _forget(self, partition: int, begin: int, before: int) -> None:
        for stop in range(begin + _TRIM_ROWS, before + _TRIM_ROWS, _TRIM_ROWS):
            with self._transaction():  # short ones, so that the collector never waits long
                self._db.execute(
                    "delete from records where topic = ? and partition = ? and offset < ?",
                    (self.topic, partition, min(stop, before)),
                )
        self._stale |= before > begin

    def close(self) -> None:
        """Close the file; what was appended is on disk already."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:  # SQLite itself rolls back when the disk is full
                self._db.execute("rollback")
            raise
        self._db.execute("commit")

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Turn what SQLite says into our words."""
        try:
            yield
        except sqlite3.Error as error:
            if error.sqlite_errorcode in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE):
                message = (
                    f"the disk under {self.path} is full; everything acknowledged is safe. "
                    "Free some space and start again: it goes on after the last stored post"
                )
                raise LogFullError(message) from error
            if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                message = (
                    f"another process has kept the log {self.path} busy for too long; try again"
                )
                raise LogError(message) from error
            message = (
                f"the log {self.path} cannot be used: {error}. If the file is damaged, move the "
                "folder away: a new log is started and sources are read again"
            )
            raise LogError(message) from error
