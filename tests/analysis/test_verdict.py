"""The verdict: each one when it is due, in words and figures that hold."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from wordstreet.analysis.factor import FactorRules, Factors, build
from wordstreet.analysis.family import DECLARED, Window, pairs
from wordstreet.analysis.returns import Returns
from wordstreet.analysis.verdict import Judgement, Verdict, check_known, judge, leading
from wordstreet.errors import LookAheadError


def shown(judgement: Judgement) -> dict[str, Any]:
    """Return what a report gets, through JSON that knows no NaN."""
    whole = {**judgement.as_dict(), **judgement.charts()}
    return dict(json.loads(json.dumps(whole, allow_nan=False)))


def leaked(factors: Factors) -> Factors:
    """Return factors shifted one session into the future."""
    return replace(
        factors,
        mean_score=np.roll(factors.mean_score, -1, axis=0),
        known_at=np.roll(factors.known_at, -1, axis=0),
    )


def test_planted_link_is_evidence(panel: Any) -> None:
    """A link in the data is found, confirmed, and called an association."""
    found = judge(*panel(1, sessions=500, beta=0.06), coverage=1.0)
    lead = leading(found.tests)

    assert found.verdict is Verdict.EVIDENCE
    assert "association in this sample, not advice" in found.sentence
    assert lead is not None
    assert lead.hold_out is not None
    assert lead.hold_out.same_sign


def test_flipped_link_has_a_negative_coefficient(panel: Any) -> None:
    """Opinion that goes against the price is evidence too, with the sign it has."""
    found = judge(*panel(1, sessions=500, beta=-0.06), coverage=1.0)
    lead = leading(found.tests)

    assert found.verdict is Verdict.EVIDENCE
    assert "goes against the next session's return" in found.sentence
    assert lead is not None
    assert lead.estimate.ic is not None
    assert lead.estimate.ic < -0.03


def test_nothing_is_a_good_answer(panel: Any) -> None:
    """Without a link the verdict names what would have been seen: 2.8 / sqrt(T (N - 1))."""
    found = judge(*panel(1), coverage=1.0)

    assert found.verdict is Verdict.NO_EVIDENCE
    assert found.min_detectable_ic == pytest.approx(2.8 / np.sqrt(175 * 29))
    assert "An IC of 0.039 or more would very likely have been seen" in found.sentence
    assert all(test.hold_out is None for test in found.tests)


def test_reverse_causality_is_reaction_only(panel: Any) -> None:
    """Opinion that follows the price is no more than that."""
    found = judge(*panel(1, sessions=500, reaction=0.3), coverage=1.0)

    assert found.verdict is Verdict.REACTION_ONLY
    assert found.reaction.ic is not None
    assert found.reaction.ic > 0.15


def test_link_that_ends_is_suggestive(panel: Any) -> None:
    """What holds in training and not in the sessions held out is a hint, and says which gate failed."""
    factors, returns = panel(1, sessions=500, beta=0.06)
    _, nothing = panel(2, sessions=500)
    later = np.arange(500)[:, None] >= 350
    broken = replace(returns, forward=np.where(later, nothing.forward, returns.forward))
    found = judge(factors, broken, coverage=1.0)

    assert found.verdict is Verdict.SUGGESTIVE
    assert "sessions held out" in found.sentence


def test_link_that_turns_is_suggestive(panel: Any) -> None:
    """When the sessions held out say the opposite, one-sided p is near one, however strong it is."""
    factors, returns = panel(1, sessions=500, beta=0.06)
    later = np.arange(500)[:, None] >= 350
    turned = replace(returns, forward=np.where(later, -returns.forward, returns.forward))
    found = judge(factors, turned, coverage=1.0)
    lead = leading(found.tests)

    assert found.verdict is Verdict.SUGGESTIVE
    assert "say the opposite" in found.sentence
    assert lead is not None
    assert lead.hold_out is not None
    assert lead.hold_out.p is not None
    assert lead.hold_out.p > 0.9


@pytest.mark.parametrize(
    ("world", "seed"), [({}, 1), ({"reaction": 0.3}, 1), ({"beta": 0.06, "companies": 4}, 1)]
)
def test_nobody_predicts_below_evidence(panel: Any, world: dict[str, Any], seed: int) -> None:
    """The word is not used for what was not found."""
    found = judge(*panel(seed, **world), coverage=1.0)

    assert found.verdict is not Verdict.EVIDENCE
    assert "predict" not in found.sentence.lower()


def test_family_is_what_was_declared(panel: Any) -> None:
    """Two factors at two horizons, and q over all four."""
    found = judge(*panel(1), coverage=1.0)

    assert [(test.factor, test.horizon) for test in found.tests] == list(DECLARED)
    assert DECLARED == (("mean_score", 1), ("mean_score", 5), ("volume", 1), ("volume", 5))
    smallest = min(test.estimate.p for test in found.tests)
    assert min(test.q for test in found.tests) <= 4 * smallest


def test_training_and_hold_out_share_nothing(panel: Any) -> None:
    """The first 70 % train; the rest begins the horizon and five sessions later."""
    several = pairs(*(part for part in [panel(1)[0], panel(1)[1].forward]))
    window = Window.over(several)

    assert window.training == slice(0, 175)
    assert window.held_out(1) == slice(181, None)
    assert window.held_out(5) == slice(185, None)


@pytest.mark.parametrize(
    ("size", "change", "coverage", "says"),
    [
        ({"companies": 4}, {}, 1.0, "4 companies have posts and prices, 5 are needed"),
        ({"sessions": 75}, {}, 1.0, "53 sessions have an IC for the number of authors over 5"),
        (
            {},
            {"posts": 3},
            1.0,
            "the median week has 15 scored posts for each company, 20 are needed",
        ),
        ({}, {}, 0.62, "posts were collected in 62% of the time, 90% are needed"),
        ({}, {}, float("nan"), "it is not known how much of the time"),
    ],
)
def test_each_floor_says_what_is_missing(
    panel: Any, size: dict[str, int], change: dict[str, int], coverage: float, says: str
) -> None:
    """Below one floor there is no verdict, and the reason has the figure and what it takes."""
    factors, returns = panel(1, beta=0.2, **size)
    if change:
        factors = replace(factors, posts=np.full(factors.posts.shape, change["posts"]))
    found = judge(factors, returns, coverage)

    assert found.verdict is Verdict.INSUFFICIENT_DATA
    assert [reason for reason in found.reasons if reason.startswith(says)]
    assert found.reasons[0] in found.sentence
    assert all(test.hold_out is None for test in found.tests)


def test_weeks_begin_on_monday(panel: Any) -> None:
    """Nine posts on Wednesday and nine on Thursday of two weeks in three: the median week has 18."""
    factors, returns = panel(1, sessions=252)  # from Wednesday, 1 January 2020
    day = factors.dates.astype("datetime64[D]").astype(np.int64)
    week, weekday = np.divmod(day + 3, 7)
    spoken = np.isin(weekday, [2, 3]) & (week % 3 > 0)
    posts = np.repeat(np.where(spoken, 9, 0)[:, None], 30, axis=1)
    found = judge(replace(factors, posts=posts), returns, coverage=1.0)

    assert found.reasons == ("the median week has 18 scored posts for each company, 20 are needed",)


@pytest.mark.parametrize("unknown", ["constant", "one company", "all missing", "no prices"])
def test_what_cannot_be_known_has_a_reason(panel: Any, unknown: str) -> None:
    """A constant, lonely or missing factor ends in a reason, without a crash or a NaN."""
    factors, returns = panel(1, companies=1 if unknown == "one company" else 30)
    nothing = np.full(factors.mean_score.shape, np.nan)
    if unknown == "constant":
        factors = replace(factors, mean_score=np.zeros_like(nothing))
    if unknown == "all missing":
        factors = replace(factors, mean_score=nothing)
    if unknown == "no prices":
        returns = replace(returns, forward=nothing, close_to_close=nothing, same_session=nothing)
    found = judge(factors, returns, coverage=1.0)

    assert found.verdict is Verdict.INSUFFICIENT_DATA
    assert shown(found)["reasons"]
    assert found.tests[0].estimate.ic is None
    assert found.tests[0].estimate.reason


def test_no_posts_at_all(mentions: Any) -> None:
    """Zero posts give zero sessions, and a verdict that says so."""
    factors = build(mentions([]), {}, [], FactorRules())
    empty = np.empty((0, 0))
    returns = Returns(factors.dates, (), empty, empty, empty, factors.cutoffs, "open", ())
    found = judge(factors, returns, coverage=1.0)

    assert found.verdict is Verdict.INSUFFICIENT_DATA
    assert shown(found)["sessions"] == 0
    assert "0 companies have posts and prices" in found.sentence


def test_planted_leak_is_refused(panel: Any) -> None:
    """A factor shifted one session into the future is counted cell by cell and not judged."""
    factors, returns = panel(1)

    assert check_known(factors, returns) == 0
    assert check_known(leaked(factors), returns) == 249 * 30
    with pytest.raises(LookAheadError, match="7,470 figures were not known before"):
        judge(leaked(factors), returns, coverage=1.0)


def test_leak_owned_up_to_is_invalid(panel: Any) -> None:
    """Forced through, a leak gives INVALID and not one figure to believe."""
    factors, returns = panel(1)
    found = judge(leaked(factors), returns, coverage=1.0, leaks=7_470)

    assert found.verdict is Verdict.INVALID
    assert found.reasons == ("7,470 figures were not known in time",)
    assert shown(found)["tests"] == []
    assert found.reaction.ic is None


def test_opinion_known_at_no_time_is_a_leak(panel: Any) -> None:
    """A figure of which nobody can say when it was known is not taken on trust."""
    factors, returns = panel(1)
    factors.known_at[3, 4] = np.datetime64("NaT")

    assert check_known(factors, returns) == 1


def test_post_at_the_cutoff_is_a_leak(panel: Any) -> None:
    """In time is strictly before the cutoff, and before the position is opened."""
    factors, returns = panel(1)
    factors.known_at[3, 4] = factors.cutoffs[3, 4]
    returns.entry_at[5, 6] = factors.known_at[5, 6]

    assert check_known(factors, returns) == 2


def test_calendar_that_runs_ahead_is_caught(mentions: Any, calendar: Any) -> None:
    """Factors built with another calendar than the returns' are refused by their own times."""
    right = calendar("2026-01-05", 40)
    wrong = replace(right, dates=calendar("2026-01-02", 40).dates)
    posts = mentions([{"at": "2026-01-13T18:00"}])
    factors = build(posts, {"XNYS": wrong}, [("ACME", "XNYS")], FactorRules())
    shape = factors.mean_score.shape
    place = np.searchsorted(right.dates, factors.dates)
    returns = Returns(
        dates=factors.dates,
        tickers=("ACME",),
        forward=np.zeros(shape),
        close_to_close=np.zeros(shape),
        same_session=np.zeros(shape),
        entry_at=right.opens[place + 1][:, None],
        entry="open",
        warnings=(),
    )

    assert check_known(factors, returns) == 1


