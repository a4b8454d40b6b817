"""The log on a real broker: foreign records, long ones, what is not there, what changes meanwhile."""

import ctypes
import threading
import time
from pathlib import Path
from typing import Any

import confluent_kafka
import pyarrow as pa
import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions
from tests.brokers import need_kafka
from tests.log.test_spool import ONE, envelope, wait_until

from wordstreet.engines import embedded
from wordstreet.engines.embedded import ingest
from wordstreet.engines.transform import build
from wordstreet.errors import LogAwayError, LogError
from wordstreet.lake.maintain import verify
from wordstreet.lake.tables import Lake
from wordstreet.lake.views import query
from wordstreet.log import wire
from wordstreet.log.kafka import KafkaLog
from wordstreet.log.topics import Shape, Topic
from wordstreet.schema import RECORDS, Envelope
from wordstreet.settings import Settings, load

POST = b'{"data": {"id": "1", "author_id": "7", "text": "Tesla, great"}}'
OURS = [("source", b"x"), ("event", b"post"), ("origin", b"stream"), ("schema", b"x.v2")]


def at(text: str | bytes) -> dict[str, Any]:
    """Return a post of ours whose time is said in this way."""
    said = text.encode() if isinstance(text, str) else text
    return {"value": POST, "key": b"x:1", "headers": [*OURS, ("observed_at", said)]}


ODD: dict[str, dict[str, Any]] = {
    "ours": at("1795000000000000"),
    "nothing but a value": {"value": b"hello"},
    "nothing at all": {"value": None},
    "an empty key and value": {"value": b"", "key": b""},
    "a tombstone": {"value": None, "key": b"x:1", "headers": OURS},
    "a key that is no text": {"value": POST, "key": b"\xff\xfe\x00", "headers": OURS},
    "headers that are no text": {
        "value": POST,
        "headers": [("source", b"\xff"), ("event", b"\xc3"), ("schema", b"x.v2")],
    },
    "a header twice": {"value": POST, "headers": [*OURS, ("source", b"a"), ("source", b"b")]},
    "a header twice, then null": {"value": POST, "headers": [*OURS, ("source", None)]},
    "a null header": {"value": POST, "headers": [("event", None), ("schema", b"x.v2")]},
    "foreign headers": {"value": POST, "headers": [("", b"x"), ("größe", b"y"), *OURS]},
    "a header with a NUL": {"value": POST, "headers": [("event", b"post\x00"), *OURS[3:]]},
    "garbage for a time": at("yesterday"),
    "no time": at(""),
    "a time with a NUL": at("12\x00"),
    "a time that is no text": at(b"\xff\xff"),
    "a time in hexadecimal": at("0x10"),
    "a time with spaces": at("  1795000000000000 "),
    "a time with a plus": at("+1795000000000000"),
    "a time with lines in it": at("1_795_000_000_000_000"),
    "a time in other digits": at("١٧٩٥"),
    "a huge time": at("9" * 5_000),
    "a time beyond every calendar": at(str(2**62)),
    "a time beyond ours": at(str(2**57)),
    "the last time of ours": at(str(2**57 - 1)),
    "a time before every calendar": at(str(-(2**62))),
    "the year 1": at("-62135596800000000"),
    "a time before 1970": at("-1"),
    "a half time": at("1.5"),
    "stamped in 1970": {"value": POST, "headers": OURS, "timestamp": 1},
    "no opening brace": {"value": b'"data": 1}', "headers": OURS},
    "another format": {"value": POST, "headers": [*OURS, ("schema", b"y.v9")]},
}


@pytest.fixture
def odd(broker: str, topic: str) -> str:
    """A topic that holds every odd record, in order."""
    Topic(broker, topic, {}).create(ONE)
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 50})
    failed: list[object] = []
    for record in ODD.values():
        producer.produce(topic, on_delivery=lambda error, _: failed.append(error), **record)
    producer.flush(30)
    assert failed == [None] * len(ODD)
    return topic


