"""The dream of a trained agent, as `gymnasium.make_vec` makes it."""

from __future__ import annotations

from pathlib import Path

from gymnasium.vector import AutoresetMode

from worldmodels.config import load_recorded_config
from worldmodels.data.weights import load_first_latents, load_rnn, load_vae
from worldmodels.device import DeviceName, resolve_device
from worldmodels.errors import WorldModelsError
from worldmodels.experiment import find_experiment
from worldmodels.worlds.dream import DreamWorld


def make_dream(
    num_envs: int,
    run: str | Path,
    temperature: float = 1.0,
    initial_noise: float = 0.0,
    max_episode_steps: int | None = None,
    device: DeviceName = "cpu",
    autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
) -> DreamWorld:
    """`num_envs` dreams of the agent in the folder `run`, which has config.toml, vae/ and rnn/.

    They last as long as the game's longest episode unless `max_episode_steps` is given. Raises
    WorldModelsError if the folder holds no agent.
    """
    folder = Path(run)
    if not (folder / "config.toml").is_file():
        raise WorldModelsError(f"{folder} holds no run: it has no config.toml.")
    config = load_recorded_config(folder)
    experiment = find_experiment(config.experiment)
    place = resolve_device(device)
    rnn = folder / "rnn"
    return DreamWorld(
        load_rnn(rnn, place),
        load_first_latents(rnn),
        experiment.action_space(),
        num_envs,
        temperature=temperature,
        initial_noise=initial_noise,
        max_episode_steps=max_episode_steps
        or experiment.max_steps(experiment.make_settings(config)),
        vae=load_vae(folder / "vae", place),
        autoreset_mode=autoreset_mode,
    )
