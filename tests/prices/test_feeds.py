"""Files of prices become one checked, adjusted table."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wordstreet import schema
from wordstreet.errors import InputError
from wordstreet.prices.feeds import Prices, Rejected, read_prices
from wordstreet.watchlist import Company, Watchlist

WATCHLIST = Watchlist((Company("ACME", "Acme"), Company("BRK.B", "Berkshire")))
LATER = datetime(2026, 3, 1, tzinfo=UTC)


def load(*paths: Path, at: datetime = LATER) -> Prices:
    """Read files as downloaded at some time."""
    return read_prices(paths, WATCHLIST, at)


def write(folder: Path, text: str, name: str = "ACME.csv") -> Path:
    """Write one file."""
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def changes(rows: pa.Table, column: str = "adj_close") -> list[float]:
    """Return the returns of one adjusted column."""
    values = rows[column].to_pylist()
    return [b / a - 1 for a, b in pairwise(values)]


def test_row_in_full(tmp_path: Path) -> None:
    """Every column of the table is filled from one row of a Yahoo file, open adjusted too."""
    text = "Date,Open,High,Low,Close,Adj Close,Volume\n2026-01-02,10,12,8,10,5,1000\n"
    found = load(write(tmp_path, text))

    assert found.rows.schema == schema.PRICES
    assert found.rejected == ()
    assert found.warnings == ()
    row = found.rows.to_pylist()[0]
    assert str(row.pop("session")) == "2026-01-02"
    assert row.pop("downloaded_at") == LATER
    assert row == {
        "ticker": "ACME",
        "exchange": "XNYS",
        "open": 10.0,
        "high": 12.0,
        "low": 8.0,
        "close": 10.0,
        "volume": 1000.0,
        "adj_open": 5.0,
        "adj_high": 6.0,
        "adj_low": 4.0,
        "adj_close": 5.0,
        "split": 1.0,
        "dividend": 0.0,
        "provider": "ACME.csv",
    }


def test_unknown_is_null(tmp_path: Path) -> None:
    """A file of closes has no opens and no volume; neither becomes zero."""
    row = load(write(tmp_path, "Date,Close\n2026-01-02,10\n")).rows.to_pylist()[0]

    assert (row["open"], row["adj_open"], row["volume"]) == (None, None, None)
    assert row["adj_close"] == 10.0


def test_bad_rows_are_set_aside_by_reason(tmp_path: Path) -> None:
    """Each kind of bad row is counted under its reason, and the good rows count."""
    text = """Date,Open,High,Low,Close
2026-01-02,10,12,9,11
soon,10,12,9,11
2026-01-05,,12,9,11
2026-01-06,10,12,9,zero
2026-01-07,10,12,9,0
2026-01-08,10,12,-9,11
2026-01-09,10,9,12,11
2026-01-10,10,12,9,11
2026-01-01,10,12,9,11
2026-01-12,10,12,9,11
2026-01-12,10,12,9,11
2026-01-12,10,12,9,11.5
2026-01-13,10,12
3026-01-13,10,12,9,11
"""
    found = load(write(tmp_path, text))

    assert [str(day) for day in found.rows["session"].to_pylist()] == ["2026-01-02", "2026-01-12"]
    assert found.rows["close"].to_pylist() == [11.0, 11.0]
    assert {part.reason: part.rows for part in found.rejected} == {
        "more or fewer cells than the first line": 1,
        "the day cannot be read, it must be written like 2026-01-31": 1,
        "a price is missing or is not a number": 2,
        "a price is not above zero": 2,
        "high is below low": 1,
        "no session of its exchange": 3,
        "the day was there before with other values": 1,
    }


def test_session_that_was_not_over_does_not_count(tmp_path: Path) -> None:
    """A price of a session that closes after the download is no daily price yet."""
    file = write(tmp_path, "Date,Close\n2026-01-02,10\n2026-01-05,11\n")
    found = load(file, at=datetime(2026, 1, 5, 20, 59, tzinfo=UTC))

    assert len(found.rows) == 1
    assert found.rejected == (Rejected("ACME.csv", "the session was not over at download", 1),)
    assert len(load(file, at=datetime(2026, 1, 5, 21, 0, tzinfo=UTC)).rows) == 2


def test_split_as_traded_does_not_move_returns(tmp_path: Path) -> None:
    """Prices that fall to a quarter on the day of a 4:1 split have not fallen."""
    text = "Date,Open,Close,Split\n2026-01-02,400,400,\n2026-01-05,101,100,4\n2026-01-06,100,102,\n"
    rows = load(write(tmp_path, text)).rows

    assert changes(rows) == pytest.approx([0.0, 0.02])
    assert changes(rows, "adj_open") == pytest.approx([0.01, -1 / 101])
    assert rows["close"].to_pylist() == [400.0, 100.0, 102.0]
    assert rows["split"].to_pylist() == [1.0, 4.0, 1.0]


def test_split_already_in_the_prices_is_not_applied_again(tmp_path: Path) -> None:
    """Yahoo's closes are split-adjusted and its split column says 4 all the same."""
    text = "Date,Close,Stock Splits\n2026-01-02,100,0.0\n2026-01-05,101,4.0\n2026-01-06,102,0.0\n"

    assert changes(load(write(tmp_path, text)).rows) == pytest.approx([0.01, 102 / 101 - 1])


