"""Marks for filters: what falls into one group, what is spam, what is late."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from wordstreet.schema import TIME
from wordstreet.transform.clean import duplicate_groups, is_late, is_repost, is_spam


def groups(*texts: str | None) -> list[str]:
    """Return the duplicate group of each text, every one a post of its own."""
    ids = [f"p{place}" for place in range(len(texts))]
    made = duplicate_groups(pa.array(texts, pa.string()), pa.array(["x"] * len(ids)), pa.array(ids))
    return [str(group) for group in made.to_pylist()]


TEXT = "Great quarter for $AAPL, buy now"


@pytest.mark.parametrize(
    "same",
    [
        "GREAT QUARTER FOR $aapl, BUY NOW",
        "Great  quarter\nfor $AAPL,\u00a0buy now ",
        "Great quarter for $AAPL, buy now https://t.co/abc",
        "www.example.com/x Great quarter for $AAPL, buy now",
        "@one @two Great quarter for $AAPL, buy now",
        "RT @someone: Great quarter for $AAPL, buy now",
        "RT @a: RT @b: Great quarter for $AAPL, buy now",
    ],
)
def test_decoration_does_not_tell_texts_apart(same: str) -> None:
    """Case, blanks, links, handles and marks of reposting are decoration."""
    first, second = groups(TEXT, same)

    assert first == second


@pytest.mark.parametrize(
    "other",
    [
        "Great quarter for $TSLA, buy now",
        "Great quarter for $AAPL, sell now",
        "Great quarter for $AAPL, buy now?",
        "Great quarter for Apple, buy now",
        "Great quarter for $AAPL, buy now 📉",
    ],
)
def test_words_and_signs_tell_texts_apart(other: str) -> None:
    """Another company, direction or sign is another text."""
    first, second = groups(TEXT, other)

    assert first != second


def test_numbers_are_decoration() -> None:
    """The same sentence with other numbers is the same text; their signs stay."""
    up, more, down = groups(
        "$T at 33.10, +1.5% today", "$T at 1,034, +22% today", "$T at 33.10, -1.5% today"
    )

    assert up == more
    assert up != down


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("profit at $0700.HK rises", "profit at $0005.HK rises"),
        ("profit at 3M rises", "profit at 4M rises"),
        ("profit at G4S rises", "profit at G7S rises"),
        ("profit at C3 rises", "profit at C4 rises"),
    ],
)
def test_digits_of_a_name_are_no_numbers(one: str, two: str) -> None:
    """Digits in a symbol or a name stay, or two companies would be one."""
    first, second = groups(one, two)

    assert first != second


def test_short_texts_are_in_groups_of_their_own() -> None:
    """Nothing, or next to nothing, said twice is no burst."""
    made = groups("", "", None, "buy $T", "buy $T", "@a https://t.co/x", "@b https://t.co/y")

    assert len(set(made)) == 7


def test_short_text_keeps_its_group_when_it_comes_again() -> None:
    """A redelivered post is in the group it was in."""
    assert groups("buy $T") == groups("buy $T")


def test_same_id_at_two_sources_is_two_posts() -> None:
    """The group of a short text knows where the post lives."""
    made = duplicate_groups(pa.array(["a", "a"]), pa.array(["x", "bluesky"]), pa.array(["1", "1"]))

    assert len(set(made.to_pylist())) == 2


def test_group_never_changes() -> None:
    """Groups are compared across years, so the digest of a text is part of the format."""
    assert groups(TEXT) == ["6e5ec76d21aa655c"]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", ["1.", "1a", "@", "rt @a ", "www.", "https://", "$1.", " "])
def test_long_text_takes_no_quadratic_time(piece: str) -> None:
    """A million characters are digested in seconds; quadratic time would take hours."""
    assert len(groups(piece * (1_000_000 // len(piece)))) == 1


def test_only_reposts_are_reposts() -> None:
    """A quote or reply says something of its own."""
    kinds = pa.array(["post", "repost", "reply", "quote"])

    assert is_repost(kinds).to_pylist() == [False, True, False, False]


@pytest.mark.parametrize(
    ("text", "listed", "spam"),
    [
        ("", list("ABCDEFGH"), True),
        ("", list("ABCDEFG"), False),
        ("$A $B $C $D $E $F $G $H", [], True),
        ("$A $B $C $D $E $F $G $G $g", [], False),
        ("$a $b $c $d", list("ABCDEF"), False),
        ("$1 $2 $3 $4 $5 $6 $7 $8 $9", [], False),
        (None, None, False),
    ],
)
def test_many_different_cashtags_are_spam(
    text: str | None, listed: list[str] | None, spam: bool
) -> None:
    """Eight different symbols, in the text or on the platform's list, make spam; prices are none."""
    marks = is_spam(pa.array([text], pa.string()), pa.array([listed], pa.list_(pa.string())))

    assert marks.to_pylist() == [spam]


def test_late_is_more_than_a_day() -> None:
    """A post is late when first seen more than 24 hours after it claims to be written."""
    seen = datetime(2026, 11, 2, tzinfo=UTC)
    day, moment = timedelta(days=1), timedelta(microseconds=1)
    created = pa.array([seen - day, seen - day - moment, seen + day, None], TIME)

    assert is_late(created, pa.array([seen] * 4, TIME)).to_pylist() == [False, True, False, None]
