"""C: one row a candidate, the order of what it sees, and its hidden layer by hand."""

from __future__ import annotations

import pytest
import torch

from worldmodels.models.controller import ControllerSizes, control, features
from worldmodels.models.rnn import Memory

Z, H, A = 3, 2, 2
Z_VALUE = torch.tensor([[1.0, 2.0, 3.0]])
MEMORY = Memory(h=torch.tensor([[10.0, 20.0]]), c=torch.tensor([[100.0, 200.0]]))


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ("z", [1, 2, 3]),
        ("z+h", [1, 2, 3, 10, 20]),
        ("z+c+h", [1, 2, 3, 100, 200, 10, 20]),
    ],
)
def test_c_sees_z_then_c_then_h(inputs: str, expected: list[float]) -> None:
    sizes = ControllerSizes(Z, H, A, inputs, hidden=0, bias=True)
    assert features(sizes, Z_VALUE, MEMORY).tolist() == [expected]
    assert sizes.features == len(expected)


def test_parameters_are_weights_row_by_row_then_biases() -> None:
    sizes = ControllerSizes(Z, H, A, "z", hidden=0, bias=True)
    parameters = torch.tensor([[1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.5, -0.5]])
    assert control(sizes, parameters, Z_VALUE).tolist() == [[1.5, 4.5]]


def test_without_bias_zero_goes_to_zero() -> None:
    sizes = ControllerSizes(Z, H, A, "z", hidden=0, bias=False)
    out = control(sizes, torch.ones(1, sizes.parameters), torch.zeros(1, Z))
    assert out.tolist() == [[0, 0]]


def test_the_hidden_layer_is_a_tanh_between_two_affine_maps() -> None:
    sizes = ControllerSizes(Z, H, A, "z", hidden=4, bias=True)
    vector = torch.randn(sizes.parameters, generator=torch.Generator().manual_seed(0))
    first, bias_1, second, bias_2 = vector.split([4 * Z, 4, A * 4, A])
    inner = torch.tanh(first.reshape(4, Z) @ Z_VALUE[0] + bias_1)
    expected = second.reshape(A, 4) @ inner + bias_2
    torch.testing.assert_close(control(sizes, vector.unsqueeze(0), Z_VALUE)[0], expected)


@pytest.mark.parametrize("hidden", [0, 4])
@pytest.mark.parametrize("bias", [True, False])
def test_each_row_of_a_batch_is_its_own_candidate(hidden: int, bias: bool) -> None:
    sizes = ControllerSizes(Z, H, A, "z+c+h", hidden, bias)
    random = torch.Generator().manual_seed(0)
    parameters = torch.randn(5, sizes.parameters, generator=random)
    seen = torch.randn(5, sizes.features, generator=random)
    alone = [control(sizes, parameters[i : i + 1], seen[i : i + 1]) for i in range(5)]
    torch.testing.assert_close(control(sizes, parameters, seen), torch.cat(alone))
