"""TOML files into typed settings, strictly."""

from __future__ import annotations

import dataclasses
import difflib
import json
import tomllib
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from worldmodels.errors import UsageError
from worldmodels.settings import (
    EncodeSettings,
    EvalSettings,
    ExtractSettings,
    FidelitySettings,
    RenderSettings,
    Settings,
    TrainCtrlSettings,
    TrainRnnSettings,
    TrainVaeSettings,
    check_ranges,
)


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on."""

    experiment: str
    """A shipped game (carracing, doom) or the dotted path of a module with an EXPERIMENT."""
    seed: int
    """Root of every random draw."""
    previous: str
    """Config of the round before this one, in the paper's iterative procedure: `wm run` makes its
    agent first, in the folder `previous` of the run. Empty: this is the first round."""
    world: dict[str, Any]
    """Settings of the game itself; each game declares its own."""
    extract: ExtractSettings
    train_vae: TrainVaeSettings
    encode: EncodeSettings
    train_rnn: TrainRnnSettings
    train_ctrl: TrainCtrlSettings
    eval: EvalSettings
    render: RenderSettings
    fidelity: FidelitySettings

    def with_settings(self, section: str, settings: Settings) -> Config:
        """This config with one stage's settings replaced."""
        changed: dict[str, Any] = {section: settings}
        return dataclasses.replace(self, **changed)


def shipped_configs() -> dict[str, Path]:
    """The configs that come with the package, by name."""
    here = Path(__file__).parent
    for folder in (here / "configs", here.parent / "configs"):  # in a wheel; in a checkout
        if folder.is_dir():
            return {path.stem: path for path in sorted(folder.glob("*.toml"))}
    raise UsageError("this installation lacks its configs: install worldmodels again.")


def find_config(name: str) -> Path:
    """The file of a shipped config, or of a path to a TOML file. Raises UsageError."""
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise UsageError(f"there is no config file {path}.")
        return path
    shipped = shipped_configs()
    if name not in shipped:
        raise UsageError(
            f"there is no config {name!r}{nearest(name, shipped)} "
            f"Shipped: {', '.join(shipped)}; or give the path of a .toml file."
        )
    return shipped[name]


def load_config(path: Path) -> Config:
    """Read a TOML file, and those it extends, into a Config.

    Raises UsageError for a key that does not exist, is missing, or has a value of the wrong type.
    """
    config: Config = _build(Config, _read(path, ()), path, "")
    return config


def load_rounds(name: str, config: Config) -> list[tuple[str, Config]]:
    """The configs of all rounds up to `config`, whose name is given, the first round first.

    Raises UsageError where a round would come before itself, and as `load_config` does.
    """
    rounds = [(name, config)]
    while earlier := rounds[0][1].previous:
        if earlier in [known for known, _ in rounds]:
            raise UsageError(f"{earlier} names itself as the round before (previous = ...).")
        rounds.insert(0, (earlier, load_config(find_config(earlier))))
    return rounds


def load_recorded_config(run: Path) -> Config:
    """The config.toml of a run or of a packed agent.

    Settings that an older version did not know are those of the game's shipped config. Raises
    UsageError as `load_config` does.
    """
    path = run / "config.toml"
    table = _read(path, ())
    shipped = shipped_configs().get(str(table.get("experiment")))
    if shipped is not None:
        table = _merged(_read(shipped, ()), table)
    config: Config = _build(Config, table, path, "")
    return config


def require_game(folder: Path, experiment: str) -> None:
    """Raise UsageError if `folder` holds a run, or a packed agent, of another game."""
    path = folder / "config.toml"
    other = _read(path, ()).get("experiment") if path.is_file() else None
    if other not in (None, experiment):
        raise UsageError(f"{folder} is of {other}, not of {experiment}: name another folder.")


def dump_config(config: Config) -> str:
    """A resolved config as TOML, which `load_config` reads back to the same Config."""
    plain = dataclasses.asdict(config)
    tables = {key: value for key, value in plain.items() if isinstance(value, dict)}
    lines = [f"{key} = {_toml(value)}" for key, value in plain.items() if key not in tables]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def build_settings(kind: type, table: dict[str, Any], path: Path | str, where: str) -> Any:
    """Fill the dataclass `kind` from a table of a TOML file, with the checks of `load_config`."""
    return _build(kind, table, path, where)


def _read(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in seen:
        raise UsageError(f"{path} extends itself.")
    try:
        table = tomllib.loads(path.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    if isinstance(table.get("previous"), str):
        table["previous"] = _resolved(table["previous"], path)
    parent = table.pop("extends", None)
    if parent is None:
        return table
    if not isinstance(parent, str):
        raise UsageError(f"{path}: extends must be of type str, not {parent!r}.")
    parent_path = path.parent / parent
    if not parent_path.is_file():  # a user's own file may extend a shipped config
        parent_path = find_config(parent.removesuffix(".toml"))
    return _merged(_read(parent_path, (*seen, path.resolve())), table)


def _resolved(name: str, path: Path) -> str:
    """A config that the file `path` names, as a shipped name or an absolute path.

    What is neither stays as it is: a run outlives the files that it came from.
    """
    beside = path.parent / name
    shipped = {file.resolve(): stem for stem, file in shipped_configs().items()}
    if not name or not beside.is_file():
        return name
    return shipped.get(beside.resolve(), str(beside.resolve()))


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        inner = result.get(key)
        both = isinstance(inner, dict) and isinstance(value, dict)
        result[key] = _merged(inner, value) if both else value  # type: ignore[arg-type]
    return result


def _build(kind: Any, table: dict[str, Any], path: Path | str, where: str) -> Any:
    hints = typing.get_type_hints(kind)
    names = [f.name for f in dataclasses.fields(kind)]
    for key in table:
        if key not in names:
            raise UsageError(f"{path}: unknown key {where}{key}{nearest(key, names)}")
    for f in dataclasses.fields(kind):
        has_default = f.default is not dataclasses.MISSING
        if f.name not in table and not has_default:
            raise UsageError(f"{path}: the key {where}{f.name} is missing.")
    values = {
        key: _checked(hints[key], value, path, f"{where}{key}") for key, value in table.items()
    }
    built = kind(**values)
    check_ranges(built, f"{path}: {where}")
    return built


def _checked(hint: Any, value: Any, path: Path | str, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise UsageError(f"{path}: {where} must be a table.")
        return _build(hint, value, path, f"{where}.")
    if typing.get_origin(hint) is Literal:
        allowed = typing.get_args(hint)
        if value not in allowed:
            raise UsageError(
                f"{path}: {where} = {value!r} is not one of {', '.join(map(str, allowed))}."
            )
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    expected = dict if typing.get_origin(hint) is dict else hint
    assert isinstance(expected, type | types.UnionType)
    if not isinstance(value, expected) or (expected is not bool and isinstance(value, bool)):
        raise UsageError(f"{path}: {where} must be of type {expected.__name__}, not {value!r}.")  # type: ignore[union-attr]
    return value


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence that suggests the closest of the `known` names, if one is close."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else "."


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # JSON escapes as TOML does
    return repr(value)  # integers, floats, inf and nan read the same in TOML
