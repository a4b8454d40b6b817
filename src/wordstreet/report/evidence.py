"""The sections that argue: opinion against price, every test with its interval, the placebo."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from wordstreet.report import charts
from wordstreet.report.scale import Scale, scale_of
from wordstreet.report.tags import Html, chance, count, decimal, percent, signed, tag

__all__ = ["checks", "opinion", "tests"]

Figures = Mapping[str, Any]

_LEVEL: Final = 0.05


def opinion(figures: Figures) -> Html:
    """Return opinion, price and number of posts over the same sessions, gaps shaded."""
    series = figures["charts"]["opinion_price"]
    panels = [
        charts.Panel(
            "Mean opinion · bold: last 20 sessions",
            150,
            [("daily", series["opinion"]), ("opinion", series["smoothed"])],
            zero=True,
        ),
        charts.Panel("Price, equal weights", 150, [("price", series["price"])]),
        charts.Panel("Posts per session", 64, bars=series["posts"], zero=True),
    ]
    words = (
        f"Opinion {_range(series['smoothed'], 3)}; price {_range(series['price'], 1)}; "
        f"posts per session {_range(series['posts'], 0)}."
    )
    shaded = shaded_runs(series["dates"], figures["coverage"]["gaps"])
    drawing = charts.sessions("Opinion and price", words, series["dates"], panels, shaded)
    legend = tag("p", tag("span", tag("i"), "a source has a gap here"), class_="legend")
    return tag(
        "section",
        tag("h2", "Opinion and price"),
        tag(
            "p",
            "All companies together. Two lines that look alike prove nothing; the tests are below.",
        ),
        tag("figure", drawing),
        legend if shaded else None,
    )


def shaded_runs(dates: Sequence[str], gaps: Sequence[Figures]) -> list[tuple[int, int]]:
    """Return the runs [first, last] of sessions that gaps touch; one without an end is a point."""
    spans = sorted(
        (bisect_left(dates, start[:10]), bisect_right(dates, (gap["to"] or start)[:10]) - 1)
        for gap in gaps
        if (start := gap["from"] or gap["to"])
    )
    runs: list[tuple[int, int]] = []
    for first, last in spans:
        if runs and first <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], max(last, runs[-1][1]))
        elif first <= last:
            runs.append((first, last))
    return runs


def tests(figures: Figures) -> Html:
    """Return the declared family as a forest plot in a table, and the reaction apart from it."""
    section = [
        tag("h2", "Every test that was declared"),
        tag(
            "p",
            "The information coefficient (IC) is the rank correlation, across companies, of a factor "
            "with the return so many sessions ahead: 0 is no link, 1 a perfect one. q is p corrected "
            "for the number of tests, shift p comes from the placebo. Bold is 0.05 or less.",
        ),
        _legend(),
        _forest(figures["tests"], figures["min_detectable_ic"], figures["reaction"]),
    ]
    if figures["close_to_close"]:
        section += [
            tag("h3", "The same tests from close to close"),
            tag(
                "p",
                "Bought at the close of the same session, as few can. Not part of the family.",
            ),
            _forest(figures["close_to_close"], figures["min_detectable_ic"], None),
        ]
    return tag("section", *section)


def _legend() -> Html:
    return tag(
        "p",
        _key("training, 95 % interval", _line("interval", 0, 26), _square(13)),
        _key("out of sample", tag("circle", class_="other", cx=13, cy=7, r=4)),
        _key("smallest IC it would find", tag("line", class_="mark", x1=13, x2=13, y1=0, y2=14)),
        class_="legend",
    )


def _key(text: str, *drawn: Html) -> Html:
    return tag("span", tag("svg", *drawn, height=14, aria_hidden="true"), text)


def _line(kind: str, start: int, end: int) -> Html:
    return tag("line", class_=kind, x1=start, x2=end, y1=7, y2=7)


def _square(x: int) -> Html:
    return tag("rect", class_="point", x=x - 4, y=3, width=8, height=8)


def _forest(rows: Sequence[Figures], smallest: float | None, reaction: Figures | None) -> Html:
    """
    Return a table with one row a test; the intervals of all rows share one scale.

    reaction: the row apart; None for tests outside the family, which have no q either
    """
    marks = [] if smallest is None else [-smallest, smallest]
    ends = [end for row in rows for end in (row["ci"] or ())]
    others = [row["oos"]["ic"] for row in rows if row["oos"]]
    scale = _symmetric([*marks, *ends, *others, *(row["ic"] for row in rows)])
    body = [_test(row, scale, marks) for row in rows]
    foot = tag("td", charts.axis(scale), class_="strip")
    body.append(tag("tr", tag("td", colspan=2), foot, aria_hidden="true"))
    whole = tag(
        "table",
        _heads(with_q=reaction is not None),
        tag("tbody", *body) if rows else tag("tbody", _NO_TEST),
        None if reaction is None else tag("tbody", _reaction(reaction)),
        class_="forest",
    )
    return tag("div", whole, class_="wide", tabindex=0)


def _symmetric(values: Iterable[float | None]) -> Scale:
    """Return a scale with zero in its middle, so that neither direction looks the stronger."""
    furthest = max((abs(value) for value in values if value is not None), default=0.0)
    return scale_of((-furthest, furthest), 6)


def _heads(*, with_q: bool) -> Html:
    training = ["IC", "95 % interval", "t", "p", *(["q"] if with_q else []), "shift p", "n"]
    once = ["IC", "t", "p", "n"]
    above = (
        tag("td", colspan=3),
        tag("th", "training", colspan=len(training), scope="colgroup", class_="over"),
        tag("th", "out of sample, once", colspan=len(once), scope="colgroup", class_="over"),
    )
    words = (tag("th", name, scope="col") for name in ("factor", "ahead", "IC and interval"))
    figures = (tag("th", name, scope="col", class_="n") for name in (*training, *once))
    return tag("thead", tag("tr", *above), tag("tr", *words, *figures))


_NO_TEST: Final = tag("tr", tag("td", "no test could be run", colspan=14))


def _test(row: Figures, scale: Scale, marks: Sequence[float]) -> Html:
    oos = row["oos"] or dict.fromkeys(("ic", "t", "p", "n", "same_sign"))
    low, high = row["ci"] or (None, None)
    between = f"{decimal(low)} to {decimal(high)}"
    title = f"IC {signed(row['ic'])}, 95 % interval {between}; out of sample {signed(oos['ic'])}"
    drawing = charts.interval(scale, title, row["ic"], (low, high), oos["ic"], marks)
    return tag(
        "tr",
        tag("th", row["factor"], scope="row"),
        tag("td", count(row["horizon"])),
        tag("td", drawing, class_="strip"),
        _cell(signed(row["ic"])),
        _cell(between),
        _cell(signed(row["t"], 2)),
        _cell(chance(row["p"])),
        _cell(chance(row["q"]), _small(row["q"])) if "q" in row else None,
        _cell(chance(row["shift_p"]), _small(row["shift_p"])),
        _cell(count(row["n"])),
        _cell(signed(oos["ic"])),
        _cell(signed(oos["t"], 2)),
        _cell(chance(oos["p"]), bool(oos["same_sign"]) and _small(oos["p"])),
        _cell(count(oos["n"])),
    )


def _reaction(reaction: Figures) -> Html:
    return tag(
        "tr",
        tag("th", "reaction", scope="row"),
        tag("td", "same session: reaction, not foresight", colspan=2, class_="said"),
        _cell(signed(reaction["ic"])),
        tag("td"),
        _cell(signed(reaction["t"], 2)),
        _cell(chance(reaction["p"])),
        tag("td", colspan=2),
        _cell(count(reaction["n"])),
        tag("td", colspan=4),
        class_="apart",
    )


def _cell(text: str, passed: bool = False) -> Html:
    return tag("td", text, class_="n passed" if passed else "n")


def _small(value: float | None) -> bool:
    return value is not None and value <= _LEVEL


def checks(figures: Figures) -> Html:
    """Return what chance alone gives beside what was found, and whether it held over time."""
    drawn = figures["charts"]
    return tag(
        "section",
        tag("h2", "Is it more than chance, and did it last?"),
        tag("div", _placebo(drawn["placebo"]), _history(drawn["ic_series"]), class_="pair"),
    )


def _placebo(placebo: Figures) -> Html:
    quantiles = {row["level"]: row["value"] for row in placebo["quantiles"] if _whole(row)}
    words = _placebo_words(placebo, quantiles)
    drawing = charts.band("The placebo", words, quantiles, placebo["observed"])
    return tag(
        "div",
        tag("h3", f"The placebo{_which(placebo)}"),
        tag("p", words, class_="note"),
        tag("figure", drawing, class_="plain"),
    )


def _placebo_words(placebo: Figures, quantiles: Mapping[float, float]) -> str:
    if not quantiles:
        return "No placebo was run."
    shares = [percent(1 - 2 * level) for level in sorted(quantiles, reverse=True) if level < 0.5]
    return (
        f"Opinion moved against prices in time by {count(placebo['shifts'])} shifts: the mean ICs "
        f"that are left when any true link is broken. The bands hold the middle "
        f"{' and '.join(shares)} of them. "
        f"Observed: IC {signed(placebo['observed'])}, shift p {chance(placebo['p'])}."
    )


def _whole(row: Figures) -> bool:
    return row["level"] is not None and row["value"] is not None


def _history(series: Figures) -> Html:
    panel = charts.Panel(
        "IC of each session · bold: running mean",
        150,
        [("ic", series["ic"]), ("mean", series["running"])],
        zero=True,
    )
    words = f"Running mean of the IC {_range(series['running'], 3)}."
    return tag(
        "div",
        tag("h3", f"IC over time{_which(series)}"),
        tag("p", "A link that is real does not live in one month only.", class_="note"),
        tag("figure", charts.sessions("IC over time", words, series["dates"], [panel])),
    )


def _which(part: Figures) -> str:
    """Return for which test a chart was drawn, as far as that is known."""
    known = [str(part[key]) for key in ("factor", "horizon") if part[key] is not None]
    return f" · {' '.join(known)}" if known else ""


def _range(values: Sequence[float | None], places: int) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "not known"
    low, high, last = (decimal(value, places) for value in (min(known), max(known), known[-1]))
    return f"from {low} to {high}, at last {last}"
