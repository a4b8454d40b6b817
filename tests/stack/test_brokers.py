"""Real brokers: they outlive their command and `kill -9`, and nothing else is ever ended."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.brokers import need_kafka

from wordstreet.errors import StackError
from wordstreet.stack import brokers, plan

confluent_kafka = pytest.importorskip(
    "confluent_kafka", reason="install it: pip install 'wordstreet[kafka]'"
)
QUIET = {"log_level": 0}
SASL = {
    "listener.security.protocol.map": "CLIENT:SASL_PLAINTEXT,REPLICATION:PLAINTEXT,"
    "CONTROLLER:PLAINTEXT",
    "listener.name.client.sasl.enabled.mechanisms": "PLAIN",
    "listener.name.client.plain.sasl.jaas.config": (
        "org.apache.kafka.common.security.plain.PlainLoginModule required "
        'user_ann="secret" username="ann" password="secret";'
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for brokers, which are gone after the test whatever it did."""
    need_kafka()
    yield tmp_path / "stack"
    brokers.down(tmp_path / "stack")


def make_topic(servers: str, copies: int) -> str:
    """Create a topic of one partition; return its name."""
    from confluent_kafka.admin import AdminClient, NewTopic

    name = f"t-{uuid.uuid4().hex}"
    admin = AdminClient({"bootstrap.servers": servers, **QUIET})
    admin.create_topics([NewTopic(name, 1, copies)])[name].result(30)
    return name


def produce(servers: str, topic: str, *texts: str) -> None:
    """Return when every copy in sync has the records."""
    producer = confluent_kafka.Producer({"bootstrap.servers": servers, "acks": "all", **QUIET})
    errors: list[object] = []
    for text in texts:
        producer.produce(topic, text, on_delivery=lambda error, _: errors.append(error))
    producer.flush(60)

    assert errors == [None] * len(texts)


def consume(servers: str, topic: str, count: int) -> list[str]:
    """Return the first records of the topic."""
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": servers, "group.id": uuid.uuid4().hex, **QUIET}
    )
    consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
    texts: list[str] = []
    deadline = time.monotonic() + 60
    while len(texts) < count and time.monotonic() < deadline:
        message = consumer.poll(1)
        if message is not None and message.error() is None:
            texts.append(message.value().decode())
    consumer.close()
    return texts


