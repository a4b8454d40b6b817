"""What people read: one page and one JSON file from the same figures."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wordstreet.errors import InputError
from wordstreet.report.figures import figures, to_json
from wordstreet.report.page import render

__all__ = ["figures", "render", "write"]


def write(figures: Mapping[str, Any], folder: Path) -> Path:
    """
    Write report.json and report.html into the folder and return the path of the page.

    A reader sees each file whole or not at all; the page comes last, so that where there is a page
    its figures are there too. Raises `InputError` when the folder cannot be written to.
    """
    page = folder / "report.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(folder / "report.json", to_json(figures))
        _replace(page, render(figures))
    except OSError as error:
        message = f"cannot write the report to {folder}: {error.strerror}; give a folder with room"
        raise InputError(message) from error
    return page


def _replace(path: Path, text: str) -> None:
    """Put the text where the path is, in one step."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, "utf-8", newline="\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
