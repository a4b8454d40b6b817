"""What an author took back leaves no text behind: before, while and after it lands."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.lake.batches import NOW, STREAM, batch

from wordstreet.lake.commit import Writer
from wordstreet.lake.deletions import BLANKED, apply, find, record
from wordstreet.lake.maintain import compact, vacuum, verify
from wordstreet.lake.tables import Lake
from wordstreet.lake.views import frame, query, read


def land(lake: Lake, *batches: tuple[dict, int]) -> None:  # type: ignore[type-arg]
    """Land batches one after the other, each up to its end."""
    writer = Writer(lake, [STREAM])
    for rows, end in batches:
        writer.commit(rows, {STREAM: end})
        writer.settle({STREAM: end})


def files_with(folder: str, text: str) -> list[Path]:
    """Return every file below a folder that holds the text, compressed Parquet pages decoded."""
    import pyarrow.parquet as pq

    found = []
    for path in Path(folder).rglob("*"):
        if path.is_file():
            plain = path.read_bytes()
            if path.suffix == ".parquet":
                plain += repr(pq.read_table(path, partitioning=None).to_pylist()).encode()
            if text.encode() in plain:
                found.append(path)
    return found


def test_a_post_deleted_before_it_lands_lands_blank(lake_uri: str) -> None:
    """A deletion known to the lake empties the post on arrival and drops its mentions."""
    lake = Lake(lake_uri)
    record(lake, "x", "p3", NOW)
    land(lake, (batch(0, 10), 10))
    row = next(r for r in read(lake, "posts_landed").to_pylist() if r["offset"] == 3)

    assert all(row[name] is None for name in BLANKED)
    assert row["deleted_at"] == NOW
    assert "p3" not in read(lake, "mentions_landed")["post_id"].to_pylist()
    assert verify(lake).ok


def test_a_post_deleted_in_its_own_batch_lands_blank(lake_uri: str) -> None:
    """Post and deletion in one batch: the text never reaches a file."""
    lake = Lake(lake_uri)
    land(lake, (batch(0, 10, deleting={5: "p3"}), 10))

    assert "secret-3-" not in str(read(lake, "posts_landed").to_pylist())
    assert verify(lake).ok


def test_a_post_deleted_after_it_landed_is_gone_from_what_is_read(lake_uri: str) -> None:
    """As soon as the deletion landed no view shows the post, before any maintenance."""
    lake = Lake(lake_uri)
    land(lake, (batch(0, 10), 10), (batch(10, 12, deleting={11: "p3"}), 12))

    assert "p3" not in read(lake, "posts")["post_id"].to_pylist()
    assert "p3" not in read(lake, "mentions")["post_id"].to_pylist()
    assert query(lake, "select count(*) n from company_posts where id = 'p3'").to_pylist() == [
        {"n": 0}
    ]


def test_maintenance_blanks_what_landed_before_its_deletion(lake_uri: str) -> None:
    """The pass empties the row and keeps its offset; a second pass finds nothing to do."""
    lake = Lake(lake_uri)
    land(lake, (batch(0, 10), 10), (batch(10, 12, deleting={11: "p3"}), 12))

    assert apply(lake, NOW) == 1
    assert "secret-3-" not in str(read(lake, "posts_landed").to_pylist())
    assert "p3" not in read(lake, "mentions_landed")["post_id"].to_pylist()
    assert apply(lake, NOW) == 0
    assert verify(lake).ok


def test_after_vacuum_no_file_holds_the_text(tmp_path: Path) -> None:
    """Post, author, raw bytes and log of changes: searched byte by byte."""
    lake = Lake(str(tmp_path / "lake"))
    land(lake, (batch(0, 10, rejected={4}), 10), (batch(10, 20), 20))
    assert files_with(lake.uri, "secret-3-")
    compact(lake)
    for post_id in ("p3", "p4"):
        record(lake, "x", post_id, NOW)
    apply(lake, NOW)
    vacuum(lake, 0, NOW + timedelta(days=1))

    for text in ("secret-3-", "secret-4-", "author-3-"):
        assert files_with(lake.uri, text) == []
    assert len(files_with(lake.uri, "secret-5-")) >= 1
    assert verify(lake).ok


def test_a_lake_rewritten_in_every_way_is_still_whole(lake_uri: str) -> None:
    """Blanked, then merged: files of other writers than ours are counted like our own."""
    lake = Lake(lake_uri)
    land(lake, (batch(0, 10), 10), (batch(10, 20, deleting={15: "p3"}), 20), (batch(20, 30), 30))
    apply(lake, NOW)
    compact(lake)
    audit = verify(lake)

    assert audit.ok
    assert audit.records == 30


def test_a_repost_goes_with_its_original(lake_uri: str) -> None:
    """A repost carries the deleted text, so it is emptied too."""
    lake = Lake(lake_uri)
    land(lake, (batch(0, 1), 1), (batch(1, 2, repost_of="p0", kind="repost"), 2))
    record(lake, "x", "p0", NOW)

    assert apply(lake, NOW) == 2
    assert read(lake, "posts")["post_id"].to_pylist() == []


def test_a_quote_loses_only_its_raw_payload(lake_uri: str) -> None:
    """Somebody else's words stay; the payload that may hold the deleted text goes."""
    lake = Lake(lake_uri)
    land(lake, (batch(0, 1), 1), (batch(1, 2, quote_of="p0", kind="quote"), 2))
    record(lake, "x", "p0", NOW)
    apply(lake, NOW)
    quote = read(lake, "posts").to_pylist()[0]

    assert quote["text"] == "secret-1- about Tesla"
    assert quote["raw"] is None


