"""The one answer: do factors known in time go with what prices did afterwards?"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wordstreet.analysis import family, wording
from wordstreet.analysis.correlate import (
    QUANTILES,
    Estimate,
    estimate,
    information_coefficients,
    min_detectable,
    names,
)
from wordstreet.analysis.factor import Factors
from wordstreet.analysis.family import Pair, Test, Window
from wordstreet.analysis.floors import companies_used, shortfalls
from wordstreet.analysis.returns import Returns
from wordstreet.errors import LookAheadError

__all__ = ["Judgement", "Verdict", "check_known", "judge"]

_REACTION_LEVEL: Final = 0.01


class Verdict(StrEnum):
    """
    What a study may say.

    INVALID           a figure was used before it was known
    INSUFFICIENT_DATA too little of something; what and how much is said
    NO_EVIDENCE       enough data, and nothing in them
    REACTION_ONLY     opinion goes with its own session's price and with no later one
    SUGGESTIVE        found in training, not confirmed by the placebo or by what was held out
    EVIDENCE          found and confirmed
    """

    INVALID = "INVALID"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"
    NO_EVIDENCE = "NO_EVIDENCE"
    REACTION_ONLY = "REACTION_ONLY"
    SUGGESTIVE = "SUGGESTIVE"
    EVIDENCE = "EVIDENCE"


@dataclass(frozen=True, slots=True)
class Judgement:
    """
    A verdict with every figure behind it; unknown is None and never NaN.

    reasons:           why it is invalid or there is too little data, a sentence each
    dates:             the sessions of the study
    companies:         those with posts and prices
    reaction:          mean opinion against its own session's return, all sessions
    tests:             the declared family
    close_to_close:    the same tests, bought at the close of the session itself; outside the family
    min_detectable_ic: what mean opinion over one session would very likely have shown in training
    coefficients:      of mean opinion over one session, one for each of `dates`, NaN where unknown
    """

    verdict: Verdict
    sentence: str
    reasons: tuple[str, ...]
    dates: NDArray[np.datetime64]
    companies: int
    posts: int
    authors: int
    reaction: Estimate
    tests: tuple[Test, ...]
    close_to_close: tuple[Test, ...]
    min_detectable_ic: float | None
    coefficients: NDArray[np.float64]
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON has them."""
        return {
            "verdict": self.verdict.value,
            "sentence": self.sentence,
            "reasons": list(self.reasons),
            "companies": self.companies,
            "sessions": len(self.dates),
            "posts": self.posts,
            "authors": self.authors,
            "from": str(self.dates[0]) if len(self.dates) else None,
            "to": str(self.dates[-1]) if len(self.dates) else None,
            "reaction": {key: getattr(self.reaction, key) for key in ("ic", "t", "p", "n")},
            "tests": [test.as_dict() for test in self.tests],
            "close_to_close": [_without_q(test) for test in self.close_to_close],
            "min_detectable_ic": self.min_detectable_ic,
            "warnings": list(self.warnings),
        }

    def charts(self) -> dict[str, Any]:
        """Return what is drawn: the coefficient over time and the placebo of the leading test."""
        known = [None if ic != ic else ic for ic in self.coefficients.tolist()]
        series = {"dates": self.dates.astype(str).tolist(), "ic": known}
        factor, horizon = family.DECLARED[0]
        lead = leading(self.tests)
        return {
            "ic_series": {"factor": factor, "horizon": horizon, **series},
            "placebo": {} if lead is None else _placebo(lead),
        }


