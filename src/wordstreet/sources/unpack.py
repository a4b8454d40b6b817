"""One file as a stream of unpacked bytes: plain, gzip, zstd or bzip2, told by content, never held whole."""

import bz2
import errno
import gzip
import io
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

import zstandard

__all__ = ["HEAD", "DamagedError", "Unpacked", "open_regular", "unpacked"]

HEAD: Final = 4096
"""So many bytes at the start of a file tell whether it still is the one we know."""

_BLOCK: Final = 256 * 1024
_BZIP2_INPUT: Final = 16 * 1024
_ZSTD_WINDOW: Final = 2**31  # archives of years are packed with it
_ZSTD_INPUT: Final = 512  # four bytes can mean a block of 128 KiB, so these are at most 16 MiB


class DamagedError(Exception):
    """The packed data are cut off or corrupt; what was read before is good."""


def open_regular(path: Path) -> io.BufferedReader:
    """Open a regular file; a pipe or a device could keep us waiting for ever."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return open(descriptor, "rb")


class _Stream(Protocol):
    def read1(self, limit: int, /) -> bytes: ...


class Unpacked:
    """The bytes of one file, unpacked, from its start forward."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self._stream = _stream(file)
        self._unpacked = b""
        self.head = b""  # the first `HEAD` bytes, as far as they were read
        self.position = 0

    @property
    def consumed(self) -> int:
        """How many bytes of the file on disk have been read."""
        return self._file.tell()

    def block(self, limit: int = _BLOCK) -> bytes:
        """
        Return the next bytes, none at the end; raises `DamagedError` or `OSError`.

        Where damage shows depends on the steps in which data are unpacked, so these are the same
        in every run, whatever the limits.
        """
        self._unpacked = self._unpacked or self._unpack()
        block, self._unpacked = self._unpacked[:limit], self._unpacked[limit:]
        if len(self.head) < HEAD:
            self.head += block[: HEAD - len(self.head)]
        self.position += len(block)
        return block

    def _unpack(self) -> bytes:
        try:
            return self._stream.read1(_BLOCK)
        except (EOFError, zlib.error, zstandard.ZstdError) as error:
            raise DamagedError(str(error)) from error
        except OSError as error:
            if error.errno is not None:
                raise
            raise DamagedError(str(error)) from error

    def forward(self, target: int) -> bool:
        """Go on towards `target`, all the way where that is quick; return False at the end."""
        if self._stream is self._file:
            self._unpacked, self.position = b"", self._file.seek(target)
            return True
        return bool(self.block(min(_BLOCK, target - self.position)))


@contextmanager
def unpacked(path: Path) -> Iterator[Unpacked]:
    """Open a file, plain or packed with gzip, zstd or bzip2, whatever its name says."""
    with open_regular(path) as file:
        yield Unpacked(file)


def _stream(file: io.BufferedReader) -> _Stream:
    magic = file.read(4)
    file.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)
    if magic.startswith(b"BZh"):
        return _Members(file, bz2.BZ2Decompressor, _BZIP2_INPUT)
    if magic == b"\x28\xb5\x2f\xfd" or (magic[1:] == b"\x2a\x4d\x18" and magic[0] >> 4 == 5):
        return _Members(file, _ZstdFrame, _ZSTD_INPUT)
    return file


class _Member(Protocol):
    """A decompressor of one packed member, like those of the standard library."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Members:
    """
    Packed members one after another.

    Unlike the library readers of these formats, it notices a cut and gives everything before it.
    """

    def __init__(self, file: io.BufferedReader, new: Callable[[], _Member], portion: int) -> None:
        self._file = file
        self._new = new
        self._portion = portion
        self._member: _Member | None = None
        self._packed = b""
        self._ready = memoryview(b"")

    def read1(self, limit: int, /) -> bytes:
        while not self._ready:
            member = self._member or self._new()
            if member.needs_input and not self._packed:
                self._packed = self._file.read(self._portion)
            if not self._packed and self._member is None:
                return b""
            self._ready = memoryview(member.decompress(self._packed, limit))
            if member.needs_input and not (self._packed or self._ready):
                message = "Compressed file ended before the end-of-stream marker was reached"
                raise EOFError(message)
            self._packed = member.unused_data
            self._member = None if member.eof else member
        piece, self._ready = self._ready[:limit], self._ready[limit:]
        return bytes(piece)


class _ZstdFrame:
    """A frame of zstd; gives all that its input holds, so that the input must be short."""

    needs_input = True

    def __init__(self) -> None:
        self._frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()

    @property
    def eof(self) -> bool:
        return self._frame.eof

    @property
    def unused_data(self) -> bytes:
        return self._frame.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._frame.decompress(data)
