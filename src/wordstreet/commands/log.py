"""The commands about the log: make its topic, see how far the lake has come with it."""

from argparse import Namespace
from dataclasses import replace

from wordstreet.commands.words import Answer, aligned, number, told
from wordstreet.engines import topic
from wordstreet.settings import Settings, check

__all__ = ["create", "info"]

_ASKED = ("partitions", "replication", "min_insync_replicas", "retention_hours")


def create(settings: Settings, given: Namespace) -> Answer:
    """Make the topic on Kafka, or bring it into shape."""
    asked = {name: getattr(given, name) for name in _ASKED if getattr(given, name) is not None}
    wanted = replace(settings, log=replace(settings.log, **asked))
    check(wanted, {f"log.{name}": f"--{name.replace('_', '-')}" for name in asked})
    found = topic.create(wanted)
    done = "made" if found["created"] else "; ".join(found["changed"]) or "there already, unchanged"
    shown = {name: found[name] for name in ("topic", "id", *_ASKED)}
    return found, f"{told(shown)}\n{done}", True


def info(settings: Settings, given: Namespace) -> Answer:
    """Offsets, lag against the lake, retention left."""
    del given
    found = topic.info(settings)
    names = ("partition", "begin", "end", "position", "lag", "lost")
    rows = [[*names, "time left"]]
    for row in found["partitions"]:
        counts = [number(row[name]) for name in names]
        rows.append([*counts, _clock(row.get("retention_left_seconds"))])
    about = {name: value for name, value in found.items() if name != "partitions"}
    return found, f"{told(about)}\n\n{aligned(rows)}", True


def _clock(seconds: int | None) -> str:
    """Return how long what waits is still kept; a dash when nothing waits or nothing is forgotten."""
    if seconds is None:
        return "–"
    return f"{seconds / 3600:.1f} h" if seconds > 0 else "over"
