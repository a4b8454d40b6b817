"""The Spark engine against real Spark and real Kafka: the same rows as the embedded one, and as safe."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from wordstreet.engines import spark_task
from wordstreet.engines.spark_task import Job, land
from wordstreet.engines.transform import watchlist
from wordstreet.lake.commit import Writer
from wordstreet.lake.files import Written
from wordstreet.lake.maintain import clear_leftovers, verify
from wordstreet.lake.tables import Lake, Stream, parse_name
from wordstreet.log.wire import CONSUMED
from wordstreet.schema import TABLES, Envelope
from wordstreet.settings import load

pytest.importorskip("pyspark", reason="install it: pip install 'wordstreet[spark]'")
kafka = pytest.importorskip("confluent_kafka", reason="install it: pip install 'wordstreet[kafka]'")

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
START = 1_760_000_000_000_000
EMBEDDED = {
    *("source", "received", "stored", "duplicates", "mentions", "rejects", "deletions", "gaps"),
    "seconds",
}


# --- a topic, and the command line on it


def make_topic(servers: str, topic: str, partitions: int = 3, **config: str) -> None:
    """Create a topic, with settings of its own."""
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    wide = {"max.message.bytes": "10485760", **{k.replace("_", "."): v for k, v in config.items()}}
    admin.create_topics([NewTopic(topic, partitions, 1, config=wide)])[topic].result(30)


def drop_topic(servers: str, topic: str) -> None:
    """Delete a topic and return when it is gone."""
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    admin.delete_topics([topic])[topic].result(30)
    deadline = time.monotonic() + 30
    while topic in admin.list_topics(timeout=10).topics and time.monotonic() < deadline:
        time.sleep(0.1)


def forget(servers: str, topic: str, partition: int, before: int) -> None:
    """Have the broker drop what lies below an offset, as retention does."""
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    place = kafka.TopicPartition(topic, partition, before)
    admin.delete_records([place])[place].result(30)


def envelope(n: int, text: str = "Tesla and Walmart, a great day") -> Envelope:
    """Return the nth record: mostly posts, some broken, some deleting an older post, some gaps."""
    key, event, schema = f"x:{n}", "post", "x.v2"
    at = f"2026-{9 + n // 4000 % 2:02d}-{1 + n % 28:02d}T{n % 24:02d}:00:00.000Z"
    tree: Any = {
        "data": {"id": str(n), "author_id": str(n % 97), "created_at": at, "text": f"{text} {n}"}
    }
    if n % 50 == 49:
        return Envelope(key, b'{"data": {"id": "broken"', "x", "post", START + n, "stream", schema)
    if n % 20 == 19:
        key, event = f"x:{n - 9}", "delete"
        tree = {"delete": {"tweet": {"id": str(n - 9), "author_id": "7"}, "event_at": at}}
    elif n % 333 == 332:
        key, event, schema = "x:gap", "gap", "gap.v1"
        tree = {"from": at, "to": at, "lost": n, "reason": "the stream was silent"}
    return Envelope(key, json.dumps(tree).encode(), "x", event, START + n, "stream", schema)  # type: ignore[arg-type]


def append(servers: str, topic: str, records: Sequence[Envelope]) -> None:
    """Put records on the topic as a collector does."""
    from wordstreet.log.kafka import KafkaLog

    with closing(KafkaLog(servers, topic, {})) as log:
        log.append(records, "x", {})


def append_foreign(servers: str, topic: str) -> int:
    """Put on the topic what others might: no headers, odd headers, no key, no value; say how many."""
    post = json.dumps({"data": {"id": "f", "text": "Tesla from elsewhere"}}).encode()
    full: list[tuple[str, Any]] = [("source", b"x"), ("event", b"post"), ("schema", b"x.v2")]
    strange: list[dict[str, Any]] = [
        {"value": post},
        {"value": post, "key": b"x:f", "headers": full},
        {"value": post, "key": b"\xff\xfe", "headers": [*full, ("observed_at", b"yesterday")]},
        {"value": post, "key": b"", "headers": [*full, ("observed_at", b"9" * 30)]},
        {"value": post, "key": b"k", "headers": [("schema", b"x.v1"), *full, ("origin", None)]},
        {"value": None, "key": b"tombstone", "headers": full},
        {"value": b"", "key": b"empty", "headers": [("event", b"\xff"), ("source", b"\xc3\x28")]},
        {"value": b"\x00\xff" * 9, "key": b"bytes", "headers": [("event", None), ("schema", b"")]},
        {"value": b"[" * 5000, "key": b"deep", "headers": full},
    ]
    producer = kafka.Producer({"bootstrap.servers": servers, "acks": "all", "log_level": 0})
    for number, record in enumerate(strange):
        producer.produce(topic, partition=number % 3, timestamp=START // 1000 + number, **record)
    producer.flush(30)
    return len(strange)


def words(servers: str, topic: str, home: Path, engine: str, *more: str) -> list[str]:
    """Return the words of `wordstreet ingest`; further ones with `=` in them are settings."""
    settings = [
        *("log.kind=kafka", f"log.servers={servers}", f"log.topic={topic}", "watchlist.path=seed"),
        *("spark.master=local[2]", "spark.driver_memory=512m", "spark.trigger_seconds=0"),
        *("spark.conf.spark.sql.shuffle.partitions=2", "ingest.interval_seconds=0.05"),
        *(word for word in more if "=" in word),
    ]
    flags = [word for word in more if "=" not in word]
    chosen = [part for setting in settings for part in ("--set", setting)]
    return ["ingest", "--engine", engine, "--home", str(home), "--json", *flags, *chosen]


def run(command: Sequence[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a wordstreet command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "wordstreet", *command],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, **environment},
    )


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the one JSON object of a command that succeeded."""
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


