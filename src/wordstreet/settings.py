"""One frozen Settings, read once: defaults, then a TOML file, then the environment, then `--set`."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, get_type_hints

from wordstreet.errors import SettingsError

__all__ = [
    "IngestSettings",
    "LakeSettings",
    "LogSettings",
    "ScoreSettings",
    "Settings",
    "SparkSettings",
    "StudySettings",
    "WatchlistSettings",
    "check",
    "load",
]

_PREFIX: Final = "WORDSTREET_"
_SECRET: Final = (
    "token",
    "password",
    "secret",
    "credential",
    "jaas",
    "key.pem",
    "keystore.key",
    "access.key",
)


@dataclass(frozen=True, slots=True)
class WatchlistSettings:
    """Whom we listen for."""

    path: str = "us30"  # a TOML file, or a list that comes with wordstreet: seed, us30


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The ordered record between collector and engine."""

    kind: str = "embedded"  # embedded | kafka
    topic: str = "posts"
    partitions: int = 0  # fixed when the topic is first written; 0: 1 embedded, 6 on Kafka
    servers: str = "127.0.0.1:9092"  # of Kafka: host:port, several with commas between them
    replication: int = (
        0  # of a topic that `log create` makes; 0: 3, or as many as there are brokers
    )
    min_insync_replicas: int = 0  # how many must have a record before it counts; 0: 2 of 3, else 1
    retention_hours: int = (
        0  # how long Kafka keeps what an author took back, too; 0: 24, or as it is
    )
    spool_mb: int = 4096  # how much may wait on this disk while Kafka is away
    options: Mapping[str, str] = field(default_factory=dict, repr=False)  # of librdkafka: TLS, SASL


@dataclass(frozen=True, slots=True)
class LakeSettings:
    """The Parquet store."""

    uri: str = ""  # a folder or s3://bucket/prefix; empty: `lake` in the home
    small_files: int = 48  # compact a month of a table when it has this many small files
    retention_hours: int = 24  # vacuum keeps files that readers of old versions may still need


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """From the log into the lake."""

    interval_seconds: float = 0.5  # the longest a post waits for its batch to be full
    batch_rows: int = 20_000
    missing: str = "refuse"  # a log that lost what never landed, or was made anew: refuse | accept


@dataclass(frozen=True, slots=True)
class SparkSettings:
    """The Spark engine; what `spark-submit` or a cluster has set already wins over `master`."""

    master: str = "local[*]"
    trigger_seconds: float = 1.0  # how often a batch begins; 0: as soon as the last one ended
    offsets_per_trigger: int = 100_000  # the most records in a batch
    driver_memory: str = "1g"
    conf: Mapping[str, str] = field(default_factory=dict, repr=False)  # of Spark, e.g. spark.jars
    kafka: Mapping[str, str] = field(default_factory=dict, repr=False)  # of Kafka's Java client


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """How opinion is measured."""

    scorer: str = "vader"  # vader, or spark:PATH of a saved pipeline, inside the Spark engine


@dataclass(frozen=True, slots=True)
class StudySettings:
    """What counts as opinion and when it was known; each part of every run id."""

    cutoff_minutes: int = (
        20  # before the close; a post at or after the cutoff is the next session's
    )
    min_posts: int = 3  # per company and session, fewer is unknown
    min_authors: int = 3
    min_confidence: float = 0.5
    max_author_posts: int = 50  # a session about one company; who writes more is a machine


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set; `origins` tells for each dotted key where its value came from."""

    home: Path
    watchlist: WatchlistSettings = field(default_factory=WatchlistSettings)
    log: LogSettings = field(default_factory=LogSettings)
    lake: LakeSettings = field(default_factory=LakeSettings)
    ingest: IngestSettings = field(default_factory=IngestSettings)
    spark: SparkSettings = field(default_factory=SparkSettings)
    score: ScoreSettings = field(default_factory=ScoreSettings)
    study: StudySettings = field(default_factory=StudySettings)
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def lake_uri(self) -> str:
        """Where the lake lies: a local folder or an `s3://` address."""
        return self.lake.uri or str(self.home / "lake")

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Yield (key, value, where from) of every setting in force, secrets masked."""
        yield "home", str(self.home), self.origins.get("home", "default")
        for key, value in _leaves(self):
            masked = "***" if value and any(word in key for word in _SECRET) else str(value)
            yield key, masked, self.origins.get(key, "default")


def load(
    home: str | None = None,
    config: str | None = None,
    environment: Mapping[str, str] | None = None,
    assignments: Sequence[str] = (),
) -> Settings:
    """
    Return the settings in force; later origins win.

    Args:

        home: folder for everything; None takes WORDSTREET_HOME, else ./wordstreet-data

        config: path of a TOML file whose tables are the sections

        environment: variables WORDSTREET_SECTION__KEY

        assignments: texts `section.key=value`

    Raises `SettingsError` naming the file, variable or assignment at fault.
    """
    environment = environment or {}
    origin = (
        "--home" if home else ("WORDSTREET_HOME" if "WORDSTREET_HOME" in environment else "default")
    )
    folder = home or environment.get("WORDSTREET_HOME") or "wordstreet-data"
    settings = Settings(home=Path(folder).absolute())
    origins = {"home": origin}
    for key, value, where in [
        *_from_file(config),
        *_from_environment(environment),
        *_from_assignments(assignments),
    ]:
        settings = _assign(settings, key.split("."), value, key, where)
        origins[key] = where
    check(settings, origins)
    return replace(settings, origins=origins)


