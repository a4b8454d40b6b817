"""Exactly once, on a disk and behind an S3 API."""

from collections.abc import Callable

import pyarrow as pa
import pytest
from tests.lake.batches import STREAM, batch, with_gap

from wordstreet.errors import CommitRefused
from wordstreet.lake.commit import Writer
from wordstreet.lake.files import write
from wordstreet.lake.maintain import verify
from wordstreet.lake.tables import Lake, Stream, parse_name
from wordstreet.lake.views import read
from wordstreet.schema import TABLES


def landed(lake: Lake) -> list[int]:
    """Return the offsets that lie in `posts`, in order."""
    return sorted(read(lake, "posts_landed")["offset"].to_pylist())


def test_a_new_lake_starts_at_offset_zero(lake_uri: str) -> None:
    """Before anything landed, every stream is read from its beginning."""
    lake = Lake(lake_uri)

    assert Writer(lake, [STREAM]).positions() == {STREAM: 0}


def test_rows_and_position_land_together(lake_uri: str) -> None:
    """After a commit the rows are readable and the position is behind them."""
    lake = Lake(lake_uri)
    writer = Writer(lake, [STREAM])
    writer.commit(batch(0, 10, rejected={3}), {STREAM: 10})
    writer.settle({STREAM: 10})

    assert len(read(lake, "posts")) == 9
    assert read(lake, "rejects")["offset"].to_pylist() == [3]
    assert Writer(lake, [STREAM]).positions() == {STREAM: 10}
    assert verify(lake).ok


def test_a_batch_given_twice_lands_once(lake_uri: str) -> None:
    """Offsets below the position are dropped, those above land."""
    lake = Lake(lake_uri)
    Writer(lake, [STREAM]).commit(batch(0, 10), {STREAM: 10})
    Writer(lake, [STREAM]).commit(batch(0, 15), {STREAM: 15})

    assert landed(lake) == list(range(15))


def test_a_stale_writer_is_refused(lake_uri: str) -> None:
    """Two writers read the same position; the second to commit is refused and nothing doubles."""
    lake = Lake(lake_uri)
    first, second = Writer(lake, [STREAM]), Writer(lake, [STREAM])
    first.commit(batch(0, 10), {STREAM: 10})

    with pytest.raises(CommitRefused):
        second.commit(batch(0, 10), {STREAM: 10})
    assert landed(lake) == list(range(10))


def test_a_refused_writer_cannot_overwrite_a_live_file(lake_uri: str) -> None:
    """The refused twin's file of the same offsets lies beside the live one and is swept later."""
    lake = Lake(lake_uri)
    first, second = Writer(lake, [STREAM]), Writer(lake, [STREAM])
    first.commit(batch(0, 10), {STREAM: 10})
    with pytest.raises(CommitRefused):
        second.commit(batch(0, 10, text="the twin's"), {STREAM: 10})

    assert verify(lake).orphans == 1
    third = Writer(lake, [STREAM])
    third.commit(batch(10, 20), {STREAM: 20})
    third.settle({STREAM: 20})
    assert verify(lake).ok
    assert "the twin's" not in read(lake, "posts")["text"].to_pylist()


def test_a_file_of_a_stream_not_committed_may_still_be_waited_for(lake_uri: str) -> None:
    """A commit of one partition sweeps nothing of another: its writer was not fenced by it."""
    lake = Lake(lake_uri)
    other = Stream(STREAM.log_id, "posts", 1)
    slow = Writer(lake, [STREAM, other])
    rows = batch(0, 20, stream=other)
    files = {
        name: write(lake.storage, name, rows[name], {other: (0, 20)}, "deadbeef")
        for name in ("posts", "mentions")
    }
    Writer(lake, [STREAM, other]).commit(batch(0, 20), {STREAM: 20})
    with pytest.raises(CommitRefused):  # it sees that it is not alone, but its rows have landed
        slow.commit_files(files, {other: 20})
    last = Writer(lake, [STREAM, other])
    last.commit(rows, {STREAM: 20, other: 20})
    last.settle({STREAM: 20, other: 20})

    assert verify(lake).ok
    assert len(landed(lake)) == 40


def test_other_streams_do_not_disturb(lake_uri: str) -> None:
    """Two logs land side by side: a commit of one does not refuse the other."""
    lake = Lake(lake_uri)
    other = Stream("ffffffff-58a4-4a9c-9a6c-6a2c8c8f0001", "posts", 0)
    here, there = Writer(lake, [STREAM]), Writer(lake, [other])
    here.commit(batch(0, 10), {STREAM: 10})
    there.commit(batch(0, 5, stream=other), {other: 5})

    assert landed(lake) == sorted([*range(10), *range(5)])
    assert verify(lake).lost == 0


