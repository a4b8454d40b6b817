"""Brokers, collector and engine killed, topics gone, engines in each other's way: nothing lost or twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from tests.brokers import need_kafka
from tests.log.test_spool import envelope, kill, wait_until
from tests.oracle.test_crashes import write_posts

from wordstreet.lake.maintain import verify
from wordstreet.lake.tables import Lake
from wordstreet.lake.views import query
from wordstreet.log.embedded import EmbeddedLog
from wordstreet.log.kafka import KafkaLog
from wordstreet.log.topics import CURSORS, Shape, Topic
from wordstreet.schema import Envelope
from wordstreet.stack import brokers

TOPIC = "posts"
MB = 2**20


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Path]:
    """A folder for brokers, which are gone after the test whatever it did."""
    need_kafka()
    yield tmp_path / "stack"
    brokers.down(tmp_path / "stack")


def command_line(home: Path, servers: str, topic: str, *words: str) -> list[str]:
    """Return a wordstreet command on Kafka with small batches, so that much happens in little time."""
    given = ["log.kind=kafka", f"log.servers={servers}", f"log.topic={topic}"]
    given += ["ingest.batch_rows=400", "ingest.interval_seconds=0.05", "lake.small_files=8"]
    settings = [part for setting in [*given, "watchlist.path=seed"] for part in ("--set", setting)]
    return [sys.executable, "-m", "wordstreet", *words, "--home", str(home), "--json", *settings]


def done(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@dataclass
class Road:
    """
    A collector and an engine, each a process that may be killed and started again.

    kills: how many of each kind have been killed while they ran
    """

    home: Path
    servers: str
    posts: Path
    kills: dict[str, int] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start what does not run; one that finds no broker at its start may have ended, and said so."""
        process = self.running.get(name)
        said = self.posts.with_suffix(f".{name}")
        if process is not None:
            if process.poll() is None:
                return
            if process.returncode not in (0, -signal.SIGKILL):
                assert "answer" in said.read_text(), said.read_text()
        words = {"collect": ["collect", "--path", str(self.posts)], "ingest": ["ingest"]}[name]
        with said.open("wb") as errors:
            self.running[name] = subprocess.Popen(
                command_line(self.home, self.servers, TOPIC, *words),
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )

    def kill(self, name: str) -> None:
        """Kill it at once; counts when it ran."""
        if name == "ingest":
            self.start(name)
        process = self.running[name]
        process.kill()
        if process.wait() == -signal.SIGKILL:
            self.kills[name] = self.kills.get(name, 0) + 1

    def stop(self) -> None:
        """Leave no process behind."""
        for process in self.running.values():
            process.kill()
            process.wait()

    def finish(self) -> None:
        """Collect and ingest what is left."""
        self.stop()
        for words in (["collect", "--path", str(self.posts)], ["ingest", "--once"]):
            last = done(*command_line(self.home, self.servers, TOPIC, *words))
            assert last.returncode == 0, last.stderr


def check(road: Road, count: int, gone: set[str]) -> None:
    """Fail unless every line is on Kafka and in the lake, and every post is read exactly once."""
    lake = Lake(str(road.home / "lake"))
    audit = verify(lake)
    held = sum(end for _, end in KafkaLog(road.servers, TOPIC, {}).bounds().values())
    read = query(lake, "select post_id from posts")["post_id"].to_pylist()
    broken = query(lake, "select count(*) n from rejects")["n"].to_pylist()[0]
    posts = {str(n) for n in range(count) if n % 50 != 49 and n % 20 != 19}
    print(f"\n{road.kills} killed, {count:,} lines, {held:,} records, {audit}")  # noqa: T201

    assert audit.ok, audit
    assert audit.records == held >= count
    assert broken >= count // 50
    assert len(read) == len(set(read))
    assert set(read) == posts - gone


