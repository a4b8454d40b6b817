"""One real Kafka broker for the whole test session, and a fresh topic for each test."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from wordstreet.errors import StackError
from wordstreet.stack import brokers, jars, java


def need_kafka() -> None:
    """Skip, saying what to install, where no broker can be had."""
    try:
        java.find()
        jars.fetch(brokers.JARS)
    except StackError as error:
        pytest.skip(f"no Kafka broker here: {error}")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bootstrap string of a broker that lives as long as the test session."""
    need_kafka()
    folder: Path = tmp_path_factory.mktemp("kafka")
    try:
        yield brokers.up(folder).servers
    finally:
        brokers.down(folder)


@pytest.fixture
def topic() -> str:
    """A topic name that nobody used before; the test creates it as it needs it."""
    return f"t-{uuid.uuid4().hex}"
