"""Arrival → readable: how long after it is on the log a post can be read from the lake."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
from deltalake import DeltaTable
from numpy.typing import NDArray

from bench import posts
from wordstreet.lake.tables import Lake, Stream
from wordstreet.log.embedded import EmbeddedLog
from wordstreet.schema import Envelope

__all__ = ["measure"]

_RATE = 1_000
_TICK = 0.02
_WARM_SECONDS = 5


def measure(home: Path, seconds: int) -> str:
    """Append 1,000 posts/s beside a running `wordstreet ingest` and time each until readable."""
    home.mkdir(parents=True)
    posts.write(home / "posts.jsonl", _RATE * (seconds + _WARM_SECONDS))
    lines = (home / "posts.jsonl").read_bytes().splitlines()
    lake = Lake(str(home / "lake"))
    log = EmbeddedLog(home / "log", "posts")
    command = [sys.executable, "-m", "wordstreet", "ingest", "--home", str(home)]
    engine = subprocess.Popen([*command, "--set", "watchlist.path=us30"], stdout=subprocess.DEVNULL)
    arrived = np.zeros(len(lines))
    readable = np.zeros(len(lines))
    done = threading.Event()
    reader = threading.Thread(target=_watch, args=(lake, log, readable, done))
    reader.start()
    try:
        _feed(log, lines, arrived)
        deadline = time.monotonic() + 30
        while not readable.all() and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        done.set()
        reader.join()
        engine.send_signal(signal.SIGTERM)
        engine.wait()
    waits = (readable - arrived)[_RATE * _WARM_SECONDS :]
    if not readable.all():
        message = f"{int((readable == 0).sum())} posts never became readable"
        raise SystemExit(message)
    middle, high = np.percentile(waits, [50, 99])
    return (
        f"arrival → readable at {_RATE:,} posts/s over {seconds} s: "
        f"p50 {middle:.2f} s, p99 {high:.2f} s, slowest {waits.max():.2f} s"
    )


def _feed(log: EmbeddedLog, lines: list[bytes], arrived: NDArray[np.float64]) -> None:
    """Append the lines at the rate, noting when each became durable."""
    started = time.monotonic()
    at = 0
    while at < len(lines):
        due = min(len(lines), int((time.monotonic() - started) * _RATE))
        if due > at:
            now = time.time_ns() // 1000
            batch = [
                Envelope(f"x:{n}", lines[n], "x", "post", now, "stream", "x.v2")
                for n in range(at, due)
            ]
            arrived[at:due] = time.monotonic()
            log.append(batch, "bench", {})
            at = due
        time.sleep(_TICK)


def _watch(
    lake: Lake,
    log: EmbeddedLog,
    readable: NDArray[np.float64],
    done: threading.Event,
) -> None:
    """Note when the table of posts first showed each offset to another process's handle."""
    app = Stream(log.id, log.topic, 0).app_id("posts")
    handle = DeltaTable(lake.table_uri("posts"))
    seen = 0
    while not done.wait(0.01):
        handle.update_incremental()
        position = handle.transaction_version(app) or 0
        if position > seen:
            readable[seen:position] = time.monotonic()
            seen = position
