"""The other Spark line, in an environment of its own: the same rows, and opinion by Spark NLP."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.engines.test_train_nlp import SPARK35, train, write

import wordstreet
from wordstreet.engines.collect import open_log
from wordstreet.engines.topic import create
from wordstreet.schema import Envelope
from wordstreet.settings import Settings, load

COUNT = 400


@pytest.fixture
def settings(broker: str, topic: str, tmp_path: Path) -> Settings:
    """A home whose topic holds posts, one of them broken, about two companies or none."""
    if not SPARK35.exists():
        pytest.skip("Spark 3.5 was NOT tried: no .venv-spark35 here; `make spark35` makes it")
    words = ["log.kind=kafka", f"log.servers={broker}", f"log.topic={topic}", "log.partitions=2"]
    chosen = load(str(tmp_path / "home"), assignments=[*words, "watchlist.path=seed"])
    create(chosen)
    log = open_log(chosen)
    log.append([envelope(n) for n in range(COUNT)], "x", {})
    log.close()
    return chosen


def envelope(n: int) -> Envelope:
    """Return the nth post; every third names Tesla, every hundredth is cut off."""
    text = ("Tesla is wonderful", "a terrible day for Walmart", "nothing to see")[n % 3]
    value = json.dumps({"data": {"id": str(n), "author_id": "1", "text": f"{text} {n}"}}).encode()
    return Envelope(
        f"x:{n}", value[: 20 if n % 100 == 99 else None], "x", "post", 1_700_000_000_000_000 + n,
        "stream", "x.v2",
    )  # fmt: skip


def ingest(settings: Settings, *words: str) -> dict[str, Any]:
    """Run the Spark engine of the other line over the topic, and return its JSON object."""
    chosen = {
        "WORDSTREET_HOME": str(settings.home),
        "WORDSTREET_LOG__KIND": "kafka",
        "WORDSTREET_LOG__SERVERS": settings.log.servers,
        "WORDSTREET_LOG__TOPIC": settings.log.topic,
        "WORDSTREET_WATCHLIST__PATH": "seed",
        "WORDSTREET_SPARK__DRIVER_MEMORY": "2g",
    }
    command = [SPARK35, "-m", "wordstreet", "ingest", "--engine", "spark", "--once", "--json"]
    done = subprocess.run(
        [*map(str, command), *words],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **chosen},
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_both_lines_of_spark_share_a_lake(settings: Settings) -> None:
    """Spark 3.5 ingests what 4.1 would, and a pipeline of Spark NLP scores as the Scorer of a batch."""
    model = settings.home.parent / "model"
    trained = train(SPARK35, write(settings.home.parent / "posts.csv"), model)
    assert trained.returncode == 0, trained.stderr
    plain = ingest(settings)
    scored = ingest(
        settings,
        "--set", f"score.scorer=spark:{model}",
        "--set", f"lake.uri={settings.home / 'scored'}",
    )  # fmt: skip
    mentions = wordstreet.read("mentions", home=str(settings.home))
    opinions = _opinions(settings.home / "scored")

    assert (plain["received"], plain["stored"], plain["rejects"]) == (COUNT, COUNT - 4, 4)
    assert plain["spark"]["version"].startswith("3.5.")
    assert set(mentions["scorer"].to_pylist()) == {"vader"}
    assert (scored["stored"], scored["mentions"]) == (plain["stored"], plain["mentions"])
    assert {scorer for scorer, _, _ in opinions} == {"spark:model"}
    assert {score for _, _, score in opinions} <= {-1.0, 0.0, 1.0}
    assert _mean(opinions, "TSLA") > _mean(opinions, "WMT")


def _opinions(lake: Path) -> list[tuple[str, str, float]]:
    from wordstreet.lake.tables import Lake
    from wordstreet.lake.views import read

    rows = read(Lake(str(lake)), "mentions").to_pylist()
    return [(row["scorer"], row["ticker"], row["score"]) for row in rows]


def _mean(opinions: list[tuple[str, str, float]], ticker: str) -> float:
    scores = [score for _, name, score in opinions if name == ticker]
    return sum(scores) / len(scores)
