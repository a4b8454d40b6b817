"""The common axis of a study: sessions of all exchanges as rows, companies as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wordstreet.sessions import Sessions

__all__ = ["Axis", "Block", "blocks", "place"]


@dataclass(frozen=True, slots=True)
class Block:
    """The part of the axis that belongs to one exchange: its companies and its sessions."""

    calendar: Sessions
    columns: NDArray[np.int64]
    rows: NDArray[np.int64]
    sessions: NDArray[np.int64]  # of `rows`, as places in the calendar


@dataclass(frozen=True, slots=True)
class Axis:
    """
    Every day on which an exchange had a session, from the first to the last mention.

    row: of each mention, the session it counts for
    """

    dates: NDArray[np.datetime64]
    row: NDArray[np.int64]


def place(
    usable: NDArray[np.datetime64],
    column: NDArray[np.int64],
    calendars: Mapping[str, Sessions],
    companies: Sequence[tuple[str, str]],
    cutoff_minutes: int,
) -> Axis:
    """
    Return the axis over some mentions and the row of each.

    Args:

        usable: when each mention could be known, UTC

        column: the place of its company in `companies`

        calendars: by exchange

        companies: ticker and exchange

        cutoff_minutes: before the close; what comes at or after it is the next session's

    Raises `InputError` when a mention lies outside its calendar.
    """
    exchange = np.array([exchange for _, exchange in companies])[column]
    session = np.empty(len(usable), dtype="datetime64[D]")
    for name in np.unique(exchange).tolist():
        here, calendar = exchange == name, calendars[name]
        session[here] = calendar.dates[calendar.index_of(usable[here], cutoff_minutes)]
    if not len(session):
        return Axis(session, np.empty(0, dtype=np.int64))
    first, last = session.min(), session.max()
    days = [calendars[name].dates for name in sorted({name for _, name in companies})]
    dates = np.unique(np.concatenate([d[(d >= first) & (d <= last)] for d in days]))
    return Axis(dates, np.searchsorted(dates, session).astype(np.int64))


def blocks(
    dates: NDArray[np.datetime64],
    calendars: Mapping[str, Sessions],
    companies: Sequence[tuple[str, str]],
) -> list[Block]:
    """Return the part of each exchange; parts share no column, and rows only as days coincide."""
    exchanges = [exchange for _, exchange in companies]
    parts = []
    for name in sorted(set(exchanges)):
        calendar = calendars[name]
        columns = np.flatnonzero([exchange == name for exchange in exchanges])
        rows = np.flatnonzero(np.isin(dates, calendar.dates))
        parts.append(Block(calendar, columns, rows, np.searchsorted(calendar.dates, dates[rows])))
    return parts
