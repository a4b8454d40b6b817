"""What the tests of the analysis share: panels whose truth is known, mentions written by hand."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from wordstreet import schema
from wordstreet.analysis.factor import Factors
from wordstreet.analysis.returns import Returns
from wordstreet.sessions import Sessions

Panel = Callable[..., tuple[Factors, Returns]]


@pytest.fixture
def panel() -> Panel:
    """A factory of panels; see `make_panel`."""
    return make_panel


def make_panel(
    seed: int,
    companies: int = 30,
    sessions: int = 250,
    beta: float = 0.0,
    reaction: float = 0.0,
) -> tuple[Factors, Returns]:
    """
    Return factors and returns in which opinion moves the next return by `beta` and follows the
    same session's by `reaction`; opinion is persistent, returns have fat tails and a market.
    """
    rng = np.random.default_rng(seed)
    shape = (sessions + 1, companies)
    mood, noise = np.empty(shape), rng.normal(size=shape) * 0.6
    mood[0] = rng.normal(size=companies)
    for t in range(1, len(mood)):
        mood[t] = 0.8 * mood[t - 1] + noise[t]
    change = rng.standard_t(4, size=shape) / np.sqrt(2) + 0.5 * rng.normal(size=(len(mood), 1))
    change[1:] += beta * mood[:-1]
    volume = rng.normal(size=(sessions, companies))
    volume[:20] = np.nan
    dates = np.busday_offset("2020-01-01", np.arange(sessions), roll="forward")
    cutoffs = np.repeat((dates + np.timedelta64(20, "h"))[:, None], companies, axis=1)
    tickers = tuple(f"C{n}" for n in range(companies))
    factors = Factors(
        dates=dates,
        tickers=tickers,
        mean_score=(mood + reaction * change)[:-1],
        volume=volume,
        posts=np.full((sessions, companies), 12),
        authors=np.full((sessions, companies), 9),
        cutoffs=cutoffs.astype("datetime64[us]"),
        known_at=(cutoffs - np.timedelta64(1, "m")).astype("datetime64[us]"),
        removed={},
        post_count=12 * sessions * companies,
        author_count=500,
    )
    returns = Returns(
        dates=dates,
        tickers=tickers,
        forward=change[1:],
        close_to_close=change[1:],
        same_session=change[:-1],
        entry_at=(cutoffs + np.timedelta64(18, "h")).astype("datetime64[us]"),
        entry="open",
        warnings=(),
    )
    return factors, returns


@pytest.fixture
def mentions() -> Callable[[Sequence[dict[str, Any]]], pa.Table]:
    """A factory of mentions: what a row does not say is what an ordinary post has."""

    def table(rows: Sequence[dict[str, Any]]) -> pa.Table:
        full = []
        for number, row in enumerate(rows):
            at = np.datetime64(row["at"], "us").item()
            ordinary = {
                "source": "x",
                "post_id": str(number),
                "ticker": "ACME",
                "confidence": 1.0,
                "score": 0.5,
                "author_id": f"author {number}",
                "created_at": at,
                "observed_at": at,
            }
            full.append({**ordinary, **{key: row[key] for key in row if key != "at"}})
        return pa.Table.from_pylist(full, schema=schema.MENTIONS)

    return table


@pytest.fixture
def calendar() -> Callable[..., Sessions]:
    """A factory of calendars of working days, open from 14:30 to 21:00 UTC."""

    def working_days(
        first: str, count: int, exchange: str = "XNYS", holidays: Any = ()
    ) -> Sessions:
        dates = np.busday_offset(first, np.arange(count), roll="forward", holidays=holidays)
        opens = dates.astype("datetime64[us]") + np.timedelta64(14 * 60 + 30, "m")
        return Sessions(exchange, dates, opens, opens + np.timedelta64(6 * 60 + 30, "m"))

    return working_days
