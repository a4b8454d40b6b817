"""Which companies a post is about, by what evidence, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from ahocorasick_rs import BytesAhoCorasick
from numpy.typing import NDArray

from wordstreet.transform.patterns import (
    ALIAS,
    CASHTAG,
    EXCLUDE,
    HANDLE,
    KINDS,
    LINK,
    NAME,
    RULE,
    compile_patterns,
    symbols,
)
from wordstreet.transform.scan import Around, Flags, Found, Ints, Text
from wordstreet.watchlist import Watchlist

__all__ = ["Evidence", "Matcher"]

LISTED: Final = 0.95
"""The platform itself lists the cashtag."""
CASHTAGGED: Final = 0.9
UNSURE_CASHTAG: Final = 0.6
"""A ticker of one or two letters or that is a word, in capitals, standing apart, and no list to ask."""
WEAK_CASHTAG: Final = 0.4
"""Such a ticker otherwise: in small letters, among signs, or missing from the platform's list."""
HANDLED: Final = 0.85
NAMED: Final = 0.8
SHOUTED: Final = 0.65
"""A name of one word, in other capitals than the watchlist writes."""
LOWER: Final = 0.5
"""A name of one word in small letters, where it may be just that word."""
RULED: Final = 0.3
"""Nothing but the tag of the rule that delivered the post."""

_BY_KIND: Final = np.zeros(LINK + 1)
_BY_KIND[[CASHTAG, HANDLE, NAME, ALIAS]] = CASHTAGGED, HANDLED, NAMED, NAMED

