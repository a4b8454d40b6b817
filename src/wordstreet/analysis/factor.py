"""One number per company and session from what was said about it, all of it known in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wordstreet.analysis.axis import Block, blocks, place
from wordstreet.analysis.filters import FactorRules, Posts, first, output, pairs, placeable, sift
from wordstreet.sessions import Sessions

__all__ = ["VOLUME_MEMORY", "FactorRules", "Factors", "build"]

VOLUME_MEMORY: Final = 20
"""Sessions whose median is a company's usual volume; before that many, volume is unknown."""

_UNKNOWN: Final = np.iinfo(np.int64).min  # NaT, seen as a whole number

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Times = NDArray[np.datetime64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Factors:
    """
    What was said about each company (columns) before the cutoff of each session (rows).

    dates:      datetime64[D], shape (T,): every day from the first to the last mention on which
                an exchange of the watchlist had a session
    tickers:    the N companies
    mean_score: (T, N) opinion, NaN below `min_posts` or `min_authors`
    volume:     (T, N) log of authors against their median in the 20 sessions before; no author is
                a real zero, NaN only while there are not yet 20
    posts:      (T, N) scored posts that passed the filters
    authors:    (T, N) their authors
    cutoffs:    (T, N) datetime64[us], NaT where the exchange has no session
    known_at:   (T, N) when the last of these posts could be known, NaT where there is none
    removed:    mentions that each filter took out, in the order they were applied
    post_count: different posts behind all of it; a post about two companies is one here
    author_count: different authors behind all of it
    """

    dates: Times
    tickers: tuple[str, ...]
    mean_score: Floats
    volume: Floats
    posts: Ints
    authors: Ints
    cutoffs: Times
    known_at: Times
    removed: Mapping[str, int]
    post_count: int
    author_count: int


def build(
    mentions: pa.Table,
    calendars: Mapping[str, Sessions],
    companies: Sequence[tuple[str, str]],
    rules: FactorRules,
) -> Factors:
    """
    Return what mentions say about each company in each session.

    Args:

        mentions: in the shape of `schema.MENTIONS`, each post once; the order does not matter

        calendars: by exchange, long enough for every post

        companies: ticker and exchange of each company

        rules: see `FactorRules`

    A post becomes usable when we saw it, or at the time it claims if that is later. The same text
    about a company counts once a session, at its first sighting, so any number of reposts and
    copies is one post of one author. Opinion is the mean over authors, not over posts: the posts
    of an author share one vote, and votes weigh as much as it is sure that they are about the
    company. Posts without an author are one author for each source.

    Raises `InputError` when a post lies outside its calendar.
    """
    tickers = tuple(ticker for ticker, _ in companies)
    found = placeable(mentions, tickers)
    axis = place(found.usable, found.column, calendars, companies, rules.cutoff_minutes)
    parts = blocks(axis.dates, calendars, companies)
    posts, removed = sift(found, axis.row, rules)
    shape = (len(axis.dates), len(tickers))
    count, authors, known_at = _counts(posts, shape)
    enough = (count >= rules.min_posts) & (authors >= rules.min_authors)
    return Factors(
        dates=axis.dates,
        tickers=tickers,
        mean_score=np.where(enough, _mean_score(posts, shape), np.nan),
        volume=_volume(authors, parts),
        posts=count,
        authors=authors,
        cutoffs=_cutoffs(parts, shape, rules.cutoff_minutes),
        known_at=known_at,
        removed=removed,
        post_count=len(np.unique(posts.post)),
        author_count=len(np.unique(posts.author)),
    )


def _counts(posts: Posts, shape: tuple[int, int]) -> tuple[Ints, Ints, Times]:
    """Return for each cell its posts, its authors, and when the last of them could be known."""
    size = shape[0] * shape[1]
    count = np.bincount(posts.cell, minlength=size)
    voices = posts.where(first(pairs(posts.cell, posts.author)))
    authors = np.bincount(voices.cell, minlength=size)
    latest = np.full(size, _UNKNOWN)
    np.maximum.at(latest, posts.cell, posts.usable.view(np.int64))
    known_at = latest.view("datetime64[us]")
    return count.reshape(shape), authors.reshape(shape), known_at.reshape(shape)


def _mean_score(posts: Posts, shape: tuple[int, int]) -> Floats:
    """Return the mean over authors; each one's posts share one vote."""
    size = shape[0] * shape[1]
    vote = posts.confidence / output(posts)
    given = np.bincount(posts.cell, vote * posts.score, size)
    votes = np.bincount(posts.cell, vote, size)
    mean = np.divide(given, votes, out=np.full(size, np.nan), where=votes > 0)
    result: Floats = mean.reshape(shape)
    return result


def _volume(authors: Ints, parts: Sequence[Block]) -> Floats:
    """Return the log of authors against their usual number, along each company's own sessions."""
    volume = np.full(authors.shape, np.nan)
    for part in parts:
        if len(part.rows) <= VOLUME_MEMORY:
            continue
        for column in part.columns:
            own = authors[part.rows, column]
            before = np.lib.stride_tricks.sliding_window_view(own, VOLUME_MEMORY)[:-1]
            usual = np.median(before, axis=1)
            volume[part.rows[VOLUME_MEMORY:], column] = np.log(
                (1 + own[VOLUME_MEMORY:]) / (1 + usual)
            )
    return volume


def _cutoffs(parts: Sequence[Block], shape: tuple[int, int], minutes: int) -> Times:
    cutoffs = np.full(shape, np.datetime64("NaT", "us"))
    for part in parts:
        own = part.calendar.cutoffs(minutes)[part.sessions]
        cutoffs[np.ix_(part.rows, part.columns)] = own[:, None]
    return cutoffs
