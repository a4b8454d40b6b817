"""The contract of `Source`, run on every source: a new source joins with one row in `SOURCES`."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wordstreet.schema import Envelope
from wordstreet.sources import Cursor, RawBatch, Source
from wordstreet.sources.replay import Replay

Maker = Callable[[], Source]
"""Gives the same place of posts anew, as a process started again would see it."""

COUNT = 2_600


def replay(folder: Path, identities: list[str]) -> Maker:
    """Three files of stream lines."""
    share = -(-len(identities) // 3)
    for number in range(3):
        lines = [
            json.dumps({"data": {"id": i, "text": "t", "created_at": "2026-03-02T15:00:00Z"}})
            for i in identities[number * share : (number + 1) * share]
        ]
        (folder / f"{number}.jsonl").write_text("".join(line + "\n" for line in lines))
    return lambda: Replay(folder, clock=lambda: 1_772_000_000_000_000)


SOURCES = [pytest.param(replay, id="replay")]


@pytest.fixture(params=SOURCES)
def published(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[int], tuple[Maker, list[str]]]:
    """Publish so many posts at a source that ends; returns its maker and their ids in order."""

    def publish(count: int) -> tuple[Maker, list[str]]:
        identities = [str(1_900_000_000_000_000_000 + n) for n in range(count)]
        return request.param(tmp_path, identities), identities

    return publish


def ids(batches: list[RawBatch]) -> list[str]:
    """Return what the keys of all records name."""
    return [record.key.partition(":")[2] for batch in batches for record in batch.records]


def after(batches: list[RawBatch]) -> Cursor:
    """Return the cursor as a log would hold it: parts merged, stored as text."""
    merged: dict[str, str] = {}
    for batch in batches:
        merged.update(batch.cursor)
    return dict(json.loads(json.dumps(merged)))


def test_posts_come_once_and_in_order(published) -> None:
    """Everything published comes exactly once, oldest first."""
    make, identities = published(COUNT)

    assert ids(list(make().read({}))) == identities


def test_restart_after_any_batch_loses_and_doubles_nothing(published) -> None:
    """Wherever a run stops, a new one behind the stored cursor gives exactly the rest."""
    make, identities = published(COUNT)
    batches = list(make().read({}))

    assert len(batches) > 2
    for stop in range(len(batches) + 1):
        rest = ids(list(make().read(after(batches[:stop]))))
        assert ids(batches[:stop]) + rest == identities


def test_restart_again_and_again_still_gives_everything(published) -> None:
    """A run that is stopped after every single batch comes to the end all the same."""
    make, identities = published(COUNT)
    taken: list[RawBatch] = []
    while batch := next(_with_records(make().read(after(taken))), None):
        taken.append(batch)

    assert ids(taken) == identities


def test_batch_that_was_not_stored_comes_again(published) -> None:
    """A source keeps no memory: what was read but not stored is read again, from the same object."""
    make, _ = published(COUNT)
    source = make()
    stored = [next(_with_records(source.read({})))]
    lost = next(_with_records(source.read(after(stored))))

    assert next(_with_records(source.read(after(stored)))).records == lost.records


def test_nothing_comes_behind_the_end(published) -> None:
    """The last cursor covers the last record."""
    make, _ = published(3)
    batches = list(make().read({}))

    assert ids(list(make().read(after(batches)))) == []


def test_empty_source_ends_without_a_record(published) -> None:
    """A source at which nobody has published anything is no error."""
    make, _ = published(0)

    assert ids(list(make().read({}))) == []


def test_records_say_where_they_come_from(published) -> None:
    """Every record carries what the transform needs to find its reader and its time."""
    make, identities = published(2)
    records = [record for batch in make().read({}) for record in batch.records]

    assert [record.key for record in records] == [f"{records[0].source}:{i}" for i in identities]
    for record in records:
        assert isinstance(record, Envelope)
        assert record.event == "post"
        assert record.schema
        assert record.observed_at > 0
        assert json.loads(record.value)


def _with_records(batches: Iterator[RawBatch]) -> Iterator[RawBatch]:
    return (batch for batch in batches if batch.records)
