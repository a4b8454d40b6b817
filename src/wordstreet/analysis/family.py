"""The declared tests: which they are, what they find in training, and the one look beyond it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wordstreet.analysis.correlate import (
    Estimate,
    Placebo,
    all_shifts,
    estimate,
    false_discovery,
    information_coefficients,
    trailing_mean,
    why_unknown,
)
from wordstreet.analysis.factor import Factors

__all__ = [
    "DECLARED",
    "LEVEL",
    "HoldOut",
    "Pair",
    "Test",
    "Window",
    "confirm",
    "describe",
    "pairs",
    "train",
]

DECLARED: Final = (("mean_score", 1), ("mean_score", 5), ("volume", 1), ("volume", 5))
"""Factor and horizon of each test, fixed before any data is seen; all of them share one error."""

LEVEL: Final = 0.05

_TRAINING: Final = 0.7  # of the sessions
_EMBARGO: Final = 5  # sessions, and the horizon on top


@dataclass(frozen=True, slots=True)
class Pair:
    """One declared test's factor in Hodrick's form, and its coefficient in each session."""

    factor: str
    horizon: int
    signal: NDArray[np.float64]
    target: NDArray[np.float64]
    coefficients: NDArray[np.float64]

    @property
    def sessions(self) -> int:
        """How many sessions have a coefficient."""
        return int(np.count_nonzero(~np.isnan(self.coefficients)))


@dataclass(frozen=True, slots=True)
class Window:
    """Rows: training is [start, split), and what is held out begins an embargo after `split`."""

    start: int
    split: int

    @classmethod
    def over(cls, several: Sequence[Pair]) -> "Window":
        """Part the sessions in which at least one test has a coefficient, the first 70 % to train."""
        known = ~np.isnan([pair.coefficients for pair in several]).all(axis=0)
        rows = np.flatnonzero(known)
        if not len(rows):
            return cls(0, 0)
        return cls(int(rows[0]), int(rows[int(_TRAINING * len(rows))]))

    def held_out(self, horizon: int) -> slice:
        """Return the rows that share neither a post nor a price with training."""
        return slice(self.split + horizon + _EMBARGO, None)

    @property
    def training(self) -> slice:
        """The rows everything is chosen on."""
        return slice(self.start, self.split)


@dataclass(frozen=True, slots=True)
class HoldOut:
    """What a test that passed in training finds in the sessions held out; p is one-sided."""

    estimate: Estimate
    p: float | None
    same_sign: bool

    @property
    def agrees(self) -> bool:
        """Whether it confirms the training."""
        return self.same_sign and self.p is not None and self.p <= LEVEL

    def as_dict(self) -> dict[str, Any]:
        """Return the figures of a report."""
        found = self.estimate
        figures = {"ic": found.ic, "t": found.t, "p": self.p, "n": found.n}
        return {**figures, "same_sign": self.same_sign}


@dataclass(frozen=True, slots=True)
class Test:
    """
    One test, its figures from the training sessions.

    q:        p after Benjamini-Hochberg over the family; None outside a family
    placebo:  all shifts; None when there is nothing to compare
    hold_out: None while those sessions have not been looked at
    """

    __test__ = False  # not one of pytest's

    factor: str
    horizon: int
    estimate: Estimate
    placebo: Placebo | None
    q: float | None = None
    hold_out: HoldOut | None = None

    @property
    def shift_p(self) -> float | None:
        """The p-value of the placebo."""
        return None if self.placebo is None else self.placebo.p

    @property
    def found(self) -> bool:
        """Whether it stands in training, given how many tests there are."""
        return self.q is not None and self.q <= LEVEL

    @property
    def withstands(self) -> bool:
        """Whether the placebo does worse."""
        return self.shift_p is not None and self.shift_p <= LEVEL

    @property
    def confirmed(self) -> bool:
        """Whether every gate is passed."""
        agrees = self.hold_out is not None and self.hold_out.agrees
        return self.found and self.withstands and agrees

    def as_dict(self) -> dict[str, Any]:
        """Return the figures of a report; unknown is None."""
        found = self.estimate
        return {
            "factor": self.factor,
            "horizon": self.horizon,
            "ic": found.ic,
            "t": found.t,
            "p": found.p,
            "q": self.q,
            "shift_p": self.shift_p,
            "ci": None if found.ci is None else list(found.ci),
            "n": found.n,
            "oos": None if self.hold_out is None else self.hold_out.as_dict(),
        }


def pairs(factors: Factors, target: NDArray[np.float64]) -> tuple[Pair, ...]:
    """Return every declared test's factor against the next session's return."""
    return tuple(_pair(factors, target, name, horizon) for name, horizon in DECLARED)


def describe(several: Sequence[Pair], window: Window) -> tuple[Test, ...]:
    """Return what each test finds in training, by itself."""
    return tuple(_trained(pair, window.training) for pair in several)


def train(several: Sequence[Pair], window: Window) -> tuple[Test, ...]:
    """Return what each test finds in training, given that there are so many."""
    tests = describe(several, window)
    q = false_discovery([test.estimate.p for test in tests])
    return tuple(replace(test, q=value) for test, value in zip(tests, q, strict=True))


def confirm(several: Sequence[Pair], tests: Sequence[Test], window: Window) -> tuple[Test, ...]:
    """Return the tests with what was held out opened, once, for those that found something."""
    return tuple(
        replace(test, hold_out=_held_out(pair, test, window)) if test.found else test
        for pair, test in zip(several, tests, strict=True)
    )


def _pair(factors: Factors, target: NDArray[np.float64], name: str, horizon: int) -> Pair:
    signal = trailing_mean(getattr(factors, name), horizon)
    return Pair(name, horizon, signal, target, information_coefficients(signal, target))


def _trained(pair: Pair, rows: slice) -> Test:
    found = estimate(pair.coefficients[rows])
    if not pair.sessions:
        found = replace(found, reason=why_unknown(pair.signal, pair.target))
    placebo = all_shifts(pair.signal[rows], pair.target[rows])
    return Test(pair.factor, pair.horizon, found, placebo)


def _held_out(pair: Pair, test: Test, window: Window) -> HoldOut:
    found = estimate(pair.coefficients[window.held_out(pair.horizon)])
    same_sign = (found.ic or 0.0) * (test.estimate.ic or 0.0) > 0
    if found.p is None:
        return HoldOut(found, None, same_sign)
    return HoldOut(found, found.p / 2 if same_sign else 1 - found.p / 2, same_sign)
