"""The logits of an image without one of its pixels, for every pixel, recomputing only affected activations.

A pixel affects 3 x 3 activations of the first 3 x 3 convolution, and a slightly larger window in each following layer.
Only these windows are recomputed. Pixels whose distance is a multiple of the total stride of the poolings have windows
of the same shape, and so form one batch.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from helpers.classifiers import Classifier
from helpers.classifiers.vgg import SmallImageVGG


@dataclass(frozen=True)
class _Span:
    """`count` windows of `width` along one axis, at start, start + step, ...; they may overhang."""

    start: int
    width: int
    step: int
    count: int

    def convolved(self) -> _Span:
        """The windows of outputs that a 3 x 3 convolution changes."""
        return _Span(self.start - 1, self.width + 2, self.step, self.count)

    def pooled(self) -> _Span:
        """The windows of outputs that a pooling by 2 changes."""
        first = self.start // 2
        return _Span(first, (self.start + self.width - 1) // 2 - first + 1, self.step // 2, self.count)

    def unpooled(self) -> _Span:
        """The windows of inputs of a pooling by 2."""
        return _Span(2 * self.start, 2 * self.width, 2 * self.step, self.count)

    def inside(self, size: int, device: torch.device) -> Bool[Tensor, "count width"]:
        """Which positions of the windows lie on a map of this size."""
        windows, offsets = torch.arange(self.count, device=device), torch.arange(self.width, device=device)
        positions = self.start + self.step * windows[:, None] + offsets
        return (positions >= 0) & (positions < size)


class PixelRemoval:
    """The logits of images without one pixel each, for the book's VGG on small images.

    The result is that of the whole network, except for float rounding.

    Args:
        classifier: one that `fits` accepts; its layers are copied.
        size: height and width of the images.

    Raises:
        ValueError: the classifier or the size does not fit.
    """

    def __init__(self, classifier: nn.Module, size: tuple[int, int]) -> None:
        if not self.fits(classifier, size):
            raise ValueError(f"windows are computed for SmallImageVGG only, on images of 32 px, got {size}")
        self.classifier = classifier
        # on a CPU, convolutions of small windows with many channels are faster with channels first
        network = copy.deepcopy(classifier.network).to(memory_format=torch.contiguous_format)
        layers = [layer for layer in network.features if not isinstance(layer, nn.Identity | nn.Dropout)]
        blocks = _windowed_blocks(layers, min(size))
        self.step = 2**blocks
        ends = [number + 1 for number, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
        self.front = layers[: ends[blocks - 1]]
        self.rest = nn.Sequential(*layers[len(self.front) :], network.pool, network.flatten, network.head)

    @staticmethod
    def fits(classifier: nn.Module, size: tuple[int, int]) -> bool:
        """Whether the classifier is a `SmallImageVGG` in eval mode with folded batch norms, sides 32, 64, ..."""
        network = getattr(classifier, "network", None)
        known = isinstance(classifier, Classifier) and isinstance(network, SmallImageVGG) and not network.training
        layers = nn.Conv2d | nn.ReLU | nn.MaxPool2d | nn.Identity | nn.Dropout  # nothing changes in eval mode
        return known and all(isinstance(each, layers) for each in network.features) and not any(s % 32 for s in size)

    @torch.no_grad()
    def logits(
        self, images: Float[Tensor, "batch 3 height width"], channels: Bool[Tensor, 3]
    ) -> tuple[Float[Tensor, "batch classes"], Float[Tensor, "batch height width classes"]]:
        """The logits of the images, and of the images with the given channels of each single pixel black.

        Args:
            images: pixels in [0, 1].
            channels: the channels that turn black.
        """
        maps = self._maps(images)
        changed = [
            self._without(maps, row, column, channels) for row in range(self.step) for column in range(self.step)
        ]
        counts = [side // self.step for side in images.shape[2:]]
        logits = torch.stack(changed).unflatten(0, (self.step, self.step)).unflatten(2, (len(images), *counts))
        # (step row, step column, image, row, column, class) to (image, row, step row, column, step column, class)
        return self.rest(maps[-1]), logits.permute(2, 3, 0, 4, 1, 5).flatten(3, 4).flatten(1, 2)

    def _maps(self, images: Tensor) -> list[Tensor]:
        """The inputs of each layer of the front, and the output of the last one."""
        c = self.classifier
        maps = [((images - c.mean) / c.std if c.normalise else images).contiguous()]
        for layer in self.front:
            maps.append(layer(maps[-1]))
        return maps

    def _without(self, maps: list[Tensor], row: int, column: int, channels: Tensor) -> Float[Tensor, "changed classes"]:
        """The logits without the pixels (row, column), (row + step, column), ..., ordered by image, then by pixel."""
        height, width = maps[0].shape[2:]
        spans = (_Span(row, 1, self.step, height // self.step), _Span(column, 1, self.step, width // self.step))
        c = self.classifier
        black = (-c.mean / c.std if c.normalise else torch.zeros_like(c.mean)).to(maps[0])
        values = torch.where(channels.to(black.device).view(1, 3, 1, 1), black, _windows(maps[0], spans))
        for layer, (before, after) in zip(self.front, pairwise(maps), strict=True):
            if isinstance(layer, nn.Conv2d):
                change = (values - _windows(before, spans)) * _inside(before, spans)
                spans = (spans[0].convolved(), spans[1].convolved())
                values = functional.conv2d(change, layer.weight, padding=2) + _windows(after, spans)
            elif isinstance(layer, nn.MaxPool2d):
                fine, spans = spans, (spans[0].pooled(), spans[1].pooled())
                wide = (spans[0].unpooled(), spans[1].unpooled())
                inputs = _windows(before, wide)
                top, left = (inner.start - outer.start for inner, outer in zip(fine, wide, strict=True))
                inputs[:, :, top : top + fine[0].width, left : left + fine[1].width] = values
                values = layer(inputs)
            else:
                values = layer(values)
        return self.rest(_inserted(maps[-1], values, spans))


def _windowed_blocks(layers: list[nn.Module], size: int) -> int:
    """The number of poolings after which all windows still fit on the map."""
    steps = 2 ** sum(isinstance(layer, nn.MaxPool2d) for layer in layers)
    spans, blocks = [_Span(position, 1, steps, 1) for position in range(steps)], 0
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            spans = [span.convolved() for span in spans]
        elif isinstance(layer, nn.MaxPool2d):
            spans, size = [span.pooled() for span in spans], size // 2
            if max(span.width for span in spans) > size:
                break
            blocks += 1
    return blocks


def _windows(maps: Tensor, spans: tuple[_Span, _Span]) -> Float[Tensor, "windows channels height width"]:
    """The windows of all images as one batch, padded with 0 where they overhang."""
    for axis, span in enumerate(spans, 2):
        end = span.start + span.step * (span.count - 1) + span.width
        margin = (max(0, -span.start), max(0, end - maps.shape[axis]))
        if any(margin):
            maps = functional.pad(maps, (0, 0, *margin) if axis == 2 else margin)
        maps = maps.narrow(axis, span.start + margin[0], end - span.start)
    for axis, span in enumerate(spans, 2):
        maps = maps.unfold(axis, span.width, span.step)
    return maps.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)  # (image, row, column, channel, height, width): a copy


def _inside(maps: Tensor, spans: tuple[_Span, _Span]) -> Bool[Tensor, "windows 1 height width"]:
    """Which positions of the windows lie on the map."""
    rows, columns = (span.inside(size, maps.device) for span, size in zip(spans, maps.shape[2:], strict=True))
    both = rows[:, None, :, None] & columns[None, :, None, :]
    return both.flatten(0, 1).repeat(len(maps), 1, 1).unsqueeze(1)


def _inserted(
    maps: Tensor, values: Tensor, spans: tuple[_Span, _Span]
) -> Float[Tensor, "windows channels rows columns"]:
    """A map for every window, with the values of the window inserted."""
    counts = (spans[0].count, spans[1].count)
    values = values.unflatten(0, (len(maps), *counts))
    whole = maps[:, None, None].repeat(1, *counts, 1, 1, 1)
    for row in range(counts[0]):
        down, from_row = _overlap(spans[0], row, maps.shape[2])
        for column in range(counts[1]):
            across, from_column = _overlap(spans[1], column, maps.shape[3])
            whole[:, row, column, :, down, across] = values[:, row, column, :, from_row, from_column]
    return whole.flatten(0, 2)


def _overlap(span: _Span, number: int, size: int) -> tuple[slice, slice]:
    """The range of a window on the map, and the same range within the window."""
    start = span.start + span.step * number
    low, high = max(0, start), min(size, start + span.width)
    return slice(low, high), slice(low - start, high - start)
