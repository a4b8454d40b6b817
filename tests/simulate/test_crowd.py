"""The simulated crowd: enough people speak of each company in each session, and say what it thinks."""

import numpy as np
import pytest

from wordstreet.sessions import Sessions
from wordstreet.simulate import crowd
from wordstreet.simulate.companies import COMPANIES


@pytest.fixture(scope="module")
def posts(calendar: Sessions) -> list[crowd.Post]:
    """What is said when opinion is the same about all companies in all sessions."""
    opinion = np.zeros((len(calendar), len(COMPANIES)))
    return crowd.speak(opinion, calendar, np.random.default_rng(5))


def test_ten_posts_of_five_authors_in_each_session(
    posts: list[crowd.Post], calendar: Sessions
) -> None:
    """Each company is spoken of in each session by enough people to count."""
    moments = np.array([post.at for post in posts]).astype("datetime64[s]").astype("datetime64[us]")
    rows = calendar.index_of(moments, crowd.CUTOFF_MINUTES).tolist()
    authors: dict[tuple[int, str], list[int]] = {}
    for row, post in zip(rows, posts, strict=True):
        authors.setdefault((row, post.tickers[0]), []).append(post.author)

    assert len(authors) == (len(calendar) - 2 * crowd.EDGE) * len(COMPANIES)
    assert min(map(len, authors.values())) >= 10
    assert min(len(set(several)) for several in authors.values()) >= 5


def test_some_posts_are_about_two_companies(posts: list[crowd.Post]) -> None:
    """One post in 25 names a second company, never the same one again."""
    pairs = [post.tickers for post in posts if len(post.tickers) == 2]

    assert 0.03 < len(pairs) / len(posts) < 0.05
    assert all(one != other for one, other in pairs)


def test_opinion_colours_what_is_said(calendar: Sessions) -> None:
    """A crowd that thinks well of everything praises more than one that thinks badly."""
    shape = (len(calendar), len(COMPANIES))
    said = [
        crowd.speak(np.full(shape, opinion), calendar, np.random.default_rng(5))
        for opinion in (2.0, -2.0)
    ]
    praising, damning = (sum("terrible" in post.text for post in posts) for posts in said)

    assert praising < damning / 10
