"""The page: what a person reads, from the verdict down to what rebuilds it."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any, Final

from wordstreet.report import evidence, ground
from wordstreet.report.tags import Html, count, decimal, facts, join, tag

__all__ = ["render"]

Figures = Mapping[str, Any]

_MEANING: Final = {
    "EVIDENCE": (
        "●",
        "An association in this sample that also held on sessions kept aside. It is not advice.",
    ),
    "SUGGESTIVE": (
        "◐",
        "Something showed in training; a later gate did not confirm it. A reason to collect more.",
    ),
    "REACTION_ONLY": (
        "↔",
        "Opinion and price move in the same session. Nothing was found for the sessions after it.",
    ),
    "NO_EVIDENCE": ("○", "The study looked properly and found no link. That is a result."),
    "INSUFFICIENT_DATA": ("…", "There was too little to judge by, and no guess is made."),
    "INVALID": ("✕", "A check of the data failed, so none of the figures below can be relied on."),
}

_LIMITS: Final = (
    "Cause. Opinion and price may both follow something a third party knew first.",
    "Profit. Trading costs, spreads, borrowing and taxes are not in these figures.",
    "Other companies and other years. The watchlist was chosen by someone who knew which "
    "companies are still there.",
    "Anything faster than a session. Prices are daily; what happens within the day is not seen.",
    "What the public thinks. People who post are few and not typical, and a scorer misses irony.",
    "What was deleted. Posts taken back by their authors are left out, as they must be.",
)


def render(figures: Figures) -> str:
    """
    Return the whole page as one text of HTML, which needs nothing else to be read.

    figures: as `figures.figures` made them; every figure shown is one of theirs
    """
    title = f"{figures['verdict']} · wordstreet study {figures['run_id']}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        tag("style", Html(_style())),
    )
    body = tag("body", tag("main", *_parts(figures)))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def _style() -> str:
    return resources.files("wordstreet.report").joinpath("style.css").read_text("utf-8")


def _parts(figures: Figures) -> Iterator[Html]:
    yield tag(
        "header",
        tag("strong", "wordstreet"),
        tag("span", f"Does opinion go with later prices?{_span(figures)}"),
        tag("code", f"run {figures['run_id']}"),
    )
    if figures["simulated"] is not None:
        yield _banner(figures["simulated"])
    yield _verdict(figures)
    yield evidence.opinion(figures)
    yield evidence.tests(figures)
    yield evidence.checks(figures)
    yield ground.coverage(figures)
    if figures["warnings"]:
        warnings = tag("ul", *(tag("li", text) for text in figures["warnings"]))
        yield tag("section", tag("h2", "Warnings"), warnings, class_="warnings", id="warnings")
    yield _limits(figures)
    yield ground.provenance(figures)


def _span(figures: Figures) -> str:
    return f" · {figures['from']} to {figures['to']}" if figures["from"] and figures["to"] else ""


def _banner(simulated: Figures) -> Html:
    text = join(
        tag("strong", "Simulated data. "),
        f"No post, person, company or price on this page is real. World: {simulated['world']}. "
        f"Planted truth: {simulated['truth']}.",
    )
    return tag("section", tag("p", text), class_="banner")


def _verdict(figures: Figures) -> Html:
    verdict = figures["verdict"]
    symbol, meaning = _MEANING[verdict]
    name = tag("p", tag("span", symbol, aria_hidden="true"), verdict, class_="name")
    reasons = tag("ul", *(tag("li", text) for text in figures["reasons"]))
    return tag(
        "section",
        name,
        tag("h1", figures["sentence"]),
        reasons if figures["reasons"] else None,
        tag("p", meaning, _warned(figures["warnings"]), class_="note"),
        _size(figures),
        class_=f"verdict {verdict}",
    )


def _warned(warnings: Sequence[str]) -> Html | None:
    if not warnings:
        return None
    text = "one warning" if len(warnings) == 1 else f"{len(warnings)} warnings"
    return join(" Read it with the ", tag("a", text, href="#warnings"), ".")


def _size(figures: Figures) -> Html:
    keys = ("companies", "sessions", "posts", "authors")
    return facts(
        [
            *((key, count(figures[key])) for key in keys),
            ("tests in the family", count(len(figures["tests"]))),
            ("smallest IC it would find, 4 times in 5", decimal(figures["min_detectable_ic"])),
        ]
    )


def _limits(figures: Figures) -> Html:
    smallest = figures["min_detectable_ic"]
    texts = list(_LIMITS)
    if smallest is not None:
        texts.append(f"Links much weaker than an IC of {decimal(smallest)}. They stay unseen.")
    items = tag("ul", *(tag("li", text) for text in texts))
    return tag("section", tag("h2", "What this cannot tell you"), items, class_="limits")
