"""Daily prices from files of any provider: checked row by row, adjusted, in one shape."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wordstreet import schema
from wordstreet.errors import InputError
from wordstreet.prices import adjust, columns
from wordstreet.prices.checks import (
    RAGGED,
    RAW,
    Notes,
    Part,
    Rejected,
    distinct,
    possible,
    sound,
    unseen,
)
from wordstreet.watchlist import Watchlist

__all__ = ["Prices", "Rejected", "read_prices"]

_UNLISTED: Final = "left out, not on the watchlist"
_UNADJUSTED: Final = (
    "taken as they are, without adjusted close, splits or dividends, so that one of those looks "
    "like a return"
)
_COMPUTED: Final = (
    "adjusted by their dividends for want of an adjusted close; export them with it if they were "
    "adjusted already"
)


@dataclass(frozen=True, slots=True)
class Prices:
    """
    What a set of files holds.

    rows:     in the shape of `schema.PRICES`, by ticker and session, no (ticker, session) twice
    rejected: what was set aside; the rest of the file counts
    warnings: sentences for people: what was left out, what could not be adjusted
    """

    rows: pa.Table
    rejected: tuple[Rejected, ...]
    warnings: tuple[str, ...]


def read_prices(paths: Sequence[Path], watchlist: Watchlist, downloaded_at: datetime) -> Prices:
    """
    Read files, and the CSV and Parquet files of folders, into one table of prices.

    Args:

        paths: a row's ticker is in a column `ticker` or `symbol`, else it is the file's name

        watchlist: decides which tickers are wanted and where each is traded

        downloaded_at: when the prices were given out, with its zone; no later session counts

    A row is set aside when its day cannot be read, was no session of the exchange or was not over
    at download, when a price is missing, not above zero, or high is below low, and when its day
    was there before with other values; of several files about one ticker the first has the word.

    Adjusted prices follow `adj close` where a file has it. Else they are computed from its columns
    of splits and dividends: dividends always, splits where the prices jump by them (providers give
    prices of both kinds and do not say which). Else prices are taken as they are. The last two are
    warned about.

    Raises `InputError` when a path is not there, an exchange is unknown, or nothing is usable.
    """
    notes = Notes()
    parts: dict[str, list[Part]] = {}
    for path in _files(paths):
        for raw in _read(path, watchlist, notes):
            part = distinct(possible(sound(raw, notes), downloaded_at, notes), notes)
            if len(part.dates):
                earlier = parts.setdefault(part.company.ticker, [])
                earlier.append(unseen(_adjusted(part, notes), earlier, notes))
    if not parts:
        raise InputError(_nothing(paths, notes))
    tables = [_table(part, downloaded_at) for several in parts.values() for part in several]
    rows = pa.concat_tables(tables).sort_by([("ticker", "ascending"), ("session", "ascending")])
    return Prices(rows, notes.counts(), notes.warnings())


def _files(paths: Sequence[Path]) -> list[Path]:
    """Return the files meant, each once."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(p for p in path.iterdir() if p.suffix.lower() in columns.SUFFIXES)
        elif path.suffix.lower() in columns.SUFFIXES and path.exists():
            files.append(path)
        else:
            what = "is neither .csv nor .parquet" if path.exists() else "is not there"
            message = f"{path} {what}; name CSV or Parquet files of daily prices, or their folder"
            raise InputError(message)
    return list(dict.fromkeys(files))


def _read(path: Path, watchlist: Watchlist, notes: Notes) -> Iterator[Part]:
    """Yield what one file has about each company of the watchlist."""
    try:
        found = columns.read(path)
    except InputError as error:
        notes.unusable.append(f"{error}; it was left out")
        return
    if found.ragged:
        notes.rejected[path.name, RAGGED] += found.ragged
    if not len(found.dates):
        notes.unusable.append(f"{path.name} has no row that can be read; it was left out")
    listed = {company.ticker.replace("-", "."): company for company in watchlist}
    tickers, whose = np.unique(found.tickers, return_inverse=True)
    order = np.argsort(whose, kind="stable")
    ends = np.searchsorted(whose[order], np.arange(1, len(tickers)))
    for ticker, rows in zip(tickers.tolist(), np.split(order, ends), strict=False):
        if ticker in listed:
            yield Part(path.name, listed[ticker], found.dates, found.numbers).where(rows)
        else:
            notes.name(_UNLISTED, f"{ticker[:20] or 'no ticker'} ({path.name})")


def _adjusted(part: Part, notes: Notes) -> Part:
    """Return the part with splits, dividends and adjusted prices in full."""
    given, close = part.numbers, part.numbers["close"]
    split = _known(given.get("split", np.ones(len(close))), 1.0)
    dividend = _known(given.get("dividend", np.zeros(len(close))), 0.0)
    if "adj_close" in given:
        factor = given["adj_close"] / close
    else:
        applied = split if adjust.as_traded(close, split) else np.ones(len(close))
        factor = adjust.adjustment(close, applied, dividend)
        if not {"split", "dividend"} & given.keys():
            notes.name(_UNADJUSTED, part.file)
        elif dividend.any():
            notes.name(_COMPUTED, part.file)
    moved = {f"adj_{name}": given[name] * factor for name in RAW if name in given}
    return Part(
        part.file,
        part.company,
        part.dates,
        {**given, **moved, "split": split, "dividend": dividend},
    )


def _known(values: NDArray[np.float64], none: float) -> NDArray[np.float64]:
    """Return splits or dividends with `none` where nothing stands; some providers write 0."""
    return np.where(np.isnan(values) | (values == 0), none, values)


def _table(part: Part, downloaded_at: datetime) -> pa.Table:
    """Return the rows in the shape of `schema.PRICES`; what the file has not is null."""
    texts = {
        "ticker": part.company.ticker,
        "exchange": part.company.exchange,
        "provider": part.file,
    }
    rows = len(part.dates)

    def column(name: str, kind: pa.DataType) -> pa.Array:
        if name in texts:
            return pa.repeat(pa.scalar(texts[name], kind), rows)
        if name == "session":
            return pa.array(part.dates, kind)
        if name == "downloaded_at":
            return pa.repeat(pa.scalar(downloaded_at, kind), rows)
        values = part.numbers.get(name)
        if values is None:
            return pa.nulls(rows, kind)
        return pa.array(values, kind, mask=~np.isfinite(values))

    return pa.table([column(f.name, f.type) for f in schema.PRICES], schema=schema.PRICES)


def _nothing(paths: Sequence[Path], notes: Notes) -> str:
    """Say why no price at all could be used."""
    rejected = [f"{r.rows} rows of {r.file}: {r.reason}" for r in notes.counts()]
    why = "; ".join((*notes.warnings(), *rejected)[:10]) or "no CSV or Parquet file is there"
    return f"no usable price in {', '.join(map(str, paths[:10]))}: {why}"
