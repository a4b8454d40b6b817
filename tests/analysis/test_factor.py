"""From mentions to one number per company and session: what counts, when, and how much."""

from typing import Any

import numpy as np
import pytest

from wordstreet.analysis.factor import VOLUME_MEMORY, FactorRules, Factors, build
from wordstreet.errors import InputError

EASY = FactorRules(min_posts=1, min_authors=1)
ACME = [("ACME", "XNYS")]
NOON = "2026-01-07T18:00"


@pytest.fixture
def opinion(mentions: Any, calendar: Any) -> Any:
    """A factory of the factors of some posts about ACME, January 2026."""

    def factors(rows: list[dict[str, Any]], rules: FactorRules = EASY) -> Factors:
        return build(mentions(rows), {"XNYS": calendar("2026-01-05", 40)}, ACME, rules)

    return factors


def known(factors: Factors) -> dict[str, float]:
    """Return the sessions in which ACME has an opinion."""
    column = factors.mean_score[:, 0]
    days = factors.dates.astype(str).tolist()
    return {day: value for day, value in zip(days, column, strict=True) if not np.isnan(value)}


def test_cutoff_decides_the_session(opinion: Any) -> None:
    """20:39 counts for the day that closes at 21:00, 20:40 for the next, Saturday for Monday."""
    found = opinion(
        [
            {"at": "2026-01-07T20:39:59.999999", "score": 0.1},
            {"at": "2026-01-07T20:40", "score": 0.2},
            {"at": "2026-01-10T12:00", "score": 0.3},
        ]
    )

    assert known(found) == pytest.approx(
        {"2026-01-07": 0.1, "2026-01-08": 0.2, "2026-01-12": 0.3}, abs=1e-7
    )
    assert found.dates[[0, -1]].astype(str).tolist() == ["2026-01-07", "2026-01-12"]


@pytest.mark.parametrize(
    ("created", "observed"),
    [("2026-01-06T12:00", "2026-01-07T12:00"), ("2026-01-07T12:00", "2026-01-06T21:30")],
)
def test_later_of_both_clocks_counts(opinion: Any, created: str, observed: str) -> None:
    """Neither a post seen late nor one that claims a later time counts before we could know it."""
    at = [np.datetime64(text, "us").item() for text in (created, observed)]
    found = opinion([{"at": NOON, "created_at": at[0], "observed_at": at[1]}])

    assert list(known(found)) == ["2026-01-07"]
    assert str(found.known_at[0, 0]) == "2026-01-07T12:00:00.000000"


def test_post_with_a_broken_clock_is_left_out(opinion: Any) -> None:
    """A post that claims the year 2099 neither counts nor stretches the axis."""
    future = np.datetime64("2099-01-01", "us").item()
    found = opinion([{"at": NOON}, {"at": NOON, "created_at": future}])

    assert found.removed["clock"] == 1
    assert found.posts.tolist() == [[1]]


def test_post_outside_the_calendar_is_refused(opinion: Any) -> None:
    """A post no session is known for is an error, not a guess."""
    with pytest.raises(InputError, match="load a longer calendar"):
        opinion([{"at": "2031-01-01T12:00"}])


def test_filters_count_what_they_take(opinion: Any) -> None:
    """Each post is taken by the first filter it fails, and the rest is the opinion."""
    found = opinion(
        [
            {"at": NOON, "score": 0.25},
            {"at": NOON, "ticker": "EMCA"},
            {"at": NOON, "is_spam": True},
            {"at": NOON, "is_late": True},
            {"at": NOON, "confidence": 0.4},
            {"at": NOON, "confidence": None},
            {"at": NOON, "score": None},
            {"at": NOON, "score": float("nan")},
        ]
    )

    assert known(found) == {"2026-01-07": 0.25}
    assert found.removed == {
        "unlisted": 1,
        "clock": 0,
        "spam": 1,
        "late": 1,
        "unsure": 2,
        "unscored": 2,
        "duplicate": 0,
        "machine": 0,
    }


