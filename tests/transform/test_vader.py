"""VADER scores are the library's own, in time that does not explode."""

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from wordstreet.errors import SettingsError
from wordstreet.transform.score import load
from wordstreet.transform.score.vader import Vader

VADER = Vader()
LIBRARY = SentimentIntensityAnalyzer()

WORDS = re.findall(
    r"\S+",
    """
good great GREAT best love happy bad BAD terrible hate worst no not never without doubt so this but
BUT But least at very kind of sort hardly really REALLY extremely marginally isn't don't nor or cannot
the share price of a company rises falls bomb the shit bad ass cut the mustard to die for
:) :( :D <3 😀 😡 🚀 ❤ 💔 great! great!!! why??? what?!
""",
)


def scores(*texts: str | None) -> list[float | None]:
    """Return our scores as Python numbers."""
    return list(VADER.score(pa.array(texts, pa.string())).to_pylist())


WORDS += [
    "kiss of death",
    "bad ass",
    "to die for",
    "cut the mustard",
    "yeah right",
    "sort of",
    "without doubt",
]


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=40),
    st.sampled_from([" ", "", "\n", " , "]),
)
def test_opinions_score_as_in_the_library(words: list[str], separator: str) -> None:
    """Whatever modifiers, negations, `but`s and emoji come together, the score is the library's."""
    text = separator.join(words)
    expected = np.float32(LIBRARY.polarity_scores(text)["compound"])

    assert scores(text) == [expected]


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1).filter(str.strip))
def test_any_text_scores_as_in_the_library(text: str) -> None:
    """Text of any alphabet gets the library's score."""
    expected = np.float32(LIBRARY.polarity_scores(text)["compound"])

    assert scores(text) == [expected]


def test_long_post_is_scored_to_its_end() -> None:
    """Five hundred words with many `but`s score as in the library, last word included."""
    text = " ".join(["good but the bad and not so great no least happy"] * 45 + ["terrible"] * 5)
    expected = np.float32(LIBRARY.polarity_scores(text)["compound"])

    assert scores(text) == [expected]
    assert expected != np.float32(
        LIBRARY.polarity_scores(text.removesuffix(" terrible"))["compound"]
    )


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", ["😀", "good the ", "good but ", "never so good ", "but "])
def test_long_text_takes_no_quadratic_time(piece: str) -> None:
    """A hundred thousand characters take seconds; the library would need many minutes."""
    (score,) = scores(piece * (100_000 // len(piece)))

    assert score is not None
    assert -1 <= score <= 1


def test_no_text_has_no_score() -> None:
    """Null and blank texts have no opinion, which is not the same as a neutral one."""
    assert scores(None, "", " \n\u00a0", "word") == [None, None, None, 0.0]


def test_scores_are_float32_in_the_order_of_the_texts() -> None:
    """Each text has its score in its place, also when it comes twice."""
    made = VADER.score(pa.array(["bad", "good", "bad"]))
    first, second, third = made.to_pylist()

    assert made.type == pa.float32()
    assert first == third < 0 < second


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_text_of_any_arrow_type(kind: pa.DataType) -> None:
    """Small and large strings and slices are read alike."""
    texts = pa.array(["x", "good", None]).cast(kind).slice(1)

    assert VADER.score(texts).to_pylist() == [scores("good")[0], None]


def test_scorer_has_the_version_of_its_library() -> None:
    """Scores are stored with what made them."""
    assert (VADER.id, VADER.version) == ("vader", "3.3.2")


def test_scorer_by_name() -> None:
    """A scorer is loaded by its name."""
    assert load("vader").id == "vader"


def test_unknown_scorer_is_refused_with_the_known_names() -> None:
    """A wrong name is a setting to correct."""
    with pytest.raises(SettingsError, match="no scorer 'mood'; known are vader"):
        load("mood")
