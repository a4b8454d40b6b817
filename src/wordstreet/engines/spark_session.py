"""A Spark session as the engine needs it, on this machine or in the cluster that started us."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from wordstreet.errors import EngineError, SettingsError, StackError
from wordstreet.settings import Settings
from wordstreet.stack import jars, java

__all__ = ["alive", "started"]

_OURS: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "5000",
    "spark.sql.execution.arrow.maxBytesPerBatch": str(16 * 2**20),  # known from Spark 4 on
    "spark.sql.streaming.numRecentProgressUpdates": "100",
    "spark.sql.adaptive.enabled": "false",  # there is nothing to adapt in one narrow stage
    "spark.speculation": "false",  # a twin would only write files that nobody commits
    "spark.python.worker.reuse": "true",
    "spark.ui.showConsoleProgress": "false",  # we show our own
}
_HERE: Final = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}
"""For a Spark that lives within this process alone."""

logger = logging.getLogger(__name__)


@contextmanager
def started(settings: Settings) -> Iterator[Any]:
    """
    Yield a session: the one `spark-submit` has made, or a new one with `spark.master`.

    Raises `SettingsError` without the extra `spark`, `EngineError` when Spark does not start, and
    `StackError` where Java or the jars of the Kafka source cannot be had.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        message = "the Spark engine needs pyspark: pip install 'wordstreet[spark]'"
        raise SettingsError(message) from error
    builder = SparkSession.builder.appName("wordstreet")
    for key, value in _configuration(settings).items():
        builder = builder.config(key, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        message = f"Spark does not start with spark.master={settings.spark.master}: {first}"
        raise EngineError(message) from error
    # what Spark calls an error is a page of Java, and we tell it in our own words
    session.sparkContext.setLogLevel("ERROR" if logger.isEnabledFor(logging.DEBUG) else "FATAL")
    try:
        yield session
    finally:
        with suppress(Exception):  # it may have ended by itself
            session.stop()


def alive(session: Any) -> bool:
    """Tell whether Spark still is there to be asked."""
    try:
        return not session.sparkContext._jsc.sc().isStopped()
    except Exception:
        return False


def _configuration(settings: Settings) -> dict[str, str]:
    chosen = settings.spark
    if "PYSPARK_GATEWAY_PORT" in os.environ:  # spark-submit has decided where and with which jars
        return {**_OURS, **chosen.conf}
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("JAVA_HOME", str(java.find().parent.parent))
    found = {**_OURS, "spark.master": chosen.master, "spark.driver.memory": chosen.driver_memory}
    if chosen.master.startswith("local"):
        found |= _HERE
    if not {"spark.jars", "spark.jars.packages"} & set(chosen.conf):
        found["spark.jars"] = ",".join(map(str, [*_connector(), *_annotators(settings)]))
    return {**found, **chosen.conf}


def _connector() -> list[Path]:
    """Return the jars of the Kafka source for the Spark that is installed."""
    from pyspark import __version__

    name = f"spark-kafka-{__version__}"
    if not (jars.LOCKS / f"{name}.lock").is_file():
        message = (
            f"no jars of the Kafka source are pinned for pyspark {__version__}; take 4.1.1 or 3.5.7, "
            "or name your own with --set spark.conf.spark.jars.packages=…"
        )
        raise StackError(message)
    return jars.fetch(name)


def _annotators(settings: Settings) -> list[Path]:
    """Return the jars of Spark NLP, where it is installed and a pipeline may want them."""
    if not settings.score.scorer.startswith("spark:") or find_spec("sparknlp") is None:
        return []
    name = f"spark-nlp-{version('spark-nlp')}"
    return jars.fetch(name) if (jars.LOCKS / f"{name}.lock").is_file() else []
