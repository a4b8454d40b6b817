"""
The streaming job of the project wordstreet began as, as it is described: no scores, no matching.

    python -m bench.original_job --servers HOST:PORT --topic posts --target FOLDER

Kafka → from_json → id, created_at, text, company, word_count → Parquet, a folder for each company.
"""

from pyspark.sql import functions as F  # noqa: N812 - everybody calls it so

from bench import streaming

_POST = (
    "data struct<id string, created_at timestamp, text string>,"
    " matching_rules array<struct<tag string>>"
)


def main() -> None:
    """Land the topic and say how long it took."""
    given = streaming.job("the original streaming job")
    spark = streaming.session(given.cores)
    post = F.from_json(F.col("value").cast("string"), _POST)
    rows = (
        streaming.posts(spark, given)
        .select(post.alias("post"))
        .select(
            "post.data.id",
            "post.data.created_at",
            "post.data.text",
            F.get("post.matching_rules", F.lit(0))["tag"].alias("company"),
            F.size(F.split("post.data.text", " ")).alias("word_count"),
        )
    )
    streaming.land(rows, given.target, by="company")
    spark.stop()


if __name__ == "__main__":
    main()
