"""
Kafka and Spark: our two engines against the jobs people would write, on one topic, in one run.

    python -m bench.kafka [--posts 500000] [--runs 3] [--partitions 4] [--cores 2] [--only NAME]

Brings up a broker of its own and takes it down again. Each run fills a new topic with our collector
and has every road read it, one after the other; that every post landed is checked each time.
Prints medians, ratios and bars; the last result stands in bench/README.md.
"""

import argparse
import json
import os
import platform
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc
import pyarrow.dataset as ds

from bench import posts, streaming
from bench.measure import Cost, run
from wordstreet.lake.maintain import info, verify
from wordstreet.lake.tables import Lake
from wordstreet.stack import brokers, jars, java

_WORDSTREET: Final = [sys.executable, "-m", "wordstreet"]
_BATCH: Final = re.compile(r"Spark batch \d+: (\d+) records, (\d+)/s")
_MB: Final = 1e6
_WORKER_MB: Final = 2000
_LAST_LINES: Final = 30


@dataclass(frozen=True, slots=True)
class Place:
    """Where the posts are and where a road may write."""

    servers: str
    topic: str
    source: Path
    work: Path
    posts: int
    cores: int


@dataclass(frozen=True, slots=True)
class Landed:
    """
    What a road took and left.

    seconds: without start and end of the program; what that is differs, see bench/README.md
    files:   of data that a reader reads, and their size
    all:     everything below its folder, and its size
    """

    cost: Cost
    seconds: float
    files: int = 0
    size: int = 0
    all_files: int = 0
    all_size: int = 0


