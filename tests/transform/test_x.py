"""X's wire formats, one fact each; all texts are made up."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from wordstreet.transform.parse import parse

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OBSERVED = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)

Row = dict[str, Any]
Read = Callable[..., Row]


@pytest.fixture
def read(records: Callable[..., pa.RecordBatch]) -> Read:
    """Return the one row that a payload becomes, in whichever table."""

    def one(value: Any, schema: str = "x.v2", event: str = "post") -> Row:
        tables = parse(records([value], event, schema), NOW)
        (row,) = [row for table in tables.values() for row in table.to_pylist()]
        return dict(row)

    return one


@pytest.fixture
def v2(read: Read) -> Read:
    """Read a v2 post of these fields, with these parts beside it."""

    def one(beside: Row | None = None, **fields: Any) -> Row:
        return read({"data": {"id": "1", "text": "own words", **fields}, **(beside or {})})

    return one


@pytest.fixture
def v1(read: Read) -> Read:
    """Read a v1.1 post of these fields."""

    def one(**fields: Any) -> Row:
        return read({"id_str": "1", "text": "own words", **fields}, "x.v1")

    return one


def test_v2_scalar_fields(v2: Read) -> None:
    """Author, time and language are taken as they are."""
    row = v2(author_id="77", created_at="2026-11-01T10:00:00.123Z", lang="en")

    assert (row["post_id"], row["author_id"], row["lang"]) == ("1", "77", "en")
    assert row["created_at"] == datetime(2026, 11, 1, 10, 0, 0, 123_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "claimed",
    [
        "soon",
        "2026-11-01",
        "2026-11-01T10:00:00",
        5,
        None,
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59-10:00",
    ],
)
def test_time_that_is_none_is_unknown(v2: Read, claimed: Any) -> None:
    """A claimed time that cannot be read, has no zone or cannot be a post's is null."""
    assert v2(created_at=claimed)["created_at"] is None


@pytest.mark.parametrize("lang", ["und", "", None, 3])
def test_undetermined_language_is_null(v2: Read, lang: Any) -> None:
    """X's `und` means that it does not know."""
    assert v2(lang=lang)["lang"] is None


@pytest.mark.parametrize("key", ["note_tweet", "note_post"])
def test_long_post_is_read_in_full(v2: Read, key: str) -> None:
    """The text of a long post comes from its note, in both dialects."""
    assert v2(**{key: {"text": "all the words"}})["text"] == "all the words"


@pytest.mark.parametrize("note", [None, [], "words", {}, {"text": None}])
def test_note_without_text_leaves_the_own_text(v2: Read, note: Any) -> None:
    """A note that holds no text changes nothing."""
    assert v2(note_tweet=note)["text"] == "own words"


@pytest.mark.parametrize(
    ("references", "included", "kind"),
    [
        ("referenced_tweets", "tweets", "retweeted"),
        ("referenced_posts", "posts", "retweeted"),
        ("referenced_posts", "posts", "reposted"),
    ],
)
def test_repost_carries_the_reposted_words(
    v2: Read, references: str, included: str, kind: str
) -> None:
    """A repost's text is the full text of the included post it repeats, in both dialects."""
    original = {"id": "9", "text": "cut…", "note_tweet": {"text": "said in full"}}
    row = v2(
        {"includes": {included: [{"id": "8", "text": "another"}, original]}},
        text="RT @someone: cut…",
        **{references: [{"type": kind, "id": "9"}]},
    )

    assert (row["kind"], row["repost_of"], row["text"]) == ("repost", "9", "said in full")


def test_flattened_repost_carries_the_reposted_words(read: Read) -> None:
    """twarc's flattened lines hold the author and the reposted text inline."""
    row = read(
        {
            "id": "1",
            "text": "RT @someone: cut…",
            "author": {"id": "5"},
            "referenced_tweets": [{"type": "retweeted", "id": "9", "text": "said in full"}],
        }
    )

    assert (row["author_id"], row["kind"], row["text"]) == ("5", "repost", "said in full")


def test_repost_without_its_original_loses_only_the_mark(v2: Read) -> None:
    """When the reposted post is not in the payload, the own text stays but for `RT @name: `."""
    row = v2(
        text="RT @someone: RT @other: words", referenced_tweets=[{"type": "retweeted", "id": "9"}]
    )

    assert row["text"] == "RT @other: words"


def test_post_that_only_looks_like_a_repost_keeps_its_text(v2: Read) -> None:
    """Without a reference, `RT @name: ` was typed by the author."""
    row = v2(text="RT @someone: words")

    assert (row["kind"], row["text"]) == ("post", "RT @someone: words")


