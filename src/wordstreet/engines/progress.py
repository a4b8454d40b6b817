"""A line on stderr that says how far long work has come."""

import os
import sys
import time
from typing import TextIO

__all__ = ["Progress", "eta"]

_TERMINAL_SECONDS = 0.2
_FILE_SECONDS = 5.0


class Progress:
    """
    Rewrites one line on a terminal, adds a line every few seconds elsewhere.

    Use as a context manager; the last text stays.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr or open(os.devnull, "w")  # noqa: SIM115 - for life
        self._live = self._stream.isatty()
        self._every = _TERMINAL_SECONDS if self._live else _FILE_SECONDS
        self._shown_at = time.monotonic() if not self._live else 0.0
        self._text = ""
        self._shown = ""

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._text and self._text != self._shown:
            self._show()
        if self._live and self._shown:
            self._stream.write("\n")

    def say(self, text: str) -> None:
        """Replace the text; shown when its time has come."""
        self._text = text
        if time.monotonic() - self._shown_at >= self._every:
            self._show()

    def _show(self) -> None:
        self._stream.write(f"\r\x1b[2K{self._text}" if self._live else f"{self._text}\n")
        self._stream.flush()
        self._shown, self._shown_at = self._text, time.monotonic()


def eta(share: float | None, seconds: float) -> str:
    """Return `, 42 %, 10 s left` for work that has done `share` of itself in `seconds`."""
    if not share or seconds < 1:
        return ""
    left = seconds * (1 - share) / share
    clock = f"{left:.0f} s" if left < 90 else f"{left / 60:.0f} min"
    return f", {share:.0%}, {clock} left" if share < 1 else ", all read"
