"""Which layer of a network gives a map of features, with channels and a grid that follows from the image's size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.overrides import TorchFunctionMode

from helpers.core.outputs import as_logits, check_differentiable
from helpers.core.replica import replica

Layout = Literal["channels first", "channels last"]
Shape = tuple[int, ...]

_POOLINGS = (nn.AdaptiveAvgPool2d, nn.AvgPool2d)
_SPATIAL = ("conv2d", "conv_transpose2d", "batch_norm", "group_norm", "instance_norm", "interpolate", "pixel_shuffle")
_PREFIX_TOKENS = 8  # at most, of class, distillation and registers
_LAST_AXIS = ("linear", "layer_norm", "rms_norm")
_ALTERNATIVES = "CartoonX, Pixel RDE, RISE and occlusion explain any classifier"


@dataclass(frozen=True)
class FeatureLayer:
    """A layer whose output is a map of features.

    Attributes:
        name: its dotted name among the classifier's modules, without wrappers such as `DataParallel`.
        layout: where the channels are.
        grid: rows and columns of the map.
        calls: how often a forward pass calls it; the map is the output of the last call.
    """

    name: str
    layout: Layout
    grid: tuple[int, int]
    calls: int

    def channels_first(self, features: Tensor) -> Float[Tensor, "batch channels rows columns"]:
        """The layer's output with its channels in the second axis."""
        return features.movedim(3, 1) if self.layout == "channels last" else features


def last_feature_layer(classifier: nn.Module, images: Float[Tensor, "batch 3 height width"]) -> FeatureLayer:
    """The last module, average pooling aside, whose output is a map of features that carries everything.

    For VGG it is `features`, for ResNet `layer4`, for timm's Swin `norm`, with channels last. A map has four axes, and
    more than one cell; its rows and columns grow with those of the image, and its channels do not. The growth is
    computed from shapes alone. Where a network accepts one size only, convolutions and linear layers tell the axes
    apart. It carries everything if the logits depend on the image through it alone: a branch does not.

    Raises:
        ValueError: there is no such module, or most of the network's weights come after it, as in most transformers and
            mixers, which go on with tokens.
    """
    calls = _Calls(classifier, images)
    modules = dict(calls.model.named_modules())
    found = next(
        (
            number
            for number in reversed(range(len(calls.real)))
            if _cells(calls.layouts[number], calls.real[number].shape) > 1
            and not isinstance(modules[calls.real[number].name], _POOLINGS)
            and calls.carries_everything(number)
        ),
        None,
    )
    if found is None:
        scripted = any(isinstance(module, torch.jit.ScriptModule) for module in modules.values())
        hint = " TorchScript hides its layers: use the module that it was made from." if scripted else ""
        raise ValueError(
            "this classifier has no layer with a map of features that carries everything: Grad-CAM needs a "
            f"convolutional network, one that keeps rows and columns (Swin), or the option layer=.{hint} "
            f"{_ALTERNATIVES}"
        )
    layer = calls.layer(found)
    before, after = calls.weights(found)
    if after > before:
        raise ValueError(
            f"this classifier works on tokens, or in branches: the last map of features that carries everything, "
            f"{layer.name!r} with {layer.grid[0]} x {layer.grid[1]} cells, comes before most of its weights. Grad-CAM "
            "needs a convolutional network, one that keeps rows and columns (Swin), or the option layer=. "
            f"{_ALTERNATIVES}"
        )
    return layer


def named_feature_layer(
    classifier: nn.Module, images: Float[Tensor, "batch 3 height width"], name: str
) -> FeatureLayer:
    """The layer of this name, checked as in `last_feature_layer`.

    Raises:
        ValueError: the classifier has no such module, does not call it, or its output is not a map of features.
    """
    calls = _Calls(classifier, images)
    if name not in dict(calls.model.named_modules()):
        raise ValueError(f"layer={name!r} is no module of this classifier; named_modules() lists them")
    found = [number for number, call in enumerate(calls.real) if call.name == name]
    if not found:
        raise ValueError(f"layer={name!r} gives no tensor in this classifier's forward pass; choose another layer")
    if calls.layouts[found[-1]] is None or calls.real[found[-1]].node is None:
        raise ValueError(
            f"layer={name!r} gives shape {calls.real[found[-1]].shape}, which is no map of features with channels and "
            "a grid that follows from the image's size; choose another layer"
        )
    if not calls.is_used(found[-1]):
        raise ValueError(f"the logits do not depend on layer={name!r}; choose another layer")
    return calls.layer(found[-1])


@dataclass(frozen=True)
class _Call:
    """A module's call: its name, the shape of its first output, and the number of the module's own parameters.

    `node` is the output's node in the autograd graph; None where the module does not give a single tensor.
    """

    name: str
    shape: Shape
    weights: int
    node: Node | None


