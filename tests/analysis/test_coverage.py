"""The window of a study and the share of it that was listened to."""

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest

from wordstreet.analysis.coverage import priced, share
from wordstreet.schema import TIME


def times(*texts: str) -> np.ndarray:  # type: ignore[type-arg]
    """Return UTC times; an empty text is unknown."""
    return np.array([text or "NaT" for text in texts], "datetime64[us]")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ([], [], 1.0),
        (["2026-01-01"], ["2026-01-02"], 0.9),
        (["2026-01-01", "2026-01-01T12"], ["2026-01-02", "2026-01-03"], 0.8),
        (["2026-01-05", "2026-01-01"], ["2026-01-06", "2026-01-02"], 0.8),
        (["2025-01-01"], ["2026-01-02"], 0.9),
        (["2025-01-01"], ["2025-06-02"], 1.0),
        (["2026-01-04"], [""], 1.0),
        (["2026-01-01", "2026-01-02"], ["2026-01-09", "2026-01-03"], 0.2),
        (["2025-01-01"], ["2027-01-01"], 0.0),
    ],
)
def test_the_share_that_no_gap_covers(low: list[str], high: list[str], expected: float) -> None:
    """Of ten days: overlapping gaps count once, what lies outside not at all, unknown ends not."""
    start, end = np.datetime64("2026-01-01", "us"), np.datetime64("2026-01-11", "us")

    assert share(times(*low), times(*high), start, end) == pytest.approx(expected)


def test_posts_far_from_any_price_are_left_out() -> None:
    """A clock that says 1970 does not stretch the study; the weekend after the last price counts."""
    seen = [
        datetime(year, month, day, tzinfo=UTC)
        for year, month, day in ((1970, 1, 1), (2026, 1, 7), (2026, 2, 1), (2031, 1, 1))
    ]
    mentions = pa.table({"observed_at": pa.array(seen, TIME)})
    prices = pa.table({"session": pa.array([date(2026, 1, 5), date(2026, 1, 30)])})

    assert priced(mentions, prices)["observed_at"].to_pylist() == seen[1:3]
