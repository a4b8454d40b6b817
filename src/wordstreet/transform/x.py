"""X's wire formats: posts of API v1.1 and of both dialects of v2, deletes and account events."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from wordstreet.transform.wire import (
    Deletion,
    Post,
    RejectedError,
    dicts,
    epoch_ms,
    moment,
    optional_id,
    required_id,
    strings,
)

__all__ = ["read_account", "read_delete", "read_v1", "read_v2"]

_MONTHS: Final = {
    name: f"{number:02}"
    for number, name in enumerate(re.findall("...", "JanFebMarAprMayJunJulAugSepOctNovDec"), 1)
}
_REPOST_MARK: Final = re.compile(r"RT @\w+: ")
_RELATIONS: Final = {
    "retweeted": "repost",
    "reposted": "repost",
    "quoted": "quote",
    "replied_to": "reply",
}

Tree = dict[str, Any]


def read_v2(tree: Tree) -> Post:
    """Read one post of API v2: a stream line, a single-post answer, or one flattened by twarc."""
    post = tree.get("data", tree)
    if not isinstance(post, dict) or "id" not in post:
        raise RejectedError(_why_no_post(tree))
    related = _related(post)
    repost_of, quote_of, reply_to = (
        optional_id(related[relation].get("id")) if relation in related else None
        for relation in ("repost", "quote", "reply")
    )
    original = _included(tree, related["repost"], repost_of) if repost_of else None
    said = [post] if original is None else [post, original]
    entities = _entities(part for one in said for part in (one, _note(one)))
    return Post(
        post_id=required_id(post["id"], "post id"),
        author_id=optional_id(post.get("author_id") or _mapping(post.get("author")).get("id")),
        created_at=moment(post.get("created_at")),
        lang=_lang(post.get("lang")),
        text=_text(_v2_body(post), None if original is None else _v2_body(original), repost_of),
        kind=_kind("repost" in related, "quote" in related, "reply" in related),
        repost_of=repost_of,
        reply_to=reply_to,
        quote_of=quote_of,
        cashtags=_listed(entities, "cashtags", "tag", str.upper),
        hashtags=_listed(entities, "hashtags", "tag", _bare),
        links=_links(entities),
        rule_tags=strings(tree.get("matching_rules"), "tag"),
    )


def _why_no_post(tree: Tree) -> str:
    if isinstance(tree.get("data"), list):
        return "a page of posts where one post was expected"
    if "errors" in tree or "error" in tree:
        return "a message of the service, not a post"
    return "no post in it"


def _related(post: Tree) -> dict[str, Tree]:
    references = post.get("referenced_tweets") or post.get("referenced_posts")
    if not references:
        return {}
    found = ((_RELATIONS.get(str(one.get("type"))), one) for one in dicts(references))
    return {relation: one for relation, one in found if relation}


def _included(tree: Tree, reference: Tree, identity: str) -> Tree | None:
    """Return the reposted post when the payload carries it: beside the post, or flattened into it."""
    includes = _mapping(tree.get("includes"))
    for post in [reference, *dicts(includes.get("tweets")), *dicts(includes.get("posts"))]:
        if optional_id(post.get("id")) == identity and isinstance(_v2_body(post), str):
            return post
    return None


def _note(post: Tree) -> Tree:
    """Return the part that holds a long post in full."""
    return _mapping(post.get("note_tweet") or post.get("note_post"))


def _v2_body(post: Tree) -> Any:
    full = _note(post).get("text")
    return full if isinstance(full, str) else post.get("text")


def read_v1(tree: Tree) -> Post:
    """Read one post of API v1.1, in compatible, extended or streaming shape."""
    original = tree.get("retweeted_status")
    said = [tree, original] if isinstance(original, dict) else [tree]
    entities = _entities(
        part for one in said for part in (one, _mapping(one.get("extended_tweet")))
    )
    user = _mapping(tree.get("user"))
    identity = required_id(tree.get("id_str") or tree.get("id"), "post id")
    repost_of = _v1_id(said[1], "id") if len(said) > 1 else None
    reply_to = _v1_id(tree, "in_reply_to_status_id")
    quote_of = _v1_id(tree, "quoted_status_id") or _v1_id(_mapping(tree.get("quoted_status")), "id")
    return Post(
        post_id=identity,
        author_id=_v1_id(user, "id"),
        created_at=_v1_moment(tree.get("created_at")),
        lang=_lang(tree.get("lang")),
        text=_text(_v1_body(tree), _v1_body(said[1]) if len(said) > 1 else None, repost_of),
        kind=_kind(len(said) > 1, quote_of is not None, reply_to is not None),
        repost_of=repost_of,
        reply_to=reply_to,
        quote_of=quote_of,
        cashtags=_listed(entities, "symbols", "text", str.upper),
        hashtags=_listed(entities, "hashtags", "text", _bare),
        links=_links(entities),
        rule_tags=strings(tree.get("matching_rules"), "tag"),
    )


def _v1_id(tree: Tree, key: str) -> str | None:
    return optional_id(tree.get(key + "_str") or tree.get(key))


def _v1_body(tree: Tree) -> Any:
    full = _mapping(tree.get("extended_tweet")).get("full_text")
    return next((t for t in (full, tree.get("full_text")) if isinstance(t, str)), tree.get("text"))


def _v1_moment(value: Any) -> int | None:
    """Return the microseconds of `Wed Jan 01 03:59:03 +0000 2014`."""
    parts = value.split() if isinstance(value, str) else []
    if len(parts) != 6:
        return None
    _, month, day, clock, zone, year = parts
    return moment(f"{year}-{_MONTHS.get(month)}-{day}T{clock}{zone}")


def read_delete(tree: Tree) -> Deletion:
    """Read the delete of one post, as v1.1 streams or v2 compliance streams say it."""
    event = _mapping(_mapping(tree.get("data", tree)).get("delete"))
    post = _mapping(event.get("status") or event.get("tweet") or event.get("post"))
    if not post:
        reason = "no deleted post in it"
        raise RejectedError(reason)
    return Deletion(
        kind="post",
        post_id=required_id(post.get("id_str") or post.get("id"), "id of the deleted post"),
        author_id=_v1_id(post, "user_id") or optional_id(post.get("author_id")),
        deleted_at=_event_time(event),
    )


def read_account(tree: Tree) -> Deletion:
    """Read the event of an account that went; any other account event is refused by its name."""
    events = _mapping(tree.get("data", tree))
    if "user_delete" not in events:
        name = next(iter(events), "without a name")
        reason = f"an account event that deletes nothing: {name[:40]}"
        raise RejectedError(reason)
    event = _mapping(events["user_delete"])
    user = _mapping(event.get("user")) or event
    identity = required_id(user.get("id_str") or user.get("id"), "id of the deleted account")
    return Deletion("account", None, identity, _event_time(event))


def _event_time(event: Tree) -> int | None:
    at = moment(event.get("event_at"))
    return epoch_ms(event.get("timestamp_ms")) if at is None else at


def _mapping(value: Any) -> Tree:
    return value if isinstance(value, dict) else {}


def _lang(value: Any) -> str | None:
    """Return the language; X writes `und` when it does not know."""
    return value if isinstance(value, str) and value and value != "und" else None


def _text(own: Any, original: Any, repost_of: str | None) -> str:
    """Return what was said in full: of a repost the reposted words, without the mark of reposting."""
    if not isinstance(own, str):
        reason = "no text"
        raise RejectedError(reason)
    if isinstance(original, str):
        text = original
    else:
        text = _REPOST_MARK.sub("", own, count=1) if repost_of and own.startswith("RT @") else own
    if "&" in text:  # X escapes these three and no others
        text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return text


def _kind(repost: bool, quote: bool, reply: bool) -> str:
    if repost:
        return "repost"
    return "quote" if quote else "reply" if reply else "post"


def _bare(tag: str) -> str:
    return tag.removeprefix("#")


def _entities(parts: Iterable[Tree]) -> list[Tree]:
    return [found for part in parts if isinstance(found := part.get("entities"), dict)]


def _listed(entities: Sequence[Tree], kind: str, key: str, form: Callable[[str], str]) -> list[str]:
    """Return the tags of one kind, each once, in the order of first appearance."""
    tags = [tag for part in entities if kind in part for tag in strings(part[kind], key)]
    return list(dict.fromkeys(map(form, tags))) if tags else []


def _links(entities: Sequence[Tree]) -> list[str]:
    """Return the addresses linked to, not the short ones X puts into the text."""
    links = [
        link
        for part in entities
        if "urls" in part
        for one in dicts(part["urls"])
        if isinstance(link := one.get("expanded_url") or one.get("url"), str)
    ]
    return list(dict.fromkeys(links)) if links else []
