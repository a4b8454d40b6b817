"""The embedded log alone: locks, full disks, damage, what trimming leaves."""

import subprocess
import sys
from pathlib import Path

import pytest

from wordstreet.errors import LogError, LogFullError, SettingsError
from wordstreet.log.embedded import EmbeddedLog
from wordstreet.schema import Envelope


def envelope(text: str) -> Envelope:
    """Return a record whose value is the text."""
    return Envelope("x:1", text.encode(), "x", "post", 10**15, "stream", "x.v2")


def test_every_commit_is_synced(tmp_path: Path) -> None:
    """The promise of `append` rests on these three pragmas."""
    log = EmbeddedLog(tmp_path, "posts")

    assert log._db.execute("pragma journal_mode").fetchone() == ("wal",)
    assert log._db.execute("pragma synchronous").fetchone() == (2,)
    assert log._db.execute("pragma secure_delete").fetchone() == (1,)


def test_what_is_trimmed_leaves_no_bytes(tmp_path: Path) -> None:
    """A deleted post's text is in no file of the log once its record is trimmed."""
    log = EmbeddedLog(tmp_path, "posts")
    log.append([envelope("secret words " * 900), envelope("short secret words")], "x", {})
    log.trim({0: 2})

    assert not any(b"secret words" in path.read_bytes() for path in tmp_path.iterdir())


def test_partitions_of_a_topic_are_fixed(tmp_path: Path) -> None:
    """Another number of partitions would reorder posts, so it is refused."""
    EmbeddedLog(tmp_path, "posts", 2)

    with pytest.raises(SettingsError, match=r"set log\.partitions=2"):
        EmbeddedLog(tmp_path, "posts", 3)


def test_a_batch_is_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    """The record before the one that cannot be stored is not stored either."""
    log = EmbeddedLog(tmp_path, "posts")
    broken = envelope("second")._replace(observed_at=object())  # type: ignore[arg-type]
    with pytest.raises(Exception):  # noqa: B017, PT011 - any error will do
        log.append([envelope("first"), broken], "x", {"at": "2"})

    assert (log.bounds(), log.cursor("x")) == ({0: (0, 0)}, {})


def test_topics_have_offsets_of_their_own(tmp_path: Path) -> None:
    """Two topics in one file do not see each other's records."""
    EmbeddedLog(tmp_path, "posts").append([envelope("a")], "x", {})

    assert EmbeddedLog(tmp_path, "news").bounds()[0] == (0, 0)


def test_a_full_disk_refuses_and_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """When the disk is full `append` says so; what was there stays, and space makes it go on."""
    log = EmbeddedLog(tmp_path, "posts")
    log.append([envelope("first")], "x", {"at": "1"})
    pages = log._db.execute("pragma page_count").fetchone()[0]
    log._db.execute(f"pragma max_page_count = {pages + 10}")
    with pytest.raises(LogFullError, match="Free some space"):
        log.append([envelope("x" * 200_000)], "x", {"at": "2"})
    assert log.bounds()[0] == (0, 1)
    assert log.cursor("x") == {"at": "1"}
    log._db.execute("pragma max_page_count = 1000000")
    log.append([envelope("x" * 200_000)], "x", {"at": "2"})

    assert log.bounds()[0] == (0, 2)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """Garbage where the log should be ends in our words, with the way out."""
    (tmp_path / "log.sqlite").write_bytes(b"garbage " * 1000)

    with pytest.raises(LogError, match="move the folder away"):
        EmbeddedLog(tmp_path, "posts")


def test_an_append_that_was_killed_is_not_there(tmp_path: Path) -> None:
    """A process killed inside the transaction leaves neither record nor cursor."""
    EmbeddedLog(tmp_path, "posts").append([envelope("first")], "x", {"at": "1"})
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from wordstreet.log.embedded import EmbeddedLog\n"
        "from wordstreet.schema import Envelope\n"
        "class Killing(list):\n"
        "    def __iter__(self):\n"
        "        yield Envelope('x:2', b'second', 'x', 'post', 1, 'stream', 'x.v2')\n"
        "        os.kill(os.getpid(), 9)\n"
        "EmbeddedLog(Path(sys.argv[1]), 'posts').append(Killing(), 'x', {'at': '2'})\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)

    assert killed.returncode == -9
    log = EmbeddedLog(tmp_path, "posts")
    assert (log.bounds()[0], log.cursor("x")) == ((0, 1), {"at": "1"})


def test_another_process_reads_while_one_appends(tmp_path: Path) -> None:
    """A second connection sees what was acknowledged, at once."""
    writer, reader = EmbeddedLog(tmp_path, "posts"), EmbeddedLog(tmp_path, "posts")
    writer.append([envelope("a")], "x", {})

    assert reader.bounds()[0] == (0, 1)
