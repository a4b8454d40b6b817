"""
Train a small opinion pipeline from labelled texts and save it for the Spark engine.

The pipeline reads the column `text` and writes the column `score`: with Spark NLP a list with one
label, with `--sparkml` a number in [-1, 1]. Any other saved pipeline of that convention will do.
"""

import argparse
import csv
import importlib.util
import random
import sys
import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from wordstreet.errors import StackError
from wordstreet.stack import jars, java
from wordstreet.transform.score.labels import opinions

JARS: Final = "spark-nlp-5.5.3"
HELD_OUT: Final = 0.2
CLASSES: Final = ("negative", "positive")
_EXAMPLES: Final = """examples:
  .venv-spark35/bin/python deploy/spark/train_nlp.py posts.csv model/
  python deploy/spark/train_nlp.py posts.csv model/ --sparkml --labels 0=negative,1=positive
"""

_CONF: Final = {
    "spark.driver.memory": "2g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}

_WORD: Final = r"[\p{L}\p{N}$]+"

# Spark's tokenizers fail on null.
_NO_NULLS: Final = "SELECT *, coalesce(text, '') AS said FROM __THIS__"

# SQL of neither 3.5 nor 4.1 looks into a vector, except by way of JSON.
_ONE_NUMBER: Final = """
SELECT *, 2 * double(get_json_object(to_json(struct(probability)), '$.probability.values[1]')) - 1
    AS score FROM __THIS__
"""

Example = tuple[str, str]
"""A text and one of `CLASSES`."""


def main() -> int:
    """Train, save, measure on what was held out; return the exit code."""
    given = _arguments()
    try:
        _train(given)
    except (OSError, ValueError, csv.Error, StackError) as error:
        sys.stderr.write(f"train_nlp: {error}\n")
        return 2
    return 0


def _train(given: argparse.Namespace) -> None:
    if given.model.exists():
        message = f"{given.model} exists already; name a new folder"
        raise ValueError(message)
    train, test = split(read(given.csv, given.text, given.label, given.labels), given.seed)
    if len({label for _, label in train}) < len(CLASSES) or not test:
        message = f"{given.csv} needs texts of both classes, and enough to hold some out"
        raise ValueError(message)
    if not given.sparkml and importlib.util.find_spec("sparknlp") is None:
        message = (
            "there is no Spark NLP in this environment; `make spark35` makes one, or --sparkml"
        )
        raise ValueError(message)
    java.find()
    spark = _session(nlp=not given.sparkml)
    try:
        stages = _sparkml() if given.sparkml else _spark_nlp()
        started = time.monotonic()
        answers = _fit(spark, stages, train, test, f"file://{given.model.absolute()}")
        seconds = time.monotonic() - started
    finally:
        spark.stop()
    _report(given.seed, len(train), [label == "positive" for _, label in test], answers)
    _say(f"trained, saved, loaded and applied in {seconds:.1f} s: {given.model}")


def _report(seed: int, learned: int, truth: Sequence[bool], answers: list[Any]) -> None:
    """Say how right the saved pipeline is; no opinion counts as wrong."""
    count = len(truth)
    scores = [score or 0.0 for score in opinions(pa.array(answers)).to_pylist()]
    right = sum(s > 0 if good else s < 0 for s, good in zip(scores, truth, strict=True))
    larger = max(sum(truth), count - sum(truth))
    _say(f"{learned:,} texts to learn from, {count:,} held out with seed {seed}")
    _say(f"accuracy {right / count:.3f} (always the larger class: {larger / count:.3f})")
    _say(f"AUC {auc(scores, truth):.3f}, no opinion on {scores.count(0.0) / count:.1%}")


def read(path: Path, text: str, label: str, labels: dict[str, str]) -> list[Example]:
    """Return the distinct texts whose label is one we know, in the file's order."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file)
        missing = {text, label}.difference(table.fieldnames or ())
        if missing:
            message = f"{path} has no column {', '.join(sorted(missing))}"
            raise ValueError(message)
        rows = [((row[text] or "").strip(), labels.get(row[label] or "")) for row in table]
    return list({said: (said, meant) for said, meant in rows if said and meant}.values())


def split(examples: Sequence[Example], seed: int) -> tuple[list[Example], list[Example]]:
    """Return what to learn from and what to hold out, shuffled by the seed."""
    shuffled = random.Random(seed).sample(examples, len(examples))
    held = round(len(shuffled) * HELD_OUT)
    return shuffled[held:], shuffled[:held]


def auc(scores: Sequence[float], truth: Sequence[bool]) -> float:
    """Return how often a positive text scores above a negative one; a draw counts half."""
    good = [score for score, is_good in zip(scores, truth, strict=True) if is_good]
    bad = sorted(score for score, is_good in zip(scores, truth, strict=True) if not is_good)
    wins = sum(bisect_left(bad, score) + bisect_right(bad, score) for score in good) / 2
    return wins / (len(good) * len(bad)) if good and bad else float("nan")


def _fit(
    spark: Any, stages: list[Any], train: list[Example], test: list[Example], model: str
) -> list[Any]:
    """Save the trained pipeline; return what the saved one says of the texts held out."""
    from pyspark.ml import Pipeline, PipelineModel

    rows = [(text, label, float(CLASSES.index(label))) for text, label in train]
    table = spark.createDataFrame(rows, "text string, label string, target double")
    Pipeline(stages=stages).fit(table).save(model)
    texts = spark.createDataFrame([(text,) for text, _ in test], "text string")
    answers = PipelineModel.load(model).transform(texts).select("score").collect()
    return [answer.score for answer in answers]


def _spark_nlp() -> list[Any]:
    """Return the stages of Spark NLP: words, and how often they stood in texts of either class."""
    from sparknlp.annotator import Normalizer, Tokenizer, ViveknSentimentApproach
    from sparknlp.base import DocumentAssembler, Finisher

    opinion = ViveknSentimentApproach().setInputCols(["document", "normal"])
    return [
        DocumentAssembler().setInputCol("text").setOutputCol("document"),
        Tokenizer().setInputCols(["document"]).setOutputCol("token"),
        Normalizer().setInputCols(["token"]).setOutputCol("normal").setLowercase(True),
        opinion.setOutputCol("opinion").setSentimentCol("label").setPruneCorpus(0),
        Finisher().setInputCols(["opinion"]).setOutputCols(["score"]),
    ]


def _sparkml() -> list[Any]:
    """Return stages that need nothing beyond Spark: hashed words and a logistic regression."""
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import IDF, HashingTF, RegexTokenizer, SQLTransformer

    return [
        SQLTransformer(statement=_NO_NULLS),
        RegexTokenizer(inputCol="said", outputCol="words", pattern=_WORD, gaps=False),
        HashingTF(inputCol="words", outputCol="counts", numFeatures=1 << 16),
        IDF(inputCol="counts", outputCol="features"),
        LogisticRegression(labelCol="target", regParam=0.01),
        SQLTransformer(statement=_ONE_NUMBER),
    ]


def _session(*, nlp: bool) -> Any:
    from pyspark.sql import SparkSession

    conf = dict(_CONF)
    if nlp:
        paths = jars.fetch(JARS, say=_say)
        conf["spark.driver.extraClassPath"] = ":".join(map(str, paths))
    builder = SparkSession.builder.master("local[2]").appName("wordstreet-train")
    return builder.config(map=conf).getOrCreate()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Train a small opinion pipeline for the Spark engine from labelled texts.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "csv", type=Path, help="file with a header, a column of texts, one of labels"
    )
    parser.add_argument("model", type=Path, help="folder to save the pipeline in; must not exist")
    parser.add_argument("--text", default="text", metavar="COLUMN", help="default: text")
    parser.add_argument("--label", default="label", metavar="COLUMN", help="default: label")
    parser.add_argument(
        "--labels",
        type=_labels,
        default={name: name for name in CLASSES},
        metavar="0=negative,1=positive",
        help="what the labels mean; texts with another label are left out",
    )
    parser.add_argument(
        "--sparkml", action="store_true", help="without Spark NLP, on any Spark line"
    )
    parser.add_argument("--seed", type=int, default=7, help="of the texts held out; default: 7")
    return parser.parse_args()


def _labels(text: str) -> dict[str, str]:
    pairs = [pair.strip().partition("=") for pair in text.split(",")]
    if any(meant not in CLASSES for _, _, meant in pairs):
        message = f"expected LABEL=negative or LABEL=positive, separated by commas, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return {label: meant for label, _, meant in pairs}


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
