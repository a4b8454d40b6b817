"""What a stack is made of: its nodes, their ports, and the properties each broker reads."""

import base64
import json
import random
import socket
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from wordstreet.errors import StackError

__all__ = ["Node", "Plan", "free", "load", "make", "properties"]

HOST: Final = "127.0.0.1"
_STATE: Final = "stack.json"
# below what Linux (32768) and macOS (49152) hand to outgoing connections: a client that retries
# could otherwise be given the very port of the broker that is down, and keep it
_PORTS: Final = range(20_000, 32_000)


@dataclass(frozen=True, slots=True)
class Node:
    """One broker that is a controller too; clients, brokers and controllers have a port each."""

    number: int
    client: int
    replication: int
    controller: int

    @property
    def ports(self) -> tuple[int, int, int]:
        """All it listens on."""
        return self.client, self.replication, self.controller


@dataclass(frozen=True, slots=True)
class Plan:
    """What never changes once a stack is made: its cluster id and its nodes."""

    cluster: str
    nodes: tuple[Node, ...]

    @property
    def servers(self) -> str:
        """The bootstrap string for clients."""
        return ",".join(f"{HOST}:{node.client}" for node in self.nodes)


def load(folder: Path) -> Plan | None:
    """Return the plan kept in a folder; None when no stack was made there."""
    path = folder / _STATE
    try:
        state = json.loads(path.read_text("utf-8"))
        return Plan(state["cluster"], tuple(Node(**node) for node in state["nodes"]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        message = (
            f"{path} cannot be read ({error}); restore it, or move {folder} away to begin "
            "with empty brokers"
        )
        raise StackError(message) from error


def make(folder: Path, brokers: int) -> Plan:
    """Choose ports for one or three brokers and keep the plan in the folder."""
    if brokers not in (1, 3):
        message = f"a stack has 1 broker or 3, not {brokers}"
        raise StackError(message)
    ports = _choose(3 * brokers)
    nodes = tuple(Node(n + 1, *ports[3 * n : 3 * n + 3]) for n in range(brokers))
    plan = Plan(_cluster_id(), nodes)
    new = folder / f"{_STATE}.new"
    new.write_text(json.dumps(asdict(plan), indent=1), "utf-8")
    new.replace(folder / _STATE)
    return plan


def free(port: int) -> bool:
    """Tell whether nothing holds a port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def properties(
    node: Node, nodes: tuple[Node, ...], extra: Mapping[str, str] | None = None, data: str = "data"
) -> str:
    """
    Return the text of a broker's `server.properties`; `extra` wins over everything else.

    Clients have the listener CLIENT to themselves, so that a test can ask a password of them
    (`listener.security.protocol.map`, `listener.name.client.…`) while brokers talk plainly.
    Voters are static: addresses never change here, and such a quorum needs nobody's help when
    all its members come back from `kill -9` in any order.
    """
    copies = len(nodes)
    values: dict[str, Any] = {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": ",".join(
            f"{one.number}@{HOST}:{one.controller}" for one in nodes
        ),
        "listeners": f"CLIENT://{HOST}:{node.client},REPLICATION://{HOST}:{node.replication},"
        f"CONTROLLER://{HOST}:{node.controller}",
        "advertised.listeners": f"CLIENT://{HOST}:{node.client},"
        f"REPLICATION://{HOST}:{node.replication}",
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,REPLICATION:PLAINTEXT,"
        "CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "REPLICATION",
        "log.dirs": data,
        "num.partitions": 4,
        "default.replication.factor": copies,
        "min.insync.replicas": min(2, copies),
        "auto.create.topics.enable": "false",
        "unclean.leader.election.enable": "false",
        "group.initial.rebalance.delay.ms": 0,
        # a broker killed may come back only when the controller has given it up: sooner than in 9 s
        "broker.heartbeat.interval.ms": 1000,
        "broker.session.timeout.ms": 4000,
        # a laptop has a handful of groups: the usual 50 partitions only make every start slower
        "offsets.topic.num.partitions": 4,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": min(2, copies),
        "share.coordinator.state.topic.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": min(2, copies),
        "log.cleaner.dedupe.buffer.size": 16 * 2**20,  # of the heap; the usual is 128 MiB
        **(extra or {}),
    }
    return "".join(f"{key}={_escaped(str(value))}\n" for key, value in values.items())


def _escaped(value: str) -> str:
    """Write a value as Java reads it: in ASCII, a backslash doubled."""
    pairs = value.replace("\\", "\\\\").replace("\n", "\\n").encode("utf-16-be")
    units = (int.from_bytes(pairs[at : at + 2]) for at in range(0, len(pairs), 2))
    return "".join(chr(unit) if unit < 128 else f"\\u{unit:04x}" for unit in units)


def _choose(count: int) -> list[int]:
    ports: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        if free(port):
            ports.append(port)
        if len(ports) == count:
            return ports
    message = f"no {count} ports are free between {_PORTS.start} and {_PORTS.stop}; free some"
    raise StackError(message)


def _cluster_id() -> str:
    """Return a Kafka UUID that no command line takes for an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
