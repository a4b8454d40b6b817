"""
What each command of the command line does: wire an engine, word its answer.

Engines that only one command needs are imported by it, so that the others start quickly.
"""

import math
import time
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from wordstreet.engines.collect import SOURCES, Collected, collect_alone
from wordstreet.engines.embedded import Ingested, ingest_alone
from wordstreet.engines.progress import Progress, eta
from wordstreet.engines.run import run as run_engine
from wordstreet.engines.stop import on_signals
from wordstreet.engines.transform import build, explain, scorer
from wordstreet.errors import InputError
from wordstreet.lake import deletions, maintain, views
from wordstreet.lake.tables import Lake
from wordstreet.settings import Settings

__all__ = [
    "SOURCES",
    "collect",
    "demo",
    "doctor",
    "ingest",
    "lake_compact",
    "lake_delete",
    "lake_info",
    "lake_query",
    "lake_vacuum",
    "lake_verify",
    "match",
    "prices_import",
    "run",
    "score",
    "settings",
    "study",
]

Answer = tuple[Mapping[str, Any], str, bool]


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
    return found, _told(found), True


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
    return found, _told(found), True


def ingest(settings: Settings, given: Namespace) -> Answer:
    """Move the log into the lake."""
    started, since = time.monotonic(), datetime.now(UTC)
    with on_signals() as stop, Progress() as progress:

        def report(done: Ingested) -> None:
            rate = done.received / max(time.monotonic() - started, 1e-9)
            progress.say(f"ingesting: {done.received:,} records, {rate:,.0f}/s")

        done = ingest_alone(settings, build(settings), stop, given.once, report)
    found = _counts(None, done.received, done, started)
    found["duplicates"] = maintain.duplicates(Lake(settings.lake_uri), since) if done.stored else 0
    return found, _told(found), True


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


