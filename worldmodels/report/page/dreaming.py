"""Dreams from one start at several temperatures, as strips of frames."""

from __future__ import annotations

from collections.abc import Callable

import gymnasium
import numpy as np
import torch

from worldmodels.data.series import Series
from worldmodels.data.weights import SavedController
from worldmodels.evolution.dreaming import DreamPolicy
from worldmodels.models.agent import Squash
from worldmodels.models.rnn import Memory, Rnn
from worldmodels.models.vae import Vae, to_frame
from worldmodels.report.page.strips import Row, Strips
from worldmodels.worlds.dream import DreamWorld, FirstLatents

TEMPERATURES = (0.1, 0.5, 1.0, 1.15, 1.3)
NUM_FRAMES = 12
EVERY = 10  # steps between the frames
CONTEXT = 60  # recorded steps that M has read where the dream goes on from the middle of an episode
SEED = 0


@torch.inference_mode()
def played_dreams(
    vae: Vae,
    rnn: Rnn,
    first: FirstLatents,
    controller: SavedController,
    squash: Squash,
    action_space: gymnasium.Space,
) -> Strips:
    """Dreams in which C acts; a row ends where M says that the episode ends."""
    rows = []
    for temperature in TEMPERATURES:
        world = _world(vae, rnn, first, action_space, temperature)
        z = torch.as_tensor(first.mean[:1], dtype=torch.float32)
        world.begin_at(np.array([0]), torch.tensor([SEED]), z)
        policy = DreamPolicy(world, controller.sizes, squash, controller.parameters[np.newaxis])
        policy.begin(np.array([0]), np.array([SEED]), np.array([0]))
        rows.append(_row(world, temperature, lambda step, p=policy, w=world: p.act(w.z.numpy())))  # type: ignore[misc]
    return _strips(rows)


@torch.inference_mode()
def recorded_dreams(vae: Vae, rnn: Rnn, series: Series, action_space: gymnasium.Space) -> Strips:
    """Dreams that are fed a recorded episode's actions, under the episode itself."""
    # An M that is told when an episode starts can only dream from there.
    start = 0 if rnn.sizes.done_head else min(CONTEXT, series.steps // 3)
    mean = torch.as_tensor(np.array(series.mean, np.float32))
    action = torch.as_tensor(np.array(series.action))
    memory = _memory(rnn, mean[:start], action[:start])
    first = FirstLatents(mean[:1].numpy(), np.zeros_like(mean[:1].numpy()))
    shown = range(start, min(start + EVERY * NUM_FRAMES, series.steps), EVERY)
    rows = [Row("recorded", to_frame(vae.decode(mean[list(shown)])).numpy())]
    for temperature in TEMPERATURES:
        world = _world(vae, rnn, first, action_space, temperature)
        world.begin_at(np.array([0]), torch.tensor([SEED]), mean[start : start + 1])
        world.memory = memory
        rows.append(
            _row(world, temperature, lambda step: action[start + step][None].numpy(), len(shown))
        )
    return _strips(rows)


def _world(
    vae: Vae, rnn: Rnn, first: FirstLatents, action_space: gymnasium.Space, temperature: float
) -> DreamWorld:
    world = DreamWorld(
        rnn,
        first,
        action_space,
        1,
        temperature=temperature,
        max_episode_steps=1 << 30,
        vae=vae,
        autoreset_mode="Disabled",
    )
    world.reset(seed=[SEED])
    return world


def _memory(rnn: Rnn, z: torch.Tensor, action: torch.Tensor) -> Memory:
    """M's memory after it has read the start of an episode, (T, Z) and (T, A)."""
    memory = rnn.start(1)
    for step in range(len(z)):
        starts = torch.tensor([step == 0])
        memory = rnn.step(z[step : step + 1], action[step : step + 1], starts, memory)
    return memory


def _row(
    world: DreamWorld,
    temperature: float,
    act: Callable[[int], np.ndarray],
    num_frames: int = NUM_FRAMES,
) -> Row:
    """The frames of one dream, up to its end."""
    frames, note = [], ""
    for step in range(EVERY * (num_frames - 1) + 1):
        if step % EVERY == 0:
            frames.append(_frame(world))
        if world.step(act(step))[2][0]:
            note = f"ends at {step + 1}"
            break
    return Row(f"τ = {temperature:g}", np.stack(frames), note)


def _frame(world: DreamWorld) -> np.ndarray:
    pictures = world.render()
    assert pictures is not None
    return pictures[0]


def _strips(rows: list[Row]) -> Strips:
    count = max(len(row.frames) for row in rows)
    return Strips("dreams", rows, [f"{EVERY * i}" for i in range(count)])
