"""From the lake to a verdict: read what was known, judge it, write the report."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import wordstreet
from wordstreet import report
from wordstreet.analysis import coverage, factor, returns
from wordstreet.analysis.factor import FactorRules, Factors
from wordstreet.analysis.returns import Returns
from wordstreet.analysis.verdict import judge
from wordstreet.engines import transform
from wordstreet.errors import InputError
from wordstreet.lake import views
from wordstreet.lake.prices import land
from wordstreet.lake.tables import Lake
from wordstreet.prices.calendars import sessions
from wordstreet.prices.feeds import read_prices
from wordstreet.sessions import Sessions
from wordstreet.settings import Settings
from wordstreet.watchlist import Watchlist

__all__ = ["import_prices", "study"]

_IDENTITY: Final[Mapping[str, Sequence[str]]] = {
    "mentions": (
        *("source", "post_id", "ticker", "confidence", "score", "scorer", "scorer_version"),
        *("duplicate_group", "is_spam", "is_late", "author_id", "created_at", "observed_at"),
    ),
    "prices": ("ticker", "session", "adj_open", "adj_close"),
    "gaps": ("source", "from_at", "to_at", "lost", "reason"),
}
"""The columns a figure can depend on; when and in which file a row landed is none of them."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What a study reads of the lake, each post once."""

    mentions: pa.Table
    unpriced: int  # mentions left out because no price is near
    prices: pa.Table
    gaps: pa.Table
    beside: Mapping[str, Any]


def import_prices(settings: Settings, paths: Sequence[Path]) -> dict[str, Any]:
    """Land daily prices from files; the same files twice land once."""
    found = read_prices(paths, transform.watchlist(settings), datetime.now(UTC))
    land(Lake(settings.lake_uri), found.rows)
    return {
        "tickers": len(found.rows["ticker"].unique()),
        "sessions": len(found.rows),
        "rejected": sum(part.rows for part in found.rejected),
        "reasons": [asdict(part) for part in found.rejected],
        "warnings": list(found.warnings),
    }


