"""Posts as lines of an X v2 stream, with what goes wrong on the way: twice, taken back, broken."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from wordstreet.simulate.companies import COMPANIES
from wordstreet.simulate.crowd import Post

__all__ = ["Line", "broken", "deletes", "identities", "lines", "redeliveries"]

_EPOCH_MS: Final = 1_288_834_974_657  # X counts time in ids from here
_FIRST_AUTHOR: Final = 1_400_000_000_000_000_000
_FIRST_RULE: Final = 1_700_000_000_000_000_000

_REDELIVERED: Final = 0.02
_DELETED: Final = 0.008
_EARLY: Final = 0.05  # of the deletes, before their post
_BROKEN: Final = 0.001

_ENTITY: Final = re.compile(
    r"\$(?P<cashtags>[A-Z]{2,6})\b|#(?P<hashtags>\w+)|@(?P<mentions>\w+)|(?P<urls>https://\S+)"
)
_KEYS: Final = {"cashtags": "tag", "hashtags": "tag", "mentions": "username", "urls": "url"}
_RULES: Final = {
    company.ticker: {"id": str(_FIRST_RULE + place), "tag": f"wordstreet:{company.ticker}"}
    for place, company in enumerate(COMPANIES)
}
_NOT_OBJECTS: Final = (b"42", b'"stream paused"', b"[1, 2, 3]", b"null", b"\xff\xfe\x00")

Tree = dict[str, Any]


class Line(NamedTuple):
    """A line and when it comes, in seconds since 1970."""

    at: int
    value: bytes


def identities(posts: Sequence[Post]) -> list[str]:
    """Return each post's id, which tells its time and is nobody else's."""
    return [str(((1000 * post.at - _EPOCH_MS) << 22) + place) for place, post in enumerate(posts)]


def lines(posts: Sequence[Post], ids: Sequence[str]) -> list[Line]:
    """Return the line of each post."""
    return [
        Line(post.at, orjson.dumps(_tree(post, identity, posts, ids)))
        for post, identity in zip(posts, ids, strict=True)
    ]


def _tree(post: Post, identity: str, posts: Sequence[Post], ids: Sequence[str]) -> Tree:
    data = _data(post, identity)
    includes: Tree = {"users": [_user(post.author)]}
    if post.original is not None:
        original = posts[post.original]
        reposted = _data(original, ids[post.original])
        data["text"] = f"RT @{_username(original.author)}: {original.text}"[:140]
        data["entities"] = _entities(data["text"])
        data["referenced_tweets"] = [{"type": "retweeted", "id": reposted["id"]}]
        includes = {"users": [*includes["users"], _user(original.author)], "tweets": [reposted]}
    rules = [_RULES[ticker] for ticker in post.tickers]
    return {"data": data, "includes": includes, "matching_rules": rules}


def _data(post: Post, identity: str) -> Tree:
    return {
        "id": identity,
        "text": post.text,
        "author_id": _author_id(post.author),
        "created_at": _iso(post.at),
        "lang": "en",
        "entities": _entities(post.text),
        "edit_history_tweet_ids": [identity],
    }


def _entities(text: str) -> Tree:
    """Return what the platform marks in a text."""
    found: dict[str, list[Tree]] = {}
    for match in _ENTITY.finditer(text):
        kind = str(match.lastgroup)
        place = {"start": match.start(), "end": match.end(), _KEYS[kind]: match[kind]}
        found.setdefault(kind, []).append(place)
    return found


def _user(author: int) -> Tree:
    return {"id": _author_id(author), "username": _username(author)}


def _author_id(author: int) -> str:
    return str(_FIRST_AUTHOR + author)


def _username(author: int) -> str:
    return f"reader{author}"


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def redeliveries(sent: Sequence[Line], chance: np.random.Generator) -> list[Line]:
    """Return lines that come again, byte for byte, up to an hour later."""
    places = chance.choice(len(sent), size=round(_REDELIVERED * len(sent)), replace=False)
    later = chance.integers(1, 3600, size=len(places))
    return [
        Line(sent[place].at + seconds, sent[place].value)
        for place, seconds in zip(places.tolist(), later.tolist(), strict=True)
    ]


def deletes(posts: Sequence[Post], ids: Sequence[str], chance: np.random.Generator) -> list[Line]:
    """Return lines that take posts back within two days; a few of them come before their post."""
    places = chance.choice(len(posts), size=round(_DELETED * len(posts)), replace=False)
    later = chance.integers(60, 2 * 86_400, size=len(places))
    early = np.arange(len(places)) < max(1, round(_EARLY * len(places)))
    made = []
    for place, seconds, first in zip(places.tolist(), later.tolist(), early.tolist(), strict=True):
        post = posts[place]
        gone = {"id": ids[place], "author_id": _author_id(post.author)}
        event = {"delete": {"tweet": gone, "event_at": _iso(post.at + seconds)}}
        made.append(Line(post.at - 1 if first else post.at + seconds, orjson.dumps(event)))
    return made


def broken(sent: Sequence[Line], chance: np.random.Generator) -> list[Line]:
    """Return lines nobody can read: every other one cut off, the rest no object at all."""
    places = chance.choice(len(sent), size=round(_BROKEN * len(sent)), replace=False)
    shares = chance.uniform(0.1, 0.9, size=len(places)).tolist()
    made = []
    for number, (place, share) in enumerate(zip(places.tolist(), shares, strict=True)):
        at, value = sent[place]
        cut = value[: int(share * len(value))]
        made.append(Line(at, _NOT_OBJECTS[number // 2 % 5] if number % 2 else cut))
    return made
