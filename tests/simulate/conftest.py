"""A small simulated world of each kind, made once."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from wordstreet.prices.calendars import sessions
from wordstreet.sessions import Sessions
from wordstreet.simulate.world import World, make


@pytest.fixture(scope="session")
def calendar() -> Sessions:
    """Half a year, with clocks changed, holidays and half days in it."""
    return sessions("XNYS", date(2025, 10, 1), date(2026, 1, 15))


@pytest.fixture(scope="session")
def worlds(calendar: Sessions, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, World]:
    """The three worlds of one seed."""
    root: Path = tmp_path_factory.mktemp("worlds")
    return {
        "planted": make("planted", 7, calendar, root / "planted"),
        "null": make("null", 7, calendar, root / "null"),
        "reaction": make("reaction", 7, calendar, root / "reaction"),
    }


@pytest.fixture(scope="session")
def stream(worlds: Mapping[str, World]) -> list[bytes]:
    """All lines of the planted world, in the order in which they come."""
    files = sorted(worlds["planted"].posts.iterdir())
    return [line for path in files for line in path.read_bytes().splitlines()]
