"""Records become rows: which table, which headers, which reasons."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from wordstreet.schema import DELETIONS, GAPS, POSTS, REJECTS
from wordstreet.transform.parse import parse

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OBSERVED = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
POST = {"data": {"id": "1", "text": "a word"}}

Records = Callable[..., pa.RecordBatch]


def reason(batch: pa.RecordBatch) -> str:
    """Return why the only record was set aside."""
    (row,) = parse(batch, NOW)["rejects"].to_pylist()
    return str(row["reason"])


def test_tables_have_their_schemas(records: Records) -> None:
    """Each table is exactly in the schema of the schema page, also when it is empty."""
    tables = parse(records([]), NOW)

    assert {name: table.schema for name, table in tables.items()} == {
        "posts": POSTS,
        "rejects": REJECTS,
        "deletions": DELETIONS,
        "gaps": GAPS,
    }


def test_post_keeps_what_the_log_knew(records: Records) -> None:
    """Source, times, origin, raw bytes and position go with the post."""
    value = json.dumps(POST).encode()
    (row,) = parse(records([value]), NOW)["posts"].to_pylist()

    assert row["raw"] == value
    assert (row["source"], row["origin"]) == ("x", "stream")
    assert (row["observed_at"], row["ingested_at"]) == (OBSERVED, NOW)
    assert [row[name] for name in ("log_id", "topic", "partition", "offset")] == [
        "log",
        "posts",
        3,
        100,
    ]


def test_what_nobody_knows_is_null(records: Records) -> None:
    """A post of nothing but id and text has null wherever something is unknown."""
    (row,) = parse(records([POST]), NOW)["posts"].to_pylist()

    unknown = {name for name, value in row.items() if value is None}
    assert unknown == {
        "version",
        "author_id",
        "created_at",
        "lang",
        "repost_of",
        "reply_to",
        "quote_of",
        "deleted_at",
    }


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("one", 1), (" two  words ", 2), ("a\n\nb\u00a0c\u3000d", 4)]
)
def test_words_are_what_white_space_separates(records: Records, text: str, count: int) -> None:
    """The word count is the number of pieces between any Unicode white space."""
    posts = parse(records([{"data": {"id": "1", "text": text}}]), NOW)["posts"]

    assert posts["word_count"].to_pylist() == [count]


def test_rows_keep_the_order_of_the_log(records: Records) -> None:
    """Posts and rejects each stay in the order of their offsets."""
    tables = parse(records([POST, b"{", POST, b"["]), NOW)

    assert tables["posts"]["offset"].to_pylist() == [100, 102]
    assert tables["rejects"]["offset"].to_pylist() == [101, 103]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "an empty record"),
        (b"", "an empty record"),
        (b"{", "not valid JSON"),
        (b'{"data":{"id":"1","text":"cut of', "not valid JSON"),
        (b'{"data":{"id":"1","text":"\xff"}}', "not UTF-8"),
        (b'{"data":{"id":"1","text":"a\x00b"}}', "not valid JSON"),
        (b"[1]", "not an object"),
        (b'"text"', "not an object"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"data":{"id":' + b"9" * 5_000 + b',"text":"a"}}', "thousands of digits"),
        ({"data": None}, "no post"),
        ({"data": {}}, "no post"),
        ({"data": [POST["data"]]}, "a page of posts"),
        ({"errors": [{"title": "operational-disconnect"}]}, "a message of the service"),
        ({"error": {"message": "full"}}, "a message of the service"),
        ({"data": {"text": "a"}}, "no post"),
        ({"data": {"id": "", "text": "a"}}, "no post id"),
        ({"data": {"id": None, "text": "a"}}, "no post id"),
        ({"data": {"id": True, "text": "a"}}, "not usable"),
        ({"data": {"id": ["1"], "text": "a"}}, "not usable"),
        ({"data": {"id": 1.5, "text": "a"}}, "not a whole number"),
        ({"data": {"id": "1\u0000", "text": "a"}}, "not usable"),
        ({"data": {"id": "1"}}, "no text"),
        ({"data": {"id": "1", "text": None}}, "no text"),
        ({"data": {"id": "1", "text": 7}}, "no text"),
        (b'{"data":{"id":"\\ud800","text":"a"}}', "not usable"),
    ],
)
def test_unreadable_post_is_set_aside_with_its_reason(
    records: Records, value: Any, why: str
) -> None:
    """What cannot be read is a reject whose reason says why, in plain words."""
    assert why in reason(records([value]))


def test_reject_keeps_the_raw_bytes(records: Records) -> None:
    """Nothing of an unreadable record is lost."""
    (row,) = parse(records([b"\xff\x00{"]), NOW)["rejects"].to_pylist()

    assert row["raw"] == b"\xff\x00{"
    assert (row["key"], row["event"], row["offset"]) == ("x:0", "post", 100)


@pytest.mark.parametrize(
    ("event", "schema", "why"),
    [
        ("post", "oversize", "record longer than the limit; its beginning is kept"),
        ("post", "smoke.v9", "unknown wire format smoke.v9"),
        ("delete", "smoke.v9", "unknown wire format smoke.v9"),
        ("post", None, "unknown wire format None"),
        ("party", "x.v2", "unknown event party"),
        (None, "x.v2", "unknown event None"),
    ],
)
def test_headers_that_lead_nowhere_are_named(
    records: Records, event: str | None, schema: str | None, why: str
) -> None:
    """A record whose event or wire format we do not know says so."""
    assert reason(records([POST], event=event, schema=schema)) == why


def test_half_a_surrogate_pair_becomes_the_replacement_character(records: Records) -> None:
    """Text that no UTF-8 can hold is kept but for the character that is none."""
    value = b'{"data":{"id":"1","text":"up \\ud83d\\ude80 \\ud83d \\\\ud83d"}}'
    posts = parse(records([value]), NOW)["posts"]

    assert posts["text"].to_pylist() == ["up 🚀 \ufffd \\ud83d"]


def test_integer_ids_of_any_size_stay_exact(records: Records) -> None:
    """Ids beyond 2^53 and beyond 2^64 keep every digit."""
    ids = [2**53 + 1, 2**64 + 1, 10**30 + 1]
    posts = parse(records([{"data": {"id": one, "text": "a"}} for one in ids]), NOW)["posts"]

    assert posts["post_id"].to_pylist() == [str(one) for one in ids]


@pytest.mark.parametrize("schema", ["x.v2", "gap", None])
def test_gap_is_read_from_any_source(records: Records, schema: str | None) -> None:
    """A gap is our own note and has one form whatever the wire format."""
    note = {"from": "2026-11-01T10:00:00Z", "to": None, "lost": 7, "reason": "the stream broke"}
    (row,) = parse(records([note], event="gap", schema=schema), NOW)["gaps"].to_pylist()

    assert row["from_at"] == datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert (row["to_at"], row["lost"], row["reason"]) == (None, 7, "the stream broke")


@pytest.mark.parametrize(
    "note",
    [
        {"from": "yesterday"},
        {"to": 5},
        {"lost": -1},
        {"lost": 2**63},
        {"lost": True},
        {"reason": 3},
    ],
)
def test_gap_that_makes_no_sense_is_set_aside(records: Records, note: Any) -> None:
    """A gap with an unreadable part is a reject, not a gap of unknown size."""
    assert "a gap whose" in reason(records([note], event="gap"))
