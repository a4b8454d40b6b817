"""Files of lines: found in a folder, cut at line ends, never held whole."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from wordstreet.errors import InputError
from wordstreet.sources.unpack import DamagedError, Unpacked, open_regular

__all__ = ["Line", "find", "lines"]

_KEPT: Final = 64 * 1024  # of a line that is too long


class Line(NamedTuple):
    """
    One line of a file.

    data:  its bytes without the line end; of a line too long only the beginning
    size:  how many bytes it takes in the unpacked file, line end included
    ended: whether a line end closes it
    whole: whether `data` is all of it
    """

    data: bytes
    size: int
    ended: bool
    whole: bool


def find(path: Path) -> list[Path]:
    """
    Return the file at `path`, or all files in the folder and below by relative path.

    Hidden files and folders are left out, a folder reached in two ways is entered once. What
    cannot be looked at is listed as well: opening it will tell why. Raises `InputError` when there
    is nothing to read.
    """
    try:
        if not os.path.isdir(path):
            open_regular(path).close()
            return [path]
        os.scandir(path).close()
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}; name a file or folder of collected posts"
        raise InputError(message) from error
    found = sorted(_below(path))
    if not found:
        message = f"{path} holds no files; name a file or folder of collected posts"
        raise InputError(message)
    return found


def _below(root: Path) -> Iterator[Path]:
    folders, seen = [root], set()
    while folders:
        folder = folders.pop()
        real = os.path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        try:
            entries = sorted(folder.iterdir(), reverse=True)
        except OSError:
            yield folder
            continue
        shown = [entry for entry in entries if not entry.name.startswith(".")]
        folders += [entry for entry in shown if os.path.isdir(entry)]
        yield from (entry for entry in shown if not os.path.isdir(entry))


def lines(file: Unpacked, limit: int) -> Iterator[list[Line]]:
    """
    Yield the lines that each next block of the file ends, an empty list where it ends none.

    Lines end with a line feed and nothing else; a carriage return before it goes. Of a line of more
    than `limit` bytes the first 64 KiB are kept. Raises what `Unpacked.block` raises; damage, after
    what could be read of the line it falls into.
    """
    begun, size = bytearray(), 0
    try:
        while block := file.block():
            if not size and block.endswith(b"\n") and not block.strip(b"\r\n"):
                yield [Line(b"", len(block), True, whole=True)]  # a bomb of blank lines is one
                continue
            first, *others = block.split(b"\n")
            begun += first
            size += len(first)
            if size > limit:
                del begun[_KEPT:]
            if not others:
                yield []
                continue
            last = others.pop()
            yield [
                _line(bytes(begun), size, True, limit),
                *(_line(piece, len(piece), True, limit) for piece in others),
            ]
            begun, size = bytearray(last), len(last)
    except DamagedError:
        if size:
            yield [_line(bytes(begun), size, False, limit)]
        raise
    if size:
        yield [_line(bytes(begun), size, False, limit)]


def _line(data: bytes, size: int, ended: bool, limit: int) -> Line:
    if size > limit:
        return Line(data[:_KEPT], size + ended, ended, whole=False)
    return Line(data.removesuffix(b"\r"), size + ended, ended, whole=True)
