"""What every log keeps; another implementation joins with one row."""

from collections.abc import Callable

import pytest

from wordstreet.log import Log, Slice
from wordstreet.log.embedded import EmbeddedLog
from wordstreet.log.kafka import KafkaLog
from wordstreet.log.topics import Shape, Topic
from wordstreet.schema import RECORDS, Envelope


def embedded(request: pytest.FixtureRequest) -> Callable[..., Log]:
    """The log in one file."""
    folder = request.getfixturevalue("tmp_path") / "log"
    return lambda partitions=1: EmbeddedLog(folder, "posts", partitions)


def kafka(request: pytest.FixtureRequest) -> Callable[..., Log]:
    """A topic of a real broker, made when it is first opened."""
    servers, name = (request.getfixturevalue(f) for f in ("broker", "topic"))

    def open_it(partitions: int = 1) -> Log:
        about = Topic(servers, name, {})
        if not about.exists():
            about.create(Shape(partitions, 1, 1, 24))
        return KafkaLog(servers, name, {})

    return open_it


@pytest.fixture(params=[embedded, kafka], ids=["embedded", "kafka"])
def open_log(request: pytest.FixtureRequest) -> Callable[..., Log]:
    """A way to open the same log again and again."""
    return request.param(request)


def part(log: Log, start: int, limit: int, seconds: float = 0) -> Slice:
    """Read one slice of the only partition."""
    [found] = log.read({0: start}, limit, seconds)
    return found


def envelope(n: int) -> Envelope:
    """Return the nth of many different records."""
    return Envelope(f"x:{n}", b"\x00value %d\xff" % n, "x", "post", 10**15 + n, "stream", "x.v2")


def test_what_was_appended_is_read_back_unchanged(open_log: Callable[..., Log]) -> None:
    """Key, bytes and headers come back as they went in, in the agreed shape."""
    log = open_log()
    log.append([envelope(0), envelope(1)], "x", {})
    found = part(log, 0, 10)

    assert (found.start, found.end) == (0, 2)
    assert found.records.schema == RECORDS
    row = found.records.to_pylist()[1]
    assert (row["key"], row["value"], row["offset"]) == ("x:1", b"\x00value 1\xff", 1)
    assert (row["source"], row["event"], row["origin"], row["schema"]) == (
        "x",
        "post",
        "stream",
        "x.v2",
    )
    assert row["observed_at"].timestamp() == (10**15 + 1) / 1e6


def test_offsets_go_on_after_reopening(open_log: Callable[..., Log]) -> None:
    """A log opened again is the same log: same id, next offset."""
    first = open_log()
    first.append([envelope(0)], "x", {})
    second = open_log()
    second.append([envelope(1)], "x", {})

    assert second.id == first.id
    assert second.bounds()[0] == (0, 2)


def test_cursor_and_records_are_stored_together(open_log: Callable[..., Log]) -> None:
    """A batch that cannot be stored leaves the cursor where it was."""
    log = open_log()
    log.append([envelope(0)], "x", {"main": "1"})
    broken = envelope(1)._replace(value=object())  # type: ignore[arg-type]
    with pytest.raises(Exception):  # noqa: B017, PT011 - any error will do
        log.append([broken, envelope(2)], "x", {"main": "3"})

    assert log.cursor("x") == {"main": "1"}
    assert log.bounds()[0] == (0, 1)


def test_cursors_merge_by_part_and_source(open_log: Callable[..., Log]) -> None:
    """A batch moves only the parts it names, of its own source."""
    log = open_log()
    log.append([], "x", {"a": "1", "b": "1"})
    log.append([], "x", {"b": "2"})
    log.append([], "y", {"a": "9"})

    assert log.cursor("x") == {"a": "1", "b": "2"}


def test_a_source_that_never_ran_has_an_empty_cursor(open_log: Callable[..., Log]) -> None:
    """Unknown sources start from nothing."""
    assert open_log().cursor("bluesky") == {}


def test_reading_is_half_open_and_bounded(open_log: Callable[..., Log]) -> None:
    """A read starts at `start`, takes at most `limit`, and ends where the next one starts."""
    log = open_log()
    log.append([envelope(n) for n in range(10)], "x", {})
    first, second = part(log, 3, 4, 5), part(log, 7, 4, 1)

    assert first.records["offset"].to_pylist() == [3, 4, 5, 6]
    assert (first.end, second.end) == (7, 10)
    assert log.read({0: 10}, 4) == []


def test_trimming_forgets_and_never_reuses_offsets(open_log: Callable[..., Log]) -> None:
    """After trimming what stays is what was not trimmed, and the next record takes the next number."""
    log = open_log()
    log.append([envelope(n) for n in range(10)], "x", {})
    log.trim({0: 4})
    assert log.bounds()[0][0] <= 4
    log.trim({0: 10})
    log.append([envelope(10)], "x", {})

    assert log.bounds()[0][1] == 11
    assert part(log, 10, 5).records["key"].to_pylist() == ["x:10"]


def test_one_post_stays_in_one_partition_in_order(open_log: Callable[..., Log]) -> None:
    """Records of one key keep their order; all partitions together hold every record."""
    log = open_log(4)
    records = [envelope(n % 7) for n in range(70)]
    log.append(records, "x", {})
    slices = log.read(dict.fromkeys(log.bounds(), 0), 400, 1)
    read = [slice_.records.to_pylist() for slice_ in slices]

    assert sum(map(len, read)) == 70
    for key in {record.key for record in records}:
        homes = [p for p, rows in enumerate(read) if any(row["key"] == key for row in rows)]
        assert len(homes) == 1


def test_big_records_cut_a_slice_short(open_log: Callable[..., Log]) -> None:
    """A slice stays near 8 MiB whatever limit is asked for, so memory stays flat."""
    log = open_log()
    big = envelope(0)._replace(value=b"x" * 3 * 2**20)
    log.append([big] * 20, "x", {})
    found = part(log, 0, 20, 5)

    assert 8 * 2**20 <= found.records.nbytes <= 12 * 2**20
    assert found.end < 20
