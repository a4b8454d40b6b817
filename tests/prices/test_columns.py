"""Price files as they come: names, separators, numbers and days of every kind."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wordstreet.errors import InputError
from wordstreet.prices.columns import Columns, read


def csv(folder: Path, content: str | bytes, name: str = "ACME.csv") -> Columns:
    """Write one file and read it."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path)


def test_yahoo_file(tmp_path: Path) -> None:
    """The export of Yahoo is read by its own column names."""
    found = csv(
        tmp_path,
        "Date,Open,High,Low,Close,Adj Close,Volume\n2026-01-02,10.0,12.5,9.5,11.0,10.5,1000\n",
    )

    assert found.tickers.tolist() == ["ACME"]
    assert found.dates.astype(str).tolist() == ["2026-01-02"]
    assert {name: values.tolist() for name, values in found.numbers.items()} == {
        "open": [10.0],
        "high": [12.5],
        "low": [9.5],
        "close": [11.0],
        "adj_close": [10.5],
        "volume": [1000.0],
    }


def test_columns_are_found_by_name_in_any_order_and_case(tmp_path: Path) -> None:
    """Order, case, spaces and punctuation of the header do not matter, other columns neither."""
    found = csv(
        tmp_path,
        "note,STOCK_SPLITS,adjusted close,Symbol,TIMESTAMP,Close,Dividends\n"
        "x,4.0,2.5,brk-b,2026-01-02 00:00:00-05:00,10,0.5\n",
    )

    assert found.tickers.tolist() == ["BRK.B"]
    assert found.dates.astype(str).tolist() == ["2026-01-02"]
    assert {name: values.tolist() for name, values in found.numbers.items()} == {
        "split": [4.0],
        "adj_close": [2.5],
        "close": [10.0],
        "dividend": [0.5],
    }


def test_bom_crlf_quotes_and_empty_lines(tmp_path: Path) -> None:
    """A file saved by a spreadsheet reads like any other."""
    found = csv(
        tmp_path, '\ufeff\r\nDate,"Close"\r\n\r\n"2026-01-02","11.5"\r\n\r\n2026-01-05,12\r\n'
    )

    assert found.dates.astype(str).tolist() == ["2026-01-02", "2026-01-05"]
    assert found.numbers["close"].tolist() == [11.5, 12.0]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1234.5", 1234.5),
        ('"1,234.5"', 1234.5),
        ('"1,234"', 1234.0),
        ('"1.234,5"', 1234.5),
        ('"94,25"', 94.25),
        ("1.5e3", 1500.0),
        (" 7 ", 7.0),
        ("-3", -3.0),
    ],
)
def test_numbers(tmp_path: Path, text: str, number: float) -> None:
    """Thousands may be parted, by comma or by point."""
    found = csv(tmp_path, f"Date,Close\n2026-01-02,{text}\n")

    assert found.numbers["close"].tolist() == [number]


def test_semicolons_mean_decimal_commas(tmp_path: Path) -> None:
    """Where cells are parted by semicolons, 1,234 is a bit more than one."""
    found = csv(tmp_path, "Date;Open;Close\n2026-01-02;1,234;1.234.567,5\n")

    assert found.numbers["open"].tolist() == [1.234]
    assert found.numbers["close"].tolist() == [1234567.5]


def test_missing_and_nonsense_are_told_apart(tmp_path: Path) -> None:
    """Nothing is NaN, what is no number is infinite, so that neither becomes a price."""
    found = csv(
        tmp_path,
        "Date,Open,Close\n2026-01-02,,null\n2026-01-05,N/A,-\n2026-01-06,4:1,12 EUR\n"
        "2026-01-07,1e400,0x10\n",
    )

    assert np.isnan(found.numbers["open"][:2]).all()
    assert np.isnan(found.numbers["close"][:2]).all()
    assert np.isinf(found.numbers["open"][2:]).all()
    assert np.isinf(found.numbers["close"][2:]).all()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-01-02", "2026-01-02"),
        ("2026/01/02", "2026-01-02"),
        ("20260102", "2026-01-02"),
        ("2026-01-02T00:00:00-05:00", "2026-01-02"),
        ("2026-01-02 16:00:00", "2026-01-02"),
        ("2026-02-30", "NaT"),
        ("01/02/2026", "NaT"),
        ("2026-01-0211", "NaT"),
        ("soon", "NaT"),
        ("", "NaT"),
    ],
)
def test_days(tmp_path: Path, text: str, day: str) -> None:
    """A day is the one written, whatever its zone; what could be two days is none."""
    found = csv(tmp_path, f"Date,Close\n{text},11\n")

    assert found.dates.astype(str).tolist() == [day]


def test_ragged_rows_are_counted(tmp_path: Path) -> None:
    """A row with a cell too many or too few is in no column, the others are."""
    found = csv(tmp_path, "Date,Close\n2026-01-02,11,extra\n2026-01-05\n2026-01-06,12\n")

    assert found.ragged == 2
    assert found.numbers["close"].tolist() == [12.0]


def test_other_columns_may_hold_anything(tmp_path: Path) -> None:
    """Bytes that are no text in a column nobody asked for do no harm."""
    found = csv(tmp_path, b"Date,Name,Close\n2026-01-02,Nestl\xe9,11\n")

    assert found.numbers["close"].tolist() == [11.0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "ACME.csv has no column session"),
        (b"\x00\xff\xfe\x00", "ACME.csv has no column session"),
        (b"Date,Price\n2026-01-02,11\n", "no column close; .* it has: Date, Price"),
        (b"Close\n11\n", "no column session"),
        (b"Date,Close\n" + b"9" * 3_000_000 + b",11\n", "cannot be read as csv"),
    ],
)
def test_unusable_files_say_why(tmp_path: Path, content: bytes, says: str) -> None:
    """A file without what we need, or that cannot be parsed, is refused by name."""
    with pytest.raises(InputError, match=says):
        csv(tmp_path, content)


def test_parquet_of_any_types(tmp_path: Path) -> None:
    """Days as timestamps with a zone, prices as decimals and texts: all are read."""
    table = pa.table(
        {
            "Date": pa.array([1_767_330_000], pa.timestamp("s", tz="America/New_York")),
            "Open": pa.array(["1,010.5"]),
            "Close": pa.array([Decimal("11.00")]),
            "ticker": pa.array(["acme"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "all.parquet")

    found = read(tmp_path / "all.parquet")

    assert found.tickers.tolist() == ["ACME"]
    assert found.dates.astype(str).tolist() == ["2026-01-02"]
    assert found.numbers["open"].tolist() == [1010.5]
    assert found.numbers["close"].tolist() == [11.0]


def test_parquet_in_name_only(tmp_path: Path) -> None:
    """A file that only claims to be Parquet is refused by name."""
    (tmp_path / "ACME.parquet").write_bytes(b"Date,Close\n2026-01-02,11\n")

    with pytest.raises(InputError, match=r"ACME.parquet cannot be read as parquet"):
        read(tmp_path / "ACME.parquet")
