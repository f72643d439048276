"""What a wavelet transform does at the border of an image, and what a library's gradient adds there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import pywt
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.chapters.wavelets.sparsity import decibels, keep_largest
from helpers.methods.wavelets import WaveletTransform

_MODES = ("zero", "symmetric", "reflect", "periodization")


def at_border(transform: WaveletTransform, reach: int | None = None) -> Bool[Tensor, " k"]:
    """Which coefficients are among the outermost of their band.

    Args:
        transform: gives the bands.
        reach: how many coefficients from each side count as outermost; those whose filter reaches beyond the image of
            its level, if not given.
    """
    reach = pywt.Wavelet(transform.wavelet).dec_len // 2 - 1 if reach is None else reach
    border = torch.zeros(transform.coefficients, dtype=torch.bool)
    for name, (height, width) in transform.shapes.items():
        inner = torch.zeros(height, width, dtype=torch.bool)
        inner[reach : height - reach, reach : width - reach] = True
        border[transform.slices[name]] = ~inner.flatten()
    return border


def border_table(
    images: Float[Tensor, "batch channels size _size"], names: Sequence[str], *, share: float
) -> pd.DataFrame:
    """Images from a share of their db3 coefficients, at five levels, for each border mode.

    Args:
        images: pixels in [0, 1].
        names: of the images.
        share: of the coefficients that are kept, in (0, 1].

    Returns:
        mode, coefficients (per channel), energy (of the last image's coefficients, relative to its pixels'), border
        (the share of the coefficients that lie there); for each image its quality in dB, and for the first the share
        of the kept positions that lie at the border.
    """
    rows = []
    for mode in _MODES:
        transform = WaveletTransform("db3", 5, mode, size=images.shape[-1])
        coefficients, border = transform.analyse(images), at_border(transform)
        kept = keep_largest(coefficients, share)
        positions = (kept[0] != 0).any(0)
        rows.append(
            {
                "mode": mode,
                "coefficients": transform.coefficients,
                "energy": float(coefficients[-1].square().sum() / images[-1].square().sum()),
                "border": float(border.float().mean()),
                **{
                    f"{name}, dB": quality
                    for name, quality in zip(names, decibels(transform.synthesise(kept), images), strict=True)
                },
                f"{names[0]}, kept at the border": float((positions & border).sum() / positions.sum()),
            }
        )
    return pd.DataFrame(rows)


def library_gradient(
    analyse: Callable, synthesise: Callable, image: Float[Tensor, "1 1 height width"]
) -> Float[Tensor, "1 1 k"]:
    """pytorch-wavelets' gradient of half the energy of the synthesised image, in the order of `WaveletTransform`.

    Args:
        analyse: the library's `DWTForward`.
        synthesise: its `DWTInverse`, of the same wavelet and mode.
        image: whose coefficients are the point at which the gradient is taken.
    """
    low, details = analyse(image)
    leaves = [part.detach().requires_grad_() for part in (low, *details)]
    energy = synthesise((leaves[0], leaves[1:])).square().sum() / 2
    gradients = torch.autograd.grad(energy, leaves)
    coarse_to_fine = [gradients[0], *reversed(gradients[1:])]
    return torch.cat([part.flatten(2) for part in coarse_to_fine], dim=-1)
