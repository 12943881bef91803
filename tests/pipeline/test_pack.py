"""A packed agent plays as the run's own does, and says where it comes from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import TINY
from safetensors.torch import load_file

from worldmodels.cli import main
from worldmodels.errors import UsageError, WorldModelsError
from worldmodels.zoo import pack as packing
from worldmodels.zoo.pack import add_report, pack


@pytest.fixture(scope="module")
def packed(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("packed") / "agent"
    pack(finished_run, out)
    return out


def evaluate(agent: Path, run: Path) -> dict:
    assert main(["eval", TINY, "--run", str(run), "--agent", str(agent), "--workers", "1"]) == 0
    return json.loads((run / "eval" / "report.json").read_text())


def test_networks_are_packed_in_half_precision_and_c_as_it_is(
    finished_run: Path, packed: Path
) -> None:
    for part in ("vae", "rnn"):
        kept = load_file(packed / part / "model.safetensors")
        original = load_file(finished_run / part / "model.safetensors")
        for name, value in original.items():
            assert kept[name].element_size() == 2
            np.testing.assert_allclose(kept[name].float(), value, rtol=1e-3, atol=1e-4)
    for name in ("best.npz", "history.jsonl"):
        kept_as_it_is = Path("ctrl") / name
        assert (packed / kept_as_it_is).read_bytes() == (finished_run / kept_as_it_is).read_bytes()


def test_a_packed_agent_is_an_agent_to_evaluate(packed: Path, tmp_path: Path) -> None:
    report = evaluate(packed, tmp_path / "run")
    add_report(packed, tmp_path / "run" / "eval")
    kept = json.loads((packed / "report.json").read_text())
    assert kept == {**report, "agent": packed.name}
    card = (packed / "card.md").read_text()
    assert f"{report['mean']:.1f} ± {report['std']:.1f}" in card
    assert f"--agent FOLDER --episodes {report['episodes']} --seed {report['seeds'][0]}`" in card


def test_the_card_names_machine_seed_and_what_each_stage_took(packed: Path) -> None:
    card = (packed / "card.md").read_text()
    for expected in ("Root seed", "Machine", "| vae |", "| rnn |", "| ctrl |", "generations"):
        assert expected in card


@pytest.fixture
def run(run_with: Callable[..., Path], finished_run: Path) -> Path:
    """A copy of the finished run that a test may change."""
    copy = run_with("vae", "rnn", "ctrl")
    for name in ("config.toml", "environment.json"):
        (copy / name).write_bytes((finished_run / name).read_bytes())
    return copy


def test_the_card_tells_of_the_rounds_before(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "vae", run / "previous/vae")
    pack(run, tmp_path / "agent")
    card = (tmp_path / "agent" / "card.md").read_text()
    assert card.index("| vae, round 1 |") < card.index("| vae, round 2 |")
    assert "| ctrl, round 2 |" in card
    assert "| ctrl, round 1 |" not in card


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["wm", "run", "doom-laptop"], "Made by `wm run doom-laptop`."),
        (["wm", "train-ctrl", "x.toml"], "Made by `wm train-ctrl x.toml`, the last command of sev"),
    ],
)
def test_the_card_says_by_which_command_it_was_made(
    run: Path, tmp_path: Path, command: list[str], said: str
) -> None:
    facts = json.loads((run / "environment.json").read_text())
    (run / "environment.json").write_text(json.dumps({**facts, "command": command}))
    pack(run, tmp_path / "agent")
    assert said in (tmp_path / "agent" / "card.md").read_text()


def test_the_best_agent_of_an_unfinished_search_is_packed(run: Path, tmp_path: Path) -> None:
    (run / "ctrl" / "done").unlink()
    pack(run, tmp_path / "agent")
    assert "generations" in (tmp_path / "agent" / "card.md").read_text()
    evaluate(tmp_path / "agent", tmp_path / "scored")


def test_v_and_m_of_another_run_are_packed_with_the_settings_that_they_were_made_with(
    run_with: Callable[..., Path], finished_run: Path, packed: Path, tmp_path: Path
) -> None:
    run = run_with("ctrl")
    (run / "environment.json").write_bytes((finished_run / "environment.json").read_bytes())
    text = (finished_run / "config.toml").read_text()
    assert "num_steps = 40\n" in text
    (run / "config.toml").write_text(text.replace("num_steps = 40\n", "num_steps = 41\n"))
    words = ["pack", str(run), "--out", str(tmp_path / "agent")]
    assert main(words) == 1
    assert main([*words, "--inputs-from", str(finished_run)]) == 0
    for name in ("config.toml", "vae/model.safetensors", "rnn/model.safetensors"):
        assert (tmp_path / "agent" / name).read_bytes() == (packed / name).read_bytes()


def test_a_c_of_another_m_is_not_packed(run: Path, tmp_path: Path) -> None:
    settings = json.loads((run / "ctrl" / "settings.json").read_text())
    settings["input:rnn"] = "0" * 16
    (run / "ctrl" / "settings.json").write_text(json.dumps(settings))
    with pytest.raises(WorldModelsError, match="evolved with another rnn"):
        pack(run, tmp_path / "agent")
    assert not (tmp_path / "agent").exists()


def test_the_report_of_another_agent_is_not_added(
    finished_run: Path, packed: Path, tmp_path: Path
) -> None:
    with pytest.raises(WorldModelsError, match="scored another agent"):
        add_report(packed, finished_run / "eval")


def test_a_packing_that_fails_leaves_the_old_agent_and_nothing_else(
    packed: Path, finished_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in packed.rglob("*") if path.is_file()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packing, "save_network", full)
    with pytest.raises(OSError, match="No space"):
        pack(finished_run, packed)
    assert {path: path.read_bytes() for path in packed.rglob("*") if path.is_file()} == before
    assert [path.name for path in packed.parent.iterdir()] == [packed.name]


def test_a_report_needs_an_agent_and_an_evaluation(
    finished_run: Path, packed: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="is no packed agent: run"):
        add_report(tmp_path, finished_run / "eval")
    with pytest.raises(UsageError, match="is no evaluation"):
        add_report(packed, tmp_path)


def test_a_folder_of_other_things_is_not_written_to(finished_run: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(WorldModelsError, match="something else"):
        pack(finished_run, tmp_path)


def test_a_run_without_m_is_not_packed(run_with: Callable[..., Path], tmp_path: Path) -> None:
    run = run_with("vae", "ctrl")
    with pytest.raises(WorldModelsError, match=r"config\.toml"):
        pack(run, tmp_path / "agent")
