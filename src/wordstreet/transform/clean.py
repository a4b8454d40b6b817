"""Marks for the filters of a study: repeated texts, reposts, spam, late posts. Nothing is dropped."""

import re
from datetime import timedelta
from hashlib import blake2b
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "LATE",
    "SHORTEST",
    "SPAM_CASHTAGS",
    "duplicate_groups",
    "is_late",
    "is_repost",
    "is_spam",
]

SPAM_CASHTAGS: Final = 8
"""So many different cashtags in one post advertise; four to seven are still a list of opinions."""

LATE: Final = timedelta(days=1)
"""A post first seen later than this after it was written says nothing about the day we saw it."""

SHORTEST: Final = 12
"""Texts with fewer characters left repeat by chance: people, not bots, all write `buy $T`."""

# each pattern begins with what can be searched for fast; what may not stand before it comes second
_REPOST_MARKS: Final = re.compile(r"\A(?:\s*rt\s+@\w+:?)+")
_DECORATION: Final = (
    re.compile(r"https?://\S+"),
    re.compile(r"www\.(?<!\wwww\.)\S+"),
    re.compile(r"@(?<!\w@)\w+:?"),
)
_NUMBER: Final = re.compile(r"\d(?<!\w\d)\d*(?:[.,:]\d+)*(?!\w|\.[a-z])")
_CASHTAG: Final = re.compile(r"(?<![\w$])\$([A-Za-z]{1,6})(?!\w)")


def duplicate_groups(texts: pa.Array, sources: pa.Array, post_ids: pa.Array) -> pa.Array:
    """
    Return for each post a digest that equal texts share whatever their decoration.

    Decoration is the case of letters, white space, links, handles, marks of reposting and numbers.
    Names, cashtags, signs and words stay, so that neither the company nor the direction is lost. A
    text that is too short to tell repetition from chance is in a group of its own. The digest
    depends on nothing but the post: groups hold across batches, machines and years.
    """
    distinct = pc.fill_null(texts, "").dictionary_encode()
    groups = [_group(text) for text in distinct.dictionary.to_pylist()]
    posts = zip(
        distinct.indices.to_pylist(), sources.to_pylist(), post_ids.to_pylist(), strict=True
    )
    return pa.array(
        [groups[text] or _digest(f"{source}:{post}", b"post") for text, source, post in posts],
        pa.string(),
    )


def _group(text: str) -> str | None:
    """Return the digest of a text without its decoration; None when too little is left."""
    plain = _REPOST_MARKS.sub("", text.casefold())
    for pattern in _DECORATION:
        plain = pattern.sub(" ", plain)
    plain = " ".join(_NUMBER.sub("0", plain).split())
    return _digest(plain, b"text") if len(plain) >= SHORTEST else None


def _digest(text: str, what: bytes) -> str:
    return blake2b(text.encode(), digest_size=8, person=what).hexdigest()


def is_repost(kinds: pa.Array) -> pa.Array:
    """Return which posts only repeat another."""
    return pc.equal(kinds, "repost")


def is_spam(texts: pa.Array, cashtags: pa.Array) -> pa.Array:
    """Return which posts name `SPAM_CASHTAGS` or more symbols, in the text or by the platform."""
    posts = zip(pc.fill_null(texts, "").to_pylist(), cashtags.to_pylist(), strict=True)
    return pa.array([_is_spam(text, tags or []) for text, tags in posts], pa.bool_())


def _is_spam(text: str, tags: list[str]) -> bool:
    if text.count("$") + len(tags) < SPAM_CASHTAGS:
        return False
    return len({*tags, *map(str.upper, _CASHTAG.findall(text))}) >= SPAM_CASHTAGS


def is_late(created_at: pa.Array, observed_at: pa.Array) -> pa.Array:
    """Return which posts were first seen more than a day after they were written; null: unknown."""
    return pc.greater(pc.subtract(observed_at, created_at), pa.scalar(LATE, pa.duration("us")))
