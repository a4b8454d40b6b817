"""The table of commands is a promise: each runs, each `--json` has its keys, each exit code happens."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.brokers import need_kafka

ROAD = {"source", "received", "stored", "duplicates", "rejects", "gaps", "seconds"}
STUDY = {"verdict", "sentence", "run_id", "report", "companies", "sessions", "posts", "reaction"}
STUDY |= {"tests", "min_detectable_ic", "warnings"}
TEST = {"factor", "horizon", "ic", "t", "p", "q", "shift_p", "ci"}
CHECK = {"name", "ok", "hint"}


def call(
    *words: str, home: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    place = ["--home", str(home)] if home else []
    return subprocess.run(
        [sys.executable, "-m", "wordstreet", *words, *place],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, **environment},
    )


def answer(*words: str, home: Path | None = None, code: int = 0) -> dict[str, Any]:
    """Run the command with --json; its stdout must be one object and nothing else."""
    done = call(*words, "--json", home=home)
    assert done.returncode == code, done.stderr
    assert done.stdout.count("\n") == 1
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home in which a small world has been run, apart from the demo's own folder."""
    folder = tmp_path_factory.mktemp("cli")
    found = answer("demo", "--world", "null", "--seed", "1", home=folder)
    assert {"simulated", "world", "verdict", "run_id", "report", "posts"} <= set(found)
    return Path(found["report"]).parents[2]


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten stream lines about Tesla, one of them broken."""
    path = tmp_path_factory.mktemp("posts") / "posts.jsonl"
    lines = [
        json.dumps(
            {
                "data": {
                    "id": str(n),
                    "author_id": "1",
                    "created_at": "2026-11-02T15:00:00.000Z",
                    "text": f"Tesla number {n}",
                }
            }
        )
        for n in range(9)
    ]
    path.write_text("\n".join([*lines, "{broken"]) + "\n")
    return path


def test_run_counts_what_it_did(tmp_path: Path, posts: Path) -> None:
    """`run` ends by itself, and a second time there is nothing left to do."""
    road = ("run", "--source", "replay", "--path", str(posts), "--set", "watchlist.path=seed")
    first, second = answer(*road, home=tmp_path), answer(*road, home=tmp_path)

    assert set(first) >= ROAD
    assert (first["received"], first["stored"], first["rejects"], first["duplicates"]) == (
        10,
        9,
        1,
        0,
    )
    assert (second["received"], second["stored"], second["duplicates"]) == (0, 0, 0)


def test_collect_and_ingest_are_the_two_halves(tmp_path: Path, posts: Path) -> None:
    """What `collect` stores on the log `ingest --once` lands, and `run` would have done the same."""
    collected = answer("collect", "--source", "replay", "--path", str(posts), home=tmp_path)
    ingested = answer("ingest", "--engine", "embedded", "--once", home=tmp_path)

    assert set(collected) >= ROAD
    assert set(ingested) >= ROAD
    assert (collected["received"], collected["stored"]) == (10, 10)
    assert (ingested["received"], ingested["stored"], ingested["rejects"]) == (10, 9, 1)


def test_stack_and_log_commands_speak_of_a_real_broker(tmp_path: Path, posts: Path) -> None:
    """A broker comes up, a topic is made in it, filled, looked at, and the broker goes again."""
    need_kafka()
    up = answer("stack", "up", home=tmp_path)
    try:
        kafka = ("--set", "log.kind=kafka", "--set", f"log.servers={up['servers']}")
        made = answer("log", "create", "--partitions", "2", *kafka, home=tmp_path)
        again = answer("log", "create", *kafka, home=tmp_path)
        refused = call("log", "create", "--partitions", "1", *kafka, home=tmp_path)
        collected = answer("collect", "--path", str(posts), *kafka, home=tmp_path)
        before = answer("log", "info", *kafka, home=tmp_path)
        ingested = answer("ingest", "--once", *kafka, home=tmp_path)
        after = answer("log", "info", *kafka, home=tmp_path)
        doctor = answer("doctor", *kafka, home=tmp_path)
        running = answer("stack", "status", home=tmp_path)
    finally:
        down = answer("stack", "down", home=tmp_path)

    assert set(up) >= {"servers", "pids", "logs"}
    assert running["pids"] == up["pids"] == down["ended"]
    assert all(Path(path).exists() for path in up["logs"])
    assert (made["created"], made["partitions"], made["replication"]) == (True, 2, 1)
    assert (again["created"], again["changed"], again["id"]) == (False, [], made["id"])
    assert refused.returncode == 2
    assert "cannot shrink" in refused.stderr
    assert set(collected) >= ROAD
    assert (collected["received"], ingested["stored"], ingested["rejects"]) == (10, 9, 1)
    assert (before["lag"], before["spooled"], after["lag"]) == (10, 0, 0)
    assert all(check["ok"] for check in doctor["checks"])


def test_study_answers_with_every_figure(home: Path) -> None:
    """`study` gives the verdict, the family with its figures and the page."""
    watchlist = home / "world" / "watchlist.toml"
    found = answer("study", "--set", f"watchlist.path={watchlist}", home=home)

    assert set(found) >= STUDY
    assert set(found["reaction"]) >= {"ic", "t", "p"}
    assert all(set(test) >= TEST for test in found["tests"])
    assert len(found["tests"]) == 4
    assert Path(found["report"]).exists()


def test_the_same_study_has_the_same_run_id_and_bytes(home: Path) -> None:
    """Data, settings and code decide the run id; the page is rebuilt bit for bit."""
    watchlist = home / "world" / "watchlist.toml"
    words = ("study", "--set", f"watchlist.path={watchlist}")
    first = answer(*words, home=home)
    page = Path(first["report"]).read_bytes()
    again = answer(*words, home=home)
    other = answer(*words, "--set", "study.min_posts=4", home=home)

    assert (again["run_id"], Path(again["report"]).read_bytes()) == (first["run_id"], page)
    assert other["run_id"] != first["run_id"]


def test_lake_info_names_tables_and_positions(home: Path) -> None:
    """Every table has rows, files, bytes and version."""
    found = answer("lake", "info", home=home)

    assert set(found) >= {"tables", "positions"}
    assert all(
        set(table) >= {"rows", "files", "bytes", "version"} for table in found["tables"].values()
    )
    assert {"posts", "mentions", "rejects", "deletions", "gaps", "prices"} <= set(found["tables"])


def test_lake_verify_counts(home: Path) -> None:
    """A whole lake is ok and the command ends with 0."""
    found = answer("lake", "verify", home=home)

    assert set(found) >= {"ok", "records", "lost", "twice", "orphans", "missing_files"}
    assert found["ok"] is True
    assert found["records"] > 10_000


def test_lake_verify_fails_on_damage(tmp_path: Path, posts: Path) -> None:
    """A missing file is found, named in the counts, and the command ends with 1."""
    answer("run", "--path", str(posts), "--set", "watchlist.path=seed", home=tmp_path)
    next((tmp_path / "lake" / "posts").rglob("*.parquet")).unlink()
    found = answer("lake", "verify", home=tmp_path, code=1)

    assert found["ok"] is False
    assert found["missing_files"] == 1


def test_lake_maintenance_runs(tmp_path: Path, posts: Path) -> None:
    """compact, delete, vacuum and query each answer with one object."""
    answer("run", "--path", str(posts), "--set", "watchlist.path=seed", home=tmp_path)

    assert answer("lake", "compact", home=tmp_path) == {"replaced": {}}
    assert answer("lake", "delete", "--post", "3", home=tmp_path)["blanked"] == 1
    assert answer("lake", "vacuum", "--retention-hours", "0", home=tmp_path)["removed"] >= 1
    found = answer("lake", "query", "select count(*) n from posts", home=tmp_path)
    assert found == {"columns": ["n"], "rows": [[8]]}
    assert "number 3" not in str(
        answer("lake", "query", "select text from posts_landed", home=tmp_path)
    )


def test_prices_import_counts(home: Path) -> None:
    """Importing the same prices again changes nothing."""
    watchlist = f"watchlist.path={home / 'world' / 'watchlist.toml'}"
    before = answer("lake", "info", home=home)["tables"]["prices"]["rows"]
    found = answer(
        "prices", "import", str(home / "world" / "prices"), "--set", watchlist, home=home
    )

    assert set(found) >= {"tickers", "sessions", "rejected"}
    assert found["tickers"] >= 15
    assert answer("lake", "info", home=home)["tables"]["prices"]["rows"] == before


def test_match_explains(tmp_path: Path) -> None:
    """Why a post counts for a company, refused evidence too."""
    found = answer(
        "match",
        "--explain",
        "Tesla rises, says a fan of Nikola Tesla",
        "--set",
        "watchlist.path=seed",
    )

    assert {piece["ticker"] for piece in found["evidence"]} == {"TSLA"}
    assert [bool(piece["refused"]) for piece in found["evidence"]] == [False, True]


def test_score_scores() -> None:
    """Opinion from -1 to 1, one for each text."""
    found = answer("score", "great, wonderful news", "a terrible disaster")

    assert found["scores"][0]["score"] > 0 > found["scores"][1]["score"]


def test_settings_tell_where_values_come_from(tmp_path: Path) -> None:
    """File, environment and --set are named, the last one wins."""
    config = tmp_path / "w.toml"
    config.write_text('[log]\ntopic = "fromfile"\n[ingest]\nbatch_rows = 7\n')
    done = call(
        "settings",
        "--json",
        "--config",
        str(config),
        "--set",
        "log.topic=fromset",
        WORDSTREET_STUDY__MIN_POSTS="9",
    )
    found = json.loads(done.stdout)["settings"]

    assert found["log.topic"] == {"value": "fromset", "origin": "--set"}
    assert found["ingest.batch_rows"] == {"value": "7", "origin": str(config)}
    assert found["study.min_posts"] == {"value": "9", "origin": "WORDSTREET_STUDY__MIN_POSTS"}


def test_doctor_checks(tmp_path: Path) -> None:
    """Every check has a name, an answer and a hint; here all is well."""
    found = answer("doctor", home=tmp_path)

    assert all(set(check) == CHECK for check in found["checks"])
    assert all(check["ok"] for check in found["checks"])


def test_doctor_fails_on_a_bad_watchlist(tmp_path: Path) -> None:
    """One thing amiss is said with what to do, and the command ends with 1."""
    found = answer("doctor", "--set", "watchlist.path=nowhere.toml", home=tmp_path, code=1)

    bad = [check for check in found["checks"] if not check["ok"]]
    assert "watchlist" in {check["name"] for check in bad}
    assert "nowhere.toml" in bad[0]["hint"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nonsense"], "invalid choice"),
        (["demo", "--seed", "-3"], "a seed is a whole number"),
        (["run", "--source", "replay"], "--path"),
        (["run", "--path", "no/such/file"], "no/such/file"),
        (["run", "--path", ".", "--set", "log.topc=x"], "did you mean log.topic?"),
        (["settings", "--set", "log.topic"], "section.key=value"),
        (["settings", "--config", "no.toml"], "no.toml"),
        (["settings", "--set", "ingest.batch_rows=many"], "whole number"),
        (["study", "--set", "watchlist.path=no.toml"], "no.toml"),
        (["study"], "collect some first"),
        (["prices", "import", "no/such.csv"], "no/such.csv"),
        (["lake", "query", "select from"], "query failed"),
        (["lake", "query", "copy (select 1) to 'x.csv'"], "a query reads"),
        (["lake", "query", "drop view posts"], "a query reads"),
        (["lake", "delete", "--post", ""], "must not be empty"),
        (["run", "--path", ""], "--path"),
        (["run", "--path", "/"], "holds the home"),
        (["score", b"\xff"], "not valid text"),
        (["settings", "--set", "lake.uri=s3://"], "s3://bucket/prefix"),
        (["lake", "delete", "--post", "1"], "--source"),
        (["lake", "vacuum", "--retention-hours", "-1"], "0 or more"),
        (["score", "x", "--set", "score.scorer=oracle"], "vader"),
        (["score", "x", "--set", "score.scorer=spark:m"], "ingest --engine spark"),
        (["settings", "--set", "log.kind=rabbit"], "embedded or kafka"),
        (["ingest", "--engine", "spark"], "log.kind=kafka"),
        (["log", "create"], "log.kind=kafka"),
        (["log", "create", "--partitions", "0"], "from 1 on"),
        (["stack", "up", "--brokers", "2"], "invalid choice"),
        ([], "usage"),
    ],
)
def test_refused_input_ends_with_two(words: list[str], says: str, tmp_path: Path) -> None:
    """What the user gave is named on stderr with what to do; stdout stays empty; no traceback."""
    done = call(*words, home=tmp_path) if words else call()

    assert done.returncode == 2
    assert says in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_every_command_has_help_with_an_example() -> None:
    """`--help` shows how the command is used."""
    plain = ["demo", "run", "collect", "ingest", "study", "match", "score", "settings", "doctor"]
    lake = [["lake", verb] for verb in ("info", "verify", "compact", "vacuum", "delete", "query")]
    for words in ([word] for word in plain):
        assert "example:\n  wordstreet" in call(*words, "--help").stdout
    log = [["log", verb] for verb in ("create", "info")]
    stack = [["stack", verb] for verb in ("up", "down", "status")]
    for words in [*lake, *log, *stack, ["prices", "import"]]:
        assert "example:\n  wordstreet" in call(*words, "--help").stdout


def test_sigterm_finishes_the_batch_in_hand(tmp_path: Path) -> None:
    """An endless ingest that is asked to stop ends with 0 and one object on stdout."""
    engine = subprocess.Popen(
        [sys.executable, "-m", "wordstreet", "ingest", "--json", "--home", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "log" / "log.sqlite").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)
    engine.send_signal(signal.SIGTERM)
    out, _ = engine.communicate(timeout=60)

    assert engine.returncode == 0
    assert set(json.loads(out)) >= ROAD


def test_two_engines_on_one_home_are_one_too_many(tmp_path: Path) -> None:
    """The second is refused with the number of the first process and ends with 1."""
    first = subprocess.Popen(
        [sys.executable, "-m", "wordstreet", "ingest", "--home", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "log" / ".engine.lock").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)
    second = call("ingest", "--once", home=tmp_path)
    first.terminate()
    first.wait()

    assert second.returncode == 1
    assert f"another engine (process {first.pid})" in second.stderr


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    """Only with --debug is a traceback shown."""
    done = call("study", "--set", "watchlist.path=no.toml", "--debug", home=tmp_path)

    assert done.returncode == 2
    assert "Traceback" in done.stderr
