"""Files of the lake, on a local disk or behind an S3 API, with the same few verbs."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow import fs

from wordstreet.errors import LakeError, SettingsError

__all__ = ["Storage", "Stored"]

_TEMPORARY: Final = ".tmp"


@dataclass(frozen=True, slots=True)
class Stored:
    """One file: path relative to the lake, bytes, time of the last write (UTC)."""

    path: str
    size: int
    written_at: datetime


class Storage:
    """
    A tree of files under one address.

    `write` is all or nothing: what it has returned from is on disk (or with the store), and a
    crash leaves the old file, the new one or a `.tmp` beside it. `options` is what delta-rs needs
    to reach the same place; access keys come from the standard AWS variables, never from here.
    """

    def __init__(self, uri: str) -> None:
        self.local = "://" not in uri
        try:
            if self.local and re.search(r"[%\\]", uri):  # delta-rs reads them as escapes
                message = f"the lake cannot lie at {uri}: take a path without % and backslash"
                raise SettingsError(message)
            if self.local:
                self._fs: Any = fs.LocalFileSystem()
                self.uri = os.path.abspath(uri)
                self._root = self.uri
                Path(self.uri).mkdir(parents=True, exist_ok=True)
            elif uri.startswith("s3://"):
                self._fs = fs.S3FileSystem(**_s3_arguments())
                self.uri = uri.rstrip("/")
                self._root = self.uri.removeprefix("s3://")
            else:
                message = f"lake.uri must be a folder or an s3:// address, not {uri!r}"
                raise SettingsError(message)
        except OSError as error:
            message = (
                f"cannot open the lake at {uri}: {error}; check lake.uri and who may write there"
            )
            raise LakeError(message) from error
        endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
        plain = not self.local and endpoint.startswith("http://")
        self.options: dict[str, str] = {"AWS_ALLOW_HTTP": "true"} if plain else {}

    def write(self, path: str, data: pa.Buffer) -> None:
        """Store `data` at `path`, durably, in one step."""
        full = f"{self._root}/{path}"
        if not self.local:
            with self._fs.open_output_stream(full) as stream:
                stream.write(data)
            return
        folder, name = os.path.split(full)
        os.makedirs(folder, exist_ok=True)
        temporary = os.path.join(folder, f".{name}{_TEMPORARY}")
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, full)
        _sync(folder)

    def open(self, path: str) -> pa.NativeFile:
        """Open a file for random reads."""
        return self._fs.open_input_file(f"{self._root}/{path}")

    def list(self, folder: str) -> Iterator[Stored]:
        """
        Yield every file below `folder`, `.tmp` files included; nothing when it is not there.

        Folders that begin with an underscore are passed over: a Delta log has a file a commit.
        """
        selector = fs.FileSelector(f"{self._root}/{folder}", allow_not_found=True)
        for info in self._fs.get_file_info(selector):
            path = info.path.removeprefix(f"{self._root}/")
            if info.type == fs.FileType.File:
                yield Stored(path, info.size, info.mtime)
            elif not info.base_name.startswith("_"):
                yield from self.list(path)

    def check(self, path: str, size: int) -> None:
        """Raise `LakeError` when a file that somebody else has written cannot be seen from here."""
        if self.local and (
            not os.path.exists(f"{self._root}/{path}")
            or os.path.getsize(f"{self._root}/{path}") != size
        ):
            message = (
                f"a worker has written {path}, but it is not in {self.uri}: the lake must be the same "
                "place for the driver and every worker; share that folder, or take an s3:// address"
            )
            raise LakeError(message)

    def delete(self, paths: Iterable[str]) -> None:
        """Remove files; one that is gone already is no error."""
        for path in paths:
            try:
                self._fs.delete_file(f"{self._root}/{path}")
            except FileNotFoundError:
                continue

    def sync_commit(self, table: str, versions: Iterable[int], files: Iterable[str] = ()) -> None:
        """
        Make commits of a local table survive a power cut; delta-rs itself does not sync.

        `files` are paths within the table that delta-rs wrote by itself.
        """
        if not self.local:
            return
        for file in files:
            _sync(f"{self._root}/{table}/{file}")
            _sync(os.path.dirname(f"{self._root}/{table}/{file}"))
        log = f"{self._root}/{table}/_delta_log"
        for version in versions:
            _sync(f"{log}/{version:020d}.json")
        _sync(log)
        _sync(f"{self._root}/{table}")
        _sync(self._root)


def _sync(path: str) -> None:
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:  # a commit file that log clean-up has folded into a checkpoint
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _s3_arguments() -> dict[str, str]:
    """Tell Arrow what delta-rs reads from the environment by itself."""
    arguments = {}
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region:
        arguments["region"] = region
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        scheme, _, address = endpoint.partition("://")
        arguments.update(endpoint_override=address.rstrip("/"), scheme=scheme)
    return arguments
