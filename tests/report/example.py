"""Example figures of made-up studies, one for each verdict."""

from typing import Any

import numpy as np

from wordstreet.report import figures

SENTENCES = {
    "EVIDENCE": "Opinion went with returns over the next 5 sessions (mean IC +0.048), and it held "
    "on sessions kept aside: an association in this sample, not advice.",
    "SUGGESTIVE": "Opinion went with returns over the next 5 sessions in training, but the "
    "sessions kept aside did not confirm it.",
    "REACTION_ONLY": "Opinion moved with the price of the same session and not with later ones.",
    "NO_EVIDENCE": "No link between opinion and later returns was found; a mean IC of 0.023 or "
    "more would most likely have been.",
    "INSUFFICIENT_DATA": "There is too little data for an answer: 41 sessions, and 60 are needed.",
    "INVALID": "The study cannot be relied on: a factor used posts from after its own cutoff.",
}
REASONS = {
    "EVIDENCE": ["mean_score, 5 sessions: q 0.005, shift p 0.003", "out of sample: p 0.005"],
    "SUGGESTIVE": ["mean_score, 5 sessions: q 0.021", "out of sample: p 0.411"],
    "REACTION_ONLY": ["same session: p below 0.001", "no test of the family has q at most 0.05"],
    "NO_EVIDENCE": ["no test of the family has q at most 0.05"],
    "INSUFFICIENT_DATA": ["41 sessions are fewer than 60"],
    "INVALID": ["3 posts counted for a session that ended before they could be known"],
}
LINK = {"EVIDENCE": 0.048, "SUGGESTIVE": 0.036}
HELD = {"EVIDENCE": 1.0, "SUGGESTIVE": -0.2}
REACTION = {"ic": 0.041, "t": 4.412, "p": 0.0000132}
QUIET = {"ic": 0.0073, "t": 0.785, "p": 0.433}


def inputs(verdict: str = "EVIDENCE", companies: int = 30, sessions: int = 500) -> dict[str, Any]:
    """Return the four arguments of `figures` for a study of that size which came to the verdict."""
    rng = np.random.default_rng(11)
    days = np.busday_offset("2024-01-02", np.arange(sessions))
    counts = rng.poisson(800 + 300 * np.sin(np.arange(sessions) / 40)) if sessions else np.zeros(0)
    return {
        "judgement": _judgement(verdict, companies, days, int(counts.sum()), rng),
        "series": _series(days, counts, LINK.get(verdict, 0.002), rng),
        "coverage": _coverage(companies, days, counts),
        "provenance": provenance(),
    }


def example(verdict: str = "EVIDENCE", companies: int = 30, sessions: int = 500) -> dict[str, Any]:
    """Return the figures of that study."""
    return figures(**inputs(verdict, companies, sessions))


def empty(verdict: str = "INSUFFICIENT_DATA") -> dict[str, Any]:
    """Return the figures of a study that found nothing to work on."""
    judgement = {"verdict": verdict, "sentence": SENTENCES[verdict]}
    return figures(judgement, {}, {}, provenance())


def provenance() -> dict[str, Any]:
    """Return where the figures of every example come from."""
    return {
        "simulated": {"world": "planted", "truth": "opinion leads returns with an IC of 0.05"},
        "scorer": {"id": "vader", "version": "3.3.2", "accuracy": None},
        "settings": {
            "study.cutoff_minutes": 20,
            "study.min_authors": 5,
            "study.min_confidence": 0.5,
            "study.min_posts": 10,
            "watchlist": "5f1c09a2b7d34e68",
        },
        "snapshot": {
            "mentions": {"version": 41, "rows": 431_077},
            "posts": {"version": 41, "rows": 402_118},
            "prices": {"version": 3, "rows": 15_000},
        },
        "code": {"version": "0.1.0", "digest": "9d1e64b0c7a25f38"},
    }


def _judgement(
    verdict: str, companies: int, days: np.ndarray, posts: int, rng: np.random.Generator
) -> dict[str, Any]:
    return {
        "verdict": verdict,
        "sentence": SENTENCES[verdict],
        "reasons": REASONS[verdict],
        "companies": companies,
        "sessions": len(days),
        "posts": posts,
        "authors": posts // 7,
        "from": days[0] if len(days) else None,
        "to": days[-1] if len(days) else None,
        "reaction": {**(REACTION if verdict == "REACTION_ONLY" else QUIET), "n": len(days)},
        "tests": [
            _test(factor, horizon, verdict, rng)
            for factor in ("mean_score", "volume")
            for horizon in (1, 5, 20)
        ],
        "close_to_close": [
            {
                key: value
                for key, value in _test("mean_score", h, verdict, rng).items()
                if key != "q"
            }
            for h in (1, 5, 20)
        ],
        "min_detectable_ic": 0.0232,
        "warnings": [
            "4 gaps cover 1.3 % of the window.",
            "The watchlist is of today: companies that left the exchange before are missing.",
        ],
    }


