"""Where the artifacts of a run lie, when one is finished, and how files appear whole."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import hashlib
import json
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from worldmodels.errors import WorldModelsError

DONE = "done"
SETTINGS = "settings.json"
PREVIOUS = "previous"  # folder in a run: the round before, in the paper's iterative procedure
OF_CONFIG = {"experiment": "experiment", "root_seed": "seed", "game": "[world]"}  # not flags
CONTENT = ("*.npz", "*.safetensors", "model.json")
NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK)  # some cluster file systems have none


def write_atomic(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill a file that appears at `path` whole or not at all.

    The bytes go to a temporary name beside `path`, reach the disk, and are renamed into place.
    Raises OSError when the disk is full or read-only; the old file, if any, is then untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all."""
    write_atomic(path, lambda file: file.write(text.encode()))


def write_json(path: Path, content: Any) -> None:
    """Write `content` to `path` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(content, indent=2, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    """NumPy scalars and arrays, paths and dataclasses as JSON's own types."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)


def read_json(path: Path) -> dict[str, Any]:
    """An object from a JSON file. Raises WorldModelsError if the file is damaged."""
    try:
        content = json.loads(path.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError):
        content = None
    if not isinstance(content, dict):
        raise WorldModelsError(
            f"{path} is damaged: restore it, or remove {path.parent} and make it again."
        )
    return content


def digest(*paths: Path) -> str:
    """A short fingerprint of the content of `paths`: 16 hexadecimal digits."""
    hasher = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                hasher.update(block)
    return hasher.hexdigest()[:16]


class Artifact:
    """The folder that one stage writes and later stages read, finished once `done` lies in it.

    `settings.json` in it holds what the result depends on: the stage's resolved settings and the
    fingerprints of its inputs. A stage that is started again must have been given the same.
    """

    def __init__(self, run: Path, name: str, command: str) -> None:
        """An artifact called `name` in the folder `run`, made by the command line `command`."""
        self.path = run / name
        self.name = name
        self.command = command

    @property
    def is_done(self) -> bool:
        """Whether the stage that makes this artifact has finished."""
        return (self.path / DONE).is_file()

    @property
    def was_begun(self) -> bool:
        """Whether the stage that makes this artifact has been at work in the folder."""
        return (self.path / SETTINGS).is_file()

    @property
    def facts(self) -> dict[str, Any]:
        """What the finished stage wrote into `done`: its fingerprint, metrics and costs."""
        return read_json(self.path / DONE)

    @property
    def num_files(self) -> int:
        """How many files of content there are: arrays and weights."""
        return sum(len(list(self.path.glob(pattern))) for pattern in CONTENT)

    def require(self) -> Path:
        """The folder, once finished. Raises WorldModelsError naming the command that makes it."""
        if not self.is_done:
            state = "is not finished" if self.path.exists() else "does not exist"
            raise WorldModelsError(f"{self.path} {state}: run `{self.command}` first.")
        if not self.is_intact:
            raise WorldModelsError(
                f"{self.path} has only {self.num_files} of its {self.facts['files']} files: run "
                f"`{self.command}` again, which makes those that are missing."
            )
        return self.path

    @property
    def is_intact(self) -> bool:
        """Whether no file of the finished artifact has been lost since."""
        facts = self.facts
        if "files" not in facts or "settings" not in facts:
            raise WorldModelsError(
                f"{self.path / DONE} was written by another version: remove it and run "
                f"`{self.command}` again."
            )
        return self.num_files >= int(facts["files"])

    def begin(self, settings: Mapping[str, Any], may_change: frozenset[str]) -> None:
        """Open the folder for writing, or reopen it to go on.

        Raises WorldModelsError as `require_same` does. What was finished stays so meanwhile.
        """
        self.require_same(settings, may_change)
        write_json(self.path / SETTINGS, _as_json(settings))

    def require_same(self, settings: Mapping[str, Any], may_change: frozenset[str]) -> None:
        """Raise WorldModelsError if the folder was begun with other settings.

        Those named in `may_change` (how long to go on, mostly) may differ; with any other the
        result would be neither the old run's nor the new one's.
        """
        changed = self.changed(settings, may_change)
        if changed:
            was = ", ".join(_said(key, old, new) for key, (old, new) in changed.items())
            now = ", ".join(_said(key, new, old) for key, (old, new) in changed.items())
            raise WorldModelsError(
                f"{self.path} was begun with {was}, not with {now}: go back to that, remove the "
                f"folder to start afresh, or choose another run folder with --run."
            )

    def changed(
        self, settings: Mapping[str, Any], may_change: frozenset[str]
    ) -> dict[str, tuple[Any, Any]]:
        """Settings that the folder was begun with otherwise, by name: what they were and are now.

        None of them is named in `may_change`. There are none if nothing has been begun.
        """
        if not self.was_begun:
            return {}
        old, fresh = read_json(self.path / SETTINGS), _as_json(settings)
        keys = sorted(differing(old, fresh) - may_change)
        return {key: (old.get(key), fresh.get(key)) for key in keys}

    def has_all(self, settings: Mapping[str, Any], may_change: frozenset[str]) -> bool:
        """Whether the artifact is finished with these settings, or with longer ones."""
        if not self.is_done or not self.is_intact:
            return False
        done, asked = self.facts["settings"], _as_json(settings)
        return all(
            key in may_change and key in done and key in asked and asked[key] <= done[key]
            for key in differing(done, asked)
        )

    def finish(self, settings: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        """Mark the artifact as finished and record `facts` about it; written last of all."""
        write_json(
            self.path / DONE, {**facts, "files": self.num_files, "settings": _as_json(settings)}
        )

    def reopen(self) -> None:
        """Take back that the artifact is finished, before its content changes."""
        (self.path / DONE).unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process alone; raises WorldModelsError if another holds it."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise WorldModelsError(
                    f"another process is at work in {self.path}: wait for it, or choose another "
                    f"run folder with --run."
                ) from None
            except OSError as error:
                if error.errno not in NO_LOCKS:
                    raise
            yield


def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    """Names of the settings, as read back from JSON, that are not the same.

    What an older version did not know, it did not do: that is the same as a setting that is off.
    """
    return {key for key in old.keys() | new.keys() if (old.get(key) or 0) != (new.get(key) or 0)}


def _as_json(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they read back from a JSON file, so that they can be compared."""
    content: dict[str, Any] = json.loads(json.dumps(dict(settings), default=_plain))
    return content


def _said(key: str, value: Any, other: Any) -> str:
    """A setting as it is given; where an older version did not know it, it was off."""
    if key.startswith("input:"):
        return f"{key.removeprefix('input:')} of fingerprint {value}"
    if key in OF_CONFIG:
        return f"{OF_CONFIG[key]} = {json.dumps(value)} in the config"
    flag = key.replace("_", "-")
    value = type(other)() if value is None else value
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f"--{flag} {shlex.quote(str(value))}"
