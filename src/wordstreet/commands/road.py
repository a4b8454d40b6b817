"""
The commands along the road, from a source to the verdict.

Engines that only one command needs are imported by it, so that the others start quickly.
"""

import time
from argparse import Namespace
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wordstreet.commands.words import Answer, aligned, figure, told
from wordstreet.engines import topic
from wordstreet.engines.collect import Collected, collect_alone
from wordstreet.engines.embedded import ingest_alone
from wordstreet.engines.landing import Ingested
from wordstreet.engines.progress import Progress, eta
from wordstreet.engines.run import run as run_engine
from wordstreet.engines.stop import on_signals
from wordstreet.engines.transform import build
from wordstreet.errors import InputError
from wordstreet.lake import maintain
from wordstreet.lake.tables import Lake
from wordstreet.settings import Settings

__all__ = ["collect", "demo", "ingest", "prices_import", "run", "study"]


def demo(settings: Settings, given: Namespace) -> Answer:
    """The whole road on a simulated world."""
    from wordstreet.engines import demo as engine

    with on_signals() as stop, Progress() as progress:
        found = engine.demo(settings, given.world, given.seed, stop, progress.say)
    lines = [
        f"SIMULATED DATA: {found['truth']}",
        f"{found['posts']:,} simulated posts, read once each, against simulated prices.",
        "",
        f"  {found['verdict']}",
        f"  {found['sentence']}",
        "",
        f"report  {found['report']}",
        f"run id  {found['run_id']}",
    ]
    return found, "\n".join(lines), True


def run(settings: Settings, given: Namespace) -> Answer:
    """Collect and ingest until the source ends."""
    path = _path(given)
    started, since = time.monotonic(), datetime.now(UTC)
    with on_signals() as stop, Progress() as progress:

        def report(collected: Collected, ingested: Ingested) -> None:
            progress.say(_so_far(collected, ingested, time.monotonic() - started))

        collected, ingested = run_engine(
            settings, given.source, path, build(settings), stop, report
        )
    found = _counts(given.source, collected.received, ingested, started)
    lake = Lake(settings.lake_uri)
    found["duplicates"] = maintain.duplicates(lake, since) if ingested.stored else 0
    return found, told(found), True


def collect(settings: Settings, given: Namespace) -> Answer:
    """Put what a source gives on the log."""
    path = _path(given)
    started = time.monotonic()
    with on_signals() as stop, Progress() as progress:

        def report(done: Collected) -> None:
            seconds = time.monotonic() - started
            rate = done.received / max(seconds, 1e-9)
            progress.say(
                f"collecting: {done.received:,} records, {rate:,.0f}/s{eta(done.share, seconds)}"
            )

        done = collect_alone(settings, given.source, path, stop, report)
    found = {
        "source": given.source,
        "received": done.received,
        "stored": done.received,
        "duplicates": None,  # only the lake can tell
        "rejects": None,
        "gaps": done.gaps,
        "seconds": round(time.monotonic() - started, 3),
    }
    if settings.log.kind == "kafka":
        found["spooled"] = topic.spooled(settings)
    return found, told(found), True


def ingest(settings: Settings, given: Namespace) -> Answer:
    """Move the log into the lake."""
    started, since = time.monotonic(), datetime.now(UTC)
    beside: dict[str, Any] = {}
    with on_signals() as stop, Progress() as progress:

        def report(done: Ingested, more: str = "") -> None:
            rate = done.received / max(time.monotonic() - started, 1e-9)
            progress.say(f"ingesting: {done.received:,} records, {rate:,.0f}/s{more}")

        if given.engine == "spark":
            from wordstreet.engines.spark import Batches, ingest_spark

            def report_batch(done: Ingested, batches: Batches) -> None:
                lag, seconds = batches.lag, batches.batch_seconds
                report(done, f", batch {batches.batches} in {seconds:.1f} s, lag {lag:,}")

            progress.say("starting Spark")
            done, batches = ingest_spark(settings, stop, given.once, report_batch)
            beside["spark"] = asdict(batches)
        else:
            done = ingest_alone(settings, build(settings), stop, given.once, report)
    found = {**_counts(None, done.received, done, started), **beside}
    found["duplicates"] = maintain.duplicates(Lake(settings.lake_uri), since) if done.stored else 0
    return found, told({**found, **beside.get("spark", {}), "spark": None}), True


def _path(given: Namespace) -> str:
    path: str | None = given.path
    if not path:
        message = f"{given.source} needs the files to read: --path FILE or FOLDER"
        raise InputError(message)
    return path


def _counts(source: str | None, received: int, done: Ingested, started: float) -> dict[str, Any]:
    return {
        "source": source,
        "received": received,
        "stored": done.stored,
        "duplicates": None,
        "mentions": done.mentions,
        "rejects": done.rejects,
        "deletions": done.deletions,
        "gaps": done.gaps,
        "seconds": round(time.monotonic() - started, 3),
    }


def _so_far(collected: Collected, ingested: Ingested, seconds: float) -> str:
    rate = ingested.received / max(seconds, 1e-9)
    return (
        f"received {collected.received:,}, landed {ingested.stored:,}, "
        f"mentions {ingested.mentions:,}, rejects {ingested.rejects:,}, {rate:,.0f}/s"
        f"{eta(collected.share, seconds)}"
    )


def study(settings: Settings, given: Namespace) -> Answer:
    """Join posts and prices and give the verdict."""
    from wordstreet.engines import study as engine

    del given
    with Progress() as progress:
        found, page = engine.study(settings, None, progress.say)
    answer = {**found, "report": str(page)}
    rows = [("factor", "horizon", "IC", "t", "p", "q", "shift p", "out of sample")]
    for test in found["tests"]:
        oos = test["oos"] or {}
        cells = [test[key] for key in ("ic", "t", "p", "q", "shift_p")]
        rows.append((test["factor"], str(test["horizon"]), *map(figure, [*cells, oos.get("ic")])))
    reaction = found["reaction"]
    lines = [
        found["verdict"],
        found["sentence"],
        "",
        f"{found['companies']} companies, {found['sessions']} sessions, {found['posts']:,} posts",
        f"same session (reaction, not foresight): IC {figure(reaction['ic'])}, "
        f"t {figure(reaction['t'])}, p {figure(reaction['p'])}",
        "",
        aligned(rows),
        "",
        *(f"note: {warning}" for warning in found["warnings"]),
        f"report  {page}",
        f"run id  {found['run_id']}",
    ]
    return answer, "\n".join(lines), True


def prices_import(settings: Settings, given: Namespace) -> Answer:
    """Read CSV or Parquet files of daily prices into the lake."""
    from wordstreet.engines import study as engine

    found = engine.import_prices(settings, [Path(path) for path in given.paths])
    lines = [told({key: found[key] for key in ("tickers", "sessions", "rejected")})]
    lines += [f"note: {warning}" for warning in found["warnings"]]
    return found, "\n".join(lines), True
