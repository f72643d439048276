"""The toy of the chapter on Pixel RDE, whose reasons are known, and a step of its optimisation."""

from __future__ import annotations

from itertools import cycle
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from helpers.playground.export import CASES, SEED, Export, scene_images
from helpers.playground.steps import objective_gradient

SIZE = 32
SAMPLES = 16
_BETAS, _EPS = (0.9, 0.999), 1e-8  # PyTorch's for Adam


class WindowClassifier(nn.Module):
    """Sees one window: "bright" (class 0) or "dark" (class 1). The chapter's own lines; the page asserts it."""

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 2"]:
        """Logits."""
        brightness = images[:, :, 10:20, 12:22].mean((1, 2, 3))
        score = 20 * (brightness - 0.6)
        return torch.stack([score, -score], 1)


class ToyResult(NamedTuple):
    """The state after a step, and the objective's terms before it, each (1,)."""

    mask: Float[Tensor, "1 1 k"]
    first: Float[Tensor, "1 1 k"]
    second: Float[Tensor, "1 1 k"]
    distortion: Float[Tensor, " 1"]
    sparsity: Float[Tensor, " 1"]
    objective: Float[Tensor, " 1"]


class ToyStep(nn.Module):
    """One step of Pixel RDE with Adam, as `helpers.methods.rde.optimise` takes it, for the class of brightness."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = WindowClassifier()

    def forward(
        self,
        images: Float[Tensor, "1 3 height width"],
        mask: Float[Tensor, "1 1 k"],
        first: Float[Tensor, "1 1 k"],
        second: Float[Tensor, "1 1 k"],
        noise: Float[Tensor, "samples 3 k"],
        sparsity_weight: Float[Tensor, " 1"],
        rate: Float[Tensor, " 1"],
        number: Float[Tensor, " 1"],
    ) -> ToyResult:
        """A step.

        Args:
            images: the image.
            mask, first, second: the state, whose moments start at 0.
            noise: standard normal draws.
            sparsity_weight: λk.
            rate: the learning rate.
            number: of the step, from 1.
        """
        pixels = images.flatten(2)  # 1, 3, k
        deviation, mean = torch.std_mean(pixels)
        reference = self.classifier(images).softmax(1)[:, 0]  # 1

        def measure(mask: Tensor) -> tuple[Tensor, float]:
            obfuscations = pixels * mask + (1 - mask) * (mean + deviation * noise)  # samples, 3, k
            pictures = obfuscations.unflatten(2, images.shape[2:]).clamp(0, 1)  # samples, 3, height, width
            scores = self.classifier(pictures).softmax(1)[:, 0]  # samples
            return (scores - reference).square().mean(0, keepdim=True), 0.0  # 1

        gradient, terms = objective_gradient(measure, mask, sparsity_weight)
        fast, slow = _BETAS
        first = first * fast + gradient * (1 - fast)  # 1, 1, k
        second = second * slow + gradient.square() * (1 - slow)  # 1, 1, k
        scaled = first / (1 - fast**number)  # 1, 1, k
        spread = (second / (1 - slow**number)).sqrt() + _EPS  # 1, 1, k
        return ToyResult((mask - rate * scaled / spread).clamp(0, 1), first, second, *terms)


def export_toy() -> Export:
    """A step of the toy's optimisation, compared with PyTorch on scenes with its bright window."""
    images = scene_images(SIZE)[:CASES] * 0.5
    images[:, :, 10:20, 12:22] = 0.8
    generator = torch.Generator().manual_seed(SEED)
    k = SIZE * SIZE
    cases = [
        {
            "images": image,
            "mask": torch.rand(1, 1, k, generator=generator),
            "first": torch.randn(1, 1, k, generator=generator),
            "second": torch.rand(1, 1, k, generator=generator),
            "noise": torch.randn(SAMPLES, 3, k, generator=generator),
            "sparsity_weight": torch.tensor([weight]),
            "rate": torch.tensor([0.1]),
            "number": torch.tensor([float(number)]),
        }
        for number, (image, weight) in enumerate(zip(images.split(1), cycle((0.1, 1.0, 10.0))), 1)
    ]
    outputs = ("mask_after", "first_after", "second_after", "distortion", "sparsity", "objective")
    summary = "One step of Pixel RDE with Adam on the toy of its chapter, with the objective before it."
    return Export(ToyStep(), cases, outputs, summary, gradients=True, halve=False, size=SIZE)
