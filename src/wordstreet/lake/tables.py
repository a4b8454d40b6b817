"""The tables of a lake: where they lie, how they are made, which file names mean what."""

import errno
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, Transaction, WriterProperties
from deltalake.exceptions import DeltaError

from wordstreet.errors import CommitRefused, LakeError
from wordstreet.lake.storage import Storage
from wordstreet.locks import hold
from wordstreet.schema import PRICES, SCHEMA_VERSION, TABLES

__all__ = ["PARTITION", "REWRITTEN", "Lake", "Range", "Stream", "commit", "parse_name", "refusing"]

PARTITION: Final = "month"

REWRITTEN: Final = WriterProperties(
    compression="ZSTD", compression_level=3, max_row_group_size=50_000
)
"""How files are written that replace others; small row groups keep memory flat."""

_STREAMS: Final = "_streams"

_INGESTED: Final = {"posts", "mentions", "rejects", "deletions", "gaps"}

_CONFIGURATION: Final = {
    # No reader needs more than plain Delta, and no statistics hold text of people.
    "delta.enableDeletionVectors": "false",
    "delta.dataSkippingStatsColumns": "observed_at,offset",
    "delta.logRetentionDuration": "interval 7 days",
    "wordstreet.schemaVersion": str(SCHEMA_VERSION),
}


@dataclass(frozen=True, slots=True)
class Stream:
    """One partition of one topic of one log: the unit that has a position."""

    log_id: str
    topic: str
    partition: int

    def app_id(self, table: str) -> str:
        """Return the name of this stream's app transaction in `table`."""
        return f"ingest:{table}:{self}"

    def __str__(self) -> str:
        return f"{self.log_id}/{self.topic}/{self.partition}"

    @property
    def prefix(self) -> str:
        """Return how the names of this stream's files begin."""
        return f"{self.topic}+{self.log_id[:8]}+{self.partition}+"


@dataclass(frozen=True, slots=True)
class Range:
    """What a file name says of its content: the stream's prefix and offsets [start, end)."""

    prefix: str
    start: int
    end: int


_NAME: Final = re.compile(
    r"\.?(?P<prefix>[^/]+\+[0-9a-f]{8}\+\d+\+)(?P<start>\d{20})-(?P<end>\d{20})\+[0-9a-f]{8}"
    r"\.append\.parquet(\.tmp)?"
)


def parse_name(path: str) -> Range | None:
    """Return what the name of an appended file says, or None for any other file."""
    found = _NAME.fullmatch(path.rsplit("/", 1)[-1])
    if found is None:
        return None
    return Range(found["prefix"], int(found["start"]), int(found["end"]))