class Started:
    """A wordstreet command in a process group of its own; what it writes goes to files."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self._out, self._err = (tempfile.TemporaryFile("w+") for _ in range(2))  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "wordstreet", *command],
            stdout=self._out,
            stderr=self._err,
            start_new_session=True,
            env={**os.environ, **environment},
        )
        self.pid = self._process.pid

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def runs(self) -> bool:
        """Tell whether it has not ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it and all of its group at once."""
        if self.runs():
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()

    def ended(self, seconds: float = 120) -> tuple[int, str, str]:
        """Wait until it ends; return its code, and what it wrote to stdout and to stderr."""
        code = self._process.wait(seconds)
        for file in (self._out, self._err):
            file.seek(0)
        return code, self._out.read(), self._err.read()


STARTED: list[Started] = []


def start(command: Sequence[str], **environment: str) -> Started:
    """Start a wordstreet command; it ends with the test at the latest."""
    made = Started(command, environment)
    STARTED.append(made)
    return made


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """End what a test that failed has left running."""
    yield
    while STARTED:
        STARTED.pop().kill()


def positions(lake: Path, table: str = "posts") -> dict[int, int]:
    """Return how far a table has come with each partition; empty before there is one."""
    try:
        opened = Lake(str(lake))
        streams = opened.streams()
        found = opened.positions(table, opened.handle(table), streams)
    except Exception:  # it is only just being made
        return {}
    return {stream.partition: position for stream, position in found.items()}


def landed(lake: Path, count: int, seconds: float = 90) -> bool:
    """Wait until the positions of posts add up to `count` or more."""
    deadline = time.monotonic() + seconds
    while sum(positions(lake).values()) < count:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def rows(lake: Path, table: str) -> list[dict[str, Any]]:
    """Return all of a table in the order of the log, but for when we wrote it."""
    found = Lake(str(lake)).handle(table).to_pyarrow_dataset().to_table()
    keys = ["partition", "offset", *(["ticker"] if table == "mentions" else [])]
    found = found.sort_by([(key, "ascending") for key in keys]).drop_columns(["ingested_at"])
    listed = [dict(row) for row in found.to_pylist()]
    if table == "posts":  # blanked at some moment: that it was is all that must agree
        listed = [{**row, "deleted_at": row["deleted_at"] is not None} for row in listed]
    return listed


def checkpoints(folder: Path) -> list[Path]:
    """Return the folders in which Spark keeps its notes of queries."""
    return list(folder.glob("wordstreet-checkpoint-*"))


# --- whole runs


def test_the_same_rows_as_the_embedded_engine(broker: str, topic: str, tmp_path: Path) -> None:
    """
    One topic with all that can come, once by each engine: every column of every row is equal.

    And Spark keeps to the batches it was told, says so in JSON, and leaves no folder behind.
    """
    make_topic(broker, topic)
    append(broker, topic, [envelope(n) for n in range(1500)])
    foreign = append_foreign(broker, topic)
    append(broker, topic, [envelope(1500, "Tesla " + "long " * 1_200_000)])
    total = 1501 + foreign
    with tempfile.TemporaryDirectory() as temporary:
        small = "spark.offsets_per_trigger=400"
        by_spark = run(
            words(broker, topic, tmp_path / "s", "spark", "--once", small), TMPDIR=temporary
        )
        left = checkpoints(Path(temporary))
    plain = run(words(broker, topic, tmp_path / "e", "embedded", "--once"))
    said, beside = answer(by_spark), answer(plain)
    tables = {
        name: (rows(tmp_path / "s" / "lake", name), rows(tmp_path / "e" / "lake", name))
        for name in TABLES
    }
    audit = verify(Lake(str(tmp_path / "s" / "lake")))

    for name, (ours, theirs) in tables.items():
        assert ours, name
        assert ours == theirs, name
    assert audit.ok
    assert audit.records == total
    assert set(beside) == EMBEDDED
    assert set(said) == {*EMBEDDED, "spark"}
    assert {k: said[k] for k in ("received", "stored", "rejects", "deletions", "gaps")} == {
        k: beside[k] for k in ("received", "stored", "rejects", "deletions", "gaps")
    }
    assert set(said["spark"]) == {"version", "batches", "rows_per_second", "batch_seconds", "lag"}
    assert said["spark"]["batches"] == -(-total // 400)
    assert said["spark"]["lag"] == 0
    assert said["spark"]["rows_per_second"] > 0
    assert left == []


def test_engines_take_turns_in_the_middle_of_a_topic(
    broker: str, topic: str, tmp_path: Path
) -> None:
    """
    Spark, stopped by SIGTERM; the embedded engine, stopped too; Spark again, its notes deleted.

    Each ends with 0 and one JSON object, Spark keeps its trigger's pace, and every offset is there
    once. What came while nobody looked is landed without a restart.
    """
    lake = tmp_path / "lake"
    make_topic(broker, topic, 2)
    append(broker, topic, [envelope(n) for n in range(850)])
    small = (f"lake.uri={lake}", "spark.offsets_per_trigger=100", "ingest.batch_rows=50")
    paced = (*small, "spark.trigger_seconds=2")
    first = start(words(broker, topic, tmp_path / "a", "spark", *paced))
    assert landed(lake, 200)
    first.terminate()
    spark = first.ended()
    after_spark = sum(positions(lake).values())
    commits = Lake(str(lake)).handle("posts").history()

    second = start(words(broker, topic, tmp_path / "b", "embedded", *small))
    assert landed(lake, after_spark + 50)
    second.terminate()
    embedded = second.ended()
    after_embedded = sum(positions(lake).values())

    with tempfile.TemporaryDirectory() as temporary:
        third = start(words(broker, topic, tmp_path / "c", "spark", *small), TMPDIR=temporary)
        assert landed(lake, after_embedded + 100)
        for folder in checkpoints(Path(temporary)):
            shutil.rmtree(folder, ignore_errors=True)
        assert landed(lake, 850)
        append(broker, topic, [envelope(n) for n in range(850, 900)])
        assert landed(lake, 900)
        third.terminate()
        again = third.ended()
    audit = verify(Lake(str(lake)))
    counts = [json.loads(out) for _, out, _ in (spark, embedded, again)]
    batches = [commit["timestamp"] for commit in commits if commit["operation"] == "WRITE"]

    assert [code for code, _, _ in (spark, embedded, again)] == [0, 0, 0], (spark, embedded, again)
    assert after_spark < 850
    assert counts[0]["received"] == after_spark  # the batch in hand was finished, and told of
    assert counts[0]["received"] <= 100 * len(batches)
    assert min(a - b for a, b in zip(batches, batches[2:], strict=False)) > 1000
    assert audit.records == 900
    assert sum(c["stored"] for c in counts) == len(rows(lake, "posts"))
    assert audit.ok


SHELL = """
import contextlib, io, json, sys
from wordstreet.cli import main

