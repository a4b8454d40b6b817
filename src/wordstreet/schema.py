"""
Every row that travels the road: the log record and each table's Arrow schema, on one page.

Ids are strings. Unknown is null, never zero. Time is UTC with microseconds. `month` partitions
every table that has `observed_at`; it is made by the lake and is no column here.
"""

from typing import Final, Literal, NamedTuple

import pyarrow as pa

__all__ = [
    "DELETIONS",
    "GAPS",
    "MENTIONS",
    "POSITION",
    "POSTS",
    "PRICES",
    "RECORDS",
    "REJECTS",
    "SCHEMA_VERSION",
    "TABLES",
    "TIME",
    "Envelope",
    "Event",
    "Origin",
]

SCHEMA_VERSION: Final = 2
"""Goes up by one whenever a table gains a (nullable) column."""

TIME: Final = pa.timestamp("us", tz="UTC")

Event = Literal["post", "delete", "account", "gap"]
Origin = Literal["stream", "search", "backfill", "replay"]


class Envelope(NamedTuple):
    """
    One record on its way into the log.

    key:         `<source>:<post id>`, so that edits and deletes of one post stay in order
    value:       the payload, byte for byte as received
    source:      where the post lives: `x`, `bluesky`, ... (a replayed X post is an `x` post)
    event:       post | delete | account | gap
    observed_at: microseconds since 1970 UTC; our clock, the server's witness clock, or, with
                 origin `replay`, the time the file claims, which nobody witnessed
    origin:      stream | search | backfill | replay
    schema:      the wire format of `value`, by which the transform picks its reader
    """

    key: str
    value: bytes
    source: str
    event: Event
    observed_at: int
    origin: Origin
    schema: str


POSITION: Final = (
    pa.field("log_id", pa.string()),
    pa.field("topic", pa.string()),
    pa.field("partition", pa.int32()),
    pa.field("offset", pa.int64()),
)
"""Where a row stood on the log; null in rows that never were on one."""

RECORDS: Final = pa.schema(
    [
        pa.field("key", pa.string()),
        pa.field("value", pa.binary()),
        pa.field("source", pa.string()),
        pa.field("event", pa.string()),
        pa.field("observed_at", TIME),
        pa.field("origin", pa.string()),
        pa.field("schema", pa.string()),
        *POSITION,
    ]
)
"""A slice of the log, as the transform gets it."""

POSTS: Final = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("post_id", pa.string()),
        # Platforms that edit in place (same id) count up here; a text of fixed width, so that
        # the greater one is the later one.
        pa.field("version", pa.string()),
        pa.field("author_id", pa.string()),
        pa.field("created_at", TIME),  # claimed by the author's platform
        pa.field("observed_at", TIME),  # witnessed by us, unless origin is replay
        pa.field("ingested_at", TIME),
        pa.field("lang", pa.string()),
        pa.field("text", pa.string()),  # in full, long form included
        pa.field("word_count", pa.int32()),
        pa.field("kind", pa.string()),  # post | repost | reply | quote
        pa.field("repost_of", pa.string()),
        pa.field("reply_to", pa.string()),
        pa.field("quote_of", pa.string()),
        pa.field("cashtags", pa.list_(pa.string())),  # as the platform saw them, upper case
        pa.field("hashtags", pa.list_(pa.string())),
        pa.field("links", pa.list_(pa.string())),
        pa.field("rule_tags", pa.list_(pa.string())),
        pa.field("origin", pa.string()),
        pa.field("raw", pa.binary()),
        pa.field("deleted_at", TIME),  # when we blanked the row
        *POSITION,
    ]
)
"""One post as received, redeliveries too."""

MENTIONS: Final = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("post_id", pa.string()),
        pa.field("version", pa.string()),
        pa.field("ticker", pa.string()),
        pa.field("evidence", pa.string()),  # strongest: cashtag | handle | name | alias | rule
        pa.field("confidence", pa.float32()),  # (0, 1]
        pa.field("score", pa.float32()),  # opinion in [-1, 1], null when there is no text
        pa.field("scorer", pa.string()),
        pa.field("scorer_version", pa.string()),
        pa.field("duplicate_group", pa.string()),  # same group = same text but for decoration
        pa.field("is_repost", pa.bool_()),
        pa.field("is_spam", pa.bool_()),  # many cashtags
        pa.field("is_late", pa.bool_()),  # observed more than a day after it was created
        pa.field("lang", pa.string()),
        pa.field("author_id", pa.string()),
        pa.field("created_at", TIME),
        pa.field("observed_at", TIME),
        pa.field("ingested_at", TIME),
        pa.field("origin", pa.string()),
        *POSITION,
    ]
)
"""One (post, company) pair."""

REJECTS: Final = pa.schema(
    [
        pa.field("key", pa.string()),
        pa.field("source", pa.string()),
        pa.field("event", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("raw", pa.binary()),
        pa.field("origin", pa.string()),
        pa.field("observed_at", TIME),
        pa.field("ingested_at", TIME),
        *POSITION,
    ]
)
"""One record that could not be read."""

DELETIONS: Final = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("kind", pa.string()),  # post | account
        pa.field("post_id", pa.string()),  # null when an account went
        pa.field("author_id", pa.string()),
        pa.field("deleted_at", TIME),  # as the platform says, else observed_at
        pa.field("origin", pa.string()),
        pa.field("observed_at", TIME),
        pa.field("ingested_at", TIME),
        *POSITION,
    ]
)
"""One delete or account event."""

GAPS: Final = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("from_at", TIME),
        pa.field("to_at", TIME),  # null: not known
        pa.field("lost", pa.int64()),  # posts lost, where the source says so
        pa.field("reason", pa.string()),
        pa.field("origin", pa.string()),
        pa.field("observed_at", TIME),
        pa.field("ingested_at", TIME),
        *POSITION,
        # the row stands for [first_offset, offset] that a log forgot; null: for its own offset
        pa.field("first_offset", pa.int64()),
    ]
)
"""One stretch of time a source did not cover, or of offsets that a log forgot before they landed."""

PRICES: Final = pa.schema(
    [
        pa.field("ticker", pa.string()),
        pa.field("exchange", pa.string()),  # MIC
        pa.field("session", pa.date32()),
        pa.field("open", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("low", pa.float64()),
        pa.field("close", pa.float64()),
        pa.field("volume", pa.float64()),
        pa.field("adj_open", pa.float64()),
        pa.field("adj_high", pa.float64()),
        pa.field("adj_low", pa.float64()),
        pa.field("adj_close", pa.float64()),
        pa.field("split", pa.float64()),  # shares after / shares before on this session, 1 = none
        pa.field("dividend", pa.float64()),  # per share, on the ex-date
        pa.field("provider", pa.string()),
        pa.field("downloaded_at", TIME),
    ]
)
"""One (ticker, session) as one provider gave it on one day; prices are in the currency quoted."""

TABLES: Final = {
    "posts": POSTS,
    "mentions": MENTIONS,
    "rejects": REJECTS,
    "deletions": DELETIONS,
    "gaps": GAPS,
}
"""The tables that the transform fills from the log; every offset ends in one of them, mentions aside."""
