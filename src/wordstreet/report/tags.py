"""Elements and figures as HTML text; what is not made by `tag` is escaped when it enters one."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

__all__ = [
    "UNKNOWN",
    "Html",
    "chance",
    "count",
    "decimal",
    "facts",
    "join",
    "percent",
    "signed",
    "table",
    "tag",
    "when",
]

UNKNOWN: Final = "–"
"""Stands wherever a figure is not known."""

_EMPTY: Final = {"meta", "link", "path", "line", "rect", "circle"}


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(element: str, *children: object, **attributes: object) -> Html:
    """
    Return one element around its children.

    Children that are not `Html` are escaped, None is left out of children and attributes. An
    attribute name is written with `_` for `-`; one at its end keeps it apart from Python's words.
    """
    opening = element + "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if element in _EMPTY:
        return Html(f"<{opening}/>")
    return Html(f"<{opening}>{join(*children)}</{element}>")


def join(*children: object) -> Html:
    """Return the children one after the other, those escaped that are not `Html`."""
    return Html(
        "".join(
            child if isinstance(child, Html) else escape(str(child))
            for child in children
            if child is not None
        )
    )


def table(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1
) -> Html:
    """
    Return a table that scrolls by itself where the page is too narrow.

    words: how many columns from the left hold words; the others hold figures, aligned right
    """
    kinds = [None if place < words else "n" for place in range(len(heads))]
    head = tag(
        "tr", *(tag("th", h, scope="col", class_=k) for h, k in zip(heads, kinds, strict=True))
    )
    body = (
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            *(tag("td", c, class_=k) for c, k in zip(row[1:], kinds[1:], strict=True)),
        )
        for row in rows
    )
    whole = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body))
    return tag("div", whole, class_="wide", tabindex=0)


def facts(pairs: Iterable[tuple[str, str]]) -> Html:
    """Return figures that stand by themselves, each over its name."""
    named = (tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs)
    return tag("dl", *named, class_="facts")


def decimal(value: float | None, places: int = 3) -> str:
    """Return the figure with fixed places, a true minus sign and thousands separators."""
    if value is None:
        return UNKNOWN
    text = f"{value:,.{places}f}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    return text.replace("-", "−")


def signed(value: float | None, places: int = 3) -> str:
    """Return the figure with its sign, for what can point either way."""
    text = decimal(value, places)
    return f"+{text}" if value is not None and value > 0 and text.strip("0.,") else text


def chance(value: float | None) -> str:
    """Return a p or q; one that three places cannot show is said to be smaller."""
    return "<0.001" if value is not None and value < 0.001 else decimal(value)


def count(value: float | None) -> str:
    """Return a whole number with thousands separators."""
    return decimal(value, 0)


def percent(share: float | None) -> str:
    """Return a share of 1 as a percentage; nothing short of the whole is called 100.0 %."""
    if share is None:
        return UNKNOWN
    shown = min(share, 0.999) if share < 1 else share
    return f"{decimal(100 * shown, 1)}\u00a0%"


def when(time: str | None) -> str:
    """Return an ISO time as date and minute, without the seconds nobody reads."""
    return UNKNOWN if time is None else time[:16].replace("T", " ")
