"""Wall time, CPU seconds and peak memory of a command with everything it starts."""

import os
import resource
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Cost", "run"]

_EVERY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Cost:
    """wall and cpu in seconds, peak: the most memory (PSS) of all its processes together, in MB."""

    wall: float
    cpu: float
    peak: float
    output: str


def run(command: Sequence[str], environment: dict[str, str] | None = None) -> Cost:
    """Run a command to its end; `subprocess.CalledProcessError` when it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}
    )
    peak = _Peak(child.pid)
    output, _ = child.communicate()
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command, output)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, peak.stop() / 1e6, output)


class _Peak:
    """Samples the memory of a process and its descendants until told to stop."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        self._done.set()
        self._thread.join()
        return self._bytes

    def _sample(self) -> None:
        while not self._done.wait(_EVERY_SECONDS):
            self._bytes = max(self._bytes, sum(map(_pss, _family(self._pid))))


def _family(pid: int) -> list[int]:
    """Return a process and its descendants, whichever of its threads started them."""
    found = [pid]
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = listing.read_text().split()
        except OSError:  # the thread or the process has just ended
            continue
        found += [member for child in children for member in _family(int(child))]
    return found


def _pss(pid: int) -> int:
    """Return bytes of memory, shared pages counted by share."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
