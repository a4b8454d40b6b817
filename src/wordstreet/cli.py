"""The command line: words in, one call of an engine, words or JSON out."""

import argparse
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib.metadata import version
from types import FrameType
from typing import Any, Final

from wordstreet import settings as settings_room
from wordstreet.commands import lake as lake_commands
from wordstreet.commands import log as log_commands
from wordstreet.commands import looks, road
from wordstreet.commands import stack as stack_commands
from wordstreet.commands.words import Answer
from wordstreet.engines.collect import SOURCES
from wordstreet.errors import RefusedError, WordstreetError
from wordstreet.settings import Settings

__all__ = ["main"]

_UNUSABLE: Final = (PermissionError, NotADirectoryError, FileExistsError, IsADirectoryError)
"""What comes of a path that the user gave and the system refuses."""

_EPILOG: Final = """\
First steps, offline and without keys:
  wordstreet demo
  wordstreet run --source replay --path tweets/ --set watchlist.path=mine.toml
  wordstreet prices import prices/*.csv
  wordstreet study
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 done, 1 failed, 2 refused input, settings or usage."""
    parser = _parser()
    given = parser.parse_args(arguments)
    for value in vars(given).values():
        if not _is_text(value):
            parser.error(f"an argument is not valid text in UTF-8: {value!r}")
    debug = getattr(given, "debug", False)
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    if not hasattr(given, "command"):
        parser.print_help(sys.stderr)
        return 2
    # commands that have a batch to finish take the signal over; the others end in our words
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _answer(given)
    except BrokenPipeError:  # the reader of our output went away, e.g. `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("wordstreet: interrupted; what was acknowledged is stored", file=sys.stderr)
        return 1
    except Exception as error:
        return _report(error, debug)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _is_text(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_text, value))
    return not isinstance(value, str) or not any("\ud800" <= sign <= "\udfff" for sign in value)


def _answer(given: argparse.Namespace) -> int:
    in_force = settings_room.load(
        getattr(given, "home", None),
        getattr(given, "config", None),
        os.environ,
        getattr(given, "set", ()),
    )
    found, text, succeeded = given.command(in_force, given)
    if getattr(given, "json", False):
        print(json.dumps(found, default=str, allow_nan=False))
    elif text:
        print(text)
    sys.stdout.flush()
    return 0 if succeeded else 1


