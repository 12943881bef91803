"""M: sequences equal repeated steps, episodes start afresh, and the loss by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from worldmodels.models.mdn import Mixture
from worldmodels.models.rnn import Memory, Prediction, Rnn, RnnSizes, rnn_loss

B, T, Z, A, H, K = 3, 6, 4, 2, 8, 5
MIDDLE = torch.zeros(B, T, dtype=torch.bool)
MIDDLE[0, 3] = MIDDLE[1, 1] = MIDDLE[1, 5] = MIDDLE[2, 0] = True
FIRST = torch.zeros(B, T, dtype=torch.bool)
FIRST[1, 0] = True
NOWHERE = torch.zeros(B, T, dtype=torch.bool)


def make_rnn(done_head: bool = True) -> Rnn:
    torch.manual_seed(0)
    return Rnn(RnnSizes(Z, A, H, K, done_head))


def batch() -> tuple[Tensor, Tensor, Memory]:
    random = torch.Generator().manual_seed(1)
    z, action = torch.randn(B, T, Z, generator=random), torch.randn(B, T, A, generator=random)
    memory = Memory(*(torch.randn(B, H, generator=random) for _ in range(2)))
    return z, action, memory


def repeated_steps(rnn: Rnn, starts: Tensor) -> tuple[Tensor, Memory]:
    z, action, memory = batch()
    outputs = []
    for t in range(T):
        keep = (~starts[:, t : t + 1]).float()
        memory = Memory(memory.h * keep, memory.c * keep)
        memory = rnn.step(z[:, t], action[:, t], starts[:, t], memory)
        outputs.append(memory.h)
    return torch.stack(outputs, 1), memory


def steady_prediction(done_logit: float | None = None) -> Prediction:
    """The standard normal at every step of two sequences of three steps."""
    zeros = torch.zeros(2, 3, Z, 1)
    logit = None if done_logit is None else torch.full((2, 3), done_logit)
    return Prediction(Mixture(zeros, zeros, zeros), logit)


@pytest.mark.parametrize("done_head", [True, False])
@pytest.mark.parametrize("starts", [MIDDLE, FIRST, NOWHERE], ids=["middle", "first", "nowhere"])
def test_unrolling_equals_repeated_steps(starts: Tensor, done_head: bool) -> None:
    rnn = make_rnn(done_head)
    z, action, memory = batch()
    out, after = rnn.unroll(z, action, starts, memory)
    expected, expected_after = repeated_steps(rnn, starts)
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(after.h, expected_after.h)
    torch.testing.assert_close(after.c, expected_after.c)


@pytest.mark.parametrize(("row", "step"), [(0, 3), (1, 1), (1, 5), (2, 0)])
def test_what_follows_a_start_does_not_depend_on_what_was_before(row: int, step: int) -> None:
    rnn = make_rnn()
    z, action, memory = batch()
    out, _ = rnn.unroll(z, action, MIDDLE, memory)
    z[row, :step] += 1
    memory.h[row] += 1
    memory.c[row] += 1
    changed, _ = rnn.unroll(z, action, MIDDLE, memory)
    assert torch.equal(changed[row, step:], out[row, step:])


def test_what_follows_no_start_depends_on_the_memory_carried_over() -> None:
    rnn = make_rnn()
    z, action, memory = batch()
    out, _ = rnn.unroll(z, action, MIDDLE, memory)
    changed, _ = rnn.unroll(z, action, MIDDLE, Memory(memory.h + 1, memory.c))
    assert not torch.allclose(changed[0, :3], out[0, :3])


def test_a_sequence_in_two_halves_equals_the_whole() -> None:
    rnn = make_rnn()
    z, action, memory = batch()
    out, after = rnn.unroll(z, action, MIDDLE, memory)
    first, between = rnn.unroll(z[:, :2], action[:, :2], MIDDLE[:, :2], memory)
    second, end = rnn.unroll(z[:, 2:], action[:, 2:], MIDDLE[:, 2:], between)
    torch.testing.assert_close(torch.cat([first, second], 1), out)
    torch.testing.assert_close(end.c, after.c)


def test_starts_in_the_middle_give_the_same_gradients_as_repeated_steps() -> None:
    gradients = []
    for way in ("unroll", "steps"):
        rnn = make_rnn()
        z, action, memory = batch()
        out = (
            rnn.unroll(z, action, MIDDLE, memory)[0]
            if way == "unroll"
            else repeated_steps(rnn, MIDDLE)[0]
        )
        out.square().sum().backward()
        gradients.append([rnn.lstm.weight_hh_l0.grad, rnn.lstm.bias_ih_l0.grad])
    torch.testing.assert_close(gradients[0], gradients[1])


def test_the_memory_starts_at_zero() -> None:
    start = make_rnn().start(B)
    assert torch.equal(start.h, torch.zeros(B, H))
    assert torch.equal(start.c, torch.zeros(B, H))


def test_the_second_bias_is_zero_and_untrained() -> None:
    rnn = make_rnn()
    assert not rnn.lstm.bias_hh_l0.requires_grad
    assert (rnn.lstm.bias_hh_l0 == 0).all()


def test_training_leaves_the_second_bias_at_zero() -> None:
    rnn = make_rnn()
    adam = torch.optim.Adam(rnn.parameters(), 0.1)
    z, action, memory = batch()
    rnn.unroll(z, action, NOWHERE, memory)[0].sum().backward()
    adam.step()
    assert (rnn.lstm.bias_hh_l0 == 0).all()
    assert (rnn.lstm.bias_ih_l0 != 0).all()


def test_the_forget_gate_starts_open() -> None:
    bias = make_rnn().lstm.bias_ih_l0
    assert bias.reshape(4, H).mean(1).tolist() == [0, 1, 0, 0]


def test_the_restart_flag_is_the_last_input() -> None:
    rnn = make_rnn(done_head=True)
    z, action, _ = batch()
    inputs = rnn.inputs(z, action, MIDDLE)
    assert torch.equal(inputs, torch.cat([z, action, MIDDLE.float().unsqueeze(-1)], -1))


def test_without_a_done_head_the_restart_flag_is_not_an_input() -> None:
    z, action, _ = batch()
    assert make_rnn(done_head=False).inputs(z, action, MIDDLE).shape == (B, T, Z + A)


def test_the_done_logit_is_the_last_output() -> None:
    rnn = make_rnn()
    h = torch.randn(2, H, generator=torch.Generator().manual_seed(0))
    assert torch.equal(rnn.predict(h).done_logit, rnn.head(h)[:, -1])


def test_the_latent_loss_is_a_mean_over_steps_and_dimensions_by_hand() -> None:
    next_z = torch.arange(2 * 3 * Z).reshape(2, 3, Z) / 10
    everywhere = torch.ones(2, 3, dtype=torch.bool)
    loss = rnn_loss(steady_prediction(), next_z, ~everywhere, everywhere, 1.0)
    expected = 0.5 * torch.log(torch.tensor(2 * torch.pi)) + (next_z**2 / 2).mean()
    torch.testing.assert_close(loss.latent, expected)


def test_without_a_done_head_the_done_loss_is_zero() -> None:
    everywhere = torch.ones(2, 3, dtype=torch.bool)
    loss = rnn_loss(steady_prediction(), torch.ones(2, 3, Z), everywhere, everywhere, 10.0)
    assert float(loss.done) == 0
    assert float(loss.total) == float(loss.latent)


def test_padding_changes_nothing_in_the_loss() -> None:
    mask = torch.tensor([[True, True, True], [True, False, False]])
    done = torch.tensor([[False, False, True], [True, False, False]])
    next_z = torch.randn(2, 3, Z, generator=torch.Generator().manual_seed(0))
    prediction = steady_prediction(done_logit=0.3)
    loss = rnn_loss(prediction, next_z, done, mask, 10.0)
    next_z[~mask], done[~mask] = 100.0, True
    assert torch.equal(rnn_loss(prediction, next_z, done, mask, 10.0).total, loss.total)


def test_padding_is_not_counted_in_the_mean() -> None:
    mask = torch.tensor([[True, True, True], [True, False, False]])
    next_z = torch.zeros(2, 3, Z)
    loss = rnn_loss(steady_prediction(), next_z, torch.zeros_like(mask), mask, 1.0)
    torch.testing.assert_close(loss.latent, 0.5 * torch.log(torch.tensor(2 * torch.pi)))


def test_the_end_of_an_episode_weighs_as_told_by_hand() -> None:
    everywhere = torch.ones(2, 3, dtype=torch.bool)
    done = torch.zeros(2, 3, dtype=torch.bool)
    done[1, 2] = True
    loss = rnn_loss(steady_prediction(done_logit=0.7), torch.zeros(2, 3, Z), done, everywhere, 10.0)
    probability = torch.sigmoid(torch.tensor(0.7))
    expected = -(10 * probability.log() + 5 * (1 - probability).log()) / 6
    torch.testing.assert_close(loss.done, expected)