@pytest.mark.parametrize("late", [False, True])
def test_an_account_that_went_takes_its_posts_along(late: bool, lake_uri: str) -> None:
    """An account event empties every post of the author, landed or still to come."""
    lake = Lake(lake_uri)
    gone = batch(0, 1, deleting={0: "-"})
    row = gone["deletions"].to_pylist()[0] | {
        "kind": "account",
        "post_id": None,
        "author_id": "author-3-",
    }
    gone["deletions"] = gone["deletions"].from_pylist([row], schema=gone["deletions"].schema)
    land(lake, *([(gone, 1), (batch(1, 5), 5)] if late else [(batch(0, 1), 1), (batch(1, 5), 5)]))
    if not late:
        row["offset"] = 5
        gone["deletions"] = gone["deletions"].from_pylist([row], schema=gone["deletions"].schema)
        land(lake, (gone, 6))
    apply(lake, NOW)

    assert "author-3-" not in str(read(lake, "posts_landed").to_pylist())
    assert verify(lake).ok


@pytest.mark.parametrize("late", [False, True])
def test_a_deleted_post_does_not_take_its_author_along(late: bool, lake_uri: str) -> None:
    """A deletion names the author too; the author's other posts stay."""
    lake = Lake(lake_uri)
    one = batch(0, 1, deleting={0: "p1"})
    row = one["deletions"].to_pylist()[0] | {"author_id": "author-3-"}
    one["deletions"] = one["deletions"].from_pylist([row], schema=one["deletions"].schema)
    if late:
        land(lake, (one, 1), (batch(1, 5), 5))
    else:
        one["deletions"] = one["deletions"].from_pylist(
            [row | {"offset": 5}], schema=one["deletions"].schema
        )
        land(lake, (batch(0, 5), 5), (one, 6))
    apply(lake, NOW)
    kept = sorted(set(read(lake, "posts")["post_id"].to_pylist()) - {"p0"})

    assert kept == ["p2", "p3", "p4"]
    assert kept == sorted(set(frame(lake, "posts").collect()["post_id"]) - {"p0"})


def test_a_pass_between_two_commits_leaves_no_mention(lake_uri: str) -> None:
    """A post deleted while its writer is between posts and mentions is gone from both in the end."""
    lake = Lake(lake_uri)

    def delete_now(step: str) -> None:
        if step == "posts: synced":
            record(Lake(lake_uri), "x", "p3", NOW)
            apply(Lake(lake_uri), NOW)

    writer = Writer(lake, [STREAM], delete_now)
    writer.commit(batch(0, 10), {STREAM: 10})
    writer.settle({STREAM: 10})
    apply(lake, NOW + timedelta(minutes=1))

    assert "p3" not in read(lake, "mentions")["post_id"].to_pylist()
    assert "p3" not in read(lake, "mentions_landed")["post_id"].to_pylist()
    assert verify(lake).ok


def test_deleting_finds_the_source_of_a_post(lake_uri: str) -> None:
    """An id alone names the sources it landed from."""
    lake = Lake(lake_uri)
    land(lake, (batch(0, 3), 3))

    assert find(lake, "p2") == ["x"]
    record(lake, "x", "p1", NOW)
    apply(lake, NOW)
    assert find(lake, "p2") == ["x"]
    assert find(lake, "it's not there") == []


def test_ids_with_quotes_are_data(lake_uri: str) -> None:
    """A hostile id is deleted like any other and deletes nothing else."""
    lake = Lake(lake_uri)
    hostile = "p' or '1'='1"
    land(lake, (batch(0, 3, ids={1: hostile}), 3))
    record(lake, "x", hostile, NOW)

    assert apply(lake, NOW) == 1
    assert sorted(read(lake, "posts")["post_id"].to_pylist()) == ["p0", "p2"]
