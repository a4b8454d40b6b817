"""Collector and engine together: two processes that share only the log."""

import logging
import multiprocessing
import threading
import time
from collections.abc import Callable
from contextlib import closing
from multiprocessing.connection import Connection
from typing import Any, Final

from wordstreet.engines.collect import Collected, in_child, open_log
from wordstreet.engines.embedded import Transform, ingest, tending
from wordstreet.engines.landing import Ingested
from wordstreet.errors import SourceError, WordstreetError
from wordstreet.lake.tables import Lake
from wordstreet.locks import hold
from wordstreet.settings import Settings

__all__ = ["run"]

_RESTARTS: Final = 5
_LONG_LIFE_SECONDS: Final = 60.0
_GRACE_SECONDS: Final = 30.0

logger = logging.getLogger(__name__)


def run(
    settings: Settings,
    source: str,
    path: str,
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
        with (
            closing(open_log(settings, stop)) as log,
            _Collector(settings, source, path, stop) as collector,
        ):
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

    def __init__(self, settings: Settings, source: str, path: str, stop: threading.Event) -> None:
        self._arguments = (settings, source, path)
        self._stop = stop
        self._leave = threading.Event()  # ours, so that nobody else is told to stop
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
        self._leave.set()
        self._thread.join()

    def _asked(self) -> bool:
        return self._stop.is_set() or self._leave.is_set()

    def _watch(self) -> None:
        """Keep a child alive until it says it is done, has failed, or we are to stop."""
        try:
            deaths = 0
            while deaths <= _RESTARTS:
                born = time.monotonic()
                if self._live() or self._asked():
                    return
                self._earlier, self._now = self.counts, Collected()
                deaths = 1 if time.monotonic() - born > _LONG_LIFE_SECONDS else deaths + 1
                logger.warning("the collector died; starting it again")
                self._leave.wait(0.1 * 2**deaths)
            message = f"the collector died {deaths} times in a row; see the messages above this one"
            self.error = SourceError(message)
        except Exception as error:  # a thread has nobody to raise to
            message = f"the collector could not be kept running: {error}; start it again"
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
        asked = 0.0
        while True:
            if self._asked() and not asked:
                asked = time.monotonic()
                child.terminate()  # SIGTERM: it finishes the batch in hand
            if asked and time.monotonic() - asked > _GRACE_SECONDS:
                child.kill()
            try:
                if not pipe.poll(0.1):
                    continue
                kind, content = pipe.recv()
            except (EOFError, OSError):
                return bool(asked)
            if kind == "failed":
                self.error = content
                return True
            self._now = content
            if kind == "done":
                return True
