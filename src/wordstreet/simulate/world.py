"""A seeded world in which it is known whether opinion moves prices: posts, prices, watchlist, truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import numpy as np

from wordstreet.sessions import Sessions
from wordstreet.simulate import companies, crowd, dirt, market, wire
from wordstreet.simulate.market import Kind, Market
from wordstreet.simulate.wire import Line

__all__ = ["Kind", "World", "make"]


@dataclass(frozen=True, slots=True)
class World:
    """
    Where a world lies, and what is true in it.

    truth: `relation`, a sentence; `forward` and `same_session`, the mean rank correlation of the
           crowd's opinion with the next and the same session's return, before anything is
           measured; and how many there are of all that a stream carries
    """

    watchlist: Path
    posts: Path
    prices: Path
    truth: dict[str, Any]


def make(world: Kind, seed: int, sessions: Sessions, out: Path) -> World:
    """
    Write the files of a world into a folder; the same seed and sessions give the same bytes.

    Args:

        world: planted: opinion moves the next session's price; reaction: opinion follows the
            price; null: neither

        seed: not negative; the three worlds of one seed share all their noise

        sessions: at least 25; prices are given for all of them, nobody speaks in the first and
            last ten

    About 16 posts a session speak of each of 20 companies that do not exist, before the session's
    cutoff and after the one before it.
    """
    posts, prices, watchlist = out / "posts", out / "prices", out / "watchlist.toml"
    for folder in (posts, prices):
        folder.mkdir(parents=True, exist_ok=True)
    trading, quoting, people, others = np.random.default_rng(seed).spawn(4)
    drawn = market.draw(world, len(sessions), trading)
    companies.write(watchlist)
    market.write(drawn, sessions, prices, quoting)
    said = _talk(drawn, sessions, posts, people, others)
    return World(watchlist, posts, prices, _relation(world, drawn) | said)


_RELATIONS: Final = {
    "planted": (
        "the opinion of a session moves the return from the next open to the open after it, "
        "with a rank correlation of {forward:.2f}"
    ),
    "null": (
        "opinion and prices have nothing to do with each other; by chance their rank correlation "
        "is {forward:.2f} with the next session's return and {same_session:.2f} with the same one's"
    ),
    "reaction": (
        "the opinion of a session follows that session's own return, with a rank correlation of "
        "{same_session:.2f}, and moves no later one"
    ),
}


def _relation(world: Kind, drawn: Market) -> dict[str, Any]:
    """Say what the truth is, over the sessions in which people speak."""
    spoken = slice(crowd.EDGE, -crowd.EDGE)
    opinion = drawn.opinion[spoken]
    correlations = {
        "forward": market.rank_correlation(opinion, drawn.forward[crowd.EDGE : 2 - crowd.EDGE]),
        "same_session": market.rank_correlation(opinion, drawn.same_session[spoken]),
    }
    return {"relation": _RELATIONS[world].format(**correlations), **correlations}


def _talk(
    drawn: Market,
    sessions: Sessions,
    folder: Path,
    people: np.random.Generator,
    others: np.random.Generator,
) -> dict[str, Any]:
    """Write all that is said, and count it by what it is."""
    said = crowd.speak(drawn.opinion, sessions, people)
    noise = {
        "reposts": dirt.reposts(said, others),
        "bot_posts": dirt.bots(sessions, others),
        "machine_posts": dirt.machines(sessions, others),
        "spam_posts": dirt.spam(len(said), sessions, others),
        "posts_about_nobody": dirt.nobody(len(said), sessions, others),
    }
    posts = said + [post for some in noise.values() for post in some]
    ids = wire.identities(posts)
    sent = wire.lines(posts, ids)
    faults = {
        "redeliveries": wire.redeliveries(sent, others),
        "deletes": wire.deletes(posts, ids, others),
        "broken_lines": wire.broken(sent, others),
    }
    _write([*sent, *(line for some in faults.values() for line in some)], folder)
    return {
        "posts": len(posts),
        "posts_about_two": sum(len(post.tickers) == 2 for post in said),
        **{name: len(some) for name, some in (noise | faults).items()},
    }


def _write(sent: Sequence[Line], folder: Path) -> None:
    """Write the lines in the order they come, a file for each month."""
    ordered = sorted(sent, key=attrgetter("at"))
    for month, lines in groupby(ordered, key=_month):
        values = b"\n".join(line.value for line in lines)
        (folder / f"{month}.jsonl").write_bytes(values + b"\n")


def _month(line: Line) -> str:
    return str(np.datetime64(line.at, "s").astype("datetime64[M]"))