def _from_file(config: str | None) -> Iterator[tuple[str, Any, str]]:
    if config is None:
        return
    try:
        tree = tomllib.loads(Path(config).read_text("utf-8-sig"))
    except OSError as error:
        message = f"cannot read the settings file {config}: {error.strerror}"
        raise SettingsError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"the settings file {config} is not valid TOML: {error}"
        raise SettingsError(message) from error
    yield from ((key, value, config) for key, value in _flatten(tree, ""))


def _flatten(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name, value in sorted(environment.items()):
        if name.startswith(_PREFIX) and "__" in name:
            yield name.removeprefix(_PREFIX).lower().replace("__", "."), value, name


def _from_assignments(assignments: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals:
            message = (
                f"--set {text!r} is not of the form section.key=value, e.g. --set log.topic=posts"
            )
            raise SettingsError(message)
        yield key.strip(), value.strip(), "--set"


def _assign(part: Any, path: list[str], value: Any, key: str, where: str) -> Any:
    """Return `part` with the value at `path` replaced and converted to the field's type."""
    hints = get_type_hints(type(part))
    name = path[0]
    known = {f.name for f in fields(part)} - {"origins", "home"}
    if len(path) > 1 and name in known and hints[name] == Mapping[str, str]:
        given = {**getattr(part, name), ".".join(path[1:]): _as_text(value)}
        return replace(part, **{name: given})
    if name not in known or is_dataclass(hints[name]) != (len(path) > 1):
        raise SettingsError(_unknown(key, where))
    if len(path) > 1:
        return replace(part, **{name: _assign(getattr(part, name), path[1:], value, key, where)})
    return replace(part, **{name: _convert(value, hints[name], key, where)})


def _convert(value: Any, kind: Any, key: str, where: str) -> Any:
    if isinstance(value, str) and kind in (int, float):
        try:
            return kind(value.replace("_", ""))
        except ValueError:
            pass
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    message = f"{where}: {key} must be {_NAMES[kind]}, not {value!r}"
    raise SettingsError(message)


def _as_text(value: Any) -> str:
    """Return an option as the library behind it wants to read it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


_NAMES: Final = {int: "a whole number", float: "a number", str: "a text"}


def _unknown(key: str, where: str) -> str:
    known = [k for k, _ in _leaves(Settings(home=Path()))]
    near = get_close_matches(key, known, 1)
    hint = f"did you mean {near[0]}?" if near else "`wordstreet settings` lists them all"
    return f"{where}: there is no setting {key}; {hint}"


def _leaves(part: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for item in fields(part):
        value = getattr(part, item.name)
        if is_dataclass(value):
            yield from _leaves(value, f"{prefix}{item.name}.")
        elif prefix and isinstance(value, Mapping):
            yield from ((f"{prefix}{item.name}.{key}", text) for key, text in value.items())
        elif prefix:
            yield f"{prefix}{item.name}", value


_BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "log.partitions": (0, 1024),
    "log.replication": (0, 32),
    "log.min_insync_replicas": (0, 32),
    "log.retention_hours": (0, 24 * 3650),
    "log.spool_mb": (1, 10_000_000),
    "lake.small_files": (2, 100_000),
    "lake.retention_hours": (0, 24 * 365),
    "ingest.interval_seconds": (0.01, 3600),
    "ingest.batch_rows": (1, 1_000_000),
    "spark.trigger_seconds": (0, 3600),
    "spark.offsets_per_trigger": (1, 100_000_000),
    "study.cutoff_minutes": (0, 390),
    "study.min_posts": (1, 1_000_000),
    "study.min_authors": (1, 1_000_000),
    "study.min_confidence": (0, 1),
    "study.max_author_posts": (1, 1_000_000),
}


_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "log.kind": ("embedded", "kafka"),
    "ingest.missing": ("refuse", "accept"),
}


def check(settings: Settings, origins: Mapping[str, str]) -> None:
    """Raise `SettingsError` for values no part of wordstreet could work with."""
    values = dict(_leaves(settings))
    for key, (low, high) in _BOUNDS.items():
        if not low <= values[key] <= high:
            where = origins.get(key, "default")
            message = f"{where}: {key} must be from {low:g} to {high:g}, not {values[key]:g}"
            raise SettingsError(message)
    for key, allowed in _CHOICES.items():
        if values[key] not in allowed:
            where = origins.get(key, "default")
            message = f"{where}: {key} must be {' or '.join(allowed)}, not {values[key]!r}"
            raise SettingsError(message)
    if "://" in settings.lake.uri and not re.match(r"s3://[^/]+", settings.lake.uri):
        message = f"lake.uri must be a folder or s3://bucket/prefix, not {settings.lake.uri!r}"
        raise SettingsError(message)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}", settings.log.topic):
        message = f"log.topic must be letters, digits, '-', '_' and '.', not {settings.log.topic!r}"
        raise SettingsError(message)
