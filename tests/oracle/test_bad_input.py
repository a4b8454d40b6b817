"""Bad upstream data is set aside and counted: the whole road over a folder of dirt."""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from bench import measure

from wordstreet.errors import InputError
from wordstreet.lake.maintain import verify
from wordstreet.lake.tables import Lake
from wordstreet.lake.views import read
from wordstreet.sources.replay import Replay


def line(post_id: str, text: str = "Tesla") -> bytes:
    """Return one good stream line."""
    data = {"id": post_id, "author_id": "1", "created_at": "2026-11-02T15:00:00.000Z", "text": text}
    return json.dumps({"data": data}).encode() + b"\n"


def command(home: Path, path: Path) -> list[str]:
    """Return the command that runs the road over a path."""
    words = ["run", "--path", str(path), "--home", str(home), "--json"]
    return [sys.executable, "-m", "wordstreet", *words, "--set", "watchlist.path=seed"]


def run(home: Path, path: Path) -> subprocess.CompletedProcess[str]:
    """Run the road over a path."""
    words = command(home, path)
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)


def counted(home: Path, path: Path) -> dict[str, Any]:
    """Run the road, which must end well, and return what it counted."""
    done = run(home, path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


DIRT = {
    "empty file": (b"", 0, 0),
    "blank lines": (b"\n\r\n  \n", 0, 0),
    "cut line": (line("1") + line("2")[:30], 1, 1),
    "nul bytes": (line("1") + b"\0\0\0\n" + line("2", "a \0 b"), 2, 1),
    "wrong encoding": (line("1") + line("2").replace(b"Tesla", b"Tesl\xe4"), 1, 1),
    "no objects": (b'1\n"text"\n[1, 2]\nnull\ntrue\n', 0, 5),
    "no post": (b'{"data": {}}\n{"data": {"id": "1"}}\n{"data": 3}\n{}\n', 0, 4),
    "deep nesting": (b"[" * 100_000 + b"\n" + line("1"), 1, 1),
    "huge numbers": (b'{"data": {"id": 1e999, "text": "x"}}\n', 0, 1),
    "byte order mark": (b"\xef\xbb\xbf" + line("1"), 1, 0),
    "windows line ends": (line("1").replace(b"\n", b"\r\n"), 1, 0),
    "line separators in text": (line("1", "a\u2028b\u0085c"), 1, 0),
    "five thousand emoji": (line("1", "Tesla " + "\U0001f600" * 5_000), 1, 0),
}


@pytest.mark.parametrize("name", DIRT)
def test_each_kind_of_dirt_is_counted(name: str, tmp_path: Path) -> None:
    """Good lines land, every bad one is a reject, and every offset is accounted for."""
    content, posts, rejects = DIRT[name]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "posts.jsonl").write_bytes(content)
    found = counted(tmp_path / "home", tmp_path / "in")
    audit = verify(Lake(str(tmp_path / "home" / "lake")))

    assert (found["stored"], found["rejects"]) == (posts, rejects)
    assert (audit.ok, audit.records) == (True, posts + rejects)


def test_a_truncated_archive_gives_what_is_readable_and_a_gap(tmp_path: Path) -> None:
    """What stands before the cut lands; where it was cut is a gap; the next file is read."""
    folder = tmp_path / "in"
    folder.mkdir()
    packed = gzip.compress(b"".join(line(str(n), os.urandom(40).hex()) for n in range(200)))
    (folder / "a.jsonl.gz").write_bytes(packed[: len(packed) * 2 // 3])
    (folder / "b.jsonl").write_bytes(line("last"))
    found = counted(tmp_path / "home", folder)
    lake = Lake(str(tmp_path / "home" / "lake"))

    assert found["gaps"] == 1
    assert 50 < found["stored"] < 200
    assert "last" in read(lake, "posts")["post_id"].to_pylist()
    assert "a.jsonl.gz" in read(lake, "gaps")["reason"][0].as_py()
    assert verify(lake).ok


def test_a_line_of_100_mb_is_one_reject(tmp_path: Path) -> None:
    """Its beginning is kept, its neighbours land, and memory does not follow its length."""
    path = tmp_path / "posts.jsonl"
    path.write_bytes(line("1") + b'{"data": "' + b"x" * 100_000_000 + b'"}\n' + line("2"))
    cost = measure.run(command(tmp_path / "home", path))
    rejects = read(Lake(str(tmp_path / "home" / "lake")), "rejects").to_pylist()
    posts = read(Lake(str(tmp_path / "home" / "lake")), "posts")

    assert (len(posts), len(rejects)) == (2, 1)
    assert len(rejects[0]["raw"]) == 65_536
    assert "longer than the limit" in rejects[0]["reason"]
    assert 50 < cost.peak < 500  # MB, of both processes together


@pytest.mark.parametrize("kind", ["missing", "empty folder"])
def test_nothing_to_read_is_refused(kind: str, tmp_path: Path) -> None:
    """A path that leads nowhere, or to no file, ends with 2 and its name."""
    path = tmp_path / "in"
    if kind == "empty folder":
        path.mkdir()
    done = run(tmp_path / "home", path)

    assert done.returncode == 2
    assert str(path) in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not read")
def test_an_unreadable_folder_is_refused() -> None:
    """A folder that may not be listed is named, in our words."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o711)
        folder = Path(place) / "locked"
        folder.mkdir(mode=0o000)
        os.seteuid(65534)
        try:
            with pytest.raises(InputError, match="locked"):
                Replay(folder, clock=lambda: 0)
        finally:
            os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_said_and_mended(tmp_path: Path) -> None:
    """On a disk of 12 MB the road stops with 1 and what to do; with more space it ends whole."""
    disk = tmp_path / "disk"
    disk.mkdir()
    size = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(disk)], check=False
    )
    if size.returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        path = tmp_path / "posts.jsonl"
        path.write_bytes(b"".join(line(str(n), "Tesla " + "word " * 200) for n in range(20_000)))
        full = run(disk / "home", path)
        subprocess.run(["mount", "-o", "remount,size=600m", str(disk)], check=True)
        mended = run(disk / "home", path)
        audit = verify(Lake(str(disk / "home" / "lake")))
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)

    assert full.returncode == 1
    assert "full" in full.stderr or "No space left" in full.stderr
    assert "Traceback" not in full.stderr
    assert mended.returncode == 0, mended.stderr
    assert (audit.ok, audit.records) == (True, 20_000)
