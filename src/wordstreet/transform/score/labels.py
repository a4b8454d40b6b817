"""What other people's models say, as opinion: numbers and label texts become one number in [-1, 1]."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Given", "opinions"]

_WORDS: Final = {
    1.0: ("positive", "pos", "bullish", "bull", "buy", "1", "1.0", "+1"),
    0.0: ("neutral", "neu", "na", "n/a", "none", "", "0", "0.0"),
    -1.0: ("negative", "neg", "bearish", "bear", "sell", "-1", "-1.0"),
}
"""What models call the three opinions, in lower case."""

_LABELS: Final = pa.array([word for words in _WORDS.values() for word in words], pa.string())
_MEANT: Final = pa.array([meant for meant, words in _WORDS.items() for _ in words], pa.float64())


def opinions(column: pa.Array) -> pa.Array:
    """
    Return a float32 in [-1, 1] for each answer of a model; null where it is not known.

    A number is clipped. A label counts 1, 0 or -1, whatever its case; one we do not know is null.
    A list counts as the mean of what is known in it. Any other type is unknown throughout, and so
    are NaN, null and the empty list.
    """
    return _numbers(column).cast(pa.float32())


def _numbers(column: pa.Array) -> pa.Array:
    """Return the answers as float64."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _numbers(column.dictionary_decode())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _means(column)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        words = pc.utf8_lower(pc.utf8_trim_whitespace(column.cast(pa.string())))
        places = pc.index_in(words, _LABELS, skip_nulls=True)
        return _MEANT.take(places)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _clipped(column.cast(pa.float64(), safe=False))
    return pa.nulls(len(column), pa.float64())


def _clipped(numbers: pa.Array) -> pa.Array:
    """Return the numbers within [-1, 1]; null for NaN."""
    known = pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
    return pc.max_element_wise(
        pc.min_element_wise(known, 1.0, skip_nulls=False), -1.0, skip_nulls=False
    )


def _means(lists: pa.Array) -> pa.Array:
    """Return for each list the mean of what is known in it; null when that is nothing."""
    found = pa.table({"row": pc.list_parent_indices(lists), "number": _numbers(lists.flatten())})
    means = found.group_by("row", use_threads=False).aggregate([("number", "mean")])
    rows = pa.array(range(len(lists)), means["row"].type)
    return (
        means["number_mean"].combine_chunks().take(pc.index_in(rows, means["row"].combine_chunks()))
    )


class Given:
    """A scorer that knows its answers beforehand: the opinions a model gave of a batch's texts."""

    def __init__(self, name: str, version: str, texts: pa.Array, scores: pa.Array) -> None:
        """Remember for each text what a model said of it, in any form `opinions` reads."""
        self.id = name
        self.version = version
        self._texts = texts.cast(pa.string())
        self._opinions = opinions(scores)

    def score(self, texts: pa.Array) -> pa.Array:
        """Return the opinion of each text; null for a text that is null, blank or not known."""
        asked = texts.cast(pa.string())
        places = pc.index_in(asked, self._texts, skip_nulls=True)
        found = self._opinions.take(places)
        blank = pc.equal(pc.utf8_trim_whitespace(asked), "")
        return pc.if_else(blank, pa.scalar(None, pa.float32()), found)
