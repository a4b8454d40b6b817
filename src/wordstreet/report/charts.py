"""
Charts as inline SVG, drawn by pure functions.

A chart is as wide as the page allows: marks and labels stand at percentages, the lines lie in
nested drawings that stretch, so that text keeps its size on a telephone and on paper. Colours come
from the page's style sheet by class.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from wordstreet.report.scale import Scale, drawable, length, scale_of
from wordstreet.report.tags import Html, signed, tag

__all__ = ["Panel", "axis", "band", "interval", "sessions"]

Values = Sequence[float | None]

_MOST: Final = 1200  # points in a line; more than the pixels it is drawn on
_FEW: Final = 40  # points, up to which each has a dot
_SPAN: Final = 1000  # units of a stretched drawing, both ways
_HEAD: Final = 34  # pixels over a panel for its label
_FOOT: Final = 26  # pixels under the last panel for the dates
_STRIP: Final = 34  # pixels of one row of intervals


@dataclass(frozen=True, slots=True)
class Panel:
    """
    One strip of a chart over sessions, with a scale of its own.

    label:  what it shows, said over the strip
    height: pixels
    lines:  (class name, values), drawn in this order
    bars:   values drawn as columns from zero
    zero:   the scale includes zero, and a line marks it
    """

    label: str
    height: int
    lines: Sequence[tuple[str, Values]] = ()
    bars: Values = ()
    zero: bool = False

    @property
    def values(self) -> list[float]:
        """Every figure that can be drawn."""
        every = [*self.bars, *(value for _, line in self.lines for value in line)]
        return [value for value in every if drawable(value)]

    @property
    def room(self) -> int:
        """The pixels it takes: little when there is nothing to draw."""
        return self.height if self.values else _STRIP


def sessions(
    title: str,
    description: str,
    dates: Sequence[str],
    panels: Sequence[Panel],
    shaded: Sequence[tuple[int, int]] = (),
) -> Html:
    """
    Return panels one under the other over one axis of sessions, oldest at the left.

    shaded: [first, last] positions of sessions drawn on a ground of their own
    """
    bottom = sum(_HEAD + panel.room for panel in panels)
    drawn: list[Html] = [_shade(first, last, len(dates), bottom) for first, last in shaded]
    top = 0
    for panel in panels:
        drawn.append(_panel(panel, top + _HEAD, len(dates)))
        top += _HEAD + panel.room
    drawn += [_date(place, label, extra, bottom) for place, label, extra in _dates(dates)]
    return _svg(title, description, bottom + _FOOT, drawn)


def interval(
    scale: Scale,
    title: str,
    point: float | None,
    ends: Sequence[float | None],
    other: float | None,
    marks: Sequence[float],
) -> Html:
    """
    Return one row of a forest plot: an interval with its point, another point under it.

    marks: figures marked by a dashed line from top to bottom; zero always has a solid one
    """
    drawn = [_upright(scale, mark, "mark", _STRIP) for mark in marks]
    drawn.append(_upright(scale, 0.0, "zero", _STRIP))
    if len(ends) == 2 and ends[0] is not None and ends[1] is not None:
        drawn.append(_level(scale, ends[0], ends[1], 13, "interval"))
    if point is not None:
        x = scale.at(point)
        drawn.append(
            tag("rect", class_="point", x=x, y=9, width=8, height=8, transform="translate(-4 0)")
        )
    if other is not None:
        drawn.append(tag("circle", class_="other", cx=scale.at(other), cy=25, r=4))
    return tag("svg", tag("title", title), *drawn, height=_STRIP, aria_hidden="true")


def axis(scale: Scale) -> Html:
    """Return the labels of the ends and of zero, for under rows of intervals."""
    return tag(
        "svg", *_labels(scale, (scale.low, 0.0, scale.high), 16), height=22, aria_hidden="true"
    )


def band(
    title: str, description: str, quantiles: Mapping[float, float], observed: float | None
) -> Html:
    """
    Return a distribution as nested bands between symmetric quantiles, and the observed figure.

    quantiles: level in (0, 1) to value; a level without its counterpart makes no band
    """
    if not quantiles and observed is None:
        return _svg(title, description, 40, [_nothing(20)])
    scale = scale_of([0.0, *quantiles.values(), observed])
    drawn = [
        _level(scale, quantiles[level], quantiles[other], 44, "band")
        for level in sorted(quantiles)
        if level < 0.5 and (other := _counterpart(level, quantiles)) is not None
    ]
    drawn.append(_upright(scale, 0.0, "zero", 70, top=22))
    if observed is not None:
        drawn.append(_upright(scale, observed, "observed", 70, top=4))
        drawn.append(_beside(scale, observed, f"observed {signed(observed)}", 16))
    return _svg(title, description, 96, [*drawn, *_labels(scale, scale.ticks(), 88)])


def _svg(title: str, description: str, height: float, drawn: Iterable[Html]) -> Html:
    about = (tag("title", title), tag("desc", description))
    return tag("svg", *about, *drawn, class_="chart", role="img", height=f"{height:g}")


def _panel(panel: Panel, top: int, count: int) -> Html:
    """Return the label, grid, bars and lines of one panel whose plot begins at `top`."""
    label = tag("text", panel.label, class_="label", x=0, y=top - 13)
    values, height = panel.values, panel.height
    if not values:
        return tag("g", label, _nothing(top + panel.room / 2))
    scale = scale_of([*values, 0.0] if panel.zero else values, 3)
    paths = [tag("path", class_="bars", d=_columns(panel.bars, scale, count))] if panel.bars else []
    paths += [tag("path", class_=name, d=_path(line, scale, count)) for name, line in panel.lines]
    box = f"0 0 {_SPAN} {_SPAN}"
    stretched = {"viewBox": box, "preserveAspectRatio": "none", "width": "100%", "height": height}
    dots = [dot for line in panel.lines for dot in _dots(*line, scale, top, height)]
    return tag(
        "g", *_grid(scale, top, height), tag("svg", *paths, y=top, **stretched), *dots, label
    )


def _dots(name: str, values: Values, scale: Scale, top: int, height: int) -> Iterator[Html]:
    """Yield a dot for each value of a short line, which may be too broken to be seen as one."""
    for place, value in enumerate(values if len(values) <= _FEW else ()):
        if drawable(value):
            x, y = length((place + 0.5) / len(values)), top + height * (1 - scale.share(value))
            yield tag("line", class_=f"{name} dot", x1=x, x2=x, y1=f"{y:.1f}", y2=f"{y:.1f}")


def _grid(scale: Scale, top: int, height: int) -> Iterator[Html]:
    for value in scale.ticks():
        y = f"{top + height * (1 - scale.share(value)):.1f}"
        kind = "zero" if abs(value) < scale.step / 1e6 else "grid"
        yield tag("line", class_=kind, x1=0, x2="100%", y1=y, y2=y)
        yield tag("text", scale.text(value), x=0, y=y, dx=-8, dy="0.35em", text_anchor="end")


def _path(values: Values, scale: Scale, count: int) -> str:
    """Return a line through the known values, broken where one is not known."""
    parts: list[str] = []
    broken = True
    for place, value in _thinned(values):
        if value is None:
            broken = True
            continue
        x, y = (place + 0.5) / count * _SPAN, (1 - scale.share(value)) * _SPAN
        # A point alone is a line of no length; its round cap makes it a dot.
        parts.append(f"M{x:.1f} {y:.0f}h0" if broken else f"L{x:.1f} {y:.0f}")
        broken = False
    return "".join(parts)


def _thinned(values: Values) -> Iterator[tuple[int, float | None]]:
    """Yield (place, value); of a long line the least and the greatest of each stretch."""
    known = [value if drawable(value) else None for value in values]
    size = 1 if len(known) <= _MOST else math.ceil(len(known) / (_MOST // 2))
    for start in range(0, len(known), size):
        stretch = [
            (value, place)
            for place, value in enumerate(known[start : start + size], start)
            if value is not None
        ]
        if not stretch:
            yield start, None
        for place in sorted({min(stretch)[1], max(stretch)[1]} if stretch else ()):
            yield place, known[place]


def _columns(values: Values, scale: Scale, count: int) -> str:
    """Return the outline of columns side by side; of many sessions, the mean of each stretch."""
    size = math.ceil(len(values) / (_MOST // 2))
    base = (1 - scale.share(0.0)) * _SPAN
    parts = [f"M0 {base:.0f}"]
    for start in range(0, len(values), size):
        known = [value for value in values[start : start + size] if drawable(value)]
        height = scale.share(sum(known) / len(known) if known else 0.0)
        right = min(start + size, len(values)) / count * _SPAN
        parts.append(f"V{(1 - height) * _SPAN:.0f}H{right:.1f}")
    return "".join([*parts, f"V{base:.0f}Z"])


def _shade(first: int, last: int, count: int, bottom: int) -> Html:
    x, width = length(first / count), length((last + 1 - first) / count)
    return tag("rect", class_="gap", x=x, y=_HEAD, width=width, height=bottom - _HEAD)


def _dates(dates: Sequence[str]) -> Iterator[tuple[float, str, bool]]:
    """Yield (share of the width, label, can be left out on a narrow page)."""
    starts = [
        (place, 12 * int(day[:4]) + int(day[5:7]) - 1)
        for place, day in enumerate(dates)
        if (dates[place - 1][:7] != day[:7] if place else day[8:] <= "07")
    ]
    chosen = _even(dates)
    if len(starts) > 3:
        step = next(s for s in (1, 2, 3, 6, 12, 24, 60, 1200) if len(starts) / s <= 8)
        letters = 4 if step >= 12 else 7
        chosen = [(place, dates[place][:letters]) for place, month in starts if month % step == 0]
    for number, (place, label) in enumerate(chosen):
        yield (place + 0.5) / len(dates), label, number % 2 == 1


def _even(dates: Sequence[str]) -> list[tuple[int, str]]:
    """Return up to four sessions at even distances, by their whole date."""
    gaps = min(3, len(dates) - 1)
    places = [round(n * (len(dates) - 1) / gaps) for n in range(gaps + 1)] if gaps > 0 else [0]
    return [(place, dates[place]) for place in places] if dates else []


def _date(share: float, label: str, extra: bool, bottom: int) -> Html:
    x = length(share)
    mark = tag("line", class_="grid", x1=x, x2=x, y1=bottom, y2=bottom + 5)
    text = tag("text", label, x=x, y=bottom + 19, text_anchor=_anchor(share))
    return tag("g", mark, text, class_="extra" if extra else None)


def _labels(scale: Scale, values: Iterable[float], y: int) -> Iterator[Html]:
    for value in values:
        share = scale.share(value)
        text = scale.text(value)
        yield tag("text", text, x=length(share), y=y, text_anchor=_anchor(share))


def _anchor(share: float) -> str:
    """Return how a label holds on to its place, so that those at the edges stay inside."""
    return "start" if share < 0.04 else "end" if share > 0.96 else "middle"


def _upright(scale: Scale, value: float, kind: str, bottom: int, top: int = 0) -> Html:
    x = scale.at(value)
    return tag("line", class_=kind, x1=x, x2=x, y1=top, y2=bottom)


def _beside(scale: Scale, value: float, text: str, y: int) -> Html:
    """Return a label on that side of an upright line where there is more room."""
    dx, anchor = (8, "start") if scale.share(value) < 0.5 else (-8, "end")
    return tag("text", text, class_="strong", x=scale.at(value), y=y, dx=dx, text_anchor=anchor)


def _level(scale: Scale, low: float, high: float, y: int, kind: str) -> Html:
    return tag("line", class_=kind, x1=scale.at(low), x2=scale.at(high), y1=y, y2=y)


def _counterpart(level: float, quantiles: Mapping[float, float]) -> float | None:
    return next((other for other in quantiles if abs(level + other - 1) < 1e-9), None)


def _nothing(y: float) -> Html:
    return tag(
        "text", "no figures to draw", class_="nothing", x="50%", y=f"{y:g}", text_anchor="middle"
    )
