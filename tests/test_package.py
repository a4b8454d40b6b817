"""What a stranger gets: the wheel carries everything, the docs' commands exist, the API answers."""

import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

import wordstreet
from wordstreet import cli
from wordstreet.errors import InputError

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(page: Path) -> list[list[str]]:
    """Return the wordstreet commands in a page's shell blocks, without comments."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    words = [shlex.split(line, comments=True) for line in lines if "bin/wordstreet " in line]
    return [line[1:] for line in words]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_docs_is_one(page: Path) -> None:
    """What a page tells people to type is understood by the command line."""
    for words in commands(page):
        if words != ["--help"]:
            assert hasattr(cli._parser().parse_args(words), "command"), words


def test_the_docs_have_commands() -> None:
    """The check above has something to check."""
    assert sum(len(commands(page)) for page in PAGES) > 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_in_the_docs_leads_somewhere(page: Path) -> None:
    """A relative link names a file that is there."""
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        if "://" not in link:
            assert (page.parent / link).exists(), link


def test_the_wheel_carries_everything(tmp_path: Path) -> None:
    """Code, watchlists and the page's style are in it, and it answers where only it is on the path."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    wheel = next(tmp_path.glob("*.whl"))
    names = zipfile.ZipFile(wheel).namelist()
    script = (
        f"import sys; sys.path.insert(0, {str(wheel)!r})\n"
        "from wordstreet.watchlist import Watchlist; import wordstreet\n"
        "print(wordstreet.__file__, len(Watchlist.load('us30')))"
    )
    answer = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True
    )

    sources = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src").rglob("*")
        if path.suffix in {".py", ".toml", ".css", ".typed"}
    }
    assert sources <= set(names)
    assert str(wheel) in answer.stdout
    assert answer.stdout.strip().endswith("30")


def test_python_reads_an_empty_lake(tmp_path: Path) -> None:
    """`read` gives a table with the columns of the schema, even when nothing has landed."""
    found = wordstreet.read("mentions", home=str(tmp_path))

    assert isinstance(found, pa.Table)
    assert (len(found), "ticker" in found.column_names) == (0, True)
    assert wordstreet.read("posts", home=str(tmp_path), lazy=True).collect().height == 0


def test_python_refuses_what_is_not_there(tmp_path: Path) -> None:
    """A study without posts is refused in words."""
    with pytest.raises(InputError, match="collect some first"):
        wordstreet.study(home=str(tmp_path))


def test_python_scores() -> None:
    """One opinion for each text, None where there is nothing to score."""
    good, nothing = wordstreet.score(["a great day", None])

    assert good is not None
    assert good > 0
    assert nothing is None
