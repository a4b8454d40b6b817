"""Returns around each session, along each company's own calendar."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from wordstreet import schema
from wordstreet.analysis.returns import Returns, build

ACME = [("ACME", "XNYS")]
EARLY, LATE = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)


def quotes(
    days: Any, opens: list[float | None], closes: list[float | None], **others: Any
) -> pa.Table:
    """Return prices of ACME."""
    rows = [
        {
            "ticker": "ACME",
            "session": day.item(),
            "adj_open": o,
            "adj_close": c,
            "provider": "p",
            "downloaded_at": EARLY,
            **others,
        }
        for day, o, c in zip(days, opens, closes, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=schema.PRICES)


@pytest.fixture
def around(calendar: Any) -> Any:
    """A factory of the returns around the first sessions of January 2026."""
    sessions = calendar("2026-01-05", 10)

    def returns(prices: pa.Table, rows: int = 4) -> Returns:
        return build(prices, sessions.dates[:rows], {"XNYS": sessions}, ACME)

    return returns


@pytest.fixture
def days(calendar: Any) -> Any:
    """The first ten sessions."""
    return calendar("2026-01-05", 10).dates


def test_entry_is_the_next_open(around: Any, days: Any) -> None:
    """The forward return goes from the open of t+1 to the open of t+2, and says when it starts."""
    found = around(quotes(days[:4], [100, 110, 121, 60.5], [1, 2, 3, 3]))

    assert found.forward[:, 0].tolist() == pytest.approx([0.1, -0.5, np.nan, np.nan], nan_ok=True)
    assert found.close_to_close[:, 0].tolist() == pytest.approx([1, 0.5, 0, np.nan], nan_ok=True)
    assert found.same_session[:, 0].tolist() == pytest.approx([np.nan, 1, 0.5, 0], nan_ok=True)
    assert found.entry == "open"
    assert str(found.entry_at[0, 0]) == "2026-01-06T14:30:00.000000"


def test_next_session_skips_weekend_and_holiday(around: Any, days: Any) -> None:
    """After Thursday come Friday and Monday: 9 and 12 January."""
    found = around(quotes(days[3:6], [5, 10, 12], [1, 1, 1]))

    assert str(days[3]) == "2026-01-08"
    assert found.forward[3, 0] == pytest.approx(0.2)


def test_missing_price_is_never_bridged(around: Any, days: Any) -> None:
    """Every return that would need the missing price is unknown, and no other is."""
    found = around(quotes(days[:6], [1, 1, None, 1, 1, 1], [1, 1, None, 1, 1, 1]))

    assert np.isnan(found.forward[:, 0]).tolist() == [True, True, False, False]
    assert np.isnan(found.close_to_close[:, 0]).tolist() == [False, True, True, False]


def test_delisted_company_is_kept(around: Any, days: Any) -> None:
    """A company that leaves the market keeps its returns up to the last price, the fall too."""
    found = around(quotes(days[:3], [10, 10, 1], [10, 9, 0.5]))

    assert found.forward[0, 0] == pytest.approx(-0.9)
    assert found.same_session[2, 0] == pytest.approx(0.5 / 9 - 1)
    assert np.isnan(found.forward[1:, 0]).all()


def test_latest_download_counts(around: Any, days: Any) -> None:
    """A correction downloaded later replaces a price, in whichever order the rows lie."""
    first = quotes(days[:3], [10, 10, 10], [10, 10, 10])
    second = quotes(days[1:2], [8], [8], downloaded_at=LATE)

    for prices in (pa.concat_tables([first, second]), pa.concat_tables([second, first])):
        assert around(prices).forward[0, 0] == pytest.approx(0.25)


def test_without_opens_entry_is_the_close(around: Any, days: Any) -> None:
    """Closes alone give returns from this close to the next, with a warning that says so."""
    found = around(quotes(days[:3], [None] * 3, [10, 11, 11]))

    assert found.entry == "close"
    assert found.forward[:2, 0].tolist() == pytest.approx([0.1, 0.0])
    assert str(found.entry_at[0, 0]) == "2026-01-05T21:00:00.000000"
    assert "no opening price is known" in found.warnings[0]


def test_impossible_prices_are_unknown(around: Any, days: Any) -> None:
    """Zero, negative and infinite prices make no return."""
    found = around(quotes(days[:5], [1, 0, -1, np.inf, 1], [1, 1, 1, 1, 1]))

    assert np.isnan(found.forward).all()


def test_companies_without_prices_are_named(calendar: Any, days: Any) -> None:
    """A company nobody priced is unknown throughout, and people are told."""
    sessions = calendar("2026-01-05", 10)
    companies = [*ACME, ("BETA", "XNYS")]
    prices = quotes(days, [1] * 10, [1] * 10)
    found = build(prices, sessions.dates[:4], {"XNYS": sessions}, companies)

    assert np.isnan(found.forward[:, 1]).all()
    assert found.warnings == ("no price is known for BETA: import some or take them off the list",)


def test_each_company_follows_its_own_exchange(calendar: Any) -> None:
    """Where London rests, its company's next session is a day later than New York's."""
    calendars = {
        "XNYS": calendar("2026-01-05", 10, "XNYS"),
        "XLON": calendar("2026-01-05", 10, "XLON", ["2026-01-06"]),
    }
    rows = [
        {"ticker": ticker, "session": day.item(), "adj_open": float(n), "downloaded_at": EARLY}
        for ticker, exchange in (("ACME", "XNYS"), ("LOND", "XLON"))
        for n, day in enumerate(calendars[exchange].dates, 1)
    ]
    prices = pa.Table.from_pylist(rows, schema=schema.PRICES)
    dates = calendars["XNYS"].dates[:2]
    found = build(prices, dates, calendars, [("ACME", "XNYS"), ("LOND", "XLON")])

    assert found.forward[0].tolist() == pytest.approx([3 / 2 - 1, 3 / 2 - 1])
    assert found.entry_at[0].astype(str).tolist() == [
        "2026-01-06T14:30:00.000000",
        "2026-01-07T14:30:00.000000",
    ]
    assert np.isnan(found.forward[1, 1])
    assert np.isnat(found.entry_at[1, 1])


def test_no_prices_are_no_error(around: Any) -> None:
    """An empty table makes every return unknown."""
    found = around(schema.PRICES.empty_table())

    assert np.isnan(found.forward).all()
    assert np.isnan(found.same_session).all()
