"""Collector and engine together: two processes that share only the log."""

import logging
import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final

from wordstreet.engines.collect import Collected, in_child, open_log
from wordstreet.engines.embedded import Ingested, Transform, ingest, tending
from wordstreet.errors import SourceError, WordstreetError
from wordstreet.lake.tables import Lake
from wordstreet.locks import hold
from wordstreet.settings import Settings

__all__ = ["run"]

_RESTARTS: Final = 5

logger = logging.getLogger(__name__)


def run(
    settings: Settings,
    source: str,
    path: str | None,
    transform: Transform,
    stop: threading.Event,
    report: Callable[[Collected, Ingested], None] = lambda _c, _i: None,
) -> tuple[Collected, Ingested]:
    """
    Collect from a source and ingest what it gives until it ends or `stop` is set.

    The collector is a process of its own, so that a slow transform never makes it late and the
    crash of one is not felt by the other: it is started again where its cursor stands.
    """
    lake = Lake(settings.lake_uri)
    with hold(settings.home / "log", "engine"), tending(lake, settings):
        log = open_log(settings)
        with _Collector(settings, source, path, stop) as collector:
            done = ingest(
                log,
                lake,
                transform,
                settings,
                stop,
                collector.ended,
                lambda so_far: report(collector.counts, so_far),
            )
        if collector.error is not None:
            raise collector.error
        return collector.counts, done


class _Collector:
    """A collecting child process, watched by a thread and started again when it dies."""

    def __init__(
        self, settings: Settings, source: str, path: str | None, stop: threading.Event
    ) -> None:
        self._arguments = (settings, source, path)
        self._stop = stop
        self._processes = multiprocessing.get_context("spawn")
        self._earlier = Collected()
        self._now = Collected()
        self._over = threading.Event()
        self.error: WordstreetError | None = None
        self._thread = threading.Thread(target=self._watch, name="collector", daemon=True)

    @property
    def counts(self) -> Collected:
        """What all of its lives together have collected."""
        before, now = self._earlier, self._now
        return Collected(before.received + now.received, before.gaps + now.gaps, now.share)

    def ended(self) -> bool:
        """Tell whether nothing more will come onto the log."""
        return self._over.is_set()

    def __enter__(self) -> "_Collector":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        """Keep a child alive until it says it is done, has failed, or we are to stop."""
        try:
            for life in range(_RESTARTS + 1):
                if self._live() or self._stop.is_set():
                    return
                self._earlier, self._now = self.counts, Collected()
                logger.warning(
                    "the collector died; starting it again (%d of %d)", life + 1, _RESTARTS
                )
                self._stop.wait(0.2 * 2**life)
            message = f"the collector died {_RESTARTS + 1} times; see the messages above it"
            self.error = SourceError(message)
        finally:
            self._over.set()

    def _live(self) -> bool:
        """Run one child to its end; return whether it ended by its own decision."""
        ours, theirs = self._processes.Pipe(duplex=False)
        child = self._processes.Process(target=in_child, args=(*self._arguments, theirs))
        child.start()
        theirs.close()
        try:
            return self._listen(ours, child)
        finally:
            child.join()
            ours.close()

    def _listen(self, pipe: Connection, child: Any) -> bool:
        asked = False
        while True:
            if self._stop.is_set() and not asked:
                asked = True
                child.terminate()  # SIGTERM: it finishes the batch in hand
            try:
                if not pipe.poll(0.1):
                    continue
                kind, content = pipe.recv()
            except (EOFError, OSError):
                return asked
            if kind == "failed":
                self.error = content
                return True
            self._now = content
            if kind == "done":
                return True
