"""
Real Apache Kafka brokers on loopback: up, down, and what runs.

One broker, or three that replicate; KRaft, each broker a controller too. A folder holds all of it:
`stack.json` (ports, chosen once), and for each broker its properties, data, log and process number.
What was acknowledged survives `kill -9` of every broker at once. It need not survive a power cut:
Kafka leaves writing to disk to the operating system and relies on copies on other machines.
"""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wordstreet.errors import StackError
from wordstreet.locks import hold
from wordstreet.stack import jars, java, metadata, processes
from wordstreet.stack.plan import HOST, Node, Plan, free, load, make, properties

__all__ = ["Broker", "Stack", "down", "status", "up"]

JARS: Final = "kafka-4.1.1"
_UP_SECONDS: Final = 60.0
_DOWN_SECONDS: Final = 30.0
_PORT_SECONDS: Final = 3.0
_WAIT_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.2
_LAST_LINES: Final = 15


@dataclass(frozen=True, slots=True)
class Broker:
    """
    One broker as it was found.

    pid: the number of its process; None when it does not run
    """

    number: int
    address: str
    pid: int | None
    log: Path


@dataclass(frozen=True, slots=True)
class Stack:
    """
    The brokers of a folder as they were found.

    servers: the bootstrap string, `host:port` of each broker, running or not
    """

    servers: str
    brokers: tuple[Broker, ...]

    @property
    def pids(self) -> list[int]:
        """The processes that run."""
        return [broker.pid for broker in self.brokers if broker.pid is not None]

    @property
    def alive(self) -> list[bool]:
        """For each broker whether it runs."""
        return [broker.pid is not None for broker in self.brokers]

    @property
    def logs(self) -> list[Path]:
        """The log file of each broker."""
        return [broker.log for broker in self.brokers]


def up(
    folder: Path,
    brokers: int = 1,
    say: Callable[[str], object] = lambda _: None,
    extra: Mapping[str, str] | None = None,
) -> Stack:
    """
    Start what does not run of 1 or 3 brokers, and return when all answer.

    A broker that runs is left alone; one that ended, however it ended, comes back with its address
    and its data. `extra` holds further broker properties, which apply to the brokers started now
    and are not remembered.
    """
    folder = folder.absolute()
    with hold(folder, "stack", _WAIT_SECONDS):
        plan = load(folder) or make(folder, brokers)
        _check_number(folder, plan, brokers)
        _raise(folder, plan, say, extra)
    return _look(folder, plan)


def down(folder: Path, say: Callable[[str], object] = lambda _: None) -> list[int]:
    """Stop every broker of a folder and return the numbers of the processes that ended."""
    folder = folder.absolute()
    plan = load(folder)
    if plan is None:
        return []
    with hold(folder, "stack", _WAIT_SECONDS):
        pids = _look(folder, plan).pids
        programs = [(_home(folder, node), _mark(folder, node)) for node in plan.nodes]
        for number in (signal.SIGTERM, signal.SIGKILL):
            for home, mark in programs:
                processes.stop(home, mark, number)
            if processes.gone(programs, _DOWN_SECONDS):
                break
            say(f"not ended by {number.name} within {_DOWN_SECONDS:.0f} s")
        else:
            message = f"processes {_look(folder, plan).pids} cannot be ended; look at them with ps"
            raise StackError(message)
    return pids


def status(folder: Path) -> Stack | None:
    """Return what runs of the brokers of a folder; None when none were ever made there."""
    folder = folder.absolute()
    plan = load(folder)
    return None if plan is None else _look(folder, plan)


def _look(folder: Path, plan: Plan) -> Stack:
    brokers = (
        Broker(node.number, f"{HOST}:{node.client}", _pid(folder, node), _log(folder, node))
        for node in plan.nodes
    )
    return Stack(plan.servers, tuple(brokers))


def _home(folder: Path, node: Node) -> Path:
    return folder / f"broker-{node.number}"


def _log(folder: Path, node: Node) -> Path:
    return _home(folder, node) / "broker.log"


def _mark(folder: Path, node: Node) -> str:
    """The word on a broker's command line by which it is found again."""
    return f"-Dwordstreet.broker={_home(folder, node) / 'server.properties'}"


def _pid(folder: Path, node: Node) -> int | None:
    return processes.find(_home(folder, node), _mark(folder, node))


