"""The commands that look into the lake and keep it in shape."""

from argparse import Namespace
from dataclasses import asdict
from datetime import UTC, datetime

from wordstreet.commands.words import Answer, aligned, cell, number, plain, told
from wordstreet.errors import InputError
from wordstreet.lake import deletions, maintain, views
from wordstreet.lake.tables import Lake
from wordstreet.settings import Settings

__all__ = ["compact", "delete", "info", "query", "vacuum", "verify"]


def info(settings: Settings, given: Namespace) -> Answer:
    """Tables, sizes and positions."""
    del given
    found = maintain.info(Lake(settings.lake_uri))
    rows = [("table", "rows", "files", "bytes", "version")]
    rows += [(name, *map(number, table.values())) for name, table in found["tables"].items()]
    positions = sorted({(s, o) for t in found["positions"].values() for s, o in t.items()})
    lines = [aligned(rows), "", *(f"position {s}: {o:,}" for s, o in positions)]
    return found, "\n".join(lines).rstrip(), True


def verify(settings: Settings, given: Namespace) -> Answer:
    """Is every offset there exactly once, every file alive."""
    del given
    audit = maintain.verify(Lake(settings.lake_uri))
    found = {"ok": audit.ok, **asdict(audit)}
    text = "the lake is whole" if audit.ok else "the lake is damaged: see which count is not 0"
    return found, f"{told(asdict(audit))}\n{text}", audit.ok


def compact(settings: Settings, given: Namespace) -> Answer:
    """Merge small files."""
    del given
    lake = Lake(settings.lake_uri)
    with lake.rewriting():
        replaced = maintain.compact(lake)
    return {"replaced": replaced}, told(replaced) or "no month has small files to merge", True


def vacuum(settings: Settings, given: Namespace) -> Answer:
    """Remove files that no recent version needs."""
    hours = (
        settings.lake.retention_hours if given.retention_hours is None else given.retention_hours
    )
    if hours < 0:
        message = f"--retention-hours must be 0 or more, not {hours}"
        raise InputError(message)
    removed = maintain.vacuum(Lake(settings.lake_uri), hours, datetime.now(UTC))
    return {"removed": removed}, f"removed {removed:,} files", True


def delete(settings: Settings, given: Namespace) -> Answer:
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


def query(settings: Settings, given: Namespace) -> Answer:
    """Run SQL over what is read."""
    table = views.query(Lake(settings.lake_uri), given.sql)
    try:
        columns = [[plain(value) for value in column.to_pylist()] for column in table.columns]
    except (ValueError, OverflowError) as error:  # a time that no calendar has
        message = f"the answer holds a value that cannot be shown: {error}; cast it to text"
        raise InputError(message) from error
    rows = [list(row) for row in zip(*columns, strict=True)]
    cells = [tuple(map(cell, row)) for row in rows]
    names = table.schema.names
    return {"columns": names, "rows": rows}, aligned([tuple(names), *cells]), True
