"""Deleting blanks: what an author took back leaves the lake, its offset stays."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable, QueryBuilder, write_deltalake
from deltalake.exceptions import CommitFailedError

from wordstreet.lake.tables import PARTITION, REWRITTEN, Lake, commit, refusing
from wordstreet.schema import DELETIONS

__all__ = ["BLANKED", "Deletions", "Gone", "apply", "blank", "find", "record", "rewrite"]

BLANKED: Final = (
    "author_id", "lang", "text", "word_count", "kind", "repost_of", "reply_to", "quote_of",
    "cashtags", "hashtags", "links", "rule_tags", "raw",
)  # fmt: skip
"""Columns of `posts` that a deletion empties."""

_NAMING: Final = ("source", "kind", "post_id", "author_id")
_NAMED: Final = pa.schema([DELETIONS.field(name) for name in _NAMING])
_GLUE: Final = "\x1f"

_APPLIED: Final = "deletions:applied"
_SLACK_MS: Final = 3_600_000
"""Deletions this young are looked at again: a slow writer may have passed its check before them."""

_IDS_A_PASS: Final = 2_000
_ATTEMPTS: Final = 6

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Gone:
    """Keys (source and id) of deleted posts and accounts."""

    posts: pa.ChunkedArray
    accounts: pa.ChunkedArray

    @classmethod
    def of(cls, deletions: pa.Table) -> "Gone":
        """Return what rows of `deletions` name; the author of a deleted post is not deleted."""
        posts, accounts = (_of(deletions, kind) for kind in ("post", "account"))
        return cls(_keys(posts, "post_id"), _keys(accounts, "author_id"))

    def __add__(self, other: "Gone") -> "Gone":
        return Gone(
            pa.chunked_array([*self.posts.chunks, *other.posts.chunks], pa.string()),
            pa.chunked_array([*self.accounts.chunks, *other.accounts.chunks], pa.string()),
        )


class Deletions:
    """The deletions of a lake as a writer needs them; reads only files it has not read yet."""

    def __init__(self, lake: Lake) -> None:
        self._storage = lake.storage
        self._handle = lake.handle("deletions")
        self._files: set[str] = set()
        self._read_version = -1
        self._known = Gone.of(DELETIONS.empty_table())
        self._read_new()

    def applied_to(self, tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
        """Return the batch with everything blanked that is deleted by now, or by the batch itself."""
        self._handle.update_incremental()
        if self._handle.version() != self._read_version:  # also after a read that failed
            self._read_new()
        return blank(tables, self._known + Gone.of(tables["deletions"]))

    def _read_new(self) -> None:
        live = _paths(self._handle)
        for path in sorted(live - self._files):
            with self._storage.open(f"deletions/{path}") as file:
                rows = pq.read_table(file, columns=list(_NAMING))
            self._known += Gone.of(rows.cast(_NAMED))
        self._files |= live
        self._read_version = self._handle.version()


def blank(tables: Mapping[str, pa.Table], gone: Gone) -> dict[str, pa.Table]:
    """
    Return the tables of a batch without what is gone.

    A deleted post keeps its ids and offsets; a repost of it goes too, since it carries the text;
    a quote or reply loses only its raw payload, which may hold the text. Mentions are removed.
    """
    posts, mentions, rejects = tables["posts"], tables["mentions"], tables["rejects"]
    hit = _any(
        _among(_keys(posts, "post_id"), gone.posts),
        _among(_keys(posts, "repost_of"), gone.posts),
        _among(_keys(posts, "author_id"), gone.accounts),
    )
    touched = _any(
        hit,
        _among(_keys(posts, "quote_of"), gone.posts),
        _among(_keys(posts, "reply_to"), gone.posts),
    )
    removed = _among(_keys(mentions, "post_id"), _keys(posts.filter(hit), "post_id"))
    bare = _among(pc.replace_substring(rejects["key"], ":", _GLUE, max_replacements=1), gone.posts)
    return {
        **tables,
        "posts": _emptied(posts, hit, touched),
        "mentions": mentions.filter(pc.invert(removed)),
        "rejects": _set(rejects, "raw", _null_where(bare, rejects["raw"])),
    }


def _emptied(posts: pa.Table, hit: pa.ChunkedArray, touched: pa.ChunkedArray) -> pa.Table:
    for name in BLANKED:
        posts = _set(posts, name, _null_where(touched if name == "raw" else hit, posts[name]))
    when = pc.if_else(hit, posts["ingested_at"], posts["deleted_at"])
    return _set(posts, "deleted_at", when)


def _null_where(mask: pa.ChunkedArray, column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(mask, pa.scalar(None, column.type), column)


def _of(deletions: pa.Table, kind: str) -> pa.Table:
    return deletions.filter(pc.equal(deletions["kind"], kind))


def _keys(rows: pa.Table, column: str) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(rows["source"], rows[column], _GLUE)


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
    builder = QueryBuilder().register("posts", lake.handle("posts"))
    where = f"post_id = {_quoted([post_id])}"
    rows = builder.execute(f"select distinct source from posts where {where}").read_all()
    return sorted(pa.table(rows)["source"].to_pylist())


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
        rewrite(lake, "deletions", lambda h: write_deltalake(h, rows, mode="append"))


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
        .to_table(columns=[*_NAMING, "ingested_at"], filter=pc.field("ingested_at") >= since)
    )
    if not len(pending):
        return 0
    blanked = sum(
        _blank_landed(lake, source, column, ids, now)
        for kind, column in (("post", "post_id"), ("account", "author_id"))
        for source, ids in _by_source(_of(pending, kind), column)
    )
    newest = pc.max(pending["ingested_at"]).as_py()
    if applied is None or newest.timestamp() * 1000 > applied:
        rewrite(lake, "posts", lambda handle: commit(handle, [], {_APPLIED: started}))
    return blanked


def _by_source(rows: pa.Table, column: str) -> Iterator[tuple[str, Sequence[str]]]:
    for source in rows["source"].unique().to_pylist():
        mine = rows.filter(pc.equal(rows["source"], source))[column].drop_null().unique()
        for start in range(0, len(mine), _IDS_A_PASS):
            yield source, mine[start : start + _IDS_A_PASS].to_pylist()


def _blank_landed(lake: Lake, source: str, column: str, ids: Sequence[str], now: datetime) -> int:
    """Blank the landed posts that the ids in `column` point at; return how many there were."""
    pointing = ("post_id", "repost_of") if column == "post_id" else (column,)
    hits = _landed(lake, source, pointing, ids)
    # mentions first, and by the deletion itself: a crash in between or a writer that has landed
    # the post but not yet its mentions must leave none behind
    _delete_mentions(lake, f"source = {_quoted([source])} and {column} in ({_quoted(ids)})")
    _delete_mentions(lake, _where(source, hits))
    if column == "post_id":
        quoting = _landed(lake, source, ("quote_of", "reply_to"), ids, "raw is not null")
        _update(lake, "posts", {"raw": "NULL"}, _where(source, quoting))
        keys = _quoted(f"{source}:{i}" for i in ids)
        _update(lake, "rejects", {"raw": "NULL"}, f"raw is not null and key in ({keys})")
    when = f"arrow_cast({int(now.timestamp() * 1e6)}, 'Timestamp(Microsecond, Some(\"UTC\"))')"
    nothing = {**dict.fromkeys(BLANKED, "NULL"), "deleted_at": when}
    _update(lake, "posts", nothing, _where(source, hits))
    return len(hits)


def _delete_mentions(lake: Lake, where: str) -> None:
    if where and _any_row(lake, "mentions", where):
        rewrite(lake, "mentions", lambda h: h.delete(where, writer_properties=REWRITTEN))


def _update(lake: Lake, table: str, updates: dict[str, str], where: str) -> None:
    if where and _any_row(lake, table, where):
        rewrite(
            lake,
            table,
            lambda h: h.update(updates=updates, predicate=where, writer_properties=REWRITTEN),
        )


def _any_row(lake: Lake, table: str, where: str) -> bool:
    """Tell whether there is something to change; a change of nothing would be a commit too."""
    builder = QueryBuilder().register("rows", lake.handle(table))
    return bool(pa.table(builder.execute(f"select 1 from rows where {where} limit 1").read_all()))


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


def rewrite(lake: Lake, table: str, change: Callable[[DeltaTable], _T]) -> _T:
    """
    Change a table by delta-rs from a fresh snapshot, again when others commit first; synced.

    Raises `CommitRefused` when it does not work out.
    """
    before = lake.handle(table)
    known = _paths(before)
    result = _tried(lambda: change(lake.handle(table)), table)
    after = lake.handle(table)
    versions = range(before.version() + 1, after.version() + 1)
    lake.storage.sync_commit(table, versions, sorted(_paths(after) - known))
    return result


def _paths(handle: DeltaTable) -> set[str]:
    return set(pa.table(handle.get_add_actions())["path"].to_pylist())


def _tried(change: Callable[[], _T], table: str) -> _T:
    for attempt in range(_ATTEMPTS):
        try:
            return change()
        except CommitFailedError:
            time.sleep(random.uniform(0, 0.1 * 2**attempt))
    with refusing(f"a change of {table}"):
        return change()
