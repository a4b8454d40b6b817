"""Landed and read are two things: each post is read once."""

from datetime import timedelta

import pytest
from tests.lake.batches import NOW, START, STREAM, batch

from wordstreet.errors import InputError
from wordstreet.lake.commit import Writer
from wordstreet.lake.deletions import record
from wordstreet.lake.tables import Lake
from wordstreet.lake.views import frame, query, read


def land(lake: Lake, *batches: dict) -> None:  # type: ignore[type-arg]
    """Land batches, each behind the one before."""
    writer = Writer(lake, [STREAM])
    for rows in batches:
        end = max(t["offset"].to_pylist()[-1] for t in rows.values() if len(t)) + 1
        writer.commit(rows, {STREAM: end})
    writer.settle({STREAM: end})


def test_a_redelivered_post_is_read_once(lake_uri: str) -> None:
    """Both rows landed; the first sighting is read, so the redelivery moves nothing in time."""
    lake = Lake(lake_uri)
    land(lake, batch(0, 2), batch(2, 4, ids={2: "p0"}))

    assert len(read(lake, "posts_landed")) == 4
    assert sorted(read(lake, "posts")["post_id"].to_pylist()) == ["p0", "p1", "p3"]
    first = query(lake, "select observed_at from posts where post_id = 'p0'")
    assert first["observed_at"].to_pylist() == [START]


def test_a_witnessed_post_beats_a_replayed_one(lake_uri: str) -> None:
    """What we saw ourselves is read, even when a file claims an earlier time."""
    lake = Lake(lake_uri)
    land(lake, batch(0, 1, origin="replay"), batch(1, 2, ids={1: "p0"}))

    assert read(lake, "posts")["origin"].to_pylist() == ["stream"]


def test_the_latest_version_of_an_edited_post_is_read(lake_uri: str) -> None:
    """Where a platform edits in place, the greatest version counts."""
    lake = Lake(lake_uri)
    land(
        lake,
        batch(0, 1, version="a", text="old"),
        batch(1, 2, ids={1: "p0"}, version="b", text="new"),
    )

    assert read(lake, "posts")["text"].to_pylist() == ["new"]


def test_mentions_are_those_of_the_version_that_is_read(lake_uri: str) -> None:
    """An edit that no longer names the company takes its mention along."""
    lake = Lake(lake_uri)
    edited = batch(1, 2, ids={1: "p0"}, version="b", text="nothing")
    edited["mentions"] = edited["mentions"].slice(0, 0)
    land(lake, batch(0, 1, version="a"), edited)

    assert len(read(lake, "mentions_landed")) == 1
    assert len(read(lake, "mentions")) == 0
    assert frame(lake, "mentions").collect().height == 0


@pytest.mark.parametrize("name", ["posts", "mentions"])
def test_the_lazy_frame_and_the_view_agree(name: str, lake_uri: str) -> None:
    """Polars and SQL read the same rows of a lake with redeliveries and deletions."""
    lake = Lake(lake_uri)
    land(
        lake,
        batch(0, 20),
        batch(20, 30, ids={22: "p0", 23: "p0", 24: "p7"}),
        batch(30, 31, deleting={30: "p9"}),
    )
    record(lake, "x", "p4", NOW + timedelta(hours=1))
    keys = ["post_id", "offset"]

    lazy = frame(lake, name).collect().sort(keys).to_arrow()
    table = read(lake, name).sort_by([(key, "ascending") for key in keys])
    assert lazy.select(keys).to_pylist() == table.select(keys).to_pylist()
    assert len(table) == 20 + 7 - 2


def test_a_view_has_the_columns_of_the_original_project(lake_uri: str) -> None:
    """`company_posts` is one row for each company a post is about."""
    lake = Lake(lake_uri)
    land(lake, batch(0, 2))

    assert query(lake, "select * from company_posts order by id").to_pylist()[0] == {
        "id": "p0",
        "created_at": None,
        "text": "secret-0- about Tesla",
        "company": "TSLA",
        "word_count": None,
    }


def test_duckdb_and_pandas_read_the_lake_without_us(lake_uri: str) -> None:
    """The list of files, or the Delta table itself, is all another tool needs."""
    import duckdb
    from deltalake import DeltaTable

    lake = Lake(lake_uri)
    land(lake, batch(0, 10))
    handle = DeltaTable(lake.table_uri("posts"), storage_options=lake.storage.options)

    assert len(handle.to_pandas(columns=["post_id"])) == 10
    if lake.storage.local:
        counted = duckdb.execute("select count(*) from read_parquet(?)", [handle.file_uris()])
        assert counted.fetchone() == (10,)


def test_a_query_that_cannot_run_is_refused(lake_uri: str) -> None:
    """What the engine says about a bad statement reaches the user."""
    with pytest.raises(InputError, match="the query failed"):
        query(Lake(lake_uri), "select nothing from nowhere")


def test_an_unknown_table_is_refused_by_name(lake_uri: str) -> None:
    """The answer lists what there is."""
    with pytest.raises(InputError, match="there are posts, mentions"):
        read(Lake(lake_uri), "tweets")
