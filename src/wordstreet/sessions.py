"""A trading calendar as plain arrays: which session a moment belongs to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wordstreet.errors import InputError

__all__ = ["Sessions"]


@dataclass(frozen=True, slots=True)
class Sessions:
    """
    The trading days of one exchange, oldest first, at least one.

    exchange: MIC, e.g. XNYS
    dates:    datetime64[D], shape (T,)
    opens:    datetime64[us] in UTC, shape (T,)
    closes:   datetime64[us] in UTC, shape (T,)
    """

    exchange: str
    dates: NDArray[np.datetime64]
    opens: NDArray[np.datetime64]
    closes: NDArray[np.datetime64]

    def __len__(self) -> int:
        return len(self.dates)

    def cutoffs(self, minutes_before_close: int = 0) -> NDArray[np.datetime64]:
        """Return for each session the time from which on a post is too late for it."""
        return self.closes - np.timedelta64(minutes_before_close, "m")

    def index_of(
        self, times: NDArray[np.datetime64], minutes_before_close: int = 0
    ) -> NDArray[np.int64]:
        """
        Return for each UTC time the index of the first session whose cutoff is strictly later.

        A post at the cutoff itself counts for the next session; nights, weekends and holidays
        pool forward. A time before the first open, at or after the last cutoff, or unknown (NaT)
        raises `InputError`: a guess would be wrong.
        """
        cutoffs = self.cutoffs(minutes_before_close)
        if len(times) and not (times.min() >= self.opens[0] and times.max() < cutoffs[-1]):
            message = (
                f"a time between {times.min()} and {times.max()} lies outside the {self.exchange} "
                f"calendar ({self.dates[0]} to {self.dates[-1]}); load a longer calendar"
            )
            raise InputError(message)
        return np.searchsorted(cutoffs, times, side="right").astype(np.int64)