for line in sys.stdin:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(json.loads(line))
    sys.stderr.flush()
    print(json.dumps([code, out.getvalue()]), flush=True)
"""


class Shell:
    """One process in which command after command is run, so that Java starts only once."""

    def __init__(self, errors: Path) -> None:
        self._errors = errors
        self._process = subprocess.Popen(
            [sys.executable, "-c", SHELL],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors.open("w"),
            text=True,
        )

    def __call__(self, command: Sequence[str]) -> tuple[int, str, str]:
        """Run a command; return its code, and what it wrote to stdout and to stderr."""
        before = self._errors.stat().st_size
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(list(command)) + "\n")
        self._process.stdin.flush()
        code, out = json.loads(self._process.stdout.readline())
        return code, out, self._errors.read_text()[before:]

    def close(self) -> None:
        """End the process, and its Java with it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


@pytest.fixture
def shell(broker: str, tmp_path: Path) -> Iterator[Shell]:
    """A process to run commands in."""
    del broker  # which skips where there is no Java
    made = Shell(tmp_path / "stderr")
    yield made
    made.close()


def words_only(err: str) -> list[str]:
    """Return the lines of stderr that are ours; fail when Java's stack is shown."""
    lines = err.splitlines()
    assert not [line for line in lines if line.startswith(("\tat ", "Caused by", "Traceback"))], err
    return [line for line in lines if line.startswith("wordstreet: ")]


