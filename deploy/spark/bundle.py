"""
Build `dist/spark/`: all that spark-submit needs to run the engine on machines with bare Pythons.

The entry point, the jars of the Kafka source (pinned by checksum), and `wordstreet-deps.zip`:
wordstreet of this checkout with what it needs at the versions of requirements.lock, for the Python
and the platform this runs on. pyspark is not in it; the cluster has Spark.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from wordstreet.stack import jars

__all__ = ["build"]

ROOT: Final = Path(__file__).resolve().parents[2]
_JARS: Final = "spark-kafka-4.1.1"
_UNUSED: Final = {("pandas", "tests"), ("pyarrow", "tests"), ("pyarrow", "include")}
_FAST: Final = 1


def build(target: Path) -> Path:
    """Make the bundle in `target`, in place of an older one, and return it."""
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).parent / "ingest.py", target / "ingest.py")
    shutil.rmtree(target / "jars", ignore_errors=True)
    (target / "jars").mkdir()
    for jar in jars.fetch(_JARS):
        shutil.copy(jar, target / "jars")
    with tempfile.TemporaryDirectory() as name:
        _install(Path(name))
        new = target / "wordstreet-deps.zip.new"
        with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED, compresslevel=_FAST) as archive:
            for path in _files(Path(name)):
                archive.write(path, path.relative_to(name))
        new.replace(target / "wordstreet-deps.zip")
    return target


def _install(folder: Path) -> None:
    """Install wordstreet and what it needs at run time into a folder."""
    lock = str(ROOT / "requirements.lock")
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet"]
    pinned = ["--constraints", lock, "--build-constraints", lock]
    where = ["--python", sys.executable, "--target", str(folder)]
    subprocess.run([*uv, *where, *pinned, f"{ROOT}[kafka]"], check=True)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and parts[:2] not in _UNUSED and "__pycache__" not in parts:
            yield path


if __name__ == "__main__":
    made = build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / "spark")
    print(made)  # noqa: T201
