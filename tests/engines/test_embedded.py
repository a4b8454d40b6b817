"""The embedded engine: from the log into the lake, whatever happens in between."""

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from wordstreet.engines.collect import open_log
from wordstreet.engines.embedded import ingest
from wordstreet.engines.transform import build
from wordstreet.errors import PositionError
from wordstreet.lake.commit import Writer
from wordstreet.lake.maintain import verify
from wordstreet.lake.tables import Lake, Stream
from wordstreet.lake.views import read
from wordstreet.log.embedded import EmbeddedLog
from wordstreet.schema import TABLES, Envelope
from wordstreet.settings import Settings, load

Transform = Callable[[pa.RecordBatch, datetime], dict[str, pa.Table]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Small batches in an empty home."""
    return load(str(tmp_path), assignments=["watchlist.path=seed", "ingest.batch_rows=7"])


@pytest.fixture
def log(settings: Settings) -> EmbeddedLog:
    """A log with twenty posts about Tesla."""
    log = open_log(settings)
    log.append([envelope(n) for n in range(20)], "x", {})
    return log


def envelope(n: int) -> Envelope:
    """Return the nth post."""
    value = b'{"data": {"id": "%d", "author_id": "1", "text": "Tesla %d"}}' % (n, n)
    return Envelope(f"x:{n}", value, "x", "post", 1_700_000_000_000_000 + n, "stream", "x.v2")


def drain(log: EmbeddedLog, settings: Settings, transform: Transform | None = None) -> int:
    """Ingest up to the end of the log; return how many posts were new."""
    lake = Lake(settings.lake_uri)
    step = transform or build(settings)
    return ingest(log, lake, step, settings, threading.Event(), lambda: True).stored


def test_a_drained_log_is_in_the_lake_and_forgotten(settings: Settings, log: EmbeddedLog) -> None:
    """Every post landed, the log is trimmed, and a second ingest has nothing to do."""
    assert drain(log, settings) == 20
    assert log.bounds()[0] == (20, 20)
    assert drain(log, settings) == 0
    assert verify(Lake(settings.lake_uri)).ok


def test_many_partitions_land_like_one(tmp_path: Path) -> None:
    """Every partition has its own position; together they hold every post once."""
    settings = load(str(tmp_path), assignments=["log.partitions=3", "ingest.batch_rows=5"])
    log = open_log(settings)
    log.append([envelope(n) for n in range(40)], "x", {})

    assert drain(log, settings) == 40
    assert len(read(Lake(settings.lake_uri), "posts")) == 40
    assert verify(Lake(settings.lake_uri)).records == 40


def test_another_writer_in_between_costs_a_try_and_no_post(
    settings: Settings, log: EmbeddedLog
) -> None:
    """When somebody else lands the batch first, the engine asks for the position and goes on."""
    plain = build(settings)
    stream = Stream(log.id, log.topic, 0)
    interfered = []

    def racing(records: pa.RecordBatch, now: datetime) -> dict[str, pa.Table]:
        tables = plain(records, now)
        if not interfered:
            interfered.append(True)
            Writer(Lake(settings.lake_uri), [stream]).commit(tables, {stream: len(records)})
        return tables

    drain(log, settings, racing)
    audit = verify(Lake(settings.lake_uri))

    assert interfered
    assert (audit.records, audit.twice, audit.lost) == (20, 0, 0)


def test_a_log_that_lost_records_is_refused(settings: Settings, log: EmbeddedLog) -> None:
    """Records trimmed before they landed are a loss that no retry mends; it is said at once."""
    log.trim({0: 5})

    with pytest.raises(PositionError, match="5 records are gone"):
        drain(log, settings)


def test_stop_finishes_the_batch_in_hand(settings: Settings, log: EmbeddedLog) -> None:
    """Asked to stop within a batch, the engine lands that batch and no further one."""
    stop = threading.Event()
    plain = build(settings)

    def stopping(records: pa.RecordBatch, now: datetime) -> dict[str, pa.Table]:
        stop.set()
        return plain(records, now)

    done = ingest(log, Lake(settings.lake_uri), stopping, settings, stop, lambda: True)

    assert done.stored == 7
    assert log.bounds()[0][0] == 7


def test_a_transform_that_yields_nothing_still_moves_on(
    settings: Settings, log: EmbeddedLog
) -> None:
    """Positions follow the offsets read, not the rows written."""
    drain(log, settings, lambda _r, _n: {name: s.empty_table() for name, s in TABLES.items()})

    assert log.bounds()[0] == (20, 20)
