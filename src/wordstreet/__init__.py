"""Word on the street, tested against the tape."""

from collections.abc import Sequence
from typing import Any

__all__ = ["read", "score", "study"]


def read(table: str, *, home: str | None = None, lazy: bool = False) -> Any:
    """
    Return a table of the lake, each post once and deletions applied.

    Args:

        table: posts, mentions, rejects, deletions, gaps, prices, company_posts, or `<table>_landed`
            for the rows as they lie

        home: as for the command line; None takes WORDSTREET_HOME, else ./wordstreet-data

        lazy: a lazy Polars frame over the files instead of a `pyarrow.Table`; needs `polars`

    Raises `InputError` for a table that is not there.
    """
    from wordstreet.lake import views
    from wordstreet.lake.tables import Lake

    lake = Lake(_settings(home).lake_uri)
    return views.frame(lake, table) if lazy else views.read(lake, table)


def study(*, home: str | None = None, settings: Sequence[str] = ()) -> dict[str, Any]:
    """
    Return the figures of a study, as `wordstreet study --json` prints them.

    `settings` are texts like those of `--set`: `["watchlist.path=mine.toml", "study.min_posts=5"]`.
    """
    from wordstreet.engines.study import study as judge

    figures, page = judge(_settings(home, settings))
    return {**figures, "report": str(page)}


def score(texts: Sequence[str | None], *, settings: Sequence[str] = ()) -> list[float | None]:
    """Return the opinion in each text, from -1 to 1; None where there is nothing to score."""
    import pyarrow as pa

    from wordstreet.engines.transform import scorer

    found: list[float | None] = (
        scorer(_settings(None, settings)).score(pa.array(texts, pa.string())).to_pylist()
    )
    return found


def _settings(home: str | None, assignments: Sequence[str] = ()) -> Any:
    import os

    from wordstreet.settings import load

    return load(home, None, os.environ, assignments)
