"""The loop of gradient descent that V and M share: resume, step, report, save."""

from __future__ import annotations

import math
import time
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from worldmodels.checkpoint import Checkpointer
from worldmodels.errors import WorldModelsError
from worldmodels.machine import keep_freed_memory
from worldmodels.metrics import MetricsLog, Progress, read_jsonl
from worldmodels.rundir import Artifact

CHECKPOINT = "latest.ckpt"
METRICS = "metrics.jsonl"


class Trainee(Protocol):
    """A network and everything about it that differs from the other one."""

    name: str
    num_steps: int
    report_every: int

    @property
    def network(self) -> nn.Module:
        """What is trained."""

    @property
    def gradient_clip(self) -> float | None:
        """Gradients are clipped to plus or minus this; None leaves them."""

    def learning_rate(self, step: int) -> float:
        """Adam's step size at `step`."""

    def start(self, step: int, extra: dict[str, Any] | None) -> None:
        """Get ready for `step`; `extra` is what `extra_state` gave before it, if resumed."""

    def losses(self, step: int) -> dict[str, Tensor]:
        """The loss to descend under `loss`, and its parts by name."""

    def extra_state(self) -> dict[str, Any]:
        """What a checkpoint must hold besides the network and Adam."""

    def report(self, step: int) -> dict[str, float]:
        """Numbers on held-out data; may write pictures."""


def train(trainee: Trainee, artifact: Artifact, checkpoint_s: float) -> dict[str, Any]:
    """Train to the end, from the checkpoint in the artifact's folder if there is one.

    Where there are no steps at all, the network is reported on as it starts. Returns the last
    report. Raises WorldModelsError when the loss is not finite; the checkpoint of the last good
    moment stays.
    """
    keep_freed_memory()
    trained = [p for p in trainee.network.parameters() if p.requires_grad]
    adam = torch.optim.Adam([_in_memory_order(p) for p in trained], fused=True)
    torch.backends.cudnn.deterministic = True
    with Checkpointer(artifact.path / CHECKPOINT, checkpoint_s) as checkpointer:
        state = checkpointer.load()
        step = 0
        if state is not None:
            step = state["step"]
            _restore(trainee.network, adam, state, artifact)
        if step > trainee.num_steps:
            raise WorldModelsError(
                f"{artifact.path} is already at step {step}, beyond {trainee.num_steps}: ask for "
                f"more steps, or remove the folder to start afresh."
            )
        trainee.start(step, state["extra"] if state is not None else None)
        with (
            MetricsLog(artifact.path / METRICS, "step", step) as log,
            Progress(trainee.name, trainee.num_steps, "step", step) as progress,
        ):
            if step:
                progress.say(f"{trainee.name}: going on from step {step:,}.")
            row: dict[str, Any] = {}
            if not trainee.num_steps:  # no step, no line in the log
                row = {"step": 0, **trainee.report(0)}
                progress.say(_said(trainee.name, row))
            began, began_at = time.monotonic(), step
            while step < trainee.num_steps:
                parts = _step(trainee, adam, trained, step, artifact)
                step += 1
                progress.update(1, f"loss {parts['loss']:.4g}")
                if step % trainee.report_every == 0 or step == trainee.num_steps:
                    rate = (step - began_at) / (time.monotonic() - began)
                    row = {"step": step, **parts, **trainee.report(step)}
                    log.write({**row, "steps_per_s": round(rate, 3)})
                    progress.say(_said(trainee.name, row))
                    began, began_at = time.monotonic(), step
                if checkpointer.due or step == trainee.num_steps:
                    checkpointer.save(
                        {
                            "step": step,
                            "network": trainee.network.state_dict(),
                            "adam": adam.state_dict(),
                            "extra": trainee.extra_state(),
                        }
                    )
                    checkpointer.stop_if_asked(f"step {step:,} of {trainee.num_steps:,}")
    rows = read_jsonl(artifact.path / METRICS)  # also those of the sessions before this one
    last = rows[-1] if rows else row
    return {name: value for name, value in last.items() if name != "steps_per_s"}


def _step(
    trainee: Trainee,
    adam: torch.optim.Optimizer,
    trained: list[nn.Parameter],
    step: int,
    artifact: Artifact,
) -> dict[str, float]:
    """One step of Adam; returns the losses."""
    for parameter in trained:
        parameter.grad = None
    losses = trainee.losses(step)
    losses["loss"].backward()  # type: ignore[no-untyped-call]
    if trainee.gradient_clip is not None:
        nn.utils.clip_grad_value_(trained, trainee.gradient_clip)
    parts = {name: float(value.detach()) for name, value in losses.items()}
    if not math.isfinite(parts["loss"]):
        raise WorldModelsError(
            f"the loss of {trainee.name} became {parts['loss']} at step {step + 1}: "
            f"{artifact.path / CHECKPOINT} keeps the last good state. Start again in another "
            f"folder (--run) with a smaller --learning-rate."
        )
    (group,) = adam.param_groups
    group["lr"] = trainee.learning_rate(step)
    for parameter, view in zip(trained, group["params"], strict=True):
        view.grad = None if parameter.grad is None else _in_memory_order(parameter.grad)
    adam.step()
    return parts


def _in_memory_order(tensor: Tensor) -> Tensor:
    """The same numbers in the order in which they lie: Adam would copy channels-last weights."""
    tensor = tensor.detach()
    return tensor.permute(0, 2, 3, 1) if tensor.dim() == 4 else tensor


def _restore(
    network: nn.Module, adam: torch.optim.Optimizer, state: dict[str, Any], artifact: Artifact
) -> None:
    try:
        network.load_state_dict(state["network"])
        adam.load_state_dict(state["adam"])
        for view, moments in adam.state.items():
            if moments["exp_avg"].shape != view.shape:
                raise ValueError(f"Adam's moments are {list(moments['exp_avg'].shape)}")
    except (RuntimeError, ValueError, KeyError) as error:
        said = str(error).splitlines()[-1].strip()
        raise WorldModelsError(
            f"{artifact.path / CHECKPOINT} is of a network of another size ({said}): remove "
            f"{artifact.path} to start afresh."
        ) from error


def _said(name: str, row: dict[str, Any]) -> str:
    numbers = (f"{key} {value:.4g}" for key, value in row.items() if key != "step")
    return f"{name} step {row['step']:,}: {', '.join(numbers)}"