def test_a_log_that_does_not_continue_the_lake_is_refused(
    broker: str, topic: str, tmp_path: Path, shell: Shell
) -> None:
    """
    Forgotten records and a topic made anew end the command with 1 and our words, at once.

    With ingest.missing=accept it goes on: what is known to be lost becomes a gap.
    """
    ingest = words(broker, topic, tmp_path, "spark", "--once")
    accept = [*ingest, "--set", "ingest.missing=accept"]
    nowhere = shell(ingest)
    make_topic(broker, topic, 1)
    append(broker, topic, [envelope(n) for n in range(40)])
    normal = shell(ingest)
    append(broker, topic, [envelope(n) for n in range(40, 60)])
    forget(broker, topic, 0, 50)
    refused = shell(ingest)
    accepted = shell(accept)
    drop_topic(broker, topic)
    make_topic(broker, topic, 1)
    append(broker, topic, [envelope(n) for n in range(30)])
    anew = shell(ingest)
    gone_on = shell(accept)
    audit = verify(Lake(str(tmp_path / "lake")))

    assert nowhere[0] == 1
    assert "there is no topic" in words_only(nowhere[2])[0]
    assert (normal[0], json.loads(normal[1])["received"]) == (0, 40), normal[2]
    assert (refused[0], refused[1]) == (1, "")
    assert "10 records are gone" in words_only(refused[2])[0]
    assert (accepted[0], json.loads(accepted[1])["received"]) == (0, 10), accepted[2]
    assert [r["lost"] for r in rows(tmp_path / "lake", "gaps") if r["source"] == "log"] == [10]
    assert (anew[0], anew[1]) == (1, "")
    assert "was deleted and made anew" in words_only(anew[2])[0]
    assert (gone_on[0], json.loads(gone_on[1])["received"]) == (0, 30), gone_on[2]
    assert audit.ok
    assert audit.records == 60 + 30


