"""What an export is, and the inputs on which its file is compared with PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from helpers.classifiers import Classifier, load_classifier
from helpers.data.scenes import make_scenes

SIZE = 64
"""Height and width of the playground's images, in pixels."""

CASES = 64
"""The number of inputs on which each file is compared with PyTorch."""

SEED = 20_270  # of the series of scenes that files are compared on; no other part of the book draws it


@dataclass(frozen=True)
class Export:
    """A file of the playground.

    Attributes:
        module: frozen; tensors for arguments and results.
        cases: the inputs of each comparison by name, in the order of the arguments.
        outputs: the names of the results.
        summary: for the card, a sentence.
        batch: whether the number of images is free; else it is 1.
        gradients: whether the forward pass takes gradients or looks into the network, so that it is traced first.
        halve: whether the weights are stored as float16.
        weights: the files of models/ that it holds, without suffix.
        classes: the names of the classes, where there are any.
        facts: further numbers that the pages need, as JSON knows them.
        exact: matrices that stay in float32 even so.
        size: height and width of its images, in pixels.
    """

    module: nn.Module
    cases: Sequence[Mapping[str, Tensor]]
    outputs: tuple[str, ...]
    summary: str
    batch: bool = False
    gradients: bool = False
    halve: bool = True
    weights: tuple[str, ...] = ()
    classes: tuple[str, ...] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    exact: tuple[Tensor, ...] = ()
    size: int = SIZE


@lru_cache(maxsize=4)
def scene_images(size: int = SIZE) -> Float[Tensor, "cases 3 size size"]:
    """The scenes on which files are compared with PyTorch."""
    return make_scenes(CASES, size=size, seed=SEED).images


@lru_cache(maxsize=8)
def frozen_classifier(name: str) -> Classifier:
    """A classifier of models/, frozen and in eval mode."""
    return load_classifier(name).eval().requires_grad_(False)


def one_by_one(**inputs: Tensor) -> list[dict[str, Tensor]]:
    """The inputs of each image on its own."""
    rows = zip(*(values.split(1) for values in inputs.values()), strict=True)
    return [dict(zip(inputs, row, strict=True)) for row in rows]
