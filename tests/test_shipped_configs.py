"""Every shipped config, and what the paper says they must hold."""

from __future__ import annotations

import subprocess
import sys

import pytest

from worldmodels.cli import NEVER, STAGES, main
from worldmodels.config import dump_config, find_config, load_config, shipped_configs
from worldmodels.experiment import find_experiment

NAMES = list(shipped_configs())


def test_the_promised_configs_are_shipped() -> None:
    promised = {
        f"{game}{kind}" for game in ("carracing", "doom") for kind in ("", "-laptop", "-smoke")
    }
    rounds = {"carracing-first", "doom-first", "doom-second"}
    assert promised | rounds | {"carracing-demo", "doom-nightmare"} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_config_resolves_with_the_settings_of_its_game(name: str) -> None:
    config = load_config(find_config(name))
    experiment = find_experiment(config.experiment)
    experiment.make_settings(config)
    experiment.find_explorer(config.extract.explorer)
    experiment.find_explorer(config.fidelity.explorer)
    assert config.extract.world in experiment.worlds
    assert config.train_ctrl.world in {*experiment.worlds, "dream"}


@pytest.mark.parametrize("name", NAMES)
def test_every_stage_of_a_run_can_be_planned(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", name, "--run", "runs/nowhere", "--dry-run"]) == 0
    planned = capsys.readouterr().out
    for name, stage in STAGES.items():
        assert (f"{name}: " in planned) == (stage.turn != NEVER), name


@pytest.mark.parametrize("name", NAMES)
def test_a_round_is_of_the_same_game_as_the_one_before(name: str) -> None:
    config = load_config(find_config(name))
    if config.previous:
        before = load_config(find_config(config.previous))
        assert (before.experiment, before.world) == (config.experiment, config.world)
        assert before.train_vae.latent == config.train_vae.latent
        assert before.train_rnn.hidden == config.train_rnn.hidden


@pytest.mark.parametrize("name", NAMES)
def test_shown_config_reads_back_the_same(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", name]) == 0
    assert capsys.readouterr().out == dump_config(load_config(find_config(name)))


@pytest.mark.parametrize("name", NAMES)
def test_slots_are_enough_for_equal_arithmetic_in_each(name: str) -> None:
    # Below four rows matrix products may round differently from row to row.
    config = load_config(find_config(name))
    assert min(config.train_ctrl.slots, config.eval.slots, config.fidelity.slots) >= 4


@pytest.mark.parametrize(
    ("name", "latent", "hidden", "episodes", "steps", "temperature"),
    [("carracing", 32, 256, 10000, 4000, 1.0), ("doom", 64, 512, 10000, 24400, 1.15)],
)
def test_paper_configs_hold_the_numbers_of_the_paper(
    name: str, latent: int, hidden: int, episodes: int, steps: int, temperature: float
) -> None:
    config = load_config(find_config(name))
    assert (config.train_vae.latent, config.train_rnn.hidden) == (latent, hidden)
    assert config.train_rnn.mixtures == 5
    assert config.extract.episodes == episodes
    assert config.train_rnn.num_steps == steps
    assert config.train_ctrl.temperature == temperature
    assert (config.train_ctrl.population, config.train_ctrl.episodes) == (64, 16)
    assert (config.train_ctrl.evaluate_every, config.train_ctrl.evaluate_episodes) == (25, 1024)


def test_help_imports_no_torch() -> None:
    code = (
        "import sys; from worldmodels.cli import main; "
        "assert main(['--help']) == 0; assert main(['config', 'doom']) == 0; "
        "assert 'torch' not in sys.modules, 'torch was imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("stage", list(STAGES))
def test_help_of_a_stage_shows_the_values_in_force(
    stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([stage, "doom-smoke", "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert "--device" in shown
    assert "(default: " in shown
