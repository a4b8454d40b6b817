"""The training script turns labelled sentences into a pipeline that Spark loads again."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from wordstreet.errors import StackError
from wordstreet.simulate.phrases import sentences
from wordstreet.stack import java

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "deploy" / "spark" / "train_nlp.py"
SPARK35 = ROOT / ".venv-spark35" / "bin" / "python"
LABELS = ("0", "0", "2", "1", "1")


def write(path: Path, count: int = 600) -> Path:
    """Write invented sentences, bad ones labelled 0, good ones 1 and neutral ones 2."""
    chance = np.random.default_rng(11)
    grades = chance.integers(len(LABELS), size=count)
    texts = sentences(grades, ["Acme"] * count, chance)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["said", "mood"])
        table.writerows(
            (text, LABELS[grade]) for text, grade in zip(texts, grades.tolist(), strict=True)
        )
    return path


def train(python: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the script to its end."""
    command = [python, SCRIPT, *arguments, "--text", "said", "--label", "mood"]
    command += ["--labels", "0=negative,1=positive"]
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=300
    )


@pytest.mark.parametrize("options", [[], ["--sparkml"]], ids=["spark-nlp", "sparkml"])
def test_invented_opinions_are_learnt(tmp_path: Path, options: list[str]) -> None:
    """Sentences held out are told apart by the pipeline that was saved and loaded again."""
    if not SPARK35.exists():
        pytest.skip("Spark NLP was NOT tried: no .venv-spark35 here; `make spark35` makes it")
    try:
        java.find()
    except StackError as error:
        pytest.skip(f"Spark NLP was NOT tried: {error}")
    done = train(SPARK35, write(tmp_path / "posts.csv"), tmp_path / "model", *options)

    assert done.returncode == 0, done.stderr
    accuracy = re.findall(r"accuracy ([\d.]+)", done.stdout)
    assert [float(share) > 0.9 for share in accuracy] == [True], done.stdout
    assert (tmp_path / "model" / "metadata" / "_SUCCESS").exists()


def test_a_folder_that_exists_is_kept(tmp_path: Path) -> None:
    """A pipeline trained before is not overwritten, and Spark is not even started."""
    done = train(Path(sys.executable), write(tmp_path / "posts.csv"), tmp_path)

    assert done.returncode == 2
    assert "exists already" in done.stderr


def test_texts_of_one_class_teach_nothing(tmp_path: Path) -> None:
    """Without both classes there is nothing to tell apart."""
    path = tmp_path / "posts.csv"
    path.write_text("said,mood\n" + "".join(f"text {n},1\n" for n in range(20)), "utf-8")
    done = train(Path(sys.executable), path, tmp_path / "model")

    assert done.returncode == 2
    assert "both classes" in done.stderr


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    """The column that is not there is told."""
    path = tmp_path / "posts.csv"
    path.write_text("said,label\nfine,1\n", "utf-8")
    done = train(Path(sys.executable), path, tmp_path / "model")

    assert done.returncode == 2
    assert "no column mood" in done.stderr
