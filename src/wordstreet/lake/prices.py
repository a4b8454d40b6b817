"""Prices land as they were downloaded; the same download lands once."""

import pyarrow as pa
from deltalake import write_deltalake

from wordstreet.lake.deletions import rewrite
from wordstreet.lake.tables import Lake
from wordstreet.lake.views import read
from wordstreet.schema import PRICES

__all__ = ["land"]


def land(lake: Lake, rows: pa.Table) -> int:
    """
    Append rows in the shape of `schema.PRICES` that say something new; return how many.

    A row whose every value but the time of download is what is read already adds nothing, so
    importing the same files again changes nothing, and a provider's correction is one new row.
    """
    told = [name for name in PRICES.names if name != "downloaded_at"]
    with lake.rewriting():
        known = set(map(_line, read(lake, "prices").select(told).to_pylist()))
        fresh = [_line(row) not in known for row in rows.select(told).to_pylist()]
        news = rows.filter(pa.array(fresh, pa.bool_()))
        if len(news):
            rewrite(lake, "prices", lambda h: write_deltalake(h, news, mode="append"))
    return len(news)


def _line(row: dict[str, object]) -> str:
    return repr(tuple(row.values()))
