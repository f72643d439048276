"""Graphs that hold gradients, in a form that PyTorch's exporter to ONNX accepts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, fx
from torch.fx.experimental.proxy_tensor import make_fx

from helpers.playground.onnx_files import ExportError

_ATEN = torch.ops.aten


def trace_with_gradients(function: Callable[..., Any], example: Sequence[Tensor]) -> fx.GraphModule:
    """A function whose body takes gradients, as a graph of operations that ONNX knows.

    The gradients of a frozen network's layers with respect to their inputs are written out: that of a convolution is a
    transposed convolution, and so on. The shapes of the example are fixed in the graph.

    Args:
        function: of tensors; may call `torch.func.grad_and_value`.
        example: one tensor for each argument.

    Returns:
        A module with the same arguments and results.

    Raises:
        ExportError: the gradient has an operation that is not written out here.
    """
    graph = make_fx(function, decomposition_table=_DECOMPOSITIONS, tracing_mode="real")(*example)
    _drop_strided_copies(graph.graph)
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return graph


def _convolution_backward(
    gradient: Tensor,
    inputs: Tensor,
    weight: Tensor,
    bias_sizes: Any,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    transposed: bool,
    output_padding: list[int],
    groups: int,
    output_mask: list[bool],
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """The gradient with respect to the input alone: the weights are frozen."""
    if transposed or any(output_mask[1:]):
        raise ExportError("only frozen convolutions can be exported, none that is transposed or learns")
    if not output_mask[0]:
        return None, None, None
    reached = [
        (size - 1) * step - 2 * pad + spread * (kernel - 1) + 1
        for size, step, pad, spread, kernel in zip(
            gradient.shape[2:], stride, padding, dilation, weight.shape[2:], strict=True
        )
    ]
    # rows and columns at the end that no window of the convolution reached, and which only the padding can restore
    missing = [side - reach for side, reach in zip(inputs.shape[2:], reached, strict=True)]
    back = _ATEN.convolution(gradient, weight, None, stride, padding, dilation, True, missing, groups)
    return back, None, None


def _avg_pool2d_backward(
    gradient: Tensor,
    inputs: Tensor,
    kernel: list[int],
    stride: list[int],
    padding: list[int],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Float[Tensor, "batch channels height width"]:
    """Each output's gradient, shared out equally among the pixels of its window."""
    height, width = inputs.shape[2:]
    fits = list(stride or kernel) == list(kernel) and not any(padding) and divisor_override is None
    if not fits or height % kernel[0] or width % kernel[1]:
        raise ExportError(f"an average over windows of {kernel} that overlap or stick out cannot be exported")
    spread = gradient[:, :, :, None, :, None].expand(-1, -1, -1, kernel[0], -1, kernel[1])
    shared = spread.reshape(*gradient.shape[:2], height, width)  # batch, channels, height, width
    return shared / (kernel[0] * kernel[1])


def _threshold_backward(gradient: Tensor, inputs: Tensor, threshold: float | int) -> Tensor:
    return torch.where(inputs > threshold, gradient, 0.0)


def _softmax_backward(gradient: Tensor, output: Tensor, dim: int, dtype: torch.dtype) -> Tensor:
    return output * (gradient - (gradient * output).sum(dim, keepdim=True))


def _sigmoid_backward(gradient: Tensor, output: Tensor) -> Tensor:
    return gradient * output * (1 - output)


_DECOMPOSITIONS = {
    _ATEN.convolution_backward.default: _convolution_backward,
    _ATEN.avg_pool2d_backward.default: _avg_pool2d_backward,
    _ATEN.threshold_backward.default: _threshold_backward,
    _ATEN._softmax_backward_data.default: _softmax_backward,
    _ATEN.sigmoid_backward.default: _sigmoid_backward,
}


def _drop_strided_copies(graph: fx.Graph) -> None:
    """Replace `copy_(as_strided(new_zeros(...)), value)` by the value: traces leave such copies of whole tensors."""
    for node in list(graph.nodes):
        if node.target is not _ATEN.copy_.default:
            continue
        target, value = node.args[:2]
        source = target.args[0] if target.target is _ATEN.as_strided.default else None
        if source is None or source.target not in (_ATEN.new_zeros.default, _ATEN.new_empty_strided.default):
            raise ExportError(f"the trace copies into {target}, which the exporter to ONNX has no word for")
        size, strides = target.args[1], target.args[2]
        whole = torch.empty(size, device="meta")
        if whole.numel() != source.meta["tensor_meta"].shape.numel() or tuple(strides) != whole.stride():
            raise ExportError(f"the trace copies a part of a tensor: {size} with strides {strides}")
        for used in (node, target, source):
            used.replace_all_uses_with(value, delete_user_cb=lambda user, own=(node, target): user not in own)
