"""Worlds whose truth is known, many of each: how often the verdict is right."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from wordstreet.analysis.correlate import estimate, information_coefficients
from wordstreet.analysis.factor import FactorRules, build
from wordstreet.analysis.family import DECLARED
from wordstreet.analysis.verdict import Verdict, judge
from wordstreet.prices.calendars import sessions
from wordstreet.sessions import Sessions


def verdicts(panel: Any, seeds: range, **world: Any) -> Counter[Verdict]:
    """Return how often each verdict was given in a world."""
    return Counter(judge(*panel(seed, **world), coverage=1.0).verdict for seed in seeds)


def test_null_world(panel: Any) -> None:
    """In 400 worlds without a link each test errs in 5 % and evidence is seen in 1 % at most."""
    runs = [judge(*panel(seed), coverage=1.0) for seed in range(400)]
    plain = [np.mean([run.tests[n].estimate.p <= 0.05 for run in runs]) for n in range(4)]
    shifted = [np.mean([run.tests[n].shift_p <= 0.05 for run in runs]) for n in range(4)]

    assert len(DECLARED) == 4
    assert max(plain + shifted) <= 0.05 + 1.96 * np.sqrt(0.05 * 0.95 / 400)
    assert sum(run.verdict is Verdict.EVIDENCE for run in runs) <= 4
    assert sum(run.verdict is Verdict.NO_EVIDENCE for run in runs) >= 340


def test_planted_world(panel: Any) -> None:
    """A link of .05 among 30 companies over 500 sessions is evidence in nine worlds of ten."""
    found = verdicts(panel, range(50), sessions=500, beta=0.05)

    assert found[Verdict.EVIDENCE] >= 45


def test_reaction_world(panel: Any) -> None:
    """Opinion that follows prices is never evidence, and almost always called a reaction."""
    found = verdicts(panel, range(60), sessions=400, reaction=0.3)

    assert found[Verdict.EVIDENCE] == 0
    assert found[Verdict.REACTION_ONLY] >= 54


@pytest.mark.long
@pytest.mark.parametrize(("companies", "days"), [(7, 150), (20, 200)])
def test_null_world_in_numbers(panel: Any, companies: int, days: int) -> None:
    """In 4,000 worlds without a link, short lists too, each test errs as often as it says."""
    runs = [judge(*panel(seed, companies, days), coverage=1.0) for seed in range(10_000, 14_000)]
    rates = [np.mean([run.tests[n].estimate.p <= 0.05 for run in runs]) for n in range(4)]

    assert max(rates) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)
    assert min(rates) >= 0.05 - 3 * np.sqrt(0.05 * 0.95 / 4000)
    assert sum(run.verdict is Verdict.EVIDENCE for run in runs) <= 40


def news_world(mentions: Any, new_york: Sessions, seed: int) -> tuple[Any, np.ndarray, list[Any]]:
    """
    Return posts, closing prices and companies of a world in which news comes after the close.

    Half of the posts of a day are written an hour after the close about news that moves the next
    open; the price does nothing else that anybody could know.
    """
    rng = np.random.default_rng(seed)
    companies = [(f"C{n}", "XNYS") for n in range(12)]
    news = rng.normal(size=(len(new_york), len(companies)))
    rows = [
        {
            "at": close + np.timedelta64(60 if late else -120, "m"),
            "ticker": companies[n][0],
            "score": float(np.clip(0.3 * (late * news[t, n] + rng.normal()), -1, 1)),
        }
        for t, close in enumerate(new_york.closes[:-2])
        for n in range(len(companies))
        for late in (False, True)
    ]
    opened = np.vstack([np.zeros((1, len(companies))), news[:-1]])
    closes = np.exp(np.cumsum(0.01 * (opened + rng.normal(size=news.shape)), axis=0))
    return mentions(rows), closes, companies


def test_after_close_trap(mentions: Any) -> None:
    """News after the close looks like foresight by calendar day, and like nothing by session."""
    whole = sessions("XNYS", *(np.datetime64(d).item() for d in ("2024-02-01", "2024-08-30")))
    midnight = whole.dates.astype("datetime64[us]") + np.timedelta64(29, "h")  # New York's, about
    by_day = Sessions("XNYS", whole.dates, whole.opens, midnight)
    rules = FactorRules(min_posts=1, min_authors=1)
    posts, closes, companies = news_world(mentions, whole, seed=12)
    p = {}
    for name, calendar in (("session", whole), ("calendar day", by_day)):
        factors = build(posts, {"XNYS": calendar}, companies, rules)
        t = np.searchsorted(whole.dates, factors.dates)
        after = closes[t + 1] / closes[t] - 1
        p[name] = estimate(information_coefficients(factors.mean_score, after)).p

    assert p["calendar day"] < 1e-6
    assert p["session"] > 0.05