class _Calls:
    """The calls of a network's modules on the first image, and on a larger one of another aspect, without data.

    Attributes:
        layouts: where the channels are in the output of each call; None if it is no map of features.
    """

    def __init__(self, classifier: nn.Module, images: Tensor) -> None:
        self.model, self.axes = replica(classifier), _Axes()
        self.size = (images.shape[-2], images.shape[-1])
        image = images[:1].detach().as_subclass(Tensor).clone().requires_grad_()
        with torch.enable_grad(), self.axes, _recorded(self.model) as self.real:
            self.logits = as_logits(self.model(image))
        check_differentiable(self.logits)
        self.larger_size = (2 * self.size[0], self.size[1] + self.size[1] // 2)
        self.larger = _calls_without_data(self.model, image.new_empty(1, 3, *self.larger_size, device="meta"))
        self.layouts = self._layouts()

    def layer(self, number: int) -> FeatureLayer:
        """The layer of a call whose output is a map."""
        call, layout = self.real[number], self.layouts[number]
        assert layout is not None
        calls = sum(other.name == call.name for other in self.real)
        return FeatureLayer(call.name, layout, _grid(layout, call.shape), calls)

    def is_used(self, number: int) -> bool:
        """Whether the logits depend on the image through the output of a call, which is a single tensor."""
        node = self.real[number].node
        return node is not None and _reaches(self.logits.grad_fn, node)

    def carries_everything(self, number: int) -> bool:
        """Whether the logits depend on the image through the output of a call alone."""
        return self.is_used(number) and not _reaches(self.logits.grad_fn, None, without=self.real[number].node)

    def weights(self, number: int) -> tuple[int, int]:
        """The parameters used up to a call, and those used after it on more than one cell or token."""
        after = sum(
            call.weights
            for call, layout in zip(self.real[number + 1 :], self.layouts[number + 1 :], strict=True)
            if len(call.shape) > 2 and (_cells(layout, call.shape) if layout else sorted(call.shape[1:])[-2]) > 1
        )
        return sum(call.weights for call in self.real[: number + 1]), after

    def _layouts(self) -> list[Layout | None]:
        layouts, cells = [], set()
        for number, call in enumerate(self.real):
            layout = self._layout(number, cells) if len(call.shape) == 4 and call.shape[0] == 1 else None
            layouts.append(layout)
            cells.add(_cells(layout, call.shape))
        return layouts

    def _layout(self, number: int, cells: set[int]) -> Layout | None:
        """The layout of a call, by its shape on the larger image, or by what functions gave this shape."""
        shape, name = self.real[number].shape, self.real[number].name  # windows would be stacked along the first axis
        larger = self.larger[number] if number < len(self.larger) else None
        if larger is not None and larger.name == name and larger.shape != shape and len(larger.shape) == 4:
            return _growing_layout(shape, larger.shape, self.size, self.larger_size)
        layout = self.axes.layout(shape, self.size)
        if layout is not None:
            rows, columns = _grid(layout, shape)
            attention = rows == columns and any(0 <= rows - count <= _PREFIX_TOKENS for count in cells if count > 1)
            return None if attention else layout  # as many rows as an earlier map had cells: tokens by tokens
        return None


class _Axes(TorchFunctionMode):
    """The shapes that spatial functions gave (channels first), and those that worked on the last axis."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: dict[Layout, set[Shape]] = {"channels first": set(), "channels last": set()}

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if isinstance(result, Tensor) and result.ndim == 4:
            if name in _SPATIAL or "pool2d" in name:
                self.shapes["channels first"].add(tuple(result.shape))
            elif name in _LAST_AXIS:
                self.shapes["channels last"].add(tuple(result.shape))
        return result

    def layout(self, shape: Shape, size: tuple[int, int]) -> Layout | None:
        """The layout of a shape that a function gave, if its grid has the image's proportions or is a square."""
        for layout, shapes in self.shapes.items():
            rows, columns = _grid(layout, shape)
            off = abs(rows * size[1] - columns * size[0])
            if shape in shapes and (off <= max(size) or rows == columns):
                return layout
        return None


def _growing_layout(shape: Shape, larger: Shape, size: tuple[int, int], larger_size: tuple[int, int]) -> Layout | None:
    """The layout in which channels stay, and rows and columns grow by the same stride as the image; None if none."""
    height, width = larger_size[0] - size[0], larger_size[1] - size[1]
    for layout, axis in (("channels first", 1), ("channels last", 3)):
        before, after = _grid(layout, shape), _grid(layout, larger)
        rows, columns = after[0] - before[0], after[1] - before[1]
        if (
            shape[axis] == larger[axis]
            and min(rows, columns) > 0
            and abs(rows * width - columns * height) <= (width + height)
        ):
            return layout
    return None


def _grid(layout: Layout, shape: Shape) -> tuple[int, int]:
    return (shape[2], shape[3]) if layout == "channels first" else (shape[1], shape[2])


def _cells(layout: Layout | None, shape: Shape) -> int:
    """The number of cells of a map; 0 for what is no map."""
    if layout is None:
        return 0
    rows, columns = _grid(layout, shape)
    return rows * columns


def _reaches(start: Node | None, goal: Node | None, without: Node | None = None) -> bool:
    """Whether the autograd graph leads from one node to another, or to a leaf if that is None, around a third."""
    waiting, seen = [start], {without}
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        following = [other for other, _ in node.next_functions]
        if node is goal or (goal is None and not following):
            return True
        waiting += following
    return False


@contextmanager
def _recorded(model: nn.Module) -> Iterator[list[_Call]]:
    """The calls of all modules that give a tensor, or several of which the first counts, in order."""
    names, calls = {module: name for name, module in model.named_modules()}, []

    def record(module: nn.Module, inputs: Any, output: Any) -> None:
        first = output[0] if isinstance(output, (tuple, list)) and output else output
        if isinstance(first, Tensor):
            weights = sum(parameter.numel() for parameter in module.parameters(recurse=False))
            node = first.grad_fn if first is output else None  # now: what works in place will change it
            calls.append(_Call(names[module], tuple(first.shape), weights, node))

    handles = [m.register_forward_hook(record) for m in names if not isinstance(m, torch.jit.ScriptModule)]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def _calls_without_data(model: nn.Module, image: Tensor) -> list[_Call]:
    """The calls on an image of which only the shape is computed, up to the module that does not accept this size."""
    without_data = replica(model, lambda tensor: tensor.detach().to("meta"))
    with _recorded(without_data) as calls, suppress(Exception):  # networks of one size refuse in all sorts of ways
        without_data(image)
    return calls
