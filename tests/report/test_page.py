"""The page: complete in itself, safe, and with the figures of the JSON file."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.report.example import SENTENCES, empty, example

from wordstreet.errors import InputError
from wordstreet.report import render, write
from wordstreet.report.evidence import shaded_runs
from wordstreet.report.figures import figures
from wordstreet.report.tags import UNKNOWN, chance, count, decimal, signed, tag

HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(2)> \"'& Co"


class Outline(HTMLParser):
    """Reads a page: its elements, its text, and whether every element is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that opens."""
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that closes itself."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Refuse an end that is not of the element open last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)

    def named(self, name: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element of that name."""
        return [attributes for element, attributes in self.elements if element == name]


@pytest.mark.parametrize("verdict", SENTENCES)
def test_every_verdict_is_said_first(verdict: str) -> None:
    """The page of each verdict is well formed and opens with the verdict and its sentence."""
    outline = Outline(render(example(verdict)))

    assert outline.open == []
    assert outline.texts.index(verdict) < outline.texts.index(SENTENCES[verdict])
    assert outline.texts.index(SENTENCES[verdict]) < outline.texts.index("Opinion and price")


@pytest.mark.parametrize("verdict", SENTENCES)
def test_study_without_data_is_a_whole_page(verdict: str) -> None:
    """With nothing known the page stands, says so with dashes, and shows no None or nan."""
    outline = Outline(render(empty(verdict)))

    assert UNKNOWN in outline.texts
    assert "no test could be run" in outline.texts
    assert not [text for text in outline.texts[3:] if re.search(r"\b(nan|None|inf)\b", text)]


def numbers(shown: dict[str, Any]) -> Iterator[str]:
    """Yield every figure of the JSON that is no point of a chart, written as people read it."""
    for key in ("companies", "sessions", "posts", "authors", "rejects", "deletions"):
        yield count(shown[key])
    yield decimal(shown["min_detectable_ic"])
    for row in (shown["reaction"], *shown["tests"], *shown["close_to_close"]):
        yield from (signed(row["ic"]), signed(row["t"], 2), chance(row["p"]), count(row["n"]))
    for row in (*shown["tests"], *shown["close_to_close"]):
        yield from (chance(row["shift_p"]), " to ".join(decimal(end) for end in row["ci"]))
        oos = row["oos"]
        yield from (signed(oos["ic"]), signed(oos["t"], 2), chance(oos["p"]), count(oos["n"]))
    yield from (chance(row["q"]) for row in shown["tests"])
    yield from (count(row["posts"]) for row in shown["sources"])
    yield from (count(row["removed"]) for row in shown["filters"])
    for row in shown["coverage"]["per_company"]:
        keys = ("posts", "mentions", "sessions_scored", "sessions_priced")
        yield from (count(row[key]) for key in keys)


def test_page_shows_the_figures_of_the_json() -> None:
    """Every figure of the JSON file can be read on the page."""
    shown = example("SUGGESTIVE")
    texts = set(Outline(render(shown)).texts)

    assert [number for number in numbers(shown) if number not in texts] == []


def test_table_cells_are_only_figures_of_the_json() -> None:
    """No number stands in a table of the page that the JSON file does not have."""
    shown = example("SUGGESTIVE")
    allowed = {*numbers(shown), *_provenance_numbers(shown), UNKNOWN, ""}
    cells = re.findall(r'<td class="n[^"]*">([^<]*)</td>', render(shown))

    assert len(cells) > 200
    assert {cell.replace("&lt;", "<") for cell in cells} <= allowed


def _provenance_numbers(shown: dict[str, Any]) -> Iterator[str]:
    yield from (count(gap["lost"]) for gap in shown["coverage"]["gaps"])
    for table in shown["snapshot"].values():
        yield from (str(table["version"]), count(table["rows"]))


@pytest.mark.parametrize("verdict", SENTENCES)
def test_page_needs_nothing_from_outside(verdict: str) -> None:
    """No script, no frame, and no address but those within the page."""
    page = render(example(verdict))
    outline = Outline(page)
    addresses = [
        value
        for _, attributes in outline.elements
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href", "srcset", "action", "data")
    ]

    assert {element for element, _ in outline.elements}.isdisjoint(
        {"script", "iframe", "object", "embed", "img", "base"}
    )
    assert set(addresses) == {"data:,", "#warnings"}
    assert not re.search(r"https?:|@import|url\(", page)


def hostile() -> dict[str, Any]:
    """Return figures with a hostile text wherever a text can come from outside."""
    part = {"ticker": HOSTILE, "name": HOSTILE}
    gap = {"source": HOSTILE, "from": "2024-01-02T00:00:00Z", "reason": HOSTILE}
    return figures(
        {
            "verdict": "INVALID",
            "sentence": HOSTILE,
            "reasons": [HOSTILE],
            "warnings": [HOSTILE],
            "from": HOSTILE,
            "to": HOSTILE,
            "tests": [{"factor": HOSTILE}],
            "close_to_close": [{"factor": HOSTILE}],
        },
        {"placebo": {"factor": HOSTILE}, "ic_series": {"factor": HOSTILE}},
        {
            "per_company": [part],
            "gaps": [gap],
            "sources": [{"source": HOSTILE, "origin": HOSTILE}],
            "filters": [{"name": HOSTILE}],
        },
        {
            "simulated": {"world": HOSTILE, "truth": HOSTILE},
            "scorer": {"id": HOSTILE, "version": HOSTILE, "accuracy": HOSTILE},
            "settings": {HOSTILE: HOSTILE},
            "snapshot": {HOSTILE: {"version": HOSTILE, "rows": 1}},
            "code": {"version": HOSTILE, "digest": HOSTILE},
        },
    )


