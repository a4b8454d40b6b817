"""How much of a window of time was listened to."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["share"]

Times = NDArray[np.datetime64]


def share(gap_from: Times, gap_to: Times, start: np.datetime64, end: np.datetime64) -> float:
    """
    Return the share of [start, end) that no gap covers, in [0, 1].

    Gaps may overlap and reach beyond the window. One whose beginning or end is not known (NaT)
    counts as a moment: how long it was would be a guess, and the report lists it.
    """
    window = (end - start) / np.timedelta64(1, "us")
    if window <= 0:
        return 1.0
    low = np.clip(gap_from[~(np.isnat(gap_from) | np.isnat(gap_to))], start, end)
    high = np.clip(gap_to[~(np.isnat(gap_from) | np.isnat(gap_to))], start, end)
    order = np.argsort(low)
    low, high = low[order], np.maximum.accumulate(high[order])
    reached = np.concatenate([[start], high[:-1]]) if len(high) else high
    missed = np.maximum(high - np.maximum(low, reached), np.timedelta64(0, "us"))
    return float(1.0 - missed.sum() / np.timedelta64(1, "us") / window) if len(high) else 1.0
