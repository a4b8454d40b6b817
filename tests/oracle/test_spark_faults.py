"""The Spark engine killed anywhere, on one machine and in a real cluster: nothing lost, nothing twice."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import venv
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.brokers import need_kafka
from tests.conftest import free_port
from tests.engines.test_spark import (
    Started,
    append,
    envelope,
    landed,
    make_topic,
    nothing_left,
    positions,
    run,
    start,
    words,
)
from tests.oracle.test_crashes import MOMENTS, expected, write_posts

from wordstreet.lake.maintain import Audit, verify
from wordstreet.lake.tables import Lake
from wordstreet.lake.views import query
from wordstreet.log.topics import Shape, Topic
from wordstreet.stack import brokers

__all__ = ["nothing_left"]

ROOT = Path(__file__).resolve().parents[2]
MARK = "TEST_RUN"
"""A variable that every process of a run inherits, Java and Python workers too."""

COUNT = 700
"""Records of a topic here; `envelope` makes all five tables of them."""


def processes(mark: str) -> dict[int, list[str]]:
    """Return the command line of every process of a run that is not dead."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            line = (place / "cmdline").read_bytes()
            if line and f"{MARK}={mark}".encode() in (place / "environ").read_bytes():
                found[int(place.name)] = line.decode(errors="replace").split("\0")
    return found


def java(mark: str) -> list[int]:
    """Return the processes of a run that are Java."""
    return [pid for pid, line in processes(mark).items() if line[0].endswith("java")]


def workers(mark: str) -> list[int]:
    """Return the Python workers of a run: not the daemon that forks them, but its children."""
    daemons = [pid for pid, line in processes(mark).items() if "pyspark.daemon" in line]
    listed = []
    for daemon in daemons:
        with suppress(OSError):
            listed += Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split()
    return [int(pid) for pid in listed]


def wait_for(what: Callable[[], Any], seconds: float = 60) -> Any:
    """Return what a function gives as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found


def kill_all(mark: str, seconds: float = 20) -> None:
    """End every process of a run at once, and return when none is left."""
    deadline = time.monotonic() + seconds
    while left := [pid for pid in processes(mark) if pid != os.getpid()]:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def exact(lake: Path, records: int) -> Audit:
    """Fail unless the lake holds the first `records` records of a topic, each exactly once."""
    audit = verify(Lake(str(lake)))
    assert (audit.records, audit.lost, audit.twice) == (records, 0, 0), audit
    assert audit.ok, audit
    return audit


# --- each step of the commit

KILLED_AT = """
import os, signal, sys, threading
from wordstreet.engines.spark import ingest_spark
from wordstreet.settings import load

def trace(step):
    if step == sys.argv[2]:
        os.killpg(0, signal.SIGKILL)