def consumed(servers: str, topic: str, count: int) -> pa.RecordBatch:
    """Return the first records of a topic as Spark's Kafka source gives them."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": topic})
    consumer.assign([TopicPartition(topic, 0, 0)])
    messages: list[Message] = []
    while len(messages) < count:
        messages += consumer.consume(count - len(messages), 5)
    consumer.close()
    rows = [
        {
            "key": m.key(),
            "value": m.value(),
            "headers": m.headers() and [{"key": k, "value": v} for k, v in m.headers()],
            "partition": m.partition(),
            "offset": m.offset(),
            "timestamp": m.timestamp()[1] * 1000,
        }
        for m in messages
    ]
    return pa.RecordBatch.from_pylist(rows, schema=wire.CONSUMED)


def settings(home: Path, servers: str, topic: str) -> Settings:
    """Return the settings of a home whose log lies on Kafka."""
    given = ["log.kind=kafka", f"log.servers={servers}", f"log.topic={topic}"]
    return load(home=str(home), assignments=[*given, "watchlist.path=seed"])


def test_both_readers_see_the_same_rows(broker: str, odd: str) -> None:
    """Whatever a foreign producer wrote, librdkafka's way and Spark's end in the same columns."""
    log = KafkaLog(broker, odd, {})
    [part] = log.read({0: 0}, 1000, 2)
    all_at_once = wire.records(consumed(broker, odd, len(ODD)), log.id, odd)
    one_by_one = [
        wire.records(consumed(broker, odd, len(ODD)).slice(n, 1), log.id, odd)
        for n in range(len(ODD))
    ]

    assert part.records.schema == RECORDS
    for n, name in enumerate(ODD):
        row = part.records.slice(n, 1)
        assert all_at_once.slice(n, 1).equals(row), name
        assert one_by_one[n].equals(row), name


def test_every_odd_record_becomes_one_row(broker: str, odd: str, tmp_path: Path) -> None:
    """Nothing a foreign producer writes stops the engine; what cannot be read is set aside."""
    chosen = settings(tmp_path, broker, odd)
    lake = Lake(chosen.lake_uri)
    log = KafkaLog(broker, odd, {})
    done = ingest(log, lake, build(chosen), chosen, threading.Event(), lambda: True)
    audit = verify(lake)
    rejects = query(lake, 'select "offset", reason from rejects order by 1').to_pylist()
    reasons = {list(ODD)[row["offset"]]: row["reason"] for row in rejects}

    assert (done.received, audit.records, audit.ok) == (len(ODD), len(ODD), True)
    assert done.stored + done.rejects == len(ODD)
    assert {"nothing at all", "a tombstone", "headers that are no text"} <= set(reasons)
    assert "unknown wire format y.v9" in reasons["another format"]
    assert not {"ours", "a huge time", "a time before every calendar"} & set(reasons)


def produce_nameless(servers: str, topic: str) -> None:
    """Produce a record with a header whose name is no text, which only the C library lets us."""
    found = [*Path(confluent_kafka.__file__).parents[1].glob("confluent_kafka.libs/librdkafka*")]
    if not found:
        pytest.skip("confluent-kafka brings no librdkafka of its own here")
    library = ctypes.CDLL(str(found[0]))
    for name in ("conf_new", "new", "headers_new"):
        getattr(library, f"rd_kafka_{name}").restype = ctypes.c_void_p
    library.rd_kafka_conf_set.argtypes = [ctypes.c_void_p, *[ctypes.c_char_p] * 3, ctypes.c_size_t]
    library.rd_kafka_header_add.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_ssize_t, ctypes.c_char_p, ctypes.c_ssize_t,
    ]  # fmt: skip
    reason = ctypes.create_string_buffer(512)
    configured = library.rd_kafka_conf_new()
    library.rd_kafka_conf_set(configured, b"bootstrap.servers", servers.encode(), reason, 512)
    producer = ctypes.c_void_p(
        library.rd_kafka_new(0, ctypes.c_void_p(configured), reason, ctypes.c_size_t(512))
    )
    headers = library.rd_kafka_headers_new(1)
    library.rd_kafka_header_add(headers, b"\xff\xfe", 2, b"v", 1)
    given = [1, ctypes.c_char_p(topic.encode())]
    given += [4, ctypes.c_char_p(b"hello"), ctypes.c_size_t(5)]
    given += [10, ctypes.c_void_p(headers), 0]
    assert library.rd_kafka_producev(producer, *given) == 0
    assert library.rd_kafka_flush(producer, 10_000) == 0
    library.rd_kafka_destroy(producer)


def test_a_header_whose_name_is_no_text(broker: str, topic: str) -> None:
    """The library cannot name it; the record is read without headers and stops nobody."""
    Topic(broker, topic, {}).create(ONE)
    log = KafkaLog(broker, topic, {})
    log.append([envelope(n) for n in range(100)], "x", {})  # enough to make the interpreter hasty
    produce_nameless(broker, topic)
    log.append([envelope(101)], "x", {})
    [part] = log.read({0: 0}, 200, 2)

    assert part.records["value"].to_pylist()[100:] == [b"hello", b"101"]
    assert part.records["event"].to_pylist()[99:] == ["post", None, "post"]


def test_a_record_too_long_for_the_topic_is_cut(broker: str, topic: str, tmp_path: Path) -> None:
    """Its beginning arrives as `oversize` in its place, and those around it as they were."""
    about = Topic(broker, topic, {})
    about.create(ONE)
    about._set("max.message.bytes", "200000")
    log = KafkaLog(broker, topic, {})
    log.append([envelope(0), envelope(1, 300_000), envelope(2)], "x", {"at": "2"})
    [part] = log.read({0: 0}, 10, 3)
    rows = part.records.to_pylist()
    chosen = settings(tmp_path, broker, topic)
    lake = Lake(chosen.lake_uri)
    ingest(log, lake, build(chosen), chosen, threading.Event(), lambda: True)
    [reject] = query(lake, 'select reason from rejects where "offset" = 1').to_pylist()

    assert [row["schema"] for row in rows] == ["x.v2", "oversize", "x.v2"]
    assert [len(row["value"]) for row in rows] == [1, 65_536, 1]
    assert rows[1]["event"] == "post"
    assert "longer than the limit" in reject["reason"]


def test_a_topic_too_narrow_for_anything_is_named(broker: str, topic: str) -> None:
    """Where not even the beginning fits, the setting to raise is in the message."""
    about = Topic(broker, topic, {})
    about.create(ONE)
    about._set("max.message.bytes", "20000")

    with pytest.raises(LogError, match=r"raise its max\.message\.bytes"):
        KafkaLog(broker, topic, {}).append([envelope(0, 30_000)], "x", {})


def test_a_topic_that_is_not_there(broker: str, topic: str) -> None:
    """The command that makes it is in the message, and waiting is not what helps."""
    with pytest.raises(LogError, match="wordstreet log create") as refused:
        KafkaLog(broker, topic, {})

    assert not isinstance(refused.value, LogAwayError)


def test_a_broker_that_is_away(topic: str) -> None:
    """The address is in the message within seconds."""
    need_kafka()
    started = time.monotonic()
    with pytest.raises(LogAwayError, match=r"127\.0\.0\.1:1 answers"):
        KafkaLog("127.0.0.1:1", topic, {})

    assert time.monotonic() - started < 15


def test_what_was_taken_and_not_given_is_taken_again(
    broker: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that goes away between the records and the last question costs no record."""
    Topic(broker, topic, {}).create(ONE)
    log = KafkaLog(broker, topic, {})
    log.append([envelope(n) for n in range(10)], "x", {})

    def away() -> str:
        message = "no broker answers"
        raise LogAwayError(message)

    with monkeypatch.context() as patched:
        patched.setattr(log._about, "id", away)
        with pytest.raises(LogAwayError):
            log.read({0: 0}, 100, 1)
    log.append([envelope(n) for n in range(10, 20)], "x", {})
    [part] = log.read({0: 0}, 100, 1)

    assert part.records["offset"].to_pylist() == list(range(20))


