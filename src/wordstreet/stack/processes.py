"""Programs that outlive the command that started them, and are found again without a mistake."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

__all__ = ["find", "gone", "start", "stop"]

_POLL_SECONDS: Final = 0.1
_BECOMING_SECONDS: Final = 1.0
# the shell writes the number down itself, so a program is never running and unknown, and goes away,
# so the program has no parent that must wait for it
_START: Final = '"$@" >>"$0" 2>&1 </dev/null & echo $! >pid'


def start(command: Sequence[str], folder: Path, log: Path) -> None:
    """Start a program in a session of its own, in `folder`; its number goes to the file `pid`."""
    subprocess.run(
        ["/bin/sh", "-c", _START, str(log), *command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        check=True,
    )


def find(folder: Path, mark: str) -> int | None:
    """
    Return the number of the program started in `folder`; None when it does not run.

    Numbers are given anew after a process ended, so only one whose command line has `mark` as
    a whole word is ours. Nothing else is ever touched.
    """
    try:
        pid = int((folder / "pid").read_text())
    except (OSError, ValueError):
        return None
    return pid if pid > 1 and _runs(pid, mark) else None


def stop(folder: Path, mark: str, number: signal.Signals) -> None:
    """Send a signal to the program started in `folder`, if it runs."""
    pid = find(folder, mark)
    if pid is not None:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return  # it ended in between, which is what was wanted


def gone(folders: Sequence[tuple[Path, str]], seconds: float) -> bool:
    """Wait until none of these programs runs; False when time is up."""
    deadline = time.monotonic() + seconds
    while any(find(folder, mark) is not None for folder, mark in folders):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _runs(pid: int, mark: str) -> bool:
    if Path("/proc/self").exists():
        return os.fsencode(mark) in _words(Path(f"/proc/{pid}"))
    # macOS has no /proc
    line = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True)
    return f" {mark} ".encode() in b" %b " % line.stdout.strip()


def _words(process: Path) -> list[bytes]:
    """
    Return the command line of a process; empty when it ended.

    It is empty for a moment too while the shell becomes the program, so an empty one is looked at
    again unless the process is dead and only waits to be noticed.
    """
    deadline = time.monotonic() + _BECOMING_SECONDS
    try:
        while not (line := (process / "cmdline").read_bytes()):
            state = (process / "stat").read_bytes().rpartition(b")")[2].split()[0]
            if state in (b"Z", b"X") or time.monotonic() > deadline:
                return []
            time.sleep(_BECOMING_SECONDS / 50)
    except OSError:
        return []
    return line.split(b"\0")
