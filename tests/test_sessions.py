"""Sessions: which trading day a moment belongs to."""

import numpy as np
import pytest

from wordstreet.errors import InputError
from wordstreet.sessions import Sessions

THREE_DAYS = Sessions(
    exchange="XNYS",
    dates=np.array(["2026-01-08", "2026-01-09", "2026-01-12"], dtype="datetime64[D]"),
    opens=np.array(
        ["2026-01-08T14:30", "2026-01-09T14:30", "2026-01-12T14:30"], dtype="datetime64[us]"
    ),
    closes=np.array(
        ["2026-01-08T21:00", "2026-01-09T21:00", "2026-01-12T21:00"], dtype="datetime64[us]"
    ),
)


def times(*texts: str) -> np.ndarray:
    """Return UTC times."""
    return np.array(texts, dtype="datetime64[us]")


def test_post_at_the_close_is_the_next_sessions() -> None:
    """A microsecond before the close is this session, the close itself the next one."""
    found = THREE_DAYS.index_of(times("2026-01-08T20:59:59.999999", "2026-01-08T21:00"))

    assert found.tolist() == [0, 1]


def test_post_at_the_cutoff_is_the_next_sessions() -> None:
    """With 20 minutes before the close, 20:39 is in time and 20:40 is not."""
    found = THREE_DAYS.index_of(times("2026-01-08T20:39", "2026-01-08T20:40"), 20)

    assert found.tolist() == [0, 1]


def test_weekend_pools_into_monday() -> None:
    """Friday night, Saturday and Sunday count for Monday."""
    found = THREE_DAYS.index_of(times("2026-01-09T22:00", "2026-01-10T12:00", "2026-01-11T23:59"))

    assert found.tolist() == [2, 2, 2]


@pytest.mark.parametrize("outside", ["2026-01-08T14:29", "2026-01-12T20:40", "NaT"])
def test_time_outside_the_calendar_is_refused(outside: str) -> None:
    """A time before the first open, at the last cutoff or unknown raises and names the calendar."""
    with pytest.raises(InputError, match=r"XNYS calendar \(2026-01-08 to 2026-01-12\)"):
        THREE_DAYS.index_of(times("2026-01-08T20:00", outside), 20)


def test_no_times_have_no_sessions() -> None:
    """Nothing to place is no error."""
    assert THREE_DAYS.index_of(times()).tolist() == []
