"""Killed at any moment, any number of times: nothing lost, nothing twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wordstreet.lake.maintain import verify
from wordstreet.lake.tables import Lake
from wordstreet.lake.views import query

TABLES = ("deletions", "posts", "mentions", "rejects", "gaps")
MOMENTS = [f"{t}: {s}" for t in TABLES for s in ("files written", "committed", "synced")]

KILLED_AT = """
import os, signal, sys
from tests.lake.batches import STREAM, batch, with_gap
from wordstreet.lake.commit import Writer
from wordstreet.lake.tables import Lake

def trace(step):
    if step == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

writer = Writer(Lake(sys.argv[1]), [STREAM], trace)
start = writer.positions()[STREAM]
rows = with_gap(batch(start, 40, rejected={3}, deleting={5: "p1"}), 7)
writer.commit(rows, {STREAM: 40})
writer.settle({STREAM: 40})
"""


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_process_killed_at_a_step_of_the_commit(moment: str, tmp_path: Path) -> None:
    """SIGKILL right after each step of each table's commit; the next process mends it."""
    command = [sys.executable, "-c", KILLED_AT, str(tmp_path)]
    killed = subprocess.run([*command, moment], check=False)
    mended = subprocess.run([*command, "never"], check=False)
    audit = verify(Lake(str(tmp_path)))

    assert (killed.returncode, mended.returncode) == (-signal.SIGKILL, 0)
    assert (audit.records, audit.lost, audit.twice) == (40, 0, 0)
    assert audit.ok


def write_posts(path: Path, count: int) -> set[str]:
    """Write stream lines with every 50th broken and every 20th deleting an older post."""
    gone = set()
    with path.open("w") as file:
        for n in range(count):
            at = f"2026-{9 + n // 4000 % 2:02d}-{1 + n % 28:02d}T{n % 24:02d}:00:00.000Z"
            if n % 50 == 49:
                file.write('{"data": {"id": "broken"\n')
            elif n % 20 == 19:
                gone.add(str(n - 9))
                file.write(
                    json.dumps(
                        {"delete": {"tweet": {"id": str(n - 9), "author_id": "7"}, "event_at": at}}
                    )
                    + "\n"
                )
            else:
                text = f"Tesla and Walmart number {n}, a great day"
                data = {"id": str(n), "author_id": str(n % 97), "created_at": at, "text": text}
                file.write(json.dumps({"data": data}) + "\n")
    return gone


def command_line(home: Path, *words: str) -> list[str]:
    """Return a wordstreet command with small batches, so that much happens in little time."""
    small = [
        "ingest.batch_rows=400",
        "ingest.interval_seconds=0.05",
        "lake.small_files=4",
        "watchlist.path=seed",
    ]
    settings = [part for setting in small for part in ("--set", setting)]
    return [sys.executable, "-m", "wordstreet", *words, "--home", str(home), "--json", *settings]


def campaign(tmp_path: Path, count: int, kills: int, seed: int) -> dict[str, object]:
    """Run the road over `count` lines with `kills` SIGKILLs at random moments; return what is left."""
    chance = random.Random(seed)
    gone = write_posts(tmp_path / "posts.jsonl", count)
    home = tmp_path / "home"
    run = command_line(home, "run", "--source", "replay", "--path", str(tmp_path / "posts.jsonl"))
    aside = [
        command_line(home, "lake", "compact"),
        command_line(home, "lake", "delete", "--post", "1", "--source", "x"),
        command_line(home, "lake", "vacuum", "--retention-hours", "0"),
    ]
    done = 0
    while done < kills:
        road = subprocess.Popen(
            run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        beside = subprocess.Popen(
            chance.choice(aside), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(chance.uniform(0.9, 3.5))
        if chance.random() < 0.5:
            beside.kill()
            done += beside.wait() == -signal.SIGKILL
        # half the time only the parent dies and the collector has to notice by itself
        if chance.random() < 0.5:
            road.kill()
        else:
            os.killpg(road.pid, signal.SIGKILL)
        ended = road.wait()
        beside.wait()
        done += ended == -signal.SIGKILL
        if ended == 0:  # all of it landed: a further file keeps the road busy
            count += 2000
            gone |= write_posts(tmp_path / "posts.jsonl", count)
    last = subprocess.run(run, check=True, capture_output=True)
    assert json.loads(last.stdout)["source"] == "replay"
    lake = Lake(str(home / "lake"))
    audit = verify(lake)
    read = query(lake, "select post_id from posts")["post_id"].to_pylist()
    return {"kills": done, "lines": count, "gone": gone, "audit": audit, "read": read, "lake": lake}


def expected(count: int, gone: set[str]) -> set[str]:
    """Return the ids of posts that must be read after the campaign."""
    posts = {str(n) for n in range(count) if n % 50 != 49 and n % 20 != 19}
    return posts - gone - {"1"}


def check(found: dict[str, object]) -> None:
    """Fail unless every line landed and every post is read exactly once."""
    audit, read = found["audit"], found["read"]
    assert audit.ok, audit  # type: ignore[attr-defined]
    assert audit.records == found["lines"]  # type: ignore[attr-defined, operator]
    assert len(read) == len(set(read))  # type: ignore[arg-type]
    assert set(read) == expected(found["lines"], found["gone"]), "posts differ"  # type: ignore[arg-type, call-overload]


def test_ten_kills_at_random_moments(tmp_path: Path) -> None:
    """Road, compaction, deletion and vacuum killed ten times over 8,000 lines."""
    found = campaign(tmp_path, 8_000, 10, seed=1)

    check(found)


@pytest.mark.long
def test_a_hundred_kills_at_random_moments(tmp_path: Path) -> None:
    """The same a hundred times over 100,000 lines and more."""
    found = campaign(tmp_path, 100_000, 100, seed=2)
    print(f"\n{found['kills']} kills, {found['lines']} lines, {found['audit']}")  # noqa: T201

    check(found)
