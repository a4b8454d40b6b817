"""Whom we listen for: companies with their names, handles and the phrases that only look like them."""

import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from wordstreet.errors import WatchlistError

__all__ = ["SHIPPED", "Company", "Watchlist"]

SHIPPED: Final = ("seed", "us30")
"""Watchlists that come with wordstreet; their names work wherever a path does."""

_FIELDS: Final = {"ticker", "name", "exchange", "aliases", "handles", "exclude"}
_TICKER: Final = re.compile(r"[A-Z0-9]{1,10}(?:[.-][A-Z0-9]{1,4})?")
_MIC: Final = re.compile(r"[A-Z0-9]{4}")
_HANDLE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Company:
    """
    One company.

    ticker:   as traded, upper case, e.g. BRK.B
    name:     the full everyday name, matched as a whole and without regard to case
    exchange: MIC of the home exchange, which decides its trading sessions
    aliases:  other names for it
    handles:  its accounts, without @
    exclude:  phrases in which a name or alias means something else ("apple pie")
    """

    ticker: str
    name: str
    exchange: str = "XNYS"
    aliases: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Watchlist:
    """The companies in the order of their file; never empty, no two share a name."""

    companies: tuple[Company, ...]

    @classmethod
    def load(cls, path: str) -> "Watchlist":
        """Read a TOML file, or a shipped list by its name; `WatchlistError` names file and line."""
        if path in SHIPPED:
            text = (
                resources.files("wordstreet").joinpath(f"watchlists/{path}.toml").read_text("utf-8")
            )
            return cls.parse(text, f"{path}.toml")
        try:
            text = Path(path).read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            message = (
                f"cannot read the watchlist {path}: {reason}; "
                f"name a TOML file or one that comes with wordstreet ({', '.join(SHIPPED)})"
            )
            raise WatchlistError(message) from error
        return cls.parse(text, path)

    @classmethod
    def parse(cls, text: str, origin: str) -> "Watchlist":
        """Build the watchlist from TOML text; `origin` names the text in errors."""
        try:
            entries = tomllib.loads(text).get("company", [])
        except tomllib.TOMLDecodeError as error:
            message = f"{origin} is not valid TOML: {error}"
            raise WatchlistError(message) from error
        lines = [n for n, line in enumerate(text.splitlines(), 1) if _starts_entry(line)]
        if not isinstance(entries, list) or not entries:
            message = f"{origin} names no company; add a [[company]] block with ticker and name"
            raise WatchlistError(message)
        if len(lines) != len(entries):  # inline tables: every entry is said to start at the top
            lines = [1] * len(entries)
        places = [f"{origin}, line {line}" for line in lines]
        companies = tuple(map(_company, entries, places))
        _refuse_shared_names(companies, places)
        return cls(companies)

    def __iter__(self) -> Iterator[Company]:
        return iter(self.companies)

    def __len__(self) -> int:
        return len(self.companies)

    @property
    def tickers(self) -> tuple[str, ...]:
        """The tickers in watchlist order."""
        return tuple(company.ticker for company in self.companies)

    @property
    def fingerprint(self) -> str:
        """A digest of everything that decides a match; equal lists have equal fingerprints."""
        return hashlib.sha256(repr(self.companies).encode()).hexdigest()[:16]


def _starts_entry(line: str) -> bool:
    return re.match(r"\s*\[\[\s*company\s*\]\]", line) is not None


def _company(entry: Any, place: str) -> Company:
    """Check one entry and make it a `Company`."""
    if not isinstance(entry, dict):
        message = f"{place}: a company is a [[company]] block, not {entry!r}"
        raise WatchlistError(message)
    unknown = sorted(set(entry) - _FIELDS)
    if unknown:
        message = f"{place}: unknown key {unknown[0]!r}; known are {', '.join(sorted(_FIELDS))}"
        raise WatchlistError(message)
    company = Company(
        ticker=_text(entry, "ticker", place),
        name=_text(entry, "name", place),
        exchange=_text(entry, "exchange", place) if "exchange" in entry else "XNYS",
        aliases=_texts(entry, "aliases", place),
        handles=tuple(h.removeprefix("@") for h in _texts(entry, "handles", place)),
        exclude=_texts(entry, "exclude", place),
    )
    if not _TICKER.fullmatch(company.ticker):
        message = f"{place}: ticker {company.ticker!r} must be upper-case letters and digits like T or BRK.B"
        raise WatchlistError(message)
    if not _MIC.fullmatch(company.exchange):
        message = f"{place}: exchange {company.exchange!r} must be a four-letter market code (MIC) like XNYS"
        raise WatchlistError(message)
    for handle in company.handles:
        if not _HANDLE.fullmatch(handle):
            message = f"{place}: handle {handle!r} must be an account name like {company.ticker}"
            raise WatchlistError(message)
    return company


def _text(entry: dict[str, Any], key: str, place: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        message = f"{place}: {key} must be a text that is not empty"
        raise WatchlistError(message)
    return value.strip()


def _texts(entry: dict[str, Any], key: str, place: str) -> tuple[str, ...]:
    values = entry.get(key, [])
    if not isinstance(values, list) or not all(isinstance(v, str) and v.strip() for v in values):
        message = f"{place}: {key} must be a list of texts that are not empty"
        raise WatchlistError(message)
    return tuple(value.strip() for value in values)


def _refuse_shared_names(companies: tuple[Company, ...], places: list[str]) -> None:
    """Raise when one ticker, name, alias or handle would mean two companies."""
    owners: dict[tuple[str, str], int] = {}
    for number, company in enumerate(companies):
        names = {("name", name.casefold()) for name in (company.name, *company.aliases)}
        handles = {("handle", handle.casefold()) for handle in company.handles}
        for kind, word in sorted({("ticker", company.ticker), *names, *handles}):
            first = owners.setdefault((kind, word), number)
            if first != number:
                message = (
                    f"{places[number]}: the {kind} {word!r} of {company.ticker} already belongs to "
                    f"{companies[first].ticker} ({places[first]}); a mention must mean one company"
                )
                raise WatchlistError(message)
