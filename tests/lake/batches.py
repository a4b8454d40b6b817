"""Batches as the transform makes them, of posts whose text says who they are."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from wordstreet.lake.tables import Stream
from wordstreet.schema import TABLES

STREAM = Stream("0c4fb3a1-58a4-4a9c-9a6c-6a2c8c8f0001", "posts", 0)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
START = datetime(2026, 10, 30, tzinfo=UTC)


def batch(
    start: int,
    end: int,
    *,
    rejected: Collection[int] = (),
    deleting: dict[int, str] | None = None,
    stream: Stream = STREAM,
    ids: dict[int, str] | None = None,
    **changes: Any,
) -> dict[str, pa.Table]:
    """
    Return the tables of offsets [start, end): a post and a mention each.

    `rejected` offsets become rejects, `deleting` ones delete the post id they map to, `ids` gives
    an offset another post id than its own, `changes` sets columns of every post.
    """
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for offset in range(start, end):
        position = {
            "log_id": stream.log_id,
            "topic": stream.topic,
            "partition": stream.partition,
            "offset": offset,
            "source": "x",
            "origin": "stream",
            "observed_at": START + timedelta(minutes=offset),
            "ingested_at": NOW,
        }
        post_id = (ids or {}).get(offset, f"p{offset}")
        if offset in rejected:
            rows["rejects"].append(
                {
                    **position,
                    "key": f"x:{post_id}",
                    "event": "post",
                    "reason": "broken",
                    "raw": f"secret-{offset}-".encode(),
                }
            )
        elif deleting and offset in deleting:
            rows["deletions"].append(
                {
                    **position,
                    "kind": "post",
                    "post_id": deleting[offset],
                    "deleted_at": position["observed_at"],
                }
            )
        else:
            text = f"secret-{offset}- about Tesla"
            post = {
                **position,
                "post_id": post_id,
                "author_id": f"author-{offset}-",
                "text": text,
                "raw": text.encode(),
                "kind": "post",
                "cashtags": ["TSLA"],
            }
            rows["posts"].append({**post, **changes})
            rows["mentions"].append(
                {
                    **position,
                    "post_id": post_id,
                    "ticker": "TSLA",
                    "evidence": "name",
                    "confidence": 0.8,
                    "score": 0.5,
                }
            )
    return {
        name: pa.Table.from_pylist(
            [{**dict.fromkeys(schema.names), **row} for row in rows[name]], schema=schema
        )
        for name, schema in TABLES.items()
    }


def with_gap(rows: dict[str, pa.Table], offset: int) -> dict[str, pa.Table]:
    """Turn the post at `offset`, where there is one, into a gap record."""
    schema = TABLES["gaps"]
    posts = rows["posts"].filter(pc.equal(rows["posts"]["offset"], offset)).to_pylist()
    gaps = [
        {name: post.get(name) for name in schema.names} | {"reason": "silence"} for post in posts
    ]
    keep = {
        name: rows[name].filter(pc.not_equal(rows[name]["offset"], offset))
        for name in ("posts", "mentions")
    }
    return {**rows, **keep, "gaps": pa.Table.from_pylist(gaps, schema=schema)}
