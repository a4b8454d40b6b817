"""What happened to the price after each session, and when one would have had to buy."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wordstreet.analysis.axis import Block, blocks
from wordstreet.sessions import Sessions

__all__ = ["Returns", "build"]

_NAMED: Final = 10  # tickers in one warning

Floats = NDArray[np.float64]
Times = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class Returns:
    """
    Total returns of each company (columns) around each session t (rows), NaN where unknown.

    dates:          datetime64[D], shape (T,)
    tickers:        the N companies
    forward:        (T, N) bought at the open of t+1, sold at the open of t+2
    close_to_close: (T, N) from the close of t to the close of t+1
    same_session:   (T, N) from the close of t-1 to the close of t, which opinion may react to
    entry_at:       (T, N) datetime64[us], when the forward return starts; NaT without a session
    entry:          open, or close where no open is known: then `forward` is `close_to_close`
    warnings:       sentences for people
    """

    dates: Times
    tickers: tuple[str, ...]
    forward: Floats
    close_to_close: Floats
    same_session: Floats
    entry_at: Times
    entry: str
    warnings: tuple[str, ...]


def build(
    prices: pa.Table,
    dates: Times,
    calendars: Mapping[str, Sessions],
    companies: Sequence[tuple[str, str]],
) -> Returns:
    """
    Return what adjusted prices did around each session.

    Args:

        prices: in the shape of `schema.PRICES`; of several downloads of a session the latest counts

        dates: the rows of the factors

        calendars: by exchange, reaching at least two sessions beyond `dates`

        companies: ticker and exchange of each company

    Sessions t+1 and t+2 are the company's own: weekends, holidays and other exchanges' days are
    no sessions. A missing price makes the returns that need it unknown, it is never bridged, and a
    company that leaves the market keeps all its returns up to its last price.
    """
    tickers = tuple(ticker for ticker, _ in companies)
    newest = prices.sort_by([(name, "ascending") for name in ("downloaded_at", "provider")])
    shape = (len(dates), len(tickers))
    forward, close_to_close, same_session = (np.full(shape, np.nan) for _ in range(3))
    next_open = np.full(shape, np.datetime64("NaT", "us"))
    this_close = next_open.copy()
    priced, opened = (np.zeros(len(tickers), dtype=np.bool_) for _ in range(2))
    for part in blocks(dates, calendars, companies):
        here, t = np.ix_(part.rows, part.columns), part.sessions
        opens = _history(newest, "adj_open", tickers, part)
        closes = _history(newest, "adj_close", tickers, part)
        forward[here] = _change(opens, t + 1, t + 2)
        close_to_close[here] = _change(closes, t, t + 1)
        same_session[here] = _change(closes, t - 1, t)
        next_open[here] = _at(part.calendar.opens, t + 1)[:, None]
        this_close[here] = part.calendar.closes[t][:, None]
        opened[part.columns] = np.isfinite(opens).any(axis=0)
        priced[part.columns] = np.isfinite(closes).any(axis=0)
    by_open = bool(opened.any())
    return Returns(
        dates=dates,
        tickers=tickers,
        forward=forward if by_open else close_to_close,
        close_to_close=close_to_close,
        same_session=same_session,
        entry_at=next_open if by_open else this_close,
        entry="open" if by_open else "close",
        warnings=tuple(_warnings(np.array(tickers, dtype=np.str_), priced, opened)),
    )


def _history(prices: pa.Table, name: str, tickers: Sequence[str], part: Block) -> Floats:
    """Return one kind of price as sessions of the calendar x companies of the block."""
    calendar = part.calendar
    wanted = pa.array([tickers[column] for column in part.columns], pa.string())
    company = pc.index_in(prices["ticker"], value_set=wanted)
    day = np.asarray(prices["session"]).astype("datetime64[D]")
    place = np.searchsorted(calendar.dates, day)
    known = np.asarray(pc.is_valid(company)) & (calendar.dates[place % len(calendar)] == day)
    price = np.array(pc.fill_null(prices[name], float("nan")), dtype=np.float64)
    history = np.full((len(calendar), len(wanted)), np.nan)
    column = np.array(pc.fill_null(company, 0))
    # Of a repeated place NumPy keeps the last value, which is the newest download's.
    history[place[known], column[known]] = price[known]
    return np.where(np.isfinite(history) & (history > 0), history, np.nan)


def _change(history: Floats, start: NDArray[np.int64], end: NDArray[np.int64]) -> Floats:
    change: Floats = _at(history, end) / _at(history, start) - 1.0
    return change


def _at(values: NDArray[Any], places: NDArray[np.int64]) -> NDArray[Any]:
    """Return rows of an array, unknown ones where it has none."""
    inside = (places >= 0) & (places < len(values))
    rows = values[np.where(inside, places, 0)].copy()
    rows[~inside] = np.datetime64("NaT") if values.dtype.kind == "M" else np.nan
    return rows


def _warnings(
    tickers: NDArray[np.str_], priced: NDArray[np.bool_], opened: NDArray[np.bool_]
) -> Iterator[str]:
    if not priced.all():
        yield f"no price is known for {_names(tickers[~priced])}: import some or take them off the list"
    if priced.any() and not opened.any():
        yield "no opening price is known: returns are from close to close, bought at the same close"
    elif (priced & ~opened).any():
        without = _names(tickers[priced & ~opened])
        yield f"no opening price is known for {without}: without one there is no forward return"


def _names(tickers: NDArray[np.str_]) -> str:
    rest = f" and {len(tickers) - _NAMED} more" if len(tickers) > _NAMED else ""
    return ", ".join(tickers[:_NAMED]) + rest
