"""The matcher against a slow reader that goes through companies and letters one by one."""

import math
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from wordstreet.transform.match import Matcher
from wordstreet.watchlist import Company, Watchlist

COMPANIES = (
    Company("T", "AT&T", aliases=("AT and T",), handles=("ATT",), exclude=("at&t park",)),
    Company(
        "AAPL",
        "Apple",
        aliases=("Apple Inc",),
        handles=("Apple",),
        exclude=("apple pie", "pie apple"),
    ),
    Company("GOOGL", "Alphabet", aliases=("Google", "GOOG"), exclude=("google it",)),
    Company("APLE", "Apple Hospitality"),
    Company("BAC", "Bank of America", exclude=("bank of america stadium",)),
    Company("NESN", "Nestlé", exclude=("nestlé street",)),
    Company("NOW", "Now Inc", handles=("now",)),
)
MATCHER = Matcher(Watchlist(COMPANIES))
SHORT_OR_WORDS = {"T", "NOW"}

PIECES = [
    *("AT&T", "at&t park", "AT and T", "apple", "Apple", "APPLE", "Apple Inc", "Apple Hospitality"),
    *(
        "pie",
        " pie",
        "Google",
        "google it",
        "GOOG",
        "alphabet",
        "Bank of America",
        "bank of america",
    ),
    *("stadium", "Nestlé", "NESTLÉ", "nestlé street", "Now Inc", "now"),
    *(
        "$T",
        "$t",
        "$AAPL",
        "$aapl",
        "$GOOG",
        "$NOW",
        "$Now",
        "$A",
        "@ATT",
        "@Apple",
        "@now",
        "@apple",
    ),
    *(
        "#",
        "$",
        "@",
        "_",
        ".",
        ",",
        "!",
        "?",
        "'",
        "-",
        "/",
        "|",
        "*",
        "(",
        ")",
        ":",
        "é",
        "я",
        "7",
        "a",
    ),
    *(
        "S",
        "AB",
        "€",
        "🚀",
        "株",
        "の",
        "가",
        "\u0301",
        "…",
        "https://",
        "http://e.com/",
        "www.",
        ".com",
    ),
    *(" ", " ", " ", " ", "  ", "\n", "\u00a0", "x", "İ"),
]


class Span(NamedTuple):
    """One finding of the slow reader."""

    start: int
    end: int
    kind: str
    ticker: str
    sure: float


def is_word(letter: str) -> bool:
    """Tell whether a letter continues a word."""
    if re.match("CJK|HIRAGANA|KATAKANA|HANGUL|THAI", unicodedata.name(letter, "")):
        return False
    return letter == "_" or unicodedata.category(letter)[0] in "LNM"


def places(text: str, words: str) -> Iterator[tuple[int, int]]:
    """Yield where words stand in any case, overlapping ones too, as words of their own."""
    pattern = re.compile(f"(?={re.escape(words)})", re.IGNORECASE)
    for found in pattern.finditer(text):
        start, end = found.start(), found.start() + len(words)
        before, after = text[:start][-1:], text[end : end + 1]
        if not (before and is_word(before)) and not (after and is_word(after)):
            yield start, end


def in_link(text: str, start: int) -> bool:
    """Tell whether a place lies behind the mark of a link, nothing blank or foreign between."""
    marks = re.finditer(r"://|www\.", text, re.IGNORECASE)
    return any(
        re.fullmatch("[!-~]*", text[mark.start() : start + 1])
        for mark in marks
        if mark.start() <= start
    )


def is_address(rest: str) -> bool:
    """Tell whether a name goes on as a domain or an address."""
    return re.match("[.][a-z0-9]|@[A-Za-z0-9_]", rest) is not None


def stands_apart(before: str, rest: str) -> bool:
    """Tell whether a symbol has no sign at its sides with which masked words are written."""
    after = rest[:1]
    plain = [
        not letter
        or letter in allowed
        or (not letter.isascii() and unicodedata.category(letter)[0] != "S")
        for letter, allowed in ((before, " ([{\"',;:/|->+."), (after, " )]}\"',;:/|-<.!?"))
    ]
    return all(plain) and not re.match("[!?][A-Za-z0-9_]", rest)