def test_factors_and_returns_of_different_axes_are_a_defect(panel: Any) -> None:
    """Arrays that do not belong together are never compared."""
    with pytest.raises(ValueError, match="different sessions or companies"):
        judge(panel(1)[0], panel(1, sessions=251)[1], coverage=1.0)


def test_report_has_every_figure(panel: Any) -> None:
    """What a report shows is there, as plain JSON."""
    found = shown(judge(*panel(1, sessions=500, beta=0.06), coverage=1.0))

    assert found["verdict"] == "EVIDENCE"
    assert (found["companies"], found["sessions"], found["posts"]) == (30, 500, 180_000)
    assert (found["from"], found["to"]) == ("2020-01-01", "2021-11-30")
    assert set(found["reaction"]) == {"ic", "t", "p", "n"}
    test = found["tests"][0]
    assert test["ci"][0] < test["ic"] < test["ci"][1]
    assert set(test["oos"]) == {"ic", "t", "p", "n", "same_sign"}
    assert found["tests"][2]["oos"] is None
    assert len(found["close_to_close"]) == 4
    assert "q" not in found["close_to_close"][0]
    assert len(found["ic_series"]["ic"]) == len(found["ic_series"]["dates"]) == 500
    placebo = found["placebo"]
    levels = [row["level"] for row in placebo["quantiles"]]
    values = [row["value"] for row in placebo["quantiles"]]
    assert placebo["shifts"] == 350
    assert placebo["observed"] > max(values)
    assert levels == sorted(levels)
    assert values == sorted(values)
