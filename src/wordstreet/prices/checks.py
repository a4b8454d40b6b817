"""What a row of prices must be to count, and the account of what was set aside and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wordstreet.prices import calendars
from wordstreet.watchlist import Company

__all__ = ["RAGGED", "RAW", "Notes", "Part", "Rejected", "distinct", "possible", "sound", "unseen"]

RAW: Final = ("open", "high", "low", "close")
RAGGED: Final = "more or fewer cells than the first line"

_NO_DAY: Final = "the day cannot be read, it must be written like 2026-01-31"
_NO_PRICE: Final = "a price is missing or is not a number"
_NOT_POSITIVE: Final = "a price is not above zero"
_UPSIDE_DOWN: Final = "high is below low"
_NO_ACTION: Final = "a split or dividend is not a number, or below zero"
_NO_SESSION: Final = "no session of its exchange"
_NOT_OVER: Final = "the session was not over at download"
_AGAIN: Final = "the day was there before with other values"

_NAMED: Final = 10  # names that a warning spells out


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rows of one file that were set aside for one reason."""

    file: str
    reason: str
    rows: int


@dataclass(slots=True)
class Notes:
    """What is to be told about the files, gathered while they are read."""

    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    unusable: list[str] = field(default_factory=list)
    named: dict[str, list[str]] = field(default_factory=dict)

    def reject(self, part: "Part", bad: NDArray[np.bool_], reason: str) -> "Part":
        """Count the bad rows under the reason and return the part without them."""
        self.rejected[part.file, reason] += int(bad.sum())
        return part.where(~bad)

    def name(self, what: str, who: str) -> None:
        """Add a name to one warning."""
        self.named.setdefault(what, []).append(who)

    def counts(self) -> tuple[Rejected, ...]:
        """Return what was rejected, file by file."""
        counted = self.rejected.items()
        return tuple(Rejected(file, reason, rows) for (file, reason), rows in counted if rows)

    def warnings(self) -> tuple[str, ...]:
        """Return the sentences, one for each unusable file and one for each kind of doubt."""
        sentences = list(self.unusable)
        for what, names in self.named.items():
            rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            sentences.append(f"{', '.join(names[:_NAMED])}{rest}: {what}")
        return tuple(sentences)


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one company in one file."""

    file: str
    company: Company
    dates: NDArray[np.datetime64]
    numbers: Mapping[str, NDArray[np.float64]]

    def where(self, rows: NDArray[Any]) -> "Part":
        """Return the rows at these places, or those a mask picks."""
        numbers = {name: values[rows] for name, values in self.numbers.items()}
        return Part(self.file, self.company, self.dates[rows], numbers)


def sound(part: Part, notes: Notes) -> Part:
    """Return the rows whose cells make sense; a column without any value is as good as absent."""
    filled = {
        name: v for name, v in part.numbers.items() if name == "close" or not np.isnan(v).all()
    }
    part = replace(part, numbers=filled)
    part = notes.reject(part, np.isnat(part.dates), _NO_DAY)
    prices = [name for name in (*RAW, "adj_close") if name in part.numbers]
    for name in prices:
        part = notes.reject(part, ~np.isfinite(part.numbers[name]), _NO_PRICE)
    for name in prices:
        part = notes.reject(part, part.numbers[name] <= 0, _NOT_POSITIVE)
    if {"high", "low"} <= part.numbers.keys():
        part = notes.reject(part, part.numbers["high"] < part.numbers["low"], _UPSIDE_DOWN)
    for name in {"split", "dividend"} & part.numbers.keys():
        action = part.numbers[name]
        part = notes.reject(part, np.isinf(action) | (action < 0), _NO_ACTION)
    return part


def possible(part: Part, downloaded_at: datetime, notes: Notes) -> Part:
    """Return the rows of sessions that had been held when the file was downloaded."""
    exchange = part.company.exchange
    earliest, latest = map(np.datetime64, calendars.covered(exchange))
    part = notes.reject(part, (part.dates < earliest) | (part.dates > latest), _NO_SESSION)
    if not len(part.dates):
        return part
    calendar = calendars.sessions(exchange, part.dates.min().item(), part.dates.max().item())
    part = notes.reject(part, ~np.isin(part.dates, calendar.dates), _NO_SESSION)
    closes = calendar.closes[np.searchsorted(calendar.dates, part.dates)]
    known = np.datetime64(downloaded_at.astimezone(UTC).replace(tzinfo=None), "us")
    return notes.reject(part, closes > known, _NOT_OVER)


def distinct(part: Part, notes: Notes) -> Part:
    """Return the rows by day, of each day the first; others count when they say something else."""
    part = part.where(np.argsort(part.dates, kind="stable"))
    first = np.searchsorted(part.dates, part.dates)
    again = first != np.arange(len(first))
    contrary = again & _differ(part, part.where(first))
    notes.reject(part, contrary, _AGAIN)
    return part.where(~again)


def unseen(part: Part, earlier: Sequence[Part], notes: Notes) -> Part:
    """Return the rows of days that no earlier file of this company has."""
    for other in earlier:
        again = np.isin(part.dates, other.dates)
        twins = other.where(np.isin(other.dates, part.dates))
        notes.reject(part.where(again), _differ(part.where(again), twins), _AGAIN)
        part = part.where(~again)
    return part


def _differ(one: Part, other: Part) -> NDArray[np.bool_]:
    """Return where two parts of equal length have different values in a column both have."""
    differ = np.zeros(len(one.dates), dtype=np.bool_)
    for name in one.numbers.keys() & other.numbers.keys():
        a, b = one.numbers[name], other.numbers[name]
        differ |= (a != b) & ~(np.isnan(a) & np.isnan(b))
    return differ
