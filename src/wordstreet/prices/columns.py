"""One CSV or Parquet file of daily prices as columns, whatever its names and number formats."""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from wordstreet.errors import InputError

__all__ = ["SUFFIXES", "Columns", "read"]

SUFFIXES: Final = (".csv", ".parquet")

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "session": ("session", "date", "timestamp", "datetime"),
    "ticker": ("ticker", "symbol"),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close",),
    "adj_close": ("adjclose", "adjustedclose", "closeadj", "closeadjusted"),
    "volume": ("volume",),
    "split": ("split", "splits", "stocksplit", "stocksplits", "splitfactor", "splitcoefficient"),
    "dividend": ("dividend", "dividends", "dividendamount", "divcash"),
}
"""What we read, and how files call it once case, spaces and punctuation are gone."""

_HEADER_BYTES: Final = 65_536
_MISSING: Final = ("", "-", ".", "na", "n/a", "nan", "nil", "none", "null")
_PLAIN: Final = r"^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_POINT: Final = r"^-?\d{1,3}(,\d{3})+(\.\d*)?$"  # 1,234.5: commas part thousands
_COMMA: Final = r"^-?(\d+|\d{1,3}(\.\d{3})+),\d+$"  # 1.234,5: the comma is the decimal mark
_LONE_COMMA: Final = r"^-?\d{1,3},\d{3}$"  # 1,234: either


@dataclass(frozen=True, slots=True)
class Columns:
    """
    The columns of one file, row by row as it has them.

    tickers: upper case, dots for dashes; one for all rows where the file has no such column
    dates:   datetime64[D], NaT where it cannot be read
    numbers: by our names, only those the file has; NaN is missing, infinite is not a number
    ragged:  rows that had more or fewer cells than the header; they are in no column
    """

    tickers: NDArray[np.str_]
    dates: NDArray[np.datetime64]
    numbers: Mapping[str, NDArray[np.float64]]
    ragged: int = 0


def read(path: Path) -> Columns:
    """
    Read one file; `InputError` says what is wrong with it.

    CSV may be parted by comma, semicolon, tab or bar, start with a BOM, end lines in CRLF, quote
    fields and hold empty lines. Thousands may be parted. In files parted by semicolons 1,234 is a
    decimal, elsewhere a thousand.
    """
    parse = _read_parquet if path.suffix.lower() == ".parquet" else _read_csv
    try:
        return parse(path)
    except (OSError, ValueError, pa.ArrowException, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error).split("\n", 1)[0]
        message = f"{path.name} cannot be read as {path.suffix.lstrip('.').lower()}: {reason}"
        raise InputError(message) from error


def _read_csv(path: Path) -> Columns:
    header, delimiter, skip = _header(path)
    places = _places(header, path)
    ragged = 0

    def set_aside(_: Any) -> str:
        nonlocal ragged
        ragged += 1
        return "skip"

    names = [str(number) for number in range(len(header))]
    wanted = [names[place] for place in sorted(set(places.values()))]
    table = pyarrow.csv.read_csv(
        path,
        pyarrow.csv.ReadOptions(column_names=names, skip_rows=skip),
        pyarrow.csv.ParseOptions(delimiter=delimiter, invalid_row_handler=set_aside),
        pyarrow.csv.ConvertOptions(
            include_columns=wanted, column_types=dict.fromkeys(wanted, pa.string())
        ),
    )
    columns = {name: table[names[place]] for name, place in places.items()}
    return _columns(columns, path, lone_comma_is_decimal=delimiter == ";", ragged=ragged)


def _read_parquet(path: Path) -> Columns:
    file = pq.ParquetFile(path)
    header = file.schema_arrow.names
    places = _places(header, path)
    table = file.read(columns=[header[place] for place in sorted(set(places.values()))])
    columns = {name: table[header[place]] for name, place in places.items()}
    return _columns(columns, path, lone_comma_is_decimal=False, ragged=0)


def _header(path: Path) -> tuple[list[str], str, int]:
    """Return the names of the columns, what parts them, and how many lines they end on."""
    with path.open("rb") as file:
        lines = file.read(_HEADER_BYTES).decode("utf-8-sig", "replace").splitlines()
    skip, line = next(
        ((n, line) for n, line in enumerate(lines, 1) if line.strip(" ,;\t")), (0, "")
    )

    def cells(delimiter: str) -> list[str]:
        return next(csv.reader([line], delimiter=delimiter), [])

    delimiter = max(",;\t|", key=lambda mark: len(_known(cells(mark))))
    return cells(delimiter), delimiter, skip


