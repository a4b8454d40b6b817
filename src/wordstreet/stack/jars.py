"""
Jars by pinned coordinates and checksums, fetched once and kept in the user's cache.

A lock lists the whole closure, one `sha256  group:artifact:version` a line, so nothing is resolved
when fetching. Which repository answers is the business of Maven, or of the Ivy inside pyspark.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from wordstreet.errors import StackError
from wordstreet.locks import hold
from wordstreet.stack import java

__all__ = ["Artifact", "cache", "fetch", "read_lock"]

LOCKS: Final = resources.files("wordstreet.stack").joinpath("locks")
_WAIT_SECONDS: Final = 900.0
_FETCH_SECONDS: Final = 1800
_LAST_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class Artifact:
    """One jar: what it is called in a repository and the checksum it must have."""

    sha256: str
    group: str
    name: str
    version: str

    @property
    def file(self) -> str:
        """Its file name in the cache."""
        return f"{self.name}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.name}:{self.version}"


def fetch(
    name: str, say: Callable[[str], object] = lambda _: None, locks: Traversable = LOCKS
) -> list[Path]:
    """
    Return the jars of a lock, sound and in its order; fetch what the cache lacks.

    Every jar's checksum is compared at every call; one that is missing or damaged is fetched
    again, and what does not have its checksum never gets into the cache. Two processes may call
    at once. When nothing is missing no program is started and the network is not used.
    """
    artifacts = read_lock(name, locks)
    folder = cache() / name
    if _missing(artifacts, folder):
        with hold(folder, "fetch", _WAIT_SECONDS):
            missing = _missing(artifacts, folder)
            if missing:
                say(f"fetching {len(missing)} jars of {name} into {folder}")
                _fill(missing, folder)
    return [folder / artifact.file for artifact in artifacts]


def cache() -> Path:
    """Return the folder under which each lock has a folder of jars."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root).absolute() / "wordstreet" / "jars"


def read_lock(name: str, locks: Traversable = LOCKS) -> list[Artifact]:
    """Return the artifacts of `<name>.lock`."""
    try:
        lines = locks.joinpath(f"{name}.lock").read_text("utf-8").splitlines()
    except FileNotFoundError:
        known = ", ".join(sorted(file.name.removesuffix(".lock") for file in locks.iterdir()))
        message = f"there is no list of jars called {name}; there are: {known}"
        raise StackError(message) from None
    return [_artifact(line) for line in lines if line.strip() and not line.startswith("#")]


def _artifact(line: str) -> Artifact:
    sha256, coordinates = line.split()
    return Artifact(sha256, *coordinates.split(":"))


def _missing(artifacts: Sequence[Artifact], folder: Path) -> list[Artifact]:
    return [one for one in artifacts if _checksum(folder / one.file) != one.sha256]


def _checksum(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _fill(missing: Sequence[Artifact], folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as name:
        new = Path(name)
        _run(_command(missing, new), new)
        for artifact in missing:
            _check(artifact, new / "jars" / artifact.file)
        for artifact in missing:
            (new / "jars" / artifact.file).replace(folder / artifact.file)


def _check(artifact: Artifact, path: Path) -> None:
    found = _checksum(path)
    if found is None:
        message = f"{artifact} was not delivered; is there a repository that has it?"
        raise StackError(message)
    if found != artifact.sha256:
        message = (
            f"{artifact} is not what was pinned: expected sha256 {artifact.sha256}, got {found}; "
            "nothing was kept. Look for a damaged copy in the local Maven repository, and at who "
            "answers in place of the public one"
        )
        raise StackError(message)


def _command(missing: Sequence[Artifact], new: Path) -> list[str]:
    """Write what the tool at hand wants to read, and return its command line."""
    maven = shutil.which("mvn")
    if maven:
        (new / "pom.xml").write_text(_pom(missing), "utf-8")
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={new / 'jars'}"]
        return [maven, "--batch-mode", "--quiet", "--file", str(new / "pom.xml"), *goal]
    ivy = _ivy()
    if ivy is None:
        message = (
            "jars are fetched with Maven or with the Ivy inside pyspark, and neither is here; "
            "apt install maven, or brew install maven, or pip install 'wordstreet[spark]'"
        )
        raise StackError(message)
    (new / "ivysettings.xml").write_text(_IVY_SETTINGS, "utf-8")
    (new / "ivy.xml").write_text(_ivy_module(missing), "utf-8")
    return [
        *[str(java.find()), "-jar", str(ivy), "-settings", str(new / "ivysettings.xml")],
        *["-ivy", str(new / "ivy.xml"), "-cache", str(new / "ivy"), "-warn"],
        *["-retrieve", str(new / "jars" / "[artifact]-[revision].[ext]")],
    ]


def _ivy() -> Path | None:
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        return None
    return next(iter(sorted((Path(spec.origin).parent / "jars").glob("ivy-*.jar"))), None)


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_FETCH_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"{command[0]} could not fetch the jars: {error}"
        raise StackError(message) from error
    if done.returncode:
        last = "\n".join(done.stdout.strip().splitlines()[-_LAST_LINES:])
        message = (
            f"{command[0]} could not fetch the jars; is the network there? Its last words:\n{last}"
        )
        raise StackError(message)


def _pom(artifacts: Sequence[Artifact]) -> str:
    dependencies = "".join(
        f"<dependency><groupId>{one.group}</groupId><artifactId>{one.name}</artifactId>"
        f"<version>{one.version}</version><exclusions><exclusion><groupId>*</groupId>"
        "<artifactId>*</artifactId></exclusion></exclusions></dependency>\n"
        for one in artifacts
    )
    return (
        "<project><modelVersion>4.0.0</modelVersion><groupId>wordstreet</groupId>"
        "<artifactId>jars</artifactId><version>1</version>"
        f"<dependencies>\n{dependencies}</dependencies></project>\n"
    )


# Ivy's own settings would ask the local Maven repository first, and stop at an artifact of which
# only the POM lies there. Checksums are off because ours are stronger, POMs because nothing is resolved.
_IVY_SETTINGS: Final = """<ivysettings>
  <settings defaultResolver="public"/>
  <property name="ivy.checksums" value=""/>
  <resolvers><ibiblio name="public" m2compatible="true" usepoms="false"/></resolvers>
</ivysettings>
"""


def _ivy_module(artifacts: Sequence[Artifact]) -> str:
    dependencies = "".join(
        f'<dependency org="{one.group}" name="{one.name}" rev="{one.version}" '
        'transitive="false" conf="default"/>\n'
        for one in artifacts
    )
    return (
        '<ivy-module version="2.0"><info organisation="wordstreet" module="jars"/>'
        '<configurations><conf name="default"/></configurations>'
        f"<dependencies>\n{dependencies}</dependencies></ivy-module>\n"
    )
