"""Wall time, CPU seconds and peak memory of a command with everything it starts."""

import ctypes
import os
import resource
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Cost", "run"]

_EVERY_SECONDS = 0.1
_PATIENCE_SECONDS = 30.0
_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


@dataclass(frozen=True, slots=True)
class Cost:
    """
    What a command took.

    wall:    seconds until the command itself ended
    cpu:     seconds of all its processes, those that outlived it included
    peak:    the most memory (PSS) of all its processes together, in MB
    largest: the most memory of any one process of a kind, in MB: `command` itself and what it
             started, `java`, and `worker` for what a Java process started
    output:  its stdout
    errors:  its stderr where it was asked for
    """

    wall: float
    cpu: float
    peak: float
    largest: Mapping[str, float]
    output: str
    errors: str


def run(
    command: Sequence[str], environment: dict[str, str] | None = None, errors: bool = False
) -> Cost:
    """
    Run a command to its end; `subprocess.CalledProcessError` when it fails.

    The kernel counts the CPU of a process when its parent waits for it. Spark's JVM outlives the
    command that started it and nobody waits for it; so such orphans become children of ours.
    """
    others = set(_children(os.getpid()))
    with _adopting(), tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.monotonic()
        child = subprocess.Popen(
            command,
            stdout=out,
            stderr=err if errors else None,
            env={**os.environ, **(environment or {})},
        )
        peak = _Peak(child.pid)
        try:
            child.wait()
            wall = time.monotonic() - started
        finally:
            _end(child)
            largest = peak.stop()
            _bury(others)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        out.seek(0)
        err.seek(0)
        said, complained = out.read(), err.read()
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command, said, complained)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    together = largest.pop(_TOGETHER, 0.0)
    return Cost(wall, cpu, together, largest, said, complained)


@contextmanager
def _adopting() -> Iterator[None]:
    """Be the parent of every descendant whose own parent has ended."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "cannot adopt orphans")
    try:
        yield
    finally:
        prctl(_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a command that we no longer wait for."""
    child.terminate()
    try:
        child.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _bury(others: set[int]) -> None:
    """Wait for every child but `others`; who takes too long is killed."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while left := set(_children(os.getpid())) - others:
        late = time.monotonic() > deadline
        for pid in left:
            with suppress(ProcessLookupError, ChildProcessError):
                if late:
                    os.kill(pid, 9)
                os.waitpid(pid, 0 if late else os.WNOHANG)
        time.sleep(_EVERY_SECONDS / 10)


_TOGETHER = "together"


class _Peak:
    """Samples the memory of a process and its descendants until told to stop."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._most: dict[str, int] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, float]:
        """Return the most MB of one process of each kind, and of all processes together."""
        self._done.set()
        self._thread.join()
        return {kind: found / 1e6 for kind, found in self._most.items()}

    def _sample(self) -> None:
        while not self._done.wait(_EVERY_SECONDS):
            together = 0
            for pid, kind in _family(self._pid, "command"):
                found = _pss(pid)
                together += found
                self._most[kind] = max(self._most.get(kind, 0), found)
            self._most[_TOGETHER] = max(self._most.get(_TOGETHER, 0), together)


def _family(pid: int, kind: str) -> Iterator[tuple[int, str]]:
    """
    Yield a process and its descendants, each with its kind.

    Java starts a program by a twin that shares its memory until it becomes the program; such a
    twin would count the JVM twice.
    """
    if kind == "command" and _program(pid) == "java":
        kind = "java"
    yield pid, kind
    for child in _children(pid):
        if kind == "command":
            yield from _family(child, kind)
        elif kind == "worker" or _program(child) != "java":
            yield from _family(child, "worker")


def _children(pid: int) -> list[int]:
    """Return the children of a process, whichever of its threads started them."""
    found = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread or the process has just ended
            found += [int(child) for child in listing.read_text().split()]
    return found


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/exe").readlink().name
    except OSError:
        return ""


def _pss(pid: int) -> int:
    """Return bytes of memory, shared pages counted by share."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