def test_the_embedded_log_is_refused(tmp_path: Path) -> None:
    """Spark cannot read the log in one file; the command ends with 2 and says what to set."""
    done = run(["ingest", "--engine", "spark", "--once", "--home", str(tmp_path)])

    assert (done.returncode, done.stdout) == (2, "")
    assert "log.kind=kafka" in done.stderr


def test_without_pyspark_the_extra_is_named(tmp_path: Path) -> None:
    """Where pyspark is not installed the command ends with 2 and says how to get it."""
    (tmp_path / "pyspark.py").write_text("raise ImportError('no pyspark here')\n")
    command = words("127.0.0.1:1", "posts", tmp_path / "home", "spark", "--once")
    done = run(command, PYTHONPATH=str(tmp_path))

    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'wordstreet[spark]'" in done.stderr


# --- what an executor does, without Spark

STREAMS = [Stream(str(uuid.UUID(int=7)), "posts", partition) for partition in range(3)]


def consumed(partition: int, start: int, end: int, text: str = "Tesla") -> pa.RecordBatch:
    """Return records [start, end) of a partition as Spark gives them."""
    listed = []
    for offset in range(start, end):
        record = envelope(offset * 3 + partition, text)
        headers = [
            {"key": name, "value": str(getattr(record, name)).encode()}
            for name in ("source", "event", "observed_at", "origin", "schema")
        ]
        row = {"key": record.key.encode(), "value": record.value, "headers": headers}
        listed.append({**row, "partition": partition, "offset": offset, "timestamp": NOW})
    return pa.RecordBatch.from_pylist(listed, schema=CONSUMED)


def job(lake: Path, **done: int) -> Job:
    """Return a job on a new or known lake; the tables named have this position in partition 0."""
    writer = Writer(Lake(str(lake)), STREAMS)
    base = {name: dict(positions) for name, positions in writer.done.items()}
    for name, position in done.items():
        base[name][STREAMS[0]] = position
    companies = watchlist(load(assignments=["watchlist.path=seed"]))
    return Job(str(lake), STREAMS[0].log_id, "posts", companies, "vader", base, NOW)


def described(batches: Sequence[pa.RecordBatch], todo: Job) -> tuple[list[Any], list[Any]]:
    """Return the rows of pieces and the rows of files that a task yields."""
    found = [row for batch in land(iter(batches), todo) for row in batch.to_pylist()]
    return [r for r in found if r["table"] is None], [r for r in found if r["table"] is not None]


def offsets(todo: Job, files: Sequence[Any], table: str) -> list[tuple[int, int]]:
    """Return (partition, offset) of every row in the files of a table."""
    lake = Lake(todo.lake_uri)
    found = []
    for file in files:
        if file["table"] == table:
            with lake.storage.open(f"{table}/{file['path']}") as opened:
                part = pq.read_table(opened)
            found += zip(part["partition"].to_pylist(), part["offset"].to_pylist(), strict=True)
    return sorted(found)


def test_a_task_describes_what_it_read_and_what_it_wrote(tmp_path: Path) -> None:
    """A row for each partition says how far and how many; the files hold every record once."""
    todo = job(tmp_path)
    pieces, files = described([consumed(0, 5, 25), consumed(2, 0, 30), consumed(0, 25, 40)], todo)
    found = [place for table in TABLES for place in offsets(todo, files, table)]
    posts = set(offsets(todo, files, "posts"))
    expected = [(0, n) for n in range(5, 40)] + [(2, n) for n in range(30)]

    assert [(p["partition"], p["end"], p["records"]) for p in pieces] == [(0, 40, 35), (2, 30, 30)]
    assert sorted(set(found)) == expected
    assert set(offsets(todo, files, "mentions")) <= posts
    assert sum(f["rows"] for f in files if f["table"] != "mentions") == len(expected)
    ranges = {(n.prefix, n.start, n.end) for f in files if (n := parse_name(f["path"]))}
    assert ranges == {(STREAMS[0].prefix, 5, 40), (STREAMS[2].prefix, 0, 30)}


