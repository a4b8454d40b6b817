"""Which mentions count as opinion: each filter by name, each removal counted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["FactorRules", "Placeable", "Posts", "first", "output", "pairs", "placeable", "sift"]

_DAY: Final = 86_400_000_000  # microseconds
_COLUMNS: Final = (
    "source",
    "post_id",
    "ticker",
    "confidence",
    "score",
    "duplicate_group",
    "is_spam",
    "is_late",
    "author_id",
    "created_at",
    "observed_at",
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FactorRules:
    """
    What counts as opinion.

    cutoff_minutes:   before the close; a post at or after it is the next session's
    min_posts:        per company and session, fewer is unknown
    min_authors:      per company and session, fewer is unknown
    min_confidence:   that a post is about the company at all
    max_author_posts: about one company in one session; who writes more is a machine and is left
                      out there
    """

    cutoff_minutes: int = 20
    min_posts: int = 3
    min_authors: int = 3
    min_confidence: float = 0.5
    max_author_posts: int = 50


@dataclass(frozen=True, slots=True)
class Placeable:
    """
    Mentions that belong on the axis, in the order they became usable.

    usable:    when each could be known: when we saw it, or at the time it claims if that is later
    column:    the place of its company among the `companies`
    removed:   mentions that do not belong there, by reason
    """

    table: pa.Table
    usable: NDArray[np.datetime64]
    column: Ints
    companies: int
    removed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Posts:
    """Mentions as numbers; codes only tell apart."""

    cell: Ints  # row * N + column of the axis
    usable: NDArray[np.datetime64]
    post: Ints
    author: Ints
    text: Ints  # one for each duplicate group
    confidence: Floats
    score: Floats
    spam: Mask
    late: Mask

    def where(self, keep: Mask) -> "Posts":
        """Return those that a mask picks."""
        return Posts(*(getattr(self, item.name)[keep] for item in fields(self)))


def placeable(mentions: pa.Table, tickers: Sequence[str]) -> Placeable:
    """
    Return the mentions of the companies whose time can be trusted, in canonical order.

    A post that claims to be written more than a day after it was seen has a broken clock and
    would count for a session it knows nothing about. Ties in time are ordered by id: how the
    lake's files lie must not move a figure.
    """
    table = mentions.select(_COLUMNS)
    company = pc.index_in(table["ticker"], value_set=pa.array(tickers, pa.string()))
    seen, claimed = (table[name].cast(pa.int64()) for name in ("observed_at", "created_at"))
    usable = pc.max_element_wise(seen, claimed)
    ahead = pc.subtract(usable, seen)
    for name, column in (("company", company), ("usable", usable), ("ahead", ahead)):
        table = table.append_column(name, column)
    listed = table.filter(pc.is_valid(table["company"]))
    kept = listed.filter(pc.less_equal(listed["ahead"], _DAY))
    kept = kept.sort_by([(name, "ascending") for name in ("usable", "source", "post_id")])
    return Placeable(
        table=kept,
        usable=_whole(kept["usable"]).view("datetime64[us]"),
        column=_whole(kept["company"]),
        companies=len(tickers),
        removed={"unlisted": len(table) - len(listed), "clock": len(listed) - len(kept)},
    )


def sift(found: Placeable, row: Ints, rules: FactorRules) -> tuple[Posts, dict[str, int]]:
    """Return what passes every filter, and how many mentions each one took out."""
    posts = _coded(found, row)
    removed = dict(found.removed)
    for name, passes in _FILTERS.items():
        keep = passes(posts, rules)
        removed[name] = int((~keep).sum())
        posts = posts.where(keep)
    return posts, removed


_FILTERS: Final[Mapping[str, Callable[[Posts, FactorRules], Mask]]] = {
    "spam": lambda posts, _: ~posts.spam,
    "late": lambda posts, _: ~posts.late,
    "unsure": lambda posts, rules: posts.confidence >= rules.min_confidence,
    "unscored": lambda posts, _: np.isfinite(posts.score),
    "duplicate": lambda posts, _: first(pairs(posts.cell, posts.text)),
    "machine": lambda posts, rules: output(posts) <= rules.max_author_posts,
}
"""Which posts each filter leaves in, in the order they are applied."""


def _coded(found: Placeable, row: Ints) -> Posts:
    """Return the columns the filters need as numbers."""
    table = found.table
    text = _codes(table["duplicate_group"])
    alone = text < 0
    text[alone] = len(text) + np.flatnonzero(alone)
    return Posts(
        cell=row * found.companies + found.column,
        usable=found.usable,
        post=_codes(_joined(table["source"], table["post_id"])),
        author=_codes(_joined(table["source"], table["author_id"])),
        text=text,
        confidence=_floats(table["confidence"]),
        score=_floats(table["score"]),
        spam=np.asarray(pc.fill_null(table["is_spam"], False)),
        late=np.asarray(pc.fill_null(table["is_late"], False)),
    )


def output(posts: Posts) -> Ints:
    """Return for each post how many its author wrote about the company in the session."""
    _, whose, many = np.unique(
        pairs(posts.cell, posts.author), return_inverse=True, return_counts=True
    )
    return many[whose]


def first(codes: Ints) -> Mask:
    """Mark the first of each code."""
    mask = np.zeros(len(codes), dtype=np.bool_)
    mask[np.unique(codes, return_index=True)[1]] = True
    return mask


def pairs(one: Ints, other: Ints) -> Ints:
    """Return one code for each pair of codes."""
    return one * (int(other.max(initial=0)) + 1) + other


def _joined(one: pa.ChunkedArray, other: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(pc.fill_null(one, ""), pc.fill_null(other, ""), "\0")


def _codes(texts: pa.ChunkedArray) -> Ints:
    """Return equal numbers for equal texts, -1 for null."""
    encoded = texts.combine_chunks().dictionary_encode()
    return _whole(pc.fill_null(encoded.indices, -1))


def _whole(column: Any) -> Ints:
    return np.array(column.cast(pa.int64()), dtype=np.int64)


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.array(pc.fill_null(column.cast(pa.float64()), float("nan")), dtype=np.float64)
