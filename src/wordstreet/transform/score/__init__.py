"""How opinion is measured: the `Scorer` contract and the scorers known by name."""

from typing import Final, Protocol

import pyarrow as pa

from wordstreet.errors import SettingsError

__all__ = ["NAMES", "Scorer", "load"]

NAMES: Final = ("vader",)
"""The scorers that come with wordstreet."""


class Scorer(Protocol):
    """
    Something that tells how friendly a text is.

    A scorer is pure: the same text always gets the same score from the same `id` and `version`,
    alone or in any company. No text makes it raise, or take more time than in proportion to its
    length.
    """

    id: str
    version: str

    def score(self, texts: pa.Array) -> pa.Array:
        """Return a float32 in [-1, 1] for each text; null for a text that is null or blank."""
        ...


def load(name: str) -> Scorer:
    """Return the scorer of this name; `SettingsError` when there is none."""
    if name == "vader":
        from wordstreet.transform.score.vader import Vader

        return Vader()
    if name.startswith("spark:"):
        message = f"the scorer {name} runs inside Spark only: wordstreet ingest --engine spark"
        raise SettingsError(message)
    message = f"there is no scorer {name!r}; known are {', '.join(NAMES)}"
    raise SettingsError(message)
