"""Topics on Kafka as their keeper sees them: made, described, never shrunk."""

import logging
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
)

from wordstreet.errors import LogAwayError, LogError, SettingsError, WordstreetError

__all__ = ["CURSORS", "Shape", "Topic", "connection", "explained"]

CURSORS: Final = "-cursors"
"""What the name of the compacted topic ends with in which collectors keep their cursors."""

_SECONDS: Final = 10.0
_AGAIN_SECONDS: Final = 0.1
_MAX_BYTES: Final = 10 * 2**20
_HOUR_MS: Final = 3_600_000

_AWAY: Final = {
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError._RESOLVE,
    KafkaError._NODE_UPDATE,
    KafkaError._MAX_POLL_EXCEEDED,
}
_MOVING: Final = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE}
_GONE: Final = {
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
}
_UNKNOWN_TO_THEM: Final = {
    KafkaError._AUTHENTICATION,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError._SSL,
}
"""Said before they let us in; a password that is being changed is a reason to wait, too."""

_FORBIDDEN: Final = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a topic is kept."""

    partitions: int
    replication: int
    min_insync_replicas: int
    retention_hours: int


class Topic:
    """
    One topic on Kafka, seen from its keeper's side.

    Every method asks the brokers anew and raises `LogAwayError` when none answers in time,
    `LogError` when the topic is not there, `SettingsError` for a shape it cannot take.
    """

    def __init__(self, servers: str, name: str, options: Mapping[str, str]) -> None:
        self.name = name
        self._servers = servers
        self._heard: list[KafkaError] = []
        settings = {
            **connection(servers, options),
            "logger": _quiet(),
            "socket.timeout.ms": 10_000,
            "error_cb": self._heard.append,
        }
        try:
            self._admin = AdminClient(settings)
        except (KafkaException, ValueError, TypeError) as error:
            reason = error.args[0].str() if isinstance(error, KafkaException) else error
            message = f"log.options cannot be used: {reason}"
            raise SettingsError(message) from error

    def id(self) -> str:
        """Return the topic's UUID and, behind a dot, the cluster's id."""
        with self._asked():
            cluster = self._admin.list_topics(self.name, timeout=_SECONDS).cluster_id
        found = self._described().topic_id
        high, low = found.get_most_significant_bits(), found.get_least_significant_bits()
        return f"{uuid.UUID(int=(high % 2**64) << 64 | low % 2**64)}.{cluster}"

    def bounds(self, beside: str = "") -> dict[int, tuple[int, int]]:
        """
        Return for every partition [begin, end): the first offset held, the next to be given.

        `beside` is what the name of another topic ends with that belongs to this one.
        """
        name = f"{self.name}{beside}"
        places = [TopicPartition(name, p.id) for p in self._described(name).partitions]
        begins, ends = (
            self._offsets(places, spec) for spec in (OffsetSpec.earliest(), OffsetSpec.latest())
        )
        return {number: (begin, ends[number]) for number, begin in begins.items()}

    def _offsets(self, places: list[TopicPartition], spec: OffsetSpec) -> dict[int, int]:
        wanted = dict.fromkeys(places, spec)
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                with self._asked():
                    asked = self._admin.list_offsets(wanted, request_timeout=_SECONDS)
                    return {
                        p.partition: f.result(_SECONDS).offset for p, f in sorted(asked.items())
                    }
            except LogAwayError as error:
                if not _is_moving(error) or time.monotonic() > deadline:
                    raise
                time.sleep(_AGAIN_SECONDS)

    def shape(self) -> Shape:
        """Return how the topic is kept now."""
        about = self._described()
        config = self._config()
        return Shape(
            len(about.partitions),
            len(about.partitions[0].replicas),
            int(config["min.insync.replicas"].value),
            int(config["retention.ms"].value) // _HOUR_MS,
        )

    def max_bytes(self) -> int:
        """Return how long a record the topic takes."""
        return int(self._config()["max.message.bytes"].value)

    def _config(self) -> Any:
        with self._asked():
            resource = ConfigResource(ConfigResource.Type.TOPIC, self.name)
            found = self._admin.describe_configs([resource], request_timeout=_SECONDS)
            return next(iter(found.values())).result(_SECONDS)

    def exists(self) -> bool:
        """Tell whether there is such a topic."""
        with self._asked():
            topics = self._admin.list_topics(timeout=_SECONDS).topics
        return self.name in topics

    def brokers(self) -> int:
        """Return how many brokers the cluster has now."""
        with self._asked():
            return len(self._admin.list_topics(timeout=_SECONDS).brokers)

    def create(self, shape: Shape) -> None:
        """Make the topic, and the one for cursors beside it."""
        beside = {
            "cleanup.policy": "compact",
            "min.insync.replicas": str(shape.min_insync_replicas),
            "segment.ms": str(_HOUR_MS),
            **_synced(shape),
        }
        wanted = [
            NewTopic(self.name, shape.partitions, shape.replication, config=_kept(shape)),
            NewTopic(f"{self.name}{CURSORS}", 1, shape.replication, config=beside),
        ]
        with self._asked():
            for made in self._admin.create_topics(wanted, request_timeout=_SECONDS).values():
                try:
                    made.result(_SECONDS)
                except KafkaException as error:
                    if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                        raise
        for beside_it in ("", CURSORS):
            self._wait_for(beside_it)

    def _wait_for(self, beside: str) -> None:
        """Return when a topic that was made can be used: a moment after the brokers said so."""
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                self.bounds(beside)
            except LogError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_AGAIN_SECONDS)
            else:
                return

    def change(self, shape: Shape) -> list[str]:
        """Bring the topic into this shape; return what was changed, in words."""
        now = self.shape()
        _refuse(self.name, now, shape)
        changed = []
        with self._asked():
            if shape.partitions > now.partitions:
                grown = [NewPartitions(self.name, shape.partitions)]
                self._admin.create_partitions(grown)[self.name].result(_SECONDS)
                changed.append(f"partitions {now.partitions} → {shape.partitions}")
            for key, before, after in (
                ("retention.ms", now.retention_hours, shape.retention_hours),
                ("min.insync.replicas", now.min_insync_replicas, shape.min_insync_replicas),
            ):
                if before != after:
                    self._set(key, _kept(shape)[key])
                    changed.append(f"{key.removesuffix('.ms')} {before} → {after}")
        return changed

    def _set(self, key: str, value: str) -> None:
        entry = ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, self.name, incremental_configs=[entry])
        for done in self._admin.incremental_alter_configs([resource]).values():
            done.result(_SECONDS)

    def _described(self, name: str = "") -> Any:
        wanted = name or self.name
        with self._asked():
            asked = self._admin.describe_topics(TopicCollection([wanted]), request_timeout=_SECONDS)
            return asked[wanted].result(_SECONDS)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Turn what the client library raises into our words."""
        self._admin.poll(0)
        self._heard.clear()
        try:
            yield
        except KafkaException as error:
            raise explained(self._cause(error.args[0]), self.name, self._servers) from error
        except TimeoutError as error:
            late = KafkaError(KafkaError._TIMED_OUT, "is Kafka running there?")
            raise explained(self._cause(late), self.name, self._servers) from error

    def _cause(self, error: KafkaError) -> KafkaError:
        """Return what the brokers have against us where the call that failed says "no answer"."""
        self._admin.poll(0)
        told = [heard for heard in self._heard if heard.code() in _UNKNOWN_TO_THEM]
        return told[-1] if told and error.code() in _AWAY else error


