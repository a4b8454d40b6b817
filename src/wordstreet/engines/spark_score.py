"""Opinion from a saved pipeline of Spark ML or Spark NLP, asked inside the Spark engine."""

import hashlib
import os
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pyarrow import fs

from wordstreet.engines.spark_task import Job, with_text
from wordstreet.errors import SettingsError
from wordstreet.settings import Settings

__all__ = ["PREFIX", "Pipeline"]

PREFIX: Final = "spark:"
"""What `score.scorer` begins with when a pipeline's path follows."""

_RECORDS: Final = (
    "key binary, value binary, headers array<struct<key:string,value:binary>>, partition int,"
    " offset long, timestamp timestamp, text string"
)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """
    A pipeline that reads the column `text` and adds the column `score`.

    id:      `spark:` and the last part of its path
    version: a digest of its files, so that a pipeline trained anew is another scorer
    """

    id: str
    version: str
    model: Any

    @classmethod
    def of(cls, settings: Settings, session: Any) -> "Pipeline | None":
        """Load the pipeline that `score.scorer` names; None when it names another scorer."""
        if not settings.score.scorer.startswith(PREFIX):
            return None
        from pyspark.ml import PipelineModel

        path = settings.score.scorer.removeprefix(PREFIX).rstrip("/")
        try:
            version = _digest(path)
            model = PipelineModel.load(path)
        except Exception as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            message = f"score.scorer: no pipeline can be loaded from {path}: {first}"
            raise SettingsError(message) from error
        found = cls(f"{PREFIX}{path.rsplit('/', 1)[-1]}", version, model)
        found._check(session)
        return found

    def scored(self, frame: Any, job: Job) -> Any:
        """Return the records with the text of each and what the pipeline says of it."""
        texts = frame.mapInArrow(partial(with_text, job=job), _RECORDS)
        kept = [*frame.columns, "text"]
        return self.model.transform(texts).select(*kept, "score")

    def _check(self, session: Any) -> None:
        """Refuse a pipeline that gives no score before anything is read."""
        columns = self.model.transform(session.createDataFrame([("",)], "text string")).columns
        if "score" not in columns:
            message = f"{self.id} gives {', '.join(columns)}, but no column score"
            raise SettingsError(message)


def _digest(path: str) -> str:
    """Return a digest of what a saved pipeline holds; Spark names its files anew each time."""
    files, root = fs.FileSystem.from_uri(path if "://" in path else os.path.abspath(path))
    contents = []
    for info in files.get_file_info(fs.FileSelector(root, recursive=True)):
        if info.is_file and not info.base_name.startswith((".", "_")):
            with files.open_input_stream(info.path) as file:
                contents.append(hashlib.sha256(file.read()).digest())
    return hashlib.sha256(b"".join(sorted(contents))).hexdigest()[:12]