def test_dividend_day_does_not_move_returns(tmp_path: Path) -> None:
    """A price that falls by the dividend has returned nothing, and people are told how we know."""
    text = "Date,Close,Dividends\n2026-01-02,50,0\n2026-01-05,49,1\n2026-01-06,49,0\n"
    found = load(write(tmp_path, text))

    assert changes(found.rows) == pytest.approx([0.0, 0.0])
    assert found.warnings[0].startswith("ACME.csv: adjusted by their dividends")


def test_adjusted_close_has_the_word(tmp_path: Path) -> None:
    """Where a file has adjusted closes, its dividends are recorded and not applied again."""
    text = "Date,Close,Adj Close,Dividends\n2026-01-02,50,49,0\n2026-01-05,49,49,1\n"
    rows = load(write(tmp_path, text)).rows

    assert changes(rows) == [0.0]
    assert rows["dividend"].to_pylist() == [0.0, 1.0]


def test_prices_without_any_adjustment_are_warned_about(tmp_path: Path) -> None:
    """With neither adjusted closes nor splits and dividends, people learn what that means."""
    found = load(write(tmp_path, "Date,Close\n2026-01-02,10\n"))

    assert found.warnings[0].startswith("ACME.csv: taken as they are, without adjusted close")


def test_unlisted_tickers_are_left_out_by_name(tmp_path: Path) -> None:
    """A folder with more companies than the watchlist is fine; the others are named."""
    write(tmp_path, "Date,Close\n2026-01-02,10\n", "acme.csv")
    write(tmp_path, "Date,Close\n2026-01-02,10\n", "EMCA.csv")
    write(tmp_path, "no prices here", "notes.txt")
    found = load(tmp_path)

    assert found.rows["ticker"].to_pylist() == ["ACME"]
    assert "EMCA (EMCA.csv): left out, not on the watchlist" in found.warnings


def test_one_file_may_hold_every_company(tmp_path: Path) -> None:
    """With a ticker column rows go where they belong; BRK-B and BRK.B are one."""
    text = "Ticker,Date,Close\nBRK-B,2026-01-05,7\nACME,2026-01-02,1\nBRK.B,2026-01-02,6\n"
    rows = load(write(tmp_path, text, "all.csv")).rows

    assert rows["ticker"].to_pylist() == ["ACME", "BRK.B", "BRK.B"]
    assert rows["close"].to_pylist() == [1.0, 6.0, 7.0]


def test_empty_column_is_no_column(tmp_path: Path) -> None:
    """Opens that are missing throughout are unknown; the closes beside them count."""
    rows = load(write(tmp_path, "Date,Open,Close\n2026-01-02,,10\n2026-01-05,,11\n")).rows

    assert rows["open"].to_pylist() == [None, None]
    assert rows["close"].to_pylist() == [10.0, 11.0]


def test_parquet_counts_like_csv(tmp_path: Path) -> None:
    """A table as we keep it ourselves can be imported again."""
    rows = load(write(tmp_path, "Date,Open,Close,Adj Close\n2026-01-02,10,10,5\n")).rows
    pq.write_table(rows, tmp_path / "saved.parquet")
    again = load(tmp_path / "saved.parquet").rows

    assert again.drop_columns("provider").equals(rows.drop_columns("provider"))


def test_first_of_several_files_has_the_word(tmp_path: Path) -> None:
    """Equal rows of a second file are passed over, contrary ones counted, new ones added."""
    one = write(tmp_path, "Date,Close\n2026-01-02,10\n2026-01-05,11\n")
    other = tmp_path / "more"
    other.mkdir()
    two = write(other, "Date,Close\n2026-01-02,10\n2026-01-05,99\n2026-01-06,12\n")
    found = load(one, two)

    assert found.rows["close"].to_pylist() == [10.0, 11.0, 12.0]
    assert [part.rows for part in found.rejected] == [1]


def test_one_unreadable_file_does_not_stop_the_others(tmp_path: Path) -> None:
    """A file that is no price file is left out with a warning that says what is wrong."""
    write(tmp_path, "Date,Close\n2026-01-02,10\n")
    write(tmp_path, "who,knows\n1,2\n", "BRK.B.csv")
    found = load(tmp_path)

    assert len(found.rows) == 1
    assert found.warnings[0].startswith("BRK.B.csv has no column session and no column close")


def test_nothing_usable_is_refused(tmp_path: Path) -> None:
    """When no row is left, the error says why."""
    with pytest.raises(InputError, match=r"1 rows of ACME\.csv: no session of its exchange"):
        load(write(tmp_path, "Date,Close\n2026-01-03,10\n"))


@pytest.mark.parametrize(
    ("name", "says"), [("gone.csv", "is not there"), ("ACME.txt", "is neither .csv nor .parquet")]
)
def test_wrong_paths_are_refused(tmp_path: Path, name: str, says: str) -> None:
    """A path that is not there, or no price file, is an error before anything is read."""
    write(tmp_path, "Date,Close\n2026-01-02,10\n", "ACME.txt")

    with pytest.raises(InputError, match=says):
        load(tmp_path / name)


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    """A folder without price files is no success."""
    with pytest.raises(InputError, match="no CSV or Parquet file is there"):
        load(tmp_path)


def test_unknown_exchange_is_refused(tmp_path: Path) -> None:
    """A company on an exchange without a calendar cannot be priced."""
    watchlist = Watchlist((Company("ACME", "Acme", exchange="XNYX"),))

    with pytest.raises(InputError, match="did you mean XNYS"):
        read_prices([write(tmp_path, "Date,Close\n2026-01-02,10\n")], watchlist, LATER)
