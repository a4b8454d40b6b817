"""Who says what and when: people whose opinion scatters around that of the crowd."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wordstreet.sessions import Sessions
from wordstreet.simulate.companies import COMPANIES
from wordstreet.simulate.phrases import sentences

__all__ = ["AUTHORS", "CUTOFF_MINUTES", "EDGE", "Post", "moments", "named", "speak"]

CUTOFF_MINUTES: Final = 20
"""Before the close; what is said later belongs to the next session."""

AUTHORS: Final = 5000
"""People, the first of whom speak most."""

EDGE: Final = 10
"""Sessions at either end in which nobody speaks, so that all that is said has prices around it."""

_LEAST: Final = 11  # posts about a company in a session
_MORE: Final = (2.5, 7.5)  # posts on top of it, by company
_AGREEMENT: Final = 0.65  # how much of the crowd's opinion is in one author's
_STEPS: Final = (-1.1, -0.35, 0.35, 1.1)  # of an author's opinion, between two grades
_FORMS: Final = (0.5, 0.15, 0.2, 0.1, 0.05)  # cashtag, name, alias, handle, hashtag
_BOTH: Final = 0.04  # posts about two companies

Ints = NDArray[np.int64]


class Post(NamedTuple):
    """
    One post.

    at:       seconds since 1970
    tickers:  the companies whose rules deliver it
    original: place of the post it repeats
    """

    at: int
    author: int
    text: str
    tickers: tuple[str, ...]
    original: int | None = None


def speak(
    opinion: NDArray[np.float64], sessions: Sessions, chance: np.random.Generator
) -> list[Post]:
    """Return what people say about each company in each session, in no order of time."""
    spoken = len(sessions) - 2 * EDGE
    more = chance.uniform(*_MORE, len(COMPANIES))
    many = _LEAST + chance.poisson(more, (spoken, len(COMPANIES)))
    row = np.repeat(np.arange(spoken) + EDGE, many.sum(axis=1))
    company = np.repeat(np.tile(np.arange(len(COMPANIES)), spoken), many.ravel())
    own = _AGREEMENT * opinion[row, company] + chance.standard_normal(len(row))
    author = (AUTHORS * chance.random(len(row)) ** 1.5).astype(np.int64)
    about: list[tuple[int, ...]] = [(one,) for one in company.tolist()]
    for place in np.flatnonzero(chance.random(len(row)) < _BOTH).tolist():
        about[place] = (*about[place], _another(about[place][0], chance))
    texts = sentences(np.searchsorted(_STEPS, own), named(about, chance), chance)
    tickers = [tuple(COMPANIES[one].ticker for one in several) for several in about]
    at = moments(row, sessions, chance)
    return list(map(Post, at.tolist(), author.tolist(), texts, tickers))


def _another(company: int, chance: np.random.Generator) -> int:
    return (company + int(chance.integers(1, len(COMPANIES)))) % len(COMPANIES)


def named(about: Sequence[tuple[int, ...]], chance: np.random.Generator) -> list[str]:
    """Return how each post calls the one or two companies it is about."""
    forms = chance.choice(len(_FORMS), size=(len(about), 2), p=_FORMS).tolist()
    return [
        " and likewise ".join(
            COMPANIES[one].forms[form] for one, form in zip(several, form_pair, strict=False)
        )
        for several, form_pair in zip(about, forms, strict=True)
    ]


def moments(row: Ints, sessions: Sessions, chance: np.random.Generator) -> Ints:
    """
    Return seconds since 1970 at which one speaks for each session: after the cutoff before it.

    Half is said around trading hours, a quarter in the evening before, a quarter at any hour of
    the night or the weekend.
    """
    cutoffs = sessions.cutoffs(CUTOFF_MINUTES).astype("datetime64[s]").astype(np.int64)
    opens = sessions.opens.astype("datetime64[s]").astype(np.int64)
    start, end = cutoffs[row - 1], cutoffs[row]
    habit = chance.random(len(row))
    low = np.where(habit < 0.5, opens[row] - 1800, start)
    high = np.where((habit >= 0.5) & (habit < 0.75), start + 6 * 3600, end)
    at: Ints = low + np.floor(chance.random(len(row)) * (high - low)).astype(np.int64)
    return at