_COUNTS, _LONGER, _LINKED, _LONGER_NAME, _EXCLUDED = range(5)
_REASONS: Final = (
    None,
    "it is part of a longer word or symbol",
    "it is part of a link or an address",
    "it is part of a longer name on the watchlist",
    "it is part of a phrase the watchlist excludes",
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    One piece of evidence that a text is about a company.

    ticker:     the company
    kind:       cashtag | handle | name | alias
    text:       the words found
    confidence: how sure this piece alone makes, in (0, 1]
    refused:    why it does not count; None when it does
    """

    ticker: str
    kind: str
    text: str
    confidence: float
    refused: str | None


@dataclass(frozen=True, slots=True)
class _Hits:
    """What counts, as parallel arrays."""

    row: Ints
    company: Ints
    kind: Ints
    confidence: NDArray[np.float64]


class Matcher:
    """
    Finds the companies of a watchlist in texts.

    A word ends where neither letter, digit, mark nor `_` follows; letters of scripts without
    blanks between words (Chinese, Japanese, Korean, Thai, ...) never continue a word. Every run of
    white space in a text counts as one blank. Built once, never changed.
    """

    def __init__(self, watchlist: Watchlist) -> None:
        patterns = compile_patterns(watchlist)
        self._automaton = BytesAhoCorasick([pattern.folded for pattern in patterns])
        self._company = np.array([pattern.company for pattern in patterns], np.int64)
        self._kind = np.array([pattern.kind for pattern in patterns], np.int64)
        self._written = [pattern.written for pattern in patterns]
        self._has_case = np.array([bool(pattern.written) for pattern in patterns])
        self._tickers = watchlist.tickers
        self._symbols = symbols(watchlist)
        self._tags = {
            tag: place
            for place, ticker in enumerate(watchlist.tickers)
            for tag in (ticker, f"wordstreet:{ticker}")
        }

    def match(self, texts: pa.Array, cashtags: pa.Array, rule_tags: pa.Array) -> pa.RecordBatch:
        """
        Return row, ticker, evidence and confidence: one row per post and company, in that order.

        Args:

            texts: what was said

            cashtags: the symbols each post's platform lists, in capitals; empty or null: not known

            rule_tags: the tags of the rules that delivered each post

        Different kinds of evidence add up like independent witnesses, 1 - (1 - a)(1 - b), and the
        strongest is named. A rule counts only where nothing else does.
        """
        text = Text.of(texts)
        found = self._scan(text)
        around = Around.of(text, found)
        counts = (self._refusals(text, found, around) == _COUNTS) & (
            self._kind[found.pattern] < RULE
        )
        confidence = self._confidences(text, found, around, _lists_any(cashtags))
        said = _Hits(
            found.row[counts],
            self._company[found.pattern[counts]],
            self._kind[found.pattern[counts]],
            confidence[counts],
        )
        listed = _named(cashtags, self._symbols, CASHTAG, LISTED)
        ruled = _named(rule_tags, self._tags, RULE, RULED)
        return self._combined([said, listed, ruled])

    def explain(self, text: str, cashtags: Sequence[str] = ()) -> list[Evidence]:
        """Return every piece of evidence in a text, by place, those refused with the reason why."""
        run = Text.of(pa.array([text], pa.string()))
        found = self._scan(run)
        found = found.where(np.lexsort((found.pattern, -found.end, found.start)))
        around = Around.of(run, found)
        refusal = self._refusals(run, found, around)
        listing = _lists_any(pa.array([list(cashtags)], pa.list_(pa.string())))
        confidence = self._confidences(run, found, around, listing)
        said = [
            Evidence(
                self._tickers[self._company[pattern]],
                KINDS[self._kind[pattern]],
                run.data[found.start[i] : found.end[i]].tobytes().decode(),
                float(confidence[i]),
                _REASONS[refusal[i]],
            )
            for i, pattern in enumerate(found.pattern)
            if self._kind[pattern] < RULE
        ]
        return said + [
            Evidence(self._tickers[self._symbols[tag]], KINDS[CASHTAG], tag, LISTED, None)
            for tag in cashtags
            if tag in self._symbols
        ]

    def _scan(self, text: Text) -> Found:
        """Find all patterns in one pass; what reaches from one row into the next is none."""
        found = self._automaton.find_matches_as_indexes(text.folded.data, overlapping=True)
        flat = np.fromiter(chain.from_iterable(found), np.int64, 3 * len(found)).reshape(-1, 3)
        pattern, start, end = flat.T
        row = np.searchsorted(text.offsets, start, "right") - 1
        return Found(pattern, start, end, row).where(end <= text.offsets[row + 1])

    def _refusals(self, text: Text, found: Found, around: Around) -> Ints:
        """Return for each place why it does not count, or that it does."""
        kind, company = self._kind[found.pattern], self._company[found.pattern]
        named = (kind == NAME) | (kind == ALIAS)
        refusal = np.zeros(len(kind), np.int64)
        refusal[_is_longer(around, kind, named)] = _LONGER
        linked = found.inside_links(text, kind == LINK) & (kind < RULE)
        linked |= around.in_address() & (named | (kind == HANDLE))
        refusal[(refusal == _COUNTS) & linked] = _LINKED

        names = np.flatnonzero((refusal == _COUNTS) & named)
        refusal[names[found.where(names).inside_longer()]] = _LONGER_NAME

        names = np.flatnonzero((refusal == _COUNTS) & named)
        phrases = np.flatnonzero((refusal == _COUNTS) & (kind == EXCLUDE))
        excluded = found.where(names).inside_phrases(
            company[names], found.where(phrases), company[phrases]
        )
        refusal[names[excluded]] = _EXCLUDED
        return refusal

    def _confidences(
        self, text: Text, found: Found, around: Around, listing: Flags
    ) -> NDArray[np.float64]:
        """Return how sure each place makes: by its kind, its case and, for cashtags, its company."""
        kind = self._kind[found.pattern]
        confidence = _BY_KIND[kind]
        may_be_sure = around.stands_apart() & ~listing[found.row]
        for i in np.flatnonzero(self._has_case[found.pattern]):
            place = slice(found.start[i], found.end[i])
            piece = text.data[place].tobytes()
            as_written = piece == self._written[found.pattern[i]]
            if kind[i] == CASHTAG:
                confidence[i] = UNSURE_CASHTAG if as_written and may_be_sure[i] else WEAK_CASHTAG
            elif piece == text.folded[place].tobytes():
                confidence[i] = LOWER
            elif not as_written:
                confidence[i] = SHOUTED
        return confidence

    def _combined(self, hits: Sequence[_Hits]) -> pa.RecordBatch:
        """Make one row of all evidence for one post and company."""
        row, company, kind, confidence = (
            np.concatenate([getattr(one, name) for one in hits])
            for name in ("row", "company", "kind", "confidence")
        )
        pairs, pair = np.unique(row * len(self._tickers) + company, return_inverse=True)
        strength = np.zeros((len(pairs), len(KINDS)))
        np.maximum.at(strength, (pair, kind), confidence)
        strength[strength[:, :RULE].any(axis=1), RULE] = 0
        total = 1 - np.prod(1 - strength, axis=1)
        columns = {
            "row": pa.array(pairs // len(self._tickers)),
            "ticker": pa.array(self._tickers).take(pa.array(pairs % len(self._tickers))),
            "evidence": pa.array(KINDS).take(pa.array(strength.argmax(axis=1))),
            "confidence": pa.array(total.astype(np.float32)),
        }
        return pa.RecordBatch.from_pydict(columns)


def _is_longer(around: Around, kind: Ints, named: Flags) -> Flags:
    """Return which places only begin, end or continue a longer word, symbol or handle."""
    longer = around.in_word()
    longer |= (named | (kind == CASHTAG)) & (around.before == ord("$"))
    longer |= (named | (kind == HANDLE)) & (around.before == ord("@"))
    longer |= (kind == CASHTAG) & around.in_share_class()
    longer &= kind != LINK
    return longer


def _named(lists: pa.Array, owners: dict[str, int], kind: int, confidence: float) -> _Hits:
    """Return a hit wherever a list holds a word that has an owner."""
    words, rows = pc.list_flatten(lists), pc.list_parent_indices(lists)
    owner = pc.index_in(words, pa.array(list(owners), pa.string()))
    known = pc.is_valid(owner)
    company = np.array(list(owners.values()), np.int64)[owner.filter(known).to_numpy()]
    row = rows.filter(known).to_numpy().astype(np.int64)
    return _Hits(row, company, np.full(len(row), kind), np.full(len(row), confidence))


def _lists_any(cashtags: pa.Array) -> Flags:
    lengths = pc.fill_null(pc.list_value_length(cashtags), 0).to_numpy()
    listing: Flags = lengths > 0
    return listing
