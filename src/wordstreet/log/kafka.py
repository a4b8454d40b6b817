"""The log on Kafka: producing until it is confirmed, reading by the offsets the lake names."""

import json
import logging
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import methodcaller
from typing import Any, Final

import pyarrow as pa
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from wordstreet.errors import LogAwayError, LogError
from wordstreet.log import MAX_SLICE_BYTES, Slice
from wordstreet.log.topics import CURSORS, Topic, connection, explained
from wordstreet.log.wire import HEADERS, moment, stamped
from wordstreet.schema import RECORDS, Envelope

__all__ = ["KafkaLog", "written_at"]

_HEAD_BYTES: Final = 65_536
_BATCH_BYTES: Final = 1_000_000
_AT_ONCE: Final = 5_000
_POLL_SECONDS: Final = 0.2
_ANSWER_SECONDS: Final = 5.0
_SILENT_SECONDS: Final = 30.0
"""How long a broker may owe records that it says it has."""

_PRODUCING: Final[dict[str, Any]] = {
    "enable.idempotence": True,
    "acks": "all",
    "compression.type": "zstd",
    "linger.ms": 5,
    # the partition Java's clients choose for the same key, so that others may write here too
    "partitioner": "murmur2_random",
    # never given up: what is in hand is delivered in order when the broker is back
    "message.timeout.ms": 0,
    "delivery.report.only.error": True,
    "queue.buffering.max.kbytes": 65_536,
}
_CONSUMING: Final[dict[str, Any]] = {
    "enable.auto.commit": False,
    "auto.offset.reset": "error",
    "fetch.wait.max.ms": 100,
    "queued.max.messages.kbytes": 16_384,
}

logger = logging.getLogger(__name__)


