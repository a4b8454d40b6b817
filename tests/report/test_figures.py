"""The figures: one plain tree, and an id that is theirs alone."""

import copy
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from tests.report.example import SENTENCES, empty, example, inputs, provenance

from wordstreet.report.figures import figures, run_id, to_json


def identity(changes: dict[str, Any] | None = None) -> str:
    """Return the run id of an example with dotted keys of its provenance replaced."""
    parts = copy.deepcopy(provenance())
    for key, value in (changes or {}).items():
        *path, last = key.split("/")
        place = parts
        for name in path:
            place = place[name]
        place[last] = value
    judgement = {"verdict": "NO_EVIDENCE", "sentence": "None."}
    return str(figures(judgement, {}, {}, parts)["run_id"])


@pytest.mark.parametrize(
    "change",
    [
        {"snapshot/posts/version": 42},
        {"snapshot/posts/rows": 402_119},
        {"snapshot/gaps": {"version": 0, "rows": 0}},
        {"settings/study.cutoff_minutes": 21},
        {"settings/study.min_confidence": 0.6},
        {"settings/watchlist": "5f1c09a2b7d34e69"},
        {"code/version": "0.1.1"},
        {"code/digest": "9d1e64b0c7a25f39"},
    ],
)
def test_each_ingredient_changes_the_run_id(change: dict[str, Any]) -> None:
    """Other data, other settings or other code is another run."""
    assert identity(change) != identity()


def test_nothing_else_changes_the_run_id() -> None:
    """What a study found, how it was shown and in which order things were named is not its identity."""
    turned = provenance()
    turned["settings"] = dict(reversed(turned["settings"].items()))
    turned["simulated"] = None
    turned["scorer"] = {"id": "other", "version": "2", "accuracy": "AUC 0.8"}
    found = inputs("EVIDENCE") | {"provenance": turned}

    assert figures(**found)["run_id"] == identity()


def test_run_id_is_sixteen_hex_digits_known_beforehand() -> None:
    """The id is the start of a SHA-256 over JSON that anyone can write down."""
    assert run_id({"posts": {"version": 1, "rows": 2}}, {"a": 1}, {"version": "0"}) == (
        "ee7fe446212cf59f"
    )


@pytest.mark.parametrize("verdict", SENTENCES)
def test_json_reads_back_as_the_figures(verdict: str) -> None:
    """The JSON text holds the figures to the last digit, and no NaN, which is no JSON."""
    shown = example(verdict)

    assert json.loads(to_json(shown), parse_constant=pytest.fail) == shown


def test_unknown_numbers_become_null() -> None:
    """NaN, infinity and NaT are unknown, in lists and alone."""
    judged = {"verdict": "INVALID", "from": np.datetime64("NaT"), "min_detectable_ic": float("nan")}
    drawn = {"ic_series": {"dates": ["2024-01-02"] * 3, "ic": np.array([np.nan, -np.inf, 0.5])}}
    shown = figures(judged, drawn, {}, provenance())

    assert (shown["from"], shown["min_detectable_ic"]) == (None, None)
    assert shown["charts"]["ic_series"]["ic"] == [None, None, 0.5]


def test_times_are_iso_and_utc() -> None:
    """A time from another zone is told in UTC, a session by its date."""
    eastern = timezone(timedelta(hours=-5))
    gap = {
        "from": datetime(2024, 3, 1, 16, 30, tzinfo=eastern),
        "to": np.datetime64("2024-03-02T01:00:00", "us"),
    }
    judged = {"verdict": "NO_EVIDENCE", "from": np.datetime64("2024-01-02"), "to": None}
    shown = figures(judged, {}, {"gaps": [gap]}, provenance())

    assert shown["from"] == "2024-01-02"
    assert shown["coverage"]["gaps"][0]["from"] == "2024-03-01T21:30:00Z"
    assert shown["coverage"]["gaps"][0]["to"] == "2024-03-02T01:00:00Z"


def test_time_without_a_zone_is_refused() -> None:
    """Nobody knows when such a time was, so it is not guessed."""
    gap = {"from": datetime(2024, 3, 1, tzinfo=UTC).replace(tzinfo=None)}

    with pytest.raises(ValueError, match="has no zone"):
        figures({"verdict": "INVALID"}, {}, {"gaps": [gap]}, provenance())


def test_every_key_of_the_contract_is_there_without_data() -> None:
    """A study that found nothing has the same keys as one that found much."""
    assert _keys(empty()) == _keys(example(companies=0, sessions=0))


def _keys(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return None
    return {key: _keys(value) for key, value in tree.items()}


def test_key_outside_the_contract_is_refused() -> None:
    """A figure the page would not show must not slip into the JSON either."""
    test = {"factor": "mean_score", "horizon": 1, "sharpe": 9.0}

    with pytest.raises(ValueError, match=r"'sharpe' in judgement\.tests"):
        figures({"verdict": "EVIDENCE", "tests": [test]}, {}, {}, provenance())


def test_verdict_outside_the_six_is_refused() -> None:
    """There is no seventh verdict."""
    with pytest.raises(ValueError, match="'BUY' is no verdict"):
        figures({"verdict": "BUY"}, {}, {}, provenance())


def test_smoothing_looks_back_only() -> None:
    """The smoothed opinion of a session is the mean of it and the 19 before, known ones only."""
    opinion = [None, *range(30)]
    drawn = {"opinion_price": {"dates": ["2024-01-02"] * 31, "opinion": opinion}}
    smoothed = figures({"verdict": "INVALID"}, drawn, {}, provenance())["charts"]["opinion_price"][
        "smoothed"
    ]

    assert smoothed[:6] == [None, None, None, None, None, 2.0]
    assert smoothed[30] == sum(range(10, 30)) / 20


def test_text_that_no_file_can_hold_is_cleaned() -> None:
    """NUL bytes and halves of surrogate pairs do not stop a report from being written."""
    company = {"ticker": "C", "name": "A\x00B\ud800C"}
    shown = figures({"verdict": "INVALID"}, {}, {"per_company": [company]}, provenance())

    assert shown["coverage"]["per_company"][0]["name"] == "AB?C"
    assert to_json(shown).encode("utf-8")
