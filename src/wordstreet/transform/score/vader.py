"""
VADER as its authors published it, to the last bit, in time that grows only with the text's length.

The library reads every word again for each rule, though most mean nothing to it. Here a token is
read once and remembered as what the rules may ask of it, and only words of opinion are weighed. The
rules are the library's, in its order: another order of the same sums ends in another last bit.
"""

import re
from bisect import bisect
from dataclasses import dataclass
from heapq import heappop, heappush
from importlib.metadata import version
from typing import Final

import pyarrow as pa
from vaderSentiment.vaderSentiment import (
    BOOSTER_DICT,
    C_INCR,
    N_SCALAR,
    NEGATE,
    SPECIAL_CASES,
    SentimentIntensityAnalyzer,
    SentiText,
    negated,
    normalize,
)

__all__ = ["Vader"]

_REMEMBERED: Final = 100_000
"""Tokens to remember before all are forgotten, so that memory stays bounded."""

_LONGEST: Final = 20
"""Letters of a token worth remembering; longer ones are mostly links, which seldom come twice."""

_PHRASES: Final = [phrase for phrase in (*SPECIAL_CASES, *BOOSTER_DICT) if " " in phrase]

_CUES: Final = frozenset(max(phrase.split(), key=len) for phrase in _PHRASES)
"""The longest word of each phrase; where none is near, there is no phrase to look for."""

_OR: Final = ("or", "nor")
_SO: Final = ("so", "this")
_SUPERLATIVE: Final = ("at", "very")
_NAMED: Final = (*_OR, *_SO, *_SUPERLATIVE, "no", "kind", "of", "least", "doubt", "but")
"""Words the rules call by name, besides negations."""

_FOREIGN: Final = re.compile(r"[^\x00-\x7f]")
"""What may be an emoji: no emoji is ASCII."""


class Vader:
    """The compound score of vaderSentiment."""

    id = "vader"
    version = version("vaderSentiment")

    def __init__(self) -> None:
        library = SentimentIntensityAnalyzer()
        self._emphasis = library._punctuation_emphasis
        self._emojis = {emoji: " " + told for emoji, told in library.emojis.items()}
        self._words = _Words(library.lexicon)

    def score(self, texts: pa.Array) -> pa.Array:
        """Return the compound score of each text; null for a text that is null or blank."""
        return pa.array(map(self._compound, texts.to_pylist()), pa.float32())

    def _compound(self, text: str | None) -> float | None:
        if text is None:
            return None
        if not text.isascii():
            text = self._spelt_out(text)
        words = [*map(self._words.__getitem__, text.split())]
        if not words:
            return None
        total = float(sum(_values(words)))
        if total == 0:
            return 0.0
        emphasis = self._emphasis(text)
        compound: float = normalize(total + emphasis if total > 0 else total - emphasis)
        return round(compound, 4)

    def _spelt_out(self, text: str) -> str:
        """
        Replace emoji by their descriptions.

        The library sets a space before a description unless there is one; one more splits alike.
        """
        if self._emojis.keys().isdisjoint(_FOREIGN.findall(text)):
            return text
        return _FOREIGN.sub(lambda found: self._emojis.get(found[0], found[0]), text)


@dataclass(frozen=True, slots=True, eq=False)
class _Word:
    """What the rules may ask of a word; one they do not know has no letters, only a case."""

    lower: str
    upper: bool
    opinion: bool = False
    valence: float = 0.0
    boost: float = 0.0
    negates: bool = False
    cue: bool = False


_PLAIN: Final = _Word("", upper=False)
_LOUD: Final = _Word("", upper=True)

_EDGE: Final = _Word("", upper=False, opinion=True)
"""What stands before the text: like a word of opinion, it leaves others as they are."""


class _Words(dict[str, _Word]):
    """The words behind tokens as written, remembered."""

    def __init__(self, lexicon: dict[str, float]) -> None:
        super().__init__()
        self._lexicon = lexicon
        parts = {part for phrase in _PHRASES for part in phrase.split()}
        self._known = parts.union(_NAMED, NEGATE, BOOSTER_DICT, lexicon)

    def __missing__(self, token: str) -> _Word:
        word = self._understood(token)
        if len(token) <= _LONGEST:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[token] = word
        return word

    def _understood(self, token: str) -> _Word:
        bare: str = SentiText._strip_punc_if_word(token)
        lower, upper = bare.lower(), bare.isupper()
        if lower not in self._known and "n't" not in lower:
            return _LOUD if upper else _PLAIN
        cue = lower in _CUES
        if lower in self._lexicon:  # words of opinion neither boost nor negate others
            return _Word(lower, upper, opinion=True, valence=self._lexicon[lower], cue=cue)
        boost = BOOSTER_DICT.get(lower, 0.0)
        return _Word(lower, upper, boost=boost, negates=negated([lower]), cue=cue)


