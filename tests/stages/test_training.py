"""The loop of gradient descent that V and M share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from worldmodels.errors import WorldModelsError
from worldmodels.rundir import Artifact
from worldmodels.stages.training import CHECKPOINT, train

STEPS, RATE = 5, 1e-2


def network(layout: torch.memory_format) -> nn.Module:
    torch.manual_seed(3)
    layers = nn.Sequential(nn.Conv2d(3, 8, 4, 2), nn.ReLU(), nn.Flatten(), nn.Linear(72, 2))
    return layers.to(memory_format=layout)  # type: ignore[call-overload,no-any-return]


def pictures() -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(4)
    while True:
        yield torch.rand(6, 3, 8, 8, generator=generator)


class SmallTrainee:
    """Squares of a convolution and a linear layer, made small."""

    name = "small"
    num_steps = STEPS
    report_every = STEPS
    gradient_clip = None

    def __init__(self) -> None:
        self.network = network(torch.channels_last)
        self._pictures = pictures()

    def learning_rate(self, step: int) -> float:
        return RATE / (1 + step)

    def start(self, step: int, extra: dict[str, Any] | None) -> None:
        pass

    def losses(self, step: int) -> dict[str, Tensor]:
        return {"loss": self.network(next(self._pictures)).square().mean()}

    def extra_state(self) -> dict[str, Any]:
        return {}

    def report(self, step: int) -> dict[str, float]:
        return {}


def test_channels_last_weights_are_trained_as_plain_adam_trains_them(tmp_path: Path) -> None:
    trainee = SmallTrainee()
    train(trainee, Artifact(tmp_path, "small", ""), checkpoint_s=60)
    plain = network(torch.contiguous_format)
    adam = torch.optim.Adam(plain.parameters(), fused=False)
    for step, image in zip(range(STEPS), pictures(), strict=False):
        adam.param_groups[0]["lr"] = trainee.learning_rate(step)
        adam.zero_grad()
        plain(image).square().mean().backward()
        adam.step()
    for trained, expected in zip(trainee.network.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(trained, expected, rtol=0, atol=1e-5)
    assert trainee.network[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_moments_of_weights_in_another_order_are_refused(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path, "small", "")
    train(SmallTrainee(), artifact, checkpoint_s=60)
    state = torch.load(artifact.path / CHECKPOINT, weights_only=True)
    moments = state["adam"]["state"][0]
    moments["exp_avg"] = moments["exp_avg"].permute(0, 3, 1, 2)
    torch.save(state, artifact.path / CHECKPOINT)
    with pytest.raises(WorldModelsError, match="network of another size"):
        train(SmallTrainee(), artifact, checkpoint_s=60)
