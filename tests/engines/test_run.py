"""Collector and engine together: one can die without the other."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from wordstreet.lake.maintain import verify
from wordstreet.lake.tables import Lake


def children(pid: int) -> list[int]:
    """Return the processes that any thread of a process has started."""
    found = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in listing.read_text().split()]
    return found


def collectors(pid: int) -> list[int]:
    """Return the collecting children of a run."""
    return [c for c in children(pid) if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]


def start(home: Path, count: int) -> subprocess.Popen[str]:
    """Start a run over many posts in small batches."""
    path = home / "posts.jsonl"
    home.mkdir()
    lines = (
        json.dumps(
            {
                "data": {
                    "id": str(n),
                    "author_id": "1",
                    "created_at": "2026-11-02T15:00:00.000Z",
                    "text": f"Tesla {n}",
                }
            }
        )
        for n in range(count)
    )
    path.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "wordstreet", "run", "--path", str(path), "--home", str(home)]
    small = ["--set", "ingest.batch_rows=2000", "--set", "watchlist.path=seed", "--json"]
    return subprocess.Popen(
        [*command, *small], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(what: object, seconds: float = 30) -> None:
    """Wait until a function says yes."""
    deadline = time.monotonic() + seconds
    while not what() and time.monotonic() < deadline:  # type: ignore[operator]
        time.sleep(0.02)


def test_a_killed_collector_is_started_again(tmp_path: Path) -> None:
    """kill -9 of the child alone: a new one goes on at the cursor, every post lands once."""
    road = start(tmp_path / "home", 60_000)
    wait_for(lambda: collectors(road.pid))
    log = tmp_path / "home" / "log" / "log.sqlite"
    wait_for(lambda: log.exists() and log.stat().st_size > 200_000)
    for child in collectors(road.pid):
        os.kill(child, signal.SIGKILL)
    out, err = road.communicate(timeout=200)
    audit = verify(Lake(str(tmp_path / "home" / "lake")))

    assert road.returncode == 0, err
    assert "the collector died" in err
    assert json.loads(out)["stored"] == 60_000
    assert (audit.ok, audit.records) == (True, 60_000)


def test_a_killed_run_leaves_no_collector_behind(tmp_path: Path) -> None:
    """The child notices that its parent is gone and lets go of the log."""
    road = start(tmp_path / "home", 60_000)
    wait_for(lambda: collectors(road.pid))
    child = collectors(road.pid)[0]
    road.kill()
    road.wait()
    wait_for(
        lambda: (
            not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text()
        )
    )

    assert not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text()


def test_sigterm_ends_both_and_nothing_is_lost(tmp_path: Path) -> None:
    """Stopped in the middle it ends with 0 and one object; the next run does the rest."""
    road = start(tmp_path / "home", 60_000)
    log = tmp_path / "home" / "log" / "log.sqlite"
    wait_for(lambda: log.exists() and log.stat().st_size > 200_000)
    road.terminate()
    out, err = road.communicate(timeout=100)
    first = json.loads(out)
    command = [
        sys.executable,
        "-m",
        "wordstreet",
        "run",
        "--home",
        str(tmp_path / "home"),
        "--json",
    ]
    path = ["--path", str(tmp_path / "home" / "posts.jsonl")]
    second = json.loads(subprocess.run([*command, *path], capture_output=True, check=True).stdout)

    assert road.returncode == 0, err
    assert first["stored"] + second["stored"] == 60_000
    assert verify(Lake(str(tmp_path / "home" / "lake"))).records == 60_000