@pytest.mark.parametrize(
    ("relations", "kind"),
    [
        (["retweeted", "quoted", "replied_to"], "repost"),
        (["replied_to", "quoted"], "quote"),
        (["replied_to"], "reply"),
        (["applauded"], "post"),
        ([], "post"),
    ],
)
def test_kind_is_repost_before_quote_before_reply(
    v2: Read, relations: list[str], kind: str
) -> None:
    """A post with several relations is called by the strongest, and keeps all their ids."""
    row = v2(referenced_tweets=[{"type": one, "id": f"of {one}"} for one in relations])

    assert row["kind"] == kind
    assert row["reply_to"] == ("of replied_to" if "replied_to" in relations else None)
    assert row["quote_of"] == ("of quoted" if "quoted" in relations else None)


def test_v2_entities(v2: Read) -> None:
    """Cashtags come in capitals, hashtags without #, links in full length, each once."""
    row = v2(
        entities={
            "cashtags": [{"tag": "brk.b"}, {"tag": "T"}, {"tag": "t"}],
            "hashtags": [{"tag": "#Up"}, {"tag": "Straße"}],
            "urls": [
                {"url": "https://t.co/a", "expanded_url": "https://example.com/a"},
                {"url": "https://t.co/b"},
            ],
        }
    )

    assert row["cashtags"] == ["BRK.B", "T"]
    assert row["hashtags"] == ["Up", "Straße"]
    assert row["links"] == ["https://example.com/a", "https://t.co/b"]


def test_entities_of_the_full_text_count(v2: Read) -> None:
    """What only the long form or the reposted post lists is listed."""
    row = v2(
        {
            "includes": {
                "tweets": [{"id": "9", "text": "$C", "entities": {"cashtags": [{"tag": "C"}]}}]
            }
        },
        entities={"cashtags": [{"tag": "A"}]},
        note_tweet={"text": "$A $B", "entities": {"cashtags": [{"tag": "A"}, {"tag": "B"}]}},
        referenced_tweets=[{"type": "retweeted", "id": "9"}],
    )

    assert row["cashtags"] == ["A", "B", "C"]


@pytest.mark.parametrize(
    "entities",
    [
        None,
        [],
        "x",
        {"cashtags": None},
        {"cashtags": [None, {}, {"tag": 5}, "T"], "urls": [{"url": 5}, 7]},
    ],
)
def test_entities_of_another_shape_are_none(v2: Read, entities: Any) -> None:
    """Malformed entities do not cost us the post."""
    row = v2(entities=entities)

    assert (row["text"], row["cashtags"], row["links"]) == ("own words", [], [])


def test_rule_tags_are_those_with_words(v2: Read) -> None:
    """Rules without a tag, and bare integer rule ids, do no harm."""
    rules = [
        {"id": 2**60, "tag": "wordstreet:T"},
        {"id": "2"},
        {"id": 3, "tag": None},
        {"id": 4, "tag": ""},
    ]

    assert v2({"matching_rules": rules})["rule_tags"] == ["wordstreet:T"]


def test_errors_beside_data_are_partial(v2: Read) -> None:
    """A note that a referenced post is gone does not spoil the post."""
    assert v2({"errors": [{"title": "Not Found Error"}]})["text"] == "own words"


def test_escaped_ampersand_is_read_as_written(v2: Read) -> None:
    """X escapes & < > and nothing else; each is undone once."""
    assert v2(text="AT&amp;T &lt;3 &amp;gt; &copy")["text"] == "AT&T <3 &gt; &copy"


def test_v1_scalar_fields(v1: Read) -> None:
    """A v1.1 post has its own time format and an author object."""
    row = v1(created_at="Wed Jan 01 03:59:03 +0000 2014", user={"id": 2**53 + 1}, lang="en")

    assert row["created_at"] == datetime(2014, 1, 1, 3, 59, 3, tzinfo=UTC)
    assert (row["author_id"], row["lang"]) == (str(2**53 + 1), "en")


@pytest.mark.parametrize(
    "claimed", ["Wed Foo 01 03:59:03 +0000 2014", "Wed Jan 41 03:59:03 +0000 2014", "Wed", 3]
)
def test_v1_time_that_is_none_is_unknown(v1: Read, claimed: Any) -> None:
    """A v1.1 time that cannot be read is null."""
    assert v1(created_at=claimed)["created_at"] is None


def test_v1_integer_id_survives_exactly(read: Read) -> None:
    """Without id_str the number itself is the id, every digit of it."""
    assert read({"id": 418245630772150273, "text": "a"}, "x.v1")["post_id"] == "418245630772150273"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"text": "short"}, "short"),
        ({"text": "short", "full_text": "full"}, "full"),
        (
            {"text": "short", "full_text": "full", "extended_tweet": {"full_text": "longest"}},
            "longest",
        ),
        (
            {"text": "RT @a: sh…", "retweeted_status": {"id": 9, "full_text": "original"}},
            "original",
        ),
        (
            {
                "text": "RT @a: sh…",
                "retweeted_status": {"id": 9, "extended_tweet": {"full_text": "all"}},
            },
            "all",
        ),
        ({"text": "RT @a: sh…", "retweeted_status": {"id": 9}}, "sh…"),
        (
            {"full_text": None, "text": "short", "extended_tweet": 5, "retweeted_status": "no"},
            "short",
        ),
    ],
)
def test_v1_text_is_the_longest_that_came(read: Read, fields: Row, text: str) -> None:
    """Reposted text before extended before full before plain text."""
    assert read({"id_str": "1", **fields}, "x.v1")["text"] == text


