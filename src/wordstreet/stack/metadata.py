"""One question to one broker, in Kafka's own words: how many brokers do you know to be alive?"""

import socket
import struct
from typing import Final

__all__ = ["alive"]

_METADATA: Final = 3
_VERSION: Final = 1
_NO_TOPICS: Final = struct.pack(">i", 0)
_SECONDS: Final = 3.0


def alive(host: str, port: int) -> int:
    """Return the number of brokers in the answer; 0 when there is none yet."""
    client = b"wordstreet"
    header = struct.pack(">hhih", _METADATA, _VERSION, 1, len(client)) + client
    request = header + _NO_TOPICS
    try:
        with socket.create_connection((host, port), _SECONDS) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            return _brokers(connection)
    except (OSError, struct.error):
        return 0


def _brokers(connection: socket.socket) -> int:
    """The answer begins with its length, our correlation id, and the number of brokers."""
    answer = b""
    while len(answer) < 12:
        piece = connection.recv(4096)
        if not piece:
            return 0
        answer += piece
    return int(struct.unpack(">iii", answer[:12])[2])
