"""M: the LSTM that predicts the next latent, and the end of the episode, from z and the action."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from worldmodels.models.mdn import Mixture, split_mixture


@dataclass(frozen=True)
class RnnSizes:
    """What has to be known to build an M."""

    latent: int
    action: int
    hidden: int
    mixtures: int
    done_head: bool  # predict the end of the episode, and see the flag that starts one


@dataclass(frozen=True)
class Memory:
    """The state of M's LSTM."""

    h: Float[Tensor, "B H"]
    c: Float[Tensor, "B H"]


@dataclass(frozen=True)
class Prediction:
    """What M expects after a transition."""

    latent: Mixture  # the next z itself, not its change
    done_logit: Float[Tensor, "*batch"] | None


class Rnn(nn.Module):
    """The MDN-RNN of Ha & Schmidhuber (2018), appendix A.2.

    PyTorch's LSTM has two bias vectors that are only ever added; the second stays at zero and
    is not trained, so that the count of trained parameters is the paper's.
    """

    def __init__(self, sizes: RnnSizes) -> None:
        super().__init__()
        self.sizes = sizes
        inputs = sizes.latent + sizes.action + int(sizes.done_head)
        self.lstm = nn.LSTM(inputs, sizes.hidden, batch_first=True)
        self.head = nn.Linear(
            sizes.hidden, 3 * sizes.latent * sizes.mixtures + int(sizes.done_head)
        )
        _, _, bias, second_bias = self._weights
        with torch.no_grad():
            second_bias.zero_()
            bias.zero_()
            # A forget gate that starts open, as in the original's LSTM cell.
            bias[sizes.hidden : 2 * sizes.hidden] = 1.0
        second_bias.requires_grad_(False)

    @property
    def _weights(self) -> list[nn.Parameter]:
        """The LSTM's weights for inputs and for h, and its two biases."""
        return self.lstm.all_weights[0]

    def start(self, batch: int) -> Memory:
        """The memory at the start of `batch` episodes: zeros."""
        zeros = self.head.weight.new_zeros(batch, self.sizes.hidden)
        return Memory(zeros, zeros)

    def inputs(
        self,
        z: Float[Tensor, "*batch Z"],
        action: Float[Tensor, "*batch A"],
        starts: Bool[Tensor, "*batch"],
    ) -> Float[Tensor, "*batch I"]:
        """What the LSTM reads in one step; `starts` marks the first step of an episode."""
        parts = [z, action]
        if self.sizes.done_head:
            parts.append(starts.unsqueeze(-1).to(z.dtype))
        return torch.cat(parts, dim=-1)

    def step(
        self,
        z: Float[Tensor, "B Z"],
        action: Float[Tensor, "B A"],
        starts: Bool[Tensor, " B"],
        memory: Memory,
    ) -> Memory:
        """The memory after one transition of each of B episodes."""
        # The layer's own weights in one fused step: a sequence of length one through nn.LSTM
        # costs several times as much.
        h, c = torch._VF.lstm_cell(  # type: ignore[attr-defined]
            self.inputs(z, action, starts),
            (memory.h, memory.c),
            *self._weights,
        )
        return Memory(h, c)

    def predict(self, h: Float[Tensor, "*batch H"]) -> Prediction:
        """What follows, read off the LSTM's output."""
        return self._read(self.head(h).float())

    def _read(self, raw: Float[Tensor, "*batch O"]) -> Prediction:
        if not self.sizes.done_head:
            return Prediction(split_mixture(raw, self.sizes.mixtures), None)
        return Prediction(split_mixture(raw[..., :-1], self.sizes.mixtures), raw[..., -1])

    def unroll(
        self,
        z: Float[Tensor, "B T Z"],
        action: Float[Tensor, "B T A"],
        starts: Bool[Tensor, "B T"],
        memory: Memory,
    ) -> tuple[Float[Tensor, "B T H"], Memory]:
        """The LSTM's outputs over B sequences, and the memory after the last step of each.

        The memory is zeroed at every step that `starts` an episode, wherever in the sequence.
        """
        # nn.LSTM cannot zero its state inside a sequence: the batch is cut wherever a row starts an
        # episode. (Packing the rows' own pieces instead would make PyTorch's backward pass on the
        # processor quadratic in their length.)
        cuts = [0, *(starts[:, 1:].any(0).nonzero().squeeze(1) + 1).tolist(), starts.shape[1]]
        sizes = [after - before for before, after in pairwise(cuts)]
        pieces = self.inputs(z, action, starts).split(sizes, dim=1)
        keep = (~starts[:, cuts[:-1]]).to(z.dtype).unsqueeze(-1).unbind(1)
        h, c = memory.h, memory.c
        outputs = []
        for piece, kept in zip(pieces, keep, strict=True):
            state = ((h * kept).unsqueeze(0), (c * kept).unsqueeze(0))
            out, (last_h, last_c) = self.lstm(piece, state)
            h, c = last_h[0], last_c[0]
            outputs.append(out)
        return torch.cat(outputs, dim=1), Memory(h, c)


@dataclass(frozen=True)
class RnnLoss:
    """The parts of M's loss, each a mean over the steps that count."""

    latent: Float[Tensor, ""]  # nats a latent dimension
    done: Float[Tensor, ""]  # weighted binary cross-entropy; 0 without a done head

    @property
    def total(self) -> Float[Tensor, ""]:
        """What Adam minimises."""
        return self.latent + self.done


def rnn_loss(
    prediction: Prediction,
    next_z: Float[Tensor, "B T Z"],
    done: Bool[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
    done_weight: float,
) -> RnnLoss:
    """M's loss over the steps in `mask`.

    The negative log-likelihood of the next latent, averaged over steps and dimensions; with a
    done head also its cross-entropy, counted `done_weight` times where an episode ends because
    ends are rare.
    """
    count = mask.sum()
    nll = -prediction.latent.log_prob(next_z).mean(-1)
    latent = torch.where(mask, nll, 0).sum() / count
    if prediction.done_logit is None:
        return RnnLoss(latent, latent.new_zeros(()))
    target = done.float()
    entropy = functional.binary_cross_entropy_with_logits(
        prediction.done_logit, target, weight=1 + (done_weight - 1) * target, reduction="none"
    )
    return RnnLoss(latent, torch.where(mask, entropy, 0).sum() / count)
