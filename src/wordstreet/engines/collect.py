"""From a source onto the log, and nothing else."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import connection as pipes
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from wordstreet.engines.stop import on_signals
from wordstreet.errors import InputError, LogAwayError, SettingsError, WordstreetError
from wordstreet.locks import hold
from wordstreet.log import Intake, Log
from wordstreet.log.embedded import EmbeddedLog
from wordstreet.log.spool import Spool
from wordstreet.settings import Settings
from wordstreet.sources import RawBatch, Source
from wordstreet.sources.replay import Replay

__all__ = [
    "SOURCES",
    "Collected",
    "collect",
    "collect_alone",
    "collector_log",
    "in_child",
    "need_client",
    "open_log",
    "open_source",
]

_REPORT_SECONDS = 0.2
_GRACE_SECONDS = 10.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Collected:
    """
    What a collector has done so far.

    received: records the source gave, gaps aside; all of them are durable on the log
    gaps:     stretches the source could not cover
    share:    how much of a source that ends is read, in [0, 1]; None when it has no end
    """

    received: int = 0
    gaps: int = 0
    share: float | None = None

    def after(self, batch: RawBatch, source: Source) -> "Collected":
        """Return the counts with one more stored batch."""
        gaps = sum(record.event == "gap" for record in batch.records)
        received = self.received + len(batch.records) - gaps
        return Collected(received, self.gaps + gaps, source.share())


def open_source(name: str, path: str) -> Source:
    """Return the source of this name; `path` is where a replay finds its files."""
    return SOURCES[name](path)


def _replay(path: str) -> Source:
    return Replay(Path(path), clock=lambda: time.time_ns() // 1000)


SOURCES: Final[Mapping[str, Callable[[str], Source]]] = {"replay": _replay}
"""What `--source` takes."""


def open_log(settings: Settings, stop: threading.Event | None = None) -> Log:
    """Return the log that the settings name; waiting for Kafka ends when `stop` is set."""
    chosen = settings.log
    if chosen.kind == "embedded":
        return EmbeddedLog(settings.home / "log", chosen.topic, chosen.partitions)
    need_client()
    from wordstreet.log.kafka import KafkaLog

    return KafkaLog(chosen.servers, chosen.topic, chosen.options, stop)


def need_client() -> None:
    """Raise `SettingsError` where Kafka's client is not installed."""
    if find_spec("confluent_kafka") is None:
        message = "log.kind=kafka needs Kafka's client: pip install 'wordstreet[kafka]'"
        raise SettingsError(message)


@contextmanager
def collector_log(settings: Settings, stop: threading.Event) -> Iterator[Intake]:
    """Be the one collector of this home: yield the log, on Kafka with the embedded one before it."""
    with hold(settings.home / "log", "collector"):
        if settings.log.kind == "embedded":
            with closing(open_log(settings)) as log:
                yield log
            return
        _check_reached(settings)
        with Spool(
            lambda: EmbeddedLog(settings.home / "log", settings.log.topic),
            lambda halt: open_log(settings, halt),
            settings.log.spool_mb * 2**20,
            stop,
        ) as spool:
            yield spool


def _check_reached(settings: Settings) -> None:
    """Refuse a topic that is not there; a broker that is away now is what the spool is for."""
    try:
        open_log(settings).close()
    except LogAwayError as error:
        logger.warning("%s; collecting into the spool", error)


def collect(
    source: Source,
    log: Intake,
    stop: threading.Event,
    report: Callable[[Collected], None] = lambda _: None,
) -> Collected:
    """
    Put everything the source gives on the log until it ends or `stop` is set.

    A batch and the cursor that covers it become durable in one step, so killing this at any
    moment and calling it again neither loses a record nor repeats one.
    """
    done = Collected()
    for batch in source.read(log.cursor(source.name)):
        if batch.records or batch.cursor:
            log.append(batch.records, source.name, batch.cursor)
        done = done.after(batch, source)
        report(done)
        if stop.is_set():
            break
    return done


def collect_alone(
    settings: Settings,
    name: str,
    path: str,
    stop: threading.Event,
    report: Callable[[Collected], None] = lambda _: None,
) -> Collected:
    """Be the one collector of this home; see `collect`."""
    if settings.home.resolve().is_relative_to(Path(path).resolve()):
        message = (
            f"{path} holds the home {settings.home}; read another folder, or take another --home"
        )
        raise InputError(message)
    source = open_source(name, path)
    with collector_log(settings, stop) as log:
        return collect(source, log, stop, report)


def in_child(settings: Settings, name: str, path: str, pipe: Connection) -> None:
    """
    Collect in a process of its own, as `run` starts it.

    Sends (`so far`, counts) now and then, and (`done`, counts) or (`failed`, error) at the end.
    Ends when its parent does, however that ended.
    """
    with on_signals() as stop:
        _follow_parent(stop)
        last = 0.0

        def report(done: Collected) -> None:
            nonlocal last
            if time.monotonic() - last > _REPORT_SECONDS:
                last = time.monotonic()
                pipe.send(("so far", done))

        try:
            pipe.send(("done", collect_alone(settings, name, path, stop, report)))
        except WordstreetError as error:
            pipe.send(("failed", error))
        except BrokenPipeError:  # the parent is gone; what was acknowledged is on the log
            return


def _follow_parent(stop: threading.Event) -> None:
    """Stop when the parent is gone; whoever starts next must find the log free."""
    parent = parent_process()
    if parent is None:
        return

    def wait() -> None:
        pipes.wait([parent.sentinel])
        stop.set()
        time.sleep(_GRACE_SECONDS)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
