"""The topic as its keeper sees it: made once, grown, never shrunk; and a broker that asks who we are."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource
from tests.brokers import need_kafka
from tests.log.test_spool import ONE, envelope, wait_until

from wordstreet.errors import LogAwayError, SettingsError
from wordstreet.log.embedded import EmbeddedLog
from wordstreet.log.java import translated
from wordstreet.log.kafka import KafkaLog
from wordstreet.log.topics import CURSORS, Topic, connection
from wordstreet.settings import load
from wordstreet.stack import brokers

PASSWORD = 'Sesame;opens="yes",\\o/'


def call(home: Path, *words: str, settings: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a wordstreet command to its end."""
    given = [part for setting in settings for part in ("--set", setting)]
    return subprocess.run(
        [sys.executable, "-m", "wordstreet", *words, "--home", str(home), *given],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def on(servers: str, topic: str) -> list[str]:
    """Return the settings that lead to a topic."""
    return ["log.kind=kafka", f"log.servers={servers}", f"log.topic={topic}", "watchlist.path=seed"]


def answer(home: Path, *words: str, settings: list[str]) -> dict[str, Any]:
    """Run a wordstreet command with --json and return its one object."""
    done = call(home, *words, "--json", settings=settings)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def config(servers: str, topic: str) -> dict[str, str]:
    """Return the configuration of a topic as the broker has it."""
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    admin = AdminClient({"bootstrap.servers": servers})
    [found] = admin.describe_configs([resource]).values()
    return {name: entry.value for name, entry in found.result(10).items()}


def test_log_create_is_idempotent(broker: str, topic: str, tmp_path: Path) -> None:
    """The second time it is there already, unchanged, with the same id."""
    first = answer(tmp_path, "log", "create", settings=on(broker, topic))
    second = answer(tmp_path, "log", "create", settings=on(broker, topic))

    assert (first["created"], second["created"]) == (True, False)
    assert (first["changed"], second["changed"]) == ([], [])
    assert second["id"] == first["id"]
    assert (first["partitions"], first["replication"], first["retention_hours"]) == (6, 1, 24)


def test_a_topic_for_cursors_is_made_beside(broker: str, topic: str) -> None:
    """Compacted, of one partition, also when only the topic itself is there; it is nobody's to trim."""
    about = Topic(broker, topic, {})
    about.create(ONE)
    [gone] = about._admin.delete_topics([f"{topic}{CURSORS}"]).values()
    gone.result(10)
    wait_until(lambda: not Topic(broker, f"{topic}{CURSORS}", {}).exists())
    about.create(ONE)
    beside = config(broker, f"{topic}{CURSORS}")

    assert beside["cleanup.policy"] == "compact"
    assert config(broker, topic)["cleanup.policy"] == "delete"
    assert len(Topic(broker, f"{topic}{CURSORS}", {}).bounds()) == 1


def test_what_can_be_changed_is(broker: str, topic: str) -> None:
    """Partitions grow, retention and acknowledging replicas are set; each is said in words."""
    about = Topic(broker, topic, {})
    about.create(ONE)
    wanted = replace(ONE, partitions=3, retention_hours=48, min_insync_replicas=2)
    changed = about.change(wanted)
    wait_until(lambda: about.shape() == wanted)

    assert changed == ["partitions 1 → 3", "retention 24 → 48", "min.insync.replicas 1 → 2"]
    assert about.change(wanted) == []
    assert config(broker, topic)["retention.ms"] == str(48 * 3_600_000)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--partitions", "2"], "cannot shrink to 2"),
        (["--replication", "3"], "kafka-reassign-partitions"),
    ],
)
def test_what_cannot_be_changed_is_refused(
    broker: str, topic: str, tmp_path: Path, words: list[str], says: str
) -> None:
    """Exit code 2, what to do instead, and the topic as it was."""
    about = Topic(broker, topic, {})
    about.create(replace(ONE, partitions=4))
    before = about.shape()
    done = call(tmp_path, "log", "create", *words, settings=on(broker, topic))

    assert done.returncode == 2
    assert says in done.stderr
    assert about.shape() == before


def test_log_info_tells_lag_retention_and_what_waits(
    broker: str, topic: str, tmp_path: Path
) -> None:
    """Before anything landed all of it is lag; afterwards none, and no clock runs."""
    Topic(broker, topic, {}).create(replace(ONE, partitions=2, retention_hours=10))
    records = [envelope(n, key=f"x:{n}") for n in range(40)]
    KafkaLog(broker, topic, {}).append(records, "x", {"at": "39"})
    EmbeddedLog(tmp_path / "log", topic).append([envelope(0)], "x", {})
    before = answer(tmp_path, "log", "info", settings=on(broker, topic))
    call(tmp_path, "ingest", "--once", settings=on(broker, topic))
    after = answer(tmp_path, "log", "info", settings=on(broker, topic))

    keys = {"kind", "topic", "id", "lag", "partitions", "servers", "replication"}
    keys |= {"min_insync_replicas", "retention_hours", "spooled"}
    assert set(before) == set(after) == keys
    row = {"partition", "begin", "end", "position", "lag", "lost", "retention_left_seconds"}
    assert all(set(part) == row for part in before["partitions"])
    assert (before["lag"], after["lag"]) == (40, 0)
    assert (before["spooled"], before["retention_hours"]) == (1, 10)
    left = [part["retention_left_seconds"] for part in before["partitions"]]
    assert all(35_000 < seconds <= 36_000 for seconds in left)
    assert [part["retention_left_seconds"] for part in after["partitions"]] == [None, None]