def test_same_text_counts_once_a_session_at_its_first_sighting(opinion: Any) -> None:
    """Copies of one text are one post of the first author; the next session it counts again."""
    found = opinion(
        [
            {"at": "2026-01-07T19:00", "duplicate_group": "g", "score": -1.0},
            {"at": "2026-01-07T15:00", "duplicate_group": "g", "score": 0.5},
            {"at": "2026-01-07T16:00", "duplicate_group": "g", "score": -1.0},
            {"at": "2026-01-08T16:00", "duplicate_group": "g", "score": 0.25},
        ]
    )

    assert known(found) == {"2026-01-07": 0.5, "2026-01-08": 0.25}
    assert found.posts.tolist() == [[1], [1]]
    assert found.removed["duplicate"] == 2


def test_posts_of_an_author_share_one_vote(opinion: Any) -> None:
    """Two authors disagree; that one says it three times does not make it truer."""
    found = opinion(
        [
            {"at": NOON, "author_id": "loud", "score": 1.0},
            {"at": NOON, "author_id": "loud", "score": 1.0},
            {"at": NOON, "author_id": "loud", "score": 1.0},
            {"at": NOON, "author_id": "calm", "score": -1.0},
        ]
    )

    assert known(found) == {"2026-01-07": 0.0}
    assert (found.posts.tolist(), found.authors.tolist()) == ([[4]], [[2]])


def test_confidence_weighs_votes(opinion: Any) -> None:
    """A vote that is half as sure to be about the company counts half: (1 - 0.5) / 1.5."""
    found = opinion([{"at": NOON, "score": 1.0}, {"at": NOON, "score": -1.0, "confidence": 0.5}])

    assert known(found) == pytest.approx({"2026-01-07": 1 / 3})


def test_same_name_on_two_platforms_is_two_authors(opinion: Any) -> None:
    """Authors are told apart by source, and posts without an author are one for each source."""
    found = opinion(
        [
            {"at": NOON, "source": "x", "author_id": "ann"},
            {"at": NOON, "source": "bluesky", "author_id": "ann"},
            {"at": NOON, "source": "rss", "author_id": None},
            {"at": NOON, "source": "rss", "author_id": None},
        ]
    )

    assert found.authors.tolist() == [[3]]
    assert found.author_count == 3


@pytest.mark.parametrize(("posts", "authors", "is_known"), [(10, 5, 1), (9, 5, 0), (10, 4, 0)])
def test_few_posts_or_authors_are_unknown(
    opinion: Any, posts: int, authors: int, is_known: int
) -> None:
    """Below the least number of posts or authors there is no opinion; NaN, not zero."""
    rows = [{"at": NOON, "author_id": f"a{n % authors}"} for n in range(posts)]
    found = opinion(rows, FactorRules(min_posts=10, min_authors=5))

    assert len(known(found)) == is_known
    assert found.posts.tolist() == [[posts]]


def crowd() -> list[dict[str, Any]]:
    """Return thirty authors of mixed opinion on each of 25 days."""
    rng = np.random.default_rng(8)
    days = np.busday_offset("2026-01-05", np.arange(25), roll="forward")
    return [
        {
            "at": f"{day}T16:{n:02}",
            "post_id": f"{day} {n}",
            "author_id": f"a{n}",
            "score": score,
            "duplicate_group": f"{day} {n}",
        }
        for day in days.astype(str)
        for n, score in enumerate(rng.uniform(-1, 1, 30).tolist())
    ]


@pytest.mark.parametrize(
    "flood",
    [
        [{**row, "post_id": f"copy {n} {k}"} for n, row in enumerate(crowd()) for k in range(10)],
        [
            {
                "at": "2026-02-05T17:00",
                "post_id": f"bot {n}",
                "author_id": "bot",
                "score": 1.0,
                "duplicate_group": f"bot {n}",
            }
            for n in range(500)
        ],
    ],
    ids=["every post copied ten times", "a bot with 500 different posts"],
)
def test_floods_do_not_move_the_factors(opinion: Any, flood: list[dict[str, Any]]) -> None:
    """Neither copies nor a machine change either factor by as much as one percent."""
    before, after = opinion(crowd()), opinion(crowd() + flood)

    assert np.isfinite(before.volume).sum() == 5
    assert after.mean_score == pytest.approx(before.mean_score, rel=0.01)
    assert after.volume == pytest.approx(before.volume, rel=0.01, nan_ok=True)