def test_what_a_table_has_is_not_written_again(tmp_path: Path) -> None:
    """Rows below a table's own position are dropped, for that table and partition alone."""
    todo = job(tmp_path, posts=30, deletions=100)
    pieces, files = described([consumed(0, 0, 40), consumed(1, 0, 40)], todo)

    assert [p["end"] for p in pieces] == [40, 40]
    assert min(o for p, o in offsets(todo, files, "posts") if p == 0) >= 30
    assert min(o for p, o in offsets(todo, files, "posts") if p == 1) == 0
    assert min(o for p, o in offsets(todo, files, "mentions") if p == 0) == 0
    assert [p for p, _ in offsets(todo, files, "deletions") if p == 0] == []


def test_a_file_that_waits_for_its_commit_is_no_leftover(tmp_path: Path) -> None:
    """
    Where a crash has left one table ahead of another, the next files survive maintenance.

    Maintenance knows by the offset in a file's name whether it can still be committed.
    """
    writer = Writer(Lake(str(tmp_path)), STREAMS)
    todo = job(tmp_path)
    _, files = described([consumed(0, 0, 30)], todo)
    ahead = [Written(**{k: f[k] for k in _WRITTEN}) for f in files]
    for_posts = {"posts": [file for file in ahead if file.table == "posts"]}
    writer.commit_files(for_posts, {STREAMS[0]: 30})

    _, files = described([consumed(0, 0, 50)], job(tmp_path))
    lake = Lake(str(tmp_path))
    clear_leftovers(lake, NOW)
    there = {stored.path for name in TABLES for stored in lake.storage.list(name)}

    assert {f"{f['table']}/{f['path']}" for f in files} <= there


_WRITTEN = ("table", "path", "size", "month", "rows", "statistics")


def test_a_task_cuts_a_big_share_into_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory follows the size of a piece, not that of the task; the pieces follow each other."""
    monkeypatch.setattr(spark_task, "_PIECE_BYTES", 100_000)
    todo = job(tmp_path)
    batches = [consumed(1, n, n + 10, "Tesla " * 1000) for n in range(0, 100, 10)]
    pieces, files = described(batches, todo)

    assert len(pieces) == 5
    assert [p["end"] for p in pieces] == [20, 40, 60, 80, 100]
    assert sum(p["records"] for p in pieces) == 100
    assert sum(f["rows"] for f in files if f["table"] != "mentions") == 100
    assert len({(f["table"], f["path"]) for f in files}) == len(files)


def test_a_task_without_records_describes_nothing(tmp_path: Path) -> None:
    """Neither no batch nor an empty one makes a file or a position."""
    todo = job(tmp_path)

    assert described([], todo) == ([], [])
    assert described([consumed(0, 0, 0), consumed(0, 3, 3)], todo) == ([], [])


def test_statistics_come_along_with_a_file(tmp_path: Path) -> None:
    """What Delta is told of a file is what lies in it."""
    todo = job(tmp_path)
    _, files = described([consumed(0, 0, 40)], todo)
    [posts] = [f for f in files if f["table"] == "posts"]
    told = json.loads(posts["statistics"])
    with Lake(str(tmp_path)).storage.open(f"posts/{posts['path']}") as opened:
        held = pq.read_table(opened)

    assert told["numRecords"] == posts["rows"] == len(held)
    span = pc.min_max(held["offset"]).as_py()
    assert (told["minValues"]["offset"], told["maxValues"]["offset"]) == (span["min"], span["max"])
