"""From raw records to tables: parse, clean, match, score. Pure."""

from datetime import datetime

import pyarrow as pa

from wordstreet.schema import MENTIONS, TABLES
from wordstreet.transform import clean
from wordstreet.transform.match import Evidence, Matcher
from wordstreet.transform.parse import parse
from wordstreet.transform.score import Scorer

__all__ = ["Evidence", "Matcher", "Scorer", "transform"]


def transform(
    records: pa.RecordBatch, matcher: Matcher, scorer: Scorer, now: datetime
) -> dict[str, pa.Table]:
    """
    Return a table for each name in `schema.TABLES` from records in the shape of `schema.RECORDS`.

    Every record becomes exactly one row of posts, rejects, deletions or gaps, whatever its bytes,
    and a post about two companies two rows of mentions. `now` is written into `ingested_at`; apart
    from it, the same records always give the same tables, however they are cut into batches.
    """
    tables = parse(records, now)
    tables["mentions"] = _mentions(tables["posts"], matcher, scorer)
    return {name: tables[name] for name in TABLES}


def _mentions(posts: pa.Table, matcher: Matcher, scorer: Scorer) -> pa.Table:
    """Match all posts, and score and mark those that are about a company of the watchlist."""
    found = matcher.match(*(_array(posts, name) for name in ("text", "cashtags", "rule_tags")))
    rows = found["row"].dictionary_encode()
    about = posts.take(rows.dictionary)
    told = {name: _array(about, name) for name in about.column_names}
    told |= {
        "score": _scores(told["text"], scorer),
        "duplicate_group": clean.duplicate_groups(told["text"], told["source"], told["post_id"]),
        "is_repost": clean.is_repost(told["kind"]),
        "is_spam": clean.is_spam(told["text"], told["cashtags"]),
        "is_late": clean.is_late(told["created_at"], told["observed_at"]),
        "scorer": pa.repeat(scorer.id, len(about)),
        "scorer_version": pa.repeat(scorer.version, len(about)),
    }
    per_mention = {name: found[name] for name in ("ticker", "evidence", "confidence")}
    arrays = [
        per_mention[name] if name in per_mention else told[name].take(rows.indices)
        for name in MENTIONS.names
    ]
    return pa.Table.from_arrays(arrays, schema=MENTIONS)


def _scores(texts: pa.Array, scorer: Scorer) -> pa.Array:
    """Score each text, asking the scorer but once for texts that come again."""
    distinct = texts.dictionary_encode()
    return scorer.score(distinct.dictionary).take(distinct.indices)


def _array(table: pa.Table, name: str) -> pa.Array:
    return table.column(name).combine_chunks()