def test_v1_relations(v1: Read) -> None:
    """Reply, quote and repost have their own fields, as text or as number."""
    row = v1(
        in_reply_to_status_id_str="5",
        quoted_status={"id": 6},
        retweeted_status={"id_str": "7", "text": "a"},
    )

    assert (row["kind"], row["reply_to"], row["quote_of"], row["repost_of"]) == (
        "repost",
        "5",
        "6",
        "7",
    )
    assert v1(in_reply_to_status_id=5)["kind"] == "reply"
    assert v1(quoted_status_id_str="6", in_reply_to_status_id=5)["kind"] == "quote"


def test_v1_entities(v1: Read) -> None:
    """v1.1 calls cashtags symbols; those of the extended and reposted text count."""
    row = v1(
        entities={
            "symbols": [{"text": "aapl"}],
            "hashtags": [{"text": "Up"}],
            "urls": [{"expanded_url": "https://e.com"}],
        },
        extended_tweet={"full_text": "a", "entities": {"symbols": [{"text": "T"}]}},
        retweeted_status={"id": 9, "text": "b", "entities": {"symbols": [{"text": "KO"}]}},
    )

    assert (row["cashtags"], row["hashtags"], row["links"]) == (
        ["AAPL", "T", "KO"],
        ["Up"],
        ["https://e.com"],
    )


@pytest.mark.parametrize(
    "payload",
    [
        {
            "delete": {
                "status": {"id_str": "5", "user_id_str": "8"},
                "timestamp_ms": "1698832800000",
            }
        },
        {"delete": {"status": {"id": 5, "user_id": 8}, "timestamp_ms": 1698832800000}},
        {
            "delete": {
                "tweet": {"id": "5", "author_id": "8"},
                "event_at": "2023-11-01T10:00:00.000Z",
            }
        },
        {"delete": {"post": {"id": "5", "author_id": "8"}, "event_at": "2023-11-01T10:00:00Z"}},
        {
            "data": {
                "delete": {
                    "tweet": {"id": "5", "author_id": "8"},
                    "event_at": "2023-11-01T10:00:00Z",
                }
            }
        },
    ],
)
@pytest.mark.parametrize("schema", ["x.v1", "x.v2"])
def test_delete_of_a_post(read: Read, payload: Row, schema: str) -> None:
    """Every way X tells of a deleted post gives its id, author and time."""
    row = read(payload, schema, "delete")

    assert (row["kind"], row["post_id"], row["author_id"]) == ("post", "5", "8")
    assert row["deleted_at"] == datetime(2023, 11, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "payload",
    [
        {"user_delete": {"user": {"id": "8"}, "event_at": "2023-11-01T10:00:00Z"}},
        {"data": {"user_delete": {"user": {"id": 8}, "event_at": "2023-11-01T10:00:00Z"}}},
        {"user_delete": {"id": 8, "timestamp_ms": "1698832800000"}},
    ],
)
def test_delete_of_an_account(read: Read, payload: Row) -> None:
    """An account that went is a deletion of its author and of no single post."""
    row = read(payload, "x.v2", "account")

    assert (row["kind"], row["post_id"], row["author_id"]) == ("account", None, "8")
    assert row["deleted_at"] == datetime(2023, 11, 1, 10, tzinfo=UTC)


def test_deletion_without_a_time_is_from_when_we_heard(read: Read) -> None:
    """Where the platform names no time, the deletion counts from its arrival."""
    row = read({"delete": {"status": {"id": 5}, "timestamp_ms": "soon"}}, "x.v1", "delete")

    assert row["deleted_at"] == OBSERVED


@pytest.mark.parametrize(
    ("event", "payload", "why"),
    [
        ("delete", {"delete": {}}, "no deleted post in it"),
        ("delete", {"delete": {"status": {"user_id": 8}}}, "no id of the deleted post"),
        ("delete", {"data": [1]}, "no deleted post in it"),
        ("account", {"user_suspend": {"user": {"id": "8"}}}, "deletes nothing: user_suspend"),
        ("account", {"scrub_geo": {"user_id": 8}}, "deletes nothing: scrub_geo"),
        ("account", {}, "deletes nothing: without a name"),
        ("account", {"user_delete": None}, "no id of the deleted account"),
    ],
)
def test_event_that_deletes_nothing_is_set_aside(
    read: Read, event: str, payload: Row, why: str
) -> None:
    """Only what names a post or an account to delete is a deletion."""
    assert why in read(payload, "x.v2", event)["reason"]
