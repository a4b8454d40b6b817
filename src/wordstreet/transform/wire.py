"""What every wire format is read into, and the few ways in which a payload's fields are taken."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson

__all__ = [
    "Deletion",
    "Gap",
    "InexactError",
    "Post",
    "RejectedError",
    "dicts",
    "epoch_ms",
    "load",
    "load_exactly",
    "moment",
    "optional_id",
    "required_id",
    "strings",
]


class Post(NamedTuple):
    """One post as its platform tells it; unknown is None."""

    post_id: str
    author_id: str | None
    created_at: int | None  # microseconds since 1970 UTC
    lang: str | None
    text: str
    kind: str
    repost_of: str | None
    reply_to: str | None
    quote_of: str | None
    cashtags: list[str]
    hashtags: list[str]
    links: list[str]
    rule_tags: list[str]


class Deletion(NamedTuple):
    """One post or account that went."""

    kind: str
    post_id: str | None
    author_id: str | None
    deleted_at: int | None


class Gap(NamedTuple):
    """One stretch of time a source did not cover."""

    from_at: int | None
    to_at: int | None
    lost: int | None
    reason: str | None


class RejectedError(Exception):
    """The record cannot be read; the message is the reason kept with it."""


class InexactError(RejectedError):
    """An id came as a number that the fast reader could not hold exactly."""


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LAST: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def load(value: bytes | None) -> dict[str, Any]:
    """Return the JSON object in `value`; `RejectedError` when there is none."""
    if not value:
        reason = "an empty record"
        raise RejectedError(reason)
    try:
        tree = orjson.loads(value)
    except orjson.JSONDecodeError:
        return load_exactly(value)
    return _object(tree)


def load_exactly(value: bytes) -> dict[str, Any]:
    """
    Read what the fast reader refuses or rounds: half surrogate pairs, NaN, integers of any size.

    Half a surrogate pair is no character and no UTF-8; it becomes U+FFFD.
    """
    try:
        text = _ESCAPE.sub(lambda m: r"\ufffd" if m["half"] else m[0], value.decode("utf-8"))
        tree = json.loads(text)
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 from byte {error.start} on"
        raise RejectedError(reason) from None
    except json.JSONDecodeError as error:
        reason = f"not valid JSON: {error.msg} at character {error.pos}"
        raise RejectedError(reason) from None
    except RecursionError:
        reason = "JSON nested too deeply"
        raise RejectedError(reason) from None
    except ValueError:
        reason = "JSON with a number of thousands of digits"
        raise RejectedError(reason) from None
    return _object(tree)


def _object(tree: Any) -> dict[str, Any]:
    if not isinstance(tree, dict):
        reason = "JSON, but not an object"
        raise RejectedError(reason)
    return tree


def required_id(value: Any, what: str) -> str:
    """Return an id as text, whichever way it came; without one the record means nothing."""
    if isinstance(value, float):
        reason = f"the {what} is not a whole number"
        raise InexactError(reason)
    identity = optional_id(value)
    if identity is None:
        reason = f"no {what}" if value in (None, "") else f"the {what} is not usable"
        raise RejectedError(reason)
    return identity


def optional_id(value: Any) -> str | None:
    """Return an id as text, or None when there is none that could be told from others."""
    if isinstance(value, str):
        return value if value and value.isprintable() and "\ufffd" not in value else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def moment(value: Any) -> int | None:
    """Return the microseconds of an ISO 8601 time with zone; None when it is none, or before 1970."""
    try:
        at = datetime.fromisoformat(value)
        micros = (at - _EPOCH) // _MICROSECOND
    except (TypeError, ValueError, OverflowError):  # TypeError: no text, or a time without zone
        return None
    return micros if 0 <= micros <= _LAST else None


def epoch_ms(value: Any) -> int | None:
    """Return the microseconds of a time in milliseconds since 1970, as text or number."""
    try:
        micros = int(value) * 1000
    except (TypeError, ValueError, OverflowError):
        return None
    return micros if 0 <= micros <= _LAST else None


def dicts(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a list; anything else holds none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def strings(value: Any, key: str) -> list[str]:
    """Return the texts under `key` in a list of objects, empty ones left out."""
    if not isinstance(value, list):
        return []
    return [
        text
        for item in value
        if isinstance(item, dict) and isinstance(text := item.get(key), str) and text
    ]
