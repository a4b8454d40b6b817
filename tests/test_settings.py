"""Settings: later origins win, mistakes are named where they were made."""

from pathlib import Path

import pytest

from wordstreet.errors import SettingsError
from wordstreet.settings import load


def test_defaults_need_nothing() -> None:
    """Without a file, a variable or an assignment everything has a value."""
    settings = load()

    assert settings.home == Path("wordstreet-data").absolute()
    assert settings.lake_uri == str(settings.home / "lake")


def test_later_origins_win(tmp_path: Path) -> None:
    """File, then environment, then --set."""
    config = tmp_path / "w.toml"
    config.write_text("[ingest]\nbatch_rows = 1\ninterval_seconds = 3\n[log]\npartitions = 2\n")
    settings = load(
        None,
        str(config),
        {"WORDSTREET_INGEST__BATCH_ROWS": "5", "WORDSTREET_LOG__PARTITIONS": "3"},
        ["log.partitions=4"],
    )

    assert (
        settings.ingest.interval_seconds,
        settings.ingest.batch_rows,
        settings.log.partitions,
    ) == (3.0, 5, 4)


def test_home_from_the_environment(tmp_path: Path) -> None:
    """WORDSTREET_HOME is taken unless --home is given."""
    environment = {"WORDSTREET_HOME": str(tmp_path / "a")}

    assert load(None, None, environment).home == tmp_path / "a"
    assert load(str(tmp_path / "b"), None, environment).home == tmp_path / "b"


def test_other_variables_are_not_ours() -> None:
    """Only names with our prefix and a section are read."""
    load(None, None, {"PATH": "/bin", "WORDSTREETX": "1", "WORDSTREET_HOME": "x"})


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("log.topc=x", "did you mean log.topic?"),
        ("log=x", "there is no setting log"),
        ("log.topic.more=x", "there is no setting log.topic.more"),
        ("ingest.batch_rows=1.5", "must be a whole number"),
        ("ingest.batch_rows=0", "must be from 1"),
        ("study.min_confidence=2", "must be from 0 to 1"),
        ("log.kind=pigeon", "must be embedded or kafka"),
        ("log.topic=a+b", "letters, digits"),
        ("log.topic=pósts", "letters, digits"),
        ("log.topic=..", "letters, digits"),
        ("home=x", "there is no setting home"),
        ("origins=x", "there is no setting origins"),
    ],
)
def test_a_mistake_is_named(assignment: str, says: str) -> None:
    """The key, where it was set and what would be right are in the message."""
    with pytest.raises(SettingsError, match=says.replace("?", r"\?")):
        load(assignments=[assignment])


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    """The file and the place of the mistake are in the message."""
    config = tmp_path / "w.toml"
    config.write_text("log = [")

    with pytest.raises(SettingsError, match=r"w\.toml is not valid TOML"):
        load(None, str(config))


def test_options_of_other_libraries_pass_through(tmp_path: Path) -> None:
    """What librdkafka calls security.protocol is one key, however its parts are written."""
    config = tmp_path / "w.toml"
    config.write_text('[log.options]\n"security.protocol" = "SSL"\nssl.ca.location = "ca.pem"\n')
    environment = {"WORDSTREET_LOG__OPTIONS__ENABLE__SSL__CERTIFICATE__VERIFICATION": "false"}
    settings = load(None, str(config), environment, ["log.options.security.protocol=SASL_SSL"])

    assert settings.log.options == {
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": "ca.pem",
        "enable.ssl.certificate.verification": "false",
    }


def test_a_password_is_shown_nowhere() -> None:
    """Neither the list of settings nor the settings' own text gives a secret away."""
    words = [
        "log.options.sasl.password=hunter2",
        "log.options.ssl.key.pem=hunter2",
        "spark.kafka.sasl.jaas.config=hunter2",
        "spark.conf.spark.hadoop.fs.s3a.secret.key=hunter2",
    ]
    settings = load(None, None, {}, words)

    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(list(settings.rows()))
    assert settings.log.options["sasl.password"] == "hunter2"
