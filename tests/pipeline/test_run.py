"""The whole pipeline on the tiny game."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from conftest import TINY

from worldmodels.cli import main
from worldmodels.config import load_config
from worldmodels.data.weights import load_controller, load_rnn, load_vae
from worldmodels.evolution.cmaes import CmaEs
from worldmodels.evolution.fitness import Unit, cut
from worldmodels.evolution.lineage import read_lineage
from worldmodels.experiment import find_experiment
from worldmodels.models.agent import Agent, AgentPolicy
from worldmodels.report.progress import read_history
from worldmodels.stages import train_ctrl


def history(run: Path) -> list[dict]:
    """The lines of a search's log."""
    return [json.loads(line) for line in (run / "ctrl" / "history.jsonl").read_text().splitlines()]


def test_run_finishes_every_stage(finished_run: Path) -> None:
    for name in ("episodes", "vae", "series", "rnn", "ctrl", "eval", "render/seed-100"):
        assert (finished_run / name / "done").is_file(), name


def test_episodes_are_plain_npz_with_one_frame_more_than_actions(finished_run: Path) -> None:
    with np.load(finished_run / "episodes" / "000000.npz", allow_pickle=False) as archive:
        steps = len(archive["action"])
        assert archive["frame"].shape == (steps + 1, 64, 64, 3)
        assert archive["reward"].shape == (steps,)
        assert archive["seed"].dtype == np.int64


def test_report_lists_returns_lengths_and_the_seeds_asked_for(finished_run: Path) -> None:
    report = json.loads((finished_run / "eval" / "report.json").read_text())
    assert report["seeds"] == [100, 101, 102, 103, 104]
    assert len(report["returns"]) == len(report["lengths"]) == 5
    assert report["mean"] == pytest.approx(np.mean(report["returns"]))


