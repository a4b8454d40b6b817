"""Splits and dividends: the factors that make prices of different days comparable."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["adjustment", "as_traded"]

Floats = NDArray[np.float64]


def adjustment(close: Floats, split: Floats, dividend: Floats) -> Floats:
    """
    Return for each session what its prices are multiplied with to compare with the last one's.

    Args:

        close: prices of consecutive sessions, oldest first

        split: shares after / shares before, on the first session after the split; 1 is none

        dividend: per share as it is then, on the ex-date; 0 is none

    Whoever held one share over a split or a dividend has the same before and after, so the return
    over it is what the market did. Split-adjusted prices are handled too when `split` is 1
    throughout. A dividend as large as the price before it is no dividend but an error, and is
    passed over.
    """
    before = np.concatenate([[np.nan], close[:-1]]) / split
    paid = np.where((dividend > 0) & (dividend < before), dividend / before, 0.0)
    step = (1.0 - paid) / split
    later = np.concatenate([step[1:], [1.0]])
    factors: Floats = np.cumprod(later[::-1])[::-1]
    return factors


def as_traded(close: Floats, split: Floats) -> bool:
    """
    Tell whether the prices are as they were traded, so that a split makes them jump.

    Providers differ, and none says so in the file; but a 4:1 split leaves a quarter of the price
    in the one case and the whole price in the other, which cannot be confused.
    """
    change = np.log(close[1:] / close[:-1])
    expected = -np.log(split[1:])
    here = expected != 0
    jumps, flat = np.abs(change - expected)[here].sum(), np.abs(change)[here].sum()
    return bool(jumps < flat)
