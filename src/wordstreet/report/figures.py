"""The figures of one study: the one source of the page, the JSON file and the run id."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np

__all__ = ["VERDICTS", "figures", "run_id", "to_json"]

VERDICTS: Final = (
    "INVALID",
    "INSUFFICIENT_DATA",
    "NO_EVIDENCE",
    "REACTION_ONLY",
    "SUGGESTIVE",
    "EVIDENCE",
)

# How to read the shapes: {…} has exactly these keys, absent ones become null; [shape] is a list;
# (shape,) may be null as a whole; None is a plain value.
_OUT_OF_SAMPLE: Final = {"ic": None, "t": None, "p": None, "n": None, "same_sign": None}
_TEST: Final = {
    "factor": None,
    "horizon": None,  # sessions
    "ic": None,
    "t": None,
    "p": None,
    "q": None,
    "shift_p": None,
    "ci": None,  # [low, high] at 95 %
    "n": None,  # sessions with an IC
    "oos": (_OUT_OF_SAMPLE,),
}
_JUDGEMENT: Final = {
    "verdict": None,
    "sentence": None,
    "reasons": [None],
    "companies": None,
    "sessions": None,
    "posts": None,
    "authors": None,
    "from": None,  # first and last session
    "to": None,
    "reaction": {"ic": None, "t": None, "p": None, "n": None},
    "tests": [_TEST],
    "close_to_close": [{key: part for key, part in _TEST.items() if key != "q"}],
    "min_detectable_ic": None,
    "warnings": [None],
}
_COMPANY: Final = {
    "ticker": None,
    "name": None,
    "posts": None,
    "mentions": None,
    "sessions_scored": None,
    "sessions_priced": None,
}
_COVERAGE: Final = {
    "share": None,  # of the window in which sources were collected, 0 to 1
    "gaps": [{"source": None, "from": None, "to": None, "lost": None, "reason": None}],
    "per_company": [_COMPANY],
    "posts_per_session": {"dates": [None], "counts": [None]},
    "sources": [{"source": None, "origin": None, "posts": None}],
    "filters": [{"name": None, "removed": None}],
    "rejects": None,
    "deletions": None,
}
_BESIDE: Final = ("sources", "filters", "rejects", "deletions")
_SERIES: Final = {
    "opinion_price": {"dates": [None], "opinion": [None], "price": [None], "posts": [None]},
    "ic_series": {"factor": None, "horizon": None, "dates": [None], "ic": [None]},
    "placebo": {
        "factor": None,
        "horizon": None,
        "observed": None,
        "shifts": None,
        "p": None,
        "quantiles": [{"level": None, "value": None}],
    },
}
_PROVENANCE: Final = {
    "simulated": ({"world": None, "truth": None},),
    "scorer": {"id": None, "version": None, "accuracy": None},
    "settings": None,  # every setting that can move a figure, the watchlist's fingerprint too
    "snapshot": None,  # {table: {version, rows}}
    "code": None,  # {version, digest}
}


def figures(
    judgement: Mapping[str, Any],
    series: Mapping[str, Any],
    coverage: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """
    Return every figure of a study as one tree of plain JSON values.

    The shapes above name the keys of the four parts. What is left out, NaN or infinite is unknown
    and becomes null; NumPy arrays, dates and UTC-aware times are welcome. The same arguments give
    the same tree, on any machine and at any time.

    Raises `ValueError` for a key or verdict that is not in the contract.
    """
    judged = _fill(_JUDGEMENT, judgement, "judgement")
    covered = _fill(_COVERAGE, coverage, "coverage")
    proven = _fill(_PROVENANCE, provenance, "provenance")
    charts = _fill(_SERIES, series, "series")
    if judged["verdict"] not in VERDICTS:
        message = f"{judged['verdict']!r} is no verdict; it is one of {', '.join(VERDICTS)}"
        raise ValueError(message)
    charts["opinion_price"]["smoothed"] = _trailing_mean(charts["opinion_price"]["opinion"], 20)
    charts["ic_series"]["running"] = _trailing_mean(charts["ic_series"]["ic"], 60)
    beside = {key: covered.pop(key) for key in _BESIDE}
    identity = run_id(proven["snapshot"], proven["settings"], proven["code"])
    return {"run_id": identity, **proven, **judged, **beside, "coverage": covered, "charts": charts}


def run_id(snapshot: Any, settings: Any, code: Any) -> str:
    """Return the id of a study: a digest of the data read, the settings and the code, no clock."""
    ingredients = {
        "snapshot": _plain(snapshot),
        "settings": _plain(settings),
        "code": _plain(code),
    }
    canonical = json.dumps(ingredients, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def to_json(figures: Mapping[str, Any]) -> str:
    """Return the figures as JSON text, the same bytes for the same figures."""
    return json.dumps(figures, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"


def _fill(shape: Any, value: Any, place: str) -> Any:
    """Return `value` as plain JSON in the shape; `place` names it in errors."""
    if shape is None:
        return _plain(value)
    if isinstance(shape, tuple):
        return None if value is None else _fill(shape[0], value, place)
    if isinstance(shape, list):
        return [_fill(shape[0], item, place) for item in (() if value is None else value)]
    given: Mapping[str, Any] = {} if value is None else value
    strange = sorted(set(given) - set(shape))
    if strange:
        message = f"the report knows no {strange[0]!r} in {place}, only {', '.join(shape)}"
        raise ValueError(message)
    return {key: _fill(part, given.get(key), f"{place}.{key}") for key, part in shape.items()}


def _plain(value: Any) -> Any:
    """Return the value as JSON has it: unknown numbers null, times ISO, keys in order."""
    if isinstance(value, np.datetime64):
        return _time64(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {_text(str(key)): _plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, Sequence | np.ndarray):
        return [_plain(item) for item in value]
    return value


def _time(value: datetime) -> str:
    if value.tzinfo is None:
        message = f"the time {value} has no zone; give it in UTC"
        raise ValueError(message)
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _time64(value: np.datetime64) -> str | None:
    if np.isnat(value):
        return None
    if np.datetime_data(value.dtype)[0] == "D":
        return str(value)
    return _time(value.astype("datetime64[us]").item().replace(tzinfo=UTC))


def _text(value: str) -> str:
    """Return the text without what neither HTML nor UTF-8 can carry."""
    whole = value.encode("utf-8", "replace").decode()
    return "".join(letter for letter in whole if letter >= " " or letter in "\t\n")


def _trailing_mean(values: Sequence[float | None], span: int) -> list[float | None]:
    """Return for each session the mean of the last `span`, where a quarter of them is known."""
    means: list[float | None] = []
    for end in range(1, len(values) + 1):
        known = [value for value in values[max(0, end - span) : end] if value is not None]
        means.append(math.fsum(known) / len(known) if len(known) >= span / 4 else None)
    return means
