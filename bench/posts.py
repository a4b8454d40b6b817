"""Generated posts on the X v2 wire, about 1.1 kB each: realistic in shape, invented in content."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import orjson

from wordstreet.watchlist import Company, Watchlist

__all__ = ["write"]

_POOL: Final = 50_000
"""Different bodies; larger than any batch, so that no batch scores one text twice."""

_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_ID: Final = b"1000000000000000000"

_PLAIN: Final = """
the of and to in is on for with at by from market stock share price today week quarter report
company earnings revenue sales guidance chart volume open close morning session trading buyers
sellers analyst target estimate product launch factory store cloud phone truck drug bank loan rate
number looks like just about after before under over again still maybe think heard said call news
update thread chief plan deal court order supply demand cost margin hiring office city year month
""".split()
_MOODS: Final = """
great good love amazing strong win happy best nice beautiful gain hope bright excellent bad weak
terrible hate awful loss worst sad ugly fear crash scam fraud disappointing poor angry not never
very really extremely kinda but however
""".split()
_ICONS: Final = ["🚀", "📈", "📉", "😀", "😡", "🔥", "💀", "🙏"]


def write(path: Path, count: int, seed: int = 11) -> None:
    """Write `count` lines; the same seed writes the same bytes."""
    bodies = list(_bodies(random.Random(seed), Watchlist.load("us30").companies))
    with path.open("wb", buffering=2**20) as file:
        for n in range(count):
            at = (_START + timedelta(seconds=n * 7)).strftime("%Y-%m-%dT%H:%M:%S.000Z").encode()
            before, after = bodies[n % _POOL]
            post_id = b"%d" % (1990000000000000000 + n)
            file.write(before.replace(_ID, post_id) + at + after)


def _bodies(chance: random.Random, companies: tuple[Company, ...]) -> Iterator[tuple[bytes, bytes]]:
    """Yield lines cut in two where the time goes."""
    for _ in range(_POOL):
        line = orjson.dumps(_post(chance, companies)) + b"\n"
        before, after = line.split(b"@time@")
        yield before, after


def _post(chance: random.Random, companies: tuple[Company, ...]) -> dict[str, object]:
    text, tickers = _text(chance, companies)
    author = str(chance.randrange(10**17, 10**18))
    number = chance.randrange
    counts = ("retweet_count", "reply_count", "like_count", "quote_count", "impression_count")
    data = {
        "id": _ID.decode(),
        "text": text,
        "author_id": author,
        "created_at": "@time@",
        "lang": chance.choice(["en"] * 9 + ["es", "fr", "ja"]),
        "public_metrics": {name: number(300) for name in counts},
        "edit_history_tweet_ids": [_ID.decode()],
        "conversation_id": _ID.decode(),
        "possibly_sensitive": False,
        "entities": {
            "cashtags": [{"start": 0, "end": len(t) + 1, "tag": t} for t in tickers],
            "urls": [
                {
                    "start": 0,
                    "end": 23,
                    "url": "https://t.co/abcdefghij",
                    "expanded_url": f"https://www.example.com/news/2026/{number(10**7)}.html",
                    "display_url": "example.com/news/2026/1…",
                }
            ],
        },
    }
    user = {
        "id": author,
        "name": f"User {number(10**5)}",
        "username": f"user_{number(10**6)}",
        "created_at": "2012-05-01T10:00:00.000Z",
        "verified": False,
        "public_metrics": {"followers_count": number(10**5), "tweet_count": number(10**5)},
    }
    rules = [{"id": "1990000000000000001", "tag": ticker} for ticker in tickers]
    return {"data": data, "includes": {"users": [user]}, "matching_rules": rules}


def _text(chance: random.Random, companies: tuple[Company, ...]) -> tuple[str, list[str]]:
    """Return a text of about 25 words and the tickers it names with a dollar sign."""
    words = chance.choices(_PLAIN, k=18) + chance.choices(_MOODS, k=4)
    chance.shuffle(words)
    tickers = []
    for company in chance.sample(companies, chance.choice([0, 1, 1, 1, 1, 2])):
        if chance.random() < 0.5:
            tickers.append(company.ticker)
            words.insert(chance.randrange(len(words)), f"${company.ticker}")
        else:
            words.insert(chance.randrange(len(words)), company.name)
    if chance.random() < 0.3:
        words.append(chance.choice(_ICONS) * chance.choice([1, 1, 2, 3]))
    if chance.random() < 0.5:
        words.append("https://t.co/abcdefghij")
    if chance.random() < 0.2:
        words[3] = words[3].upper() + "!!!"
    return " ".join(words), tickers
