"""Ending well: SIGINT and SIGTERM ask, the batch in hand is finished, then we go."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["on_signals"]


@contextmanager
def on_signals() -> Iterator[threading.Event]:
    """
    Yield an event that SIGINT and SIGTERM set; a second SIGINT interrupts at once.

    Outside the main thread no handler can be installed and the event is never set.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, _: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
