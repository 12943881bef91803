"""`wm render`: film an episode as MP4 and GIF."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from worldmodels.data.weights import load_vae
from worldmodels.device import one_thread, resolve_device
from worldmodels.evolution.rollout import Limits, Observer, Task, play
from worldmodels.experiment import OFFICIAL, WorldRequest
from worldmodels.metrics import Progress
from worldmodels.models.agent import Agent, AgentPolicy
from worldmodels.models.rnn import Rnn
from worldmodels.models.vae import to_frame
from worldmodels.report.video import GIF_FRAMES_PER_S, Panel, VideoWriter, compose, save_gif
from worldmodels.rundir import Artifact
from worldmodels.stages.agents import agent_job, agent_parts
from worldmodels.stages.context import Context
from worldmodels.worlds.dream import DreamWorld, FirstLatents
from worldmodels.worlds.world import World

SECTION = "render"
REPLACES = True
RECHECKS = False


def needs(context: Context) -> tuple[str, ...]:
    """The agent."""
    return agent_parts(context)


def makes(context: Context) -> str:
    """A folder for each film."""
    return f"render/seed-{context.config.render.seed}"


def check(context: Context) -> None:
    """Load the agent: an old film is not replaced for one that cannot play."""
    agent_job(context, OFFICIAL, context.config.eval.slots, None)


def plan(context: Context) -> list[str]:
    """Which episode."""
    return [f"film the episode of seed {context.config.render.seed}"]


def run(context: Context, artifact: Artifact) -> dict[str, Any]:
    """Play one episode of the official game and write it as episode.mp4 and episode.gif."""
    settings, experiment = context.config.render, context.experiment
    # As wide as in an evaluation, so that the film of a seed shows the evaluation's very episode.
    slots = context.config.eval.slots
    controller, job = agent_job(context, OFFICIAL, slots, None)
    device = resolve_device(context.device)
    vae = load_vae(job.vae, device)
    rnn = job.load_rnn(device)
    agent = Agent(vae, rnn, job.controller, experiment.squash, job.sample_latent)
    world = experiment.make_world(WorldRequest(OFFICIAL, slots, context.game, render=True))
    policy = AgentPolicy(agent, controller.parameters[np.newaxis], slots)
    path = artifact.path / "episode.mp4"
    total = settings.max_steps or experiment.max_steps(context.game)
    with (
        one_thread(),
        VideoWriter(path, experiment.frames_per_s) as video,
        Progress("render", total, "step") as progress,
    ):
        film = _Film(context, world, policy, rnn, video, progress)
        task = Task(settings.seed)
        outcome = play(world, policy, [task], Limits(max_steps=settings.max_steps), film)[0]
    world.close()
    gif = path.with_suffix(".gif")
    save_gif(gif, film.start, film.gif_frames_per_s)
    print(f"seed {settings.seed}: return {outcome.total:.1f} in {outcome.length} steps")
    print(f"{path}\n{gif}", flush=True)
    return {"return": outcome.total, "length": outcome.length, "video": str(path)}


class _Film(Observer):
    """Shows each step as panels: the official picture, what V sees, and what M expects."""

    def __init__(
        self,
        context: Context,
        world: World,
        policy: AgentPolicy,
        rnn: Rnn,
        video: VideoWriter,
        progress: Progress,
    ) -> None:
        self._settings = context.config.render
        self._frames_per_s = context.experiment.frames_per_s
        self._space = context.experiment.action_space()
        self._world, self._policy, self._rnn = world, policy, rnn
        self._video, self._progress = video, progress
        self._dream: DreamWorld | None = None
        self._dream_length = 0
        self._total = 0.0
        self._steps = 0
        self._gif_steps = self._settings.gif_seconds * self._frames_per_s
        self._gif_stride = math.ceil(self._frames_per_s / GIF_FRAMES_PER_S)
        self.gif_frames_per_s = self._frames_per_s / self._gif_stride
        self.start: list[np.ndarray] = []  # pictures of the GIF

    def started(self, number: int, slot: int, observation: np.ndarray) -> None:
        """The first frame has no action yet: the film starts with the first step."""
        self._frame, self._slot = observation.copy(), slot
        self._picture = self._game_picture(slot)

    def stepped(
        self, number: int, slot: int, action: np.ndarray, reward: float, observation: np.ndarray
    ) -> None:
        """Add the picture that the action was chosen on."""
        z = self._policy.z[slot : slot + 1]
        if self._dream is None:
            self._dream = self._fall_asleep(z)
        vae = self._policy.agent.vae
        decoded, dreamt = to_frame(vae.decode(torch.cat([z, self._dream.z]))).cpu().numpy()
        asleep = "M's dream" if not self._dream_length else f"dream, ended at {self._dream_length}"
        panels = [
            Panel("game", self._picture),
            Panel("frame", self._frame),
            Panel("reconstruction", decoded),
            Panel(asleep, dreamt),
        ]
        status = f"seed {self._settings.seed}   step {self._steps}   return {self._total:.1f}"
        picture = compose(panels, self._settings.panel_px, status)
        self._video.write(picture)
        if self._steps % self._gif_stride == 0 and self._steps < self._gif_steps:
            self.start.append(picture)
        outcome = self._dream.step(action[np.newaxis])
        self._total += reward
        self._steps += 1
        if outcome[2][0]:
            self._dream_length = self._steps
        self._frame = observation.copy()
        self._picture = self._game_picture(slot)
        self._progress.update(1, f"return {self._total:.1f}")

    def _game_picture(self, slot: int) -> np.ndarray:
        pictures: Any = self._world.render()
        return np.asarray(pictures[slot])

    def _fall_asleep(self, z: torch.Tensor) -> DreamWorld:
        """M's dream from the same start, fed with the same actions, and never woken."""
        start = z.cpu().numpy()
        dream = DreamWorld(
            self._rnn,
            FirstLatents(start, np.zeros_like(start)),
            self._space,
            1,
            temperature=self._settings.temperature,
            max_episode_steps=1 << 30,
            autoreset_mode="Disabled",
        )
        dream.reset(seed=[self._settings.seed])
        seed = torch.full((1,), self._settings.seed, dtype=torch.int64, device=z.device)
        dream.begin_at(np.array([0]), seed, z)
        return dream