def judge(factors: Factors, returns: Returns, coverage: float, leaks: int = 0) -> Judgement:
    """
    Return the verdict on factors and the returns after them.

    Args:

        factors: from `factor.build`

        returns: from `returns.build`, on the same axis

        coverage: share of the minutes of the window in which posts were collected, 0 to 1

        leaks: figures known to break the rule of time, from `check_known`; any makes it INVALID

    Everything is chosen in the first 70 % of the sessions. What is held out is looked at once,
    only for tests that found something, and only when there is enough data for a verdict.

    Raises `LookAheadError` when a figure breaks the rule of time and `leaks` does not own up to it.
    """
    if leaks:
        return _invalid(factors, returns, leaks)
    if found := check_known(factors, returns):
        message = (
            f"{found:,} figures were not known before their session's cutoff; rebuild the factors "
            "from the mentions and the calendar of each company's own exchange"
        )
        raise LookAheadError(message)
    pairs = family.pairs(factors, returns.forward)
    window = Window.over(pairs)
    tests = family.train(pairs, window)
    reasons = tuple(shortfalls(factors, returns, coverage, pairs, tests))
    if not reasons:
        tests = family.confirm(pairs, tests, window)
    reaction = estimate(information_coefficients(factors.mean_score, returns.same_session))
    least = _min_detectable(pairs[0], window)
    companies = companies_used(factors, returns)
    verdict, sentence = _worded(tests, reasons, reaction, companies, least)
    return Judgement(
        verdict=verdict,
        sentence=sentence,
        reasons=reasons,
        dates=factors.dates,
        companies=companies,
        posts=factors.post_count,
        authors=factors.author_count,
        reaction=reaction,
        tests=tests,
        close_to_close=family.describe(family.pairs(factors, returns.close_to_close), window),
        min_detectable_ic=least,
        coefficients=pairs[0].coefficients,
        warnings=returns.warnings,
    )


def check_known(factors: Factors, returns: Returns) -> int:
    """
    Return how many figures could not be known in time.

    In time is before the cutoff of the session and before the forward return starts. A mean
    opinion of which nobody can say when it was known counts too.

    Raises `ValueError` when factors and returns are not on one axis.
    """
    if factors.tickers != returns.tickers or not np.array_equal(factors.dates, returns.dates):
        message = "factors and returns have different sessions or companies"
        raise ValueError(message)
    late = (factors.known_at >= factors.cutoffs) | (factors.known_at >= returns.entry_at)
    unproven = ~np.isnan(factors.mean_score) & np.isnat(factors.known_at)
    return int(np.count_nonzero(late | unproven))


def leading(tests: Sequence[Test]) -> Test | None:
    """Return the test that got furthest, of several the one with the smallest p."""

    def rank(test: Test) -> tuple[bool, bool, float]:
        p = test.estimate.p
        return not test.confirmed, not test.found, 1.0 if p is None else p

    return min(tests, key=rank, default=None)


def _worded(
    tests: Sequence[Test],
    reasons: Sequence[str],
    reaction: Estimate,
    companies: int,
    least: float | None,
) -> tuple[Verdict, str]:
    """Return the verdict and its sentence, the first that holds."""
    lead = leading(tests)
    if reasons or lead is None:
        return Verdict.INSUFFICIENT_DATA, wording.insufficient(reasons)
    if lead.confirmed:
        return Verdict.EVIDENCE, wording.evidence(lead)
    if lead.found:
        return Verdict.SUGGESTIVE, wording.suggestive(lead)
    if reaction.p is not None and reaction.p < _REACTION_LEVEL:
        return Verdict.REACTION_ONLY, wording.reaction_only(reaction, tests, least)
    return Verdict.NO_EVIDENCE, wording.no_evidence(companies, tests, least)


def _min_detectable(pair: Pair, window: Window) -> float | None:
    """Return what a test could have seen in training."""
    known = ~np.isnan(pair.coefficients[window.training])
    companies = names(pair.signal[window.training], pair.target[window.training])
    return min_detectable(companies[known])


def _without_q(test: Test) -> dict[str, Any]:
    return {key: value for key, value in test.as_dict().items() if key != "q"}


def _placebo(test: Test) -> dict[str, Any]:
    if test.placebo is None:
        return {}
    values = zip(QUANTILES, test.placebo.quantiles, strict=True)
    return {
        "factor": test.factor,
        "horizon": test.horizon,
        "observed": test.placebo.observed,
        "shifts": test.placebo.shifts,
        "p": test.placebo.p,
        "quantiles": [{"level": level, "value": value} for level, value in values],
    }


def _invalid(factors: Factors, returns: Returns, leaks: int) -> Judgement:
    """Return a verdict without a single figure that could be believed."""
    return Judgement(
        verdict=Verdict.INVALID,
        sentence=wording.invalid(leaks),
        reasons=(f"{leaks:,} figures were not known in time",),
        dates=factors.dates,
        companies=companies_used(factors, returns),
        posts=factors.post_count,
        authors=factors.author_count,
        reaction=Estimate(None, None, None, None, 0, "the study is invalid"),
        tests=(),
        close_to_close=(),
        min_detectable_ic=None,
        coefficients=np.full(len(factors.dates), np.nan),
        warnings=returns.warnings,
    )
