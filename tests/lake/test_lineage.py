"""Whether a log continues a lake."""

from pathlib import Path

import pytest
from tests.lake.batches import NOW, STREAM, batch

from wordstreet.errors import LakeError, PositionError
from wordstreet.lake.commit import Writer
from wordstreet.lake.files import write
from wordstreet.lake.lineage import check_made_anew, check_position, missing
from wordstreet.lake.maintain import compact, unlanded, verify
from wordstreet.lake.tables import Lake, Stream
from wordstreet.lake.views import read

OLD = Stream("0c4fb3a1-58a4-4a9c-9a6c-6a2c8c8f0001.cluster", "posts", 0)
NEW = Stream("11111111-58a4-4a9c-9a6c-6a2c8c8f0001.cluster", "posts", 0)


def test_a_log_that_ends_before_the_lake_is_refused() -> None:
    """Offsets that the lake has and the log never gave mean the log was replaced."""
    with pytest.raises(PositionError, match="ends at 5"):
        check_position(STREAM, 10, 5, [], "accept")


def test_a_log_that_forgot_what_never_landed_is_refused() -> None:
    """Records trimmed before they landed are a loss, are said to be one, and may be accepted."""
    with pytest.raises(PositionError, match="2 records are gone"):
        check_position(STREAM, 10, 20, [(10, 12)])
    check_position(STREAM, 10, 20, [(10, 12)], "accept")


def test_a_topic_made_anew_is_refused_once() -> None:
    """The same topic of the same cluster under another id is refused, unless it is known by now."""
    with pytest.raises(PositionError, match=r"made anew.*ingest\.missing=accept"):
        check_made_anew([OLD], [NEW])
    check_made_anew([OLD], [NEW], "accept")
    check_made_anew([OLD, NEW], [NEW])


@pytest.mark.parametrize(
    "other",
    [
        Stream("0c4fb3a1-58a4-4a9c-9a6c-6a2c8c8f0001.elsewhere", "posts", 0),
        Stream("0c4fb3a1-58a4-4a9c-9a6c-6a2c8c8f0001", "posts", 0),
        Stream("0c4fb3a1-58a4-4a9c-9a6c-6a2c8c8f0001.cluster", "news", 0),
    ],
)
def test_another_log_is_no_log_made_anew(other: Stream) -> None:
    """Another cluster, an embedded log and another topic may all feed the same lake."""
    check_made_anew([other], [NEW])


def test_accepted_losses_are_counted_as_a_gap(tmp_path: Path) -> None:
    """One row accounts for all offsets that are gone; verify finds nothing lost, nothing twice."""
    lake = Lake(str(tmp_path))
    writer = Writer(lake, [STREAM])
    writer.commit(batch(0, 10), {STREAM: 10})
    writer.settle({STREAM: 10})
    writer.commit(missing(STREAM, [(10, 25)], NOW), {STREAM: 25})
    writer.settle({STREAM: 25})
    Writer(lake, [STREAM]).commit(missing(STREAM, [(10, 25)], NOW), {STREAM: 25})  # after a crash
    writer.commit(batch(25, 30), {STREAM: 30})
    writer.settle({STREAM: 30})
    compact(lake)
    audit = verify(lake)

    assert (audit.ok, audit.records) == (True, 30)
    assert read(lake, "gaps")["lost"].to_pylist() == [15]


def test_only_what_no_table_holds_is_lost(tmp_path: Path) -> None:
    """After a crash before `settle` the least position lags behind what has landed."""
    lake = Lake(str(tmp_path))
    Writer(lake, [STREAM]).commit(batch(0, 10), {STREAM: 10})

    assert Writer(lake, [STREAM]).positions() == {STREAM: 0}
    assert unlanded(lake, STREAM, 0, 6) == []
    assert unlanded(lake, STREAM, 0, 12) == [(10, 12)]


def test_a_topic_accepted_once_may_grow() -> None:
    """New partitions of a topic that is known by now are no topic made anew."""
    more = Stream(NEW.log_id, "posts", 3)

    check_made_anew([OLD, Stream(OLD.log_id, "posts", 3), NEW], [NEW, more])


def test_files_that_the_driver_cannot_see_move_no_position(tmp_path: Path) -> None:
    """A worker that wrote into a lake of its own is noticed before anything is committed."""
    elsewhere, here = Lake(str(tmp_path / "there")), Lake(str(tmp_path / "here"))
    files = write(elsewhere.storage, "posts", batch(0, 5)["posts"], {STREAM: (0, 5)}, "0123abcd")
    writer = Writer(here, [STREAM])
    with pytest.raises(LakeError, match="same place for the driver and every worker"):
        writer.commit_files({"posts": files}, {STREAM: 5})

    assert writer.positions() == {STREAM: 0}
