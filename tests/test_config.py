"""Configuration: TOML is read strictly, and written so that it reads back the same."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from worldmodels import config as config_module
from worldmodels.config import (
    Config,
    build_settings,
    dump_config,
    find_config,
    load_config,
    load_recorded_config,
)
from worldmodels.errors import UsageError
from worldmodels.settings import TrainCtrlSettings, may_change

Write = Callable[..., Path]


def example(hint: Any) -> Any:
    """A value that is right for a type."""
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return {f.name: example(hints[f.name]) for f in dataclasses.fields(hint)}
    if typing.get_origin(hint) is Literal:
        return typing.get_args(hint)[0]
    if typing.get_origin(hint) is dict:
        return {"skill": 4, "rate": 0.95, "name": "a", "flag": True}
    return {int: 64, float: 0.5, str: "x", bool: True}[hint]


def as_toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a complete config, after `change` was applied to its table."""

    def write(change: Callable[[dict[str, Any]], object] = lambda table: None) -> Path:
        table = example(Config)
        change(table)
        plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
        text = "".join(f"{key} = {as_toml(value)}\n" for key, value in plain.items())
        for name, section in table.items():
            if isinstance(section, dict):
                lines = (f"{key} = {as_toml(value)}\n" for key, value in section.items())
                text += f"[{name}]\n" + "".join(lines)
        path = tmp_path / "game.toml"
        path.write_text(text)
        return path

    return write


def test_every_value_of_a_file_is_in_the_config(write: Write) -> None:
    assert dataclasses.asdict(load_config(write())) == example(Config)


def test_an_unknown_key_is_refused_with_the_nearest_name(write: Write) -> None:
    path = write(lambda table: table["train_vae"].update(learning_rat=0.1))
    with pytest.raises(UsageError, match=r"train_vae\.learning_rat; did you mean 'learning_rate'"):
        load_config(path)


def test_an_unknown_section_is_refused_with_the_nearest_name(write: Write) -> None:
    path = write(lambda table: table.update(train_vea={}))
    with pytest.raises(UsageError, match="unknown key train_vea; did you mean 'train_vae'"):
        load_config(path)


def test_an_unknown_key_like_no_other_is_refused_without_a_guess(write: Write) -> None:
    path = write(lambda table: table.update(qqqq=1))
    with pytest.raises(UsageError, match=r"unknown key qqqq\.$"):
        load_config(path)


@pytest.mark.parametrize("key", ["latent", "epochs", "precision"])
def test_a_missing_key_is_named(write: Write, key: str) -> None:
    path = write(lambda table: table["train_vae"].pop(key))
    with pytest.raises(UsageError, match=rf"the key train_vae\.{key} is missing"):
        load_config(path)


def test_a_missing_section_is_named(write: Write) -> None:
    path = write(lambda table: table.pop("eval"))
    with pytest.raises(UsageError, match="the key eval is missing"):
        load_config(path)


