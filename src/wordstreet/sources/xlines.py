"""What stands on one line of a collection of X posts: which posts and events, and what they are called."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson

from wordstreet.schema import Event

__all__ = ["Found", "read_line"]


class Found(NamedTuple):
    """
    One record found on a line.

    value:    the line itself, or what one post of a page would be as a line
    event:    post | delete | account | gap
    schema:   x.v1 | x.v2, a guess where nothing can be read
    identity: what the key names, None where there is nothing to name
    at:       microseconds since 1970 UTC when it happened, as it claims; None: it does not
    withheld: of a gap, how many posts the service kept back since the connection began
    """

    value: bytes
    event: Event
    schema: str
    identity: str | None = None
    at: int | None = None
    withheld: int | None = None


Tree = dict[str, Any]

_LONGEST_ID: Final = 64
_HANDED_OUT: Final = 64  # included posts may make a page this many times longer, hostile ones more
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LAST: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_MONTHS: Final = {
    name: f"{number:02}"
    for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}
_FIRST_TIMED_ID: Final = 29_700_859_247  # since November 2010 an id holds its time
_ID_EPOCH_MS: Final = 1_288_834_974_657


def read_line(line: bytes) -> Iterable[Found]:
    """
    Return what a line holds: one record, or of a page one for each post with what it refers to.

    Understood are lines of X API v2 streams, pages and single posts of twarc2, posts of API v1.1,
    and the control lines of both. A line that is none of these is a post nobody can read, so that
    the transform can count it; no line raises, none is left out but an empty page.
    """
    tree = _load(line)
    if tree is None:
        return (Found(line, "post", _guess(line)),)
    data = tree.get("data")
    if isinstance(data, list):
        return _page(tree, data, line)
    if data is None and isinstance(tree.get("meta"), dict) and "id" not in tree:
        return ()
    said = data if isinstance(data, dict) else tree
    return (_post(said, line) if "id" in said or "id_str" in said else _control(said, line),)


def _load(line: bytes) -> Tree | None:
    """Return the JSON object on the line, with ids of any length as they are written."""
    try:
        tree = orjson.loads(line)
    except orjson.JSONDecodeError:
        return _load_exactly(line)
    if not isinstance(tree, dict):
        return None
    data = tree.get("data", tree)
    posts = data if isinstance(data, list) else [data]
    rounded = any(isinstance(post, dict) and isinstance(post.get("id"), float) for post in posts)
    return _load_exactly(line) if rounded else tree


def _load_exactly(line: bytes) -> Tree | None:
    try:
        tree = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, dict) else None


def _guess(line: bytes) -> str:
    return "x.v1" if b'"id_str"' in line else "x.v2"


def _post(post: Tree, line: bytes) -> Found:
    if "id_str" in post or isinstance(post.get("user"), dict):
        identity, schema = _identity(post.get("id_str") or post.get("id")), "x.v1"
        at = _v1_moment(post.get("created_at"))
    else:
        identity, schema = _identity(post["id"]), "x.v2"
        at = _moment(post.get("created_at"))
    return Found(line, "post", schema, identity, _time_in(identity) if at is None else at)


def _control(tree: Tree, line: bytes) -> Found:
    """Read a line about posts or accounts; one of an unknown kind is a post nobody can read."""
    name = next(iter(tree), "")
    event = _mapping(tree.get(name))
    at = _moment(event.get("event_at"))
    at = _epoch_ms(event.get("timestamp_ms")) if at is None else at
    if name == "delete":
        schema = "x.v1" if "status" in event else "x.v2"
        post = _mapping(event.get("status") or event.get("tweet") or event.get("post"))
        return Found(line, "delete", schema, _identity(post.get("id_str") or post.get("id")), at)
    if name == "limit":
        return Found(line, "gap", "x.v1", None, at, _count(event.get("track")))
    if name.startswith("user_"):
        user = _mapping(event.get("user")) or event
        identity = _identity(user.get("id_str") or user.get("id"))
        schema = "x.v2" if "user" in event else "x.v1"
        return Found(line, "account", schema, identity and f"user:{identity}", at)
    return Found(line, "post", _guess(line))


def _page(page: Tree, posts: list[Any], line: bytes) -> Iterator[Found]:
    """
    Yield each post of a page as if it had come alone, with what it refers to.

    Where that would make the page many times longer, the rest comes with nothing. At a post that
    cannot be written down the page itself is handed on, so that nothing is lost.
    """
    included = _included(page)
    about = {key: page[key] for key in ("matching_rules", "__twarc") if key in page}
    left = _HANDED_OUT * len(line)
    for post in posts:
        one: Tree = {"data": post}
        if left > 0:
            one |= _referred(_mapping(post), included) | about
        try:
            value = _dump(one)
        except (ValueError, RecursionError):
            yield Found(line, "post", "x.v2")
            return
        left -= len(value)
        named = isinstance(post, dict) and "id" in post
        yield _post(post, value) if named else Found(value, "post", "x.v2")


def _included(page: Tree) -> dict[str, list[tuple[str, Tree]]]:
    """Return the included objects and their kinds by their ids."""
    found: dict[str, list[tuple[str, Tree]]] = {}
    for kind, objects in _mapping(page.get("includes")).items():
        for one in _dicts(objects):
            found.setdefault(str(one.get("id") or one.get("media_key")), []).append((kind, one))
    return found


def _referred(post: Tree, included: Mapping[str, list[tuple[str, Tree]]]) -> Tree:
    """Return the part of a page's `includes` that a post refers to, directly or by its references."""
    if not included:
        return {}
    direct = dict.fromkeys(_references(post))
    posts = [one for identity in direct for _, one in included.get(identity, ())]
    wanted = direct | dict.fromkeys(str(one.get("author_id")) for one in posts)
    includes: dict[str, list[Tree]] = {}
    for identity in wanted:
        for kind, one in included.get(identity, ()):
            includes.setdefault(kind, []).append(one)
    return {"includes": includes} if includes else {}