def test_partitions_grow_while_an_engine_reads(
    broker: str, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine finds the new partitions by itself and reads them from their beginning."""
    monkeypatch.setattr(embedded, "_SETTLE_SECONDS", 0.2)
    Topic(broker, topic, {}).create(ONE)
    chosen = settings(tmp_path, broker, topic)
    lake = Lake(chosen.lake_uri)
    stop, counts = threading.Event(), [0]
    reader = KafkaLog(broker, topic, {})
    engine = threading.Thread(
        target=ingest,
        args=(reader, lake, build(chosen), chosen, stop, lambda: False),
        kwargs={"report": lambda done: counts.append(done.received)},
    )
    engine.start()
    try:
        KafkaLog(broker, topic, {}).append([envelope(n) for n in range(50)], "x", {})
        wait_until(lambda: counts[-1] == 50)
        admin = AdminClient({"bootstrap.servers": broker})
        admin.create_partitions([NewPartitions(topic, 4)])[topic].result(10)
        wait_until(lambda: len(Topic(broker, topic, {}).bounds()) == 4)
        more = [envelope(n, key=f"x:{n}") for n in range(50, 250)]
        KafkaLog(broker, topic, {}).append(more, "x", {})
        wait_until(lambda: counts[-1] == 250)
    finally:
        stop.set()
        engine.join()
    audit = verify(lake)

    assert (audit.records, audit.ok) == (250, True)
    assert len({stream.partition for stream in lake.streams()}) == 4


MURMUR2 = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
}
"""Keys and their hashes as Kafka's own tests of its Java client have them."""


def test_a_key_has_the_partition_that_java_chooses(broker: str, topic: str) -> None:
    """Another producer, in Java, puts the next version of a post behind the first one."""
    Topic(broker, topic, {}).create(Shape(7, 1, 1, 24))
    log = KafkaLog(broker, topic, {})
    log.append([Envelope(key, POST, "x", "post", 1, "stream", "x.v2") for key in MURMUR2], "x", {})
    slices = log.read(dict.fromkeys(log.bounds(), 0), 100, 2)
    found = {key: part.partition for part in slices for key in part.records["key"].to_pylist()}

    assert found == {key: (number & 0x7FFFFFFF) % 7 for key, number in MURMUR2.items()}
