"""The stream of frames: every frame once an epoch, from any start, in bounded memory."""

from __future__ import annotations

import weakref
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from worldmodels.data import frames as frames_module
from worldmodels.data.episodes import Episode, EpisodeIndex, save_episode, scan_episodes
from worldmodels.data.frames import FRAME_BYTES, FrameStream
from worldmodels.errors import WorldModelsError

STEPS = (4, 7, 5, 6, 4, 9, 3, 4)  # 50 frames
AMPLE = 1 << 30
TIGHT = 30 * FRAME_BYTES  # blocks of at most 15 frames


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> EpisodeIndex:
    """Episodes whose frames each have a colour of their own."""
    folder = tmp_path_factory.mktemp("episodes")
    first = 0
    for number, steps in enumerate(STEPS):
        frame = np.zeros((steps + 1, 64, 64, 3), np.uint8)
        frame[...] = np.arange(first, first + steps + 1, dtype=np.uint8)[:, None, None, None]
        first += steps + 1
        nothing = np.zeros(steps, np.float32)
        episode = Episode(frame, nothing[:, None], nothing, True, False, number)
        save_episode(folder / f"{number:06d}.npz", episode)
    return scan_episodes(folder)[0]


def colours(stream: FrameStream, start: int = 0) -> list[list[int]]:
    """Which frames the batches hold."""
    batches = []
    for batch in stream.batches(start):
        assert (batch == batch[:, :1, :1, :1]).all()
        batches.append(batch[:, 0, 0, 0].tolist())
    return batches


def test_one_block_gives_every_frame_once_an_epoch(index: EpisodeIndex) -> None:
    batches = colours(FrameStream(index, 5, epochs=3, seed=0, memory_bytes=AMPLE))
    assert len(batches) == 30
    for epoch in range(3):
        seen = sorted(chain(*batches[10 * epoch : 10 * epoch + 10]))
        assert seen == list(range(50))


def test_blocks_give_no_frame_twice_and_leave_out_less_than_a_batch_each(
    index: EpisodeIndex,
) -> None:
    stream = FrameStream(index, 4, epochs=1, seed=0, memory_bytes=TIGHT)
    batches = colours(stream)
    seen = Counter(chain(*batches))
    assert stream.num_batches == len(batches)
    assert set(seen.values()) == {1}
    assert 50 - len(seen) <= 3 * 4  # four blocks, up to three frames of each


def test_epochs_leave_out_different_frames(index: EpisodeIndex) -> None:
    batches = colours(FrameStream(index, 4, epochs=8, seed=0, memory_bytes=TIGHT))
    assert set(chain(*batches)) == set(range(50))


@pytest.mark.parametrize("memory_bytes", [AMPLE, TIGHT])
def test_a_start_in_the_middle_gives_the_tail_of_the_full_stream(
    index: EpisodeIndex, memory_bytes: int
) -> None:
    stream = FrameStream(index, 4, epochs=2, seed=0, memory_bytes=memory_bytes)
    full = colours(stream)
    for start in range(stream.num_batches + 1):
        assert colours(stream, start) == full[start:]


def test_epochs_and_seeds_have_orders_of_their_own(index: EpisodeIndex) -> None:
    orders = [
        colours(FrameStream(index, 50, epochs=2, seed=seed, memory_bytes=AMPLE)) for seed in (0, 1)
    ]
    assert len({tuple(epoch) for order in orders for epoch in order}) == 4


def test_more_epochs_begin_with_the_same_batches(index: EpisodeIndex) -> None:
    short = colours(FrameStream(index, 4, epochs=1, seed=0, memory_bytes=TIGHT))
    longer = colours(FrameStream(index, 4, epochs=2, seed=0, memory_bytes=TIGHT))
    assert longer[: len(short)] == short


@pytest.mark.parametrize("memory_bytes", [TIGHT, 1000], ids=["tight", "less than a frame"])
def test_no_more_than_two_blocks_are_in_memory(
    index: EpisodeIndex, memory_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: weakref.WeakSet[np.ndarray] = weakref.WeakSet()
    in_memory: list[int] = []  # blocks, those being read included
    load = FrameStream._load

    class Tracked(np.ndarray):
        """An array that can be counted; equal to itself alone."""

        __hash__ = object.__hash__

    def tracked_load(self: FrameStream, *arguments: object) -> np.ndarray:
        in_memory.append(sum(1 for _ in alive) + 1)
        block = load(self, *arguments).view(Tracked)  # type: ignore[arg-type]
        alive.add(block)
        return block

    monkeypatch.setattr(FrameStream, "_load", tracked_load)
    stream = FrameStream(index, 4, epochs=2, seed=0, memory_bytes=memory_bytes)
    for batch in stream.batches():
        del batch
    assert len(in_memory) >= 8, "the data set was not cut into blocks"
    assert max(in_memory) == 2


def test_blocks_of_equal_episodes_fit_into_the_memory_together(tmp_path: Path) -> None:
    index = EpisodeIndex(tuple(tmp_path / str(i) for i in range(40)), (9,) * 40)
    stream = FrameStream(index, 4, epochs=1, seed=0, memory_bytes=60 * FRAME_BYTES)
    most = max(stream._frames(block.episodes) for block in stream._blocks)
    assert 2 * most <= 60


def test_a_data_set_of_one_block_is_read_once(
    index: EpisodeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    load_episode = frames_module.load_episode

    def counting_load(path: Path) -> Episode:
        read.append(path)
        return load_episode(path)

    monkeypatch.setattr(frames_module, "load_episode", counting_load)
    colours(FrameStream(index, 5, epochs=3, seed=0, memory_bytes=AMPLE))
    assert sorted(read) == list(index.paths)


def test_a_batch_may_be_changed_without_changing_later_ones(index: EpisodeIndex) -> None:
    stream = FrameStream(index, 50, epochs=2, seed=0, memory_bytes=AMPLE)
    expected = colours(stream)[1]
    batches = stream.batches()
    next(batches)[...] = 255
    assert next(batches)[:, 0, 0, 0].tolist() == expected


def test_less_than_one_batch_is_refused(index: EpisodeIndex) -> None:
    with pytest.raises(WorldModelsError, match="50 frames are less than one batch of 51"):
        FrameStream(index, 51, epochs=1, seed=0, memory_bytes=AMPLE)


def test_a_damaged_episode_ends_the_stream_with_its_name(
    index: EpisodeIndex, tmp_path: Path
) -> None:
    (tmp_path / "000009.npz").write_bytes(b"")
    broken = EpisodeIndex((*index.paths, tmp_path / "000009.npz"), (*index.steps, 3))
    with pytest.raises(WorldModelsError, match=r"000009\.npz is damaged"):
        colours(FrameStream(broken, 4, epochs=1, seed=0, memory_bytes=AMPLE))