settings = load(sys.argv[1], assignments=sys.argv[3:])
ingest_spark(settings, threading.Event(), True, trace=trace)
"""
SHORT = ["posts: files written", "posts: committed", "mentions: synced"]


def killed_at(moment: str, servers: str, topic: str, home: Path) -> int:
    """Ingest a topic until Java and driver are killed at a moment; return how it ended."""
    settings = [w for w in words(servers, topic, home, "spark") if "=" in w]
    command = [sys.executable, "-c", KILLED_AT, str(home), moment, *settings]
    with (home.parent / "stderr").open("a") as errors:
        done = subprocess.run(
            command,
            start_new_session=True,
            stderr=errors,
            timeout=120,
            env={**os.environ, MARK: topic},
        )
    kill_all(topic)
    return done.returncode


@pytest.mark.parametrize(
    "moments", [SHORT, pytest.param(MOMENTS, marks=pytest.mark.long)], ids=["some", "each"]
)
def test_a_driver_killed_at_a_step_of_the_commit(
    moments: list[str], broker: str, topic: str, tmp_path: Path
) -> None:
    """SIGKILL of driver and Java right after a step, again and again; the next one mends it."""
    make_topic(broker, topic, 2)
    codes = []
    for count, moment in enumerate(moments):
        first = count * COUNT  # further records, so that every table has something to commit
        append(broker, topic, [envelope(n) for n in range(first, first + COUNT)])
        codes.append(killed_at(moment, broker, topic, tmp_path / "home"))
    mended = run(words(broker, topic, tmp_path / "home", "embedded", "--once"))

    assert codes == [-signal.SIGKILL] * len(moments)
    assert mended.returncode == 0, mended.stderr
    exact(tmp_path / "home" / "lake", COUNT * len(moments))


# --- any process of it, in mid-batch


def test_whichever_process_is_killed_in_mid_batch(broker: str, topic: str, tmp_path: Path) -> None:
    """
    A Python worker killed: the run itself goes on. Java alone: it ends with 1 and says so.

    Driver and Java together: the next run goes on. In the end every record is there once.
    """
    make_topic(broker, topic, 2)
    append(broker, topic, [envelope(n) for n in range(2 * COUNT)])
    home, lake = tmp_path / "home", tmp_path / "home" / "lake"
    command = words(broker, topic, home, "spark", "spark.offsets_per_trigger=100")

    first = start(command, **{MARK: topic})
    assert landed(lake, 100)
    worker = wait_for(lambda: workers(topic))[0]
    os.kill(worker, signal.SIGKILL)
    before = sum(positions(lake).values())
    assert landed(lake, before + 200)
    [machine] = java(topic)
    os.kill(machine, signal.SIGKILL)
    without_java = first.ended()

    before = sum(positions(lake).values())
    second = start(command, **{MARK: topic})
    assert landed(lake, before + 100)
    kill_all(topic)
    killed = second.ended()
    last = run([*command, "--once"])

    assert (without_java[0], without_java[1]) == (1, ""), without_java[2]
    assert "Java process has ended" in without_java[2].splitlines()[-1]
    assert killed[0] == -signal.SIGKILL
    assert last.returncode == 0, last.stderr
    exact(lake, 2 * COUNT)


def test_two_engines_at_once_on_one_lake(broker: str, topic: str, tmp_path: Path) -> None:
    """Spark and the embedded engine from two homes: who is late is refused and goes on; all once."""
    make_topic(broker, topic, 3)
    append(broker, topic, [envelope(n) for n in range(2 * COUNT)])
    lake = tmp_path / "lake"
    small = (f"lake.uri={lake}", "spark.offsets_per_trigger=60", "ingest.batch_rows=20")
    spark = start(words(broker, topic, tmp_path / "a", "spark", *small))
    assert landed(lake, 60)
    embedded = start(words(broker, topic, tmp_path / "b", "embedded", *small))
    chance = random.Random(3)
    for n in range(2 * COUNT, 3 * COUNT, 50):
        append(broker, topic, [envelope(m) for m in range(n, n + 50)])
        time.sleep(chance.uniform(0, 0.5))
    everything = landed(lake, 3 * COUNT, 120)
    spark.terminate()
    embedded.terminate()
    codes = [process.ended()[0] for process in (spark, embedded)]
    last = run(words(broker, topic, tmp_path / "b", "embedded", "--once", *small))

    assert everything
    assert codes == [0, 0]
    assert last.returncode == 0, last.stderr
    exact(lake, 3 * COUNT)


# --- a real cluster


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make spark-bundle` makes."""
    need_kafka()
    spec = util.spec_from_file_location("bundle", ROOT / "deploy" / "spark" / "bundle.py")
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: Path = module.build(tmp_path_factory.mktemp("bundle"))
    return made


class Cluster:
    """A master and two workers of Spark's own kind, each a process, on loopback."""

    def __init__(self, folder: Path) -> None:
        import pyspark

        self.home = Path(pyspark.__file__).parent
        self.python = folder / "bare" / "bin" / "python"
        self._folder = folder
        self._port = free_port()
        self.started: list[subprocess.Popen[bytes]] = []
        venv.create(folder / "bare", with_pip=False, symlinks=True)
        self._start("master.Master", "--port", str(self._port))
        wait_for(lambda: "elected leader" in self._said("master.Master"))
        for number in range(2):
            self._start(
                "worker.Worker", "--cores", "1", "--memory", "1g", "--work-dir",
                str(folder / f"work{number}"), self.master,
            )  # fmt: skip
        wait_for(lambda: self._said("master.Master").count("Registering worker") == 2)

    @property
    def master(self) -> str:
        """Its address."""
        return f"spark://127.0.0.1:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """What its programs see: nothing that would lead to the wordstreet of these tests."""
        kept = {"PATH", "HOME", "LANG", "JAVA_HOME"}
        ours = {name: value for name, value in os.environ.items() if name in kept}
        return {**ours, "SPARK_HOME": str(self.home), "SPARK_LOCAL_IP": "127.0.0.1"}

    def _start(self, name: str, *more: str) -> None:
        command = [str(self.home / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}"]
        with (self._folder / name).open("a") as log:
            self.started.append(
                subprocess.Popen(
                    [*command, "--host", "127.0.0.1", "--webui-port", "0", *more],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self._folder,
                    env={**self.environment, "SPARK_DAEMON_MEMORY": "256m"},
                )
            )

    def _said(self, name: str) -> str:
        return (self._folder / name).read_text()

    def executors(self, worker: int) -> list[int]:
        """Return the executors that a worker has started."""
        pid = self.started[1 + worker].pid
        found = []
        for listing in Path(f"/proc/{pid}/task").glob("*/children"):
            with suppress(OSError):
                found += [int(child) for child in listing.read_text().split()]
        return found

    def busy(self, worker: int) -> list[int]:
        """Return the Python workers below the executors of a worker."""
        folder = str(self._folder / f"work{worker}")
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if b"pyspark.daemon" in (place / "cmdline").read_bytes() and os.readlink(
                    place / "cwd"
                ).startswith(folder):
                    found.append(int(place.name))
        return found

    def close(self) -> None:
        """End it, executors too."""
        executors = [pid for number in range(2) for pid in self.executors(number)]
        for process in self.started:
            process.kill()
            process.wait()
        for pid in executors:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster that is gone after the test."""
    made = Cluster(tmp_path)
    yield made
    made.close()


