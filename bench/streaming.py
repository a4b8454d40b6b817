"""What the Spark jobs we compare with share: a session, the topic as a stream, a run to its end."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

from pyspark.sql import SparkSession

from wordstreet.stack import jars, java

__all__ = ["DRIVER_MEMORY", "JARS", "OFFSETS_PER_TRIGGER", "job", "land", "posts", "session"]

DRIVER_MEMORY: Final = "1g"
OFFSETS_PER_TRIGGER: Final = 100_000
JARS: Final = "spark-kafka-4.1.1"


def job(description: str) -> argparse.Namespace:
    """Return what a job is told: servers, topic, target, cores."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--servers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--target", required=True, type=Path, help="folder for data and checkpoint")
    parser.add_argument("--cores", type=int, default=2)
    return parser.parse_args()


def session(cores: int) -> Any:
    """Return a session like the one of our engine, where that does not set what it alone needs."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("JAVA_HOME", str(java.find().parent.parent))
    configuration = {
        "spark.jars": ",".join(map(str, jars.fetch(JARS))),
        "spark.driver.memory": DRIVER_MEMORY,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
    }
    builder = SparkSession.builder.master(f"local[{cores}]").appName("bench")
    for key, value in configuration.items():
        builder = builder.config(key, value)
    made = builder.getOrCreate()
    made.sparkContext.setLogLevel("ERROR")
    return made


def posts(spark: Any, given: argparse.Namespace) -> Any:
    """Return the records of the topic, from its beginning, as a stream."""
    return (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", given.servers)
        .option("subscribe", given.topic)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", OFFSETS_PER_TRIGGER)
        .load()
    )


def land(rows: Any, target: Path, by: str | None = None) -> None:
    """Write the rows to Parquet until the topic ends; print what Spark says of it as JSON."""
    writer = (
        rows.writeStream.format("parquet")
        .option("path", str(target / "data"))
        .option("checkpointLocation", str(target / "checkpoint"))
        .trigger(availableNow=True)
    )
    query = (writer.partitionBy(by) if by else writer).start()
    query.awaitTermination()
    done = [progress for progress in query.recentProgress if progress["numInputRows"]]
    told = {
        "rows": sum(progress["numInputRows"] for progress in done),
        "batches": len(done),
        "seconds": sum(progress["durationMs"]["triggerExecution"] for progress in done) / 1000,
    }
    print(json.dumps(told))
