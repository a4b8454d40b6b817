"""Twenty companies that do not exist, with names that mean nothing in any language."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["COMPANIES", "Company", "write"]


class Company(NamedTuple):
    """One company and the ways in which posts speak of it."""

    ticker: str
    name: str
    alias: str
    handle: str
    exclude: str = ""

    @property
    def forms(self) -> tuple[str, ...]:
        """Cashtag, full name, short name, handle and hashtag."""
        together = "#" + self.name.replace(" ", "")
        return f"${self.ticker}", self.name, self.alias, f"@{self.handle}", together


def _companies() -> Iterator[Company]:
    for line in _LIST.split("\n"):
        ticker, alias, *trade = line.split()
        place = f"{alias} Falls" if alias == _NAMESAKE else ""
        yield Company(ticker, f"{alias} {' '.join(trade)}", alias, f"{alias.lower()}_co", place)


_NAMESAKE: Final = "Zymbrellan"
"""Shares its name with a waterfall, which posts speak of, too."""

_LIST: Final = """\
QVXIL Quorvexil Industries
ZYMBR Zymbrellan Foods
TVNDQ Tavindorq Robotics
MRQLS Morqualis Freight
BRVNQ Brevantoq Health
KRLXO Krellixor Semiconductors
OSTVQ Ostravenq Airways
PYXLN Pyxolarn Solar
VLQST Velquistra Software
DRMND Drumarindo Steel
HLVXM Halvixum Chemicals
JRVTQ Jorvantisq Bank
LNQRA Lunquorra Media
NXDRQ Nexidraque Logistics
OMBVQ Ombreviq Apparel
RSTVK Rastivolk Motors
SYLQN Sylquanet Networks
THRDX Thrandelux Homes
UVXRQ Uvexiarq Pharma
WXMRN Wexmoorin Mining"""

COMPANIES: Final = tuple(_companies())


def write(path: Path) -> None:
    """Write the watchlist."""
    path.write_text("\n".join(map(_entry, COMPANIES)), "utf-8")


def _entry(company: Company) -> str:
    lines = [
        "[[company]]",
        f'ticker = "{company.ticker}"',
        f'name = "{company.name}"',
        'exchange = "XNYS"',
        f'aliases = ["{company.alias}"]',
        f'handles = ["{company.handle}"]',
    ]
    if company.exclude:
        lines.append(f'exclude = ["{company.exclude}"]')
    return "\n".join(lines) + "\n"