@pytest.mark.parametrize(
    ("section", "key", "value", "kind"),
    [
        ("train_vae", "latent", 32.0, "int"),
        ("train_vae", "latent", "32", "int"),
        ("train_vae", "latent", True, "int"),
        ("train_vae", "learning_rate", "fast", "float"),
        ("train_vae", "learning_rate", True, "float"),
        ("train_ctrl", "bias", 1, "bool"),
        ("train_ctrl", "bias", "true", "bool"),
        ("train_ctrl", "world", 1, "str"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(
    write: Write, section: str, key: str, value: object, kind: str
) -> None:
    path = write(lambda table: table[section].update({key: value}))
    with pytest.raises(UsageError, match=rf"{section}\.{key} must be of type {kind}, not"):
        load_config(path)


def test_an_integer_is_accepted_for_a_float_and_becomes_one(write: Write) -> None:
    path = write(lambda table: table["train_vae"].update(learning_rate=1))
    value = load_config(path).train_vae.learning_rate
    assert (value, type(value)) == (1.0, float)


def test_a_word_outside_the_choices_is_refused_with_the_choices(write: Write) -> None:
    path = write(lambda table: table["train_ctrl"].update(inputs="h"))
    with pytest.raises(UsageError, match=r"inputs = 'h' is not one of z, z\+h, z\+c\+h"):
        load_config(path)


def test_a_section_that_is_no_table_is_refused(write: Write) -> None:
    path = write(lambda table: table.update(encode=3))
    with pytest.raises(UsageError, match="encode must be a table"):
        load_config(path)


def test_text_that_is_no_toml_is_refused_with_the_files_name(tmp_path: Path) -> None:
    (tmp_path / "game.toml").write_text("seed = ")
    with pytest.raises(UsageError, match=r"game\.toml is not valid TOML"):
        load_config(tmp_path / "game.toml")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"game\.toml cannot be read"):
        load_config(tmp_path / "game.toml")


def test_a_file_changes_single_values_of_the_one_it_extends(write: Write, tmp_path: Path) -> None:
    write()
    path = tmp_path / "variant.toml"
    path.write_text('extends = "game.toml"\nseed = 99\n[train_vae]\nlatent = 64\n')
    expected = example(Config) | {"seed": 99}
    expected["train_vae"]["latent"] = 64
    assert dataclasses.asdict(load_config(path)) == expected


def test_extending_goes_through_several_files(write: Write, tmp_path: Path) -> None:
    write()
    (tmp_path / "b.toml").write_text('extends = "game.toml"\n[encode]\nbatch_size = 7\n')
    (tmp_path / "c.toml").write_text('extends = "b.toml"\nseed = 99\n')
    config = load_config(tmp_path / "c.toml")
    assert (config.seed, config.encode.batch_size, config.train_vae.latent) == (99, 7, 64)


def test_a_file_in_another_folder_may_extend_a_shipped_config(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = write()
    monkeypatch.setattr(config_module, "shipped_configs", lambda: {"game": shipped})
    (tmp_path / "mine").mkdir()
    path = tmp_path / "mine" / "variant.toml"
    path.write_text('extends = "game.toml"\nseed = 99\n')
    assert load_config(path).seed == 99


@pytest.mark.parametrize("spelling", ["a.toml", "./a.toml", "../here/a.toml"])
def test_a_file_that_extends_itself_is_refused(tmp_path: Path, spelling: str) -> None:
    (tmp_path / "here").mkdir()
    path = tmp_path / "here" / "a.toml"
    path.write_text(f'extends = "{spelling}"\n')
    with pytest.raises(UsageError, match=r"a\.toml extends itself"):
        load_config(path)


def test_two_files_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('extends = "b.toml"\n')
    (tmp_path / "b.toml").write_text('extends = "a.toml"\n')
    with pytest.raises(UsageError, match="extends itself"):
        load_config(tmp_path / "a.toml")


def test_extending_a_file_that_is_not_there_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('extends = "nowhere.toml"\n')
    with pytest.raises(UsageError, match="nowhere"):
        load_config(tmp_path / "a.toml")


def test_extending_something_that_is_no_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("extends = 3\n")
    with pytest.raises(UsageError, match="extends must be of type str"):
        load_config(tmp_path / "a.toml")


def test_a_dumped_config_reads_back_the_same(write: Write, tmp_path: Path) -> None:
    config = load_config(write())
    (tmp_path / "again.toml").write_text(dump_config(config))
    assert load_config(tmp_path / "again.toml") == config


@pytest.mark.parametrize(
    "value",
    ['"quoted"', "back\\slash", "two\nlines", "tab\tand\x01", "höhe", 1e-5, 1e20, -3, False],
)
def test_a_dumped_value_reads_back_the_same(write: Write, tmp_path: Path, value: object) -> None:
    config = dataclasses.replace(load_config(write()), world={"value": value})
    (tmp_path / "again.toml").write_text(dump_config(config))
    assert load_config(tmp_path / "again.toml").world == {"value": value}


def test_replacing_a_stages_settings_keeps_everything_else(write: Write) -> None:
    config = load_config(write())
    longer = dataclasses.replace(config.train_vae, epochs=50)
    changed = config.with_settings("train_vae", longer)
    assert changed.train_vae.epochs == 50
    assert changed.with_settings("train_vae", config.train_vae) == config


def test_only_how_long_to_go_on_may_change_when_a_search_is_continued() -> None:
    settings = build_settings(TrainCtrlSettings, example(TrainCtrlSettings), "here", "")
    assert may_change(settings) == {"generations", "max_hours", "target_return"}


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("extract", {"episodes", "slots"}),
        ("train_vae", {"epochs"}),
        ("encode", set()),
        ("train_rnn", {"num_steps"}),
        ("eval", {"episodes"}),
        ("fidelity", {"episodes"}),
    ],
)
def test_only_the_amount_of_work_may_change_when_a_stage_is_continued(
    write: Write, section: str, names: set[str]
) -> None:
    assert may_change(getattr(load_config(write()), section)) == names


def test_a_shipped_config_that_does_not_exist_is_refused_with_the_nearest(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_module, "shipped_configs", lambda: {"carracing": write()})
    with pytest.raises(UsageError, match="no config 'caracing'; did you mean 'carracing'"):
        find_config("caracing")


def test_a_path_to_a_toml_file_is_found_as_it_is(write: Write) -> None:
    path = write()
    assert find_config(str(path)) == path


def test_a_path_to_no_file_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no config file nowhere\.toml"):
        find_config("nowhere.toml")


def test_a_recorded_config_of_an_older_version_gets_the_games_own_later_settings(
    tmp_path: Path,
) -> None:
    config = load_config(find_config("doom-laptop"))
    lines = dump_config(config).split("[fidelity]")[0]
    (tmp_path / "config.toml").write_text(lines)
    assert load_recorded_config(tmp_path) == config
