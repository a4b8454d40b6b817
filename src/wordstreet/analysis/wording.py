"""The verdict in plain words, with the figures that made it."""

from collections.abc import Sequence
from typing import Final

from wordstreet.analysis.correlate import Estimate
from wordstreet.analysis.family import Test

__all__ = [
    "evidence",
    "insufficient",
    "invalid",
    "named",
    "no_evidence",
    "reaction_only",
    "suggestive",
]

_FACTORS: Final = {"mean_score": "mean opinion", "volume": "the number of authors"}


def invalid(leaks: int) -> str:
    """Say that the numbers used what was not yet known."""
    return (
        f"This study is invalid: {leaks:,} figures of the factor were not known before their session's "
        "cutoff, so that it would be tested with knowledge from the future."
    )


def insufficient(reasons: Sequence[str]) -> str:
    """Say what there is too little of, and how much it takes."""
    return (
        f"There is not enough data for a verdict: {'; '.join(reasons)}. Collect for longer, or "
        "follow companies that people talk about more."
    )


def evidence(test: Test) -> str:
    """Say what was found and confirmed."""
    held = test.hold_out
    beyond = f" (IC {_signed(held.estimate.ic)}, {_p(held.p)})" if held else ""
    return (
        f"There is evidence: {named(test)} goes {_direction(test)} the next session's return "
        f"({_figures(test)}), the placebo does not do as well ({_p(test.shift_p)}), and the "
        f"sessions held out agree{beyond}. This is an association in this sample, not advice."
    )


def suggestive(test: Test) -> str:
    """Say what was found, and which gate it failed."""
    return (
        f"There is a hint, but no evidence: {named(test)} goes {_direction(test)} the next session's "
        f"return in training ({_figures(test)}), yet {_failure(test)}. It is an idea to test on new "
        "posts, no more."
    )


def reaction_only(reaction: Estimate, tests: Sequence[Test], least: float | None) -> str:
    """Say that opinion goes with the session it is voiced in and with none after it."""
    return (
        f"Opinion reacts: it goes with the price of its own session (IC {_signed(reaction.ic)}, "
        f"{_p(reaction.p)}), and with no later one. {_nothing(tests)} {_least(least)}"
    )


def no_evidence(companies: int, tests: Sequence[Test], least: float | None) -> str:
    """Say that there is nothing to be seen, and how little could hide."""
    return (
        f"There is no evidence that what people say about these {companies} companies goes with their "
        f"prices afterwards. {_nothing(tests)} {_least(least)}"
    )


def named(test: Test) -> str:
    """Return a test's name for people."""
    span = "1 session" if test.horizon == 1 else f"{test.horizon} sessions"
    return f"{_FACTORS[test.factor]} over {span}"


def _nothing(tests: Sequence[Test]) -> str:
    best = min((test.q for test in tests if test.q is not None), default=None)
    return f"None of the {len(tests)} declared tests finds anything (the best has {_p(best, 'q')})."


def _least(least: float | None) -> str:
    if least is None:
        return "How small an IC could have been seen is not known."
    return f"An IC of {least:.3f} or more would very likely have been seen."


def _failure(test: Test) -> str:
    if not test.withstands:
        return f"shifted in time the same numbers do as well ({_p(test.shift_p)})"
    if test.hold_out is None or test.hold_out.p is None:
        return "too few sessions were held out to confirm it"
    if not test.hold_out.same_sign:
        return f"the sessions held out say the opposite (IC {_signed(test.hold_out.estimate.ic)})"
    return f"the sessions held out do not confirm it ({_p(test.hold_out.p)})"


def _direction(test: Test) -> str:
    return "with" if (test.estimate.ic or 0.0) > 0 else "against"


def _figures(test: Test) -> str:
    found = test.estimate
    t = "unknown" if found.t is None else f"{found.t:+.2f}"
    return f"IC {_signed(found.ic)}, t {t}, {_p(test.q, 'q')}, {found.n} sessions"


def _signed(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+.3f}"


def _p(value: float | None, name: str = "p") -> str:
    if value is None:
        return f"{name} unknown"
    return f"{name} < 0.001" if value < 0.001 else f"{name} = {value:.3f}"