def submit(
    cluster: Cluster, bundle: Path, arguments: list[str], output: Path
) -> subprocess.Popen[str]:
    """Hand the bundle to the cluster as its page says, with Pythons that have nothing installed."""
    options = {
        "spark.executorEnv.PYTHONPATH": "deps",
        "spark.pyspark.python": str(cluster.python),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "512m",
        "spark.executor.memory": "512m",
        "spark.ui.enabled": "false",
    }
    command = [str(cluster.home / "bin" / "spark-submit"), "--master", cluster.master]
    command += ["--jars", ",".join(map(str, sorted((bundle / "jars").iterdir())))]
    command += ["--archives", f"{bundle / 'wordstreet-deps.zip'}#deps"]
    command += [part for key, value in options.items() for part in ("--conf", f"{key}={value}")]
    return subprocess.Popen(
        [*command, str(bundle / "ingest.py"), *arguments],
        stdout=subprocess.PIPE,
        stderr=output.open("w"),
        text=True,
        cwd=output.parent,
        env=cluster.environment,
        start_new_session=True,
    )


def test_a_cluster_loses_a_worker_in_mid_batch(
    broker: str, topic: str, tmp_path: Path, bundle: Path, cluster: Cluster
) -> None:
    """
    A master and two workers, the bundle, Pythons with nothing in them; one worker killed -9.

    Its executor goes with it while it works on a batch; the other one takes over, the job ends
    with 0, and the lake is exact.
    """
    make_topic(broker, topic, 4)
    append(broker, topic, [envelope(n) for n in range(1200)])
    home, lake = tmp_path / "home", tmp_path / "home" / "lake"
    few = "spark.offsets_per_trigger=200"
    arguments = words(broker, topic, home, "spark", "--once", few)[3:]  # the entry point has them
    bare = subprocess.run([str(cluster.python), "-c", "import wordstreet"], stderr=subprocess.PIPE)

    job = submit(cluster, bundle, arguments, tmp_path / "stderr")
    assert landed(lake, 200, 90), (tmp_path / "stderr").read_text()[-2000:]
    doomed = wait_for(
        lambda: next(((n, cluster.executors(n)) for n in range(2) if cluster.busy(n)), None)
    )
    number, executors = doomed
    for pid in [cluster.started[1 + number].pid, *executors]:
        os.kill(pid, signal.SIGKILL)
    at = sum(positions(lake).values())
    out, _ = job.communicate(timeout=150)
    said = json.loads(out.splitlines()[-1])  # spark-submit puts stderr before it

    assert bare.returncode != 0  # so what ran came from the bundle
    assert executors
    assert at < 1200
    assert job.returncode == 0, (tmp_path / "stderr").read_text()[-2000:]
    assert said["spark"]["lag"] == 0
    exact(lake, 1200)


# --- everything together


class Feed(threading.Thread):
    """A collector that puts a growing file on the topic, over and over, until it is told to end."""

    def __init__(self, folder: Path, settings: list[str]) -> None:
        super().__init__(daemon=True)
        self._path = folder / "posts.jsonl"
        self._command = [
            *("collect", "--path", str(self._path), "--home", str(folder / "collector"), "--json"),
            *settings,
        ]
        self._over = threading.Event()
        self.lines = 0
        self.gone: set[str] = set()
        self.failed: list[str] = []

    def run(self) -> None:
        """Add lines and collect them, again and again."""
        while not self._over.is_set():
            self.lines += 300
            self.gone = write_posts(self._path, self.lines)
            done = run(self._command)
            if done.returncode:
                self.failed.append(done.stderr)
            self._over.wait(3)

    def end(self) -> None:
        """Let the last round come to its end."""
        self._over.set()
        self.join(300)
        assert not self.is_alive()


