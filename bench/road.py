"""
The whole embedded road against a plain loop on the same generated posts, and its latency.

    python -m bench.road [--posts 1000000] [--runs 3] [--seconds 60]

Prints medians and ratios; the last result stands in bench/README.md.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import latency, posts
from bench.measure import Cost, run

SETTINGS = ["--set", "watchlist.path=us30"]


def main() -> None:
    """Generate, run both roads in turn, print the table."""
    parser = argparse.ArgumentParser(description="the embedded road against a plain loop")
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=60, help="length of the latency run")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wordstreet-bench-") as folder:
        work = Path(folder)
        source = work / "posts.jsonl"
        _say(f"generating {given.posts:,} posts")
        posts.write(source, given.posts)
        small = work / "small.jsonl"
        posts.write(small, given.posts // 4)
        size = source.stat().st_size / given.posts
        print(f"{given.posts:,} posts of {size:,.0f} bytes, {given.runs} runs in turn, medians")
        ours, plain = [], []
        for n in range(given.runs):
            _say(f"run {n + 1} of {given.runs}: wordstreet")
            ours.append(_road(work, source, given.posts))
            _say(f"run {n + 1} of {given.runs}: plain loop")
            plain.append(
                run([sys.executable, "-m", "bench.plain", str(source), str(work / "p.parquet")])
            )
        quarter = _road(work, small, given.posts // 4)
        _table(given.posts, ours, plain)
        print(f"peak memory with a quarter of the posts: {quarter.peak:,.0f} MB")
        _say("latency")
        print(latency.measure(work / "latency", given.seconds))


def _road(work: Path, source: Path, count: int) -> Cost:
    """Replay the file into a fresh home, check that every post landed once, return the cost."""
    home = work / "home"
    shutil.rmtree(home, ignore_errors=True)
    command = [
        sys.executable,
        "-m",
        "wordstreet",
        "run",
        "--source",
        "replay",
        "--path",
        str(source),
    ]
    cost = run([*command, "--home", str(home), "--json", *SETTINGS])
    found = json.loads(cost.output)
    if (found["stored"], found["rejects"], found["duplicates"]) != (count, 0, 0):
        message = f"the road did not land every post once: {found}"
        raise SystemExit(message)
    return cost


def _table(count: int, ours: list[Cost], plain: list[Cost]) -> None:
    def median(costs: list[Cost], of: Callable[[Cost], float]) -> float:
        return statistics.median(map(of, costs))

    rows: list[tuple[str, Callable[[Cost], float]]] = [
        ("posts/s", lambda cost: count / cost.wall),
        ("posts per CPU second", lambda cost: count / cost.cpu),
        ("CPU seconds", lambda cost: cost.cpu),
        ("peak memory, MB", lambda cost: cost.peak),
    ]
    print(f"{'':24}{'wordstreet':>12}{'plain loop':>12}{'ratio':>8}")
    for name, of in rows:
        a, b = median(ours, of), median(plain, of)
        print(f"{name:24}{a:>12,.0f}{b:>12,.0f}{a / b:>8.2f}")


def _say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr)


if __name__ == "__main__":
    main()
