"""Real posts and prices, where they are at hand: nothing lost, nothing doubled, no false evidence."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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


def test_the_real_road(tmp_path: Path) -> None:
    """40,165 tweets land once, are read as 36,646 posts, twice changes nothing, and prove nothing."""
    road = ("run", "--source", "replay", "--path", str(DATA / "tweets"))
    first = answer(tmp_path, *road)
    again = answer(tmp_path, *road)
    audit = answer(tmp_path, "lake", "verify")
    count = "select count(*) n, count(distinct post_id) d from posts"
    read = answer(tmp_path, "lake", "query", count)["rows"]
    prices = answer(tmp_path, "prices", "import", str(DATA / "prices"))
    study = answer(tmp_path, "study")

    assert (first["received"], first["stored"], first["rejects"]) == (40_165, 40_165, 0)
    assert first["duplicates"] == 40_165 - 36_646
    assert (again["received"], again["stored"]) == (0, 0)
    assert (audit["ok"], audit["records"]) == (True, 40_165)
    assert read == [[36_646, 36_646]]
    assert (prices["tickers"], prices["rejected"]) == (12, 0)
    assert study["verdict"] in {"NO_EVIDENCE", "REACTION_ONLY"}
    assert all(test["p"] is not None for test in study["tests"])