def test_what_is_kept_for_ever_has_no_clock(broker: str, topic: str, tmp_path: Path) -> None:
    """A topic whose retention is switched off is not about to forget."""
    about = Topic(broker, topic, {})
    about.create(ONE)
    about._set("retention.ms", "-1")
    KafkaLog(broker, topic, {}).append([envelope(0)], "x", {})
    found = answer(tmp_path, "log", "info", settings=on(broker, topic))

    assert (found["lag"], found["partitions"][0]["retention_left_seconds"]) == (1, None)


def test_without_certificates_nothing_is_handed_to_java() -> None:
    """Options about speed are librdkafka's own; an empty table stays empty."""
    assert translated({}) == {}
    assert translated({"linger.ms": "5", "queue.buffering.max.kbytes": "9"}) == {}


def test_tls_and_passwords_in_the_words_of_java(tmp_path: Path) -> None:
    """Certificates travel as text, the login as one line with its quotes escaped."""
    for name in ("ca", "mine", "key"):
        (tmp_path / f"{name}.pem").write_text(f"-- {name} --")
    found = translated(
        {
            "security.protocol": "SASL_SSL",
            "sasl.mechanisms": "SCRAM-SHA-512",
            "sasl.username": "ann",
            "sasl.password": 'a"b\\c',
            "ssl.ca.location": str(tmp_path / "ca.pem"),
            "ssl.certificate.location": str(tmp_path / "mine.pem"),
            "ssl.key.location": str(tmp_path / "key.pem"),
            "ssl.key.password": "k",
            "ssl.endpoint.identification.algorithm": "none",
        }
    )

    login = "org.apache.kafka.common.security.scram.ScramLoginModule"
    assert found == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": f'{login} required username="ann" password="a\\"b\\\\c";',
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": "-- ca --",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": "-- mine --",
        "ssl.keystore.key": "-- key --",
        "ssl.key.password": "k",
        "ssl.endpoint.identification.algorithm": "",
    }


def test_what_java_has_no_word_for_is_refused(tmp_path: Path) -> None:
    """An option that would be lost in silence is named, and so is a file that is not there."""
    with pytest.raises(SettingsError, match=r"spark\.kafka\.ssl\.cipher\.suites"):
        translated({"ssl.cipher.suites": "x"})
    with pytest.raises(SettingsError, match=r"no\.pem"):
        translated({"ssl.ca.location": str(tmp_path / "no.pem")})


@pytest.mark.parametrize(
    "options",
    [
        {"nonsense": "1"},
        {"linger.ms": "soon"},
        {"security.protocol": "ssl", "ssl.ca.location": "no/such.pem"},
    ],
)
def test_options_the_library_does_not_take(options: dict[str, str]) -> None:
    """A misspelt option or a certificate that is not there is refused input, no defect of ours."""
    with pytest.raises(SettingsError, match=r"log\.options"):
        Topic("127.0.0.1:1", "posts", options)


