"""Figure 3 of the SpaCE-VAE paper: the framework, drawn with the tensors and loss terms of a real image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from torch import Tensor

from helpers.papers.spacevae.figures.framework import Framework
from helpers.papers.spacevae.figures.words import COLOURS, number
from helpers.plots import MASK_COLOURS, METHOD_COLOURS
from helpers.plots.figures import book_figure
from helpers.plots.pictures import draw_image

WIDTH, HEIGHT = 11.6, 5.15  # inches, as are all positions below
TERMS = {
    "reconstruction": "near the image\n$\\|\\mathbf{x}-\\hat{\\mathbf{x}}\\|^2$",
    "commitment": "near its codes\n$\\delta\\,\\|z_e-\\mathrm{sg}[e]\\|^2$",
    "sparsity": "dark\n$\\alpha\\,|\\hat{\\mathbf{x}}|$",
    "classification": "recognised\n$-\\beta\\,\\log C_{\\hat y}(\\hat{\\mathbf{x}})$",
}
Box = tuple[float, float, float, float]  # left, bottom, width, height


def draw_framework(framework: Framework, class_names: Sequence[str]) -> Figure:
    """The way from the image to the four terms of the loss.

    Args:
        framework: the result of `trace_image`.
        class_names: one per class.

    Returns:
        A figure.
    """
    with book_figure((WIDTH, HEIGHT), style={"axes.titlesize": 9, "axes.titlepad": 3, "axes.grid": False}) as figure:
        _picture(figure, (0.1, 3.4, 1.3, 1.3), framework.image, "image $\\mathbf{x}$")
        _box(figure, (1.75, 3.4, 0.75, 1.3), "encoder\n$E$", METHOD_COLOURS["Pixel RDE"])
        norm = framework.encoded.norm(dim=0, keepdim=True)
        _picture(figure, (2.85, 3.4, 1.3, 1.3), norm / norm.max(), "$z_e(\\mathbf{x})$: lengths")
        _box(figure, (4.5, 3.4, 0.85, 1.3), "nearest\ncode $Q$", METHOD_COLOURS["random wavelets"])
        _picture(figure, (5.7, 3.4, 1.3, 1.3), _laid_out(framework), "grid of codes $z_q(\\mathbf{x})$")
        _box(figure, (7.35, 3.4, 0.75, 1.3), "decoder\n$D$", METHOD_COLOURS["Pixel RDE"])
        _picture(figure, (8.45, 3.4, 1.3, 1.3), framework.kept, "kept image $\\hat{\\mathbf{x}}$")
        columns, rows = _codebook(figure, (3.87, 1.5, 2.1, 1.42), framework.codebook)
        words = f"codebook $e$:\n{columns * rows} codes, each\nas the patch that\nit stands for"
        figure.text(3.75 / WIDTH, 2.21 / HEIGHT, words, ha="right", va="center", fontsize=8.5, linespacing=1.3)
        _box(figure, (10.1, 1.62, 1.4, 0.5), "classifier $C$ (frozen)", METHOD_COLOURS["neutral"])
        _draw_predictions(figure, (8.45, 1.62, 1.3, 1.3), framework, class_names)
        _losses(figure, framework.terms)
        for start, end in [
            *(((x, 4.05), (x + 0.31, 4.05)) for x in (1.42, 2.52, 4.17, 5.37, 7.02, 8.12)),
            ((4.92, 2.95), (4.92, 3.38)),
        ]:
            _arrow(figure, start, end)
        for (x, y), (to_x, to_y), bend in [((9.77, 4.05), (10.8, 2.15), -0.35), ((10.08, 1.87), (9.8, 1.87), 0.0)]:
            _arrow(figure, (x, y), (to_x, to_y), bend)
        figure.add_artist(
            FancyArrowPatch(
                (0.75 / WIDTH, 4.95 / HEIGHT),
                (11.1 / WIDTH, 2.15 / HEIGHT),
                connectionstyle="angle,angleA=0,angleB=90,rad=12",
                arrowstyle="-|>",
                mutation_scale=9,
                color=METHOD_COLOURS["neutral"],
                lw=1.1,
                linestyle=(0, (4, 2)),
            )
        )
    return figure


def _laid_out(framework: Framework) -> Float[Tensor, "3 height width"]:
    """The grid with each position filled by the picture of its code."""
    patches = framework.codebook[framework.codes]  # grid grid 3 side side
    return patches.permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)


def _codebook(figure: Figure, box: Box, pictures: Tensor) -> tuple[int, int]:
    """Draw the codebook as a mosaic from dark to bright; returns the numbers of columns and rows."""
    count = len(pictures)
    columns = next(c for c in range(max(1, round((1.42 * count) ** 0.5)), 0, -1) if count % c == 0)
    rows = count // columns
    order = pictures.mean((1, 2, 3)).argsort(stable=True)
    mosaic = pictures[order].unflatten(0, (rows, columns)).permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)
    axes = _axes(figure, box)
    draw_image(axes, mosaic)
    axes.set_aspect("auto")
    return columns, rows


def _draw_predictions(
    figure: Figure, box: Box, framework: Framework, class_names: Sequence[str], count: int = 4
) -> None:
    """Bars of the `count` largest probabilities, for the image and for the kept image."""
    axes = _axes(figure, box)
    shown = torch.maximum(framework.before, framework.after).argsort(descending=True)[:count].tolist()
    heights = np.arange(len(shown))
    axes.barh(
        heights - 0.19,
        framework.before[shown].tolist(),
        0.36,
        color=METHOD_COLOURS["neutral"],
        label="of $\\mathbf{x}$",
    )
    axes.barh(
        heights + 0.19,
        framework.after[shown].tolist(),
        0.36,
        color=COLOURS["space-vae"],
        label="of $\\hat{\\mathbf{x}}$",
    )
    axes.set(xlim=(0, 1), xticks=[0, 1], yticks=heights, ylim=(len(shown) - 0.5, -0.5))
    axes.set_yticklabels([class_names[k] for k in shown])
    axes.tick_params(labelsize=8, length=0)
    axes.set_title("the two predictions", fontsize=9)
    axes.legend(fontsize=8, loc="lower right", handlelength=0.9, borderpad=0.1)


def _losses(figure: Figure, terms: dict[str, float]) -> None:
    """The terms in a row of boxes with a plus between them, and their sum."""
    shown = {name: terms[name] for name in TERMS if name in terms}
    left, width = 0.35, 2.25
    for index, (name, value) in enumerate(shown.items()):
        x = left + index * (width + 0.22)
        _box(figure, (x, 0.12, width, 0.95), "", COLOURS["space-vae"])
        figure.text((x + 0.8) / WIDTH, 0.595 / HEIGHT, TERMS[name], ha="center", va="center", fontsize=9)
        figure.text((x + 1.85) / WIDTH, 0.595 / HEIGHT, number(value, 3), ha="center", va="center", fontsize=11)
        if index:
            figure.text((x - 0.11) / WIDTH, 0.595 / HEIGHT, "+", ha="center", va="center", fontsize=13)
    total = number(sum(terms.values()), 3)
    figure.text(
        (left + len(shown) * (width + 0.22) - 0.08) / WIDTH, 0.595 / HEIGHT, f"= {total}", va="center", fontsize=12
    )


def _axes(figure: Figure, box: Box) -> Axes:
    left, bottom, width, height = box
    return figure.add_axes((left / WIDTH, bottom / HEIGHT, width / WIDTH, height / HEIGHT))


def _picture(figure: Figure, box: Box, picture: Tensor, title: str) -> None:
    draw_image(_axes(figure, box), picture, title, colours=MASK_COLOURS)


def _box(figure: Figure, box: Box, words: str, colour: str) -> None:
    left, bottom, width, height = box
    corner, style = (left / WIDTH, bottom / HEIGHT), "round,pad=0,rounding_size=0.01"
    size = (width / WIDTH, height / HEIGHT)
    figure.add_artist(FancyBboxPatch(corner, *size, boxstyle=style, facecolor="white", edgecolor=colour, lw=1.8))
    middle = ((left + width / 2) / WIDTH, (bottom + height / 2) / HEIGHT)
    figure.text(*middle, words, ha="center", va="center", fontsize=9.5)


def _arrow(figure: Figure, start: tuple[float, float], end: tuple[float, float], bend: float = 0.0) -> None:
    ends = [(x / WIDTH, y / HEIGHT) for x, y in (start, end)]
    style = f"arc3,rad={bend}"
    figure.add_artist(
        FancyArrowPatch(*ends, connectionstyle=style, arrowstyle="-|>", mutation_scale=9, color="black", lw=1.2)
    )
