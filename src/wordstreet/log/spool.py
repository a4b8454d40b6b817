"""Between a source that never waits and a log that may be away: store here first, hand on in order."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from wordstreet.errors import LogError, WordstreetError
from wordstreet.log import Log
from wordstreet.log.embedded import EmbeddedLog
from wordstreet.schema import Envelope

__all__ = ["Spool", "Spooled"]

_SLICE_RECORDS: Final = 5_000
_ALARM_SHARE: Final = 0.8
_AGAIN_SECONDS: Final = 1.0
_SAY_SECONDS: Final = 30.0
_GRACE_SECONDS: Final = 5.0
_IDLE_SECONDS: Final = 0.02
_SILENT_SECONDS: Final = 10.0
"""How long handing on may take before it counts as an outage."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Spooled:
    """
    What waits here.

    records: how many have not been handed on yet
    share:   of the space they may take, a little over 1 when the last batch did not fit
    away:    why nothing is handed on now; empty when all is well
    """

    records: int = 0
    share: float = 0.0
    away: str = ""


class Spool:
    """
    A log for collectors: durable on this disk at once, handed on to the far log behind their back.

    `append` returns when records and cursor are on disk, whether the far log answers or not, so
    that the source is read at its own pace. A thread hands them on in order, confirmed before they
    are forgotten here, and then the cursors that cover them, so that another machine could go on.
    A crash between handing on and forgetting gives records twice to the far log, never none.

    What waits is bounded: at four fifths of `bound_bytes` an alarm is logged, and at the bound
    `append` stores its batch and then holds the source until there is room, or `stop` is set.

    Use as a context manager; leaving it waits until everything is handed on, once `stop` is set a
    few seconds at most. What then still waits is handed on by the next one.

    Args:

        near: opens the embedded log of the topic; each thread needs a connection of its own

        far: opens the far log, whose waiting ends when the event it is given is set
    """

    def __init__(
        self,
        near: Callable[[], EmbeddedLog],
        far: Callable[[threading.Event], Log],
        bound_bytes: int,
        stop: threading.Event,
    ) -> None:
        self._open_near = near
        self._near = near()
        self._open_far = far
        self._bound = bound_bytes
        self._stop = stop
        self._halt = threading.Event()  # leave now, even in the middle of handing on
        self._ended = threading.Event()  # nothing more will be appended
        # where nothing waits, another machine may have come further than what lies here
        self._resting = {} if self._held() else self._near.cursors()
        self._published: dict[str, dict[str, str]] | None = None
        self._handed: dict[int, int] = {}
        self._handing_since = 0.0
        self._away = ""
        self._away_since = 0.0
        self._said_at = -_SAY_SECONDS
        self._alarmed = False
        self._thread = threading.Thread(target=self._work, name="spool", daemon=True)

    def __enter__(self) -> "Spool":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        while self._thread.is_alive() and not self._stop.is_set():
            self._thread.join(_IDLE_SECONDS)
        deadline = time.monotonic() + _GRACE_SECONDS
        while self._thread.is_alive() and not self._away and time.monotonic() < deadline:
            self._thread.join(_IDLE_SECONDS)
        self._halt.set()
        self._thread.join()
        self._near.close()

    def append(self, records: Sequence[Envelope], source: str, cursor: Mapping[str, str]) -> None:
        """Store records and cursor here; hold the caller while there is no room for more."""
        self._near.append(records, source, cursor)
        self._look()
        while (here := self.spooled()).share >= 1 and here.records:
            self._say(f"the spool is full ({self._bound / 2**20:,.0f} MB); the source is held")
            if self._stop.wait(_IDLE_SECONDS):
                return
            self._look()
        if here.share >= _ALARM_SHARE and not self._alarmed:
            logger.warning("the spool is %.0f %% full%s", 100 * here.share, self._because())
        self._alarmed = here.share >= _ALARM_SHARE

    def cursor(self, source: str) -> dict[str, str]:
        """
        Return the cursor of a source: the one here while records wait, else the far one.

        When nothing waits here, what another machine has handed on since is further.
        """
        held, here, there = self._held(), self._near.cursor(source), {}
        with suppress(LogError):  # away: then what is known here is all there is
            far = self._open_far(self._halt)
            try:
                there = far.cursor(source)
            finally:
                far.close()
        if held:  # asked first: what was handed on meanwhile may not be told over there yet
            return {**there, **here}
        if any(here.get(part) != at for part, at in there.items()):
            self._near.append([], source, there)  # else a part that rests would go back over there
        return {**here, **there}

    def spooled(self) -> Spooled:
        """Return what waits here."""
        return Spooled(self._held(), self._near.held_bytes() / self._bound, self._away)

    def _held(self) -> int:
        return sum(end - begin for begin, end in self._near.bounds().values())

    def _look(self) -> None:
        """Notice a far log that neither takes what it is given nor says that it does not."""
        since = self._handing_since
        if since and (seconds := time.monotonic() - since) > _SILENT_SECONDS:
            self._note(f"nothing has been confirmed for {seconds:.0f} s", since)

    def _work(self) -> None:
        """Hand on what comes until there will be no more, or there is no more time."""
        near, far = None, None
        try:
            while not self._halt.is_set():
                last = self._ended.is_set()  # asked first: what came before it is then here
                try:
                    near = near or self._open_near()
                    far = far or self._open_far(self._halt)
                    self._hand_on(near, far)
                except Exception as error:  # whatever it is, what waits here is safe
                    self._note(_reason(error))
                    if far is not None:
                        far.close()
                        far = None
                    self._halt.wait(_AGAIN_SECONDS)
                    continue
                self._note("")
                if last:
                    return
                self._halt.wait(_IDLE_SECONDS)
        finally:
            if far is not None:
                far.close()
            if near is not None:
                near.close()

    def _hand_on(self, near: EmbeddedLog, far: Log) -> None:
        """Hand on everything that is here now, then the cursors that cover it."""
        published = self._known(far)
        cursors = near.cursors()  # before the bounds: what they cover lies below these
        for partition, (begin, end) in near.bounds().items():
            begin = max(begin, self._handed.get(partition, 0))
            while begin < end:
                if self._halt.is_set():
                    return
                [part] = near.read({partition: begin}, _SLICE_RECORDS)
                self._hand(far, list(_envelopes(part.records)), "", {})
                self._handed[partition] = begin = part.end  # known even if forgetting it fails
                if begin < end:
                    near.trim({partition: begin})
                self._note("")
        for source, parts in cursors.items():
            known = published.setdefault(source, {})
            moved = {part: at for part, at in parts.items() if known.get(part) != at}
            if moved:
                self._hand(far, [], source, moved)
                known.update(moved)
        # last: while the cursors are not over there, something waits here, and ours count
        near.trim(self._handed)

    def _known(self, far: Log) -> dict[str, dict[str, str]]:
        """Return the cursors that need not be handed on: those the far log has from us, or better."""
        if self._published is None:
            found = {}
            for source, parts in self._resting.items():
                there = far.cursor(source)
                found[source] = {part: at for part, at in parts.items() if part in there}
            self._published = found
        return self._published

    def _hand(self, far: Log, records: list[Envelope], source: str, moved: dict[str, str]) -> None:
        self._handing_since = time.monotonic()
        try:
            far.append(records, source, moved)
        finally:
            self._handing_since = 0.0

    def _note(self, away: str, since: float = 0.0) -> None:
        """Remember, and say now and then, whether the far log can be reached."""
        if away and not self._away:
            self._away_since, self._said_at = since or time.monotonic(), -_SAY_SECONDS
        elif self._away and not away:
            seconds = time.monotonic() - self._away_since
            logger.warning("the log is back after %.0f s", seconds)
        self._away = away
        if away:
            self._say("collecting goes on into the spool")

    def _say(self, what: str) -> None:
        if time.monotonic() - self._said_at > _SAY_SECONDS:
            self._said_at = time.monotonic()
            logger.warning("%s%s", what, self._because())

    def _because(self) -> str:
        if not self._away:
            return ""
        seconds = time.monotonic() - self._away_since
        return f"; for {seconds:.0f} s now: {self._away}"


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, WordstreetError) else f"{type(error).__name__}: {error}"


def _envelopes(records: pa.RecordBatch) -> Iterator[Envelope]:
    names = Envelope._fields
    times = records.schema.get_field_index("observed_at")
    plain = records.set_column(times, "observed_at", records["observed_at"].cast(pa.int64()))
    return map(Envelope._make, zip(*(plain[name].to_pylist() for name in names), strict=True))
