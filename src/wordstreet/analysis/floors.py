"""How much data a verdict takes, and how much there is."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from wordstreet.analysis import wording
from wordstreet.analysis.correlate import MIN_NAMES
from wordstreet.analysis.factor import Factors
from wordstreet.analysis.family import Pair, Test
from wordstreet.analysis.returns import Returns

__all__ = ["companies_used", "shortfalls"]

_MIN_SESSIONS: Final = 60  # with an IC, for every declared test
_MIN_WEEKLY_POSTS: Final = 20  # scored, for each company in the median week
_MIN_COVERAGE: Final = 0.9


def shortfalls(
    factors: Factors,
    returns: Returns,
    coverage: float,
    pairs: Sequence[Pair],
    tests: Sequence[Test],
) -> Iterator[str]:
    """Say of what there is too little, how much there is and how much it takes."""
    companies = companies_used(factors, returns)
    if companies < MIN_NAMES:
        yield f"{companies} companies have posts and prices, {MIN_NAMES} are needed"
    weekly = _weekly_posts(factors)
    if weekly < _MIN_WEEKLY_POSTS:
        yield (
            f"the median week has {weekly:.3g} scored posts for each company, "
            f"{_MIN_WEEKLY_POSTS} are needed"
        )
    if math.isnan(coverage):
        yield "it is not known how much of the time posts were collected"
    elif coverage < _MIN_COVERAGE:
        yield f"posts were collected in {coverage:.0%} of the time, {_MIN_COVERAGE:.0%} are needed"
    pair, test = min(zip(pairs, tests, strict=True), key=lambda both: both[0].sessions)
    if pair.sessions < _MIN_SESSIONS:
        why = f" ({test.estimate.reason})" if not pair.sessions else ""
        yield (
            f"{pair.sessions} sessions have an IC for {wording.named(test)}{why}, "
            f"{_MIN_SESSIONS} are needed"
        )
    elif test.estimate.p is None:
        yield f"{wording.named(test)} cannot be tested in training: {test.estimate.reason}"


def companies_used(factors: Factors, returns: Returns) -> int:
    """Return how many companies have both posts and prices."""
    spoken_of = (factors.posts > 0).any(axis=0)
    return int(np.count_nonzero(spoken_of & np.isfinite(returns.forward).any(axis=0)))


def _weekly_posts(factors: Factors) -> float:
    """Return the median over calendar weeks of the scored posts for each company."""
    if not factors.posts.size:
        return 0.0
    monday = (factors.dates.astype(np.int64) + 3) // 7  # 1970 began on a Thursday
    starts = np.flatnonzero(np.diff(monday, prepend=monday[0] - 1))
    return float(np.median(np.add.reduceat(factors.posts.mean(axis=1), starts)))