def _report(error: Exception, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    if isinstance(error, WordstreetError):
        print(f"wordstreet: {error}", file=sys.stderr)
        return error.exit_code
    if isinstance(error, _UNUSABLE):
        print(f"wordstreet: cannot use {error.filename}: {error.strerror}", file=sys.stderr)
        return RefusedError.exit_code
    print(
        f"wordstreet: {type(error).__name__}: {error}\n"
        "This is a defect of wordstreet; run it again with --debug and report what it prints.",
        file=sys.stderr,
    )
    return 1


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = shared.add_argument_group("everywhere")
    group.add_argument("--home", metavar="DIR", help="folder of log, lake and reports")
    group.add_argument("--config", metavar="FILE", help="TOML file of settings")
    group.add_argument(
        "--set", metavar="KEY=VALUE", action="append", help="one setting, e.g. log.topic=posts"
    )
    group.add_argument("--json", action="store_true", help="one JSON object on stdout")
    group.add_argument("--debug", action="store_true", help="show logs and tracebacks")
    parser = argparse.ArgumentParser(
        prog="wordstreet",
        description="Word on the street, tested against the tape.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[shared],
    )
    parser.add_argument(
        "--version", action="version", version=f"wordstreet {version('wordstreet')}"
    )
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND")
    for define in (_road, _log, _lake, _prices, _looks, _stack):
        define(verbs, shared)
    return parser


def _add(
    verbs: Any,
    shared: argparse.ArgumentParser,
    name: str,
    command: Callable[[Settings, argparse.Namespace], Answer],
    summary: str,
    example: str,
) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(
        name,
        parents=[shared],
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.set_defaults(command=command)
    return verb


def _road(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Define the commands along the road."""
    verb = _add(
        verbs, shared, "demo", road.demo, "the whole road on a simulated world, offline",
        "wordstreet demo --world null --seed 3",
    )  # fmt: skip
    verb.add_argument("--world", choices=("planted", "null", "reaction"), default="planted")
    verb.add_argument("--seed", type=_seed, default=7, help="another seed is another world")
    for name, command, summary in (
        ("run", road.run, "collect and ingest until the source ends"),
        ("collect", road.collect, "put what a source gives on the log"),
    ):
        verb = _add(
            verbs, shared, name, command, summary,
            f"wordstreet {name} --source replay --path tweets/ --set watchlist.path=mine.toml",
        )  # fmt: skip
        verb.add_argument("--source", choices=tuple(SOURCES), default="replay")
        verb.add_argument("--path", help="file or folder that replay reads")
    verb = _add(
        verbs, shared, "ingest", road.ingest, "move the log into the lake",
        "wordstreet ingest --once",
    )  # fmt: skip
    verb.add_argument("--engine", choices=("embedded", "spark"), default="embedded")
    verb.add_argument("--once", action="store_true", help="end where the log ends now")
    _add(
        verbs, shared, "study", road.study, "join posts and prices and give the verdict",
        "wordstreet study --set study.min_posts=5",
    )  # fmt: skip


def _seed(text: str) -> int:
    if not text.isdecimal():
        message = f"a seed is a whole number from 0 on, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _log(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Define the commands about the log."""
    log = verbs.add_parser("log", help="the log: its topic on Kafka, its lag", parents=[shared])
    inner = log.add_subparsers(title="commands", metavar="COMMAND", required=True)
    verb = _add(
        inner, shared, "create", log_commands.create, "make the topic on Kafka, or bring it in shape",
        "wordstreet log create --set log.kind=kafka --partitions 6 --retention-hours 24",
    )  # fmt: skip
    for name, words in (
        ("partitions", "log.partitions; they can grow, never shrink"),
        ("replication", "log.replication"),
        ("min-insync-replicas", "log.min_insync_replicas"),
        ("retention-hours", "log.retention_hours"),
    ):
        verb.add_argument(f"--{name}", type=_count, metavar="N", help=words)
    _add(
        inner, shared, "info", log_commands.info, "offsets, lag against the lake, retention left",
        "wordstreet log info",
    )  # fmt: skip


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        message = f"a whole number from 1 on, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _stack(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Define the commands about services on this machine."""
    stack = verbs.add_parser("stack", help="a real Kafka on this machine", parents=[shared])
    inner = stack.add_subparsers(title="commands", metavar="COMMAND", required=True)
    verb = _add(
        inner, shared, "up", stack_commands.up, "start Apache Kafka from jars; needs Java 17 or newer",
        "wordstreet stack up --brokers 3",
    )  # fmt: skip
    verb.add_argument("--brokers", type=int, choices=(1, 3), default=1)
    for name, command, summary in (
        ("down", stack_commands.down, "stop it; its data stays"),
        ("status", stack_commands.status, "what runs, and where"),
    ):
        _add(inner, shared, name, command, summary, f"wordstreet stack {name}")


def _lake(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Define the commands that look into the lake and keep it in shape."""
    lake = verbs.add_parser(
        "lake", help="look into the lake and keep it in shape", parents=[shared]
    )
    inner = lake.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command, summary in (
        ("info", lake_commands.info, "tables, sizes and positions"),
        ("verify", lake_commands.verify, "is every offset there exactly once, every file alive"),
        ("compact", lake_commands.compact, "merge small files"),
    ):
        _add(inner, shared, name, command, summary, f"wordstreet lake {name}")
    verb = _add(
        inner, shared, "vacuum", lake_commands.vacuum, "remove files no recent version needs",
        "wordstreet lake vacuum --retention-hours 24",
    )  # fmt: skip
    verb.add_argument(
        "--retention-hours", type=int, metavar="H", help="lake.retention_hours if absent"
    )
    verb = _add(
        inner, shared, "delete", lake_commands.delete, "blank a post, landed or still to come",
        "wordstreet lake delete --post 418229860210057216",
    )  # fmt: skip
    verb.add_argument("--post", required=True, metavar="ID")
    verb.add_argument("--source", help="needed when the post has not landed, e.g. x")
    verb = _add(
        inner, shared, "query", lake_commands.query, "run SQL over what is read",
        "wordstreet lake query \"select ticker, count(*) n from mentions group by ticker\"",
    )  # fmt: skip
    verb.add_argument("sql", metavar="SQL")


def _prices(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Define the commands about prices."""
    prices = verbs.add_parser("prices", help="daily prices", parents=[shared])
    inner = prices.add_subparsers(title="commands", metavar="COMMAND", required=True)
    verb = _add(
        inner, shared, "import", road.prices_import, "read CSV or Parquet files of daily prices",
        "wordstreet prices import prices/",
    )  # fmt: skip
    verb.add_argument("paths", nargs="+", metavar="PATH")


def _looks(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Define the commands that explain."""
    verb = _add(
        verbs, shared, "match", looks.match, "say which companies a text is about, and why",
        "wordstreet match --explain '$T beats estimates'",
    )  # fmt: skip
    verb.add_argument("--explain", required=True, metavar="TEXT")
    verb = _add(
        verbs, shared, "score", looks.score, "score the opinion in texts, from -1 to 1",
        "wordstreet score 'great quarter' 'what a mess'",
    )  # fmt: skip
    verb.add_argument("texts", nargs="+", metavar="TEXT")
    _add(
        verbs, shared, "settings", looks.settings, "what is in force and where it came from",
        "wordstreet settings --set log.topic=news",
    )  # fmt: skip
    _add(
        verbs, shared, "doctor", looks.doctor, "what is installed, reachable and allowed",
        "wordstreet doctor",
    )  # fmt: skip
