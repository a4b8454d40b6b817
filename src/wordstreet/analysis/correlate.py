"""Rank correlation of a factor with returns, and the tests of it that hold what they promise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = [
    "MIN_NAMES",
    "QUANTILES",
    "Estimate",
    "Placebo",
    "all_shifts",
    "estimate",
    "false_discovery",
    "information_coefficients",
    "min_detectable",
    "names",
    "trailing_mean",
    "why_unknown",
]

MIN_NAMES: Final = 5
"""Companies that a session needs for a rank correlation to mean anything."""

QUANTILES: Final = (0.005, 0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975, 0.995)
"""Of the placebo's distribution, in pairs around the median."""

_TWO_SIDED: Final = 0.975
_POWER: Final = 2.8  # 1.96 for the two-sided 5 % and 0.84 for four chances in five
_TINY: Final = 1e-9  # below this, two sums of the same numbers count as equal

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """
    A mean information coefficient; what cannot be known is None and `reason` says why.

    t, p, ci: plain t of the mean, two-sided p, 95 % interval
    n:        sessions that have a coefficient
    """

    ic: float | None
    t: float | None
    p: float | None
    ci: tuple[float, float] | None
    n: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Placebo:
    """
    The same test on the same numbers with the factor moved in time, once for every shift.

    observed:  the mean coefficient without a shift
    p:         share of all shifts, none included, that do at least as well in either direction
    shifts:    how many there are
    quantiles: of the mean coefficient over all shifts, at `QUANTILES`
    """

    observed: float
    p: float
    shifts: int
    quantiles: tuple[float, ...]


def trailing_mean(signal: Floats, horizon: int) -> Floats:
    """
    Return the mean of the last `horizon` sessions' signals, this one included.

    More than half of them must be known; the others are left out. Regressed on the next session's
    return this asks what Hodrick's form of a regression on `horizon` sessions asks, and the
    returns do not overlap.
    """
    total, known = np.zeros(signal.shape), np.zeros(signal.shape, dtype=np.int64)
    for lag in range(min(horizon, len(signal))):
        part = signal[: len(signal) - lag]
        total[lag:] += np.where(np.isnan(part), 0.0, part)
        known[lag:] += ~np.isnan(part)
    enough = known > horizon // 2
    mean: Floats = np.divide(total, known, out=np.full(signal.shape, np.nan), where=enough)
    return mean


def information_coefficients(signal: Floats, target: Floats) -> Floats:
    """
    Return Spearman's correlation over companies for each session, ties at average ranks.

    Only companies for which both are known count; a session with fewer than `MIN_NAMES` of them,
    or in which either is the same for all, is NaN.
    """
    both = ~(np.isnan(signal) | np.isnan(target))
    one, other = _scores(signal, both), _scores(target, both)
    known = one.any(axis=1) & other.any(axis=1)
    coefficients = np.einsum("ij,ij->i", one, other)
    return np.where(known, np.clip(coefficients, -1.0, 1.0), np.nan)


def names(signal: Floats, target: Floats) -> NDArray[np.int64]:
    """Return for each session for how many companies both are known."""
    both = ~(np.isnan(signal) | np.isnan(target))
    count: NDArray[np.int64] = both.sum(axis=1, dtype=np.int64)
    return count


def estimate(coefficients: Floats) -> Estimate:
    """Return the mean of the known coefficients and how sure it is."""
    known = coefficients[~np.isnan(coefficients)]
    n = len(known)
    if n == 0:
        return Estimate(None, None, None, None, 0, "no session has an IC")
    mean = float(known.mean())
    if n < 2:
        return Estimate(mean, None, None, None, n, "one session alone says nothing of chance")
    error = float(known.std(ddof=1)) / n**0.5
    if error < _TINY:
        p = 0.0 if abs(mean) > _TINY else 1.0
        return Estimate(mean, None, p, (mean, mean), n, "the IC is the same in every session")
    t = mean / error
    reach = float(stats.t.ppf(_TWO_SIDED, n - 1)) * error
    return Estimate(mean, t, float(2 * stats.t.sf(abs(t), n - 1)), (mean - reach, mean + reach), n)


