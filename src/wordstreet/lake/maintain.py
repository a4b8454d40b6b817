"""Keeping a lake in shape: compact, vacuum, verify, and what is in it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from numpy.typing import NDArray

from wordstreet.lake.commit import removed_files
from wordstreet.lake.deletions import apply, rewrite
from wordstreet.lake.storage import Stored
from wordstreet.lake.tables import (
    PARTITION,
    REWRITTEN,
    Lake,
    Stream,
    parse_name,
    refusing,
)
from wordstreet.schema import POSITION, TABLES

__all__ = [
    "Audit",
    "clear_leftovers",
    "compact",
    "duplicates",
    "info",
    "tend",
    "unlanded",
    "vacuum",
    "verify",
]

_MB: Final = 2**20
_TIERS: Final = ((0, _MB, 2 * _MB), (_MB, 16 * _MB, 32 * _MB), (16 * _MB, 64 * _MB, 128 * _MB))
"""
Files of sizes [from, below) are merged up to a third size when there are enough of them.

Without tiers every handful of tiny files would have the one big file of the month written again.
"""

_WHOLE: Final = ((0, 128 * _MB, 128 * _MB),)
"""One tier: what is left to merge is merged, however much is written again."""
_ACCOUNTED: Final = ("posts", "rejects", "deletions", "gaps")
"""Where an offset can end; a mention is a view on a post."""

_ALL: Final = (*TABLES, "prices")
_PIECE_ROWS: Final = 65_536
_SLOWEST_REWRITE: Final = timedelta(hours=1)


def tend(lake: Lake, small_files: int, now: datetime) -> None:
    """Do what cannot wait for a night: clear what crashes left, blank deletions, merge small files."""
    with refusing("maintenance"):
        clear_leftovers(lake, now)
        with lake.rewriting():
            apply(lake, now)
            compact(lake, small_files, _TIERS)


def compact(
    lake: Lake, files: int = 2, tiers: Sequence[tuple[int, int, int]] = _WHOLE
) -> dict[str, int]:
    """
    Merge the files of every month of a table in which a tier of sizes has at least `files` of them.

    Returns the number of files replaced in each table. Rows and offsets stay what they are;
    ingest goes on meanwhile and neither waits for the other.
    """
    replaced: dict[str, int] = {}
    for table in TABLES:
        for month, target in _crowded(lake.handle(table), files, tiers):
            result = rewrite(lake, table, partial(_compact, month=month, target=target))
            replaced[table] = replaced.get(table, 0) + int(result["numFilesRemoved"])
    return replaced


def _crowded(
    handle: DeltaTable, files: int, tiers: Sequence[tuple[int, int, int]]
) -> Iterator[tuple[str, int]]:
    """Yield (month, size to merge up to) where a tier has enough files."""
    live = _actions(handle)
    sizes = list(zip(live[f"partition.{PARTITION}"], live["size_bytes"], strict=True))
    for month in sorted({month for month, _ in sizes}):
        for low, high, target in tiers:
            if sum(m == month and low <= size < high for m, size in sizes) >= files:
                yield month, target


def _actions(handle: DeltaTable) -> dict[str, list[Any]]:
    """Return the live files of a table: path, size_bytes, num_records and partition by column."""
    return dict(pa.table(handle.get_add_actions(flatten=True)).to_pydict())


def _compact(handle: DeltaTable, month: str, target: int) -> dict[str, Any]:
    result: dict[str, Any] = handle.optimize.compact(
        partition_filters=[(PARTITION, "=", month)],
        target_size=target,
        max_concurrent_tasks=1,
        writer_properties=REWRITTEN,
    )
    return result


def vacuum(lake: Lake, retention_hours: int, now: datetime) -> int:
    """
    Remove files that no version younger than `retention_hours` needs; return how many.

    A file that a writer may be about to commit stays, whatever the retention.
    """
    with lake.rewriting():
        removed = 0
        for table in _ALL:
            handle = lake.handle(table)
            old = set(removed_files(handle, table, retention_hours))
            old &= {file.path for file in lake.storage.list(table)}
            old |= set(_leftovers(lake, table, handle, now))
            lake.storage.delete(sorted(old))
            removed += len(old)
    return removed


def clear_leftovers(lake: Lake, now: datetime) -> int:
    """Remove what killed rewrites left behind; nothing that is or was part of a table."""
    with lake.rewriting():
        dead = [path for table in _ALL for path in _leftovers(lake, table, lake.handle(table), now)]
        lake.storage.delete(dead)
    return len(dead)


def _leftovers(lake: Lake, table: str, handle: DeltaTable, now: datetime) -> Iterator[str]:
    """
    Yield files that no commit names and nobody can still be about to commit.

    An appended file is dead once its stream's position has passed its start. A rewritten one is
    dead when we alone rewrite (a local lake, locked); elsewhere after longer than rewriting takes.
    """
    positions = lake.positions(table, handle, lake.streams())
    for file in _unknown(lake, table, handle):
        if parse_name(file.path):
            if not _awaited(file, positions):
                yield file.path
        elif lake.storage.local or now - file.written_at > _SLOWEST_REWRITE:
            yield file.path


def _awaited(file: Stored, positions: Mapping[Stream, int]) -> bool:
    """Tell whether an appended file may belong to a commit that is still to come."""
    named = parse_name(file.path)
    return named is not None and any(
        stream.prefix == named.prefix and named.start >= position
        for stream, position in positions.items()
    )


def _unknown(lake: Lake, table: str, handle: DeltaTable) -> Iterator[Stored]:
    """Yield files on disk that are neither live nor removed by a commit."""
    known = _known(table, handle)
    yield from (file for file in lake.storage.list(table) if file.path not in known)


def _known(table: str, handle: DeltaTable) -> set[str]:
    live = {f"{table}/{path}" for path in _actions(handle)["path"]}
    return live | set(removed_files(handle, table))


@dataclass(frozen=True, slots=True)
class Audit:
    """
    What `verify` found.

    records:       offsets that landed
    lost:          offsets below their stream's position that are nowhere
    twice:         offsets that landed more than once
    ahead:         offsets that landed at or above the position of their table
    orphans:       files that belong to nothing
    missing_files: live files that are not there, or not as long as they were
    """

    records: int
    lost: int
    twice: int
    ahead: int
    orphans: int
    missing_files: int

    @property
    def ok(self) -> bool:
        """Tell whether the lake holds every offset exactly once and every file it names."""
        return not (self.lost or self.twice or self.ahead or self.orphans or self.missing_files)


def verify(lake: Lake) -> Audit:
    """Count every offset and every file of the lake; reads the offset columns, nothing else."""
    with lake.rewriting():  # a file that is being merged is no orphan
        return _verify(lake, lake.streams())


def _verify(lake: Lake, streams: Sequence[Stream]) -> Audit:
    offsets: dict[Stream, list[NDArray[np.int64]]] = {stream: [] for stream in streams}
    low = dict.fromkeys(offsets, np.iinfo(np.int64).max)
    ahead = orphans = missing = 0
    for table in _ALL:
        unknown = list(lake.storage.list(table))  # listed first: what is committed later is known
        handle = lake.handle(table)
        positions = lake.positions(table, handle, streams)
        known = _known(table, handle)
        orphans += sum(f.path not in known and not _awaited(f, positions) for f in unknown)
        there, gone = _present(lake, table, handle)
        missing += gone
        if table not in _ACCOUNTED:
            continue
        for stream, position in positions.items():
            low[stream] = min(low[stream], position)
            mine = [found for path in there for found in _offsets(lake, path, stream)]
            offsets[stream] += mine
            ahead += sum(int((part >= position).sum()) for part in mine)
    records = lost = twice = 0
    for stream, parts in offsets.items():
        landed = np.concatenate([np.empty(0, np.int64), *parts])
        distinct = np.unique(landed)
        records += len(distinct)
        twice += len(landed) - len(distinct)
        lost += low[stream] - int((distinct < low[stream]).sum())
    return Audit(records, lost, twice, ahead, orphans, missing)


def unlanded(lake: Lake, stream: Stream, start: int, stop: int) -> list[tuple[int, int]]:
    """Return the runs of offsets in [start, stop) that no table holds; reads offsets only."""
    if start >= stop:
        return []
    there = [
        found
        for table in _ACCOUNTED
        for path in _actions(lake.handle(table))["path"]
        for found in _offsets(lake, f"{table}/{path}", stream)
    ]
    landed = np.unique(np.concatenate([np.empty(0, np.int64), *there]))
    absent = np.setdiff1d(np.arange(start, stop), landed, assume_unique=True)
    runs = np.split(absent, np.flatnonzero(np.diff(absent) > 1) + 1) if len(absent) else []
    return [(int(run[0]), int(run[-1]) + 1) for run in runs]


def _present(lake: Lake, table: str, handle: DeltaTable) -> tuple[list[str], int]:
    """Return the live files that are there in full, and how many are not."""
    sizes = {file.path: file.size for file in lake.storage.list(table)}
    live = _actions(handle)
    whole = [
        f"{table}/{path}"
        for path, size in zip(live["path"], live["size_bytes"], strict=True)
        if sizes.get(f"{table}/{path}") == size
    ]
    return whole, len(live["path"]) - len(whole)


def _offsets(lake: Lake, path: str, stream: Stream) -> Iterator[NDArray[np.int64]]:
    """Yield the offsets that the rows of `stream` in one file stand for, some at a time."""
    names = [field.name for field in POSITION]
    for rows in _batches(lake, path, [*names, "first_offset"]):
        keep = np.ones(len(rows), bool)
        stands = (pa.scalar(v) for v in (stream.log_id, stream.topic, stream.partition))
        for name, value in zip(names, stands, strict=False):
            # rewritten files may come back as string views, which know no comparison
            mine = pc.fill_null(pc.equal(rows[name].cast(value.type), value), False)
            keep &= mine.to_numpy(zero_copy_only=False)
        offsets = rows["offset"].to_numpy(zero_copy_only=False)[keep].astype(np.int64)
        yield offsets
        if "first_offset" in rows.schema.names:
            firsts = pc.fill_null(rows["first_offset"], rows["offset"])
            yield from map(np.arange, firsts.to_numpy(zero_copy_only=False)[keep], offsets)


def _batches(lake: Lake, path: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield some columns of one file in pieces, so that memory does not follow its length."""
    with lake.storage.open(path) as file:
        yield from pq.ParquetFile(file).iter_batches(batch_size=_PIECE_ROWS, columns=columns)