def test_collector_broker_and_engine_killed_in_turn(tmp_path: Path, stack: Path) -> None:
    """Three collectors, the broker and two engines killed over 8,000 lines."""
    servers = brokers.up(stack).servers
    Topic(servers, TOPIC, {}).create(Shape(3, 1, 1, 24))
    gone = write_posts(tmp_path / "posts.jsonl", 8_000)
    road = Road(tmp_path / "home", servers, tmp_path / "posts.jsonl")
    near = EmbeddedLog(road.home / "log", TOPIC)
    reached = lambda: near.bounds()[0][1]  # noqa: E731
    try:
        for round_, victim in enumerate(("ingest", "broker", "ingest")):
            road.start("ingest")
            road.start("collect")
            wait_until(lambda least=2000 * (round_ + 1): reached() >= least)  # type: ignore[misc]
            road.kill("collect")
            if victim == "broker":
                kill(stack)
                road.start("collect")
                time.sleep(1)
                brokers.up(stack)
                road.running["collect"].wait(60)
            else:
                time.sleep(0.7)
                road.kill(victim)
        road.finish()
    finally:
        road.stop()

    assert road.kills == {"collect": 3, "ingest": 2}
    check(road, 8_000, gone)


@pytest.mark.long
def test_sixty_kills_of_anybody(tmp_path: Path, stack: Path) -> None:
    """One broker of three, all three, collector or engine: sixty times, at random moments."""
    chance = random.Random(5)
    servers = brokers.up(stack, 3).servers
    Topic(servers, TOPIC, {}).create(Shape(4, 3, 2, 24))
    count, started = 20_000, time.monotonic()
    gone = write_posts(tmp_path / "posts.jsonl", count)
    road = Road(tmp_path / "home", servers, tmp_path / "posts.jsonl")
    try:
        while sum(road.kills.values()) < 60:
            road.start("ingest")
            collector = road.running.get("collect")
            if collector is not None and collector.poll() == 0:  # all of it landed: more to do
                count += 2_000
                gone |= write_posts(tmp_path / "posts.jsonl", count)
            road.start("collect")
            time.sleep(chance.uniform(0.3, 3))
            victims = chance.choice(["collect", "ingest", "collect ingest", "broker", "brokers"])
            if victims.startswith("broker"):
                pids = (brokers.status(stack) or brokers.up(stack, 3)).pids
                for pid in pids if victims == "brokers" else [chance.choice(pids)]:
                    os.kill(pid, signal.SIGKILL)
                    road.kills[victims] = road.kills.get(victims, 0) + 1
                time.sleep(chance.uniform(0, 2))
                if chance.random() < 0.5:
                    road.kill("ingest")
                brokers.up(stack, 3)
            else:
                for name in victims.split():
                    road.kill(name)
        road.finish()
    finally:
        road.stop()
    print(f"\n{time.monotonic() - started:.0f} s")  # noqa: T201

    check(road, count, gone)


def make_anew(servers: str, topic: str) -> None:
    """Delete a topic and make another one of the same name."""
    about = Topic(servers, topic, {})
    for future in about._admin.delete_topics([topic, f"{topic}{CURSORS}"]).values():
        future.result(10)
    wait_until(lambda: not about.exists())
    about.create(Shape(1, 1, 1, 24))


def posts(first: int, last: int) -> list[Envelope]:
    """Return records of posts about Tesla with these numbers."""
    return [
        envelope(n, key=f"x:{n}")._replace(
            value=json.dumps({"data": {"id": str(n), "text": f"Tesla {n}"}}).encode()
        )
        for n in range(first, last)
    ]


def test_a_topic_made_anew_is_refused_until_accepted(
    broker: str, topic: str, tmp_path: Path
) -> None:
    """The lake does not go on with another topic of the same name unless it is told to."""
    Topic(broker, topic, {}).create(Shape(1, 1, 1, 24))
    KafkaLog(broker, topic, {}).append(posts(0, 50), "x", {"at": "49"})
    once = command_line(tmp_path, broker, topic, "ingest", "--once")
    first = done(*once)
    make_anew(broker, topic)
    KafkaLog(broker, topic, {}).append(posts(50, 120), "x", {"at": "119"})
    refused = done(*once)
    between = verify(Lake(str(tmp_path / "lake")))
    accepted = done(*once, "--set", "ingest.missing=accept")
    again = done(*once)  # what was accepted once is known from then on
    lake = Lake(str(tmp_path / "lake"))
    audit = verify(lake)

    assert first.returncode == 0, first.stderr
    assert refused.returncode == 1
    assert "was deleted and made anew" in refused.stderr
    assert "--set ingest.missing=accept" in refused.stderr
    assert between.records == 50
    assert (accepted.returncode, again.returncode) == (0, 0), accepted.stderr + again.stderr
    assert (audit.records, audit.ok) == (120, True)
    assert query(lake, "select count(*) n from posts")["n"].to_pylist() == [120]


