"""How far a file is delivered, and how to get there again."""

import hashlib
from collections.abc import Generator
from dataclasses import dataclass

from wordstreet.sources import RawBatch
from wordstreet.sources.files import Line
from wordstreet.sources.unpack import HEAD, Unpacked

__all__ = ["Place", "find_place", "step_over"]


@dataclass(slots=True)
class Place:
    """
    How far one file is delivered; its fields, as JSON, are its part of the cursor.

    offset: where in the unpacked file the first line begins that is not all delivered
    line:   how many lines lie before it
    within: how many records of that line are delivered
    head:   digest of the file's first bytes, of as many as lie before `offset`, `HEAD` at most
    seen:   the last time claimed, in microseconds since 1970
    lost:   how many posts the service kept back, as its last notice counts them
    done:   how long the file on disk was when its end was reached; None before
    """

    offset: int = 0
    line: int = 0
    within: int = 0
    head: str = ""
    seen: int | None = None
    lost: int = 0
    done: int | None = None


def find_place(content: Unpacked, place: Place) -> Generator[RawBatch, None, bool]:
    """Go to the place; return whether the file still is the one it was taken from."""
    start = min(HEAD, place.offset)
    while content.position < start and content.block(start - content.position):
        pass
    if place.offset and place.head != _digest(content.head):
        return False
    if place.offset <= HEAD:
        return True
    while content.position < place.offset - 1 and content.forward(place.offset - 1):
        yield RawBatch()
    return content.block(1) == b"\n"


def step_over(line: Line, place: Place, head: bytes) -> None:
    """Move the place behind a line of which everything is delivered."""
    if place.offset < HEAD:
        place.head = _digest(head[: place.offset + line.size])
    place.offset += line.size
    place.line += 1
    place.within = 0


def _digest(head: bytes) -> str:
    return hashlib.sha256(head).hexdigest()
