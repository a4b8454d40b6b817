"""What a real stream has besides opinions: reposts, bots, machines, spam and talk about nobody."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wordstreet.sessions import Sessions
from wordstreet.simulate.companies import COMPANIES
from wordstreet.simulate.crowd import AUTHORS, EDGE, Post, moments, named
from wordstreet.simulate.phrases import GRADES, sentences

__all__ = ["bots", "machines", "nobody", "reposts", "spam"]

_MACHINE: Final = 1_000_000  # the number of the first author who is no person
_BOT: Final = 2_000_000
_ADVERTISERS: Final = 30  # among the bots

_REPOSTS: Final = 0.03  # per post
_BURSTS: Final = 12
_ACCOUNTS: Final = (60, 120)  # in one burst
_MACHINES: Final = 2
_OUTPUT: Final = 240  # posts of one machine about one company in one session
_SPAM: Final = 0.006  # per post
_LISTED: Final = (8, 13)  # cashtags in one post
_NOBODY: Final = 0.02  # per post

_STRANGERS: Final = (
    *("the city museum", "our neighbour", "the school choir", "the ferry line", "the chess club"),
    *("my old bicycle", "the corner bakery", "the harbour festival", "the tram depot"),
    *(company.exclude for company in COMPANIES if company.exclude),
)


def reposts(posts: Sequence[Post], chance: np.random.Generator) -> list[Post]:
    """Return posts that repeat another one within the hour."""
    count = round(_REPOSTS * len(posts))
    originals = chance.choice(len(posts), size=count, replace=False).tolist()
    after = chance.integers(30, 3600, size=count).tolist()
    authors = chance.integers(AUTHORS, size=count).tolist()
    return [
        posts[place]._replace(at=posts[place].at + seconds, author=author, original=place)
        for place, seconds, author in zip(originals, after, authors, strict=True)
    ]


def bots(sessions: Sessions, chance: np.random.Generator) -> list[Post]:
    """Return bursts in which many accounts post one text, each with a link of its own, in an hour."""
    return [post for _ in range(_BURSTS) for post in _burst(sessions, chance)]


def _burst(sessions: Sessions, chance: np.random.Generator) -> Iterator[Post]:
    company = int(chance.integers(len(COMPANIES)))
    [text] = sentences(
        np.array([chance.choice([0, GRADES - 1])]), named([(company,)], chance), chance
    )
    [start] = moments(_rows(1, sessions, chance), sessions, chance).tolist()
    accounts = int(chance.integers(*_ACCOUNTS))
    for number, seconds in enumerate(chance.integers(3600, size=accounts).tolist()):
        decorated = f"{text} https://t.co/b{start % 10**6:06}{number:03}"
        yield Post(start + seconds, _BOT + number, decorated, (COMPANIES[company].ticker,))


def machines(sessions: Sessions, chance: np.random.Generator) -> list[Post]:
    """Return hundreds of different posts of one author about one company in one session."""
    made: list[Post] = []
    for number in range(_MACHINES):
        company = int(chance.integers(len(COMPANIES)))
        row = np.repeat(_rows(1, sessions, chance), _OUTPUT)
        praise = np.full(_OUTPUT, GRADES - 1)
        texts = sentences(praise, named([(company,)] * _OUTPUT, chance), chance)
        at = moments(row, sessions, chance).tolist()
        made += [
            Post(when, _MACHINE + number, text, (COMPANIES[company].ticker,))
            for when, text in zip(at, texts, strict=True)
        ]
    return made


def spam(posts: int, sessions: Sessions, chance: np.random.Generator) -> list[Post]:
    """Return posts that advertise beside a list of cashtags, in proportion to all posts."""
    count = round(_SPAM * posts)
    at = moments(_rows(count, sessions, chance), sessions, chance).tolist()
    return [_advertisement(when, chance) for when in at]


def _advertisement(at: int, chance: np.random.Generator) -> Post:
    places = chance.permutation(len(COMPANIES))[: int(chance.integers(*_LISTED))].tolist()
    tickers = tuple(COMPANIES[place].ticker for place in places)
    text = f"Best winners ever, join our free room: {' '.join(f'${t}' for t in tickers)}"
    return Post(at, _BOT + int(chance.integers(_ADVERTISERS)), text, tickers)


def nobody(posts: int, sessions: Sessions, chance: np.random.Generator) -> list[Post]:
    """Return posts about no company of the watchlist, some of them about a namesake of one."""
    count = round(_NOBODY * posts)
    subjects = [_STRANGERS[n] for n in chance.integers(len(_STRANGERS), size=count).tolist()]
    texts = sentences(chance.integers(GRADES, size=count), subjects, chance)
    at = moments(_rows(count, sessions, chance), sessions, chance).tolist()
    authors = chance.integers(AUTHORS, size=count).tolist()
    tickers = {company.exclude: (company.ticker,) for company in COMPANIES if company.exclude}
    return [
        Post(when, author, text, tickers.get(subject, ()))
        for when, author, text, subject in zip(at, authors, texts, subjects, strict=True)
    ]


def _rows(count: int, sessions: Sessions, chance: np.random.Generator) -> NDArray[np.int64]:
    """Return sessions in which people speak."""
    return chance.integers(EDGE, len(sessions) - EDGE, size=count)