def all_shifts(signal: Floats, target: Floats) -> Placebo | None:
    """
    Return how the pair compares with itself shifted around a circle by every number of sessions.

    Unknown cells are zeros among the normalised ranks: they count for no shift. None when there
    is nothing to compare.
    """
    one, other = _scores(signal, ~np.isnan(signal)), _scores(target, ~np.isnan(target))
    sessions = int(np.count_nonzero(one.any(axis=1) & other.any(axis=1)))
    if not sessions:
        return None
    product = np.conj(np.fft.rfft(one, axis=0)) * np.fft.rfft(other, axis=0)
    sums = np.fft.irfft(product.sum(axis=1), len(one))
    p = float(np.mean(np.abs(sums) >= abs(sums[0]) - _TINY))
    means = sums / sessions
    return Placebo(float(means[0]), p, len(sums), tuple(np.quantile(means, QUANTILES).tolist()))


def false_discovery(p: Sequence[float | None]) -> list[float | None]:
    """
    Return Benjamini-Hochberg q for a family of tests.

    A test without p stays in the family, as one that found nothing: leaving it out would make the
    others look better.
    """
    filled = [1.0 if value is None else value for value in p]
    order = sorted(range(len(p)), key=lambda place: filled[place], reverse=True)
    q, smallest = [1.0] * len(p), 1.0
    for rank, place in zip(range(len(p), 0, -1), order, strict=True):
        smallest = min(smallest, filled[place] * len(p) / rank)
        q[place] = smallest
    return [None if value is None else found for value, found in zip(p, q, strict=True)]


def min_detectable(companies: NDArray[np.int64]) -> float | None:
    """
    Return the mean coefficient that would be seen (p < .05) four times out of five.

    Args:

        companies: in each session that has a coefficient; with N throughout T sessions this is
            2.8 / sqrt(T (N - 1))
    """
    if not len(companies):
        return None
    return float(_POWER * np.sqrt((1.0 / (companies - 1)).sum()) / len(companies))


def why_unknown(signal: Floats, target: Floats) -> str:
    """Say what keeps every session from having a coefficient."""
    if np.isnan(signal).all():
        return "the factor is not known for any company in any session"
    if np.isnan(target).all():
        return "no return is known for any company in any session"
    most = int(names(signal, target).max(initial=0))
    if most < MIN_NAMES:
        return f"never more than {most} companies have both in one session; {MIN_NAMES} are needed"
    return "the factor or the return is the same for all companies in every session"


def _scores(values: Floats, known: NDArray[np.bool_]) -> Floats:
    """
    Return average ranks of each row, centred and of length one; the dot product is Spearman's.

    Unknown cells are zero, and so are rows that have fewer than `MIN_NAMES` or all the same.
    """
    ranks = _ranks(np.where(known, values, np.nan))
    count = known.sum(axis=1, keepdims=True)
    centred = np.where(known, ranks - (count + 1) / 2, 0.0)
    length = np.sqrt(np.einsum("ij,ij->i", centred, centred))[:, None]
    usable = (count >= MIN_NAMES) & (length > _TINY)
    scores: Floats = np.divide(centred, length, out=np.zeros(values.shape), where=usable)
    return scores


def _ranks(values: Floats) -> Floats:
    """Return ranks from 1 in each row, ties at their average, NaN after all others."""
    places = np.arange(values.shape[1])
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    rises = np.ones(values.shape, dtype=np.bool_)
    rises[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.maximum.accumulate(np.where(rises, places, 0), axis=1)
    ends = np.ones(values.shape, dtype=np.bool_)
    ends[:, :-1] = rises[:, 1:]
    last = np.where(ends, places, values.shape[1])
    last = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=1)
    return ranks