def openssl(folder: Path, *words: str) -> None:
    """Run openssl, which says why when it fails."""
    done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def certificates(folder: Path) -> Path:
    """Make an authority and a key with a certificate for loopback; return the authority's."""
    folder.mkdir()
    new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    openssl(folder, *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority")
    own = ["-keyout", "broker.key", "-out", "broker.csr", "-subj", "/CN=127.0.0.1"]
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", *own)
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"]
    signing = ["-in", "broker.csr", "-out", "broker.pem", "-extfile", "names"]
    openssl(folder, "x509", "-req", *signing, *by)
    openssl(folder, "pkcs8", "-topk8", "-nocrypt", "-in", "broker.key", "-out", "broker.p8")
    both = (folder / "broker.p8").read_text() + (folder / "broker.pem").read_text()
    (folder / "store.pem").write_text(both)
    return folder / "ca.pem"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A broker that speaks TLS only and asks a password; its servers and the authority's file."""
    need_kafka()
    folder = tmp_path_factory.mktemp("guarded")
    authority = certificates(folder / "certificates")
    quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
    extra = {
        "listener.security.protocol.map": "CLIENT:SASL_SSL,REPLICATION:PLAINTEXT,"
        "CONTROLLER:PLAINTEXT",
        "listener.name.client.ssl.keystore.type": "PEM",
        "listener.name.client.ssl.keystore.location": str(authority.parent / "store.pem"),
        "listener.name.client.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.client.plain.sasl.jaas.config": (
            f'org.apache.kafka.common.security.plain.PlainLoginModule required user_ann="{quoted}";'
        ),
    }
    try:
        yield brokers.up(folder / "stack", extra=extra).servers, authority
    finally:
        brokers.down(folder / "stack")


def options(authority: Path, password: str = PASSWORD) -> dict[str, str]:
    """Return what ann writes into log.options."""
    return {
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(authority),
        "sasl.mechanism": "PLAIN",
        "sasl.username": "ann",
        "sasl.password": password,
    }


def toml(path: Path, servers: str, topic: str, given: dict[str, str]) -> Path:
    """Write a settings file with these options of Kafka's client."""
    lines = [
        "[watchlist]",
        'path = "seed"',
        "[log]",
        'kind = "kafka"',
        f'servers = "{servers}"',
        f'topic = "{topic}"',
        "[log.options]",
        *(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in given.items()),
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    """A file of a hundred posts about Tesla."""
    path = tmp_path / "posts.jsonl"
    lines = [json.dumps({"data": {"id": str(n), "text": "Tesla"}}) for n in range(100)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_road_over_tls_with_a_password(
    guarded: tuple[str, Path], topic: str, tmp_path: Path, posts: Path
) -> None:
    """create, collect, ingest and info from one settings file; the password is printed nowhere."""
    servers, authority = guarded
    file = toml(tmp_path / "w.toml", servers, topic, options(authority))
    told = ["--config", str(file), "--json"]
    steps = [
        call(tmp_path, *words, *told, settings=[])
        for words in (
            ["log", "create", "--debug"],
            ["collect", "--path", str(posts), "--debug"],
            ["ingest", "--once", "--debug"],
            ["log", "info", "--debug"],
            ["settings"],
            ["doctor"],
        )
    ]
    created, collected, ingested, info, shown, _ = steps

    assert [step.returncode for step in steps[:5]] == [0] * 5, [step.stderr for step in steps]
    assert json.loads(created.stdout)["created"] is True
    assert json.loads(collected.stdout)["received"] == 100
    assert json.loads(ingested.stdout)["stored"] == 100
    assert json.loads(info.stdout)["lag"] == 0
    masked = json.loads(shown.stdout)["settings"]["log.options.sasl.password"]["value"]
    assert masked == "***"
    printed = "".join(step.stdout + step.stderr for step in steps)
    assert "Sesame" not in printed
    assert "Sesame" not in repr(load(home=str(tmp_path), config=str(file)))
    assert not any(
        b"Sesame" in path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file() and path != file
    )


def test_a_wrong_password(
    guarded: tuple[str, Path], topic: str, tmp_path: Path, posts: Path
) -> None:
    """The engine ends and says what to check; the collector says so and collects into the spool."""
    servers, authority = guarded
    Topic(servers, topic, options(authority)).create(ONE)
    file = toml(tmp_path / "w.toml", servers, topic, options(authority, "Rosebud"))
    told = ["--config", str(file), "--home", str(tmp_path / "home"), "--json"]
    command = [sys.executable, "-m", "wordstreet"]
    collector = subprocess.Popen(
        [*command, "collect", "--path", str(posts), *told],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    started = time.monotonic()
    engine = subprocess.run(
        [*command, "ingest", "--once", *told], capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - started
    near = EmbeddedLog(tmp_path / "home" / "log", topic)
    wait_until(lambda: near.bounds()[0] == (0, 100))
    collector.terminate()
    out, err = collector.communicate(timeout=60)

    assert (engine.returncode, seconds < 30) == (1, True)
    assert "does not let us in" in engine.stderr
    assert "sasl.*" in engine.stderr
    assert (collector.returncode, json.loads(out)["received"]) == (0, 100)
    assert "does not let us in" in err
    assert "collecting into the spool" in err
    assert "Rosebud" not in out + err + engine.stdout + engine.stderr


def test_an_authority_that_is_not_ours(
    guarded: tuple[str, Path], topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker whose certificate somebody else signed is not talked to, and the reason is told."""
    servers, _ = guarded
    monkeypatch.setattr("wordstreet.log.topics._SECONDS", 2.0)
    other = certificates(tmp_path / "other")

    with pytest.raises(LogAwayError, match=r"(?i)certificate"):
        Topic(servers, topic, options(other)).id()


def test_a_connection_is_not_made_in_the_clear(
    guarded: tuple[str, Path], topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without options a broker that wants TLS is away, within the usual time."""
    monkeypatch.setattr("wordstreet.log.topics._SECONDS", 2.0)

    with pytest.raises(LogAwayError):
        Topic(guarded[0], topic, {}).id()
    assert "sasl.password" not in connection("a:1", {})