def _values(words: list[_Word]) -> list[float]:
    """Return the values of the words of opinion; all other words count nothing."""
    places = [place for place, word in enumerate(words) if word.opinion]
    if not places:
        return []
    contrast = len({word.upper for word in words}) > 1
    framed = [_EDGE, _EDGE, _EDGE, *words, _PLAIN, _PLAIN]
    values = [_value(framed[place : place + 6], contrast) for place in places]
    lowers = [word.lower for word in words]
    if "but" in lowers:
        _turn(values, bisect(places, lowers.index("but")))
    return values


def _value(near: list[_Word], contrast: bool) -> float:
    """Return the value of a word of opinion, the fourth of the words near."""
    three, two, one, word, after, _ = near
    if word.lower == "kind" and after.lower == "of":
        return 0
    value = word.valence
    if word.lower == "no" and after.opinion:
        value = 0.0
    if one.lower == "no" or two.lower == "no" or (three.lower == "no" and one.lower in _OR):
        value = word.valence * N_SCALAR
    if contrast and word.upper:
        value += C_INCR if value > 0 else -C_INCR
    value = _nearer(value, two, one, contrast)
    if not three.opinion:
        value = _farther(value, near, contrast)
    if one.lower == "least" and two.lower not in _SUPERLATIVE:
        value *= N_SCALAR
    return value


def _nearer(value: float, two: _Word, one: _Word, contrast: bool) -> float:
    """Return the value after the two words before it were heard."""
    if one.boost:
        value += _boost(one, value, contrast)
    if one.negates:
        value *= N_SCALAR
    if two.boost:
        value += _boost(two, value, contrast) * 0.95
    if two.negates:
        if two.lower == "never" and one.lower in _SO:
            value *= 1.25
        elif not (two.lower == "without" and one.lower == "doubt"):
            value *= N_SCALAR
    return value


def _farther(value: float, near: list[_Word], contrast: bool) -> float:
    """Return the value after the third word before it was heard, and phrases were sought."""
    three, two, one, word, after, second = near
    if three.boost:
        value += _boost(three, value, contrast) * 0.9
    if one.lower in _SO or (three.lower == "never" and two.lower in _SO):
        value *= 1.25
    elif three.negates and not (three.lower == "without" and "doubt" in (two.lower, one.lower)):
        value *= N_SCALAR
    if three.cue or two.cue or one.cue or word.cue or after.cue or second.cue:
        return _phrased(value, [word.lower for word in near])
    return value


def _boost(near: _Word, value: float, contrast: bool) -> float:
    """Return what a booster adds to a value, away from zero or towards it."""
    boost = -near.boost if value < 0 else near.boost
    if contrast and near.upper:
        boost += C_INCR if value > 0 else -C_INCR
    return boost


def _phrased(value: float, near: list[str]) -> float:
    """Return the value of the phrase that the words near form, or the value as it is."""
    three, two, one, word, after, second = near
    before = [f"{one} {word}", f"{two} {one} {word}", f"{two} {one}"]
    before += [f"{three} {two} {one}", f"{three} {two}"]
    found = [SPECIAL_CASES[phrase] for phrase in before if phrase in SPECIAL_CASES]
    value = found[0] if found else value
    for phrase in (f"{word} {after}", f"{word} {after} {second}"):
        value = SPECIAL_CASES.get(phrase, value)
    for phrase in (f"{three} {two}", f"{two} {one}"):
        if phrase in BOOSTER_DICT:  # adding 0.0 makes an int a float, which sum() adds differently
            value += BOOSTER_DICT[phrase]
    return value


def _turn(values: list[float], turn: int) -> None:
    """
    Halve the values before a "but", which are `turn` many, and raise those after it.

    The library changes not the value it stands at but the first that is equal, and sees its own
    changes; so must we. Each value keeps the heap of its places, stale ones included.
    """
    places: dict[float, list[int]] = {}
    for place, value in enumerate(values):
        places.setdefault(value, []).append(place)
    for here in range(len(values)):
        value = values[here]
        heap = places[value]
        while values[heap[0]] != value:
            heappop(heap)
        first = heap[0]
        changed = value * (0.5 if first < turn else 1.5)
        if changed != value:
            values[first] = changed
            heappush(places.setdefault(changed, []), first)