def test_csv_holds_the_same_episodes_as_the_report(finished_run: Path) -> None:
    report = json.loads((finished_run / "eval" / "report.json").read_text())
    with (finished_run / "eval" / "report.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["return"]) for row in rows] == report["returns"]
    assert [int(row["seed"]) for row in rows] == report["seeds"]


def test_history_has_a_line_for_each_generation(finished_run: Path) -> None:
    rows = history(finished_run)
    assert [row["generation"] for row in rows] == [1, 2, 3, 4, 5, 6]
    for row in rows:
        assert {"env_steps", "elapsed_s", "mean", "best", "sigma"} <= row.keys()
    assert [("evaluation" in row) for row in rows] == [False, False, True, False, False, True]


def test_pictures_and_films_are_made(finished_run: Path) -> None:
    assert list((finished_run / "vae" / "reconstructions").glob("*.png"))
    assert (finished_run / "rnn" / "dream.png").stat().st_size > 1000
    assert (finished_run / "render" / "seed-100" / "episode.mp4").stat().st_size > 1000
    assert (finished_run / "render" / "seed-100" / "episode.gif").stat().st_size > 1000


def test_film_shows_the_very_episode_of_the_evaluation(finished_run: Path) -> None:
    report = json.loads((finished_run / "eval" / "report.json").read_text())
    film = json.loads((finished_run / "render" / "seed-100" / "done").read_text())
    assert (film["return"], film["length"]) == (report["returns"][0], report["lengths"][0])


def test_recorded_config_is_the_resolved_one(finished_run: Path) -> None:
    assert load_config(finished_run / "config.toml") == load_config(Path(TINY))


def test_running_again_changes_no_file_but_the_record_of_the_command(
    finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def stamps() -> dict[Path, int]:
        return {
            path: path.stat().st_mtime_ns
            for path in finished_run.rglob("*")
            if path.is_file()
            and path.name not in ("config.toml", "environment.json", ".lock")
            and not {"episodes", "series", "eval"} & set(path.parts)  # which are gone through again
        }

    before = stamps()
    assert main(["run", TINY, "--run", str(finished_run), "--workers", "1"]) == 0
    assert stamps() == before
    assert "finished already" in capsys.readouterr().err


def test_a_removed_episode_is_recorded_anew_with_the_same_content(
    run_with: Callable[..., Path],
) -> None:
    run = run_with("episodes")
    path = run / "episodes" / "000002.npz"
    before = path.read_bytes()
    path.unlink()
    assert main(["extract", TINY, "--run", str(run), "--workers", "1"]) == 0
    assert path.read_bytes() == before


def test_more_episodes_leave_the_old_ones_alone(run_with: Callable[..., Path]) -> None:
    run = run_with("episodes")
    before = (run / "episodes" / "000007.npz").stat().st_mtime_ns
    arguments = ["extract", TINY, "--run", str(run), "--workers", "1", "--episodes", "10"]
    assert main(arguments) == 0
    assert len(list((run / "episodes").glob("*.npz"))) == 10
    assert (run / "episodes" / "000007.npz").stat().st_mtime_ns == before


def test_an_evaluated_episode_does_not_depend_on_the_others(
    finished_run: Path, run_with: Callable[..., Path]
) -> None:
    run = run_with("vae", "rnn", "ctrl")
    arguments = ["eval", TINY, "--run", str(run), "--workers", "1"]
    assert main([*arguments, "--seed", "103", "--episodes", "1"]) == 0
    alone = json.loads((run / "eval" / "report.json").read_text())
    among = json.loads((finished_run / "eval" / "report.json").read_text())
    assert alone["returns"] == among["returns"][3:4]


def test_more_evaluation_episodes_keep_those_already_played(run_with: Callable[..., Path]) -> None:
    run = run_with("vae", "rnn", "ctrl", "eval")
    before = (run / "eval" / "episodes.jsonl").read_text()
    arguments = ["eval", TINY, "--run", str(run), "--workers", "1", "--episodes", "7"]
    assert main(arguments) == 0
    assert (run / "eval" / "episodes.jsonl").read_text().startswith(before)


def test_random_policy_and_dream_are_scored_beside_the_agent(run_with: Callable[..., Path]) -> None:
    run = run_with("vae", "rnn", "ctrl")
    arguments = ["eval", TINY, "--run", str(run), "--workers", "1"]
    assert main([*arguments, "--random"]) == 0
    assert main([*arguments, "--dream", "--temperature", "0.5"]) == 0
    random = json.loads((run / "eval-random" / "report.json").read_text())
    dream = json.loads((run / "eval-dream" / "report.json").read_text())
    assert random["policy"] == "random"
    assert "temperature 0.5" in dream["played_in"]


def test_an_agent_of_another_folder_is_scored_into_this_one(
    finished_run: Path, tmp_path: Path
) -> None:
    run = tmp_path / "scores"
    arguments = ["eval", TINY, "--agent", str(finished_run), "--run", str(run), "--workers", "1"]
    assert main(arguments) == 0
    ours = json.loads((run / "eval" / "report.json").read_text())
    theirs = json.loads((finished_run / "eval" / "report.json").read_text())
    assert ours["returns"] == theirs["returns"]


def test_the_dream_of_a_run_is_a_gymnasium_world(finished_run: Path) -> None:
    world = gymnasium.make_vec("worldmodels/Dream-v0", num_envs=3, run=finished_run)
    observation, _ = world.reset(seed=5)
    assert observation.shape == (3, 4)
    observation, reward, *_ = world.step(world.action_space.sample())
    assert reward.tolist() == [1, 1, 1]
    assert world.render()[0].shape == (64, 64, 3)


def test_a_smaller_number_than_was_done_keeps_what_was_done(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("episodes", "vae")
    assert main(["train-vae", TINY, "--run", str(run), "--epochs", "1"]) == 0
    assert "finished already" in capsys.readouterr().err
    assert (run / "vae" / "done").exists()


def test_a_network_can_be_trained_further(run_with: Callable[..., Path]) -> None:
    run = run_with("vae", "series", "rnn")
    arguments = ["train-rnn", TINY, "--run", str(run), "--num-steps", "50"]
    assert main(arguments) == 0
    assert json.loads((run / "rnn" / "done").read_text())["step"] == 50


def test_inputs_come_from_another_run(finished_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "variant"
    where = ["--run", str(run), "--inputs-from", str(finished_run), "--workers", "1"]
    assert main(["train-ctrl", TINY, *where, "--inputs", "z", "--generations", "1"]) == 0
    assert main(["eval", TINY, *where, "--episodes", "2"]) == 0
    assert not (run / "vae").exists()
    report = json.loads((run / "eval" / "report.json").read_text())
    assert report["agent"] == str(run / "ctrl")


def test_the_best_agent_of_an_unfinished_search_can_be_scored(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("vae", "rnn", "ctrl")
    (run / "ctrl" / "done").unlink()
    assert main(["eval", TINY, "--run", str(run), "--workers", "1", "--episodes", "2"]) == 0
    assert "best agent that the search has found" in capsys.readouterr().err


def test_time_of_all_sessions_is_accounted_for(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("vae", "series", "rnn")
    before = json.loads((run / "rnn" / "done").read_text())["wall_s"]
    assert main(["train-rnn", TINY, "--run", str(run), "--num-steps", "50"]) == 0
    assert json.loads((run / "rnn" / "done").read_text())["wall_s"] > before
    assert ", earlier sessions included, peak memory" in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags",
    [
        ["--world", "dream"],
        ["--inputs", "z"],
        ["--inputs", "z+c+h", "--no-bias"],
        ["--hidden", "3"],
        ["--rnn", "random"],
        ["--latent", "mean"],
        ["--world", "dream", "--initial-noise", "0.5", "--temperature", "1.3"],
    ],
)
def test_search_works_with(flags: list[str], run_with: Callable[..., Path]) -> None:
    run = run_with("vae", "rnn")
    arguments = ["train-ctrl", TINY, "--run", str(run), "--workers", "1", "--generations", "2"]
    assert main([*arguments, *flags]) == 0
    assert main(["eval", TINY, "--run", str(run), "--workers", "1", "--episodes", "2"]) == 0


def test_an_agent_and_the_explorer_record_in_turns(finished_run: Path, tmp_path: Path) -> None:
    words = ["extract", TINY, "--episodes", "6", "--workers", "1"]
    assert main([*words, "--run", str(tmp_path / "alone")]) == 0
    for name in ("both", "again"):
        run = ["--run", str(tmp_path / name), "--agent", str(finished_run)]
        assert main([*words, *run]) == 0
    both, again = (sorted((tmp_path / n / "episodes").glob("0*.npz")) for n in ("both", "again"))
    assert [path.read_bytes() for path in both] == [path.read_bytes() for path in again]
    agent = load_agent(finished_run)
    for number, path in enumerate(both):
        with np.load(path) as episode:
            expected = agent(episode["frame"], episode["seed"])[: len(episode["action"])]
            same = np.allclose(episode["action"], expected, atol=1e-4)
            assert same == (number % 2 == 1)


def load_agent(run: Path) -> Callable[[np.ndarray, int], np.ndarray]:
    """What the agent of a run does at each frame of the episode with a seed."""
    vae, rnn = load_vae(run / "vae", "cpu"), load_rnn(run / "rnn", "cpu")
    controller = load_controller(run / "ctrl")
    squash = find_experiment("tiny_game").squash
    agent = Agent(vae, rnn, controller.sizes, squash, controller.sample_latent)

    def act(frames: np.ndarray, seed: int) -> np.ndarray:
        policy = AgentPolicy(agent, controller.parameters[np.newaxis], 1)
        policy.begin(np.array([0]), np.array([seed]), np.array([0]))
        return np.concatenate([policy.act(frame[np.newaxis]) for frame in frames])

    return act


def test_a_search_takes_up_the_agent_of_another(
    finished_run: Path, run_with: Callable[..., Path]
) -> None:
    run = run_with("vae", "rnn")
    words = ["train-ctrl", TINY, "--run", str(run), "--generations", "1", "--workers", "1"]
    # So small a step that the mean stays where it began.
    assert main([*words, "--start", str(finished_run), "--sigma", "1e-9"]) == 0
    began, went = (load_controller(folder / "ctrl") for folder in (finished_run, run))
    np.testing.assert_allclose(went.parameters, began.parameters, atol=1e-6)
    assert np.abs(began.parameters).max() > 1e-3


@pytest.mark.parametrize(
    ("stage", "part", "inputs", "load"),
    [
        ("train-vae", "vae", ("episodes",), load_vae),
        ("train-rnn", "rnn", ("vae", "series"), load_rnn),
    ],
)
def test_v_and_m_are_trained_on(
    finished_run: Path,
    run_with: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    stage: str,
    part: str,
    inputs: tuple[str, ...],
    load: Callable[[Path, str], torch.nn.Module],
) -> None:
    words = [stage, TINY, "--run", str(run_with(*inputs)), "--start"]
    still = ["--learning-rate", "1e-12"]
    still += ["--final-learning-rate", "1e-12"] if part == "vae" else []
    assert main([*words, "nowhere"]) == 2
    assert f"no folder {part}" in capsys.readouterr().err
    assert main([*words, str(finished_run), *still]) == 0
    began, went = (load(Path(run) / part, "cpu") for run in (finished_run, words[3]))
    for before, after in zip(began.parameters(), went.parameters(), strict=True):
        torch.testing.assert_close(after, before)


def test_v_is_taken_as_it_is_in_no_epochs(
    finished_run: Path, run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("episodes")
    words = ["train-vae", TINY, "--run", str(run), "--epochs", "0"]
    assert main(words) == 2
    assert "say whose with --start" in capsys.readouterr().err
    assert main([*words, "--dry-run"]) == 2
    assert "say whose with --start" in capsys.readouterr().err
    assert main([*words, "--start", str(finished_run)]) == 0
    before, after = (load_vae(folder / "vae", "cpu") for folder in (finished_run, run))
    for old, new in zip(before.parameters(), after.parameters(), strict=True):
        assert torch.equal(old, new)
    done = json.loads((run / "vae" / "done").read_text())
    assert done["step"] == 0
    assert done["validation_loss"] > 0
    assert main(["report", str(run)]) == 0
    assert main(["watch", str(run), "--once"]) == 1
    assert (run / "vae" / "reconstructions" / "0000000.png").exists()


def test_m_of_another_size_is_not_trained_on(
    finished_run: Path, run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train-rnn", TINY, "--run", str(run_with("vae", "series")), "--hidden", "8"]
    assert main([*words, "--start", str(finished_run)]) == 2
    assert "but this is to be of" in capsys.readouterr().err
    # The refused command does not bind the one that corrects it.
    assert main([*words[:-1], "16", "--num-steps", "1"]) == 0


def test_a_search_that_goes_on_no_longer_needs_the_agent_it_began_with(
    finished_run: Path, run_with: Callable[..., Path], tmp_path: Path
) -> None:
    run, start = run_with("vae", "rnn"), tmp_path / "start"
    shutil.copytree(finished_run, start)
    words = ["train-ctrl", TINY, "--run", str(run), "--start", str(start), "--workers", "1"]
    assert main([*words, "--generations", "1"]) == 0
    shutil.rmtree(start)
    assert main([*words, "--generations", "2"]) == 0
    assert load_controller(run / "ctrl").generation in (1, 2)


def test_a_search_has_the_generations_behind_it_that_led_to_its_start(
    finished_run: Path, run_with: Callable[..., Path], tmp_path: Path
) -> None:
    run, once_more = run_with("vae", "rnn"), tmp_path / "once-more"
    shutil.copytree(run, once_more)
    words = ["train-ctrl", TINY, "--generations", "2", "--workers", "1", "--run"]
    assert main([*words, str(run), "--start", str(finished_run)]) == 0
    assert main([*words, str(once_more), "--start", str(run)]) == 0
    before = load_controller(finished_run / "ctrl").generation
    between = load_controller(run / "ctrl").generation
    rows = read_lineage(once_more / "ctrl")
    assert [row["generation"] for row in rows] == list(range(1, before + between + 3))
    first = history(finished_run)[:before]
    assert rows[:before] == first
    own = history(once_more)
    assert rows[-1]["env_steps"] == (
        first[-1]["env_steps"] + history(run)[between - 1]["env_steps"] + own[-1]["env_steps"]
    )
    drawn = read_history(once_more / "ctrl")
    assert drawn is not None
    assert drawn.earlier == before + between
    assert np.all(np.diff(drawn.hours) > 0)


def test_the_step_size_is_bounded(
    run_with: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["train-ctrl", TINY, "--run", str(run_with("vae", "rnn"))]
    assert main([*words, "--max-sigma", "0.05"]) == 2
    assert "below --sigma" in capsys.readouterr().err
    assert main([*words, "--min-sigma", "0.2"]) == 2
    assert "above --sigma" in capsys.readouterr().err
    # In so few generations no bound is reached, so that they are seen where they are handed over.
    asked = []

    def spy(*values: object, **named: object) -> CmaEs:
        asked.append(named)
        return CmaEs(*values, **named)

    monkeypatch.setattr(train_ctrl, "CmaEs", spy)
    bounds = ["--min-sigma", "0.01", "--max-sigma", "0.2"]
    assert main([*words, *bounds, "--generations", "1", "--workers", "1"]) == 0
    assert asked[0].items() >= {"min_sigma": 0.01, "max_sigma": 0.2}.items()


def test_m_is_validated_on_whole_episodes_and_warns_where_it_is_trained_on_their_starts(
    run_with: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = str(run_with("vae", "series"))
    losses = []
    for length, sampling in ((4, "episodes"), (6, "streams")):
        run = tmp_path / sampling
        words = ["train-rnn", TINY, "--run", str(run), "--inputs-from", before]
        words += ["--sampling", sampling, "--sequence-length", str(length), "--num-steps", "1"]
        assert main([*words, "--learning-rate", "1e-12"]) == 0  # M stays as it began
        rows = [json.loads(line) for line in (run / "rnn/metrics.jsonl").read_text().splitlines()]
        losses.append(rows[-1]["validation_loss"])
        warned = "only the first 4 steps" in capsys.readouterr().err
        assert warned == (sampling == "episodes")
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_block_needs_two_candidates(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train-ctrl", TINY, "--run", str(run_with("vae", "rnn")), "--blocks", "4"]
    assert main(words) == 2
    assert "at most 3" in capsys.readouterr().err


def test_candidates_of_a_block_play_the_same_episodes_and_those_of_others_do_not(
    run_with: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    dealt = []

    def spy(candidates: np.ndarray, seeds: list[list[int]], *rest: object) -> list[Unit]:
        dealt.append(seeds)
        return cut(candidates, seeds, *rest)

    monkeypatch.setattr(train_ctrl, "cut", spy)
    words = ["train-ctrl", TINY, "--run", str(run_with("vae", "rnn")), "--workers", "1"]
    assert main([*words, "--generations", "1"]) == 0
    training, evaluation = dealt
    assert training[0] == training[1] == training[2]
    assert training[3] == training[4] == training[5]
    assert len({*training[0], *training[3]}) == 4
    assert [len(own) for own in evaluation] == [4]


def test_a_search_refuses_to_take_up_a_c_of_another_layout(
    finished_run: Path, run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train-ctrl", TINY, "--run", str(run_with("vae", "rnn")), "--inputs", "z"]
    assert main([*words, "--start", str(finished_run)]) == 2
    assert "but this search is for" in capsys.readouterr().err
    assert main([*words, "--start", "nowhere"]) == 2
    assert "there is no agent in nowhere" in capsys.readouterr().err


def test_an_agent_beside_an_untrained_m_needs_no_m(run_with: Callable[..., Path]) -> None:
    run = run_with("vae")
    arguments = ["train-ctrl", TINY, "--run", str(run), "--workers", "1", "--generations", "1"]
    assert main([*arguments, "--rnn", "random"]) == 0
    assert main(["eval", TINY, "--run", str(run), "--workers", "1", "--episodes", "2"]) == 0


def test_curriculum_lengthens_training_episodes(run_with: Callable[..., Path]) -> None:
    run = run_with("vae", "rnn")
    arguments = ["train-ctrl", TINY, "--run", str(run), "--workers", "1", "--curriculum", "5,2"]
    assert main(arguments) == 0
    rows = history(run)
    assert rows[0]["mean_length"] <= 5
    assert rows[0]["max_steps"] == 5
    assert rows[-1]["max_steps"] > 5


def test_search_stops_at_the_target_return(run_with: Callable[..., Path]) -> None:
    run = run_with("vae", "rnn")
    arguments = ["train-ctrl", TINY, "--run", str(run), "--workers", "1", "--target-return", "1"]
    assert main(arguments) == 0
    rows = history(run)
    assert len(rows) == 3


def test_search_stops_after_max_hours_and_goes_on_with_more(run_with: Callable[..., Path]) -> None:
    run = run_with("vae", "rnn")
    arguments = ["train-ctrl", TINY, "--run", str(run), "--workers", "1"]
    assert main([*arguments, "--max-hours", "1e-9"]) == 0
    assert len(history(run)) == 1
    assert main(arguments) == 0
    assert len(history(run)) == 6
