"""The commands about the local stack: real brokers on this machine, up, down, and what runs."""

from argparse import Namespace
from typing import Any

from wordstreet.commands.words import Answer, aligned, told
from wordstreet.engines.progress import Progress
from wordstreet.settings import Settings
from wordstreet.stack import brokers
from wordstreet.stack.brokers import Stack

__all__ = ["down", "status", "up"]


def up(settings: Settings, given: Namespace) -> Answer:
    """Start the brokers that do not run yet."""
    with Progress() as progress:
        found = brokers.up(settings.home / "stack", given.brokers, progress.say)
    servers = f"--set log.kind=kafka --set log.servers={found.servers}"
    hint = f"use it with\n  wordstreet log create {servers}"
    return _object(found), f"{_shown(found)}\n\n{hint}", True


def down(settings: Settings, given: Namespace) -> Answer:
    """Stop the brokers; their data stays."""
    del given
    ended = brokers.down(settings.home / "stack")
    found = _object(brokers.status(settings.home / "stack"))
    text = f"ended {len(ended)} processes; the data stays for the next `wordstreet stack up`"
    return {**found, "ended": ended}, text, True


def status(settings: Settings, given: Namespace) -> Answer:
    """What runs."""
    del given
    found = brokers.status(settings.home / "stack")
    text = "no stack was made here" if found is None else _shown(found)
    return _object(found), text, True


def _object(found: Stack | None) -> dict[str, Any]:
    if found is None:
        return {"servers": "", "pids": [], "logs": [], "alive": []}
    return {
        "servers": found.servers,
        "pids": found.pids,
        "logs": [str(path) for path in found.logs],
        "alive": found.alive,
    }


def _shown(found: Stack) -> str:
    rows = [("broker", "address", "process", "log")]
    rows += [
        (str(b.number), b.address, "–" if b.pid is None else str(b.pid), str(b.log))
        for b in found.brokers
    ]
    return f"{told({'servers': found.servers})}\n\n{aligned(rows)}"