def kill(folder: Path, pids: list[int]) -> None:
    """End brokers of this test as a power switch would, and wait until they are gone."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    while set(pids) & set(programs(folder)):
        time.sleep(0.05)


def programs(folder: Path) -> list[int]:
    """Return every program whose command line names the folder, known to the stack or not."""
    if Path("/proc/self").exists():
        lines = {int(path.name): line(path) for path in Path("/proc").glob("[0-9]*")}
    else:
        shown = subprocess.run(["ps", "-axww", "-o", "pid=,command="], stdout=subprocess.PIPE)
        lines = {int(row.split()[0]): row for row in shown.stdout.splitlines()}
    return [pid for pid, text in lines.items() if os.fsencode(folder) in text]


def line(process: Path) -> bytes:
    """Return the command line of a process; empty when it ended."""
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def test_one_broker_lives_dies_and_comes_back(folder: Path) -> None:
    """`up` twice is one broker; after `kill -9` it has the same address and the same records."""
    first = brokers.up(folder)
    again = brokers.up(folder)
    topic = make_topic(first.servers, 1)
    produce(first.servers, topic, "a", "b")
    kill(folder, first.pids)
    dead = brokers.status(folder)
    back = brokers.up(folder)
    texts = consume(back.servers, topic, 2)
    ended = brokers.down(folder)

    assert again == first
    assert dead is not None
    assert (dead.servers, dead.alive) == (first.servers, [False])
    assert (back.servers, back.alive) == (first.servers, [True])
    assert back.pids != first.pids
    assert texts == ["a", "b"]
    assert ended == back.pids
    assert programs(folder) == []
    assert brokers.down(folder) == []


def test_a_broker_outlives_the_command(folder: Path) -> None:
    """The broker is in nobody's session: the process that started it may end or be killed."""
    script = (
        "import os, pathlib, sys; from wordstreet.stack import brokers; "
        "print(*brokers.up(pathlib.Path(sys.argv[1])).pids, flush=True); "
        "os.killpg(0, 9)"
    )
    command = [sys.executable, "-c", script, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    stack = brokers.status(folder)

    assert done.returncode == -signal.SIGKILL
    assert stack is not None
    assert [str(pid) for pid in stack.pids] == done.stdout.split()
    assert programs(folder) == stack.pids


def test_three_brokers_replicate(folder: Path) -> None:
    """With one broker killed `acks=all` goes on; with all killed every record comes back."""
    stack = brokers.up(folder, 3)
    topic = make_topic(stack.servers, 3)
    produce(stack.servers, topic, "all three")
    kill(folder, stack.pids[:1])
    produce(stack.servers, topic, "two of three")
    two = brokers.status(folder)
    three = brokers.up(folder, 3)
    for pid in three.pids:
        os.kill(pid, signal.SIGKILL)  # and at once, while they still seem to run:
    back = brokers.up(folder, 3)
    texts = consume(back.servers, topic, 2)
    brokers.down(folder)

    assert two is not None
    assert two.alive == [False, True, True]
    assert three.pids[1:] == stack.pids[1:]
    assert back.alive == [True, True, True]
    assert texts == ["all three", "two of three"]
    assert programs(folder) == []


def test_another_number_is_refused(folder: Path) -> None:
    """What was made as one broker is not made three, nor any number but one and three."""
    folder.mkdir()
    plan.make(folder, 1)

    with pytest.raises(StackError, match="was made with 1 broker"):
        brokers.up(folder, 3)
    with pytest.raises(StackError, match="1 broker or 3, not 2"):
        brokers.up(folder / "other", 2)


def test_a_foreign_process_is_never_ended(folder: Path) -> None:
    """A number that was given to another program since means: the broker does not run."""
    folder.mkdir()
    plan.make(folder, 1)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as foreign:
        (folder / "broker-1").mkdir()
        (folder / "broker-1" / "pid").write_text(f"{foreign.pid}\n")
        stack = brokers.status(folder)
        ended = brokers.down(folder)

        assert stack is not None
        assert stack.alive == [False]
        assert ended == []
        assert foreign.poll() is None


def test_a_broker_that_cannot_start_shows_its_log(folder: Path) -> None:
    """The error has the broker's own last words and where to read the rest."""
    with pytest.raises(StackError, match=r"(?s)broker 1 ended while starting.*broker\.log.*banana"):
        brokers.up(folder, extra={"num.io.threads": "banana"})


def test_a_taken_port_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that another program took meanwhile is named before anything starts."""
    monkeypatch.setattr(brokers, "_PORT_SECONDS", 0)
    folder.mkdir()
    node = plan.make(folder, 1).nodes[0]
    with socket.socket() as other:
        other.bind(("127.0.0.1", node.client))
        other.listen()

        with pytest.raises(StackError, match=f"port {node.client} of broker 1 is taken"):
            brokers.up(folder)


def test_extra_properties_reach_the_broker(folder: Path) -> None:
    """A broker made to ask for a password answers only those who have it."""
    from confluent_kafka.admin import AdminClient

    stack = brokers.up(folder, extra=SASL)
    plain = {"bootstrap.servers": stack.servers, **QUIET}
    known = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN"}
    ann = {**plain, **known, "sasl.username": "ann", "sasl.password": "secret"}

    assert len(AdminClient(ann).list_topics(timeout=20).brokers) == 1
    with pytest.raises(confluent_kafka.KafkaException):
        AdminClient(plain).list_topics(timeout=2)


def test_properties_say_what_is_promised() -> None:
    """Three nodes keep three copies and acknowledge with two; one node keeps one."""
    nodes = tuple(plan.Node(n, 20_000 + n, 20_010 + n, 20_020 + n) for n in (1, 2, 3))
    three = plan.properties(nodes[1], nodes).splitlines()
    one = plan.properties(nodes[0], nodes[:1], {"log.retention.ms": "5", "note": "a\\b ü"})

    assert "node.id=2" in three
    assert "controller.quorum.voters=1@127.0.0.1:20021,2@127.0.0.1:20022,3@127.0.0.1:20023" in three
    assert {"default.replication.factor=3", "min.insync.replicas=2"} <= set(three)
    assert {"auto.create.topics.enable=false", "unclean.leader.election.enable=false"} <= set(three)
    assert {"default.replication.factor=1", "log.retention.ms=5"} <= set(one.splitlines())
    assert r"note=a\\b \u00fc" in one


def test_a_damaged_plan_is_named(tmp_path: Path) -> None:
    """Garbage in `stack.json` is not taken for an empty folder."""
    (tmp_path / "stack.json").write_text("{")

    with pytest.raises(StackError, match=r"stack\.json cannot be read.*move .* away"):
        brokers.status(tmp_path)
