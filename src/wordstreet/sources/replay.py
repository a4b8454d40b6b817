"""Collected posts, read again from files: the source that needs no network and has an end."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from wordstreet.errors import SourceError
from wordstreet.schema import Envelope
from wordstreet.sources import Cursor, RawBatch
from wordstreet.sources.files import Line, find, lines
from wordstreet.sources.places import Place, find_place, step_over
from wordstreet.sources.unpack import DamagedError, Unpacked, unpacked
from wordstreet.sources.xlines import Found, read_line

__all__ = ["Replay"]

_BATCH_RECORDS: Final = 1000
_BATCH_BYTES: Final = 4 * 2**20
_BOM: Final = b"\xef\xbb\xbf"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _File:
    """
    One file to read.

    part:   its part of the cursor
    name:   what its records and gaps call it
    before: bytes on disk of the files before it
    """

    path: Path
    part: str
    name: str
    before: int


@dataclass(slots=True)
class _Batch:
    """Records on their way out, and the places behind the last of them."""

    records: list[Envelope] = field(default_factory=list)
    size: int = 0
    places: dict[str, Place] = field(default_factory=dict)

    def is_full(self) -> bool:
        return len(self.records) >= _BATCH_RECORDS or self.size >= _BATCH_BYTES

    def add(self, record: Envelope) -> None:
        self.records.append(record)
        self.size += len(record.value)

    def take(self) -> RawBatch:
        cursor = {part: json.dumps(asdict(place)) for part, place in self.places.items()}
        taken = RawBatch(self.records, cursor)
        self.records, self.size, self.places = [], 0, {}
        return taken


class Replay:
    """
    Reads X posts from a file, or from all files of a folder in the order of their paths.

    See `wordstreet.sources.Source` for the contract and `xlines.read_line` for what is understood.
    `observed_at` is the time a record itself claims, which nobody witnessed; a record that claims
    none takes that of the one before it in its file, the first one the clock's. Every line gets
    onto the log, of one longer than `max_record_bytes` its beginning, under the schema `oversize`.

    A file that breaks off or cannot be read becomes a gap, and reading goes on with the next one.
    The cursor has a part for each file: finished files are not opened again unless their size has
    changed, and one whose beginning has changed is read from its start. While reading goes on,
    `done_bytes` of the `total_bytes` on disk are done.
    """

    name = "replay"

    def __init__(
        self, path: Path, clock: Callable[[], int], max_record_bytes: int = 8 * 2**20
    ) -> None:
        self._clock = clock
        self._limit = max_record_bytes
        self._files: list[_File] = []
        self._alone = not os.path.isdir(path)
        self.total_bytes = 0
        self.done_bytes = 0
        for found in find(path):
            name = _printable(found.relative_to(path.parent if self._alone else path))
            part = _printable(found.absolute())
            self._files.append(_File(found, part, name, self.total_bytes))
            self.total_bytes += _size(found)

    def share(self) -> float | None:
        """Return the share of the bytes on disk that are read."""
        return min(1.0, self.done_bytes / self.total_bytes) if self.total_bytes else None

    def read(self, after: Cursor) -> Iterator[RawBatch]:
        """
        Yield what lies behind the cursor, and empty batches while looking for the place.

        Raises `SourceError` when the one file to read fails midway.
        """
        batch = _Batch()
        for file in self._files:
            self.done_bytes = file.before
            stored = after.get(file.part)
            place = Place(**json.loads(stored)) if stored else Place()
            if place.done is None:
                yield from self._file(file, place, batch)
            elif place.done != _size(file.path):
                yield from self._file(file, replace(place, within=0, done=None), batch)
        self.done_bytes = self.total_bytes
        if batch.places or batch.records:
            yield batch.take()

    def _file(self, file: _File, place: Place, batch: _Batch) -> Iterator[RawBatch]:
        """Read one file from its place on; whatever is wrong with it ends here."""
        size = _size(file.path)
        try:
            with unpacked(file.path) as content:
                if not (yield from find_place(content, place)):
                    yield from self._file(file, Place(), batch)
                    return
                yield from self._records(file, content, place, batch)
        except DamagedError as error:
            yield from self._break(file, place, batch, f"the packed data are damaged: {error}")
        except OSError as error:
            if self._alone:
                if batch.records:
                    yield batch.take()
                message = (
                    f"cannot read on in {file.path} after line {place.line}: {error.strerror}; "
                    "what was read is stored, the same command goes on from there"
                )
                raise SourceError(message) from error
            yield from self._break(file, place, batch, f"it cannot be read: {error.strerror}")
            return
        place.done = size
        batch.places[file.part] = place

    def _records(
        self, file: _File, content: Unpacked, place: Place, batch: _Batch
    ) -> Iterator[RawBatch]:
        """Put what the lines hold into the batch; the place moves with every record."""
        for block in lines(content, self._limit):
            self.done_bytes = file.before + content.consumed
            for line in block:
                for found in islice(_found(line, place), place.within, None):
                    if batch.is_full():
                        yield batch.take()
                    batch.add(self._envelope(found, file, place))
                    batch.places[file.part] = place
                    place.within += 1
                if line.ended:
                    step_over(line, place, content.head)
            if not block:
                yield RawBatch()

    def _envelope(self, found: Found, file: _File, place: Place) -> Envelope:
        value = found.value
        if found.event == "gap":
            value = _gap(place.seen, found.at, _newly_lost(found, place), "X kept back posts")
        if found.at is not None:
            place.seen = found.at
        at = self._clock() if place.seen is None else place.seen
        key = found.identity or f"?{file.name}#{place.line + 1}"
        return Envelope(f"x:{key}", value, "x", found.event, at, "replay", found.schema)

    def _break(self, file: _File, place: Place, batch: _Batch, reason: str) -> Iterator[RawBatch]:
        """Put a gap into the batch for what a file does not give."""
        if batch.is_full():
            yield batch.take()
        at = self._clock() if place.seen is None else place.seen
        value = _gap(place.seen, None, None, f"{file.name}, after line {place.line}: {reason}")
        key = f"x:?{file.name}#{place.line + 1}"
        batch.add(Envelope(key, value, "x", "gap", at, "replay", "x.v2"))


def _found(line: Line, place: Place) -> Iterable[Found]:
    """Return the records of a line; a blank one has none."""
    data = line.data if place.offset else line.data.removeprefix(_BOM)
    if not line.whole:
        return (Found(data, "post", "oversize"),)
    return read_line(data) if data and not data.isspace() else ()


def _newly_lost(notice: Found, place: Place) -> int | None:
    """Return how many more posts are lost than the last notice said; a new connection counts anew."""
    if notice.withheld is None:
        return None
    before = place.lost if place.lost <= notice.withheld else 0
    place.lost = notice.withheld
    return notice.withheld - before


def _gap(since: int | None, until: int | None, lost: int | None, reason: str) -> bytes:
    times = {"from": _iso(since), "to": _iso(until)}
    return json.dumps({**times, "lost": lost, "reason": reason}).encode()


def _iso(micros: int | None) -> str | None:
    return None if micros is None else (_EPOCH + timedelta(microseconds=micros)).isoformat()


def _printable(path: Path) -> str:
    """Return a path as text that can be stored, whatever bytes it is made of."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