def test_records_that_retention_took_are_refused_until_accepted(
    broker: str, topic: str, tmp_path: Path
) -> None:
    """What Kafka forgot before it landed is one row of `gaps`, and every offset is accounted for."""
    about = Topic(broker, topic, {})
    about.create(Shape(1, 1, 1, 24))
    log = KafkaLog(broker, topic, {})
    log.append(posts(0, 50), "x", {})
    once = command_line(tmp_path, broker, topic, "ingest", "--once")
    first = done(*once)
    log.append(posts(50, 100), "x", {})
    [cut] = about._admin.delete_records([TopicPartition(topic, 0, 80)]).values()
    cut.result(10)
    refused = done(*once)
    accepted = done(*once, "--set", "ingest.missing=accept")
    again = done(*once)
    lake = Lake(str(tmp_path / "lake"))
    audit = verify(lake)
    gaps = query(lake, 'select lost, first_offset, "offset", source from gaps').to_pylist()

    assert first.returncode == 0, first.stderr
    assert refused.returncode == 1
    assert "30 records are gone" in refused.stderr
    assert (accepted.returncode, again.returncode) == (0, 0), accepted.stderr + again.stderr
    assert gaps == [{"lost": 30, "first_offset": 50, "offset": 79, "source": "log"}]
    assert audit.ok, audit
    assert query(lake, "select count(*) n from posts")["n"].to_pylist() == [70]


def test_two_engines_of_two_homes_on_one_lake(broker: str, topic: str, tmp_path: Path) -> None:
    """Neither knows of the other; whoever commits second is refused, and nothing lands twice."""
    Topic(broker, topic, {}).create(Shape(2, 1, 1, 24))
    lake = tmp_path / "lake"
    shared = ["--set", f"lake.uri={lake}"]
    engines = [
        subprocess.Popen(
            [*command_line(tmp_path / name, broker, topic, "ingest"), *shared],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name in ("one", "two")
    ]
    try:
        log = KafkaLog(broker, topic, {})
        for first in range(0, 6_000, 500):
            log.append(posts(first, first + 500), "x", {"at": str(first + 499)})
            time.sleep(0.3)
        time.sleep(1)
        alive = [engine.poll() is None for engine in engines]
    finally:
        for engine in engines:
            engine.terminate()
    codes = [engine.wait(60) for engine in engines]
    last = done(*command_line(tmp_path / "one", broker, topic, "ingest", "--once"), *shared)
    audit = verify(Lake(str(lake)))
    read = query(Lake(str(lake)), "select post_id from posts_landed")["post_id"].to_pylist()

    assert alive == [True, True]
    assert codes == [0, 0]
    assert last.returncode == 0, last.stderr
    assert (audit.records, audit.twice, audit.ok) == (6_000, 0, True)
    assert sorted(map(int, read)) == list(range(6_000))


LIVE = """
import sys, time
from wordstreet.engines.collect import collect, collector_log
from wordstreet.engines.stop import on_signals
from wordstreet.schema import Envelope
from wordstreet.settings import load
from wordstreet.sources import RawBatch

KEYS, BYTES = 997, 600

class Live:
    name = "live"

    def __init__(self, rate):
        self.rate = rate

    def share(self):
        return None

    def read(self, after):
        first = n = int(after.get("at", "-1")) + 1
        begun = time.monotonic()
        while True:
            due = first + int((time.monotonic() - begun) * self.rate)
            new = [
                Envelope(f"x:{m % KEYS}", b"%d" % m + b" " * BYTES, "x", "post",
                         time.time_ns() // 1000, "stream", "x.v2")
                for m in range(n, due)
            ]
            yield RawBatch(new, {"at": str(due - 1)} if new else {})
            n = due
            time.sleep(0.1)

home, rate, *settings = sys.argv[1:]
chosen = load(home=home, assignments=settings)
with on_signals() as stop, collector_log(chosen, stop) as log:
    print(collect(Live(int(rate)), log, stop).received, flush=True)
"""


def memory(pid: int) -> int:
    """Return the bytes of memory that a process holds."""
    shown = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
    )
    return int(shown.stdout) * 1024


