"""A shuffled stream of recorded frames in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from worldmodels import seeding
from worldmodels.data.episodes import EpisodeIndex, load_episode
from worldmodels.errors import WorldModelsError

FRAME_BYTES = 64 * 64 * 3
LOADERS = 2  # threads that decompress; zlib works without the interpreter's lock


@dataclass(frozen=True)
class Block:
    """Episodes that are in memory together, and whose frames are shuffled among each other."""

    epoch: int
    number: int  # within the epoch
    episodes: tuple[int, ...]  # positions in the index, ascending
    batches: int


class FrameStream:
    """Batches of frames, each at most once an epoch, from a data set of any size.

    What is left of a block after its last whole batch is skipped; the next epoch shuffles anew.

    The episodes of an epoch are shuffled and cut into blocks of equal size; while the frames of
    one block are handed out in random order, the next is decompressed. Two blocks are in memory
    at a time, `memory_bytes` together (an episode that is larger alone is still loaded). What
    comes at which step depends on the seed only, so a stream can start in the middle.
    """

    def __init__(
        self, index: EpisodeIndex, batch_size: int, epochs: int, seed: int, memory_bytes: int
    ) -> None:
        """Plan `epochs` passes. Raises WorldModelsError if there is less than one batch."""
        self._index, self._batch_size, self._seed = index, batch_size, seed
        self._blocks = tuple(
            block for epoch in range(epochs) for block in self._plan(epoch, memory_bytes // 2)
        )
        self.num_batches = sum(block.batches for block in self._blocks)
        if epochs and not self.num_batches:
            raise WorldModelsError(
                f"{index.frames} frames are less than one batch of {batch_size}: record more with "
                f"`wm extract --episodes`, or lower --batch-size."
            )

    def _plan(self, epoch: int, block_bytes: int) -> list[Block]:
        order = seeding.generator(self._seed, "epoch", epoch).permutation(len(self._index.paths))
        count = min(-(-self._index.frames * FRAME_BYTES // block_bytes), len(order))
        return [
            Block(
                epoch, number, tuple(sorted(part.tolist())), self._frames(part) // self._batch_size
            )
            for number, part in enumerate(np.array_split(order, max(count, 1)))
        ]

    def _frames(self, episodes: np.ndarray | tuple[int, ...]) -> int:
        return sum(self._index.steps[i] + 1 for i in episodes)

    def batches(self, start: int = 0) -> Iterator[UInt8[np.ndarray, "B 64 64 3"]]:
        """The batches from number `start` on."""
        todo: list[tuple[Block, int]] = []  # blocks still to come, and how much of each to skip
        for block in self._blocks:
            if start < block.batches:
                todo.append((block, start))
            start = max(start - block.batches, 0)
        with ThreadPoolExecutor(1) as ahead, ThreadPoolExecutor(LOADERS) as loaders:
            pending: Future[np.ndarray] | None = None
            loaded: tuple[int, ...] = ()
            frames = np.empty((0, 64, 64, 3), np.uint8)
            for position, (block, skip) in enumerate(todo):
                if block.episodes != loaded:  # a data set that fits into one block stays
                    if pending is None:
                        pending = ahead.submit(self._load, block.episodes, loaders)
                    frames, loaded = pending.result(), block.episodes
                    pending = None
                following = todo[position + 1][0].episodes if position + 1 < len(todo) else loaded
                if following != loaded:
                    pending = ahead.submit(self._load, following, loaders)
                random = seeding.generator(self._seed, "block", block.epoch, block.number)
                order = random.permutation(len(frames))
                for batch in range(skip, block.batches):
                    first = batch * self._batch_size
                    yield frames[order[first : first + self._batch_size]]

    def _load(self, episodes: tuple[int, ...], loaders: ThreadPoolExecutor) -> np.ndarray:
        frames = np.empty((self._frames(episodes), 64, 64, 3), np.uint8)
        ends = np.cumsum([self._index.steps[i] + 1 for i in episodes])

        def fill(position: int) -> None:
            episode = load_episode(self._index.paths[episodes[position]])
            frames[ends[position] - len(episode.frame) : ends[position]] = episode.frame

        list(loaders.map(fill, range(len(episodes))))
        return frames
