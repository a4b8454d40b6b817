"""A watchlist is refused unless every mention can mean exactly one company."""

from pathlib import Path

import pytest

from wordstreet.errors import WatchlistError
from wordstreet.watchlist import SHIPPED, Company, Watchlist

ATT = """
[[company]]
ticker = "T"
name = "AT&T"
exchange = "XNYS"
aliases = ["AT and T", "ATT"]
handles = ["@ATT"]
exclude = ["at&t park"]
"""


def test_a_block_becomes_a_company() -> None:
    """Every field of the file is in the company; the @ of a handle is not."""
    assert Watchlist.parse(ATT, "w.toml").companies == (
        Company("T", "AT&T", "XNYS", ("AT and T", "ATT"), ("ATT",), ("at&t park",)),
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_lists_load_by_name(name: str) -> None:
    """The lists that come with wordstreet are valid and found without a path."""
    assert len(Watchlist.load(name)) == {"seed": 7, "us30": 30}[name]


def test_equal_lists_have_equal_fingerprints() -> None:
    """Anything that decides a match changes the fingerprint, formatting does not."""
    plain = Watchlist.parse(ATT, "a").fingerprint

    assert Watchlist.parse("# note\n" + ATT, "b").fingerprint == plain
    assert Watchlist.parse(ATT.replace("at&t park", "at&t arena"), "c").fingerprint != plain


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no company"),
        ("title = 'x'", "names no company"),
        ("company = 3", "names no company"),
        ("company = [3]", "a company is a"),
        ("[[company]", "not valid TOML"),
        ('[[company]]\nticker = "T"', "line 1: name must be"),
        ('[[company]]\nticker = "t"\nname = "x"', "line 1: ticker 't' must be upper-case"),
        ('[[company]]\nticker = "T"\nname = " "', "line 1: name must be"),
        ('[[company]]\nticker = "T"\nname = "x"\nexchange = "NYSE!"', "line 1: exchange"),
        ('[[company]]\nticker = "T"\nname = "x"\naliases = "y"', "line 1: aliases must be a list"),
        ('[[company]]\nticker = "T"\nname = "x"\nhandles = ["a b"]', "line 1: handle 'a b'"),
        ('[[company]]\nticker = "T"\nname = "x"\nalias = ["y"]', "line 1: unknown key 'alias'"),
    ],
)
def test_a_malformed_list_is_refused_with_its_line(text: str, says: str) -> None:
    """The file, the line and what is wrong are in the message."""
    with pytest.raises(WatchlistError, match=says):
        Watchlist.parse(text, "w.toml")


@pytest.mark.parametrize(
    ("second", "says"),
    [
        ('ticker = "T"\nname = "Other"', "line 9: the ticker 'T' of T already belongs to T"),
        ('ticker = "TT"\nname = "at&t"', "line 9: the name 'at&t' of TT already belongs to T"),
        ('ticker = "TT"\nname = "x"\naliases = ["att"]', "the name 'att' of TT already belongs"),
        ('ticker = "TT"\nname = "x"\nhandles = ["att"]', "the handle 'att' of TT already belongs"),
    ],
)
def test_an_ambiguous_list_is_refused(second: str, says: str) -> None:
    """A ticker, name or handle of two companies would make a mention mean both."""
    with pytest.raises(WatchlistError, match=says):
        Watchlist.parse(ATT + "[[company]]\n" + second, "w.toml")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The path and the lists that could be had are in the message."""
    with pytest.raises(WatchlistError, match="seed, us30"):
        Watchlist.load(str(tmp_path / "no.toml"))


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """TOML is UTF-8; anything else is said to be none."""
    path = tmp_path / "w.toml"
    path.write_bytes(ATT.replace("AT&T", "Nestl\xe9").encode("latin-1"))

    with pytest.raises(WatchlistError, match="not UTF-8"):
        Watchlist.load(str(path))