def outage(tmp_path: Path, stack: Path, seconds: float, rate: int) -> dict[str, Any]:
    """Collect at a steady rate, take the broker away for so long, and return what came of it."""
    servers = brokers.up(stack).servers
    Topic(servers, TOPIC, {}).create(Shape(3, 1, 1, 24))
    home = tmp_path / "home"
    chosen = ["log.kind=kafka", f"log.servers={servers}", f"log.topic={TOPIC}"]
    child = subprocess.Popen(
        [sys.executable, "-c", LIVE, str(home), str(rate), *chosen],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        near = EmbeddedLog(home / "log", TOPIC)
        waiting = lambda: near.bounds()[0][1] - near.bounds()[0][0]  # noqa: E731
        wait_until(lambda: near.bounds()[0][1] > 5 * rate)
        begun, before = near.bounds()[0][1], memory(child.pid)
        kill(stack)
        away, most, held = time.monotonic(), before, 0
        while time.monotonic() - away < seconds:
            time.sleep(0.5)
            most, held = max(most, memory(child.pid)), max(held, waiting())
        given, paced = near.bounds()[0][1] - begun, time.monotonic() - away
        brokers.up(stack)
        back = time.monotonic()
        while waiting() > rate:
            assert time.monotonic() - back < 300, "never drained"
            time.sleep(0.1)
            most, held = max(most, memory(child.pid)), max(held, waiting())
        drained = time.monotonic() - back
        child.terminate()
        out, err = child.communicate(timeout=60)
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        child.wait()
    return {
        "received": int(out),
        "said": err,
        "waiting": waiting(),
        "away_seconds": round(back - away, 1),
        "rate_while_away": round(given / paced),
        "most_held": held,
        "drained_seconds": round(drained, 1),
        "memory_before_mb": round(before / MB, 1),
        "memory_most_mb": round(most / MB, 1),
        "servers": servers,
    }


def check_outage(found: dict[str, Any], rate: int) -> None:
    """Fail unless all arrived once and in order, at the source's pace, in flat memory."""
    print(f"\n{ {key: value for key, value in found.items() if key != 'said'} }")  # noqa: T201
    log = KafkaLog(found["servers"], TOPIC, {})
    starts = {p: begin for p, (begin, _) in log.bounds().items()}
    numbers: dict[int, list[int]] = {p: [] for p in starts}
    while slices := log.read(starts, 20_000, 0.2):
        for part in slices:
            numbers[part.partition] += map(int, part.records["value"].to_pylist())
            starts[part.partition] = part.end
    of_keys: dict[int, list[int]] = {}
    for mine in numbers.values():
        for n in mine:
            of_keys.setdefault(n % 997, []).append(n)

    assert (found["waiting"], found["said"].count("Traceback")) == (0, 0), found["said"]
    assert sorted(n for mine in numbers.values() for n in mine) == list(range(found["received"]))
    assert all(mine == sorted(mine) for mine in of_keys.values())
    assert found["rate_while_away"] > 0.8 * rate
    assert found["memory_most_mb"] - found["memory_before_mb"] < 64


def test_a_broker_away_for_a_while_under_load(tmp_path: Path, stack: Path) -> None:
    """500 posts a second go on while the broker is dead for 10 s; all arrive, in order, once."""
    check_outage(outage(tmp_path, stack, 10, 500), 500)


@pytest.mark.long
def test_a_broker_away_for_five_minutes_under_load(tmp_path: Path, stack: Path) -> None:
    """The same for 300 s: 150,000 posts wait on the disk, none in memory."""
    found = outage(tmp_path, stack, 300, 500)

    check_outage(found, 500)
    assert "nothing has been confirmed" in found["said"] or "no broker" in found["said"]