def _kept(shape: Shape) -> dict[str, str]:
    return {
        "retention.ms": str(shape.retention_hours * _HOUR_MS),
        # only closed segments are forgotten, and a quiet topic keeps one open for a week
        "segment.ms": str(_HOUR_MS),
        "min.insync.replicas": str(shape.min_insync_replicas),
        "max.message.bytes": str(_MAX_BYTES),
        "cleanup.policy": "delete",
        **_synced(shape),
    }


def _synced(shape: Shape) -> dict[str, str]:
    """Kafka trusts copies on other machines, not its disk; a single copy is synced before it counts."""
    return {"flush.messages": "1"} if shape.replication == 1 else {}


def _is_moving(error: LogAwayError) -> bool:
    """Tell whether a partition has just been made or is changing its broker, a matter of a second."""
    cause = error.__cause__
    return isinstance(cause, KafkaException) and cause.args[0].code() in _MOVING


def _refuse(name: str, now: Shape, wanted: Shape) -> None:
    """Raise `SettingsError` for what a topic cannot become."""
    if wanted.partitions < now.partitions:
        message = (
            f"topic {name} has {now.partitions} partitions and cannot shrink to {wanted.partitions}; "
            f"keep log.partitions={now.partitions}, or take another log.topic"
        )
        raise SettingsError(message)
    if wanted.replication != now.replication:
        message = (
            f"topic {name} has replication {now.replication}, and only Kafka's own "
            f"kafka-reassign-partitions can make it {wanted.replication}; leave log.replication out"
        )
        raise SettingsError(message)


def connection(servers: str, options: Mapping[str, str]) -> dict[str, Any]:
    """Return what every client of this cluster is configured with."""
    return {
        "bootstrap.servers": servers,
        "message.max.bytes": _MAX_BYTES,
        "allow.auto.create.topics": False,
        "logger": _quiet(),
        **options,
    }


def _quiet() -> logging.Logger:
    """Return where the library's own chatter goes: shown with --debug only."""
    found = logging.getLogger("wordstreet.librdkafka")
    found.setLevel(logging.DEBUG if logger.isEnabledFor(logging.DEBUG) else logging.CRITICAL)
    return found


def explained(error: KafkaError, topic: str, servers: str = "") -> WordstreetError:
    """Return our error for one of the client library's."""
    if error.code() in _GONE:
        message = f"there is no topic {topic}; make it with `wordstreet log create`"
        return LogError(message)
    if error.code() in _UNKNOWN_TO_THEM:
        message = (
            f"Kafka{f' at {servers}' if servers else ''} does not let us in: {error.str()}; "
            "check log.options (security.protocol, sasl.*, ssl.*)"
        )
        return LogAwayError(message)
    if error.code() in _FORBIDDEN:
        message = f"Kafka does not let us use {topic}: {error.str()}; check the rights of this user"
        return LogError(message)
    if error.code() in _AWAY:
        message = f"no broker{f' at {servers}' if servers else ''} answers: {error.str()}"
        return LogAwayError(message)
    return LogAwayError(f"Kafka refused {topic}: {error.str()}")
