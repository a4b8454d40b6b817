"""Where a Java of version 17 or newer is on this machine."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from wordstreet.errors import StackError

__all__ = ["find"]

_OLDEST: Final = 17
_SECONDS: Final = 30
_INSTALL: Final = (
    "install it (apt install openjdk-17-jre-headless, or brew install openjdk@17) "
    "and set JAVA_HOME if it is not on PATH"
)


def find() -> Path:
    """Return the `java` to run: the one of JAVA_HOME if it is new enough, else that of PATH."""
    seen = []
    for java in _candidates():
        major = _major(java)
        if major is not None and major >= _OLDEST:
            return java
        seen.append(f"{java} ({'gives no version' if major is None else f'Java {major}'})")
    found = ", ".join(seen) or "none in JAVA_HOME or on PATH"
    message = f"Java {_OLDEST} or newer is needed; found: {found}; {_INSTALL}"
    raise StackError(message)


def _candidates() -> list[Path]:
    home = os.environ.get("JAVA_HOME")
    on_path = shutil.which("java")
    return [
        *([Path(home) / "bin" / "java"] if home else []),
        *([Path(on_path)] if on_path else []),
    ]


def _major(java: Path) -> int | None:
    """Return 17 for 17.0.15 and 8 for 1.8.0; None when it is no Java that runs."""
    try:
        done = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(found[1]) if found else None
