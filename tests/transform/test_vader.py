"""VADER scores are the library's own, in time that does not explode."""

import random
import re
import string
import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import (
    BOOSTER_DICT,
    NEGATE,
    SPECIAL_CASES,
    SentimentIntensityAnalyzer,
)

from wordstreet.errors import SettingsError
from wordstreet.transform.score import load, vader
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


POOLS: list[tuple[int, list[str]]] = [
    (9, list(LIBRARY.lexicon)),
    (9, "no or nor kind of so this never without doubt least at very just enough sort".split()),
    (3, list(BOOSTER_DICT)),
    (3, [*NEGATE, "n't", "ain't-so", "xn'ty"]),
    (2, list(SPECIAL_CASES)),
    (
        2,
        "the share price of a company rises falls e-mail $AAPL @me https://t.co/abcdefghij".split(),
    ),
    (1, "the shit bomb bad ass yeah right kiss of death to die for beating heart".split()),
    (1, list(LIBRARY.emojis)),
    (1, ":) :( :-) :D :P :Þ :-Þ <3 (-:O O_o ( '}{' ) ^urs ): ;)".split()),
    (1, "ß große ǅ ǅungla İ \0 a\0 ﬁne Σ naïve 日本 é ’ \u200b".split()),
    (1, "! ? !!! ?! ?? ' - -- ... 1.9 a ok II".split()),
]
SPACES = [" "] * 12 + ["", "  ", "\n", "\t", "\u00a0", "\u3000", "\u2028", "\x1c", "\0", " , ", "-"]
DRESS: list[Callable[[str], str]] = [
    *[str] * 20,
    *[str.upper] * 5,
    str.title,
    str.swapcase,
    lambda word: word.replace("k", "\N{KELVIN SIGN}"),
    lambda word: word + "!",
    lambda word: word + "\0",
    lambda word: f"({word})",
    lambda word: f"'{word}...",
    lambda word: word + "?" * 3,
    lambda word: f'"{word}",',
]


def adversarial_texts(seed: int, count: int) -> Iterator[str]:
    """Yield texts of what the rules look for, at times the same few words over and over."""
    chance = random.Random(seed)
    weights, pools = zip(*POOLS, strict=True)
    for _ in range(count):
        drawn = chance.choices(pools, weights, k=chance.randint(2, 8))
        few = [chance.choice(DRESS)(chance.choice(pool)) for pool in drawn]
        words = chance.choices(few, k=chance.choice([2, 4, 8, 12, 16]))
        if chance.random() < 0.3:
            words.insert(chance.randrange(len(words)), chance.choice(["but", "But", "but,"]))
        space = chance.choice(SPACES)
        text = "".join(
            word + (space if chance.random() < 0.9 else chance.choice(SPACES)) for word in words
        )
        text += chance.choice(string.punctuation + "!!!???") * chance.choice([0, 0, 1, 2, 3, 4, 5])
        yield text.upper() if chance.random() < 0.1 else text


def differences(texts: Iterator[str]) -> list[str]:
    """Return the texts whose score is not the library's to the last bit."""
    kept = [text for text in texts if text.strip()]
    ours = VADER.score(pa.array(kept)).to_numpy(zero_copy_only=False)
    theirs = np.array([LIBRARY.polarity_scores(text)["compound"] for text in kept], np.float32)
    return [kept[place] for place in np.flatnonzero(ours.view("i4") != theirs.view("i4"))]


def compensated_sum(numbers: list[float]) -> float:
    """Add as Python does since 3.12: floats with what rounding cost, whole numbers as they come."""
    total = lost = 0.0
    for number in numbers:
        before, total = total, total + number
        if isinstance(number, float):
            large, small = sorted((before, number), key=abs, reverse=True)
            lost += (large - total) + small
    return total + lost


def last_bits(number: float, _: int) -> float:
    """Return, instead of the rounded number, what of it a float32 would lose."""
    return number * 2**29 % 1


ARITHMETIC: dict[str, dict[str, Callable[..., float]]] = {
    "rounded": {},
    "last bits": {"round": last_bits},
    "last bits since 3.12": {"round": last_bits, "sum": compensated_sum},
}


@pytest.fixture(params=ARITHMETIC.values(), ids=list(ARITHMETIC))
def _arithmetic(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have both compute as ever; show what rounding hides; compute as newer Pythons do."""
    for name, function in request.param.items():
        for module in ("vaderSentiment.vaderSentiment", "wordstreet.transform.score.vader"):
            monkeypatch.setattr(f"{module}.{name}", function, raising=False)


@pytest.mark.usefixtures("_arithmetic")
def test_adversarial_text_scores_as_in_the_library() -> None:
    """Rules that meet, odd letters and odd spaces change no bit, not even before rounding."""
    assert differences(adversarial_texts(seed=1, count=8_000)) == []


@pytest.mark.long
@pytest.mark.usefixtures("_arithmetic")
def test_a_million_adversarial_texts_score_as_in_the_library() -> None:
    """What some thousand texts do not meet, a million others do."""
    for seed in range(100, 200):
        assert differences(adversarial_texts(seed, count=10_000)) == []


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


def test_words_met_again_score_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remembering words and forgetting them all in the middle of a text changes no score."""
    monkeypatch.setattr(vader, "_REMEMBERED", 5)

    assert differences(adversarial_texts(seed=2, count=2_000)) == []


@pytest.mark.parametrize("word", ["w{}", "don't{}", "w{}" * 300], ids=["plain", "known", "long"])
def test_memory_does_not_grow_with_the_words_met(
    word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sends ever new words gets no more than a share of memory."""
    monkeypatch.setattr(vader, "_REMEMBERED", 1_000)
    fresh = Vader()
    tracemalloc.start()
    fresh.score(pa.array([word.replace("{}", str(number)) for number in range(20_000)]))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 1_000_000


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece", ["😀", "good the ", "good but ", "never so good ", "but ", "GOOD ", "kind of bad ass "]
)
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