def test_hostile_text_stays_text() -> None:
    """Markup in a name, a reason or a setting is shown, never obeyed."""
    outline = Outline(render(hostile()))

    assert outline.open == []
    assert outline.named("script") == outline.named("img") == []
    assert sum(HOSTILE in text for text in outline.texts) >= 20
    assert not [a for _, a in outline.elements if "onerror" in a]


def test_quotes_cannot_leave_an_attribute() -> None:
    """A value with quotes and brackets stays the value of its attribute."""
    made = Outline(tag("p", "x", class_=HOSTILE))

    assert made.elements == [("p", {"class": HOSTILE})]


def test_simulated_data_is_said_before_the_verdict() -> None:
    """The banner names the world and the planted truth; real data has no banner."""
    shown = example("EVIDENCE")
    page = render(shown)

    assert page.index("Simulated data.") < page.index(SENTENCES["EVIDENCE"])
    assert shown["simulated"]["truth"] in page
    assert "Simulated data." not in render(shown | {"simulated": None})


def test_reaction_stands_apart_from_foresight() -> None:
    """The same-session figure is labelled as no foresight and is in no row of a test."""
    page = render(example("REACTION_ONLY"))
    row = re.search(r'<tr class="apart">.*?</tr>', page)

    assert row is not None
    assert "same session: reaction, not foresight" in row[0]
    assert "+0.041" in row[0]


def test_word_of_foresight_needs_evidence() -> None:
    """No page says that opinion predicts prices, whatever the verdict."""
    pages = [render(example(verdict)) for verdict in SENTENCES]

    assert not [page for page in pages if re.search("predict", page, re.IGNORECASE)]


def test_drawings_have_words_and_tables_have_heads() -> None:
    """A reader without eyes on the page gets a title and description, and heads for each column."""
    page = render(example())
    drawings = re.findall(
        r'<svg class="chart" role="img"[^>]*><title>[^<]+</title><desc>[^<]+<', page
    )
    outline = Outline(page)

    assert len(drawings) == page.count('role="img"') == 4
    assert all(a.get("scope") in ("col", "row", "colgroup") for a in outline.named("th"))
    assert page.count("<table") == page.count("<thead>")


def test_same_figures_same_bytes() -> None:
    """A page made twice is the same page."""
    assert render(example()) == render(example())


def test_page_of_thirty_companies_is_small() -> None:
    """Thirty companies over 500 sessions stay under 400 KB, 500 over ten years too."""
    assert len(render(example(companies=30, sessions=500)).encode()) < 400_000
    assert len(render(example(companies=500, sessions=2500)).encode()) < 400_000


def test_gap_list_is_cut_and_says_so() -> None:
    """Thousands of gaps do not bury the page; it says how many there are and where."""
    shown = example()
    shown["coverage"]["gaps"] = shown["coverage"]["gaps"] * 1000
    page = render(shown)

    assert "the first 50 of 4,000, all are in report.json" in page
    assert page.count("cursor too old") < 50


def test_gaps_are_shaded_once_per_run_of_sessions() -> None:
    """Gaps that touch are one run, one on a weekend is none, one of unknown end is where it began."""
    dates = ["2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09", "2024-01-10"]
    gaps = [
        {"from": "2024-01-10T10:00:00Z", "to": None},
        {"from": "2024-01-05T10:00:00Z", "to": "2024-01-08T09:00:00Z"},
        {"from": "2024-01-06T00:00:00Z", "to": "2024-01-07T00:00:00Z"},
        {"from": "2024-01-04T10:00:00Z", "to": "2024-01-05T11:00:00Z"},
        {"from": None, "to": None},
    ]

    assert shaded_runs(dates, gaps) == [(0, 2), (4, 4)]


def test_write_leaves_two_files_and_returns_the_page(tmp_path: Path) -> None:
    """The folder gets the page and the JSON, each whole, and no draft stays behind."""
    shown = example()
    page = write(shown, tmp_path / "reports" / shown["run_id"])

    assert page == tmp_path / "reports" / shown["run_id"] / "report.html"
    assert page.read_text("utf-8") == render(shown)
    assert sorted(path.name for path in page.parent.iterdir()) == ["report.html", "report.json"]


def test_writing_again_replaces_with_the_same_bytes(tmp_path: Path) -> None:
    """The same study written twice leaves the very same two files."""
    first = [path.read_bytes() for path in sorted(write(example(), tmp_path).parent.iterdir())]
    second = [path.read_bytes() for path in sorted(write(example(), tmp_path).parent.iterdir())]

    assert first == second


def test_reader_of_the_old_page_keeps_it_whole(tmp_path: Path) -> None:
    """Who has a page open while it is written anew reads the old one to its end."""
    old = write(example("NO_EVIDENCE"), tmp_path)
    with old.open(encoding="utf-8") as reader:
        write(example("EVIDENCE"), tmp_path)

        assert reader.read() == render(example("NO_EVIDENCE"))


def test_write_that_fails_leaves_no_draft(tmp_path: Path) -> None:
    """When the page cannot be put in its place, nothing half-made lies beside it."""
    (tmp_path / "report.html").mkdir()

    with pytest.raises(InputError, match="cannot write the report"):
        write(example(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """Where the folder should be there is a file: the error names the place, and nothing is left."""
    (tmp_path / "taken").write_text("a file")

    with pytest.raises(InputError, match="taken"):
        write(example(), tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
