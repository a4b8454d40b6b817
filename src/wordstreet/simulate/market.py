"""Returns, the opinion behind the posts, and how the two go together; prices as a provider has them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from wordstreet.sessions import Sessions
from wordstreet.simulate.companies import COMPANIES

__all__ = ["SPLIT", "SPLIT_RATIO", "Kind", "Market", "draw", "rank_correlation", "write"]

Kind = Literal["planted", "null", "reaction"]

Floats = NDArray[np.float64]

SPLIT: Final = 2
"""The company that splits its shares halfway through; it pays dividends, too."""
SPLIT_RATIO: Final = 4

_PERSISTENCE: Final = 0.5  # of opinion from one session to the next
_MOVED: Final = 0.0021  # return for one standard deviation of opinion
_BY_DAY: Final = 0.65  # part of it between open and close, the rest in the night after
_FOLLOWED: Final = 0.38  # correlation of a change of opinion with the session's return
_COMMON: Final = (0.004, 0.007)  # standard deviation of the market's return, by night and by day
_OWN: Final = (0.008, 0.013)  # and of a company's
_DEGREES: Final = 4  # of freedom of Student's t: large moves are frequent

_QUARTER: Final = 63  # sessions between two dividends
_YIELD: Final = 0.006  # of each dividend
_DOLLARS: Final = (60.0, 400.0)


@dataclass(frozen=True, slots=True)
class Market:
    """
    Sessions (rows) and companies (columns).

    night:   log of the return from the close before to the open, dividends included
    day:     log of the return from open to close
    opinion: what the crowd thinks until shortly before the close; one is its standard deviation
    """

    night: Floats
    day: Floats
    opinion: Floats

    @property
    def forward(self) -> Floats:
        """Return from the next open to the open after it, for all sessions but the last two."""
        change: Floats = self.day[1:-1] + self.night[2:]
        return change

    @property
    def same_session(self) -> Floats:
        """Return from the close before to the close."""
        change: Floats = self.night + self.day
        return change


def draw(world: Kind, sessions: int, chance: np.random.Generator) -> Market:
    """
    Return a market in which opinion moves prices, does not, or follows them.

    The same generator state gives the same noise in all three.
    """
    shape = (sessions, len(COMPANIES))
    night, day = (_returns(*sizes, shape, chance) for sizes in zip(_COMMON, _OWN, strict=True))
    news = chance.standard_normal(shape)
    if world == "reaction":
        news = _FOLLOWED * _standard(night + day) + np.sqrt(1 - _FOLLOWED**2) * news
    opinion = _persistent(news)
    if world == "planted":
        day[1:] += _MOVED * _BY_DAY * opinion[:-1]
        night[2:] += _MOVED * (1 - _BY_DAY) * opinion[:-2]
    return Market(night, day, opinion)


def _returns(
    common: float, own: float, shape: tuple[int, int], chance: np.random.Generator
) -> Floats:
    """Return the market's returns times each company's sensitivity, and the companies' own."""
    unit = np.sqrt(_DEGREES / (_DEGREES - 2))
    market = common * chance.standard_normal((shape[0], 1))
    sensitivity = chance.uniform(0.7, 1.3, shape[1])
    drawn: Floats = market * sensitivity + own / unit * chance.standard_t(_DEGREES, shape)
    return drawn


def _standard(returns: Floats) -> Floats:
    """Return returns against the others of the session, in standard deviations, three at most."""
    against = returns - returns.mean(axis=1, keepdims=True)
    standard: Floats = np.clip(against / against.std(), -3, 3)
    return standard


def _persistent(news: Floats) -> Floats:
    """Return first-order autoregressions with standard deviation one."""
    opinion = news.copy()
    for row in range(1, len(news)):
        opinion[row] = _PERSISTENCE * opinion[row - 1] + np.sqrt(1 - _PERSISTENCE**2) * news[row]
    return opinion


def rank_correlation(one: Floats, other: Floats) -> float:
    """Return Spearman's correlation over companies, averaged over sessions; no value comes twice."""
    ranks = [np.argsort(np.argsort(values, axis=1), axis=1) for values in (one, other)]
    apart = float(((ranks[0] - ranks[1]) ** 2).sum(axis=1).mean())
    companies = one.shape[1]
    return float(1 - 6 * apart / (companies * (companies**2 - 1)))


def write(market: Market, sessions: Sessions, folder: Path, chance: np.random.Generator) -> None:
    """Write a file for each company, as providers do: all but `Adj Close` adjusted for splits only."""
    start = np.log(chance.uniform(*_DOLLARS, len(COMPANIES)))
    closes = np.exp(start + np.cumsum(market.same_session, axis=0))
    opens = closes / np.exp(market.day)
    reach = np.exp(np.abs(0.004 * chance.standard_normal((2, *closes.shape))))
    volume = (1e6 * np.exp(0.4 * chance.standard_normal(closes.shape))).astype(np.int64)
    highs, lows = np.maximum(opens, closes) * reach[0], np.minimum(opens, closes) / reach[1]
    for column, company in enumerate(COMPANIES):
        owned = np.stack([v[:, column] for v in (opens, highs, lows, closes)])
        paid, shares = _kept(column, len(closes)), _shares(column, len(closes))
        traded = np.round(owned / paid * shares, 2) / shares
        table = [*traded, traded[3] * paid, volume[:, column]]
        rows = zip(sessions.dates.tolist(), *(v.tolist() for v in table), strict=True)
        lines = [_LINE % row for row in rows]
        (folder / f"{company.ticker}.csv").write_text(_HEADER + "".join(lines), "utf-8")


_HEADER: Final = "Date,Open,High,Low,Close,Adj Close,Volume\n"
_LINE: Final = "%s,%.4f,%.4f,%.4f,%.4f,%.8f,%d\n"


def _kept(column: int, sessions: int) -> Floats:
    """Return what dividends still to come leave of each price; every second company pays."""
    row = np.arange(sessions)
    pays = (row % _QUARTER == 20 + column) & (column % 2 == 0)
    steps = np.where(pays, 1 - _YIELD, 1.0)
    kept: Floats = np.append(np.cumprod(steps[:0:-1])[::-1], 1.0)
    return kept


def _shares(column: int, sessions: int) -> NDArray[np.int64]:
    """Return how many of today's shares each share of the past became."""
    before = (np.arange(sessions) < sessions // 2) & (column == SPLIT)
    return np.where(before, SPLIT_RATIO, 1)