def test_a_log_made_anew_is_another_stream(lake_uri: str) -> None:
    """A recreated log starts at 0 under a new id: nothing is skipped, nothing overwritten."""
    lake = Lake(lake_uri)
    again = Stream("11111111-58a4-4a9c-9a6c-6a2c8c8f0001", "posts", 0)
    for stream in (STREAM, again):
        writer = Writer(lake, [stream])
        assert writer.positions() == {stream: 0}
        writer.commit(batch(0, 10, stream=stream), {stream: 10})
        writer.settle({stream: 10})

    assert len(landed(lake)) == 20
    assert verify(lake).ok


def test_settle_moves_tables_without_rows(lake_uri: str) -> None:
    """A table that got no row lags until `settle`, so a crash re-reads but repeats nothing."""
    lake = Lake(lake_uri)
    writer = Writer(lake, [STREAM])
    writer.commit(batch(0, 10), {STREAM: 10})

    assert Writer(lake, [STREAM]).positions() == {STREAM: 0}
    writer.settle({STREAM: 10})
    assert Writer(lake, [STREAM]).positions() == {STREAM: 10}


def test_no_position_moves_back_after_a_crash_between_two_tables(lake_uri: str) -> None:
    """With two partitions a table may be ahead of the batch that follows; it stays there."""
    lake = Lake(lake_uri)
    other = Stream(STREAM.log_id, "posts", 1)
    crashing = Writer(lake, [STREAM, other], _crash_at("posts: synced"))
    with pytest.raises(_CrashError):
        crashing.commit(batch(0, 100), {STREAM: 100, other: 0})
    writer = Writer(lake, [STREAM, other])
    half = _joined(batch(0, 50), batch(0, 20, stream=other))
    writer.commit(half, {STREAM: 50, other: 20})
    writer.settle({STREAM: 50, other: 20})
    last = Writer(lake, [STREAM, other])
    last.commit(batch(50, 120), {STREAM: 120, other: 20})
    last.settle({STREAM: 120, other: 20})
    audit = verify(lake)

    assert (audit.records, audit.twice, audit.lost) == (140, 0, 0)
    assert audit.ok


def _joined(one: dict, other: dict) -> dict:  # type: ignore[type-arg]
    return {name: pa.concat_tables([one[name], other[name]]) for name in TABLES}


class _CrashError(Exception):
    """Stands for the power going out."""


def _crash_at(target: str) -> Callable[[str], None]:
    def trace(step: str) -> None:
        if step == target:
            raise _CrashError

    return trace


STEPS = [
    f"{table}: {step}" for table in TABLES for step in ("files written", "committed", "synced")
]


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_after_any_step_loses_and_doubles_nothing(step: str, lake_uri: str) -> None:
    """Whatever step was the last, going on from the position lands every offset once."""
    lake = Lake(lake_uri)
    rows = with_gap(batch(0, 20, rejected={3}, deleting={5: "p1"}), 7)
    with pytest.raises(_CrashError):
        Writer(lake, [STREAM], _crash_at(step)).commit(rows, {STREAM: 20})
    writer = Writer(lake, [STREAM])
    start = writer.positions()[STREAM]
    writer.commit(with_gap(batch(start, 25, rejected={3}, deleting={5: "p1"}), 7), {STREAM: 25})
    writer.settle({STREAM: 25})
    audit = verify(lake)

    assert (audit.records, audit.lost, audit.twice, audit.orphans) == (25, 0, 0, 0)
    assert audit.ok


def test_file_names_say_what_they_hold() -> None:
    """Stream, offsets and kind of a file can be read off its name."""
    name = f"month=2026-11/{STREAM.prefix}{0:020d}-{10:020d}+0123abcd.append.parquet"
    named = parse_name(name)

    assert named is not None
    assert (named.prefix, named.start, named.end) == (STREAM.prefix, 0, 10)
    assert parse_name("month=2026-11/part-00000-c000.zstd.parquet") is None


def test_rows_are_split_by_the_utc_month_of_their_observation(lake_uri: str) -> None:
    """A batch across the end of a month becomes one file a month."""
    lake = Lake(lake_uri)
    Writer(lake, [STREAM]).commit(batch(0, 3000), {STREAM: 3000})

    assert len(lake.handle("posts").file_uris()) == 2
