"""The whole road on a simulated world, where the truth is known."""

import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

from wordstreet.engines import transform
from wordstreet.engines.run import run
from wordstreet.engines.study import import_prices, study
from wordstreet.errors import SourceError
from wordstreet.prices.calendars import sessions
from wordstreet.settings import LakeSettings, LogSettings, Settings, WatchlistSettings
from wordstreet.simulate.world import make

__all__ = ["demo"]

_FIRST: Final = date(2025, 1, 2)
_LAST: Final = date(2025, 12, 31)


def demo(
    settings: Settings,
    world: Literal["planted", "null", "reaction"],
    seed: int,
    stop: threading.Event,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """
    Simulate posts and prices, then collect, ingest, import and judge them as if they were real.

    Everything lies in `demo/<world>-<seed>` of the home, apart from real data, and is made anew
    each time; the same world, seed and code give the same run id.
    """
    home = settings.home / "demo" / f"{world}-{seed}"
    if home.exists():
        shutil.rmtree(home)
    say(f"simulating the world {world!r}, seed {seed}")
    made = make(world, seed, sessions("XNYS", _FIRST, _LAST), home / "world")
    inside = replace(
        settings,
        home=home,
        lake=LakeSettings(),
        log=LogSettings(),
        watchlist=WatchlistSettings(path=str(made.watchlist)),
    )
    run(
        inside,
        "replay",
        str(made.posts),
        transform.build(inside),
        stop,
        lambda c, i: say(f"received {c.received:,}, landed {i.stored:,}"),
    )
    if stop.is_set():
        message = "stopped before the world was all in the lake; run the demo again"
        raise SourceError(message)
    import_prices(inside, [Path(made.prices)])
    truth = str(made.truth["relation"])
    figures, page = study(inside, {"world": world, "truth": truth}, say)
    return {
        "simulated": True,
        "world": world,
        "seed": seed,
        "truth": truth,
        "verdict": figures["verdict"],
        "sentence": figures["sentence"],
        "run_id": figures["run_id"],
        "report": str(page),
        "posts": sum(row["posts"] for row in figures["sources"]),
    }
