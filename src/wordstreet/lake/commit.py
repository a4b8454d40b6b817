"""Exactly once: rows and the offsets they cover become visible in one commit, or not at all."""

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.transaction import AddAction

from wordstreet.errors import CommitRefused
from wordstreet.lake.deletions import Deletions
from wordstreet.lake.files import Positions, Written, above, write
from wordstreet.lake.tables import PARTITION, Lake, Stream, commit, parse_name, refusing
from wordstreet.schema import TABLES

__all__ = ["Writer"]

_ORDER: Final = ("deletions", "posts", "mentions", "rejects", "gaps")
"""Deletions first: after a crash between two commits, what is gone is known to what follows."""


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

    @property
    def done(self) -> Positions:
        """For each table and stream the next offset that the table needs."""
        return {name: dict(positions) for name, positions in self._done.items()}

    def commit(self, tables: Mapping[str, pa.Table], ends: Mapping[Stream, int]) -> dict[str, int]:
        """
        Land what `transform` made of the offsets up to `ends`; return the rows new in each table.

        A table that gets no rows keeps its older position until `settle`.
        """
        with refusing("reading the deletions"):
            tables = self._deletions.applied_to(tables)
        landed = {}
        for name in _ORDER:
            rows = above(tables[name], name, self._done)
            if len(rows):
                with refusing(f"writing {name}"):
                    ranges = {s: (self._done[name][s], end) for s, end in ends.items()}
                    files = write(self._lake.storage, name, rows, ranges, self._id)
                self._commit(name, files, ends)
                landed[name] = len(rows)
        return landed

    def commit_files(
        self, files: Mapping[str, Sequence[Written]], ends: Mapping[Stream, int]
    ) -> dict[str, int]:
        """
        Land files that others wrote of rows `above` our `done`; else as `commit`.

        Raises `LakeError`, and moves nothing, when one of them cannot be seen from here.
        """
        for file in (file for mine in files.values() for file in mine):
            self._lake.storage.check(f"{file.table}/{file.path}", file.size)
        landed = {}
        for name in _ORDER:
            if mine := files.get(name):
                self._commit(name, mine, ends)
                landed[name] = sum(file.rows for file in mine)
        return landed

    def settle(self, ends: Mapping[Stream, int]) -> None:
        """Move every table's position to `ends`, so that the log may forget what lies before."""
        for name in _ORDER:
            if any(self._done[name][stream] < end for stream, end in ends.items()):
                self._commit(name, (), ends)

    def _positions(self, name: str) -> dict[Stream, int]:
        return self._lake.positions(name, self._handles[name], self._streams)

    def _commit(self, name: str, files: Sequence[Written], ends: Mapping[Stream, int]) -> None:
        # a table may be ahead of the batch after a crash, and must never go back
        ends = {stream: max(end, self._done[name][stream]) for stream, end in ends.items()}
        handle = self._handles[name]
        before = handle.version()
        self._trace(f"{name}: files written")
        with refusing(f"the commit to {name}"):
            actions = [_action(file) for file in files]
            commit(handle, actions, {s.app_id(name): end for s, end in ends.items()})
            self._trace(f"{name}: committed")
            handle.update_incremental()
            self._lake.storage.sync_commit(name, range(before + 1, handle.version() + 1))
            self._done[name].update(ends)
            if self._positions(name) != self._done[name]:
                message = f"another writer moved the position of {name}; only one may ingest a log"
                raise CommitRefused(message)
            self._sweep(name, ends)
        self._trace(f"{name}: synced")

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

    def _sweep(self, name: str, ends: Mapping[Stream, int]) -> None:
        """
        Remove what crashed predecessors left of the streams just committed.

        The commit fences every older writer of these, so nobody can still be about to commit those
        files; of other streams somebody may. Files that compaction replaced stay for `vacuum`.
        """
        fenced = {stream.prefix for stream in ends}
        ours = {p for p in self._leftovers[name] if (f := parse_name(p)) and f.prefix in fenced}
        if ours:
            removed = set(removed_files(self._handles[name], name))
            self._lake.storage.delete(sorted(ours - removed))
            self._leftovers[name] = [p for p in self._leftovers[name] if p not in ours]


def _action(file: Written) -> AddAction:
    written_ms = int(time.time() * 1000)
    month = {PARTITION: file.month}
    return AddAction(file.path, file.size, month, written_ms, True, file.statistics)


def removed_files(handle: DeltaTable, table: str, hours: int = 0) -> list[str]:
    """Return the files that a commit older than `hours` has removed; some may be gone from disk."""
    found = handle.vacuum(retention_hours=hours, enforce_retention_duration=False, dry_run=True)
    return [f"{table}/{path}" for path in found]