def _check_number(folder: Path, plan: Plan, brokers: int) -> None:
    made = len(plan.nodes)
    if made != brokers:
        message = (
            f"the stack in {folder} was made with {made} broker(s), not {brokers}; "
            f"ask for {made}, or give this one another --home"
        )
        raise StackError(message)


def _raise(
    folder: Path, plan: Plan, say: Callable[[str], object], extra: Mapping[str, str] | None
) -> None:
    """
    Start what does not run until every broker, asked itself, knows that all are alive.

    One that ends after it was found running was just being killed and is started too; one that
    ends after it was started here has a reason, which its log tells.
    """
    waiting, started = list(plan.nodes), set[Node]()
    deadline = time.monotonic() + _UP_SECONDS
    while waiting:
        idle = [node for node in plan.nodes if _pid(folder, node) is None]
        for node in started.intersection(idle):
            raise StackError(_failure(folder, node, "ended while starting"))
        if idle:
            _start(folder, plan, idle, say, extra)
            waiting, started = list(plan.nodes), started.union(idle)
            deadline = time.monotonic() + _UP_SECONDS
        if metadata.alive(HOST, waiting[0].replication) == len(plan.nodes):
            waiting.pop(0)
        elif time.monotonic() > deadline:
            reason = f"does not answer after {_UP_SECONDS:.0f} s"
            raise StackError(_failure(folder, waiting[0], reason))
        else:
            time.sleep(_POLL_SECONDS)


def _start(
    folder: Path,
    plan: Plan,
    nodes: list[Node],
    say: Callable[[str], object],
    extra: Mapping[str, str] | None,
) -> None:
    program, classpath = java.find(), ":".join(map(str, jars.fetch(JARS, say)))
    heap = "-Xmx512m" if len(plan.nodes) == 1 else "-Xmx384m"
    for node in nodes:
        _check_ports(node)
        home = _home(folder, node)
        _write(home, node, plan, extra)
        if not (home / "data").exists():
            _format(home, node, plan, [str(program), "-cp", classpath])
        say(f"starting broker {node.number} at {HOST}:{node.client}")
        options = [heap, "-XX:+ExitOnOutOfMemoryError", *_LOGGING, _mark(folder, node)]
        command = [str(program), *options, "-cp", classpath, "kafka.Kafka", "server.properties"]
        processes.start(command, home, _log(folder, node))


_LOGGING: Final = [
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
]


def _check_ports(node: Node) -> None:
    """Refuse ports that stay taken; those of a broker just killed are given back in a moment."""
    deadline = time.monotonic() + _PORT_SECONDS
    while taken := [port for port in node.ports if not free(port)]:
        if time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            continue
        message = (
            f"port {taken[0]} of broker {node.number} is taken by another program; "
            f"end that program (lsof -i :{taken[0]} names it) and run this again"
        )
        raise StackError(message)


def _write(home: Path, node: Node, plan: Plan, extra: Mapping[str, str] | None) -> None:
    """Write the properties anew, and put the log of the last run aside."""
    home.mkdir(exist_ok=True)
    (home / "server.properties").write_text(properties(node, plan.nodes, extra), "ascii")
    log = home / "broker.log"
    if log.exists():
        log.replace(home / "broker.log.1")


def _format(home: Path, node: Node, plan: Plan, java_command: list[str]) -> None:
    """Make an empty data folder, which is there either whole or not at all."""
    new = home / "data.new"
    shutil.rmtree(new, ignore_errors=True)
    text = properties(node, plan.nodes, data="data.new")
    (home / "format.properties").write_text(text, "ascii")
    tool = [*java_command, "kafka.tools.StorageTool", "format", "-t", plan.cluster]
    done = subprocess.run(
        [*tool, "-c", "format.properties"], cwd=home, capture_output=True, text=True
    )
    if done.returncode:
        message = (
            f"the data folder of broker {node.number} cannot be made:\n{done.stdout}{done.stderr}"
        )
        raise StackError(message)
    new.rename(home / "data")


def _failure(folder: Path, node: Node, reason: str) -> str:
    log = _log(folder, node)
    lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
    last = "\n".join(lines[-_LAST_LINES:])
    return f"broker {node.number} {reason}; the last lines of {log}:\n{last}"
