"""What people read: each post once, deletions applied. One definition, in SQL."""

import re
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

from wordstreet.errors import InputError
from wordstreet.lake.tables import PARTITION, Lake
from wordstreet.schema import (
    DELETIONS,
    GAPS,
    MENTIONS,
    POSITION,
    POSTS,
    PRICES,
    REJECTS,
    TABLES,
)

__all__ = ["VIEWS", "frame", "query", "read"]

_ORDER: Final = (
    ("version", "desc nulls last"),  # a platform that edits in place: the latest text
    ("case when origin = 'replay' then 1 else 0 end", "asc"),  # witnessed beats claimed
    ("observed_at", "asc"),  # the first sighting: a redelivery moves no post in time
    ("ingested_at", "asc"),
    ("log_id", "asc"),
    ("topic", "asc"),
    ('"partition"', "asc"),
    ('"offset"', "asc"),
)
"""Which of several rows of one post is read. Without in-place edits an id's text never changes."""

_ALIVE: Final = """
    not exists (
        select 1 from deletions_landed d
        where d.kind = 'post' and d.source = t.source and d.post_id = t.post_id
    ) and not exists (
        select 1 from deletions_landed d
        where d.kind = 'post' and d.source = t.source and d.post_id = t.repost_of
    ) and not exists (
        select 1 from deletions_landed d
        where d.kind = 'account' and d.source = t.source and d.author_id = t.author_id
    )
"""


def _columns(names: Sequence[str], prefix: str = "") -> str:
    return ", ".join(f'{prefix}"{name}"' for name in names)


_SIGHTING: Final = (
    "row_number() over (partition by source, post_id order by "
    + ", ".join(f"{expression} {direction}" for expression, direction in _ORDER)
    + ")"
)

VIEWS: Final = {
    "posts": (
        f"select {_columns(POSTS.names)} from (select *, {_SIGHTING} as sighting"
        f" from posts_landed t where deleted_at is null and {_ALIVE}) where sighting = 1"
    ),
    # those of the very row that is read of their post
    "mentions": (
        f"select {_columns(MENTIONS.names, 'm.')} from mentions_landed m join posts p on "
        + " and ".join(f'm."{f.name}" = p."{f.name}"' for f in POSITION)
    ),
    "rejects": f"select {_columns(REJECTS.names)} from rejects_landed",
    "deletions": f"select {_columns(DELETIONS.names)} from deletions_landed",
    "gaps": f"select {_columns(GAPS.names)} from gaps_landed",
    "prices": (
        "select "
        + ", ".join(f'"{name}"' for name in PRICES.names)
        + " from (select *, row_number() over (partition by ticker, session"
        " order by downloaded_at desc, provider) as download from prices_landed) where download = 1"
    ),
    "company_posts": (
        "select p.post_id as id, p.created_at, p.text, m.ticker as company, p.word_count"
        " from posts p join mentions m on m.source = p.source and m.post_id = p.post_id"
        " where m.confidence >= 0.5"
    ),
}
"""
Name → SQL. `<table>_landed` is the table as it lies, redeliveries included.

`company_posts` has the columns of the original project, one row for each company a post is about.
"""


_QUESTION: Final = re.compile(
    r"(\s|\(|--[^\n]*\n|/\*.*?\*/)*(select|with|values|show|describe|explain)\b", re.I | re.S
)
_ANSWERED: Final = re.compile(r"\bexplain\s+analyze\b|;\s*\S", re.I)


def query(lake: Lake, sql: str) -> pa.Table:
    """Run one SQL question over the views; `InputError` carries what the engine says."""
    if not _QUESTION.match(sql) or _ANSWERED.search(sql):
        message = "a query reads: it starts with select, with, values, show, describe or explain"
        raise InputError(message)
    builder = QueryBuilder()
    for table in (*TABLES, "prices"):
        builder = builder.register(f"{table}_landed", lake.handle(table))
    for name, definition in VIEWS.items():
        builder.execute(f"create view {name} as {definition}").read_all()
    try:
        result = pa.table(builder.execute(sql).read_all())
    except Exception as error:  # the engine has no error class of its own
        message = f"the query failed: {error}"
        raise InputError(message) from error
    return result.cast(pa.schema([field.with_type(_plain(field.type)) for field in result.schema]))


def read(lake: Lake, name: str) -> pa.Table:
    """Return a view or a `<table>_landed` as an Arrow table."""
    known = [*VIEWS, *(f"{table}_landed" for table in (*TABLES, "prices"))]
    if name not in known:
        message = f"there is no table {name!r}; there are {', '.join(known)}"
        raise InputError(message)
    return query(lake, f'select * from "{name}"')


def frame(lake: Lake, name: str) -> Any:
    """Return posts, mentions or a `_landed` table as a lazy Polars frame over the Delta files."""
    import polars as pl

    def landed(table: str) -> Any:
        handle: DeltaTable = lake.handle(table)
        return pl.scan_delta(handle).drop(PARTITION, strict=False)

    if name.endswith("_landed"):
        return landed(name.removesuffix("_landed"))
    if name not in ("posts", "mentions"):
        message = (
            f"a lazy frame can be had of posts, mentions and every <table>_landed, not of {name!r}"
        )
        raise InputError(message)
    gone = landed("deletions")
    deleted, accounts = (gone.filter(pl.col("kind") == kind) for kind in ("post", "account"))
    order = [pl.col("version"), pl.col("origin") == "replay", *map(pl.col, _TIES)]
    posts = (
        landed("posts")
        .filter(pl.col("deleted_at").is_null())
        .join(deleted, on=["source", "post_id"], how="anti")
        .join(deleted, left_on=["source", "repost_of"], right_on=["source", "post_id"], how="anti")
        .join(accounts, on=["source", "author_id"], how="anti")
        .sort(order, descending=[True, *[False] * (len(order) - 1)], nulls_last=True)
        .unique(["source", "post_id"], keep="first", maintain_order=True)
    )
    if name == "posts":
        return posts
    return landed("mentions").join(posts, on=[field.name for field in POSITION], how="semi")


_TIES: Final = ("observed_at", "ingested_at", "log_id", "topic", "partition", "offset")


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return the type our schema uses where the query engine answers with a newer twin."""
    if pa.types.is_list(kind):
        return pa.list_(_plain(kind.value_type))
    if kind in (pa.string_view(), pa.large_string()):
        return pa.string()
    if kind in (pa.binary_view(), pa.large_binary()):
        return pa.binary()
    return kind
