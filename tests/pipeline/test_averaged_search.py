"""`wm train-ctrl --average-generations`: the agent is the average of the search's path."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from conftest import TINY

from worldmodels.cli import main
from worldmodels.data.weights import load_controller


def agent(run: Path, inputs: Path, generations: int, *more: str) -> np.ndarray:
    """The parameters of C after so many generations, evaluated after the last one alone."""
    words = ["train-ctrl", TINY, "--run", str(run), "--inputs-from", str(inputs)]
    words += ["--generations", str(generations), "--evaluate-every", "100", *more]
    assert main(words) == 0
    return load_controller(run / "ctrl").parameters


def test_the_agent_is_the_average_of_the_means(
    run_with: Callable[..., Path], tmp_path: Path
) -> None:
    inputs = run_with("vae", "rnn")
    means = [agent(tmp_path / str(last), inputs, last) for last in (1, 2, 3)]
    averaged = agent(tmp_path / "averaged", inputs, 3, "--average-generations", "3")
    np.testing.assert_allclose(averaged, np.mean(means, 0), rtol=1e-5, atol=1e-7)
    assert not np.allclose(averaged, means[-1], rtol=1e-2)


def test_interrupted_it_ends_where_it_would_have_whatever_the_workers(
    run_with: Callable[..., Path], tmp_path: Path
) -> None:
    inputs = run_with("vae", "rnn")
    words = ("--average-generations", "3", "--evaluate-every", "2")
    whole = agent(tmp_path / "whole", inputs, 6, *words, "--workers", "1")
    # Stopped where it is evaluated in any case: the last generation always is.
    agent(tmp_path / "parts", inputs, 2, *words, "--workers", "2")
    parts = agent(tmp_path / "parts", inputs, 6, *words, "--workers", "1")
    np.testing.assert_array_equal(whole, parts)


def test_a_search_that_knew_no_averages_goes_on(
    run_with: Callable[..., Path], tmp_path: Path
) -> None:
    inputs = run_with("vae", "rnn")
    agent(tmp_path / "old", inputs, 2)
    file = tmp_path / "old" / "ctrl" / "settings.json"
    settings = json.loads(file.read_text())
    del settings["average_generations"]
    file.write_text(json.dumps(settings))
    agent(tmp_path / "old", inputs, 3)
