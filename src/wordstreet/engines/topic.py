"""The topic as people see it: made, changed, and how far the lake has come with it."""

import time
from contextlib import closing
from typing import Any, Final

from wordstreet.engines.collect import need_client, open_log
from wordstreet.errors import SettingsError
from wordstreet.lake.tables import Lake, Stream
from wordstreet.log import Log
from wordstreet.log.embedded import EmbeddedLog
from wordstreet.schema import TABLES
from wordstreet.settings import LogSettings, Settings

__all__ = ["create", "info", "spooled"]

_PARTITIONS: Final = 6
_REPLICATION: Final = 3
_RETENTION_HOURS: Final = 24


def create(settings: Settings) -> dict[str, Any]:
    """
    Make the topic of the settings on Kafka, or bring the one that is there into their shape.

    Raises `SettingsError` for a topic that would have to shrink or move.
    """
    chosen = settings.log
    if chosen.kind != "kafka":
        message = "an embedded log makes its topic by itself; for Kafka: --set log.kind=kafka"
        raise SettingsError(message)
    need_client()
    from wordstreet.log.topics import Topic

    topic = Topic(chosen.servers, chosen.topic, chosen.options)
    created = not topic.exists()
    wanted = _shape(chosen, topic, created)
    changed = []
    topic.create(wanted)  # also when it is there: the topic for cursors beside it may not be
    if not created:
        changed = topic.change(wanted)
    return {
        "topic": chosen.topic,
        "id": topic.id(),
        "created": created,
        "changed": changed,
        "partitions": wanted.partitions,
        "replication": wanted.replication,
        "min_insync_replicas": wanted.min_insync_replicas,
        "retention_hours": wanted.retention_hours,
    }


def _shape(chosen: LogSettings, topic: Any, created: bool) -> Any:
    """Return the shape asked for; what is left open stays as it is, or is what most people want."""
    from wordstreet.log.topics import Shape

    if created:
        replication = chosen.replication or min(_REPLICATION, topic.brokers())
        usual = Shape(_PARTITIONS, replication, 2 if replication > 2 else 1, _RETENTION_HOURS)
    else:
        usual = topic.shape()
    return Shape(
        chosen.partitions or usual.partitions,
        chosen.replication or usual.replication,
        chosen.min_insync_replicas or usual.min_insync_replicas,
        chosen.retention_hours or usual.retention_hours,
    )


def info(settings: Settings) -> dict[str, Any]:
    """Return what the log holds, how far the lake is behind it, and how long that may last."""
    lake = Lake(settings.lake_uri)
    with closing(open_log(settings)) as log:
        partitions = [
            _partition(log, lake, number, begin, end)
            for number, (begin, end) in sorted(log.bounds().items())
        ]
    found = {
        "kind": settings.log.kind,
        "topic": log.topic,
        "id": log.id,
        "lag": sum(row["lag"] for row in partitions),
        "partitions": partitions,
    }
    if settings.log.kind == "kafka":
        found |= _kept(settings, partitions)
    return found


def _partition(log: Log, lake: Lake, number: int, begin: int, end: int) -> dict[str, Any]:
    stream = Stream(log.id, log.topic, number)
    position = min(lake.positions(name, lake.handle(name), [stream])[stream] for name in TABLES)
    return {
        "partition": number,
        "begin": begin,
        "end": end,
        "position": position,
        "lag": max(0, end - max(position, begin)),
        "lost": max(0, begin - position),
    }


def _kept(settings: Settings, partitions: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what Kafka keeps and for how long; adds to each partition the time that is left."""
    from wordstreet.log.kafka import written_at
    from wordstreet.log.topics import Topic

    chosen = settings.log
    shape = Topic(chosen.servers, chosen.topic, chosen.options).shape()
    waiting = {
        row["partition"]: max(row["position"], row["begin"]) for row in partitions if row["lag"]
    }
    times = written_at(chosen.servers, chosen.topic, chosen.options, waiting)
    for row in partitions:
        at = times.get(row["partition"])
        forgets = shape.retention_hours >= 0  # Kafka says "for ever" with less than none
        left = at + shape.retention_hours * 3600 - time.time() if at and forgets else None
        row["retention_left_seconds"] = None if left is None else round(left)
    return {
        "servers": chosen.servers,
        "replication": shape.replication,
        "min_insync_replicas": shape.min_insync_replicas,
        "retention_hours": shape.retention_hours,
        "spooled": spooled(settings),
    }


def spooled(settings: Settings) -> int:
    """Return how many records wait on this disk for Kafka."""
    folder = settings.home / "log"
    if not folder.exists():
        return 0
    with closing(EmbeddedLog(folder, settings.log.topic)) as near:
        return sum(end - begin for begin, end in near.bounds().values())
