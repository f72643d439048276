"""The inverse wavelet transform, forward and backward, against pytorch-wavelets' in the same run.

python -m benchmarks.synthesis
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch

from benchmarks.timing import medians, threads
from helpers.methods.wavelets import WaveletTransform

TARGET = 4.0  # at the paper's setting: 64 samples of 256 pixels

SETTINGS = {  # (images, pixels, target): the paper's, then those of the fast recipe
    "64 images of 256 px": (64, 256, TARGET),
    "128 images of 128 px": (128, 128, None),
    "16 images of 128 px": (16, 128, None),
}


def run() -> list[dict]:
    """Median seconds of ours and of the reference, their ratio, and its target (None for none)."""
    with threads():
        return [_compare(name, *setting) for name, setting in SETTINGS.items()]


def _compare(name: str, images: int, size: int, target: float | None) -> dict:
    ours, reference = medians([_ours(images, size), _reference(images, size)])
    return {
        "name": f"synthesise, forward and backward, {name}",
        "ours_s": ours,
        "reference_s": reference,
        "ratio": reference / ours,
        "target": target,
    }


def _ours(images: int, size: int) -> Callable[[], None]:
    transform = WaveletTransform("db3", levels=5, mode="zero", size=size)
    generator = torch.Generator().manual_seed(0)
    coefficients = torch.randn(images, 3, transform.coefficients, generator=generator, requires_grad=True)
    weights = torch.randn(images, 3, size, size, generator=generator)

    def step() -> None:
        coefficients.grad = None
        transform.synthesise(coefficients).backward(weights)

    return step


def _reference(images: int, size: int) -> Callable[[], None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports the deprecated pkg_resources
        from pytorch_wavelets import DWTForward, DWTInverse

    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(images, 3, size, size, generator=generator)
    low, high = DWTForward(J=5, wave="db3", mode="zero")(weights)
    leaves = [band.requires_grad_() for band in (low, *high)]
    inverse = DWTInverse(wave="db3", mode="zero")

    def step() -> None:
        for leaf in leaves:
            leaf.grad = None
        inverse((leaves[0], leaves[1:])).backward(weights)

    return step


def main() -> None:
    """Print the comparison."""
    print(f"{'':<56}{'ours, s':>10}{'theirs, s':>11}{'ratio':>8}{'target':>8}")
    for row in run():
        target = "" if row["target"] is None else f"{row['target']:.1f}"
        print(f"{row['name']:<56}{row['ours_s']:>10.4f}{row['reference_s']:>11.4f}{row['ratio']:>8.2f}{target:>8}")


if __name__ == "__main__":
    main()