def study(
    settings: Settings,
    simulated: Mapping[str, str] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[dict[str, Any], Path]:
    """
    Return the figures of a study and the path of its page.

    `simulated` says which world the data come from, when they are no real ones. The run id is a
    digest of the rows read, the settings and the code: the same three give the same report, byte
    for byte, in whatever order the rows once landed.
    """
    watchlist = transform.watchlist(settings)
    companies = [(company.ticker, company.exchange) for company in watchlist]
    say("reading mentions and prices")
    read = _read(Lake(settings.lake_uri))
    calendars = _calendars(watchlist, read)
    say(f"judging {len(read.mentions):,} mentions")
    factors = factor.build(read.mentions, calendars, companies, _rules(settings))
    targets = returns.build(read.prices, factors.dates, calendars, companies)
    covered = _covered(read)
    judgement = judge(factors, targets, covered)
    figures = report.figures(
        {**judgement.as_dict(), "warnings": [*judgement.warnings, *_warnings(read)]},
        {**judgement.charts(), "opinion_price": _opinion_price(factors, targets)},
        _coverage(read, factors, targets, watchlist, covered),
        _provenance(read, settings, watchlist, simulated),
    )
    page = report.write(figures, settings.home / "reports" / figures["run_id"])
    return figures, page


def _read(lake: Lake) -> _Read:
    mentions, prices, gaps = (views.read(lake, name) for name in _IDENTITY)
    if not len(mentions):
        message = "the lake holds no post about a company of the watchlist; collect some first"
        raise InputError(message)
    if not len(prices):
        message = "the lake holds no prices; bring some: wordstreet prices import FILES"
        raise InputError(message)
    within = coverage.priced(mentions, prices)
    if not len(within):
        message = (
            "no post falls into the time for which there are prices; import prices of that time"
        )
        raise InputError(message)
    counts = (
        "select source, origin, count(*) as posts from posts group by source, origin order by 1, 2"
    )
    beside = {
        "sources": views.query(lake, counts).to_pylist(),
        "rejects": _count(lake, "rejects"),
        "deletions": _count(lake, "deletions"),
    }
    return _Read(within, len(mentions) - len(within), prices, gaps, beside)


def _count(lake: Lake, table: str) -> int:
    found: int = views.query(lake, f"select count(*) as n from {table}")["n"][0].as_py()
    return found


def _rules(settings: Settings) -> FactorRules:
    return FactorRules(**asdict(settings.study))


def _calendars(watchlist: Watchlist, read: _Read) -> dict[str, Sessions]:
    """Return the sessions of every exchange over the span of the posts."""
    first, last = _span(read.mentions)
    return {
        exchange: sessions(exchange, first, last)
        for exchange in {company.exchange for company in watchlist}
    }


def _span(mentions: pa.Table) -> tuple[date, date]:
    seen = pc.min_max(mentions["observed_at"]).as_py()
    return seen["min"].date(), seen["max"].date()


def _covered(read: _Read) -> float:
    """Return the least share of the window that a source was listened to."""
    seen = np.asarray(read.mentions["observed_at"]).astype("datetime64[us]")
    start, end = seen.min(), seen.max()
    shares = [1.0]
    for source in read.gaps["source"].unique().to_pylist():
        mine = read.gaps.filter(pc.equal(read.gaps["source"], source))
        low, high = (
            np.asarray(mine[name]).astype("datetime64[us]") for name in ("from_at", "to_at")
        )
        shares.append(coverage.share(low, high, start, end))
    return min(shares)


def _warnings(read: _Read) -> list[str]:
    found = []
    replayed = pc.sum(pc.equal(read.mentions["origin"], "replay")).as_py() or 0
    if replayed:
        found.append(
            f"{replayed:,} of {len(read.mentions):,} mentions are replayed from files: "
            "their time is the one the file claims, nobody witnessed it"
        )
    open_ended = pc.sum(pc.is_null(read.gaps["to_at"])).as_py() or 0
    if open_ended:
        found.append(f"{open_ended} gaps have no known end and count for no time in the coverage")
    return found


def _opinion_price(factors: Factors, targets: Returns) -> dict[str, Any]:
    """Return mean opinion and an equal-weight price index of the watchlist, session by session."""
    change = np.nan_to_num(_row_means(targets.same_session))
    return {
        "dates": factors.dates,
        "opinion": _row_means(factors.mean_score),
        "price": 100 * np.cumprod(1 + change),
        "posts": factors.posts.sum(axis=1),
    }


def _row_means(values: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)


def _coverage(
    read: _Read, factors: Factors, targets: Returns, watchlist: Watchlist, covered: float
) -> dict[str, Any]:
    mentions = {
        row["values"]: row["counts"] for row in read.mentions["ticker"].value_counts().to_pylist()
    }
    per_company = [
        {
            "ticker": company.ticker,
            "name": company.name,
            "posts": int(factors.posts[:, n].sum()),
            "mentions": mentions.get(company.ticker, 0),
            "sessions_scored": int(np.isfinite(factors.mean_score[:, n]).sum()),
            "sessions_priced": int(np.isfinite(targets.same_session[:, n]).sum()),
        }
        for n, company in enumerate(watchlist)
    ]
    gaps = [
        {
            "source": g["source"],
            "from": g["from_at"],
            "to": g["to_at"],
            "lost": g["lost"],
            "reason": g["reason"],
        }
        for g in read.gaps.sort_by("from_at").to_pylist()
    ]
    return {
        **read.beside,
        "share": covered,
        "gaps": gaps,
        "per_company": per_company,
        "posts_per_session": {"dates": factors.dates, "counts": factors.posts.sum(axis=1)},
        "filters": [
            {"name": name, "removed": n}
            for name, n in {"unpriced": read.unpriced, **factors.removed}.items()
        ],
    }


def _provenance(
    read: _Read, settings: Settings, watchlist: Watchlist, simulated: Mapping[str, str] | None
) -> dict[str, Any]:
    used = read.mentions.group_by(["scorer", "scorer_version"]).aggregate([]).to_pylist()
    scorers = sorted((row["scorer"] or "", row["scorer_version"] or "") for row in used)
    return {
        "simulated": simulated,
        "scorer": {
            "id": ", ".join(scorer for scorer, _ in scorers),
            "version": ", ".join(number for _, number in scorers),
            "accuracy": None,
        },
        "settings": {
            **{f"study.{name}": value for name, value in asdict(_rules(settings)).items()},
            "watchlist": watchlist.fingerprint,
        },
        "snapshot": {
            name: {
                "rows": len(getattr(read, name)),
                "digest": _digest(getattr(read, name), columns),
            }
            for name, columns in _IDENTITY.items()
        },
        "code": {"version": version("wordstreet"), "digest": _code_digest()},
    }


def _digest(rows: pa.Table, columns: Sequence[str]) -> str:
    """Return a digest of the rows as a set: their order and batches do not matter."""
    cells = [pc.fill_null(rows[name].cast(pa.string()), "\0") for name in columns]
    lines = pc.binary_join_element_wise(*cells, "\x1f")
    digest = hashlib.sha256()
    for line in sorted(lines.to_pylist()):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()[:16]


def _code_digest() -> str:
    """Return a digest of the package's own source."""
    root = Path(wordstreet.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
