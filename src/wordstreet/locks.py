"""One process at a time for one role: advisory file locks that end with their process."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wordstreet.errors import LockedError

__all__ = ["hold"]

_POLL_SECONDS = 0.1


@contextmanager
def hold(folder: Path, role: str, wait_seconds: float = 2.0) -> Iterator[None]:
    """
    Be the only process with this role here, or raise `LockedError` after `wait_seconds`.

    The wait lets a predecessor that is just ending go; the lock of a killed process is gone with it.
    """
    path = folder / f".{role}.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise LockedError(_unwritable(folder, error)) from error
    try:
        _lock(file, path, role, time.monotonic() + wait_seconds)
        try:
            os.ftruncate(file, 0)
            os.pwrite(file, str(os.getpid()).encode(), 0)
        except OSError as error:
            raise LockedError(_unwritable(folder, error)) from error
        yield
    finally:
        os.close(file)


def _unwritable(folder: Path, error: OSError) -> str:
    reason = error.strerror
    return f"cannot write in {folder}: {reason}; check who may write there and the free space"


def _lock(file: int, path: Path, role: str, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
                continue
            owner = os.pread(file, 32, 0).decode() or "unknown"
            message = (
                f"another {role} (process {owner}) is at work on {path.parent}; "
                "wait for it, stop it, or give this one another --home"
            )
            raise LockedError(message) from None
        return
