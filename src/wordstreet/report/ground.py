"""The sections on what the figures rest on: the data's coverage, and what rebuilds the page."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from wordstreet.report import charts
from wordstreet.report.tags import UNKNOWN, Html, count, facts, percent, table, tag, when

__all__ = ["coverage", "provenance"]

Figures = Mapping[str, Any]

_SHOWN: Final = 50
"""Gaps listed on the page; a bad month has thousands, and the JSON file has them all."""

_ORIGINS: Final = {
    "stream": "as they appeared",
    "search": "found by search, later",
    "backfill": "fetched later",
    "replay": "from a file; nobody witnessed its times",
}


def coverage(figures: Figures) -> Html:
    """Return what was collected, what was not and what was set aside."""
    covered = figures["coverage"]
    per_session = covered["posts_per_session"]
    bars = charts.Panel("Posts per session", 96, bars=per_session["counts"], zero=True)
    words = f"{count(figures['posts'])} posts over {count(figures['sessions'])} sessions."
    return tag(
        "section",
        tag("h2", "Data coverage"),
        _size(figures),
        tag("figure", charts.sessions("Posts per session", words, per_session["dates"], [bars])),
        tag("div", _sources(figures["sources"]), _filters(figures["filters"]), class_="pair"),
        _companies(covered["per_company"]),
        _gaps(covered["gaps"]),
    )


def _size(figures: Figures) -> Html:
    return facts(
        [
            ("of the time collected", percent(figures["coverage"]["share"])),
            ("gaps", count(len(figures["coverage"]["gaps"]))),
            ("records that could not be read", count(figures["rejects"])),
            ("posts and accounts deleted since", count(figures["deletions"])),
        ]
    )


def _sources(sources: Sequence[Figures]) -> Html:
    rows = [(_word(row["source"]), _origin(row["origin"]), count(row["posts"])) for row in sources]
    return _table("Where the posts came from", ("source", "how", "posts"), rows, words=2)


def _origin(origin: str | None) -> str:
    return f"{_word(origin)}: {_ORIGINS[origin]}" if origin in _ORIGINS else _word(origin)


def _filters(filters: Sequence[Figures]) -> Html:
    rows = [(_word(row["name"]), count(row["removed"])) for row in filters]
    return _table("Mentions that filters removed", ("filter", "removed"), rows)


def _companies(companies: Sequence[Figures]) -> Html:
    keys = ("posts", "mentions", "sessions_scored", "sessions_priced")
    rows = [
        (_word(row["ticker"]), _word(row["name"]), *(count(row[key]) for key in keys))
        for row in companies
    ]
    heads = (
        "ticker",
        "company",
        "posts",
        "mentions",
        "sessions with opinion",
        "sessions with a price",
    )
    return _table("Companies", heads, rows, words=2)


def _gaps(gaps: Sequence[Figures]) -> Html:
    rows = [
        (
            _word(gap["source"]),
            when(gap["from"]),
            when(gap["to"]),
            _word(gap["reason"]),
            count(gap["lost"]),
        )
        for gap in gaps[:_SHOWN]
    ]
    more = (
        f": the first {_SHOWN} of {count(len(gaps))}, all are in report.json"
        if len(gaps) > _SHOWN
        else ""
    )
    return _table(
        f"Gaps{more}", ("source", "from (UTC)", "to (UTC)", "reason", "posts lost"), rows, words=4
    )


def provenance(figures: Figures) -> Html:
    """Return the data, settings, scorer and code from which the same page can be made again."""
    scorer, code = figures["scorer"], figures["code"] or {}
    made_by = [
        ("run id", figures["run_id"]),
        ("wordstreet", _word(code.get("version"))),
        ("digest of its source", _word(code.get("digest"))),
        ("scorer", f"{_word(scorer['id'])} {_word(scorer['version'])}"),
        ("its accuracy, measured", scorer["accuracy"] or "not measured"),
        *((name, _word(value)) for name, value in (figures["settings"] or {}).items()),
    ]
    snapshot = [
        (name, _word(entry.get("version")), count(entry.get("rows")))
        for name, entry in (figures["snapshot"] or {}).items()
    ]
    return tag(
        "footer",
        tag("h2", "Where these figures come from"),
        tag(
            "p",
            "The same data, settings and code give the same run id and the same page, byte for "
            "byte. report.json beside this page has every figure on it.",
        ),
        tag(
            "div",
            _table("Code, scorer and settings", ("what", "value"), made_by, words=2),
            _table("Data read", ("table", "version", "rows"), snapshot),
            class_="pair",
        ),
    )


def _table(
    caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1
) -> Html:
    return table(caption, heads, rows or [("none", *("" for _ in heads[1:]))], words)


def _word(value: object) -> str:
    return UNKNOWN if value is None else str(value)