def _references(post: Tree) -> Iterator[str]:
    """Yield the ids a post refers to: posts, accounts, media, polls, places."""
    for one in _dicts(post.get("referenced_tweets") or post.get("referenced_posts")):
        yield str(one.get("id"))
    attachments = _mapping(post.get("attachments"))
    for key in ("media_keys", "poll_ids"):
        listed = attachments.get(key)
        yield from map(str, listed if isinstance(listed, list) else ())
    yield str(post.get("author_id"))
    yield str(post.get("in_reply_to_user_id"))
    yield str(_mapping(post.get("geo")).get("place_id"))


def _dump(tree: Tree) -> bytes:
    try:
        return orjson.dumps(tree)
    except orjson.JSONEncodeError:  # half a surrogate pair, or an integer of more than 64 bits
        return json.dumps(tree).encode()


def _mapping(value: Any) -> Tree:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[Tree]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _identity(value: Any) -> str | None:
    """Return an id as text; None when it is no id, or none that could be written everywhere."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if value.bit_length() < 4 * _LONGEST_ID else ""
    usable = isinstance(value, str) and 0 < len(value) <= _LONGEST_ID and value.isprintable()
    return value if usable else None


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 2**63 else None


def _moment(value: Any) -> int | None:
    """Return the microseconds of an ISO 8601 time with zone; None when it is none, or before 1970."""
    try:
        micros = (datetime.fromisoformat(value) - _EPOCH) // _MICROSECOND
    except (TypeError, ValueError, OverflowError):  # TypeError: no text, or a time without zone
        return None
    return _storable(micros)


def _v1_moment(value: Any) -> int | None:
    """Return the microseconds of `Wed Jan 01 03:59:03 +0000 2014`."""
    parts = value.split(" ") if isinstance(value, str) else ()
    if len(parts) != 6:
        return None
    _, month, day, clock, zone, year = parts
    return _moment(f"{year}-{_MONTHS.get(month)}-{day}T{clock}{zone}")


def _epoch_ms(value: Any) -> int | None:
    try:
        micros = int(value) * 1000
    except (TypeError, ValueError, OverflowError):
        return None
    return _storable(micros)


def _storable(micros: int) -> int | None:
    return micros if 0 <= micros <= _LAST else None


def _time_in(identity: str | None) -> int | None:
    """Return the time an id of X was given out at, which the id itself tells."""
    if identity is None or not (identity.isascii() and identity.isdigit()):
        return None
    number = int(identity)
    return _storable(((number >> 22) + _ID_EPOCH_MS) * 1000) if number >= _FIRST_TIMED_ID else None