class Lake:
    """
    The tables under one address; opening makes those that are missing.

    A handle (`DeltaTable`) is a snapshot: take a new one for a new look, keep one from reading a
    position to committing what follows it.
    """

    def __init__(self, uri: str) -> None:
        self.storage = Storage(uri)
        self.uri = self.storage.uri
        self._upgrade()

    def table_uri(self, table: str) -> str:
        """Return the address of one Delta table, for any reader of Delta."""
        return f"{self.uri}/{table}"

    def handle(self, table: str) -> DeltaTable:
        """Return a fresh snapshot of a table."""
        try:
            return DeltaTable(self.table_uri(table), storage_options=self.storage.options)
        except (DeltaError, OSError) as error:
            message = f"cannot read the table {table} at {self.uri}: {_plainly(error)}"
            raise LakeError(message) from error

    def enlist(self, streams: Iterable[Stream]) -> None:
        """Remember which streams land here; an empty file each, its name says all."""
        known = set(self.streams())
        for stream in streams:
            if stream not in known:
                name = f"{stream.topic}+{stream.log_id}+{stream.partition}"
                self.storage.write(f"{_STREAMS}/{name}", pa.py_buffer(b""))

    def streams(self) -> list[Stream]:
        """Return every stream that ever landed here."""
        names = (file.path.rsplit("/", 1)[-1] for file in self.storage.list(_STREAMS))
        parts = [name.split("+") for name in sorted(names) if not name.startswith(".")]
        return [Stream(log_id, topic, int(number)) for topic, log_id, number in parts]

    def positions(
        self, table: str, handle: DeltaTable, streams: Iterable[Stream]
    ) -> dict[Stream, int]:
        """Return the next offset that each stream needs in this snapshot of `table`."""
        return {s: handle.transaction_version(s.app_id(table)) or 0 for s in streams}

    @contextmanager
    def rewriting(self, wait_seconds: float = 60.0) -> Iterator[None]:
        """
        Be the only one who writes files other than a `Writer` does; ingest is not held up.

        Behind an S3 API nothing can be locked: run maintenance from one place there.
        """
        if not self.storage.local:
            yield
            return
        with hold(Path(self.uri), "maintenance", wait_seconds):
            yield

    def _upgrade(self) -> None:
        """Make missing tables, and add columns that our schema has and an older table lacks."""
        try:
            fresh = not DeltaTable.is_deltatable(self.table_uri("posts"), self.storage.options)
            if fresh and not self.storage.local:
                self._probe_fencing()
            for table, schema in {**TABLES, "prices": PRICES}.items():
                self._make(table, schema)
        except (DeltaError, OSError) as error:
            reason = _plainly(error)
            message = f"cannot open the lake at {self.uri}: {reason}; check lake.uri and who may write there"
            raise LakeError(message) from error

    def _make(self, table: str, schema: pa.Schema) -> None:
        dated = table in _INGESTED
        configuration = dict(_CONFIGURATION)
        if not dated:
            configuration["delta.dataSkippingStatsColumns"] = "session"
        wanted = schema.append(pa.field(PARTITION, pa.string())) if dated else schema
        handle = DeltaTable.create(
            self.table_uri(table),
            schema=wanted,
            mode="ignore",
            partition_by=[PARTITION] if dated else None,
            configuration=configuration,
            storage_options=self.storage.options,
            raise_if_key_not_exists=False,
        )
        if handle.version() == 0:
            self.storage.sync_commit(table, [0])
        known = set(handle.schema().to_arrow().names)
        missing = [field for field in Schema.from_arrow(wanted).fields if field.name not in known]
        if missing:
            handle.alter.add_columns(missing)
            handle.alter.set_table_properties(
                {"wordstreet.schemaVersion": str(SCHEMA_VERSION)}, raise_if_not_exists=False
            )

    def _probe_fencing(self) -> None:
        """Refuse a store that lets two writers commit the same version; it would lose posts."""
        uri = self.table_uri("_probe")
        options = self.storage.options
        DeltaTable.create(
            uri, pa.schema([("x", pa.int8())]), mode="overwrite", storage_options=options
        )
        first, second = (DeltaTable(uri, storage_options=options) for _ in range(2))
        commit(first, [], {"probe": 1})
        try:
            commit(second, [], {"probe": 1})
        except DeltaError:
            self.storage.delete(file.path for file in list(self.storage.list("_probe")))
            return
        message = (
            f"the store behind {self.uri} ignores conditional writes (If-None-Match), so two writers "
            "could overwrite each other; use a store that honours them"
        )
        raise LakeError(message)


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn what goes wrong on the way to a table into `CommitRefused`: it may be tried again."""
    try:
        yield
    except (DeltaError, OSError) as error:
        full = "No space left" in str(error) or getattr(error, "errno", 0) == errno.ENOSPC
        advice = (
            "; free some disk space and start again, nothing acknowledged is lost" if full else ""
        )
        message = f"{what} was refused: {_plainly(error)}{advice}"
        raise CommitRefused(message) from error


def _plainly(error: Exception) -> str:
    """Return the first line of what a library says, without the colours meant for its own screen."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
    return text.splitlines()[0] if text else type(error).__name__


def commit(handle: DeltaTable, actions: list[Any], versions: dict[str, int]) -> None:
    """Add files and move app transactions in one commit on this very handle; never retried."""
    schema = handle.schema()
    handle.create_write_transaction(
        actions,
        mode="append",
        schema=schema,
        partition_by=handle.metadata().partition_columns,
        commit_properties=CommitProperties(
            app_transactions=[Transaction(app, version) for app, version in versions.items()]
        ),
    )
