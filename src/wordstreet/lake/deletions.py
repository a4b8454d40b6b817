"""Deleting blanks: what an author took back leaves the lake, its offset stays."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, QueryBuilder, write_deltalake
from deltalake.exceptions import DeltaError

from wordstreet.errors import CommitRefused
from wordstreet.lake.tables import PARTITION, REWRITTEN, Lake, commit
from wordstreet.schema import DELETIONS, POSTS

__all__ = ["BLANKED", "Deletions", "apply", "blank", "find", "record", "retried"]

BLANKED: Final = (
    "author_id", "lang", "text", "word_count", "kind", "repost_of", "reply_to", "quote_of",
    "cashtags", "hashtags", "links", "rule_tags", "raw",
)  # fmt: skip
"""Columns of `posts` that a deletion empties."""

_NAMING: Final = ("source", "kind", "post_id", "author_id")
"""What a deletion names; the author of a deleted post is named too, and is not deleted."""

_APPLIED: Final = "deletions:applied"
_SLACK_MS: Final = 3_600_000
"""Deletions this young are looked at again: a slow writer may have passed its check before them."""

_IDS_A_PASS: Final = 2_000

_T = TypeVar("_T")


class Deletions:
    """The deletions of a lake as a writer needs them; reads the table again only when it changed."""

    def __init__(self, lake: Lake) -> None:
        self._handle = lake.handle("deletions")
        self._known = self._load()

    def _load(self) -> pa.Table:
        return pa.table(self._handle.to_pyarrow_table(columns=list(_NAMING)))

    def applied_to(self, tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
        """Return the batch with everything blanked that is deleted by now, or by the batch itself."""
        version = self._handle.version()
        self._handle.update_incremental()
        if self._handle.version() != version:
            self._known = self._load()
        arriving = tables["deletions"].select(_NAMING)
        return blank(tables, pa.concat_tables([self._known, arriving]))


def blank(tables: Mapping[str, pa.Table], deletions: pa.Table) -> dict[str, pa.Table]:
    """
    Return the tables of a batch without what `deletions` (source, kind, post_id, author_id) name.

    A deleted post keeps its ids and offsets; a repost of it goes too, since it carries the text;
    a quote or reply loses only its raw payload, which may hold the text. Mentions are removed.
    """
    posts, mentions, rejects = tables["posts"], tables["mentions"], tables["rejects"]
    if not len(deletions) or not (len(posts) or len(rejects)):
        return dict(tables)
    gone, accounts = (
        _keys(_of(deletions, "post"), "post_id"),
        _keys(_of(deletions, "account"), "author_id"),
    )
    hit = _any(
        _among(_keys(posts, "post_id"), gone),
        _among(_keys(posts, "repost_of"), gone),
        _among(_keys(posts, "author_id"), accounts),
    )
    touched = _any(
        hit, _among(_keys(posts, "quote_of"), gone), _among(_keys(posts, "reply_to"), gone)
    )
    blanked = posts
    for name in BLANKED:
        mask = touched if name == "raw" else hit
        blanked = _set(
            blanked, name, pc.if_else(mask, pa.scalar(None, POSTS.field(name).type), posts[name])
        )
    blanked = _set(
        blanked, "deleted_at", pc.if_else(hit, posts["ingested_at"], posts["deleted_at"])
    )
    removed = _among(_keys(mentions, "post_id"), _keys(posts.filter(hit), "post_id"))
    bare = _among(
        rejects["key"], pc.binary_join_element_wise(deletions["source"], deletions["post_id"], ":")
    )
    raw = pc.if_else(bare, pa.scalar(None, pa.binary()), rejects["raw"])
    return {
        **tables,
        "posts": blanked,
        "mentions": mentions.filter(pc.invert(removed)),
        "rejects": _set(rejects, "raw", raw),
    }


def _of(deletions: pa.Table, kind: str) -> pa.Table:
    return deletions.filter(pc.equal(deletions["kind"], kind))


def _keys(rows: pa.Table, column: str) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(rows["source"], rows[column], "\x1f")


def _among(keys: pa.ChunkedArray, wanted: pa.ChunkedArray) -> pa.ChunkedArray:
    """Tell which keys are wanted; hashes the batch, which is small, not the deletions of all time."""
    present = wanted.filter(pc.is_in(wanted, value_set=keys))
    return pc.and_(pc.is_in(keys, value_set=present), pc.is_valid(keys))


def _any(*masks: pa.ChunkedArray) -> pa.ChunkedArray:
    result = masks[0]
    for mask in masks[1:]:
        result = pc.or_(result, mask)
    return result


def _set(rows: pa.Table, name: str, column: Any) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), column)


def find(lake: Lake, post_id: str) -> list[str]:
    """Return the sources in which a post of this id has landed."""
    rows = (
        lake.handle("posts")
        .to_pyarrow_dataset()
        .to_table(columns=["source"], filter=pc.field("post_id") == post_id)
    )
    return sorted(rows["source"].unique().to_pylist())


def record(lake: Lake, source: str, post_id: str, now: datetime) -> None:
    """Remember that a post is deleted, whether it has landed or is still to come."""
    row = dict.fromkeys(DELETIONS.names)
    row.update(
        source=source,
        kind="post",
        post_id=post_id,
        deleted_at=now,
        observed_at=now,
        ingested_at=now,
    )
    rows = pa.Table.from_pylist([row], schema=DELETIONS)
    rows = rows.append_column(PARTITION, pa.array([f"{now:%Y-%m}"]))
    with lake.rewriting():
        retried(lambda: write_deltalake(lake.handle("deletions"), rows, mode="append"))


def apply(lake: Lake, now: datetime) -> int:
    """
    Blank what landed before its deletion was known; return how many posts were blanked.

    Idempotent and safe next to ingest. How far it has come is an app transaction of `posts`, so
    only deletions newer than the last pass (and an hour before) are looked at.
    """
    started = int(now.timestamp() * 1000)
    applied = lake.handle("posts").transaction_version(_APPLIED)
    since = datetime.fromtimestamp(max(0, (applied or 0) - _SLACK_MS) / 1000, UTC)
    pending = (
        lake.handle("deletions")
        .to_pyarrow_dataset()
        .to_table(columns=list(_NAMING), filter=pc.field("ingested_at") >= since)
    )
    if not len(pending):
        return 0
    blanked = sum(
        _blank_landed(lake, source, column, ids, now)
        for kind, column in (("post", "post_id"), ("account", "author_id"))
        for source, ids in _by_source(_of(pending, kind), column)
    )
    retried(lambda: _mark(lake.handle("posts"), started))
    return blanked


def _by_source(rows: pa.Table, column: str) -> Iterator[tuple[str, Sequence[str]]]:
    for source in rows["source"].unique().to_pylist():
        mine = rows.filter(pc.equal(rows["source"], source))[column].drop_null().unique()
        for start in range(0, len(mine), _IDS_A_PASS):
            yield source, mine[start : start + _IDS_A_PASS].to_pylist()


def _blank_landed(lake: Lake, source: str, column: str, ids: Sequence[str], now: datetime) -> int:
    """Blank the landed posts that the ids in `column` point at; return how many there were."""
    hits = _landed(
        lake, source, ("post_id", "repost_of") if column == "post_id" else (column,), ids
    )
    if column == "post_id":
        quoting = _landed(lake, source, ("quote_of", "reply_to"), ids, "raw is not null")
        _update(lake, "posts", {"raw": "NULL"}, _where(source, quoting))
        keys = _quoted(f"{source}:{i}" for i in ids)
        _update(lake, "rejects", {"raw": "NULL"}, f"raw is not null and key in ({keys})")
    when = f"arrow_cast({int(now.timestamp() * 1e6)}, 'Timestamp(Microsecond, Some(\"UTC\"))')"
    _update(
        lake, "posts", {**dict.fromkeys(BLANKED, "NULL"), "deleted_at": when}, _where(source, hits)
    )
    if len(hits):
        retried(
            lambda: lake.handle("mentions").delete(
                _where(source, hits), writer_properties=REWRITTEN
            )
        )
    return len(hits)


def _landed(
    lake: Lake, source: str, columns: Sequence[str], ids: Sequence[str], also: str = "true"
) -> pa.Table:
    """Return (post_id, month) of posts not yet blanked in which one of `columns` is one of `ids`."""
    builder = QueryBuilder().register("posts", lake.handle("posts"))
    pointing = " or ".join(f"{column} in ({_quoted(ids)})" for column in columns)
    return pa.table(
        builder.execute(
            f"select distinct post_id, {PARTITION} from posts"
            f" where deleted_at is null and {also} and source = {_quoted([source])} and ({pointing})"
        ).read_all()
    )


def _where(source: str, hits: pa.Table) -> str:
    if not len(hits):
        return ""
    return (
        f"{PARTITION} in ({_quoted(sorted(set(hits[PARTITION].to_pylist())))})"
        f" and source = {_quoted([source])} and post_id in ({_quoted(hits['post_id'].to_pylist())})"
    )


def _quoted(values: Any) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)


def _update(lake: Lake, table: str, updates: dict[str, str], where: str) -> None:
    if where:
        retried(
            lambda: lake.handle(table).update(
                updates=updates, predicate=where, writer_properties=REWRITTEN
            )
        )


def _mark(handle: DeltaTable, started: int) -> None:
    commit(handle, [], {_APPLIED: started})


def retried(change: Callable[[], _T], attempts: int = 6) -> _T:
    """Run a change of a table again from a fresh snapshot while others commit first."""
    for attempt in range(attempts):
        try:
            return change()
        except (DeltaError, OSError) as error:
            if attempt + 1 == attempts:
                message = f"the table kept changing under us ({error}); run it again when ingest is calmer"
                raise CommitRefused(message) from error
            time.sleep(random.uniform(0, 0.1 * 2**attempt))
    raise AssertionError