def duplicates(lake: Lake, since: datetime) -> int:
    """Return how many posts that landed since then were there already, or twice among themselves."""
    keys: list[NDArray[np.int64]] = []
    new: list[NDArray[np.bool_]] = []
    for path in _actions(lake.handle("posts"))["path"]:
        for rows in _batches(lake, f"posts/{path}", ["source", "post_id", "ingested_at"]):
            pairs = zip(rows["source"].to_pylist(), rows["post_id"].to_pylist(), strict=True)
            keys.append(np.fromiter(map(hash, pairs), np.int64, len(rows)))
            fresh = pc.greater_equal(rows["ingested_at"], since)
            new.append(fresh.to_numpy(zero_copy_only=False))
    if not keys:
        return 0
    every, fresh = np.concatenate(keys), np.concatenate(new)
    return int(fresh.sum()) - (len(np.unique(every)) - len(np.unique(every[~fresh])))


def info(lake: Lake) -> dict[str, Any]:
    """Return tables {name: {rows, files, bytes, version}} and positions {table: {stream: offset}}."""
    tables, positions = {}, {}
    for table in _ALL:
        handle = lake.handle(table)
        live = _actions(handle)
        tables[table] = {
            "rows": sum(live["num_records"]),
            "files": len(live["path"]),
            "bytes": sum(live["size_bytes"]),
            "version": handle.version(),
        }
        if table in TABLES:
            positions[table] = {
                str(stream): position
                for stream, position in lake.positions(table, handle, lake.streams()).items()
            }
    return {"tables": tables, "positions": positions}
