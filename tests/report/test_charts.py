"""The drawings: any series can be drawn, and what is drawn is where it should be."""

import math
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordstreet.report.charts import Panel, band, interval, sessions
from wordstreet.report.scale import scale_of
from wordstreet.report.tags import chance, count, decimal, percent, signed, when

finite = st.floats(allow_nan=False, allow_infinity=False)


def days(number: int) -> list[str]:
    """Return so many dates, each in a month of its own."""
    return [f"{2000 + n // 12}-{n % 12 + 1:02d}-03" for n in range(number)]


def drawn(values: list[float | None]) -> str:
    """Return a chart with the values as a line and as bars."""
    line = Panel("line", 100, [("price", values)])
    bars = Panel("bars", 50, bars=values, zero=True)
    return sessions("Title", "Words", days(len(values)), [line, bars])


def path(svg: str, name: str) -> str:
    """Return the drawing instructions of the path of that class."""
    found = re.search(rf'<path class="{name}" d="([^"]*)"', svg)
    assert found is not None
    return found[1]


@given(st.lists(finite | st.none(), max_size=60))
def test_any_series_can_be_drawn(values: list[float | None]) -> None:
    """Empty, broken, constant, tiny and huge series give a drawing without nan or inf in it."""
    assert not re.search(r"nan|inf", drawn(values))


@given(st.lists(finite, max_size=30), st.integers(2, 8))
def test_scale_holds_its_values_between_round_ends(values: list[float], intervals: int) -> None:
    """The least and the greatest lie within, and there are few ticks at even steps."""
    scale = scale_of(values, intervals)
    ticks = scale.ticks()
    slack = scale.step / 1000

    assert all(scale.low - slack <= v <= scale.high + slack for v in values if abs(v) < 1e15)
    assert 2 <= len(ticks) <= intervals + 3
    assert all(math.isclose(b - a, scale.step, rel_tol=1e-3) for a, b in pairwise(ticks))


@pytest.mark.parametrize("values", [[], [None], [None, None, None]])
def test_nothing_known_is_said(values: list[float | None]) -> None:
    """A panel without a figure says so in its place."""
    assert drawn(values).count("no figures to draw") == 2


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0], [None, 3.0, None]])
def test_few_points_are_dots(values: list[float | None]) -> None:
    """Each of a few points has a dot, so that one between unknowns can be seen."""
    assert drawn(values).count("price dot") == sum(value is not None for value in values)


def test_line_breaks_where_a_value_is_unknown() -> None:
    """Two stretches around an unknown value are two lines."""
    values = [*([1.0] * 30), None, *([2.0] * 30)]

    assert path(drawn(values), "price").count("M") == 2


def test_first_and_last_session_are_at_the_edges() -> None:
    """A rising line goes from the lower left to the upper right."""
    line = path(drawn([float(n) for n in range(51)]), "price")
    points = [tuple(map(float, pair)) for pair in re.findall(r"[ML]([\d.]+) ([\d.]+)", line)]

    assert points[0][0] == pytest.approx(1000 / 102, abs=0.1)
    assert points[-1][0] == pytest.approx(1000 - 1000 / 102, abs=0.1)
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)


def test_long_line_is_thinned_and_keeps_its_extremes() -> None:
    """Of 2,500 sessions at most 1,200 points are drawn, the highest and the lowest among them."""
    values: list[float | None] = [math.sin(n / 9) for n in range(2500)]
    values[1234], values[1777] = 40.0, -40.0
    line = path(drawn(values), "price")
    heights = [int(y) for y in re.findall(r"[ML][\d.]+ (\d+)", line)]

    assert len(heights) <= 1200
    assert (heights.count(min(heights)), heights.count(max(heights))) == (1, 1)
    assert max(heights) - min(heights) >= 800


def test_bars_stand_on_zero() -> None:
    """The outline of the columns begins and ends at zero, and one of zero has no height."""
    assert path(drawn([10.0, 0.0]), "bars") == "M0 1000V0H500.0V1000H1000.0V1000Z"


def test_labels_of_ten_years_are_few() -> None:
    """However long the axis, there are no more dates on it than fit."""
    labels = re.findall(r">(\d{4}(?:-\d\d)?)<", drawn([1.0] * 126))

    assert 4 <= len(labels) <= 8
    assert labels == sorted(labels)


def test_interval_draws_what_is_known() -> None:
    """A test without an interval or out-of-sample figure leaves them out, zero stays."""
    scale = scale_of([-1.0, 1.0])
    bare = interval(scale, "none", None, (None, None), None, [])
    whole = interval(scale, "all", 0.5, (0.25, 0.75), -0.5, [-0.9, 0.9])

    assert re.findall('class="([a-z]+)"', bare) == ["zero"]
    assert re.findall('class="([a-z]+)"', whole) == [
        *("mark", "mark", "zero", "interval", "point", "other")
    ]
    assert 'x1="62.50%" x2="87.50%"' in whole


def test_placebo_band_lies_between_its_quantiles() -> None:
    """Symmetric levels make a band; one without its counterpart makes none."""
    svg = band("Placebo", "words", {0.025: -0.1, 0.975: 0.1, 0.25: -0.05}, 0.2)
    found = re.findall(r'class="band" x1="([\d.]+)%" x2="([\d.]+)%"', svg)

    assert found == [("0.00", "66.67")]
    assert "observed +0.200" in svg


def test_no_placebo_says_so() -> None:
    """Without quantiles and observation there is a sentence, not an empty frame."""
    assert "no figures to draw" in band("Placebo", "words", {}, None)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (decimal(None), "–"),
        (decimal(-0.0004), "0.000"),
        (decimal(-1234.5678), "−1,234.568"),
        (signed(0.0312), "+0.031"),
        (signed(-0.0312), "−0.031"),
        (signed(0.0001), "0.000"),
        (signed(None), "–"),
        (chance(0.00049), "<0.001"),
        (chance(0.0), "<0.001"),
        (chance(0.051), "0.051"),
        (chance(None), "–"),
        (count(1_234_567), "1,234,567"),
        (count(0), "0"),
        (percent(0.9868), "98.7\u00a0%"),
        (percent(0.99999), "99.9\u00a0%"),
        (percent(1.0), "100.0\u00a0%"),
        (percent(None), "–"),
        (when("2024-03-26T09:14:55Z"), "2024-03-26 09:14"),
        (when(None), "–"),
    ],
)
def test_figures_are_written_for_people(written: str, shown: str) -> None:
    """Fixed places, thousands separators, true minus signs, and a dash for the unknown."""
    assert written == shown
