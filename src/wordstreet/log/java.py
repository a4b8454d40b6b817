"""The settings of librdkafka in the words of Kafka's Java client, which Spark uses."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from wordstreet.errors import SettingsError

__all__ = ["translated"]

_PLAIN_LOGIN: Final = "org.apache.kafka.common.security.plain.PlainLoginModule"
_SCRAM_LOGIN: Final = "org.apache.kafka.common.security.scram.ScramLoginModule"

_SAME: Final = {
    "security.protocol",
    "client.id",
    "sasl.kerberos.service.name",
    "ssl.endpoint.identification.algorithm",
    "ssl.key.password",
}
_PERFORMANCE: Final = ("queue", "queued", "batch", "linger", "message", "compression", "statistics")


def translated(options: Mapping[str, str]) -> dict[str, str]:
    """
    Return log.options as Kafka's Java client takes them.

    Certificates are read from their PEM files and handed on as text, because executors may lie on
    other machines. Raises `SettingsError` for an option that has no counterpart we know of.
    """
    found: dict[str, str] = {}
    for name, value in options.items():
        if name in _SAME:
            found[name] = "" if (name, value) == (_NO_NAMES, "none") else value
        elif name in ("sasl.mechanism", "sasl.mechanisms"):
            found["sasl.mechanism"] = value
        elif name in ("sasl.username", "sasl.password"):
            found["sasl.jaas.config"] = _login(options)
        elif name in _PEM:
            found |= _pem(_PEM[name], name, value)
        elif not name.startswith(_PERFORMANCE):
            message = (
                f"log.options.{name} cannot be said to Spark's Kafka client; give it in its own "
                f"words instead: --set spark.kafka.{name}=…"
            )
            raise SettingsError(message)
    return found


_NO_NAMES: Final = "ssl.endpoint.identification.algorithm"
_PEM: Final = {
    "ssl.ca.location": ("ssl.truststore.type", "ssl.truststore.certificates"),
    "ssl.certificate.location": ("ssl.keystore.type", "ssl.keystore.certificate.chain"),
    "ssl.key.location": ("ssl.keystore.type", "ssl.keystore.key"),
}


def _pem(names: tuple[str, str], option: str, path: str) -> dict[str, str]:
    kind, content = names
    try:
        return {kind: "PEM", content: Path(path).read_text("ascii")}
    except (OSError, UnicodeDecodeError) as error:
        message = f"log.options.{option}: cannot read the PEM file {path}: {error}"
        raise SettingsError(message) from error


def _login(options: Mapping[str, str]) -> str:
    mechanism = options.get("sasl.mechanism") or options.get("sasl.mechanisms", "PLAIN")
    module = _SCRAM_LOGIN if mechanism.startswith("SCRAM") else _PLAIN_LOGIN
    user, password = (_quoted(options.get(f"sasl.{part}", "")) for part in ("username", "password"))
    return f"{module} required username={user} password={password};"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
