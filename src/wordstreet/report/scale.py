"""Round scales: from figures to lengths and tick labels."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeGuard

from wordstreet.report.tags import decimal

__all__ = ["Scale", "drawable", "length", "scale_of"]

_LARGEST: Final = 1e15  # beyond it a figure is none of a study's and would break the scale


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight scale; `low` is less than `high` and both are round figures."""

    low: float
    high: float
    step: float

    def share(self, value: float) -> float:
        """Return where the value lies, 0 at `low` and 1 at `high`; outside ones at the edge."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def at(self, value: float) -> str:
        """Return where the value lies as a length, from the left."""
        return length(self.share(value))

    def ticks(self) -> list[float]:
        """Return the round figures from `low` to `high`."""
        return [
            self.low + n * self.step for n in range(round((self.high - self.low) / self.step) + 1)
        ]

    def text(self, value: float) -> str:
        """Return a tick's label, with as many places as the step has."""
        for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
            if self.high >= size:
                unit = 1e3 if letter == "k" else size
                return decimal(value / unit, _places(self.step / unit)) + (letter if value else "")
        return decimal(value, _places(self.step))


def scale_of(values: Iterable[float | None], intervals: int = 4) -> Scale:
    """Return the scale of about so many intervals that holds the values, or zero if none is known."""
    known = [value for value in values if drawable(value)] or [0.0]
    low, high = min(known), max(known)
    if high - low <= max(1e-9 * max(abs(low), abs(high)), 1e-12):
        margin = abs(low) / 10 if abs(low) > 1e-9 else 1.0
        low, high = low - margin, high + margin
    step = _round_step((high - low) / intervals)
    return Scale(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, step)


def drawable(value: float | None) -> TypeGuard[float]:
    """Return whether the figure is known and of a size that charts can show."""
    return value is not None and abs(value) < _LARGEST


def length(share: float) -> str:
    """Return a share of the width as SVG writes it."""
    return f"{100 * share:.2f}%"


def _round_step(step: float) -> float:
    """Return the least of 1, 2, 2.5, 5 times a power of ten that is not below the step."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(
        factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= step * (1 - 1e-9)
    )


def _places(step: float) -> int:
    """Return how many decimal places the multiples of a round step need."""
    return next((n for n in range(9) if math.isclose(round(step, n), step, rel_tol=1e-6)), 9)
