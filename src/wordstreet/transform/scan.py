"""Where patterns stand in a run of texts: in which row, beside what, inside what. Whole arrays at once."""

import unicodedata
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wordstreet.transform.patterns import fold, tidy

__all__ = ["Around", "Flags", "Found", "Ints", "Text"]

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]

_BLANK: Final = ord(" ")
_LETTER: Final = ord("a")
_SIGN: Final = ord("*")
_SPACELESS: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1100, 0x11FF),  # Hangul
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0xA4CF),  # Han, kana, bopomofo, Hangul, Yi
    (0xA960, 0xA97F),  # Hangul
    (0xAC00, 0xD7FF),  # Hangul
    (0xF900, 0xFAFF),  # Han
    (0xFF66, 0xFFDC),  # half-width kana and Hangul
    (0x20000, 0x3FFFF),  # Han
)
"""Scripts that put no blanks between words, or join particles to names: they continue no word."""


def _table_of(letters: str) -> Flags:
    """Return for each byte whether it is one of these ASCII letters."""
    table = np.zeros(256, bool)
    table[list(letters.encode("ascii"))] = True
    return table


_DIGITS: Final = "0123456789"
_SMALL: Final = "abcdefghijklmnopqrstuvwxyz"
_IS_CAPITAL: Final = _table_of(_SMALL.upper())
_IS_WORD: Final = _table_of(f"{_DIGITS}{_SMALL}{_SMALL.upper()}_")
_IS_DOMAIN: Final = _table_of(f"{_DIGITS}{_SMALL}")
_MAY_PRECEDE: Final = _table_of(""" ([{"',;:/|->+.""")
_MAY_FOLLOW: Final = _table_of(""" )]}"',;:/|-<.!?""")
_IS_EXCLAMATION: Final = _table_of("!?")


@dataclass(frozen=True, slots=True)
class Found:
    """Places of patterns, as parallel arrays."""

    pattern: Ints
    start: Ints
    end: Ints
    row: Ints

    def where(self, chosen: Flags | Ints) -> "Found":
        """Return the chosen places, by flag or number."""
        return Found(self.pattern[chosen], self.start[chosen], self.end[chosen], self.row[chosen])

    def inside_links(self, text: "Text", is_link: Flags) -> Flags:
        """Return which places lie in a link: from its mark to the next blank or non-ASCII byte."""
        if not is_link.any():
            return np.zeros(len(is_link), bool)
        start, first = np.unique(self.start[is_link], return_index=True)
        stops = np.flatnonzero((text.data <= _BLANK) | (text.data >= 0x80))
        stops = np.append(stops, len(text.data))
        row_end = text.offsets[self.row[is_link][first] + 1]
        end = np.minimum(stops[np.searchsorted(stops, start)], row_end)
        latest = np.searchsorted(start, self.start, "right") - 1
        inside: Flags = (latest >= 0) & (self.start < end[latest])
        return inside

    def inside_longer(self) -> Flags:
        """Return which places lie within another, longer one."""
        # sorted by start, the longest first: whoever reaches as far as a later one holds it
        spans, first, span = np.unique(
            (self.start << 32) - self.end, return_index=True, return_inverse=True
        )
        end = self.end[first]
        inside = np.zeros(len(spans), bool)
        inside[1:] = np.maximum.accumulate(end)[:-1] >= end[1:]
        return inside[span]

    def inside_phrases(self, owner: Ints, phrases: "Found", phrase_owner: Ints) -> Flags:
        """Return which places lie within a phrase of the same owner."""
        if not len(phrase_owner):
            return np.zeros(len(owner), bool)
        size = int(max(self.end.max(initial=0), phrases.end.max())) + 1
        order = np.lexsort((phrases.start, phrase_owner))
        opens = (phrase_owner * size + phrases.start)[order]
        reach = np.maximum.accumulate((phrase_owner * size + phrases.end)[order])
        latest = np.searchsorted(opens, owner * size + self.start, "right") - 1
        inside: Flags = (latest >= 0) & (reach[latest] >= owner * size + self.end)
        return inside


