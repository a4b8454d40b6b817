"""Ways to make log records and watchlists for the tests of the transform."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pytest

from wordstreet.schema import RECORDS
from wordstreet.transform.match import Matcher
from wordstreet.watchlist import Watchlist

OBSERVED = 1_700_000_000_000_000

WATCHLIST = """
[[company]]
ticker = "T"
name = "AT&T"
aliases = ["AT and T"]
handles = ["ATT"]
exclude = ["at&t park"]

[[company]]
ticker = "AAPL"
name = "Apple"
aliases = ["Apple Inc"]
handles = ["Apple"]
exclude = ["apple pie", "candy apple"]

[[company]]
ticker = "GOOGL"
name = "Alphabet"
aliases = ["Google", "GOOG"]

[[company]]
ticker = "BRK.B"
name = "Berkshire Hathaway"

[[company]]
ticker = "BAC"
name = "Bank of America"
exclude = ["bank of america stadium"]

[[company]]
ticker = "NESN"
name = "Nestlé"

[[company]]
ticker = "OR"
name = "L'Oréal"

[[company]]
ticker = "APLE"
name = "Apple Hospitality"

[[company]]
ticker = "TGT"
name = "Target"

[[company]]
ticker = "TM"
name = "Toyota"
aliases = ["トヨタ"]
"""


def make_records(
    values: Sequence[Any], event: str | None = "post", schema: str | None = "x.v2"
) -> pa.RecordBatch:
    """Return a batch of log records; what is neither bytes nor null is written as JSON."""
    raw = [v if v is None or isinstance(v, bytes) else json.dumps(v).encode() for v in values]
    count = len(raw)
    columns = {
        "key": [f"x:{place}" for place in range(count)],
        "value": raw,
        "source": ["x"] * count,
        "event": [event] * count,
        "observed_at": [OBSERVED] * count,
        "origin": ["stream"] * count,
        "schema": [schema] * count,
        "log_id": ["log"] * count,
        "topic": ["posts"] * count,
        "partition": [3] * count,
        "offset": [100 + place for place in range(count)],
    }
    return pa.RecordBatch.from_pydict(columns, schema=RECORDS)


@pytest.fixture(scope="session")
def records() -> Callable[..., pa.RecordBatch]:
    """Give `make_records`."""
    return make_records


@pytest.fixture(scope="session")
def watchlist() -> Watchlist:
    """Ten companies whose names, tickers and phrases get into each other's way."""
    return Watchlist.parse(WATCHLIST, "test")


@pytest.fixture(scope="session")
def matcher(watchlist: Watchlist) -> Matcher:
    """Match the ten companies."""
    return Matcher(watchlist)
