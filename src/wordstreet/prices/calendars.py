"""When each exchange trades: the only file that knows pandas and exchange_calendars."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final

import numpy as np

from wordstreet.errors import InputError
from wordstreet.sessions import Sessions

__all__ = ["covered", "sessions"]

_PADDING: Final = timedelta(days=35)  # the longest holiday and the next sessions of any exchange
_EARLIEST: Final = date(1950, 1, 1)
_LATEST: Final = date(2100, 12, 31)


def sessions(exchange: str, first: date, last: date) -> Sessions:
    """
    Return the sessions of an exchange from `first` to `last` and five weeks on either side.

    The weeks around make the edges work: the last post has a next session, the first return a
    previous close. Where the calendar ends sooner, it is cut there.

    Raises `InputError` for an unknown exchange (with names like it) and for days that its
    calendar does not cover.
    """
    earliest, latest = covered(exchange)
    if not earliest <= first <= last <= latest:
        message = (
            f"the calendar of {exchange} covers {earliest} to {latest}, not {first} to {last}; "
            "leave out what lies outside"
        )
        raise InputError(message)
    start, end = max(first - _PADDING, earliest), min(last + _PADDING, latest)
    whole = _years(exchange, start.year, end.year)
    part = slice(
        np.searchsorted(whole.dates, np.datetime64(start)),
        np.searchsorted(whole.dates, np.datetime64(end), side="right"),
    )
    return Sessions(exchange, whole.dates[part], whole.opens[part], whole.closes[part])


@lru_cache(maxsize=256)
def covered(exchange: str) -> tuple[date, date]:
    """Return the first and last day for which the calendar of an exchange is known."""
    calendar = _calendar(exchange)
    low, high = calendar.bound_min(), calendar.bound_max()
    return (
        max(_EARLIEST, low.date()) if low is not None else _EARLIEST,
        min(_LATEST, high.date()) if high is not None else _LATEST,
    )


@lru_cache(maxsize=256)
def _years(exchange: str, first: int, last: int) -> Sessions:
    """Return the sessions of whole years; calendars are slow to build and asked for often."""
    earliest, latest = covered(exchange)
    start, end = max(date(first, 1, 1), earliest), min(date(last, 12, 31), latest)
    calendar = _calendar(exchange, start=start.isoformat(), end=end.isoformat())
    with _quiet():
        moments = [calendar.sessions_nanos, calendar.opens_nanos, calendar.closes_nanos]
    dates, opens, closes = (np.asarray(nanos).view("datetime64[ns]") for nanos in moments)
    return Sessions(
        exchange,
        dates.astype("datetime64[D]"),
        opens.astype("datetime64[us]"),
        closes.astype("datetime64[us]"),
    )


def _calendar(exchange: str, **span: str) -> Any:
    with _quiet():
        # Here and not above: the import takes longer than most commands do.
        from exchange_calendars import get_calendar, get_calendar_names
        from exchange_calendars.errors import InvalidCalendarName

        try:
            return get_calendar(exchange, **span)
        except InvalidCalendarName as error:
            near = get_close_matches(exchange.upper(), get_calendar_names(), 3, 0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else "give its MIC, e.g. XNYS"
            message = f"there is no trading calendar for the exchange {exchange!r}; {hint}"
            raise InputError(message) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the deprecation warnings of the calendar library, which we cannot act on, to it."""
    with warnings.catch_warnings():
        for category in (DeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", category)
        yield
