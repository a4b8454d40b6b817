"""The transform as the settings want it: watchlist and scorer put in place."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

import pyarrow as pa

from wordstreet.settings import Settings
from wordstreet.transform import Matcher, Scorer, transform
from wordstreet.transform.score import load
from wordstreet.watchlist import Watchlist

__all__ = ["build", "explain", "scorer", "watchlist"]


def watchlist(settings: Settings) -> Watchlist:
    """Return the watchlist that the settings name."""
    return Watchlist.load(settings.watchlist.path)


def scorer(settings: Settings) -> Scorer:
    """Return the scorer that the settings name."""
    return load(settings.score.scorer)


def build(settings: Settings) -> Callable[[pa.RecordBatch, datetime], dict[str, pa.Table]]:
    """Return the transform for this watchlist and scorer: a slice and the time in, tables out."""
    matcher, scores = Matcher(watchlist(settings)), scorer(settings)
    return lambda records, now: transform(records, matcher, scores, now)


def explain(settings: Settings, text: str) -> list[dict[str, Any]]:
    """Return every piece of evidence for a company in a text, the refused ones too."""
    return [asdict(evidence) for evidence in Matcher(watchlist(settings)).explain(text)]
