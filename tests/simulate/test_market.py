"""The simulated market: prices as a provider gives them, returns as they were drawn."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from wordstreet.sessions import Sessions
from wordstreet.simulate import market
from wordstreet.simulate.companies import COMPANIES
from wordstreet.simulate.world import World

SPLIT = COMPANIES[market.SPLIT].ticker


def column(folder: Path, ticker: str, name: str) -> np.ndarray:
    """Return one column of a company's file."""
    with (folder / f"{ticker}.csv").open() as file:
        return np.array([float(row[name]) for row in csv.DictReader(file)])


def cents(prices: np.ndarray) -> np.ndarray:
    """Tell which prices are whole cents."""
    return np.abs(prices * 100 - np.round(prices * 100)) < 1e-6


@pytest.fixture(scope="module")
def prices(worlds: Mapping[str, World]) -> Path:
    """The prices of the planted world."""
    return worlds["planted"].prices


@pytest.fixture(scope="module")
def drawn(calendar: Sessions) -> market.Market:
    """The market of the planted world, as `make` draws it."""
    return market.draw("planted", len(calendar), np.random.default_rng(7).spawn(4)[0])


def test_each_company_has_a_price_for_each_session(prices: Path, calendar: Sessions) -> None:
    """All files have all sessions, the silent ones at both ends too."""
    for company in COMPANIES:
        assert len(column(prices, company.ticker, "Close")) == len(calendar)


def test_prices_lie_between_high_and_low(prices: Path) -> None:
    """No open or close is outside the range of its session."""
    for company in COMPANIES:
        op, hi, lo, cl = (
            column(prices, company.ticker, name) for name in ("Open", "High", "Low", "Close")
        )

        assert (lo <= np.minimum(op, cl)).all()
        assert (hi >= np.maximum(op, cl)).all()


def test_split_leaves_quarters_of_cents_before_it(prices: Path) -> None:
    """Prices were cents when traded, so those before the 4:1 split are quarters of cents now."""
    close = column(prices, SPLIT, "Close")
    half = len(close) // 2

    assert cents(close * market.SPLIT_RATIO)[:half].all()
    assert not cents(close)[:half].all()
    assert cents(close)[half:].all()


def test_split_is_no_return(prices: Path, drawn: market.Market) -> None:
    """Over the split the adjusted close moves as the market did."""
    adjusted = column(prices, SPLIT, "Adj Close")
    half = len(adjusted) // 2
    change = np.log(adjusted[half] / adjusted[half - 1])

    assert change == pytest.approx(drawn.same_session[half, market.SPLIT], abs=1e-3)


def test_adjusted_close_pays_dividends(prices: Path, drawn: market.Market) -> None:
    """Adjusted closes give the drawn returns everywhere; on a dividend's day the plain close does not."""
    close, adjusted = (column(prices, COMPANIES[0].ticker, name) for name in ("Close", "Adj Close"))
    paid = np.flatnonzero(np.abs(np.diff(np.log(adjusted / close))) > 1e-6) + 1
    plain, total = (np.diff(np.log(values)) for values in (close, adjusted))

    assert len(paid) == 2
    assert np.abs(total - drawn.same_session[1:, 0]).max() < 3e-4
    assert (drawn.same_session[paid, 0] - plain[paid - 1] > 0.005).all()


def test_adjusted_equals_close_in_the_end(prices: Path) -> None:
    """Nothing is adjusted after the last dividend."""
    for company in COMPANIES:
        close, adjusted = (column(prices, company.ticker, name) for name in ("Close", "Adj Close"))

        assert adjusted[-1] == pytest.approx(close[-1], abs=1e-6)


def test_rank_correlation_is_spearmans() -> None:
    """The correlation equals scipy's, averaged over sessions."""
    one, other = np.random.default_rng(3).standard_normal((2, 9, 12))
    expected = np.mean([stats.spearmanr(a, b).statistic for a, b in zip(one, other, strict=True)])

    assert market.rank_correlation(one, other) == pytest.approx(expected)
