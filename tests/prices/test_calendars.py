"""Real trading calendars: holidays, half-days, and the weeks in which clocks disagree."""

import subprocess
import sys
import warnings
from datetime import date

import numpy as np
import pytest

from wordstreet.errors import InputError
from wordstreet.prices.calendars import covered, sessions


def session_of(exchange: str, moment: str, minutes: int = 0) -> str:
    """Return the session a UTC time counts for."""
    day = date.fromisoformat(moment[:10])
    calendar = sessions(exchange, day, day)
    index = calendar.index_of(np.array([moment], dtype="datetime64[us]"), minutes)
    return str(calendar.dates[index[0]])


def close_of(exchange: str, day: str) -> str:
    """Return the closing time of a session, UTC."""
    calendar = sessions(exchange, date.fromisoformat(day), date.fromisoformat(day))
    close = calendar.closes[calendar.dates == np.datetime64(day)]
    return str(close[0])[11:16]


def test_half_day_closes_early() -> None:
    """On the day after Thanksgiving the cutoff is 17:40 UTC, so 17:45 counts for Monday."""
    assert close_of("XNYS", "2026-11-27") == "18:00"
    assert session_of("XNYS", "2026-11-27T17:39", 20) == "2026-11-27"
    assert session_of("XNYS", "2026-11-27T17:45", 20) == "2026-11-30"


def test_holiday_pools_into_the_session_after_it() -> None:
    """Wednesday evening and Thanksgiving count for Friday."""
    assert session_of("XNYS", "2026-11-25T22:00") == "2026-11-27"
    assert session_of("XNYS", "2026-11-26T15:00") == "2026-11-27"


def test_clocks_change_in_different_weeks() -> None:
    """In the weeks between the US and the EU change, each close follows its own clock."""
    closes = [
        (close_of("XNYS", day), close_of("XLON", day))
        for day in ("2026-03-06", "2026-03-09", "2026-03-30", "2026-10-26", "2026-11-02")
    ]

    assert closes == [
        ("21:00", "16:30"),  # both winter
        ("20:00", "16:30"),  # US summer, EU winter
        ("20:00", "15:30"),  # both summer
        ("20:00", "16:30"),  # EU winter first
        ("21:00", "16:30"),  # both winter
    ]


def test_other_exchanges_keep_their_own_holidays() -> None:
    """A bank holiday in London is an ordinary session in New York."""
    assert session_of("XLON", "2026-05-25T10:00") == "2026-05-26"
    assert session_of("XNYS", "2026-05-25T15:00") == "2026-05-26"  # Memorial Day
    assert session_of("XNYS", "2026-08-31T15:00") == "2026-08-31"
    assert session_of("XLON", "2026-08-31T10:00") == "2026-09-01"


def test_edges_have_sessions_around_them() -> None:
    """A range of one day comes with enough sessions on both sides for any return."""
    calendar = sessions("XNYS", date(2026, 1, 2), date(2026, 1, 2))
    place = int(np.flatnonzero(calendar.dates == np.datetime64("2026-01-02"))[0])

    assert place >= 5
    assert len(calendar) - place > 5


def test_unknown_exchange_is_refused_with_names_like_it() -> None:
    """A slip in the market code names the code that was meant."""
    with pytest.raises(InputError, match="'XNYX'; did you mean XNYS"):
        sessions("XNYX", date(2026, 1, 1), date(2026, 2, 1))


def test_days_beyond_the_calendar_are_refused() -> None:
    """What the calendar does not know is an error that names what it does know."""
    earliest, _ = covered("XTKS")

    with pytest.raises(InputError, match=f"XTKS covers {earliest}"):
        sessions("XTKS", date(1980, 1, 1), date(1980, 2, 1))


def test_library_warnings_stay_inside() -> None:
    """Not even a warning turned into an error escapes from the calendar library."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        calendar = sessions("XPAR", date(2019, 1, 1), date(2019, 12, 31))

    assert len(calendar) > 250


def test_pandas_waits_until_a_calendar_is_asked_for() -> None:
    """Importing the room does not import pandas, so that help is quick."""
    code = "import sys, wordstreet.prices.feeds; print('pandas' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "False"
