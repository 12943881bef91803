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
from typing import Annotated, Any, Literal

from worldmodels.errors import UsageError

MAY_CHANGE = "may change"
"""Marks a field that says how long to go on: it may differ when a stage is continued."""


@dataclass(frozen=True)
class ExtractSettings:
    """Recording episodes of a policy that knows nothing."""

    episodes: Annotated[int, MAY_CHANGE]
    """How many episodes to record."""
    world: str
    """Which of the game's worlds to play."""
    explorer: str
    """How actions are drawn: controller, brownian or held."""
    min_steps: int
    """Episodes of this many steps or fewer are played again with another seed."""
    max_steps: int
    """Stop an episode after this many steps; 0 leaves it to the game."""


@dataclass(frozen=True)
class TrainVaeSettings:
    """Training V, the variational autoencoder."""

    latent: int
    """Size of z."""
    epochs: Annotated[int, MAY_CHANGE]
    """Passes over the recorded frames."""
    batch_size: int
    """Frames in a step of Adam."""
    learning_rate: float
    """Adam's step size."""
    final_learning_rate: float
    """Step size at the end of the last epoch, reached along a cosine."""
    kl_tolerance: float
    """The KL term of a frame costs at least this many nats a latent dimension."""
    validation_episodes: int
    """Episodes, the last ones recorded, that are never trained on."""
    shuffle_gib: float
    """Memory for decoded frames in GiB; bounds the stage's memory whatever the data's size."""
    precision: Literal["auto", "float32", "bfloat16"]
    """Arithmetic of the convolutions; auto takes bfloat16 where the hardware has it."""
    report_every: int
    """Steps between a validation, its line in metrics.jsonl and its picture."""


@dataclass(frozen=True)
class EncodeSettings:
    """Turning recorded frames into series of latents."""

    batch_size: int
    """Frames encoded at once."""
    shard_episodes: int
    """Episodes in one file of the series."""


@dataclass(frozen=True)
class TrainRnnSettings:
    """Training M, the LSTM with a mixture-density head."""

    hidden: int
    """Cells of the LSTM."""
    mixtures: int
    """Gaussians of each latent dimension."""
    num_steps: Annotated[int, MAY_CHANGE]
    """Steps of Adam."""
    batch_size: int
    """Sequences in a step of Adam."""
    sequence_length: int
    """Transitions in a sequence."""
    sampling: Literal["episodes", "streams"]
    """episodes: each sequence starts an episode. streams: the state is carried from one to the
    next and zeroed where an episode starts."""
    learning_rate: float
    """Adam's step size at the start."""
    learning_rate_decay: float
    """Factor on the step size after every step."""
    gradient_clip: float
    """Gradients are clipped to plus or minus this value."""
    done_weight: float
    """Weight of the last step of an episode in the loss of the done head."""
    validation_episodes: int
    """Episodes, the last ones recorded, that are never trained on."""
    report_every: int
    """Steps between validations and their lines in metrics.jsonl."""


@dataclass(frozen=True)
class TrainCtrlSettings:
    """Searching C with CMA-ES."""

    world: str
    """Where candidates play: one of the game's worlds, or dream."""
    generations: Annotated[int, MAY_CHANGE]
    """Generations of CMA-ES."""
    population: int
    """Candidates in a generation."""
    episodes: int
    """Episodes a candidate plays; their mean return is its fitness."""
    sigma: float
    """Initial standard deviation of the search distribution, around zero."""
    inputs: Literal["z", "z+h", "z+c+h"]
    """What C sees: the latent, M's output h, M's cell c."""
    hidden: int
    """Units of a tanh layer inside C; 0 for the linear controller."""
    bias: bool
    """Whether C has bias parameters."""
    rnn: Literal["trained", "random"]
    """random leaves M at its random start."""
    latent: Literal["sample", "mean"]
    """Whether C sees a sample of V's posterior or its mean."""
    evaluate_every: int
    """Generations between evaluations of the search distribution's mean."""
    evaluate_episodes: int
    """Episodes, the same every time, of such an evaluation."""
    max_steps: int
    """Stop training episodes after this many steps; 0 leaves it to the game."""
    curriculum: str
    """"50,5": training episodes last 50 steps at first, 5 more whenever the population's mean
    return improves. Empty for none."""
    patience: int
    """End a training episode after this many steps without reward, and charge it as if it had
    idled to the end; 0 never does."""
    temperature: float
    """tau of the dream."""
    initial_noise: float
    """Standard deviation of noise added to a dream's first latent."""
    slots: int
    """Episodes that one process plays side by side, in one batch through V, M and C."""
    unit_episodes: int
    """Episodes in the unit of work that is handed to a worker."""
    max_hours: Annotated[float, MAY_CHANGE]
    """Stop after this many hours, resumed ones included."""
    target_return: Annotated[float, MAY_CHANGE]
    """Stop once an evaluation of the mean reaches this return."""


@dataclass(frozen=True)
class EvalSettings:
    """Scoring an agent."""

    episodes: Annotated[int, MAY_CHANGE]
    """How many episodes to play."""
    seed: int
    """Episode i is played with this seed plus i."""
    random: bool
    """Score the random policy instead of the agent."""
    dream: bool
    """Play inside M's dream instead of the official game."""
    temperature: float
    """tau of the dream."""
    slots: int
    """Episodes that one process plays side by side."""


@dataclass(frozen=True)
class RenderSettings:
    """Filming an episode."""

    seed: int
    """Seed of the episode."""
    max_steps: int
    """Film at most this many steps; 0 films the whole episode."""
    temperature: float
    """tau of the dream panel."""
    panel_px: int
    """Height of each panel in pixels."""
    gif_seconds: float
    """Length of the GIF, which shows the start of the episode."""


Settings = (
    ExtractSettings
    | TrainVaeSettings
    | EncodeSettings
    | TrainRnnSettings
    | TrainCtrlSettings
    | EvalSettings
    | RenderSettings
)


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on."""

    experiment: str
    """A shipped game (carracing, doom) or the dotted path of a module with an EXPERIMENT."""
    seed: int
    """Root of every random draw."""
    world: dict[str, Any]
    """Settings of the game itself; each game declares its own."""
    extract: ExtractSettings
    train_vae: TrainVaeSettings
    encode: EncodeSettings
    train_rnn: TrainRnnSettings
    train_ctrl: TrainCtrlSettings
    eval: EvalSettings
    render: RenderSettings

    def with_settings(self, section: str, settings: Settings) -> Config:
        """This config with one stage's settings replaced."""
        changed: dict[str, Any] = {section: settings}
        return dataclasses.replace(self, **changed)


def may_change(settings: Settings) -> frozenset[str]:
    """Names of the fields that may differ when a stage is continued."""
    hints = typing.get_type_hints(type(settings), include_extras=True)
    return frozenset(
        name for name, hint in hints.items() if MAY_CHANGE in getattr(hint, "__metadata__", ())
    )


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
        table = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    parent = table.pop("extends", None)
    if parent is None:
        return table
    if not isinstance(parent, str):
        raise UsageError(f"{path}: extends must be of type str, not {parent!r}.")
    parent_path = path.parent / parent
    if not parent_path.is_file():  # a user's own file may extend a shipped config
        parent_path = find_config(parent.removesuffix(".toml"))
    return _merged(_read(parent_path, (*seen, path.resolve())), table)


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
    return kind(**values)


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
