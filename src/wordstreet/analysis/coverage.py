"""Which window of time a study can speak of, and how much of it was listened to."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["priced", "share"]

_EDGE: Final = np.timedelta64(7, "D")
"""A post counts for the next session, at most a long weekend later."""

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


def priced(mentions: pa.Table, prices: pa.Table) -> pa.Table:
    """
    Return the mentions seen from a week before the first price to a week after the last.

    Others could meet no return; and one post with an absurd clock, as archives have them, would
    stretch the study over decades of silence.
    """
    span = pc.min_max(prices["session"]).as_py()
    low, high = (np.datetime64(span[end], "us") for end in ("min", "max"))
    seen = np.asarray(mentions["observed_at"]).astype("datetime64[us]")
    return mentions.filter(pa.array((seen >= low - _EDGE) & (seen <= high + _EDGE)))
