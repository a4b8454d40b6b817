"""What people write first: json, regular expressions, vaderSentiment, one Parquet writer."""

import json
import re
import sys
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from wordstreet.watchlist import Watchlist

_ROWS = 10_000


def main(source: str, target: str) -> None:
    """Turn a file of stream lines into one Parquet file, a row a post."""
    analyzer = SentimentIntensityAnalyzer()
    owners = {}
    for company in Watchlist.load("us30"):
        for word in (f"${company.ticker}", company.name, *company.aliases):
            owners[word.lower()] = company.ticker
    longest_first = sorted(owners, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.I)
    writer, rows = None, []
    with open(source, encoding="utf-8") as file:
        for line in file:
            rows.append(_row(json.loads(line), pattern, owners, analyzer))
            if len(rows) == _ROWS:
                writer = _write(writer, rows, target)
                rows = []
    if rows:
        writer = _write(writer, rows, target)
    if writer:
        writer.close()


def _row(
    line: dict[str, Any], pattern: Any, owners: dict[str, str], analyzer: Any
) -> dict[str, Any]:
    data = line["data"]
    text = data["text"]
    return {
        "id": data["id"],
        "created_at": data["created_at"],
        "author_id": data["author_id"],
        "lang": data["lang"],
        "text": text,
        "cashtags": [tag["tag"] for tag in data["entities"]["cashtags"]],
        "word_count": len(text.split()),
        "companies": sorted({owners[hit.lower()] for hit in pattern.findall(text)}),
        "score": analyzer.polarity_scores(text)["compound"],
    }


def _write(writer: Any, rows: list[dict[str, Any]], target: str) -> Any:
    table = pa.Table.from_pylist(rows)
    writer = writer or pq.ParquetWriter(target, table.schema, compression="zstd")
    writer.write_table(table)
    return writer


if __name__ == "__main__":
    main(*sys.argv[1:])
