"""The dream: episodes that happen inside M."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode
from jaxtyping import Bool, Float, Int

from worldmodels import seeding
from worldmodels.models import noise
from worldmodels.models.batches import fitted
from worldmodels.models.rnn import Memory, Rnn
from worldmodels.models.vae import Vae, to_frame
from worldmodels.worlds.world import Step, World

# Streams of the counter-based noise, so that each use draws its own numbers.
PICK, FIRST, JITTER, COMPONENT, WITHIN = range(5)


@dataclass(frozen=True)
class FirstLatents:
    """V's posteriors of recorded first frames; a dream starts from a sample of one of them."""

    mean: Float[np.ndarray, "N Z"]
    logvar: Float[np.ndarray, "N Z"]


class DreamWorld(World):
    """W dreams in one batch. Observation: z. Reward: 1 for every step survived.

    A dream ends (terminated) when M's probability of the end exceeds one half, and is cut off
    (truncated) after `max_episode_steps`. The memory that M has at any moment, which C may see,
    is `memory`. Every random number depends on the episode's seed and step alone.
    """

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012 - Gymnasium reads it here

    def __init__(
        self,
        rnn: Rnn,
        first: FirstLatents,
        action_space: gymnasium.Space,
        num_envs: int,
        *,
        temperature: float,
        max_episode_steps: int,
        initial_noise: float = 0.0,
        vae: Vae | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ) -> None:
        """`vae` is needed by `render` alone; `initial_noise` is added to the first z."""
        if temperature <= 0:
            raise ValueError(f"temperature must be above 0, not {temperature}")
        latent = rnn.sizes.latent
        space = gymnasium.spaces.Box(-np.inf, np.inf, (latent,), np.float32)
        super().__init__(num_envs, space, action_space, autoreset_mode)
        self.render_mode = "rgb_array" if vae is not None else None
        self._rnn, self._vae = rnn, vae
        self.temperature = temperature  # may change between two steps
        self._initial_noise = initial_noise
        self._max_steps = max_episode_steps
        self._device = rnn.head.weight.device
        self._first_mean = torch.as_tensor(first.mean, dtype=torch.float32, device=self._device)
        self._first_logvar = torch.as_tensor(first.logvar, dtype=torch.float32, device=self._device)
        self._seed = torch.zeros(num_envs, dtype=torch.int64, device=self._device)
        self._step_count = torch.zeros(num_envs, dtype=torch.int64, device=self._device)
        self._length = np.zeros(num_envs, np.int64)
        self.z = torch.zeros(num_envs, latent, device=self._device)  # (W, Z)
        self.memory: Memory = rnn.start(num_envs)

    @torch.inference_mode()
    def _start(self, index: Int[np.ndarray, " N"], seeds: Sequence[int | None]) -> None:
        drawn = [self._fresh_seed(i) if s is None else s for i, s in zip(index, seeds, strict=True)]
        seed = torch.as_tensor(drawn, dtype=torch.int64, device=self._device)
        step = torch.zeros_like(seed)
        recorded, latent = self._first_mean.shape
        pick = (noise.uniform(seed, step, PICK, 1)[:, 0] * recorded).long()
        draw = noise.normal(seed, step, FIRST, latent)
        z = self._first_mean[pick] + torch.exp(self._first_logvar[pick] / 2) * draw
        if self._initial_noise:
            z = z + self._initial_noise * noise.normal(seed, step, JITTER, latent)
        self.begin_at(index, seed, z)

    def _fresh_seed(self, world: np.integer) -> int:
        """The seed after a world's last one: its first seed decides all episodes that follow."""
        if not self._started[world]:
            return int(self.np_random.integers(2**31))
        return seeding.derive(int(self._seed[world]), "next")

    def begin_at(
        self,
        index: Int[np.ndarray, " N"],
        seed: Int[torch.Tensor, " N"],
        z: Float[torch.Tensor, "N Z"],
        memory: Memory | None = None,
    ) -> None:
        """Start dreams at given latents, such as those of a game's present frame.

        With M's `memory` of what came before (N rows) it dreams on from there; without, z is the
        first of an episode.
        """
        where = torch.as_tensor(index, device=self._device)
        self._seed[where] = seed
        self._step_count[where] = 0 if memory is None else 1  # M is told which step is the first
        self._length[index] = 0
        self.z = self.z.index_copy(0, where, z)
        memory = memory or self._rnn.start(len(index))
        self.memory = Memory(
            self.memory.h.index_copy(0, where, memory.h),
            self.memory.c.index_copy(0, where, memory.c),
        )
        self._standing[index] = False
        self._started[index] = True

    @torch.inference_mode()
    def _advance(self, index: Int[np.ndarray, " N"], actions: Float[np.ndarray, "W A"]) -> Step:
        count = len(index)
        if count == self.num_envs:
            action = torch.as_tensor(actions, device=self._device)
            step = self._dreamt(self.z, self.memory, action, self._seed, self._step_count)
            self.z, self.memory, done = step
            self._step_count += 1
        else:  # the others stand still, and few of them are computed
            rows = fitted(index, self.num_envs)
            where, there = (torch.as_tensor(part, device=self._device) for part in (rows, index))
            memory = Memory(self.memory.h[where], self.memory.c[where])
            action = torch.as_tensor(actions[rows], device=self._device)
            z, memory, done = self._dreamt(
                self.z[where], memory, action, self._seed[where], self._step_count[where]
            )
            self.z = self.z.index_copy(0, there, z[:count])
            self.memory = Memory(
                self.memory.h.index_copy(0, there, memory.h[:count]),
                self.memory.c.index_copy(0, there, memory.c[:count]),
            )
            self._step_count[there] += 1
        self._length[index] += 1  # the same on the host: asking the device would wait for it
        terminated = np.zeros(count, dtype=np.bool_) if done is None else done.cpu().numpy()[:count]
        truncated = (self._length[index] >= self._max_steps) & ~terminated
        return Step(np.ones(count), terminated, truncated)

    def _dreamt(
        self,
        z: Float[torch.Tensor, "B Z"],
        memory: Memory,
        action: Float[torch.Tensor, "B A"],
        seed: Int[torch.Tensor, " B"],
        step: Int[torch.Tensor, " B"],
    ) -> tuple[Float[torch.Tensor, "B Z"], Memory, Bool[torch.Tensor, " B"] | None]:
        """The next latent and memory, and whether the dream is over if M can tell."""
        memory = self._rnn.step(z, action, step == 0, memory)
        prediction = self._rnn.predict(memory.h)
        pick = noise.uniform(seed, step, COMPONENT, z.shape[1])
        draw = noise.normal(seed, step, WITHIN, z.shape[1])
        done = None if prediction.done_logit is None else prediction.done_logit > 0
        return prediction.latent.sample(pick, draw, self.temperature), memory, done

    def _observe(self) -> Float[np.ndarray, "W Z"]:
        return self.z.cpu().numpy().copy()

    @torch.inference_mode()
    def render(self) -> tuple[np.ndarray, ...] | None:
        """What V makes of each world's z: 64x64 frames."""
        if self._vae is None:
            return None
        return tuple(to_frame(self._vae.decode(self.z)).cpu().numpy())
