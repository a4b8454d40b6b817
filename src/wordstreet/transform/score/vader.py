"""VADER as its authors published it, to the last bit, in time that grows only with the text's length."""

from heapq import heappop, heappush
from importlib.metadata import version
from typing import Final

import pyarrow as pa
from vaderSentiment.vaderSentiment import NEGATE, SentimentIntensityAnalyzer

__all__ = ["Vader"]

_REACH: Final = 3
"""How far from a word the library looks for words that change its meaning, to either side."""

_TURNING: Final = frozenset({*NEGATE, "so", "this"})
"""Words before which opinions turn; any word with `n't` does, too."""


class Vader:
    """The compound score of vaderSentiment."""

    id = "vader"
    version = version("vaderSentiment")

    def __init__(self) -> None:
        self._analyzer = _Analyzer()

    def score(self, texts: pa.Array) -> pa.Array:
        """Return the compound score of each text; null for a text that is null or blank."""
        return pa.array(map(self._compound, texts.to_pylist()), pa.float32())

    def _compound(self, text: str | None) -> float | None:
        return self._analyzer.polarity_scores(text)["compound"] if text and text.strip() else None


class _Analyzer(SentimentIntensityAnalyzer):  # type: ignore[misc]
    """
    The library's analyzer with its three quadratic steps made linear.

    For each word of opinion the library lowers the case of all words of the text and then looks at
    the nearest; given only those, it finds the same. `_but_check` is told anew.
    """

    @staticmethod
    def _negation_check(valence: float, words: list[str], start_i: int, i: int) -> float:
        near, here = _neighbours(words, i)
        if not any(word in _TURNING or "n't" in word for word in map(str.lower, near[:here])):
            return valence
        checked: float = SentimentIntensityAnalyzer._negation_check(valence, near, start_i, here)
        return checked

    def _special_idioms_check(self, valence: float, words: list[str], i: int) -> float:
        near, here = _neighbours(words, i)
        checked: float = SentimentIntensityAnalyzer._special_idioms_check(valence, near, here)
        return checked

    @staticmethod
    def _but_check(words: list[str], sentiments: list[float]) -> list[float]:
        """
        Halve the opinions before the first "but" and raise those after it.

        The library changes not the opinion it stands at but the first of equal value, and sees its
        own changes; so must we. Each value keeps the heap of its places, stale ones included.
        """
        lower = [word.lower() for word in words]
        if "but" not in lower:
            return sentiments
        turn = lower.index("but")
        places: dict[float, list[int]] = {}
        for place, value in enumerate(sentiments):
            places.setdefault(value, []).append(place)
        for here in range(len(sentiments)):
            value = sentiments[here]
            heap = places[value]
            while sentiments[heap[0]] != value:
                heappop(heap)
            first = heap[0]
            changed = value * (0.5 if first < turn else 1.5 if first > turn else 1)
            if changed != value:
                sentiments[first] = changed
                heappush(places.setdefault(changed, []), first)
        return sentiments


def _neighbours(words: list[str], i: int) -> tuple[list[str], int]:
    """Return the words within reach of word `i`, and its place among them."""
    start = max(0, i - _REACH)
    return words[start : i + _REACH], i - start
