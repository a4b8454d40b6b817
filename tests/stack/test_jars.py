"""Jars: checksums hold at every use, and nothing wrong gets into the cache."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wordstreet.errors import StackError
from wordstreet.stack import jars

SMALL = "org.slf4j:slf4j-simple:1.7.36"
SUM = "2f39bed943d624dfa8f4102d0571283a10870b6aa36f197a8a506f147010c10f"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and a lock called `small` with one jar; the folder of that jar."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_lock(tmp_path, SUM)
    return tmp_path / "cache" / "wordstreet" / "jars" / "small"


def write_lock(folder: Path, checksum: str) -> None:
    """Write a lock of one small jar with a checksum."""
    (folder / "small.lock").write_text(f"# one jar\n{checksum}  {SMALL}\n")


def fetched(folder: Path) -> list[Path]:
    """Fetch the small lock, or skip where that cannot be done."""
    if shutil.which("mvn") is None and importlib.util.find_spec("pyspark") is None:
        pytest.skip("no jars can be fetched here: install Maven, or pip install pyspark")
    try:
        return jars.fetch("small", locks=folder)
    except StackError as error:
        if "is the network there" in str(error):
            pytest.skip(f"no jars can be fetched here: {error}")
        raise


def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every program that is started fail."""

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a program was started")

    monkeypatch.setattr(subprocess, "run", refuse)


@pytest.mark.parametrize(
    "name", sorted(file.name.removesuffix(".lock") for file in jars.LOCKS.iterdir())
)
def test_locks_are_whole(name: str) -> None:
    """Every line of a lock has a checksum and coordinates, and no file name comes twice."""
    artifacts = jars.read_lock(name)

    assert all(len(bytes.fromhex(one.sha256)) == 32 for one in artifacts)
    assert len({one.file for one in artifacts}) == len(artifacts)


def test_an_unknown_lock_is_named_with_the_known_ones() -> None:
    """A wrong name is answered with the right ones."""
    with pytest.raises(StackError, match=r"called nonsense; there are: kafka-4\.1\.1"):
        jars.read_lock("nonsense")


def test_a_second_call_starts_nothing(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in the cache is used without Maven, Java or a network."""
    first = fetched(tmp_path)
    offline(monkeypatch)

    assert first == [cache / "slf4j-simple-1.7.36.jar"]
    assert jars.fetch("small", locks=tmp_path) == first


def test_a_damaged_jar_is_fetched_again(cache: Path, tmp_path: Path) -> None:
    """A jar of the cache that lost its checksum is replaced."""
    (jar,) = fetched(tmp_path)
    whole = jar.read_bytes()
    jar.write_bytes(whole[:-1] + b"x")
    said: list[str] = []
    jars.fetch("small", said.append, tmp_path)

    assert jar.read_bytes() == whole
    assert said == [f"fetching 1 jars of small into {cache}"]


def test_a_wrong_checksum_is_refused(cache: Path, tmp_path: Path) -> None:
    """Another content than the pinned one is named with both sums, and not kept."""
    write_lock(tmp_path, "0" * 64)

    with pytest.raises(StackError, match=f"{SMALL} .*expected sha256 0000.*, got {SUM}"):
        fetched(tmp_path)
    assert [path.name for path in cache.iterdir()] == [".fetch.lock"]


def test_two_processes_fetch_at_once(cache: Path, tmp_path: Path) -> None:
    """The second waits for the first and finds what it fetched."""
    fetched(tmp_path)
    shutil.rmtree(cache)
    script = (
        "import pathlib, sys; from wordstreet.stack import jars; "
        "jars.fetch('small', print, pathlib.Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate()[0] for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert sum(text.count("fetching") for text in said) == 1


def test_without_maven_the_ivy_of_pyspark_fetches(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing but Java on PATH the same jar arrives."""
    java = shutil.which("java")
    if java is None or importlib.util.find_spec("pyspark") is None:
        pytest.skip("this route needs Java (apt install openjdk-17-jre-headless) and pyspark")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(os.path.realpath(java))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    assert [path.parent for path in fetched(tmp_path)] == [cache]


def test_with_neither_tool_it_says_what_to_install(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Maven and without pyspark there is no way, and the ways are named."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    with pytest.raises(StackError, match=r"apt install maven.*wordstreet\[spark\]"):
        jars.fetch("small", locks=tmp_path)
