"""Splits and dividends do not move returns."""

import numpy as np
import pytest

from wordstreet.prices.adjust import adjustment, as_traded

NONE = np.zeros(4)
ONE = np.ones(4)


def returns(close: list[float], split: np.ndarray, dividend: np.ndarray) -> list[float]:
    """Return the changes of the adjusted prices."""
    prices = np.array(close)
    adjusted = prices * adjustment(prices, split, dividend)
    return (adjusted[1:] / adjusted[:-1] - 1).tolist()


def test_split_does_not_move_returns() -> None:
    """A 4:1 split with the market up 1 % that day is a return of 1 %."""
    found = returns([400.0, 404.0, 102.01, 102.01], np.array([1.0, 1.0, 4.0, 1.0]), NONE)

    assert found == pytest.approx([0.01, 0.01, 0.0])


def test_reverse_split_does_not_move_returns() -> None:
    """One new share for ten old ones is no gain of 900 %."""
    found = returns([1.0, 1.0, 10.0, 10.5], np.array([1.0, 1.0, 0.1, 1.0]), NONE)

    assert found == pytest.approx([0.0, 0.0, 0.05])


def test_dividend_day_does_not_move_returns() -> None:
    """A price that falls by the dividend on the ex-date has returned nothing."""
    found = returns([50.0, 50.0, 49.0, 49.49], ONE, np.array([0.0, 0.0, 1.0, 0.0]))

    assert found == pytest.approx([0.0, 0.0, 0.01])


def test_split_and_dividend_on_one_day() -> None:
    """Two shares for one and 0.50 on each new share: 100 becomes 49.50, and nothing was lost."""
    found = returns(
        [100.0, 100.0, 49.5, 49.5], np.array([1.0, 1.0, 2.0, 1.0]), np.array([0, 0, 0.5, 0])
    )

    assert found == pytest.approx([0.0, 0.0, 0.0])


def test_last_price_is_its_own_measure() -> None:
    """Earlier prices are brought to the last session's shares, which keep their price."""
    factors = adjustment(np.array([8.0, 8.0, 2.0, 2.0]), np.array([1.0, 1.0, 4.0, 1.0]), NONE)

    assert factors.tolist() == [0.25, 0.25, 1.0, 1.0]


def test_dividend_above_the_price_is_passed_over() -> None:
    """A dividend nobody could have paid does not turn prices negative."""
    factors = adjustment(np.array([2.0, 2.0, 2.0, 2.0]), ONE, np.array([0.0, 0.0, 5.0, 0.0]))

    assert factors.tolist() == [1.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("close", "split", "traded"),
    [
        ([400.0, 101.0, 102.0], [1.0, 4.0, 1.0], True),
        ([100.0, 101.0, 102.0], [1.0, 4.0, 1.0], False),
        ([1.0, 9.0, 9.5], [1.0, 0.1, 1.0], True),
        ([10.0, 9.0, 9.5], [1.0, 0.1, 1.0], False),
        ([10.0, 9.0, 9.5], [1.0, 1.0, 1.0], False),
        ([10.0], [4.0], False),
    ],
)
def test_prices_show_whether_they_were_split(
    close: list[float], split: list[float], traded: bool
) -> None:
    """Prices jump by the split when they are as traded, and do not when they were adjusted."""
    assert as_traded(np.array(close), np.array(split)) is traded
