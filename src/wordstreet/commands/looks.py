"""The commands that explain: why a post counts, what is in force, what is amiss."""

from argparse import Namespace

import pyarrow as pa

from wordstreet.commands.words import Answer, aligned, figure
from wordstreet.engines.transform import explain, scorer
from wordstreet.settings import Settings

__all__ = ["doctor", "match", "score", "settings"]


def match(settings: Settings, given: Namespace) -> Answer:
    """Say which companies a text is about, and why."""
    found = explain(settings, given.explain)
    rows = [("ticker", "evidence", "text", "confidence", "refused because")]
    rows += [
        (e["ticker"], e["kind"], e["text"], figure(e["confidence"]), e["refused"] or "")
        for e in found
    ]
    text = aligned(rows) if found else "no company of the watchlist is named"
    return {"text": given.explain, "evidence": found}, text, True


def score(settings: Settings, given: Namespace) -> Answer:
    """Score the opinion in texts, from -1 to 1."""
    used = scorer(settings)
    scores = used.score(pa.array(given.texts)).to_pylist()
    scored = [
        {"text": text, "score": value and round(value, 6)}
        for text, value in zip(given.texts, scores, strict=True)
    ]
    rows = [("score", "text")] + [(figure(row["score"]), row["text"]) for row in scored]
    found = {"scorer": used.id, "version": used.version, "scores": scored}
    return found, aligned(rows), True


def settings(settings: Settings, given: Namespace) -> Answer:
    """What is in force and where each value came from."""
    del given
    rows = list(settings.rows())
    found = {key: {"value": value, "origin": origin} for key, value, origin in rows}
    return {"settings": found}, aligned([("setting", "value", "from"), *rows]), True


def doctor(settings: Settings, given: Namespace) -> Answer:
    """What is installed, reachable and allowed, and what to do about the rest."""
    from wordstreet.engines import doctor as engine

    del given
    checks = engine.checks(settings)
    rows = [("ok" if c["ok"] else "NO", c["name"], c["hint"]) for c in checks]
    return {"checks": checks}, aligned(rows), all(c["ok"] for c in checks)