class Campaign:
    """One engine after the other on one topic, and a hand that kills."""

    def __init__(self, folder: Path, topic: str, seed: int) -> None:
        self.chance = random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.runs: Counter[str] = Counter()
        self.unexpected: list[str] = []
        self._folder = folder
        self._mark = topic
        self.servers = brokers.up(folder / "stack", 3).servers
        about = Topic(self.servers, topic, {})
        about.create(Shape(4, 3, 2, 24))
        wait_for(lambda: len(about.bounds()) == 4)
        self._kind = ""
        self._engine: Started | None = None

    def words(self, engine: str, *more: str) -> list[str]:
        """Return the words of an engine in a home of its own on the one lake."""
        small = [f"lake.uri={self._folder / 'lake'}", "ingest.batch_rows=100"]
        small += ["spark.offsets_per_trigger=150", "lake.small_files=12"]
        return words(self.servers, self._mark, self._folder / engine, engine, *small, *more)

    def begin(self) -> None:
        """Start an engine if none runs, and give it a while that is never the same."""
        if self._engine is None:
            self._kind = self.chance.choice(["spark", "spark", "embedded"])
            self.runs[self._kind] += 1
            self._engine = start(self.words(self._kind), **{MARK: self._mark})
        before = sum(positions(self._folder / "lake").values())
        if self.chance.random() < 0.8:
            landed(self._folder / "lake", before + 1, 40)
        time.sleep(self.chance.uniform(0, 2.5))

    def strike(self) -> None:
        """Kill something."""
        victims = {"spark": ["driver", "java", "worker", "worker", "broker", "brokers"]}
        victim = self.chance.choice(victims.get(self._kind, ["driver", "driver", "broker"]))
        assert self._engine is not None
        if victim.startswith("broker"):
            running = brokers.status(self._folder / "stack")
            assert running is not None
            pids = running.pids if victim == "brokers" else [self.chance.choice(running.pids)]
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            time.sleep(self.chance.uniform(0, 5))
            brokers.up(self._folder / "stack", 3)
        elif victim == "driver":
            kill_all(self._mark)
        else:
            pids = (java if victim == "java" else workers)(self._mark)
            if not pids:
                return  # it was not so far yet
            with suppress(ProcessLookupError):
                os.kill(self.chance.choice(pids), signal.SIGKILL)
        self.kills[victim] += 1
        self._look(victim)

    def _look(self, victim: str) -> None:
        """Gather an engine that has ended, and now and then end one that has not."""
        assert self._engine is not None
        if victim not in ("driver", "java"):
            time.sleep(0.5)
            if self._engine.runs() and self.chance.random() < 0.7:
                return
            self._engine.terminate()
        code, _, err = self._engine.ended()
        if code != {"driver": -signal.SIGKILL, "java": 1}.get(victim, 0):
            self.unexpected.append(f"{self._kind} after {victim}: {code}: {err[-500:]}")
        self._engine = None

    def finish(self) -> None:
        """End what runs, and land what is left."""
        kill_all(self._mark)
        brokers.up(self._folder / "stack", 3)
        done = run(self.words("embedded", "--once", "ingest.batch_rows=20000"))
        assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_fifty_kills_at_random(topic: str, tmp_path: Path) -> None:
    """
    Driver, Java, Python worker, one broker or all three killed fifty times, engines at random.

    A collector feeds the topic meanwhile. In the end every offset of the topic has landed once,
    and every post of the file is read once.
    """
    need_kafka()
    since = time.monotonic()
    try:
        campaign = Campaign(tmp_path, topic, seed=5)
        chosen = ("log.kind=kafka", f"log.servers={campaign.servers}", f"log.topic={topic}")
        feed = Feed(tmp_path, [part for setting in chosen for part in ("--set", setting)])
        feed.start()
        while sum(campaign.kills.values()) < 50:
            campaign.begin()
            campaign.strike()
        feed.end()
        campaign.finish()
        total = sum(end for _, end in Topic(campaign.servers, topic, {}).bounds().values())
    finally:
        kill_all(topic)
        brokers.down(tmp_path / "stack")
    audit = verify(Lake(str(tmp_path / "lake")))
    read = query(Lake(str(tmp_path / "lake")), "select post_id from posts")["post_id"].to_pylist()
    minutes = (time.monotonic() - since) / 60
    print(  # noqa: T201
        f"\n{dict(campaign.kills)}, runs {dict(campaign.runs)}, {feed.lines} lines,"
        f" {total} offsets, {audit}, {minutes:.1f} min; unexpected: {campaign.unexpected}"
    )

    assert feed.failed == []
    assert audit.ok
    assert (audit.records, audit.lost, audit.twice) == (total, 0, 0)
    assert total >= feed.lines
    assert len(read) == len(set(read))
    assert set(read) == expected(feed.lines, feed.gone) | {"1"}
    assert campaign.unexpected == []