def _known(header: Sequence[str]) -> dict[str, int]:
    """Return where in the header each of our columns stands; of two alike the first."""
    plain = [re.sub(r"[^a-z]", "", name.lower()) for name in header]
    return {
        ours: next(plain.index(theirs) for theirs in names if theirs in plain)
        for ours, names in _NAMES.items()
        if set(names) & set(plain)
    }


def _places(header: Sequence[str], path: Path) -> dict[str, int]:
    """Return where each column stands, or raise `InputError` naming what is not there."""
    places = _known(header)
    if "close" not in places and "adj_close" in places:
        places["close"] = places["adj_close"]
    missing = [name for name in ("session", "close") if name not in places]
    if missing:
        found = ", ".join(name[:20] for name in header[:12]) or "nothing"
        message = (
            f"{path.name} has no column {' and no column '.join(missing)}; the first line must "
            f"name them, it has: {found}"
        )
        raise InputError(message)
    return places


def _columns(
    columns: Mapping[str, pa.ChunkedArray], path: Path, *, lone_comma_is_decimal: bool, ragged: int
) -> Columns:
    numbers = {
        name: _numbers(column, lone_comma_is_decimal)
        for name, column in columns.items()
        if name not in ("session", "ticker")
    }
    dates = _dates(columns["session"])
    if "ticker" in columns:
        named = pc.fill_null(pc.utf8_trim_whitespace(columns["ticker"].cast(pa.string())), "")
        tickers = np.asarray(pc.replace_substring(pc.utf8_upper(named), "-", "."), dtype=np.str_)
    else:
        stem = path.stem.strip().upper().replace("-", ".")
        tickers = np.repeat(np.asarray([stem], dtype=np.str_), len(dates))
    return Columns(tickers, dates, numbers, ragged)


def _dates(column: pa.ChunkedArray) -> NDArray[np.datetime64]:
    """Return days; a moment counts for the day written in it, whatever its zone."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        local = pc.local_timestamp(column) if kind.tz else column
        return _days(local.cast(pa.timestamp("s"), safe=False))
    if pa.types.is_date(kind):
        return _days(column)
    text = pc.replace_substring(pc.utf8_trim_whitespace(column.cast(pa.string())), "/", "-")
    day = pc.struct_field(pc.extract_regex(text, r"^(?P<day>\d{4}-\d{2}-\d{2})(?:[T ].*)?$"), "day")
    packed = pc.extract_regex(text, r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})$")
    parts = [pc.struct_field(packed, name) for name in "ymd"]
    day = pc.coalesce(day, pc.binary_join_element_wise(*parts, "-"))
    moment = pc.strptime(day, "%Y-%m-%d", "s", error_is_null=True)
    real = pc.equal(
        moment.cast(pa.date32()).cast(pa.string()), day
    )  # it takes 30 February for 2 March
    return _days(pc.if_else(real, moment, None))


def _days(column: pa.ChunkedArray) -> NDArray[np.datetime64]:
    days: NDArray[np.datetime64] = column.to_numpy().astype("datetime64[D]")
    return days


def _numbers(column: pa.ChunkedArray, lone_comma_is_decimal: bool) -> NDArray[np.float64]:
    """Return floats: NaN where nothing stands, infinite where something else than a number does."""
    if not _is_text(column.type):
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    text = pc.utf8_trim_whitespace(column)
    missing = pc.or_kleene(
        pc.is_null(text), pc.is_in(pc.utf8_lower(text), value_set=pa.array(_MISSING))
    )
    decimal = _matches(text, _COMMA)
    if not lone_comma_is_decimal:
        decimal = pc.and_not(decimal, _matches(text, _LONE_COMMA))
    text = pc.if_else(
        decimal, _swapped(text), pc.if_else(_matches(text, _POINT), _joined(text), text)
    )
    number = pc.if_else(_matches(text, _PLAIN), text, None).cast(pa.float64())
    number = pc.if_else(missing, float("nan"), pc.fill_null(number, float("inf")))
    return np.asarray(number.to_numpy(), dtype=np.float64)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


_matches: Final[Callable[[Any, str], Any]] = pc.match_substring_regex


def _joined(text: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.replace_substring(text, ",", "")


def _swapped(text: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.replace_substring(pc.replace_substring(text, ".", ""), ",", ".")
