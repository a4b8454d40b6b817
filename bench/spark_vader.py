"""
What people write in Spark to have scores: json and vaderSentiment, row by row, in `mapInArrow`.

    python -m bench.spark_vader --servers HOST:PORT --topic posts --target FOLDER
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from bench import streaming

_COLUMNS = (
    "id string, created_at timestamp, text string, company string, word_count int, score double"
)
_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("created_at", pa.timestamp("us", "UTC")),
        pa.field("text", pa.string()),
        pa.field("company", pa.string()),
        pa.field("word_count", pa.int32()),
        pa.field("score", pa.float64()),
    ]
)


def main() -> None:
    """Land the topic and say how long it took."""
    given = streaming.job("json and vaderSentiment in mapInArrow")
    spark = streaming.session(given.cores)
    rows = streaming.posts(spark, given).select("value").mapInArrow(scored, _COLUMNS)
    streaming.land(rows, given.target)
    spark.stop()


def scored(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield a row for each record."""
    analyzer = SentimentIntensityAnalyzer()
    for batch in batches:
        rows = [_row(json.loads(value), analyzer) for value in batch["value"].to_pylist()]
        yield pa.RecordBatch.from_pylist(rows, schema=_SCHEMA)


def _row(line: dict[str, Any], analyzer: Any) -> dict[str, Any]:
    data, rules = line["data"], line["matching_rules"]
    text = data["text"]
    return {
        "id": data["id"],
        "created_at": datetime.fromisoformat(data["created_at"]),
        "text": text,
        "company": rules[0]["tag"] if rules else None,
        "word_count": len(text.split()),
        "score": analyzer.polarity_scores(text)["compound"],
    }


if __name__ == "__main__":
    main()
