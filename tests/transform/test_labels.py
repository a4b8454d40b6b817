"""Whatever form a model's answers take, they come out as one number or as unknown."""

import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordstreet.transform.score.labels import Given, opinions


def test_numbers_are_clipped() -> None:
    """An opinion is never stronger than 1; NaN and null are unknown."""
    found = opinions(pa.array([0.5, 7.0, -math.inf, math.nan, None]))

    assert found.type == pa.float32()
    assert found.to_pylist() == [0.5, 1.0, -1.0, None, None]


@pytest.mark.parametrize(
    ("labels", "meant"),
    [
        (["positive", "Pos", " BULLISH ", "1", "+1"], 1.0),
        (["negative", "Neg", "\tbearish", "-1"], -1.0),
        (["neutral", "na", "N/A", "", " ", "0"], 0.0),
        (["hopeful", "5 stars", "ｐｏｓ", None], None),
    ],
)
def test_labels_are_read_in_any_case(labels: list[str | None], meant: float | None) -> None:
    """What models call the three opinions is known; any other word is unknown, not neutral."""
    assert opinions(pa.array(labels, pa.string())).to_pylist() == [meant] * len(labels)


def test_a_list_counts_as_the_mean_of_what_is_known() -> None:
    """An annotator answers per sentence; nothing known in a list makes it unknown."""
    labels = pa.array([["positive", "na"], ["neg", "odd"], ["odd"], [], None, [None, "pos"]])
    numbers = pa.array([[0.5, None], [math.nan], [4.0, -1.0]])

    assert opinions(labels).to_pylist() == [0.5, -1.0, None, None, None, 1.0]
    assert opinions(numbers).to_pylist() == [0.5, None, 0.0]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([3, 0, None], pa.int8()), [1.0, 0.0, None]),
        (pa.array(["pos", "odd"]).dictionary_encode(), [1.0, None]),
        (pa.array(["neg"], pa.large_string()), [-1.0]),
        (pa.array([["neg"], None], pa.large_list(pa.string())), [-1.0, None]),
        (pa.array([["pos"], ["neg"], [], ["neg"]]).slice(1), [-1.0, None, -1.0]),
        (pa.array([{"probability": 1.0}]), [None]),
        (pa.array([True]), [None]),
        (pa.nulls(2), [None, None]),
        (pa.array([], pa.list_(pa.string())), []),
    ],
)
def test_any_column_is_answered(column: pa.Array, expected: list[float | None]) -> None:
    """Narrow, wide, encoded, sliced and empty columns are read; what has no meaning is unknown."""
    assert opinions(column).to_pylist() == expected


@given(st.lists(st.lists(st.sampled_from(["pos", "neg", "na", "odd", None])) | st.none()))
def test_lists_are_counted_as_in_plain_python(lists: list[list[str | None] | None]) -> None:
    """The columnar mean is the mean anyone would write."""
    meaning = {"pos": 1.0, "neg": -1.0, "na": 0.0}
    expected = []
    for labels in lists:
        known = [meaning[label] for label in labels or () if label in meaning]
        expected.append(pytest.approx(sum(known) / len(known)) if known else None)

    assert opinions(pa.array(lists, pa.list_(pa.string()))).to_pylist() == expected


def test_given_answers_are_found_by_text() -> None:
    """Order and number of the texts asked for do not matter; what was not given is unknown."""
    scorer = Given(
        "pipeline",
        "7",
        pa.array(["a", "b", None, "a", "c", " "]),
        pa.array([0.5, -3, 1, 0.5, None, 1]),
    )

    assert (scorer.id, scorer.version) == ("pipeline", "7")
    found = scorer.score(pa.array(["b", "a", "a", "c", "new", " ", "", None]))
    assert found.type == pa.float32()
    assert found.to_pylist() == [-1.0, 0.5, 0.5, None, None, None, None, None]


def test_given_nothing_every_answer_is_unknown() -> None:
    """An empty batch has answers for no text."""
    scorer = Given("pipeline", "7", pa.array([], pa.string()), pa.array([], pa.list_(pa.string())))

    assert scorer.score(pa.array(["a"])).to_pylist() == [None]
    assert scorer.score(pa.array([], pa.string())).to_pylist() == []