@dataclass(frozen=True, slots=True)
class Text:
    """Texts as one run of bytes, as written and folded: row `r` is [offsets[r], offsets[r + 1])."""

    data: Bytes
    folded: Bytes
    offsets: Ints

    @classmethod
    def of(cls, texts: pa.Array) -> "Text":
        """Lay out texts with their white space tidied."""
        plain = tidy(texts)
        data, offsets = _buffer(plain)
        folded, _ = _buffer(fold(plain))
        return cls(data, folded, offsets)

    def at(self, places: Ints, rows: Ints) -> Bytes:
        """Return the byte at each place, a blank beyond the ends of its row."""
        inside = (places >= self.offsets[rows]) & (places < self.offsets[rows + 1])
        found = np.full(len(places), _BLANK, np.uint8)
        found[inside] = self.data[places[inside]]
        return found


def _buffer(texts: pa.Array) -> tuple[Bytes, Ints]:
    """Return the bytes of all texts and where each begins, counted from the first."""
    _, places, data = texts.buffers()
    if not len(texts):
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    offsets = np.frombuffer(places, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    everything = np.frombuffer(data or b"", np.uint8)
    return everything[offsets[0] : offsets[-1]], offsets.astype(np.int64) - offsets[0]


@dataclass(frozen=True, slots=True)
class Around:
    """
    The letters beside each place as ASCII: the one before, the four after.

    Of the nearest, a letter beyond ASCII is told as a letter, sign or blank, by whether it
    continues a word, is a sign (of a currency, an emoji), or neither.
    """

    before: Bytes
    after: Bytes
    second: Bytes
    third: Bytes
    fourth: Bytes

    @classmethod
    def of(cls, text: Text, found: Found) -> "Around":
        """Look up what stands beside each place."""
        before = text.at(found.start - 1, found.row)
        after, *further = (text.at(found.end + n, found.row) for n in range(4))
        for i in np.flatnonzero(before >= 0x80):
            piece = text.data[max(found.start[i] - 4, 0) : found.start[i]].tobytes()
            before[i] = _as_ascii(piece.decode(errors="ignore")[-1])
        for i in np.flatnonzero(after >= 0x80):
            piece = text.data[found.end[i] : found.end[i] + 4].tobytes()
            after[i] = _as_ascii(piece.decode(errors="ignore")[0])
        return cls(before, after, *further)

    def in_word(self) -> Flags:
        """Return which places have a letter, digit, mark or `_` at their side."""
        return _IS_WORD[self.before] | _IS_WORD[self.after]

    def in_share_class(self) -> Flags:
        """Return which symbols go on: `$T.A` and `$T.TO` are other securities than `$T`."""
        one = _IS_CAPITAL[self.second] & ~_IS_WORD[self.third]
        two = _IS_CAPITAL[self.second] & _IS_CAPITAL[self.third] & ~_IS_WORD[self.fourth]
        return np.equal(self.after, ord(".")) & (one | two)

    def in_address(self) -> Flags:
        """Return which places go on as a domain, `tesla.com`, or an address, `tesla@example`."""
        domain = np.equal(self.after, ord(".")) & _IS_DOMAIN[self.second]
        return domain | (np.equal(self.after, ord("@")) & _IS_WORD[self.second])

    def stands_apart(self) -> Flags:
        """Return which places have no sign at their sides with which masked words are written."""
        masked = _IS_EXCLAMATION[self.after] & _IS_WORD[self.second]
        return _MAY_PRECEDE[self.before] & _MAY_FOLLOW[self.after] & ~masked


def _as_ascii(letter: str) -> int:
    code = ord(letter)
    if 0xFE00 <= code <= 0xFE0F or any(low <= code <= high for low, high in _SPACELESS):
        return _BLANK
    category = unicodedata.category(letter)[0]
    return _LETTER if category in "LNM" else _SIGN if category == "S" else _BLANK
