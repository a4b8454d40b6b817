"""Which Java is taken, and what is said when there is none."""

from pathlib import Path

import pytest

from wordstreet.errors import StackError
from wordstreet.stack import java


def fake(folder: Path, version: str) -> Path:
    """Make a `java` that claims a version, in the bin of a folder; return the folder."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    program.chmod(0o755)
    return folder


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment without any Java."""
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return monkeypatch


def test_java_home_comes_first(only: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A new enough Java of JAVA_HOME is taken before that of PATH."""
    only.setenv("JAVA_HOME", str(fake(tmp_path / "a", "21.0.1")))
    only.setenv("PATH", str(fake(tmp_path / "b", "17.0.15") / "bin"))

    assert java.find() == tmp_path / "a" / "bin" / "java"


def test_an_old_java_home_gives_way_to_path(only: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Java 11 in JAVA_HOME does not hide the Java 17 on PATH."""
    only.setenv("JAVA_HOME", str(fake(tmp_path / "a", "11.0.2")))
    only.setenv("PATH", str(fake(tmp_path / "b", "17") / "bin"))

    assert java.find() == tmp_path / "b" / "bin" / "java"


def test_too_old_is_named_with_what_to_install(only: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message tells the version found (1.8 is Java 8) and the way to a newer one."""
    only.setenv("PATH", str(fake(tmp_path / "b", "1.8.0_292") / "bin"))

    with pytest.raises(StackError, match=r"java \(Java 8\).*apt install openjdk-17"):
        java.find()


def test_none_is_said(only: pytest.MonkeyPatch) -> None:
    """Without any Java the message says so."""
    with pytest.raises(StackError, match="none in JAVA_HOME or on PATH"):
        java.find()


def test_a_java_that_does_not_run_is_no_java(only: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A stub that fails, as on a bare macOS, counts as none."""
    home = fake(tmp_path / "a", "17")
    (home / "bin" / "java").write_text("#!/bin/sh\nexit 1\n")
    only.setenv("JAVA_HOME", str(home))

    with pytest.raises(StackError, match="gives no version"):
        java.find()
