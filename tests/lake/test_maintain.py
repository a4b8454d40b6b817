"""Compaction, vacuum and verify: files change, rows and offsets do not."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from tests.lake.batches import NOW, STREAM, batch

from wordstreet.errors import LockedError
from wordstreet.lake.commit import Writer
from wordstreet.lake.maintain import clear_leftovers, compact, info, vacuum, verify
from wordstreet.lake.tables import Lake
from wordstreet.lake.views import read


def fill(lake: Lake, batches: int, size: int = 10) -> Writer:
    """Land some small batches."""
    writer = Writer(lake, [STREAM])
    for n in range(batches):
        writer.commit(batch(n * size, (n + 1) * size), {STREAM: (n + 1) * size})
    writer.settle({STREAM: batches * size})
    return writer


def test_compaction_changes_files_and_no_row(lake_uri: str) -> None:
    """Ten small files become one; every offset is still there once."""
    lake = Lake(lake_uri)
    fill(lake, 10)
    before = read(lake, "posts_landed").sort_by("offset")

    assert compact(lake)["posts"] == 10
    assert len(lake.handle("posts").file_uris()) == 1
    assert read(lake, "posts_landed").sort_by("offset").equals(before)
    assert verify(lake).ok


def test_compaction_leaves_months_that_are_not_crowded(lake_uri: str) -> None:
    """A month with fewer small files than asked for stays as it is."""
    lake = Lake(lake_uri)
    fill(lake, 5)

    assert compact(lake, files=6) == {}


def test_a_big_file_is_not_written_again_for_a_few_small_ones(tmp_path: Path) -> None:
    """What has grown out of a tier no longer counts among its files."""
    lake = Lake(str(tmp_path / "lake"))
    fill(lake, 4, size=300)
    small = next((tmp_path / "lake" / "posts").rglob("*.append.parquet")).stat().st_size
    tier = (0, 2 * small, 100 * small)

    assert compact(lake, 4, [tier])["posts"] == 4
    fill_more = Writer(lake, [STREAM])
    for n in range(4, 7):
        fill_more.commit(batch(n * 300, (n + 1) * 300), {STREAM: (n + 1) * 300})
    fill_more.settle({STREAM: 2100})
    assert "posts" not in compact(lake, 4, [tier])
    assert len(lake.handle("posts").file_uris()) == 4


def test_compaction_does_not_refuse_a_writer(lake_uri: str) -> None:
    """A batch whose writer read its position before the compaction still lands."""
    lake = Lake(lake_uri)
    writer = fill(lake, 5)
    compact(lake)
    writer.commit(batch(50, 60), {STREAM: 60})
    writer.settle({STREAM: 60})

    assert verify(lake).records == 60
    assert verify(lake).ok


def test_ingest_and_compaction_side_by_side(tmp_path: Path) -> None:
    """Both run flat out on one table; nothing is lost, doubled or refused."""
    lake = Lake(str(tmp_path / "lake"))
    stop = threading.Event()
    faults: list[BaseException] = []

    def tidy() -> None:
        try:
            while not stop.is_set():
                compact(Lake(lake.uri))
        except BaseException as error:
            faults.append(error)

    thread = threading.Thread(target=tidy)
    thread.start()
    fill(lake, 60)
    stop.set()
    thread.join()

    assert faults == []
    assert verify(lake).records == 600
    assert verify(lake).ok


def test_vacuum_keeps_what_a_reader_may_still_need(lake_uri: str) -> None:
    """Files replaced an hour ago stay for a retention of a day and go without one."""
    lake = Lake(lake_uri)
    fill(lake, 5)
    compact(lake)

    assert vacuum(lake, 24, NOW) == 0
    assert vacuum(lake, 0, NOW) == 10
    assert len(read(lake, "posts")) == 50
    assert verify(lake).ok


def test_vacuum_keeps_a_file_about_to_be_committed(lake_uri: str) -> None:
    """A writer between writing and committing does not lose its file to a vacuum."""
    lake = Lake(lake_uri)
    fill(lake, 1)

    def vacuum_now(step: str) -> None:
        if step == "posts: files written":
            vacuum(Lake(lake_uri), 0, NOW + timedelta(days=9))

    writer = Writer(lake, [STREAM], vacuum_now)
    writer.commit(batch(10, 20), {STREAM: 20})
    writer.settle({STREAM: 20})

    assert verify(lake).ok
    assert len(read(lake, "posts")) == 20


def test_leftovers_of_a_killed_rewrite_are_cleared(tmp_path: Path) -> None:
    """A file that compaction wrote and never committed is an orphan until it is cleared."""
    lake = Lake(str(tmp_path / "lake"))
    fill(lake, 1)
    (tmp_path / "lake/posts/month=2026-10/part-00000-dead-c000.zstd.parquet").write_bytes(b"x")

    assert verify(lake).orphans == 1
    assert clear_leftovers(lake, NOW) == 1
    assert verify(lake).ok


def test_two_cannot_rewrite_one_local_lake(tmp_path: Path) -> None:
    """Maintenance waits for maintenance, then says who is at work."""
    lake = Lake(str(tmp_path / "lake"))
    with (
        lake.rewriting(),
        pytest.raises(LockedError, match="another maintenance"),
        lake.rewriting(0.1),
    ):
        pass


def test_verify_sees_a_missing_file(tmp_path: Path) -> None:
    """A live file that somebody removed is named missing, and its offsets lost."""
    lake = Lake(str(tmp_path / "lake"))
    fill(lake, 2)
    next((tmp_path / "lake/posts").rglob("*.append.parquet")).unlink()
    audit = verify(lake)

    assert not audit.ok
    assert (audit.missing_files, audit.lost) == (1, 10)


def test_verify_sees_a_cut_file(tmp_path: Path) -> None:
    """A live file shorter than it was is not counted as being there."""
    lake = Lake(str(tmp_path / "lake"))
    fill(lake, 1)
    path = next((tmp_path / "lake/posts").rglob("*.append.parquet"))
    path.write_bytes(path.read_bytes()[:-7])

    assert verify(lake).missing_files == 1


def test_verify_sees_rows_that_landed_twice(tmp_path: Path) -> None:
    """The same offsets committed under another position are counted as twice."""
    lake = Lake(str(tmp_path / "lake"))
    fill(lake, 1)
    writer = Writer(lake, [STREAM])
    writer._done["posts"][STREAM] = 0  # what no writer does by itself
    writer.commit(batch(0, 10), {STREAM: 10})

    assert verify(lake).twice == 10


def test_verify_sees_an_orphan(tmp_path: Path) -> None:
    """A file in a table's folder that no commit knows is an orphan."""
    lake = Lake(str(tmp_path / "lake"))
    fill(lake, 1)
    (tmp_path / "lake/mentions/stray.parquet").write_bytes(b"x")

    assert verify(lake).orphans == 1


def test_info_counts_rows_files_and_positions(lake_uri: str) -> None:
    """What `lake info` prints is what landed."""
    lake = Lake(lake_uri)
    fill(lake, 3)
    found = info(lake)

    assert (found["tables"]["posts"]["rows"], found["tables"]["posts"]["files"]) == (30, 3)
    assert list(found["positions"]["rejects"].values()) == [30]
