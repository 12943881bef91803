"""Series: shards round trip, and samplers that cut them into sequences for M."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from worldmodels.data.series import (
    EpisodeSampler,
    Sequences,
    Series,
    StreamSampler,
    load_series,
    save_shard,
    whole_episodes,
)
from worldmodels.errors import WorldModelsError

LENGTHS = (5, 9, 4, 12, 7, 3, 10)  # 50 transitions


def make_series(number: int, steps: int) -> Series:
    """Latents that tell the episode's number and the frame's; every other episode is cut off."""
    mean = np.stack([np.full(steps + 1, number), np.arange(steps + 1)], axis=1)
    return Series(
        mean=mean.astype(np.float16),
        logvar=(-mean).astype(np.float16),
        action=np.arange(steps, dtype=np.float32)[:, None] + 100 * number,
        reward=np.ones(steps, np.float32),
        terminated=number % 2 == 0,
    )


SERIES = [make_series(number, steps) for number, steps in enumerate(LENGTHS)]


def places(batch: Sequences) -> np.ndarray:
    """(B, T, 2): episode and step of each transition, -1 where padded."""
    return np.where(batch.mask[..., None], batch.mean, -1).astype(int)


def check_contents(batch: Sequences) -> None:
    """Everything in a batch belongs to the transition that its mean names."""
    mask = batch.mask
    episode, step = (places(batch)[mask][:, i] for i in range(2))
    last = step == np.array(LENGTHS)[episode] - 1
    np.testing.assert_array_equal(batch.next_mean[mask][:, 0], episode)
    np.testing.assert_array_equal(batch.next_mean[mask][:, 1], step + 1)
    np.testing.assert_array_equal(batch.logvar[mask], -batch.mean[mask])
    np.testing.assert_array_equal(batch.next_logvar[mask], -batch.next_mean[mask])
    np.testing.assert_array_equal(batch.action[mask][:, 0], 100 * episode + step)
    np.testing.assert_array_equal(batch.starts[mask], step == 0)
    np.testing.assert_array_equal(batch.done[mask], last & (episode % 2 == 0))


def test_series_are_read_as_they_were_saved(tmp_path: Path) -> None:
    save_shard(tmp_path / "000000.npz", SERIES[:4])
    save_shard(tmp_path / "000001.npz", SERIES[4:])
    for loaded, saved in zip(load_series(tmp_path), SERIES, strict=True):
        for name in ("mean", "logvar", "action", "reward"):
            np.testing.assert_array_equal(getattr(loaded, name), getattr(saved, name))
        assert (loaded.terminated, loaded.steps) == (saved.terminated, saved.steps)


def test_loaded_series_are_views_of_their_file(tmp_path: Path) -> None:
    save_shard(tmp_path / "000000.npz", SERIES)
    loaded = load_series(tmp_path)
    assert not any(series.mean.flags.owndata or series.mean.flags.writeable for series in loaded)


def test_latents_are_stored_in_half_precision(tmp_path: Path) -> None:
    save_shard(tmp_path / "000000.npz", SERIES)
    with np.load(tmp_path / "000000.npz") as archive:
        assert {archive[name].dtype for name in ("mean", "logvar")} == {np.dtype(np.float16)}


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    save_shard(tmp_path / "000000.npz", SERIES)
    content = (tmp_path / "000000.npz").read_bytes()
    (tmp_path / "000001.npz").write_bytes(content[:-50])
    with pytest.raises(WorldModelsError, match=r"000001\.npz is damaged.*wm encode"):
        load_series(tmp_path)


def test_a_folder_without_series_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorldModelsError, match="wm encode"):
        load_series(tmp_path)


def test_whole_episodes_are_cut_and_padded_to_one_length() -> None:
    batch = whole_episodes(SERIES, 7)
    assert batch.mean.shape == (len(SERIES), 7, 2)
    assert batch.mask.sum(1).tolist() == [min(steps, 7) for steps in LENGTHS]
    check_contents(batch)


def test_padding_has_no_flags() -> None:
    batch = whole_episodes(SERIES, 7)
    assert not batch.starts[~batch.mask].any()
    assert not batch.done[~batch.mask].any()


def test_every_sequence_of_the_episode_sampler_begins_an_episode() -> None:
    batch = EpisodeSampler(SERIES, 3, 6, seed=0).batch(4)
    assert batch.starts.sum(1).tolist() == [1, 1, 1]
    assert batch.starts[:, 0].all()
    check_contents(batch)


def test_the_episode_sampler_covers_all_episodes_equally_often() -> None:
    sampler = EpisodeSampler(SERIES, 3, 6, seed=0)
    chosen = Counter(
        int(place) for step in range(len(SERIES)) for place in places(sampler.batch(step))[:, 0, 0]
    )
    assert chosen == dict.fromkeys(range(len(SERIES)), 3)


def test_the_episode_sampler_is_no_longer_than_the_longest_episode() -> None:
    assert EpisodeSampler(SERIES, 3, 1000, seed=0).batch(0).mean.shape == (3, max(LENGTHS), 2)


@pytest.mark.parametrize("kind", [EpisodeSampler, StreamSampler])
def test_a_batch_depends_on_seed_and_step_alone(kind) -> None:
    first, again, other = kind(SERIES, 3, 4, 0), kind(SERIES, 3, 4, 0), kind(SERIES, 3, 4, 1)
    walked = [places(first.batch(step)) for step in range(5)]
    np.testing.assert_array_equal(places(again.batch(4)), walked[4])
    assert not np.array_equal(places(other.batch(4)), walked[4])


def test_stream_batches_hold_what_they_say() -> None:
    sampler = StreamSampler(SERIES, 3, 4, seed=0)
    for step in range(2 * sampler.steps_per_epoch):
        batch = sampler.batch(step)
        assert batch.mask.all()
        check_contents(batch)


def test_stream_rows_go_on_where_the_batch_before_ended() -> None:
    sampler = StreamSampler(SERIES, 3, 4, seed=0)
    epoch = [places(sampler.batch(step)) for step in range(sampler.steps_per_epoch)]
    for row in np.concatenate(epoch, axis=1):
        for (episode, step), (next_episode, next_step) in pairwise(row):
            at_end = step == LENGTHS[episode] - 1
            if at_end:
                assert next_step == 0
            else:
                assert (next_episode, next_step) == (episode, step + 1)


def test_an_epoch_of_streams_shows_no_transition_twice_and_nearly_all() -> None:
    sampler = StreamSampler(SERIES, 3, 4, seed=0)
    epoch = [places(sampler.batch(step)).reshape(-1, 2) for step in range(sampler.steps_per_epoch)]
    seen = Counter(map(tuple, np.concatenate(epoch).tolist()))
    assert set(seen.values()) == {1}
    assert len(seen) == 3 * 4 * (50 // 3 // 4)


def test_epochs_of_streams_join_the_episodes_in_another_order() -> None:
    sampler = StreamSampler(SERIES, 3, 4, seed=0)
    first, second = sampler.batch(0), sampler.batch(sampler.steps_per_epoch)
    assert not np.array_equal(places(first), places(second))


def test_memory_is_carried_over_except_into_a_new_epoch() -> None:
    sampler = StreamSampler(SERIES, 3, 4, seed=0)
    assert sampler.steps_per_epoch == 4
    assert [sampler.carries_over(step) for step in range(9)] == [
        *(False, True, True, True),
        *(False, True, True, True),
        False,
    ]


def test_memory_is_never_carried_over_between_whole_episodes() -> None:
    sampler = EpisodeSampler(SERIES, 3, 4, seed=0)
    assert not any(sampler.carries_over(step) for step in range(9))


def test_too_little_data_for_the_streams_is_refused() -> None:
    StreamSampler(SERIES, 5, 10, seed=0)
    with pytest.raises(WorldModelsError, match="50 recorded transitions are too few for 5"):
        StreamSampler(SERIES, 5, 11, seed=0)
