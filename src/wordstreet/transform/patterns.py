"""What to look for: the byte patterns by which a text can name the companies of a watchlist."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from wordstreet.watchlist import Company, Watchlist

__all__ = [
    "ALIAS",
    "CASHTAG",
    "EXCLUDE",
    "HANDLE",
    "KINDS",
    "LINK",
    "NAME",
    "RULE",
    "Pattern",
    "compile_patterns",
    "fold",
    "is_risky",
    "symbols",
    "tidy",
]

KINDS: Final = ("cashtag", "handle", "name", "alias", "rule")
"""Kinds of evidence by their number, the one to report first where two are equally strong."""

CASHTAG, HANDLE, NAME, ALIAS, RULE, EXCLUDE, LINK = range(7)

_RARE: Final = (
    r"\t-\r\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}"
    r"\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
)
_SPACES: Final = f"[ {_RARE}]+"
_UNTIDY: Final = f"  |[{_RARE}]"
_SYMBOL: Final = re.compile(r"[A-Z]{1,6}(?:[.-][A-Z]{1,2})?")
_CLASS_MARKS: Final = ".-_/"
_NOT_IN_HASHTAGS: Final = re.compile(r"[\s'’.-]")
_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        """
        ACT AGE AIR ALL AND ANY ARE ARM ART ASK BALL BEAM BEN BEST BIG BILL BIRD BITE BOLD BOOM BOOT
        BOX BUG BURN BY CAKE CALL CALM CAN CAR CARE CARS CART CASH CAT CELL CHAT CHEF CITY COIN COKE
        COLD COOK COOL COP CORE CORN COST CREW CUBE DARE DASH DATA DAY DEAL DEN DIG DOG DOLE DUDE EARN
        EAST EAT EDIT ELSE EVER EYE FACE FAN FANG FAST FAT FILL FIT FIVE FIX FLEX FLOW FLY FOLD FOR
        FORD FORM FOX FREE FUN FUND GAIN GAME GAP GATE GOLD GOOD GRAB GROW HACK HAS HE HEAR HELP HERO
        HOLD HOME HOOD HOPE HOT HOUR HUGE ICE INK IT JACK JOB JOY KEY KIDS KIND KING LAB LAKE LAND LAW
        LEAD LIFE LINE LINK LIVE LOAN LOCK LOG LOVE LOW LUCK MAIN MAN MARK MASS MAX META MIND MOON
        MORE MOVE NET NEW NEWS NEXT NICE NOTE NOW ODD OLD ON ONE OPEN OR OUT PACK PARK PATH PAY PEAK
        PEN PET PINS PLAY PLUS POOL POST PUMP RAMP RARE REAL RENT RIDE RING RIOT ROAD ROCK ROOT RUN
        SAFE SAIL SALT SAVE SEA SEE SHIP SHOP SITE SIX SKY SNAP SNOW SO SON SPOT STAR STAY STEM STEP
        STOP SUN SWIM TALK TAP TEAM TECH TELL TEN TIME TOWN TRUE TWO UNIT USA VERY WASH WAY WELL WEST
        WIN WING WISH WIX WOLF WOOD WORK WOW YOU ZIP
        """,
    )
)
"""Tickers that are everyday English words, with which $-for-S jokes and prices are written, too."""


class Pattern(NamedTuple):
    """
    One thing to look for.

    folded:  the bytes to find in folded text
    company: place in the watchlist; -1 for the marks of links
    kind:    what finding it means
    written: as the watchlist writes it, where the case of letters tells something; else empty
    """

    folded: bytes
    company: int
    kind: int
    written: bytes


def is_risky(symbol: str) -> bool:
    """Tell whether `$` and the symbol may well mean something else: one or two letters, or a word."""
    return len(symbol) <= 2 or symbol in _WORDS


def symbols(watchlist: Watchlist) -> dict[str, int]:
    """
    Return each symbol a platform may list, with the place of its company.

    That is the ticker with any mark before its class, and aliases that look like a ticker unless
    they are the ticker of another company.
    """
    found = {}
    for place, company in enumerate(watchlist):
        for alias in company.aliases:
            if _SYMBOL.fullmatch(alias):
                found[alias] = place
    for place, company in enumerate(watchlist):
        for mark in _CLASS_MARKS:
            found[re.sub("[.-]", mark, company.ticker)] = place
    return found


def compile_patterns(watchlist: Watchlist) -> list[Pattern]:
    """Return all patterns of a watchlist, each form of a company once, and the marks of links."""
    wanted = list(_wanted(watchlist))
    folded = fold(pa.array([text for text, *_ in wanted], pa.string())).to_pylist()
    made: dict[tuple[str, int, bool], Pattern] = {}
    for form, (_, company, kind, written) in zip(folded, wanted, strict=True):
        pattern = Pattern(form.encode(), company, kind, written.encode())
        made.setdefault((form, company, kind == EXCLUDE), pattern)
    return sorted(made.values())


def _wanted(watchlist: Watchlist) -> Iterator[tuple[str, int, int, str]]:
    yield from (("://", -1, LINK, ""), ("www.", -1, LINK, ""))
    for symbol, place in symbols(watchlist).items():
        yield f"${symbol}", place, CASHTAG, f"${symbol}" if is_risky(symbol) else ""
    for place, company in enumerate(watchlist):
        yield from ((f"@{handle}", place, HANDLE, "") for handle in company.handles)
        for phrase in company.exclude:
            yield from ((form, place, EXCLUDE, "") for form in _forms(phrase))
        for kind, name in _names(company):
            yield from _name(name, place, kind)


def _names(company: Company) -> Iterator[tuple[int, str]]:
    yield NAME, company.name
    yield from ((ALIAS, alias) for alias in company.aliases)


def _name(name: str, place: int, kind: int) -> Iterator[tuple[str, int, int, str]]:
    """Yield the forms of a name; of several words also run together as a hashtag."""
    written = name if name.isalnum() and name.lower() != name.upper() else ""
    yield from ((form, place, kind, written) for form in _forms(name))
    together = _NOT_IN_HASHTAGS.sub("", name)
    if together != name and together.isalnum():
        yield from ((f"#{form}", place, kind, "") for form in _forms(together))


def _forms(name: str) -> set[str]:
    """Return the spellings of a name that folding does not bring together."""
    plain = " ".join(name.split())
    cased = {plain, plain.upper(), plain.casefold(), plain.replace("ß", "ẞ")}
    quoted = {re.sub("['’]", mark, form) for form in cased for mark in "'’"}
    return {unicodedata.normalize(form, text) for text in quoted for form in ("NFC", "NFD")}


def tidy(texts: pa.Array) -> pa.Array:
    """Return the texts with every run of white space as one blank; null is an empty text."""
    texts = pc.fill_null(texts.cast(pa.string()), "")
    untidy = pc.match_substring_regex(texts, _UNTIDY)
    if not pc.any(untidy).as_py():
        return texts
    blank = pc.replace_substring_regex(texts.filter(untidy), _SPACES, " ")
    return pc.replace_with_mask(texts, untidy, blank)


def fold(texts: pa.Array) -> pa.Array:
    """
    Return the texts in lower case, letter for letter and byte for byte in the same places.

    A letter whose lower case takes another number of bytes stays as it is.
    """
    lower = pc.utf8_lower(texts)
    moved = pc.not_equal(pc.binary_length(lower), pc.binary_length(texts))
    if not pc.any(moved).as_py():
        return lower
    kept = ["".join(map(_fold_letter, text)) for text in texts.filter(moved).to_pylist()]
    return pc.replace_with_mask(lower, moved, pa.array(kept, pa.string()))


def _fold_letter(letter: str) -> str:
    lower = letter.lower()
    return lower if len(lower.encode()) == len(letter.encode()) else letter
