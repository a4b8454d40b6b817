"""How answers are worded for people: numbers, columns, cells."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Answer", "aligned", "cell", "figure", "number", "plain", "told"]

Answer = tuple[Mapping[str, Any], str, bool]
"""What a command did: the object of `--json`, the text for people, whether it succeeded."""


def told(found: Mapping[str, Any]) -> str:
    """Return the figures of an answer that are known, a line each."""
    names = [name for name in found if found[name] is not None]
    return aligned([(name, number(found[name])) for name in names])


def number(value: Any) -> str:
    """Return a number with its thousands set apart, anything else as text."""
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as columns, numbers to the right."""
    if not rows:
        return ""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numeric = [all(_is_number(row[i]) for row in rows[1:] or rows) for i in range(len(widths))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in rows
    )


def _is_number(text: str) -> bool:
    return text in ("", "–") or text.replace(",", "").replace(".", "").replace("-", "").isdigit()


def figure(value: float | None) -> str:
    """Return a statistic with three digits, a dash when it is not known."""
    return "–" if value is None else f"{value:.3f}"


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it, whatever is nested in it."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def cell(value: Any) -> str:
    """Return a value of a query as one line of text."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).replace("\n", " ")