def test_volume_is_against_the_median_of_twenty_sessions(opinion: Any) -> None:
    """After ten sessions with one author and ten with three, four are log(5/3), silence log(1/4)."""
    days = np.busday_offset("2026-01-05", np.arange(23), roll="forward").astype(str)
    authors = [1] * 10 + [3] * 10 + [4, 0, 1]
    rows = [{"at": f"{day}T16:00"} for day, n in zip(days, authors, strict=True) for _ in range(n)]
    volume = opinion(rows).volume[:, 0]

    assert np.isnan(volume[:VOLUME_MEMORY]).all()
    # The medians are of 1 x 10, 3 x 10; then 1 x 9, 3 x 10, 4; then 0, 1 x 8, 3 x 10, 4.
    assert volume[20:].tolist() == pytest.approx([np.log(5 / 3), np.log(1 / 4), np.log(2 / 4)])


def test_companies_keep_the_sessions_of_their_own_exchange(mentions: Any, calendar: Any) -> None:
    """The axis is the union of sessions; where an exchange is closed its companies are unknown."""
    calendars = {
        "XNYS": calendar("2026-01-05", 40, "XNYS", ["2026-01-19"]),
        "XLON": calendar("2026-01-05", 40, "XLON", ["2026-01-20"]),
    }
    posts = mentions(
        [
            {"at": f"2026-01-{day}T16:00", "ticker": ticker}
            for day in (16, 19, 20, 21)
            for ticker in ("ACME", "LOND")
        ]
    )
    found = build(posts, calendars, [("ACME", "XNYS"), ("LOND", "XLON")], EASY)

    assert found.dates.astype(str).tolist() == [f"2026-01-{day}" for day in (16, 19, 20, 21)]
    assert found.posts.tolist() == [[1, 1], [0, 1], [2, 0], [1, 2]]
    assert np.isnat(found.cutoffs).tolist() == [
        [False] * 2,
        [True, False],
        [False, True],
        [False] * 2,
    ]


def test_order_of_rows_does_not_matter(mentions: Any, calendar: Any) -> None:
    """The same posts in any order give the same factors to the last bit, ties in time too."""
    rows = [
        {
            **row,
            "at": row["at"][:13],
            "duplicate_group": f"{n // 2}",
            "confidence": 0.7 + n % 3 / 10,
        }
        for n, row in enumerate(crowd())
    ]
    table = mentions(rows)
    mixed = table.take(np.random.default_rng(4).permutation(len(table)))
    one, other = (
        build(rows, {"XNYS": calendar("2026-01-05", 40)}, ACME, EASY) for rows in (table, mixed)
    )

    assert one.removed["duplicate"] == len(table) // 2
    assert one.mean_score.tobytes() == other.mean_score.tobytes()
    assert one.volume.tobytes() == other.volume.tobytes()


def test_a_post_about_two_companies_is_one_post(mentions: Any, calendar: Any) -> None:
    """It counts for both companies, and once among the posts."""
    rows = [{"at": NOON, "post_id": "p", "author_id": "ann", "ticker": t} for t in ("ACME", "BETA")]
    companies = [*ACME, ("BETA", "XNYS")]
    found = build(mentions(rows), {"XNYS": calendar("2026-01-05", 40)}, companies, EASY)

    assert found.posts.tolist() == [[1, 1]]
    assert (found.post_count, found.author_count) == (1, 1)


def test_no_posts_make_empty_factors(opinion: Any) -> None:
    """Without posts there are no sessions, and no error."""
    found = opinion([])

    assert found.mean_score.shape == (0, 1)
    assert found.post_count == 0