def _told(found: Mapping[str, Any]) -> str:
    names = [name for name in found if found[name] is not None]
    return _aligned([(name, _number(found[name])) for name in names])


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as columns, numbers to the right."""
    if not rows:
        return ""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numeric = [all(_is_number(row[i]) for row in rows[1:] or rows) for i in range(len(widths))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in rows
    )


def _is_number(text: str) -> bool:
    return text in ("", "–") or text.replace(",", "").replace(".", "").replace("-", "").isdigit()


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
        rows.append((test["factor"], str(test["horizon"]), *map(_figure, [*cells, oos.get("ic")])))
    reaction = found["reaction"]
    lines = [
        found["verdict"],
        found["sentence"],
        "",
        f"{found['companies']} companies, {found['sessions']} sessions, {found['posts']:,} posts",
        f"same session (reaction, not foresight): IC {_figure(reaction['ic'])}, "
        f"t {_figure(reaction['t'])}, p {_figure(reaction['p'])}",
        "",
        _aligned(rows),
        "",
        *(f"note: {warning}" for warning in found["warnings"]),
        f"report  {page}",
        f"run id  {found['run_id']}",
    ]
    return answer, "\n".join(lines), True


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def prices_import(settings: Settings, given: Namespace) -> Answer:
    """Read CSV or Parquet files of daily prices into the lake."""
    from wordstreet.engines import study as engine

    found = engine.import_prices(settings, [Path(path) for path in given.paths])
    lines = [_told({key: found[key] for key in ("tickers", "sessions", "rejected")})]
    lines += [f"note: {warning}" for warning in found["warnings"]]
    return found, "\n".join(lines), True


def lake_info(settings: Settings, given: Namespace) -> Answer:
    """Tables, sizes and positions."""
    del given
    found = maintain.info(Lake(settings.lake_uri))
    rows = [("table", "rows", "files", "bytes", "version")]
    rows += [(name, *map(_number, table.values())) for name, table in found["tables"].items()]
    positions = sorted({(s, o) for t in found["positions"].values() for s, o in t.items()})
    lines = [_aligned(rows), "", *(f"position {s}: {o:,}" for s, o in positions)]
    return found, "\n".join(lines).rstrip(), True


def lake_verify(settings: Settings, given: Namespace) -> Answer:
    """Is every offset there exactly once, every file alive."""
    del given
    audit = maintain.verify(Lake(settings.lake_uri))
    found = {"ok": audit.ok, **asdict(audit)}
    text = "the lake is whole" if audit.ok else "the lake is damaged: see which count is not 0"
    return found, f"{_told(asdict(audit))}\n{text}", audit.ok


def lake_compact(settings: Settings, given: Namespace) -> Answer:
    """Merge small files."""
    del given
    lake = Lake(settings.lake_uri)
    with lake.rewriting():
        replaced = maintain.compact(lake)
    return {"replaced": replaced}, _told(replaced) or "no month has small files to merge", True


def lake_vacuum(settings: Settings, given: Namespace) -> Answer:
    """Remove files that no recent version needs."""
    hours = (
        settings.lake.retention_hours if given.retention_hours is None else given.retention_hours
    )
    if hours < 0:
        message = f"--retention-hours must be 0 or more, not {hours}"
        raise InputError(message)
    removed = maintain.vacuum(Lake(settings.lake_uri), hours, datetime.now(UTC))
    return {"removed": removed}, f"removed {removed:,} files", True


def lake_delete(settings: Settings, given: Namespace) -> Answer:
    """Blank a post in every table, whether it has landed or is still to come."""
    if not given.post or given.source == "":
        message = "--post and --source must not be empty"
        raise InputError(message)
    lake, now = Lake(settings.lake_uri), datetime.now(UTC)
    sources = [given.source] if given.source else deletions.find(lake, given.post)
    if not sources:
        message = (
            f"no post {given.post} has landed; to blank one that is still to come, "
            "name where it lives: --source x"
        )
        raise InputError(message)
    for source in sources:
        deletions.record(lake, source, given.post, now)
    with lake.rewriting():
        blanked = deletions.apply(lake, now)
    found = {"post": given.post, "sources": sources, "blanked": blanked}
    text = (
        f"blanked {blanked} posts; their bytes are gone from disk after "
        "`wordstreet lake vacuum --retention-hours 0`"
    )
    return found, text, True


def lake_query(settings: Settings, given: Namespace) -> Answer:
    """Run SQL over what is read."""
    table = views.query(Lake(settings.lake_uri), given.sql)
    try:
        columns = [[_plain(value) for value in column.to_pylist()] for column in table.columns]
    except (ValueError, OverflowError) as error:  # a time that no calendar has
        message = f"the answer holds a value that cannot be shown: {error}; cast it to text"
        raise InputError(message) from error
    rows = [list(row) for row in zip(*columns, strict=True)]
    cells = [tuple(map(_cell, row)) for row in rows]
    names = table.schema.names
    return {"columns": names, "rows": rows}, _aligned([tuple(names), *cells]), True


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it, whatever is nested in it."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).replace("\n", " ")


def match(settings: Settings, given: Namespace) -> Answer:
    """Say which companies a text is about, and why."""
    found = explain(settings, given.explain)
    rows = [("ticker", "evidence", "text", "confidence", "refused because")]
    rows += [
        (e["ticker"], e["kind"], e["text"], _figure(e["confidence"]), e["refused"] or "")
        for e in found
    ]
    text = _aligned(rows) if found else "no company of the watchlist is named"
    return {"text": given.explain, "evidence": found}, text, True


def score(settings: Settings, given: Namespace) -> Answer:
    """Score the opinion in texts, from -1 to 1."""
    used = scorer(settings)
    scores = used.score(pa.array(given.texts)).to_pylist()
    scored = [
        {"text": text, "score": value and round(value, 6)}
        for text, value in zip(given.texts, scores, strict=True)
    ]
    rows = [("score", "text")] + [(_figure(row["score"]), row["text"]) for row in scored]
    found = {"scorer": used.id, "version": used.version, "scores": scored}
    return found, _aligned(rows), True


def settings(settings: Settings, given: Namespace) -> Answer:
    """What is in force and where each value came from."""
    del given
    rows = list(settings.rows())
    found = {key: {"value": value, "origin": origin} for key, value, origin in rows}
    return {"settings": found}, _aligned([("setting", "value", "from"), *rows]), True


def doctor(settings: Settings, given: Namespace) -> Answer:
    """What is installed, reachable and allowed, and what to do about the rest."""
    from wordstreet.engines import doctor as engine

    del given
    checks = engine.checks(settings)
    rows = [("ok" if c["ok"] else "NO", c["name"], c["hint"]) for c in checks]
    return {"checks": checks}, _aligned(rows), all(c["ok"] for c in checks)
