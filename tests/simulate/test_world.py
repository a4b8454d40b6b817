"""A simulated world: the same for a seed, full of dirt that is counted, with the truth it tells."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordstreet.sessions import Sessions
from wordstreet.simulate import crowd
from wordstreet.simulate.companies import COMPANIES
from wordstreet.simulate.world import World, make
from wordstreet.watchlist import Watchlist


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder by its name."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def readable(lines: list[bytes]) -> list[dict[str, Any]]:
    """Return the lines that are JSON objects."""
    trees = []
    for line in lines:
        try:
            tree = json.loads(line)
        except ValueError:
            continue
        if isinstance(tree, dict):
            trees.append(tree)
    return trees


@pytest.fixture(scope="module")
def trees(stream: list[bytes]) -> list[dict[str, Any]]:
    """What can be read of the stream."""
    return readable(stream)


@pytest.fixture(scope="module")
def posts(trees: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Each post once, by its id."""
    return {tree["data"]["id"]: tree for tree in trees if "data" in tree}


def test_same_seed_same_bytes(
    worlds: Mapping[str, World], calendar: Sessions, tmp_path: Path
) -> None:
    """A world made again is the same byte for byte, and tells the same truth."""
    first = worlds["planted"]
    again = make("planted", 7, calendar, tmp_path)

    assert contents(tmp_path) == contents(first.watchlist.parent)
    assert again.truth == first.truth


def test_another_seed_is_another_world(
    worlds: Mapping[str, World], calendar: Sessions, tmp_path: Path
) -> None:
    """Posts and prices of another seed differ in every file."""
    other = make("planted", 8, calendar, tmp_path)
    first = worlds["planted"]
    posts = zip(sorted(first.posts.iterdir()), sorted(other.posts.iterdir()), strict=True)
    prices = zip(sorted(first.prices.iterdir()), sorted(other.prices.iterdir()), strict=True)

    assert all(one.read_bytes() != two.read_bytes() for one, two in posts)
    assert all(one.read_bytes() != two.read_bytes() for one, two in prices)


def test_planted_opinion_goes_before_the_price(worlds: Mapping[str, World]) -> None:
    """In the planted world opinion goes with the next session's return, and its sentence says so."""
    truth = worlds["planted"].truth

    assert 0.09 < truth["forward"] < 0.19
    assert f"{truth['forward']:.2f}" in truth["relation"]


def test_null_world_has_no_relation(worlds: Mapping[str, World]) -> None:
    """In the null world opinion goes with no return; 85 sessions of 20 companies leave a chance of .025."""
    truth = worlds["null"].truth

    assert abs(truth["forward"]) < 0.075
    assert abs(truth["same_session"]) < 0.075


def test_reaction_comes_after_the_price(worlds: Mapping[str, World]) -> None:
    """In the reaction world opinion goes with its own session's return and with no later one."""
    truth = worlds["reaction"].truth

    assert 0.2 < truth["same_session"] < 0.35
    assert abs(truth["forward"]) < 0.075


def test_worlds_of_a_seed_share_their_noise(worlds: Mapping[str, World]) -> None:
    """The posts of the planted and the null world are the same: only the prices differ."""
    planted, null = worlds["planted"], worlds["null"]

    assert contents(planted.posts) == contents(null.posts)
    assert contents(planted.prices) != contents(null.prices)


def test_watchlist_can_be_loaded(worlds: Mapping[str, World]) -> None:
    """The watchlist is one wordstreet accepts, and names a phrase that means something else."""
    watchlist = Watchlist.load(str(worlds["planted"].watchlist))

    assert watchlist.tickers == tuple(company.ticker for company in COMPANIES)
    assert [company.exclude for company in watchlist if company.exclude] == [("Zymbrellan Falls",)]


def test_every_post_is_counted(
    worlds: Mapping[str, World], posts: Mapping[str, dict[str, Any]]
) -> None:
    """The truth knows how many different posts there are."""
    assert len(posts) == worlds["planted"].truth["posts"]


def test_redelivered_lines_are_exact_copies(
    worlds: Mapping[str, World], stream: list[bytes]
) -> None:
    """So many lines as the truth says come again byte for byte."""
    copies = Counter(line for line in stream if line.startswith(b'{"data"') and line.endswith(b"}"))
    again = sum(many - 1 for many in copies.values())

    assert again == worlds["planted"].truth["redeliveries"] > 100


def test_broken_lines_are_broken(
    worlds: Mapping[str, World], stream: list[bytes], trees: list[dict[str, Any]]
) -> None:
    """Some lines are no JSON object, both cut ones and whole values of other kinds."""
    broken = len(stream) - len(trees)
    cut = [line for line in stream if line.startswith(b"{") and not readable([line])]

    assert broken == worlds["planted"].truth["broken_lines"]
    assert 0 < len(cut) < broken