class KafkaLog:
    """
    One topic on Kafka; see `wordstreet.log.Log` for the contract.

    `append` returns when every record is confirmed by all replicas in sync; while no broker
    answers it waits, until `stop` is set: then it raises `LogAwayError`, and what was in hand may
    or may not have arrived. Cursors lie in a compacted topic beside, written after the records
    they cover, so that a collector on another machine goes on where this one was. A record that
    the topic is too narrow for is cut and marked `oversize`. Reading starts at the offsets asked
    for and keeps no state at the broker. `trim` leaves forgetting to the topic's retention.

    Raises `LogAwayError` when no broker answers and `LogError` for a topic that is not there.
    """

    def __init__(
        self,
        servers: str,
        topic: str,
        options: Mapping[str, str],
        stop: threading.Event | None = None,
    ) -> None:
        self._connection = connection(servers, options)
        self._stop = stop or threading.Event()
        self.topic = topic
        self._about = Topic(servers, topic, options)
        self.id = self._about.id()
        self._producer: Producer | None = None
        self._consumer: Consumer | None = None
        self._next: dict[int, int] = {}
        self._typical_bytes = float(
            MAX_SLICE_BYTES
        )  # so that what is taken at once is bounded in bytes, too
        self._failed: list[KafkaError] = []

    def append(self, records: Sequence[Envelope], source: str, cursor: Mapping[str, str]) -> None:
        """Store the records, then the cursor of `source`, merged; both durable."""
        self._deliver((self.topic, r.key.encode(), r.value, _headers(r)) for r in records)
        self._deliver(
            (f"{self.topic}{CURSORS}", json.dumps([source, part]).encode(), text.encode(), None)
            for part, text in cursor.items()
        )

    def _deliver(self, messages: Iterator[tuple[str, bytes, bytes, Any]]) -> None:
        """Send and wait until all is confirmed."""
        if self._producer is None:
            self._producer = self._made_producer()
        try:
            for message in messages:
                self._send(*message)
            while self._producer.flush(_POLL_SECONDS):
                self._check_stopped()
            if self._failed:
                raise explained(self._failed[0], self.topic)
        except BaseException:
            # a producer with a hole in what it sent is not gone on with
            self._failed.clear()
            self._producer.purge()
            self._producer = None
            raise

    def _made_producer(self) -> Producer:
        """Return a producer that knows how much the topic takes at once."""
        widest = self._about.max_bytes()
        sizes = {"message.max.bytes": widest, "batch.size": min(_BATCH_BYTES, widest * 9 // 10)}
        return Producer({**self._connection, **_PRODUCING, **sizes})

    def _send(self, topic: str, key: bytes, value: bytes, headers: Any) -> None:
        assert self._producer is not None
        while True:
            try:
                self._producer.produce(
                    topic, value, key, headers=headers, on_delivery=self._on_delivery
                )
            except BufferError:  # full: as fast as the broker takes it, and no faster
                self._producer.poll(_POLL_SECONDS)
                self._check_stopped()
                continue
            except KafkaException as error:
                if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                    raise explained(error.args[0], self.topic) from error
                value, headers = _cut(value, headers)
                continue
            return

    def _on_delivery(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failed.append(error)

    def _check_stopped(self) -> None:
        if self._stop.is_set():
            message = (
                f"Kafka at {self._connection['bootstrap.servers']} does not answer; stopped waiting"
            )
            raise LogAwayError(message)

    def cursor(self, source: str) -> dict[str, str]:
        """Return the stored cursor of a source; empty when it never ran."""
        found = {}
        for message in self._all_cursors():
            owner, part = json.loads(message.key() or b"[null, null]")
            if owner == source:
                found[part] = (message.value() or b"").decode()
        return found

    def _all_cursors(self) -> Iterator[Message]:
        """Yield what the topic of cursors holds now, all of it or raise."""
        topic = f"{self.topic}{CURSORS}"
        begin, end = self._about.bounds(CURSORS)[0]
        settings = {**_CONSUMING, "group.id": _nobody(), "enable.partition.eof": True}
        consumer = Consumer({**self._connection, **settings})
        try:
            with _reported(topic):
                consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
                while begin < end:
                    message = consumer.poll(_SILENT_SECONDS)
                    if message is None:  # half of the cursors would send a source back, or ahead
                        text = f"Kafka owes records of {topic} for {_SILENT_SECONDS:.0f} s"
                        raise LogAwayError(text)
                    if message.error():
                        if message.error().code() == KafkaError._PARTITION_EOF:
                            return
                        raise explained(message.error(), topic)
                    yield message
                    begin = message.offset() + 1
        finally:
            consumer.close()

    def bounds(self) -> dict[int, tuple[int, int]]:
        """Return for every partition [begin, end): the first offset held, the next to be given."""
        return self._about.bounds()

    def read(self, starts: Mapping[int, int], limit: int, seconds: float = 0) -> list[Slice]:
        """Return up to `limit` records from these offsets on, at most one slice a partition."""
        with _reported(self.topic):
            consumer = self._at(starts)
            self._next = {}  # should anything fail from here on, what was taken is taken again
            messages = self._taken(consumer, limit, seconds)
            if not messages and self._owed(starts):
                messages = self._taken(consumer, limit, _SILENT_SECONDS, first=True)
                if not messages:
                    message = f"Kafka owes records of {self.topic} for {_SILENT_SECONDS:.0f} s"
                    raise LogAwayError(message)
        if (
            messages and self._about.id() != self.id
        ):  # asked last: what was read is then of this topic
            message = (
                f"topic {self.topic} was deleted and made anew while it was read; "
                "start again to see what that means for the lake"
            )
            raise LogError(message)
        slices = self._slices(messages, starts)
        self._next = dict(starts) | {part.partition: part.end for part in slices}
        return slices

    def _at(self, starts: Mapping[int, int]) -> Consumer:
        """Return a consumer that stands at these offsets."""
        if self._consumer is None:
            self._consumer = Consumer({**self._connection, **_CONSUMING, "group.id": _nobody()})
        if self._next != dict(starts):
            self._consumer.assign([TopicPartition(self.topic, p, o) for p, o in starts.items()])
        return self._consumer

    def _taken(
        self, consumer: Consumer, limit: int, seconds: float, first: bool = False
    ) -> list[Message]:
        """Take messages until there are enough of them, or `first` ones, or the time is over."""
        taken: list[Message] = []
        size = 0
        deadline = time.monotonic() + seconds
        while len(taken) < limit and size < MAX_SLICE_BYTES:
            left = min(_POLL_SECONDS, max(0.01, deadline - time.monotonic()))
            room = int((MAX_SLICE_BYTES - size) / self._typical_bytes) + 1
            found = consumer.consume(min(room, limit - len(taken), _AT_ONCE), left)
            for message in found:
                if message.error():
                    raise explained(message.error(), self.topic)
                size += len(message.value() or b"")
            taken += found
            if taken:
                self._typical_bytes = max(1.0, size / len(taken))
            if (first and taken) or time.monotonic() >= deadline or self._stop.is_set():
                break
        return taken

    def _owed(self, starts: Mapping[int, int]) -> bool:
        """Tell whether the broker has records behind these offsets."""
        bounds = self.bounds()
        return any(bounds[p][1] > start for p, start in starts.items() if p in bounds)

    def _slices(self, messages: list[Message], starts: Mapping[int, int]) -> list[Slice]:
        by_partition: dict[int, list[Message]] = {}
        for message in messages:
            by_partition.setdefault(message.partition(), []).append(message)
        slices = []
        for partition, mine in sorted(by_partition.items()):
            end = mine[-1].offset() + 1
            slices.append(Slice(partition, starts[partition], end, self._batch(partition, mine)))
        return slices

    def _batch(self, partition: int, messages: list[Message]) -> pa.RecordBatch:
        count = len(messages)
        told = [_told(message) for message in messages]
        columns = [
            [(m.key() or b"").decode(errors="replace") for m in messages],
            [m.value() for m in messages],
            *([row[name] for row in told] for name in HEADERS),
            pa.repeat(pa.scalar(self.id), count),
            pa.repeat(pa.scalar(self.topic), count),
            pa.repeat(pa.scalar(partition, pa.int32()), count),
            [m.offset() for m in messages],
        ]
        arrays = [
            pa.array(column, field.type) if isinstance(column, list) else column
            for column, field in zip(columns, RECORDS, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=RECORDS)

    def trim(self, ends: Mapping[int, int]) -> None:
        """Do nothing: others may read the topic too, and its retention forgets for all of them."""

    def close(self) -> None:
        """Let go of the connections; what was appended is durable already."""
        if self._consumer is not None:
            self._consumer.close()
        if self._producer is not None:
            self._producer.close()


def _nobody() -> str:
    """Return a consumer group that nobody is in; the library wants one, and nothing is kept there."""
    return f"wordstreet-{uuid.uuid4()}"


def _headers(record: Envelope) -> list[tuple[str, bytes]]:
    return [(name, str(getattr(record, name)).encode()) for name in HEADERS]


def _cut(value: bytes, headers: Any) -> tuple[bytes, Any]:
    logger.warning(
        "a record of %s bytes is too long for the topic; its beginning is kept", len(value)
    )
    if len(value) <= _HEAD_BYTES:
        message = "the topic takes not even 64 KiB a record; raise its max.message.bytes"
        raise LogError(message)
    kept = [(name, text) for name, text in headers or [] if name != "schema"]
    return value[:_HEAD_BYTES], [*kept, ("schema", b"oversize")]


_headers_of: Final = methodcaller("headers")
"""
Never `message.headers()` itself.

For a header whose name is not UTF-8 the library returns a broken list and an error at once. Called
from C, that is a `SystemError`; called from Python code that the interpreter has specialised, the
error is overlooked and touching the list ends the process.
"""


def _told(message: Message) -> dict[str, Any]:
    """Return the headers of a record; what a foreign producer left out is null, the time Kafka's."""
    found: dict[str, Any] = dict.fromkeys(HEADERS)
    try:
        headers = _headers_of(message) or []
    except (SystemError, UnicodeError):  # one without a readable name: it gives none of them
        headers = []
    found |= {
        name: text.decode(errors="replace")
        for name, text in headers
        if name in found and text is not None
    }
    said = moment(found["observed_at"] or "")
    found["observed_at"] = stamped(message.timestamp()[1]) if said is None else said
    return found


@contextmanager
def _reported(topic: str) -> Iterator[None]:
    """Turn what the client library raises into our words."""
    try:
        yield
    except KafkaException as error:
        raise explained(error.args[0], topic) from error


def written_at(
    servers: str, topic: str, options: Mapping[str, str], places: Mapping[int, int]
) -> dict[int, float]:
    """Return for each partition when, in seconds since 1970, Kafka got the record at its offset."""
    found = {}
    consumer = Consumer({**connection(servers, options), **_CONSUMING, "group.id": _nobody()})
    try:
        with _reported(topic):
            for partition, offset in places.items():
                consumer.assign([TopicPartition(topic, partition, offset)])
                message = consumer.poll(_ANSWER_SECONDS)
                if message is not None and not message.error():
                    found[partition] = message.timestamp()[1] / 1000
    finally:
        consumer.close()
    return found
