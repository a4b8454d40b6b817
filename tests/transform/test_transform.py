"""The whole transform: every record in one place, every mention with its marks."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wordstreet.schema import TABLES
from wordstreet.transform import Matcher, transform

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

Records = Callable[..., pa.RecordBatch]


@dataclass
class Counting:
    """A scorer that gives the length of a text and remembers what it was asked."""

    id: str = "counting"
    version: str = "7"
    asked: list[str] = field(default_factory=list)

    def score(self, texts: pa.Array) -> pa.Array:
        """Score a text by its length."""
        self.asked += texts.to_pylist()
        return pa.array(
            [len(text) / 1000 if text else None for text in texts.to_pylist()], pa.float32()
        )


def post(text: str, **fields: Any) -> dict[str, Any]:
    """Return a v2 post."""
    return {"data": {"id": str(crc32(text.encode())), "text": text, **fields}}


def test_tables_have_their_schemas(records: Records, matcher: Matcher) -> None:
    """Exactly the tables of the schema page come out, also of nothing."""
    tables = transform(records([]), matcher, Counting(), NOW)

    assert {name: table.schema for name, table in tables.items()} == TABLES
    assert list(tables) == list(TABLES)


def test_mention_carries_its_post(records: Records, matcher: Matcher) -> None:
    """What a study filters and joins by is repeated in the mention."""
    batch = records(
        [
            post("no company"),
            post("Nestlé up", author_id="7", lang="en", created_at="2023-11-01T10:00:00Z"),
        ]
    )
    tables = transform(batch, matcher, Counting(), NOW)
    (mention,) = tables["mentions"].to_pylist()
    written = tables["posts"].to_pylist()[1]
    shared = set(TABLES["mentions"].names) & set(TABLES["posts"].names)

    assert {name: mention[name] for name in shared} == {name: written[name] for name in shared}
    assert (mention["ticker"], mention["evidence"], mention["offset"]) == ("NESN", "name", 101)
    assert (mention["scorer"], mention["scorer_version"]) == ("counting", "7")
    assert mention["score"] == pytest.approx(0.009)
    assert (mention["is_repost"], mention["is_spam"], mention["is_late"]) == (False, False, True)


def test_post_about_two_companies_is_two_mentions_with_one_score(
    records: Records, matcher: Matcher
) -> None:
    """The score is of the post, the mention of the pair."""
    mentions = transform(records([post("$AAPL or Google")]), matcher, Counting(), NOW)["mentions"]

    assert mentions["ticker"].to_pylist() == ["AAPL", "GOOGL"]
    assert len(set(mentions["score"].to_pylist())) == 1


def test_only_texts_about_companies_are_scored_and_each_once(
    records: Records, matcher: Matcher
) -> None:
    """Scoring is the dearest step: neither silence nor repetition costs anything."""
    scorer = Counting()
    transform(
        records([post("$AAPL"), post("lunch"), post("$AAPL"), post("Google")]), matcher, scorer, NOW
    )

    assert sorted(scorer.asked) == ["$AAPL", "Google"]


def test_rule_without_words_has_no_score(records: Records, matcher: Matcher) -> None:
    """A post of pictures only is a mention whose opinion is unknown."""
    value = {**post(""), "matching_rules": [{"id": 1, "tag": "wordstreet:T"}]}
    (mention,) = transform(records([value]), matcher, Counting(), NOW)["mentions"].to_pylist()

    assert (mention["evidence"], mention["score"]) == ("rule", None)


def test_burst_is_one_group(records: Records, matcher: Matcher) -> None:
    """One text from many accounts, with other links and marks, is one duplicate group."""
    texts = [f"Apple will fly tomorrow https://t.co/{n}" for n in range(5)]
    mentions = transform(records([post(text) for text in texts]), matcher, Counting(), NOW)[
        "mentions"
    ]

    assert len(mentions) == 5
    assert len(set(mentions["duplicate_group"].to_pylist())) == 1


def test_cutting_into_batches_changes_nothing(records: Records, matcher: Matcher) -> None:
    """Records give the same rows alone, together, and in a slice of a batch."""
    values = [
        post("$AAPL soars today"),
        b"{",
        post("Nestlé falls"),
        post("$AAPL soars today http://e.com"),
    ]
    batch = records(values)
    whole = transform(batch, matcher, Counting(), NOW)
    parts = [
        transform(batch.slice(place, 1), matcher, Counting(), NOW) for place in range(len(values))
    ]

    for name in TABLES:
        assert pa.concat_tables([part[name] for part in parts]).equals(whole[name])


EVENTS = st.sampled_from(["post", "delete", "account", "gap", "party", None])
SCHEMAS = st.sampled_from(["x.v1", "x.v2", "oversize", "smoke", None])
KEYS = st.sampled_from(
    """data id id_str text full_text delete status tweet post user_delete user includes tweets posts author
    referenced_tweets referenced_posts type entities cashtags symbols tag urls expanded_url matching_rules
    note_tweet retweeted_status extended_tweet quoted_status created_at lang event_at timestamp_ms from to
    lost reason author_id user_id_str""".split()
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]), max_size=12)
    | st.sampled_from(
        ["retweeted", "quoted", "$AAPL Apple", "\ud800", "\x00", "2026-11-01T10:00:00Z"]
    )
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)
LIKELY = st.fixed_dictionaries(
    {"id": TREES, "text": TREES}, optional={"entities": TREES, "created_at": TREES}
)


@settings(max_examples=600, deadline=None)
@given(
    st.lists(
        st.binary(max_size=40) | TREES | LIKELY | LIKELY.map(lambda tree: {"data": tree}),
        max_size=5,
    ),
    EVENTS,
    SCHEMAS,
)
def test_every_record_is_exactly_one_row(
    records: Records, matcher: Matcher, values: list[Any], event: str | None, schema: str | None
) -> None:
    """Whatever the bytes and headers, each offset lands once, in tables of the right schema."""
    batch = records(values, event, schema)
    tables = transform(batch, matcher, Counting(), NOW)
    landed = [
        offset
        for name in ("posts", "rejects", "deletions", "gaps")
        for offset in tables[name]["offset"].to_pylist()
    ]

    assert Counter(landed) == Counter(batch["offset"].to_pylist())
    assert {name: table.schema for name, table in tables.items()} == TABLES
    assert set(tables["mentions"]["offset"].to_pylist()) <= set(
        tables["posts"]["offset"].to_pylist()
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(LIKELY, min_size=1, max_size=4), st.sampled_from(["x.v1", "x.v2"]))
def test_what_lands_can_be_written_and_read_back(
    records: Records, matcher: Matcher, values: list[Any], schema: str
) -> None:
    """Every text is valid UTF-8 and every time one that Python and Arrow can show."""
    for table in transform(records(values, "post", schema), matcher, Counting(), NOW).values():
        table.validate(full=True)

        assert len(table.to_pylist()) == table.num_rows
