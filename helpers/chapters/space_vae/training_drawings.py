"""Pictures of short trainings of a VQ-VAE: their errors, and the images that they decode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.plots import METHOD_COLOURS, draw_image
from helpers.plots.style import BOOK_STYLE


def draw_trainings(
    errors: Mapping[str, Sequence[float]],
    images: Float[Tensor, "images 3 height width"],
    decoded: Mapping[str, Float[Tensor, "images 3 height width"]],
) -> Figure:
    """Left: the error of each training over its steps. Right: images, and a row of decoded ones for each training.

    Args:
        errors: by training, the reconstruction error of each step over the variance of the pixels.
        images: the originals.
        decoded: by the same names, in [0, 1].
    """
    colours = [METHOD_COLOURS[name] for name in ("CartoonX", "Pixel RDE")]
    with mpl.rc_context(BOOK_STYLE):
        figure = plt.figure(figsize=(8, 2.6), layout="constrained")
        plt.close(figure)
        left, right = list(figure.subfigures(1, 2, width_ratios=(1, 1.5)))  # type: ignore[arg-type]
        curves = left.subplots()
        for (name, values), colour in zip(errors.items(), colours, strict=False):
            curves.semilogy(range(1, len(values) + 1), values, color=colour, linewidth=1.2, label=name)
        curves.axhline(1, color=METHOD_COLOURS["neutral"], linestyle=":")
        curves.set(xlabel="step", ylabel="squared error / variance")
        curves.legend()
        axes = right.subplots(1 + len(decoded), len(images), squeeze=False)
        for row, (name, pictures) in zip(axes, {"images": images, **decoded}.items(), strict=True):
            for axis, picture in zip(row, pictures, strict=True):
                draw_image(axis, picture)
            row[0].set_axis_on()
            row[0].grid(False)
            row[0].set(xticks=[], yticks=[], ylabel=name.replace(" ", "\n"))
            for spine in row[0].spines.values():
                spine.set_visible(False)
    return figure
