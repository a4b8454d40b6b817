"""What people read: each post once, deletions applied. One definition, in SQL."""

from typing import Any, Final

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

from wordstreet.errors import InputError
from wordstreet.lake.tables import PARTITION, Lake
from wordstreet.schema import MENTIONS, POSTS, PRICES, TABLES

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
        where d.kind = 'account' and d.source = t.source and d.author_id = t.author_id
    )
"""


def _once(table: str, key: str, columns: list[str], condition: str) -> str:
    """Return SQL for the rows of `table` that are read: one a key, in the order of `_ORDER`."""
    order = ", ".join(f"{expression} {direction}" for expression, direction in _ORDER)
    names = ", ".join(f'"{column}"' for column in columns)
    return (
        f"select {names} from (select *, row_number() over (partition by {key} order by {order})"
        f" as sighting from {table}_landed t where {condition} and {_ALIVE}) where sighting = 1"
    )


VIEWS: Final = {
    "posts": _once("posts", "source, post_id", POSTS.names, "deleted_at is null"),
    "mentions": _once("mentions", "source, post_id, ticker", MENTIONS.names, "true"),
    "rejects": "select * from rejects_landed",
    "deletions": "select * from deletions_landed",
    "gaps": "select * from gaps_landed",
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


def query(lake: Lake, sql: str) -> pa.Table:
    """Run one read-only SQL statement over the views; `InputError` carries what the engine says."""
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
    keys = {"posts": ["source", "post_id"], "mentions": ["source", "post_id", "ticker"]}.get(name)
    if keys is None:
        message = (
            f"a lazy frame can be had of posts, mentions and every <table>_landed, not of {name!r}"
        )
        raise InputError(message)
    gone = landed("deletions")
    posts, accounts = (gone.filter(pl.col("kind") == kind) for kind in ("post", "account"))
    rows = landed(name)
    if name == "posts":
        rows = rows.filter(pl.col("deleted_at").is_null())
    order = [pl.col("version"), pl.col("origin") == "replay", *map(pl.col, _TIES)]
    return (
        rows.join(posts, on=["source", "post_id"], how="anti")
        .join(accounts, on=["source", "author_id"], how="anti")
        .sort(order, descending=[True, *[False] * (len(order) - 1)], nulls_last=True)
        .unique(keys, keep="first", maintain_order=True)
    )


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
