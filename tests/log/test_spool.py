"""Between a source and a broker that comes and goes: order, bounds, crashes, cursors, endings."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.brokers import need_kafka

from wordstreet.errors import SettingsError
from wordstreet.log import spool as spool_module
from wordstreet.log import topics
from wordstreet.log.embedded import EmbeddedLog
from wordstreet.log.kafka import KafkaLog
from wordstreet.log.spool import Spool
from wordstreet.log.topics import CURSORS, Shape, Topic
from wordstreet.schema import Envelope
from wordstreet.stack import brokers

ONE = Shape(1, 1, 1, 24)
MB = 2**20


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a broker that the tests here kill; each begins with `brokers.up`."""
    need_kafka()
    folder = tmp_path_factory.mktemp("mortal") / "stack"
    yield folder
    brokers.down(folder)


def kill(folder: Path) -> None:
    """End the brokers of a folder as a power switch would, and wait until they are gone."""
    stack = brokers.status(folder)
    for pid in stack.pids if stack else []:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: (stack := brokers.status(folder)) is not None and not any(stack.alive))


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Return when it is true; fail when it never is."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def envelope(n: int, size: int = 0, key: str = "x:1") -> Envelope:
    """Return the nth of many records."""
    return Envelope(key, b"%d" % n + b" " * size, "x", "post", 10**15 + n, "stream", "x.v2")


def values(servers: str, topic: str) -> list[int]:
    """Return the numbers of all records of a topic, partition by partition."""
    log = KafkaLog(servers, topic, {})
    starts = {p: begin for p, (begin, _) in log.bounds().items()}
    found: list[int] = []
    while slices := log.read(starts, 10_000, 0.2):
        for part in slices:
            found += [int(value) for value in part.records["value"].to_pylist()]
            starts[part.partition] = part.end
    log.close()
    return found


def spool(
    folder: Path, servers: str, topic: str, stop: threading.Event, bound: int = 64 * MB
) -> Spool:
    """Return a spool as a collector of this home would have it."""
    return Spool(
        lambda: EmbeddedLog(folder, topic),
        lambda halt: KafkaLog(servers, topic, {}, halt),
        bound,
        stop,
    )


def drained(road: Spool) -> Callable[[], bool]:
    """Return what tells whether nothing waits."""
    return lambda: road.spooled().records == 0


def test_order_is_kept_over_an_outage(mortal: Path, tmp_path: Path, topic: str) -> None:
    """Before, during and after a `kill -9` of the broker: each record once, in the order given."""
    servers = brokers.up(mortal).servers
    Topic(servers, topic, {}).create(ONE)
    with spool(tmp_path, servers, topic, threading.Event()) as road:
        for n in range(0, 300, 10):
            road.append([envelope(m) for m in range(n, n + 10)], "x", {"at": str(n)})
        wait_until(drained(road))
        kill(mortal)
        for n in range(300, 600, 10):
            road.append([envelope(m) for m in range(n, n + 10)], "x", {"at": str(n)})
        waiting = road.spooled().records
        brokers.up(mortal)
        for n in range(600, 900, 10):
            road.append([envelope(m) for m in range(n, n + 10)], "x", {"at": str(n)})

    assert waiting == 300
    assert values(servers, topic) == list(range(900))
    assert KafkaLog(servers, topic, {}).cursor("x") == {"at": "890"}


def test_a_broker_away_at_the_start_that_comes(mortal: Path, tmp_path: Path, topic: str) -> None:
    """The source is not made to wait; what it gave arrives when the broker does."""
    servers = brokers.up(mortal).servers
    Topic(servers, topic, {}).create(ONE)
    kill(mortal)
    started = time.monotonic()
    with spool(tmp_path, servers, topic, threading.Event()) as road:
        road.append([envelope(n) for n in range(100)], "x", {"at": "99"})
        taken = time.monotonic() - started
        brokers.up(mortal)

    assert taken < 2
    assert values(servers, topic) == list(range(100))


