"""Real posts and prices, where they are at hand: nothing lost, nothing doubled, no false evidence."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import wordstreet

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("WORDSTREET_STOCKNET", ROOT.parent / "shared" / "data" / "stocknet"))

pytestmark = pytest.mark.skipif(
    not DATA.exists(),
    reason="the StockNet data set is not here; set WORDSTREET_STOCKNET to a folder with tweets/ and prices/",
)


def answer(home: Path, *words: str) -> dict[str, Any]:
    """Run a command with the twelve companies and return its JSON object."""
    settings = ["--home", str(home), "--set", f"watchlist.path={ROOT / 'docs' / 'stocknet.toml'}"]
    command = [sys.executable, "-m", "wordstreet", *words, "--json", *settings]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=400)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A home in which `run` has collected and ingested all tweets, and what it answered."""
    home = tmp_path_factory.mktemp("stocknet")
    return home, answer(home, "run", "--source", "replay", "--path", str(DATA / "tweets"))


def test_the_real_road(road: tuple[Path, dict[str, Any]]) -> None:
    """40,165 tweets land once, are read as 36,646 posts, twice changes nothing, and prove nothing."""
    home, first = road
    again = answer(home, "run", "--source", "replay", "--path", str(DATA / "tweets"))
    audit = answer(home, "lake", "verify")
    count = "select count(*) n, count(distinct post_id) d from posts"
    read = answer(home, "lake", "query", count)["rows"]
    prices = answer(home, "prices", "import", str(DATA / "prices"))
    study = answer(home, "study")

    assert (first["received"], first["stored"], first["rejects"]) == (40_165, 40_165, 0)
    assert first["duplicates"] == 40_165 - 36_646
    assert (again["received"], again["stored"]) == (0, 0)
    assert (audit["ok"], audit["records"]) == (True, 40_165)
    assert read == [[36_646, 36_646]]
    assert (prices["tickers"], prices["rejected"]) == (12, 0)
    assert study["verdict"] in {"NO_EVIDENCE", "REACTION_ONLY"}
    assert all(test["p"] is not None for test in study["tests"])


def test_kafka_and_spark_give_the_same_rows(
    road: tuple[Path, dict[str, Any]], broker: str, topic: str, tmp_path: Path
) -> None:
    """Collected into a real broker and ingested by Spark, every post and score is what `run` gave."""
    home, _ = road
    kafka = ("log.kind=kafka", f"log.servers={broker}", f"log.topic={topic}")
    words = [word for setting in kafka for word in ("--set", setting)]
    answer(tmp_path, "log", "create", "--partitions", "4", *words)
    collected = answer(
        tmp_path, "collect", "--source", "replay", "--path", str(DATA / "tweets"), *words
    )
    ingested = answer(tmp_path, "ingest", "--engine", "spark", "--once", *words)
    audit = answer(tmp_path, "lake", "verify", *words)

    assert collected["received"] == 40_165
    assert (ingested["received"], ingested["stored"], ingested["rejects"]) == (40_165, 40_165, 0)
    assert (audit["ok"], audit["records"]) == (True, 40_165)
    for table, order in (("posts", ["post_id"]), ("mentions", ["post_id", "ticker"])):
        here, there = (rows(folder, table, order) for folder in (home, tmp_path))
        assert len(here) > 36_000
        assert here.equals(there), table


def rows(home: Path, table: str, order: list[str]) -> pa.Table:
    """Return what is read of a table, but for where and when it landed."""
    found = wordstreet.read(table, home=str(home))
    return found.drop(["log_id", "topic", "partition", "offset", "ingested_at"]).sort_by(
        [(name, "ascending") for name in order]
    )