def cashtags(text: str, company: Company, listed: list[str]) -> Iterator[Span]:
    """Yield the symbols of a company in a text."""
    risky = company.ticker in SHORT_OR_WORDS
    for symbol in [company.ticker, *(alias for alias in company.aliases if alias == "GOOG")]:
        for start, end in places(text, f"${symbol}"):
            before, rest = text[:start][-1:], text[end:]
            share_class = re.match("[.][A-Z]{1,2}(?![A-Za-z0-9_])", rest)
            if before == "$" or share_class or in_link(text, start):
                continue
            sure = 0.9
            if risky:
                as_written = text[start:end] == f"${symbol}" and not listed
                sure = 0.6 if as_written and stands_apart(before, rest) else 0.4
            yield Span(start, end, "cashtag", company.ticker, sure)


def handles(text: str, company: Company) -> Iterator[Span]:
    """Yield the accounts of a company in a text."""
    for handle in company.handles:
        for start, end in places(text, f"@{handle}"):
            if text[:start][-1:] != "@" and not is_address(text[end:]) and not in_link(text, start):
                yield Span(start, end, "handle", company.ticker, 0.85)


def name_sure(name: str, found: str) -> float:
    """Return how sure the case of a name makes."""
    if not name.isalnum() or found == name:
        return 0.8
    return 0.5 if found == found.lower() else 0.65


def names(text: str, company: Company) -> Iterator[Span]:
    """Yield the names of a company in a text, in excluded phrases and longer names, too."""
    for kind, name in [("name", company.name), *(("alias", alias) for alias in company.aliases)]:
        together = name.replace(" ", "")
        hashtag = [f"#{together}"] if together != name and together.isalnum() else []
        for form in [name, *hashtag]:
            for start, end in places(text, form):
                if (
                    text[:start][-1:] in ("$", "@")
                    or is_address(text[end:])
                    or in_link(text, start)
                ):
                    continue
                yield Span(start, end, kind, company.ticker, name_sure(name, text[start:end]))


def read(text: str, listed: list[str], rules: list[str]) -> dict[str, tuple[str, float]]:
    """Return evidence and confidence for each ticker, slowly."""
    text = re.sub(r"\s+", " ", text)
    all_names = [span for company in COMPANIES for span in names(text, company)]
    found = {}
    for company in COMPANIES:
        phrases = [place for phrase in company.exclude for place in places(text, phrase)]
        kept = [
            span
            for span in all_names
            if span.ticker == company.ticker
            and not any(
                o.start <= span.start and span.end <= o.end and o[:2] != span[:2] for o in all_names
            )
            and not any(start <= span.start and span.end <= end for start, end in phrases)
        ]
        kept += [*cashtags(text, company, listed), *handles(text, company)]
        own = {company.ticker, *(alias for alias in company.aliases if alias == "GOOG")}
        kept += [Span(0, 0, "cashtag", company.ticker, 0.95) for tag in listed if tag in own]
        best = {
            kind: max(s.sure for s in kept if s.kind == kind) for kind in {s.kind for s in kept}
        }
        if not best and {company.ticker, f"wordstreet:{company.ticker}"} & set(rules):
            best = {"rule": 0.3}
        if best:
            kind = max(
                ("cashtag", "handle", "name", "alias", "rule"), key=lambda kind: best.get(kind, 0)
            )
            sure = 1 - math.prod(1 - value for value in best.values())
            found[company.ticker] = (kind, round(sure, 4))
    return found


POSTS = st.tuples(
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
    st.lists(st.sampled_from(["T", "GOOG", "AAPL", "ZZZ"]), max_size=2),
    st.lists(st.sampled_from(["T", "wordstreet:BAC", "ko", ""]), max_size=2),
)


@settings(max_examples=1500, deadline=None)
@given(st.lists(POSTS, min_size=1, max_size=6))
def test_matcher_finds_what_the_slow_reader_finds(
    posts: list[tuple[str, list[str], list[str]]],
) -> None:
    """Any batch of made-up posts gives the same companies, evidence and confidence in the same order."""
    lists = pa.list_(pa.string())
    texts, listed, rules = zip(*posts, strict=True)
    found = MATCHER.match(pa.array(texts), pa.array(listed, lists), pa.array(rules, lists))
    ours = [
        (row["row"], row["ticker"], row["evidence"], round(row["confidence"], 4))
        for row in found.to_pylist()
    ]

    assert ours == [
        (place, ticker, *evidence)
        for place, post in enumerate(posts)
        for ticker, evidence in read(*post).items()
    ]
