"""ONNX files of PyTorch modules: written small, and compared with the module."""

from __future__ import annotations

import gc
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO

import numpy as np
import onnx_ir
import onnxruntime
import torch
from onnx_ir.passes.common import DeduplicateInitializersPass, LiftConstantsToInitializersPass, RemoveUnusedNodesPass
from onnxscript.optimizer import fold_constants
from torch import Tensor, nn

SMALLEST_HALVED = 256  # entries of a constant that is stored as float16; smaller ones are not worth a node


class ExportError(ValueError):
    """A module cannot be exported, or its file does not compute what the module computes."""

    exit_status = 1  # no mistake of the command's user


def onnx_bytes(
    module: nn.Module,
    example: Mapping[str, Tensor],
    outputs: Sequence[str],
    *,
    batch: bool = False,
    exact: Sequence[Tensor] = (),
) -> tuple[bytes, bytes]:
    """A module as the bytes of an ONNX file: with its own weights, and with weights stored as float16.

    The latter are converted to float32 when the file is loaded, so that all arithmetic is float32's.

    Args:
        module: frozen, in eval mode.
        example: one tensor for each argument of its forward pass, by the name that it gets in the file.
        outputs: the names of its results.
        batch: whether the first dimension of all inputs is free; else all shapes are those of the example.

        exact: matrices that are never stored as float16, transposed or not.

    Raises:
        ExportError: PyTorch cannot export it.
    """
    free = ({0: torch.export.Dim("batch", min=1, max=1024)},) * len(example) if batch else None
    try:
        with _quiet(), _without_collection():
            program = torch.onnx.export(
                module,
                tuple(example.values()),
                dynamo=True,
                external_data=False,
                verbose=False,
                optimize=False,  # its rewriting rules take half of the time, and runtimes have their own
                dynamic_shapes=free,
            )
            assert program is not None  # with dynamo=True
            _simplify(program.model)
    except Exception as error:
        raise ExportError(f"PyTorch cannot export this {type(module).__name__} to ONNX: {error}") from error
    model = program.model
    _name_values(model, list(example), outputs)
    whole = onnx_ir.to_proto(model).SerializeToString()
    _halve_weights(model, exact)
    return whole, onnx_ir.to_proto(model).SerializeToString()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's progress, and its remarks on versions of operators."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Without the collection of garbage: the exporter makes so many objects that looking for it takes a fifth of it."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _simplify(model: onnx_ir.Model) -> None:
    """Fold what depends on constants alone, and drop what nothing reads."""
    fold_constants(model)
    for simplify in (
        LiftConstantsToInitializersPass(lift_all_constants=True),
        DeduplicateInitializersPass(),
        RemoveUnusedNodesPass(),
    ):
        simplify(model)


def _name_values(model: onnx_ir.Model, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Give inputs and outputs their names and number all other values: the trace's own names could clash with them."""
    graph = model.graph
    if (len(graph.inputs), len(graph.outputs)) != (len(inputs), len(outputs)):
        raise ExportError(
            f"the graph has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs, but the names are "
            f"{', '.join(inputs)} and {', '.join(outputs)}"
        )
    weights = list(graph.initializers.values())
    graph.initializers.clear()
    for number, value in enumerate(weights):
        value.name = f"w{number}"
        graph.initializers[value.name] = value
    count = 0
    for node in graph:
        node.name, node.doc_string = None, None
        node.metadata_props.clear()
        for value in node.outputs:
            value.name, count = f"v{count}", count + 1
            value.metadata_props.clear()
    for values, names in ((graph.inputs, inputs), (graph.outputs, outputs)):
        for value, name in zip(values, names, strict=True):
            value.name = name


def _halve_weights(model: onnx_ir.Model, exact: Sequence[Tensor]) -> None:
    """Store constants as float16, but for the exact ones, each with a conversion to float32, which runtimes do once."""
    graph = model.graph
    casts, kept = [], [matrix.numpy() for matrix in exact]
    for value in list(graph.initializers.values()):
        constant = value.const_value
        if constant is None or constant.dtype != onnx_ir.DataType.FLOAT or constant.size < SMALLEST_HALVED:
            continue
        numbers = constant.numpy()
        if any(np.array_equal(numbers, matrix) or np.array_equal(numbers, matrix.T) for matrix in kept):
            continue
        if np.abs(numbers).max() > np.finfo(np.float16).max:
            raise ExportError(f"a weight of {np.abs(numbers).max():g} is too large for float16")
        name = f"{value.name}h"
        small = onnx_ir.Value(
            name=name,
            shape=value.shape,
            type=onnx_ir.TensorType(onnx_ir.DataType.FLOAT16),
            const_value=onnx_ir.tensor(numbers.astype(np.float16), name=name),
        )
        cast = onnx_ir.Node("", "Cast", [small], [onnx_ir.AttrInt64("to", int(onnx_ir.DataType.FLOAT))])
        cast.outputs[0].name = f"{value.name}f"
        value.replace_all_uses_with(cast.outputs[0])
        del graph.initializers[value.name]
        graph.initializers[name] = small
        casts.append(cast)
    graph.insert_before(graph[0], casts)


def open_session(content: bytes) -> onnxruntime.InferenceSession:
    """An ONNX file ready to run on one thread of the CPU, as in a browser."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


@torch.no_grad()
def results_of(module: nn.Module, cases: Sequence[Mapping[str, Tensor]]) -> list[tuple[Tensor, ...]]:
    """The results of a module that returns a tensor or several.

    Args:
        module: the module.
        cases: inputs by name, in the order of its arguments.
    """
    results = (module(*case.values()) for case in cases)
    return [(result,) if isinstance(result, Tensor) else tuple(result) for result in results]


def compare(
    session: onnxruntime.InferenceSession, cases: Sequence[Mapping[str, Tensor]], due: Sequence[tuple[Tensor, ...]]
) -> dict[str, float]:
    """The largest absolute difference of each output of a file from what is due, on the same inputs.

    Args:
        session: of the file.
        cases: inputs by name.
        due: the module's results for each of them.

    Raises:
        ExportError: an output has another shape.
    """
    names = [output.name for output in session.get_outputs()]
    differences = dict.fromkeys(names, 0.0)
    for case, expected in zip(cases, due, strict=True):
        actual = session.run(names, {name: values.numpy() for name, values in case.items()})
        for name, right, found in zip(names, expected, actual, strict=True):
            if tuple(right.shape) != found.shape:
                raise ExportError(f"{name} has the shape {found.shape} in the file and {tuple(right.shape)} in PyTorch")
            difference = float((right - torch.from_numpy(found)).abs().max())
            differences[name] = max(differences[name], difference if difference == difference else float("inf"))
    return differences