def test_a_broker_that_only_stands_still_is_noticed(
    mortal: Path,
    tmp_path: Path,
    topic: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No refusal, no answer: the reader is told, and told again when it is over."""
    monkeypatch.setattr(spool_module, "_SILENT_SECONDS", 0.5)
    stack = brokers.up(mortal)
    Topic(stack.servers, topic, {}).create(ONE)
    with spool(tmp_path, stack.servers, topic, threading.Event()) as road:
        road.append([envelope(0)], "x", {})
        wait_until(drained(road))
        os.kill(stack.pids[0], signal.SIGSTOP)
        road.append([envelope(1)], "x", {})
        time.sleep(1)
        road.append([envelope(2)], "x", {})
        away = road.spooled().away
        os.kill(stack.pids[0], signal.SIGCONT)

    assert "nothing has been confirmed" in away
    assert "collecting goes on into the spool" in caplog.text
    assert "the log is back" in caplog.text
    assert values(stack.servers, topic) == [0, 1, 2]


def test_an_alarm_at_four_fifths(
    broker: str, tmp_path: Path, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning says how full the spool is and why; here the topic is not made yet."""
    stop = threading.Event()
    with spool(tmp_path, broker, topic, stop, 2 * MB) as road:
        wait_until(lambda: bool(road.spooled().away))
        road.append([envelope(0, 1 * MB)], "x", {})
        before = "% full" in caplog.text
        road.append([envelope(1, 800_000)], "x", {})
        road.append([envelope(2)], "x", {})
        stop.set()

    assert not before
    assert caplog.text.count("% full") == 1
    assert "there is no topic" in caplog.text.partition("% full")[2]


def test_the_source_is_held_at_the_bound_and_then_let_go(
    broker: str, tmp_path: Path, topic: str
) -> None:
    """What does not fit is stored all the same; then the source waits until the log takes some."""
    coming = threading.Timer(1.5, Topic(broker, topic, {}).create, [ONE])
    with spool(tmp_path, broker, topic, threading.Event(), 1 * MB) as road:
        road.append([envelope(0, 600_000)], "x", {"at": "0"})
        coming.start()
        started = time.monotonic()
        road.append([envelope(1, 600_000)], "x", {"at": "1"})
        held = time.monotonic() - started
        started = time.monotonic()
        road.append([envelope(2)], "x", {"at": "2"})
        later = time.monotonic() - started

    assert held > 1
    assert later < 1
    assert values(broker, topic) == [0, 1, 2]


def test_a_held_source_that_is_stopped_returns(broker: str, tmp_path: Path, topic: str) -> None:
    """What was given is on this disk, and the next spool hands it on."""
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    started = time.monotonic()
    with spool(tmp_path, broker, topic, stop, 1 * MB) as road:
        road.append([envelope(n, 400_000) for n in range(3)], "x", {"at": "2"})
    seconds = time.monotonic() - started
    Topic(broker, topic, {}).create(ONE)
    with spool(tmp_path, broker, topic, threading.Event()):
        pass

    assert seconds < 8
    assert values(broker, topic) == [0, 1, 2]


KILLED = """
import os, sys, threading
from pathlib import Path
from wordstreet.log.embedded import EmbeddedLog
from wordstreet.log.kafka import KafkaLog
from wordstreet.log.spool import Spool
from wordstreet.schema import Envelope

class Killing(KafkaLog):
    def append(self, records, source, cursor):
        super().append(records, source, cursor)
        os.kill(os.getpid(), 9)

folder, servers, topic = sys.argv[1:]
near = EmbeddedLog(Path(folder), topic)
near.append([Envelope("x:1", b"%d" % n, "x", "post", 1, "stream", "x.v2") for n in range(50)],
            "x", {"at": "49"})
with Spool(lambda: EmbeddedLog(Path(folder), topic),
           lambda halt: Killing(servers, topic, {}, halt), 2**30, threading.Event()):
    pass
"""


def test_a_crash_between_handing_on_and_forgetting(broker: str, tmp_path: Path, topic: str) -> None:
    """Killed when Kafka has confirmed and this disk still holds: records twice, never none."""
    Topic(broker, topic, {}).create(ONE)
    command = [sys.executable, "-c", KILLED, str(tmp_path), broker, topic]
    killed = subprocess.run(command, check=False)
    once, cursor = values(broker, topic), KafkaLog(broker, topic, {}).cursor("x")
    with spool(tmp_path, broker, topic, threading.Event()):
        pass

    assert killed.returncode == -signal.SIGKILL
    assert (once, cursor) == (list(range(50)), {})
    assert values(broker, topic) == list(range(50)) * 2
    assert KafkaLog(broker, topic, {}).cursor("x") == {"at": "49"}


def test_while_records_wait_the_cursor_here_counts(broker: str, tmp_path: Path, topic: str) -> None:
    """What waits here was read after what the log knows of."""
    Topic(broker, topic, {}).create(ONE)
    KafkaLog(broker, topic, {}).append([], "x", {"a": "5", "b": "5"})
    EmbeddedLog(tmp_path, topic).append([envelope(0)], "x", {"a": "9"})
    road = spool(
        tmp_path, broker, topic, threading.Event()
    )  # not begun: what waits goes on waiting

    assert road.cursor("x") == {"a": "9", "b": "5"}


def test_when_nothing_waits_another_machine_may_be_further(
    broker: str, tmp_path: Path, topic: str
) -> None:
    """A home that rested takes over where the other one stood, and never puts the log's cursor back."""
    Topic(broker, topic, {}).create(ONE)
    with spool(tmp_path / "old", broker, topic, threading.Event()) as old:
        old.append([envelope(0)], "x", {"a": "1", "b": "1"})
    with spool(tmp_path / "new", broker, topic, threading.Event()) as new:
        taken_over = new.cursor("x")
        new.append([envelope(1)], "x", {"a": "7", "b": "7"})
    with spool(tmp_path / "old", broker, topic, threading.Event()) as old:
        time.sleep(0.5)  # long enough to have put back what lay here
        taken_back = old.cursor("x")
        old.append([envelope(2)], "x", {"a": "8"})

    assert taken_over == {"a": "1", "b": "1"}
    assert taken_back == {"a": "7", "b": "7"}
    assert KafkaLog(broker, topic, {}).cursor("x") == {"a": "8", "b": "7"}
    assert EmbeddedLog(tmp_path / "old", topic).cursor("x") == {"a": "8", "b": "7"}


def test_cursors_the_log_lacks_are_handed_on_though_nothing_waits(
    broker: str, tmp_path: Path, topic: str
) -> None:
    """After a change from the embedded log to Kafka another machine can go on, too."""
    Topic(broker, topic, {}).create(ONE)
    EmbeddedLog(tmp_path, topic).append([], "x", {"a": "3"})
    with spool(tmp_path, broker, topic, threading.Event()):
        pass

    assert KafkaLog(broker, topic, {}).cursor("x") == {"a": "3"}


def test_without_the_log_the_cursor_here_is_all_there_is(
    tmp_path: Path, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that is away does not keep a source from going on."""
    monkeypatch.setattr(topics, "_SECONDS", 1.0)
    EmbeddedLog(tmp_path, topic).append([], "x", {"a": "3"})
    road = spool(tmp_path, "127.0.0.1:1", topic, threading.Event())

    assert road.cursor("x") == {"a": "3"}


def test_whatever_goes_wrong_is_tried_again(broker: str, tmp_path: Path, topic: str) -> None:
    """A certificate that is missing for a moment does not end handing on for good."""
    Topic(broker, topic, {}).create(ONE)
    later = tmp_path / "ca.pem"

    def far(halt: threading.Event) -> KafkaLog:
        if not later.exists():
            message = f"there is no {later}"
            raise SettingsError(message)
        return KafkaLog(broker, topic, {}, halt)

    near = tmp_path / "log"
    with Spool(lambda: EmbeddedLog(near, topic), far, 64 * MB, threading.Event()) as road:
        road.append([envelope(0)], "x", {})
        wait_until(lambda: "ca.pem" in road.spooled().away)
        later.touch()

    assert values(broker, topic) == [0]


def test_what_the_embedded_log_left_over_goes_to_kafka(
    broker: str, tmp_path: Path, topic: str
) -> None:
    """Records of three partitions arrive, those of one key in the order they were given."""
    Topic(broker, topic, {}).create(Shape(6, 1, 1, 24))
    left = EmbeddedLog(tmp_path, topic, 3)
    left.append([envelope(n, key=f"x:{n % 7}") for n in range(700)], "x", {"at": "699"})
    left.close()
    with spool(tmp_path, broker, topic, threading.Event()) as road:
        road.append([envelope(n, key=f"x:{n % 7}") for n in range(700, 770)], "x", {"at": "769"})
    found = values(broker, topic)

    assert sorted(found) == list(range(770))
    for key in range(7):
        assert [n for n in found if n % 7 == key] == list(range(key, 770, 7))


def test_a_topic_made_anew_while_collecting(broker: str, tmp_path: Path, topic: str) -> None:
    """What Kafka had not confirmed goes into the new topic; the engine is who must notice."""
    about = Topic(broker, topic, {})
    about.create(ONE)
    with spool(tmp_path, broker, topic, threading.Event()) as road:
        road.append([envelope(n) for n in range(10)], "x", {"at": "9"})
        wait_until(drained(road))
        before = about.id()
        for future in about._admin.delete_topics([topic, f"{topic}{CURSORS}"]).values():
            future.result(10)
        wait_until(lambda: not about.exists())
        road.append([envelope(n) for n in range(10, 20)], "x", {"at": "19"})
        about.create(ONE)
        road.append([envelope(n) for n in range(20, 30)], "x", {"at": "29"})
    after = about.id()

    assert before != after
    assert values(broker, topic) == list(range(10, 30))
    assert KafkaLog(broker, topic, {}).cursor("x") == {"at": "29"}


def collecting(home: Path, servers: str, topic: str, posts: Path) -> subprocess.Popen[str]:
    """Start `wordstreet collect` of a file onto Kafka."""
    words = ["collect", "--path", str(posts), "--home", str(home), "--json"]
    given = ["log.kind=kafka", f"log.servers={servers}", f"log.topic={topic}"]
    settings = [part for setting in given for part in ("--set", setting)]
    return subprocess.Popen(
        [sys.executable, "-m", "wordstreet", *words, *settings],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_sigterm_with_the_broker_away(mortal: Path, tmp_path: Path, topic: str) -> None:
    """The collector ends within seconds and says so; the next one drains what it left."""
    servers = brokers.up(mortal).servers
    Topic(servers, topic, {}).create(ONE)
    kill(mortal)
    posts = tmp_path / "posts.jsonl"
    lines = [json.dumps({"data": {"id": str(n), "text": "Tesla"}}) for n in range(500)]
    posts.write_text("\n".join(lines) + "\n")
    home = tmp_path / "home"
    first = collecting(home, servers, topic, posts)
    near = EmbeddedLog(home / "log", topic)
    wait_until(lambda: near.bounds()[0][1] == 500)
    started = time.monotonic()
    first.terminate()
    out, err = first.communicate(timeout=60)
    seconds = time.monotonic() - started
    waiting = near.bounds()[0]
    brokers.up(mortal)
    second = collecting(home, servers, topic, posts)
    rest, _ = second.communicate(timeout=60)

    assert (first.returncode, json.loads(out)["received"]) == (0, 500)
    assert "collecting into the spool" in err
    assert seconds < 15
    assert waiting == (0, 500)
    assert (second.returncode, json.loads(rest)["received"]) == (0, 0)
    assert near.bounds()[0] == (500, 500)
    assert KafkaLog(servers, topic, {}).bounds()[0] == (0, 500)