def _test(factor: str, horizon: int, verdict: str, rng: np.random.Generator) -> dict[str, Any]:
    ic = (LINK.get(verdict, 0.002) if factor == "mean_score" else 0.0) + rng.normal(0, 0.006)
    out = ic * HELD.get(verdict, 0.5) + rng.normal(0, 0.008)
    oos = {"ic": out, "t": out / 0.013, "p": float(np.exp(-abs(out) / 0.011)), "n": 144}
    return {
        "factor": factor,
        "horizon": horizon,
        "ic": ic,
        "t": ic / 0.0083,
        "p": float(np.exp(-abs(ic) / 0.006)),
        "q": float(np.exp(-abs(ic) / 0.009)),
        "shift_p": float(np.exp(-abs(ic) / 0.008)),
        "ci": [ic - 1.96 * 0.0083, ic + 1.96 * 0.0083],
        "n": 349 - horizon,
        "oos": {**oos, "same_sign": out * ic > 0},
    }


def _series(
    days: np.ndarray, counts: np.ndarray, link: float, rng: np.random.Generator
) -> dict[str, Any]:
    opinion = 0.08 + 0.1 * np.sin(np.arange(len(days)) / 55) + rng.normal(0, 0.05, len(days))
    opinion[60:66] = np.nan
    price = 100 * np.exp(np.cumsum(0.0004 + 0.01 * rng.standard_normal(len(days))))
    return {
        "opinion_price": {"dates": days, "opinion": opinion, "price": price, "posts": counts},
        "ic_series": {
            "factor": "mean_score",
            "horizon": 5,
            "dates": days,
            "ic": link + rng.normal(0, 0.18, len(days)),
        },
        "placebo": {
            "factor": "mean_score",
            "horizon": 5,
            "observed": link + 0.0013,
            "shifts": len(days),
            "p": 0.008,
            "quantiles": [
                {"level": level, "value": place * 0.0098}
                for level, place in ((0.025, -1.96), (0.25, -0.674), (0.75, 0.674), (0.975, 1.96))
            ],
        },
    }


def _coverage(companies: int, days: np.ndarray, counts: np.ndarray) -> dict[str, Any]:
    last = str(days[-1]) if len(days) else "2024-01-02"
    return {
        "share": 0.9868,
        "gaps": [
            _gap(
                "bluesky", "2024-03-26T09:14:00Z", "2024-04-02T21:02:00Z", None, "host unreachable"
            ),
            _gap("bluesky", "2024-07-08T11:00:00Z", "2024-07-08T11:26:00Z", 1204, "cursor too old"),
            _gap("hackernews", "2025-01-14T00:00:00Z", None, None, "stopped"),
            _gap("bluesky", f"{last}T16:00:00Z", f"{last}T17:30:00Z", None, "host unreachable"),
        ],
        "per_company": [_company(n, days, counts) for n in range(companies)],
        "posts_per_session": {"dates": days, "counts": counts},
        "sources": [
            {"source": "bluesky", "origin": "stream", "posts": 371_204},
            {"source": "hackernews", "origin": "stream", "posts": 18_803},
            {"source": "x", "origin": "replay", "posts": 12_111},
        ],
        "filters": [
            {"name": "spam", "removed": 10_412},
            {"name": "duplicates", "removed": 28_209},
            {"name": "low confidence", "removed": 1_877},
            {"name": "late", "removed": 96},
        ],
        "rejects": 17,
        "deletions": 5_120,
    }


def _gap(source: str, start: str, end: str | None, lost: int | None, reason: str) -> dict[str, Any]:
    return {"source": source, "from": start, "to": end, "lost": lost, "reason": reason}


def _company(number: int, days: np.ndarray, counts: np.ndarray) -> dict[str, Any]:
    return {
        "ticker": f"C{number:02d}",
        "name": f"Example Company {number}" + (" of Considerable Length Holdings" * (number == 3)),
        "posts": int(counts.sum()) // (number + 3),
        "mentions": int(counts.sum()) // (number + 3) + 11 * number,
        "sessions_scored": max(0, len(days) - 2 * number),
        "sessions_priced": len(days),
    }
