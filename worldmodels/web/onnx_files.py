"""Graphs as ONNX files with half-precision weights."""

from __future__ import annotations

import contextlib
import logging
import math
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from worldmodels.errors import WorldModelsError
from worldmodels.web.graphs import Graph

if TYPE_CHECKING:
    import onnx

FEW = 16  # constants of fewer numbers than this stay as they are
EXPORTER = "torch.onnx"  # the name of its log


def require_onnx() -> None:
    """Raise WorldModelsError if the packages that write ONNX files are not there."""
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise WorldModelsError(
            f'wm web needs the package {error.name}: run `pip install "worldmodels[web]"`.'
        ) from error


def save_graphs(folder: Path, graphs: Mapping[str, Graph]) -> None:
    """Write each graph into `folder` as NAME.onnx, whose inputs and outputs are called NAME.input.

    Weights are stored as float16 and computed with as float32. Raises WorldModelsError if the onnx
    packages are not installed.
    """
    require_onnx()
    from onnx.utils import Extractor

    extractor = Extractor(_traced(graphs))
    for name, graph in graphs.items():
        model = extractor.extract_model(_named(name, graph.inputs), _named(name, graph.outputs))
        _store_as_half(model)
        _drop_provenance(model)
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())


def _named(graph: str, parts: Mapping[str, Tensor] | tuple[str, ...]) -> list[str]:
    return [f"{graph}.{part}" for part in parts]


def _traced(graphs: Mapping[str, Graph]) -> onnx.ModelProto:
    """All of them in one model: the exporter takes most of its time to get ready."""
    together = _Together(graphs)
    with _quiet():
        program = torch.onnx.export(
            together.eval(),
            tuple(value for graph in graphs.values() for value in graph.inputs.values()),
            input_names=[i for name, graph in graphs.items() for i in _named(name, graph.inputs)],
            output_names=[o for name, graph in graphs.items() for o in _named(name, graph.outputs)],
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    return program.model_proto


class _Together(nn.Module):
    """Computes all graphs, each from inputs of its own, one after the other."""

    def __init__(self, graphs: Mapping[str, Graph]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(graph.module for graph in graphs.values())
        self.counts = [len(graph.inputs) for graph in graphs.values()]

    def forward(self, *values: Tensor) -> tuple[Tensor, ...]:
        results: list[Tensor] = []
        for part, count in zip(self.parts, self.counts, strict=True):
            result = part(*values[:count])
            values = values[count:]
            results += result if isinstance(result, tuple) else [result]
        return tuple(results)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks: on torchvision, and on PyTorch's own deprecated calls."""
    log = logging.getLogger(EXPORTER)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _store_as_half(model: onnx.ModelProto) -> None:
    """Halve the file: float32 constants become float16 ones, each with a Cast back.

    The runtime folds the Cast away when it loads the file.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for constant in model.graph.initializer:
        if constant.data_type != TensorProto.FLOAT or math.prod(constant.dims) < FEW:
            continue
        name, half = constant.name, f"{constant.name}.half"
        array = numpy_helper.to_array(constant).astype(np.float16)
        constant.CopyFrom(numpy_helper.from_array(array, half))
        casts.append(helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _drop_provenance(model: onnx.ModelProto) -> None:
    """Leave out where in which source file each node was traced: paths of this machine."""
    graph = model.graph
    del graph.value_info[:]
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
