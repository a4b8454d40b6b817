"""What is installed, reachable and allowed here, and what to do about the rest."""

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any, Final

from wordstreet.engines import topic, transform
from wordstreet.engines.collect import open_log
from wordstreet.errors import LockedError, LogError, StackError, WordstreetError
from wordstreet.lake.tables import Lake
from wordstreet.locks import hold
from wordstreet.prices.calendars import sessions
from wordstreet.settings import Settings
from wordstreet.stack import java

__all__ = ["checks"]

_ENOUGH_BYTES: Final = 2**30


def checks(settings: Settings) -> list[dict[str, Any]]:
    """Return one {name, ok, hint} for each thing wordstreet needs; the hint says what to do."""
    probes: dict[str, Callable[[Settings], str]] = {
        "python": _python,
        "libraries": _libraries,
        "home": _home,
        "watchlist": _watchlist,
        "scorer": _scorer,
        "calendar": _calendar,
        "log": _log,
        "lake": _lake,
        "spark": _spark,
        "processes": _processes,
    }
    return [_check(name, probe, settings) for name, probe in probes.items()]


def _check(name: str, probe: Callable[[Settings], str], settings: Settings) -> dict[str, Any]:
    try:
        return {"name": name, "ok": True, "hint": probe(settings)}
    except (WordstreetError, OSError) as error:
        return {"name": name, "ok": False, "hint": str(error)}


def _python(_: Settings) -> str:
    return f"{sys.version.split()[0]}"


def _libraries(_: Settings) -> str:
    found = [f"{name} {version(name)}" for name in ("pyarrow", "deltalake", "exchange-calendars")]
    if importlib.util.find_spec("polars") is None:
        found.append("no polars (only lazy frames need it: pip install 'wordstreet[polars]')")
    return ", ".join(found)


def _home(settings: Settings) -> str:
    settings.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=settings.home) as file:
        file.write(b"x")
        file.flush()
        os.fsync(file.fileno())
    free = shutil.disk_usage(settings.home).free
    if free < _ENOUGH_BYTES:
        message = (
            f"{settings.home} has {free / 2**20:,.0f} MiB left; free some, or take another --home"
        )
        raise OSError(message)
    return f"{settings.home}, {free / 2**30:,.0f} GiB free"


def _watchlist(settings: Settings) -> str:
    companies = transform.watchlist(settings)
    return f"{settings.watchlist.path}: {len(companies)} companies"


def _scorer(settings: Settings) -> str:
    if settings.score.scorer.startswith("spark:"):
        return f"{settings.score.scorer}, asked inside the Spark engine"
    scores = transform.scorer(settings)
    return f"{scores.id} {scores.version}"


def _calendar(settings: Settings) -> str:
    today = datetime.now(UTC).date()
    exchanges = sorted({company.exchange for company in transform.watchlist(settings)})
    for exchange in exchanges:
        sessions(exchange, today - timedelta(days=7), today + timedelta(days=7))
    return f"sessions of {', '.join(exchanges)}"


def _log(settings: Settings) -> str:
    if settings.log.kind == "kafka":
        return _kafka(settings)
    with closing(open_log(settings)) as log:
        held = sum(end - begin for begin, end in log.bounds().values())
    return f"{settings.home / 'log'}: {held:,} records wait for ingest"


def _kafka(settings: Settings) -> str:
    found = topic.info(settings)
    lost = sum(row["lost"] for row in found["partitions"])
    if lost:
        message = (
            f"topic {found['topic']} has forgotten {lost:,} records before they landed; see "
            "`wordstreet log info`, and keep records longer: wordstreet log create --retention-hours N"
        )
        raise LogError(message)
    if found["spooled"]:
        message = (
            f"{found['spooled']:,} records wait on this disk for Kafka; "
            "is a collector at work that hands them on?"
        )
        raise LogError(message)
    return f"Kafka at {settings.log.servers}: {len(found['partitions'])} partitions, lag {found['lag']:,}"


def _spark(_: Settings) -> str:
    if importlib.util.find_spec("pyspark") is None:
        return "not here; only `ingest --engine spark` needs it: pip install 'wordstreet[spark]'"
    try:
        return f"pyspark {version('pyspark')}, {java.find()}"
    except StackError as error:
        return f"only `ingest --engine spark` and `stack` need it: {error}"


def _lake(settings: Settings) -> str:
    lake = Lake(settings.lake_uri)
    return f"{lake.uri}: posts at version {lake.handle('posts').version()}"


def _processes(settings: Settings) -> str:
    busy = []
    for role in ("collector", "engine"):
        try:
            with hold(settings.home / "log", role, wait_seconds=0):
                continue
        except LockedError:
            busy.append(role)
    return f"at work: {', '.join(busy)}" if busy else "no collector or engine is at work here"
