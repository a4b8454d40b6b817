"""Simulated sentences: they mean what their grade says, and hardly any comes twice."""

from itertools import pairwise

import numpy as np
import pyarrow as pa

from wordstreet.simulate.companies import COMPANIES
from wordstreet.simulate.phrases import GRADES, NEUTRAL, OPINIONS, sentences
from wordstreet.transform.clean import duplicate_groups
from wordstreet.transform.score.vader import Vader


def scores(texts: list[str]) -> list[float]:
    """Return VADER's scores, 0 where there is nothing to score."""
    found = Vader().score(pa.array(texts, pa.string())).to_pylist()
    return [value or 0.0 for value in found]


def test_opinions_are_scored_by_their_grade() -> None:
    """The worst score of a grade is above the best of the grade below it."""
    graded = [
        scores([text.format(who="$QVXIL", what="unit costs") for text in texts])
        for texts in OPINIONS
    ]

    assert all(max(below) < min(above) for below, above in pairwise(graded))
    assert set(graded[GRADES // 2]) == {0.0}


def test_everything_around_an_opinion_is_neutral() -> None:
    """Openers, topics, times, tails and decoration say nothing, and no company's name does."""
    around = [text for part in NEUTRAL for text in part]
    names = [form for company in COMPANIES for form in company.forms]

    assert set(scores(around + names)) == {0.0}


def test_texts_differ_when_their_decoration_is_gone() -> None:
    """Of a thousand posts on one company with one opinion, hardly two are the same to the filters."""
    texts = sentences(np.full(1000, 4), ["$QVXIL"] * 1000, np.random.default_rng(1))
    ids = [str(number) for number in range(1000)]
    groups = duplicate_groups(pa.array(texts), pa.array(["x"] * 1000), pa.array(ids))

    assert len(groups.unique()) > 995