def test_deletes_name_posts_and_some_come_first(
    worlds: Mapping[str, World], trees: list[dict[str, Any]]
) -> None:
    """Deletes are about posts of the stream; most come after their post, a few before it."""
    places: dict[str, int] = {}
    for place, tree in enumerate(trees):
        if "data" in tree:
            places.setdefault(tree["data"]["id"], place)
    gone = [
        (place, tree["delete"]["tweet"]["id"])
        for place, tree in enumerate(trees)
        if "delete" in tree
    ]
    early = sum(place < places[identity] for place, identity in gone)

    assert len(gone) == worlds["planted"].truth["deletes"] > 100
    assert 0 < early < len(gone) / 10


def test_bots_post_one_text_from_many_accounts(posts: Mapping[str, dict[str, Any]]) -> None:
    """Sixty accounts or more post the same words with a link of their own."""
    accounts: dict[str, set[str]] = {}
    for tree in posts.values():
        if "referenced_tweets" not in tree["data"]:
            words = tree["data"]["text"].split(" https://")[0]
            accounts.setdefault(words, set()).add(tree["data"]["author_id"])
    bursts = [authors for authors in accounts.values() if len(authors) >= 60]

    assert len(bursts) == 12


def test_one_author_posts_hundreds_in_a_session(
    posts: Mapping[str, dict[str, Any]], calendar: Sessions
) -> None:
    """Two machines write hundreds of different posts between two cutoffs."""
    said: dict[str, list[dict[str, Any]]] = {}
    for tree in posts.values():
        said.setdefault(tree["data"]["author_id"], []).append(tree["data"])
    machines = [mine for mine in said.values() if len(mine) > 200]

    assert len(machines) == 2
    for mine in machines:
        assert len({post["text"] for post in mine}) > 0.99 * len(mine)
        assert len(set(sessions_of(mine, calendar).tolist())) == 1


def test_spam_lists_eight_cashtags_or_more(
    worlds: Mapping[str, World], posts: Mapping[str, dict[str, Any]]
) -> None:
    """Some posts name eight companies or more."""
    spam = [
        tree
        for tree in posts.values()
        if len(tree["data"]["entities"].get("cashtags", ())) >= 8
        and "referenced_tweets" not in tree["data"]
    ]

    assert len(spam) == worlds["planted"].truth["spam_posts"] > 50


def test_reposts_carry_what_they_repeat(
    worlds: Mapping[str, World], posts: Mapping[str, dict[str, Any]]
) -> None:
    """A repost refers to a post of the stream and brings its whole text along."""
    reposts = [tree for tree in posts.values() if "referenced_tweets" in tree["data"]]
    originals = [tree["data"]["referenced_tweets"][0]["id"] for tree in reposts]

    assert len(reposts) == worlds["planted"].truth["reposts"] > 100
    assert [tree["includes"]["tweets"][0]["text"] for tree in reposts] == [
        posts[identity]["data"]["text"] for identity in originals
    ]


def test_entities_stand_where_they_say(posts: Mapping[str, dict[str, Any]]) -> None:
    """Each cashtag lies between its start and its end in the text."""
    marked = [
        (tree["data"]["text"][tag["start"] : tag["end"]], "$" + tag["tag"])
        for tree in posts.values()
        for tag in tree["data"]["entities"].get("cashtags", ())
    ]

    assert len(marked) > 1000
    assert all(found == wanted for found, wanted in marked)


def test_there_is_talk_every_session_and_at_all_hours(
    posts: Mapping[str, dict[str, Any]], calendar: Sessions
) -> None:
    """Every session but the first and last ten is talked in, nights and weekends included."""
    data = [tree["data"] for tree in posts.values()]
    times = np.array([post["created_at"][:19] for post in data], "datetime64[s]")
    spoken = sorted(set(sessions_of(data, calendar).tolist()))
    weekend = (times.astype("datetime64[D]").astype(int) + 3) % 7 >= 5
    hours = Counter((times.astype(int) % 86_400 // 3600).tolist())

    assert spoken[:1] == [crowd.EDGE]
    assert set(range(crowd.EDGE, len(calendar) - crowd.EDGE)) <= set(spoken)
    assert 0.02 < weekend.mean() < 0.2
    assert len(hours) == 24


def sessions_of(posts: list[dict[str, Any]], calendar: Sessions) -> np.ndarray:
    """Return the session each post belongs to."""
    times = np.array([post["created_at"][:19] for post in posts], "datetime64[us]")
    return calendar.index_of(times, crowd.CUTOFF_MINUTES)