def main() -> None:
    """Generate, run all roads in turn, print the tables."""
    parser = argparse.ArgumentParser(description="our engines on Kafka against plain Spark jobs")
    parser.add_argument("--posts", type=int, default=500_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--cores", type=int, default=2, help="for each road, and for the broker")
    parser.add_argument("--only", choices=[*ROADS, *PRODUCERS], help="one column of the tables")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cores = sorted(os.sched_getaffinity(0))[: given.cores]
    os.sched_setaffinity(0, cores)  # what we start inherits it
    try:
        _compare(given, cores)
    except KeyboardInterrupt:
        sys.exit(130)


def _compare(given: argparse.Namespace, cores: Sequence[int]) -> None:
    for line in _machine(len(cores)):
        print(line)
    print("command  " + shlex.join(["python", "-m", "bench.kafka", *sys.argv[1:]]), flush=True)
    producers = {n: f for n, f in PRODUCERS.items() if given.only in (None, n)}
    roads = {n: f for n, f in ROADS.items() if given.only in (None, n)}
    found: dict[str, list[Landed]] = {name: [] for name in (*producers, *roads)}
    with tempfile.TemporaryDirectory(prefix="wordstreet-bench-") as folder:
        work = Path(folder)
        source = work / "posts.jsonl"
        _say(f"generating {given.posts:,} posts")
        posts.write(source, given.posts)
        size = source.stat().st_size / given.posts
        _warm(work / "compiled")
        with _broker(work / "stack") as servers:
            for n in range(1, given.runs + 1):
                topic = f"posts-{n}"
                place = Place(servers, topic, source, work, given.posts, len(cores))
                # the roads need a topic that our collector has filled, whoever is measured
                for name, road in {"collect": collect, **producers, **roads}.items():
                    _say(f"run {n} of {given.runs}: {name}")
                    landed = _measured(road, place, given.partitions)
                    _say(
                        f"run {n} of {given.runs}: {name}, {given.posts / landed.cost.wall:,.0f} posts/s"
                    )
                    if name in found:
                        found[name].append(landed)
    print(
        f"\n{given.posts:,} posts of {size:,.0f} bytes in {given.partitions} partitions, "
        f"medians of {given.runs} run(s) in turn, {len(cores)} cores"
    )
    _tell({n: f for n, f in found.items() if n in ROADS}, given.posts, _ROWS)
    _tell({n: f for n, f in found.items() if n in PRODUCERS}, given.posts, _ROWS[:_FILLING])
    if given.only is None:
        _judge(found, given.posts)


def _measured(road: Callable[[Place, Path], Landed], place: Place, partitions: int) -> Landed:
    """Give a road a new folder, and a producer a new topic."""
    folder = place.work / "road"
    folder.mkdir()
    try:
        if road in PRODUCERS.values():
            command = [*_WORDSTREET, "log", "create", "--home", str(folder)]
            topic = f"{road.__name__}-{place.topic}"
            _quietly([*command, "--partitions", str(partitions), *_kafka(place.servers, topic)])
        return road(place, folder)
    finally:
        shutil.rmtree(folder)


def collect(place: Place, folder: Path) -> Landed:
    """Fill the topic that all roads read with our collector: durable here first, then handed on."""
    command = [*_WORDSTREET, "collect", "--source", "replay", "--path", str(place.source)]
    home = ["--home", str(folder), "--json"]
    cost = _run([*command, *home, *_kafka(place.servers, _topic(place))])
    told = json.loads(cost.output)
    _check("collect", told["received"], told["stored"] - told["gaps"], place.posts)
    return Landed(cost, told["seconds"])


def producer(place: Place, folder: Path) -> Landed:
    """Fill a topic beside with a loop around the client library."""
    del folder
    options = ["--servers", place.servers, "--topic", f"producer-{place.topic}"]
    cost = _run(
        [sys.executable, "-m", "bench.bare_producer", *options, "--path", str(place.source)]
    )
    told = json.loads(cost.output)
    _check("producer", told["rows"], told["rows"], place.posts)
    return Landed(cost, told["seconds"])


def original(place: Place, folder: Path) -> Landed:
    """Have the original project's job land the topic."""
    return _job("bench.original_job", place, folder)


def vader(place: Place, folder: Path) -> Landed:
    """Have vaderSentiment in `mapInArrow` land the topic."""
    return _job("bench.spark_vader", place, folder)


def _job(module: str, place: Place, folder: Path) -> Landed:
    options = ["--servers", place.servers, "--topic", _topic(place), "--target", str(folder)]
    cost = _run([sys.executable, "-m", module, *options, "--cores", str(place.cores)])
    told = json.loads(cost.output)
    data = folder / "data"
    ids = ds.dataset(data, format="parquet").to_table(columns=["id"])["id"]
    _check(module, len(ids), pc.count_distinct(ids).as_py(), place.posts)
    _check(module, told["rows"], told["rows"], place.posts)
    sizes = [file.stat().st_size for file in data.rglob("*.parquet")]
    return Landed(cost, told["seconds"], len(sizes), sum(sizes), *_everything(folder))


def spark(place: Place, folder: Path) -> Landed:
    """Have our Spark engine land the topic."""
    settings = {
        "spark.master": f"local[{place.cores}]",
        "spark.driver_memory": streaming.DRIVER_MEMORY,
        "spark.offsets_per_trigger": str(streaming.OFFSETS_PER_TRIGGER),
    }
    options = ["--engine", "spark", "--debug", *_set(settings)]
    cost = _ingest(place, folder, options)
    batches = [(int(rows), int(rate)) for rows, rate in _BATCH.findall(cost.errors)]
    read = sum(rows for rows, _ in batches)
    _check("the batches of our Spark engine", read, read, place.posts)
    return _lake(
        "our Spark engine", place, folder, cost, sum(rows / rate for rows, rate in batches)
    )


def embedded(place: Place, folder: Path) -> Landed:
    """Have our embedded engine land the topic."""
    cost = _ingest(place, folder, [])
    seconds = json.loads(cost.output)["seconds"]
    return _lake("our embedded engine", place, folder, cost, seconds)


def _ingest(place: Place, home: Path, options: list[str]) -> Cost:
    command = [*_WORDSTREET, "ingest", "--once", "--home", str(home), "--json", *options]
    read = [*_kafka(place.servers, _topic(place)), *_set({"watchlist.path": "us30"})]
    return _run([*command, *read])


def _lake(name: str, place: Place, home: Path, cost: Cost, seconds: float) -> Landed:
    """Check what our engine left, offset by offset, and count its files."""
    told = json.loads(cost.output)
    _check(name, told["stored"], told["stored"] - told["duplicates"], place.posts)
    lake = Lake(str(home / "lake"))
    audit = verify(lake)
    _check(f"{name}, {audit}", audit.records, audit.records if audit.ok else -1, place.posts)
    tables = info(lake)["tables"].values()
    files, size = (sum(table[key] for table in tables) for key in ("files", "bytes"))
    return Landed(cost, seconds, files, size, *_everything(home / "lake"))


def _check(name: str, rows: int, once: int, wanted: int) -> None:
    if (rows, once) != (wanted, wanted):
        message = f"{name} did not land {wanted:,} posts once: {rows:,} rows, {once:,} of them once"
        raise SystemExit(message)


ROADS: Final[Mapping[str, Callable[[Place, Path], Landed]]] = {
    "original": original,
    "vader": vader,
    "spark": spark,
    "embedded": embedded,
}
PRODUCERS: Final[Mapping[str, Callable[[Place, Path], Landed]]] = {
    "collect": collect,
    "producer": producer,
}
_TITLES: Final = {
    "original": "original job",
    "vader": "Spark + vader",
    "spark": "our Spark",
    "embedded": "our embedded",
    "collect": "our collector",
    "producer": "bare producer",
}


def _topic(place: Place) -> str:
    """Return the topic that our collector fills and all roads read."""
    return f"collect-{place.topic}"


def _kafka(servers: str, topic: str) -> list[str]:
    return _set({"log.kind": "kafka", "log.servers": servers, "log.topic": topic})


def _set(settings: Mapping[str, str]) -> list[str]:
    return [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]


def _run(command: Sequence[str]) -> Cost:
    """Measure a command; its own chatter is shown only when it fails."""
    try:
        return run(command, errors=True)
    except subprocess.CalledProcessError as error:
        last = "\n".join(error.stderr.splitlines()[-_LAST_LINES:])
        message = f"{shlex.join(command[1:4])} … failed with {error.returncode}:\n{last}"
        raise SystemExit(message) from error


def _quietly(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _everything(folder: Path) -> tuple[int, int]:
    """Return how many files lie below a folder, and their size."""
    sizes = [file.stat().st_size for file in folder.rglob("*") if file.is_file()]
    return len(sizes), sum(sizes)


def _warm(folder: Path) -> None:
    """
    Start Spark once unmeasured, so that the first road does not read all of it from disk.

    Python keeps what it compiles meanwhile, as it does where nobody tells it otherwise.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder)
    imported = "bench.original_job, bench.spark_vader, wordstreet.cli, wordstreet.engines.spark"
    script = f"import pandas, {imported}; bench.streaming.session(1).stop()"
    _run([sys.executable, "-c", script])


@contextmanager
def _broker(folder: Path) -> Iterator[str]:
    """Yield the address of a broker that is taken down again, whatever happens."""
    folder.mkdir()
    try:
        yield brokers.up(folder, 1, _say).servers
    finally:
        _say("taking the broker down")
        brokers.down(folder, _say)


def _machine(cores: int) -> Iterator[str]:
    """Yield what the figures depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.machine()}"
    yield f"machine  {system}, {cores} of {os.cpu_count()} cores, {memory:.0f} GiB"
    said = subprocess.run([java.find(), "-version"], capture_output=True, text=True).stderr
    first = said.splitlines()[0] if said else "Java"
    kafka = next(jar for jar in jars.read_lock(brokers.JARS) if jar.name.startswith("kafka_"))
    names = ("pyspark", "pyarrow", "deltalake", "confluent-kafka", "vaderSentiment")
    own = ", ".join(f"{name} {version(name)}" for name in names)
    yield f"versions Python {platform.python_version()}, {first}, Kafka {kafka.version}, {own}"


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of a table; `ratio` when it is one in which more of it is better or worse."""

    name: str
    of: Callable[[Landed, int], float]
    ratio: bool = False


_ROWS: Final = (
    _Row("posts/s, whole command", lambda it, count: count / it.cost.wall, True),
    _Row("posts/s, without start-up", lambda it, count: count / it.seconds, True),
    _Row("posts per CPU second", lambda it, count: count / it.cost.cpu, True),
    _Row("seconds, whole command", lambda it, _: it.cost.wall),
    _Row("seconds, without start-up", lambda it, _: it.seconds),
    _Row("CPU seconds", lambda it, _: it.cost.cpu),
    _Row("peak memory, MB", lambda it, _: it.cost.peak),
    _Row("  of the command itself", lambda it, _: it.cost.largest.get("command", 0)),
    _Row("  of its JVM", lambda it, _: it.cost.largest.get("java", 0)),
    _Row("  of its largest worker", lambda it, _: it.cost.largest.get("worker", 0)),
    _Row("files of data", lambda it, _: it.files),
    _Row("MB of data", lambda it, _: it.size / _MB),
    _Row("files in all", lambda it, _: it.all_files),
    _Row("MB in all", lambda it, _: it.all_size / _MB),
)
_FILLING: Final = 8
"""So many rows have a meaning for what fills a topic."""


def _tell(found: Mapping[str, Sequence[Landed]], count: int, rows: Sequence[_Row]) -> None:
    """Print a table, a column for each road, with ratios to the yardstick."""
    if not found:
        return
    yardstick = next((name for name in ("original", "producer") if name in found), "")
    print("\n" + f"{'':28}" + "".join(f"{_TITLES[name]:>15}" for name in found))
    for row in rows:
        cells = {n: _median(landed, row.of, count) for n, landed in found.items()}
        print(f"{row.name:28}" + "".join(f"{cell:>15,.0f}" for cell in cells.values()))
    if not yardstick or len(found) == 1:
        return
    print(f"÷ {_TITLES[yardstick]}")
    for row in (row for row in rows if row.ratio):
        cells = {n: _median(landed, row.of, count) for n, landed in found.items()}
        ratios = (f"{cell / cells[yardstick]:>15.2f}" for cell in cells.values())
        print(f"  {row.name:26}" + "".join(ratios))


def _judge(found: Mapping[str, Sequence[Landed]], count: int) -> None:
    """Print each bar, what was reached, and whether that is enough."""

    def ratios(name: str) -> list[float]:
        return [
            _median(found[name], row.of, count) / _median(found["original"], row.of, count)
            for row in _ROWS[:2]
        ]

    def word(met: bool) -> str:
        return "met" if met else "missed"

    print()
    for name, least in (("spark", 1.0), ("embedded", 2.0)):
        whole, warm = ratios(name)
        print(
            f"{_TITLES[name]} ÷ original job, posts/s, at least {least:.0f}: "
            f"whole command {whole:.2f} {word(whole >= least)}, "
            f"without start-up {warm:.2f} {word(warm >= least)}"
        )
    peak = _median(found["spark"], lambda it, _: it.cost.peak, count)
    print(
        f"our Spark, {count:,} posts, peak of all its processes, at most {_WORKER_MB:,} MB: "
        f"{peak:,.0f} {word(peak <= _WORKER_MB)}"
    )


def _median(landed: Sequence[Landed], of: Callable[[Landed, int], Any], count: int) -> float:
    return float(statistics.median(of(it, count) for it in landed))


def _say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
