"""The page's graphs compute what V, M and C compute in PyTorch."""

from __future__ import annotations

import math
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
from tiny_agents import (
    HIDDEN,
    LATENT,
    first_latents,
    small_controller,
    small_rnn,
    small_vae,
)

import worldmodels
from worldmodels.experiment import find_experiment
from worldmodels.models import noise
from worldmodels.models.controller import control, features
from worldmodels.models.rnn import Memory, Rnn
from worldmodels.models.vae import to_frame
from worldmodels.web.graphs import (
    controller_graph,
    decoder_graph,
    memory_graph,
    start_graph,
)
from worldmodels.web.onnx_files import save_graphs
from worldmodels.worlds.dream import COMPONENT, FIRST, PICK, WITHIN, DreamWorld

CONTROLLERS = {
    "seeing": ("carracing", "z", 0),
    "layered": ("carracing", "z+h", 5),
    "dreaming": ("doom", "z+c+h", 0),
}
MEMORIES = {"mortal": (1, True), "endless": (3, False)}


class Session:
    """A graph's file, computed by ONNX Runtime."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.session = onnxruntime.InferenceSession(path)
        self.inputs = [node.name for node in self.session.get_inputs()]
        self.outputs = [node.name for node in self.session.get_outputs()]

    def __call__(self, **values: torch.Tensor) -> dict[str, torch.Tensor]:
        feeds = {name: values[name.split(".")[1]].numpy() for name in self.inputs}
        results = zip(self.outputs, self.session.run(None, feeds), strict=True)
        return {name.split(".")[1]: torch.as_tensor(value) for name, value in results}


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Session]:
    """All graphs that are tested, traced at once."""
    folder = tmp_path_factory.mktemp("graphs")
    graphs = {"v": decoder_graph(small_vae()), "start": start_graph(first_latents())}
    for name, (actions, done_head) in MEMORIES.items():
        graphs[name] = memory_graph(small_rnn(actions, done_head))
    for name, (game, inputs, hidden) in CONTROLLERS.items():
        controller = small_controller(game, inputs, hidden)
        squash = find_experiment(game).squash
        graphs[name] = controller_graph(controller.sizes, controller.parameters, squash)
    save_graphs(folder, graphs)
    return {name: Session(folder / f"{name}.onnx") for name in graphs}


def dream_of(rnn: Rnn, actions: int, temperature: float) -> DreamWorld:
    game = {1: "doom", 3: "carracing"}[actions]
    return DreamWorld(
        rnn,
        first_latents(),
        find_experiment(game).action_space(),
        1,
        temperature=temperature,
        max_episode_steps=1000,
        autoreset_mode="Disabled",
    )


@pytest.mark.parametrize("name", MEMORIES)
def test_ten_steps_of_m_equal_those_of_the_dream(name: str, sessions: dict[str, Session]) -> None:
    actions, done_head = MEMORIES[name]
    rnn, step = small_rnn(actions, done_head), sessions[name]
    assert (f"{name}.done_logit" in step.outputs) == done_head
    seed = torch.tensor([5])
    action = torch.linspace(-1, 1, actions).unsqueeze(0)
    for temperature in (0.1, 1.0, 1.3):
        dream = dream_of(rnn, actions, temperature)
        dream.reset(seed=[5])
        z, h, c = dream.z, torch.zeros(1, HIDDEN), torch.zeros(1, HIDDEN)
        for t in range(10):
            now = torch.tensor([t])
            result = step(
                z=z,
                action=action,
                h=h,
                c=c,
                starts=now == 0,
                pick=noise.uniform(seed, now, COMPONENT, LATENT),
                draw=noise.normal(seed, now, WITHIN, LATENT),
                temperature=torch.tensor([temperature]),
            )
            dream.step(action.numpy())
            z, h, c = result["next_z"], result["next_h"], result["next_c"]
            torch.testing.assert_close(z, dream.z, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(h, dream.memory.h, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(c, dream.memory.c, rtol=1e-4, atol=1e-5)
            if done_head:
                expected = rnn.predict(dream.memory.h).done_logit
                torch.testing.assert_close(result["done_logit"], expected, rtol=1e-4, atol=1e-5)


def test_every_component_of_the_mixture_is_drawn_where_python_draws_it(
    sessions: dict[str, Session],
) -> None:
    rnn, step = small_rnn(3, False), sessions["endless"]
    zeros, action = torch.zeros(1, HIDDEN), torch.zeros(1, 3)
    z, starts, temperature = torch.zeros(1, LATENT), torch.tensor([True]), 0.5
    memory = rnn.step(z, action, starts, Memory(zeros, zeros))
    mixture = rnn.predict(memory.h).latent
    for share in torch.linspace(0, 1 - 1e-6, 40):
        pick = share.expand(1, LATENT)
        for draw in (torch.full((1, LATENT), -1.5), torch.full((1, LATENT), 2.0)):
            result = step(
                z=z,
                action=action,
                h=zeros,
                c=zeros,
                starts=starts,
                pick=pick,
                draw=draw,
                temperature=torch.tensor([temperature]),
            )
            expected = mixture.sample(pick, draw, temperature)
            torch.testing.assert_close(result["next_z"], expected, rtol=1e-4, atol=1e-5)


def test_decoder_draws_what_v_draws(sessions: dict[str, Session]) -> None:
    vae, draw = small_vae(), sessions["v"]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        latents = torch.randn(8, 1, LATENT) * 2
    frames = []
    for z in latents:
        frame = draw(z=z)["frame"]
        expected = to_frame(vae.decode(z))
        assert frame.dtype == torch.uint8
        assert frame.shape == (1, 64, 64, 3)
        assert (frame.int() - expected.int()).abs().max() <= 1
        frames.append(frame)
    assert len({frame.numpy().tobytes() for frame in frames}) == 8
    assert frames[0].float().std() > 5


@pytest.mark.parametrize("name", CONTROLLERS)
def test_controller_acts_as_c_does(name: str, sessions: dict[str, Session]) -> None:
    game, inputs, hidden = CONTROLLERS[name]
    controller, act = small_controller(game, inputs, hidden), sessions[name]
    squash = find_experiment(game).squash
    with torch.random.fork_rng():
        torch.manual_seed(1)
        for _ in range(5):
            z, h, c = torch.randn(1, LATENT), torch.randn(1, HIDDEN), torch.randn(1, HIDDEN)
            parameters = torch.as_tensor(controller.parameters).unsqueeze(0)
            seen = features(controller.sizes, z, Memory(h, c))
            expected = squash(control(controller.sizes, parameters, seen))
            torch.testing.assert_close(act(z=z, h=h, c=c)["action"], expected, rtol=1e-4, atol=1e-5)


def test_dreams_start_where_those_of_python_start(sessions: dict[str, Session]) -> None:
    start = sessions["start"]
    dream = dream_of(small_rnn(1, True), 1, 1.0)
    zero = torch.tensor([0])
    for number in range(10):
        dream.reset(seed=[number])
        seed = torch.tensor([number])
        pick, draw = noise.uniform(seed, zero, PICK, 1), noise.normal(seed, zero, FIRST, LATENT)
        torch.testing.assert_close(start(pick=pick, draw=draw)["z"], dream.z, rtol=1e-5, atol=1e-6)


def test_file_keeps_half_precision_weights_and_nothing_of_this_machine(
    sessions: dict[str, Session],
) -> None:
    path = sessions["mortal"].path
    model = onnx.load(path)
    large = [tensor for tensor in model.graph.initializer if math.prod(tensor.dims) > 16]
    assert {tensor.data_type for tensor in large} == {onnx.TensorProto.FLOAT16}
    assert sum(math.prod(tensor.dims) for tensor in large) > 1000
    content = path.read_bytes()
    assert b".py" not in content
    assert str(Path(worldmodels.__file__).parent).encode() not in content
