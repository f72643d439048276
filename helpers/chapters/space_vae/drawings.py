"""Pictures of the chapter on SpaCE-VAE: images with predictions, grids of codes, terms of the loss."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from torch import Tensor

from helpers.chapters.predictions import describe_predictions
from helpers.classifiers import Classifier
from helpers.plots import METHOD_COLOURS, draw_image, show_images
from helpers.plots.style import BOOK_STYLE


@torch.no_grad()
def draw_predictions(
    classifier: Classifier,
    pictures: Float[Tensor, "pictures 3 height width"],
    titles: Sequence[str],
    *,
    target: int,
    width: float | int = 8.5,
) -> Figure:
    """Pictures above bars of the classifier's probability of every class (softmax).

    Args:
        classifier: the classifier.
        pictures: in [0, 1].
        titles: one per picture.
        target: the class whose bar has the accent colour.
        width: the figure's width in inches.
    """
    probabilities = classifier(pictures).softmax(1)
    count, names = len(pictures), classifier.class_names
    colours = [METHOD_COLOURS["CartoonX" if index == target else "Pixel RDE"] for index in range(len(names))]
    with mpl.rc_context(BOOK_STYLE):
        figure, axes = plt.subplots(
            2, count, figsize=(width, 1.75 * width / count + 0.8), height_ratios=(1, 0.9), layout="constrained"
        )
        plt.close(figure)
        for column, (picture, title, row) in enumerate(zip(pictures, titles, probabilities, strict=True)):
            draw_image(axes[0, column], picture, title)
            axes[1, column].barh(range(len(names)), row.tolist(), color=colours)
            axes[1, column].set(xlim=(0, 1), yticks=range(len(names)), yticklabels=[])
            axes[1, column].invert_yaxis()
        axes[1, 0].set_yticks(range(len(names)), names)
    return figure


def code_colours(codebook: Float[Tensor, "codes embedding"]) -> Float[Tensor, "codes 3"]:
    """A colour for each code, in [0, 1]: the codes' first three principal components as red, green and blue.

    Similar codes have similar colours. Each channel is the rank of the code, so that outliers do not leave the other
    codes grey.
    """
    centred = codebook - codebook.mean(0)
    _, vectors = torch.linalg.eigh((centred.T @ centred).double())
    # fix the arbitrary sign of each component, so that colours agree between machines
    components = vectors.flip(1)[:, :3].float()
    components = components * components.gather(0, components.abs().argmax(0, keepdim=True)).sign()
    values = centred @ components
    ranks = values.argsort(0).argsort(0).float() / max(1, len(codebook) - 1)
    if ranks.shape[1] < 3:
        ranks = torch.cat([ranks, ranks.new_full((len(ranks), 3 - ranks.shape[1]), 0.5)], 1)
    return 0.15 + 0.8 * ranks


def draw_grids(
    images: Float[Tensor, "images 3 height width"],
    codes: Int[Tensor, "images grid grid"],
    decoded: Float[Tensor, "images 3 height width"],
    codebook: Float[Tensor, "codes embedding"],
    *,
    titles: tuple[str, str, str] = ("the image", "its codes", "decoded"),
    numbers: int = 1,
    width: float | int = 8.5,
) -> Figure:
    """One column per image: the image, its grid of codes as colours, and the decoded image.

    The codes' indices are written into the first `numbers` grids.
    """
    colours = code_colours(codebook)
    count = len(images)
    with mpl.rc_context(BOOK_STYLE):
        figure, axes = plt.subplots(
            3, count, figsize=(width, 3.05 * width / count), squeeze=False, layout="constrained"
        )
        plt.close(figure)
        for column in range(count):
            draw_image(axes[0, column], images[column])
            draw_image(axes[1, column], colours[codes[column]].movedim(-1, 0))
            draw_image(axes[2, column], decoded[column])
            if column < numbers:
                _write_numbers(axes[1, column], codes[column], colours, 60 * width / count / codes.shape[-1])
        for row, title in enumerate(titles):
            axes[row, 0].set_axis_on()
            axes[row, 0].set(xticks=[], yticks=[], ylabel=title)
            axes[row, 0].grid(False)
            for spine in axes[row, 0].spines.values():
                spine.set_visible(False)
    return figure


def _write_numbers(axes: Axes, codes: Tensor, colours: Tensor, size: float) -> None:
    for (row, column), code in np.ndenumerate(codes.numpy()):
        ink = "black" if float(colours[code].mean()) > 0.5 else "white"
        axes.text(column, row, str(int(code)), ha="center", va="center", fontsize=min(9, size / 3), color=ink)


def signed_picture(values: Float[Tensor, "channels height width"]) -> Float[Tensor, "3 height width"]:
    """Signed values summed over their channels as a picture: blue above 0, orange below, white at 0.

    The colours saturate at three quarters of the largest magnitude, so that a single value does not hide the rest.
    """
    sums = values.sum(0)
    shares = (sums / (0.75 * sums.abs().max()).clamp_min(1e-12)).clamp(-1, 1)
    colours = [torch.tensor(to_rgb(METHOD_COLOURS[name])) for name in ("Pixel RDE", "CartoonX")]
    above, below = (
        share[None] * (1 - colour[:, None, None])
        for share, colour in zip((shares.clamp_min(0), (-shares).clamp_min(0)), colours, strict=True)
    )
    return 1 - above - below


def draw_terms(
    alphas: Sequence[float | int], variance: float | int, betas: Sequence[float | int], examples: dict[str, float]
) -> Figure:
    """Two terms of the loss. Left: the best pixel without the classifier. Right: the classification loss.

    Args:
        alphas: a curve each on the left: the pixel that minimises the first and third term, against the original.
        variance: of the training pixels.
        betas: a curve each on the right: -beta log p against the probability p of the class.
        examples: probabilities to mark on the right, by name.
    """
    before, probability = torch.linspace(0, 1, 201), torch.linspace(0.005, 1, 400)
    with mpl.rc_context(BOOK_STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.1), layout="constrained")
        plt.close(figure)
        for alpha, shade in zip(alphas, np.linspace(0.35, 0.95, len(alphas)), strict=True):
            colour = plt.get_cmap("Oranges")(shade)
            left.plot(before, dimmed(before, alpha, variance), color=colour, label=f"α = {alpha:g}")
        left.set(xlabel="pixel of the image", ylabel="pixel of the kept image", xlim=(0, 1), ylim=(-0.02, 1))
        left.legend(loc="upper left")
        for beta, shade in zip(betas, np.linspace(0.4, 0.95, len(betas)), strict=True):
            colour = plt.get_cmap("Blues")(shade)
            right.plot(probability, -beta * probability.log(), color=colour, label=f"β = {beta:g}")
        for row, (name, value) in enumerate(examples.items()):
            right.axvline(value, color=METHOD_COLOURS["neutral"], linewidth=1, linestyle=":")
            side = -1 if value > 0.5 else 1
            right.annotate(
                name, (value, 0.95 - 0.09 * row), xycoords=("data", "axes fraction"), fontsize=9,
                ha="right" if value > 0.5 else "left", xytext=(4 * side, 0), textcoords="offset points",
            )  # fmt: skip
        right.set(
            xlabel="probability of the class, for the kept image", ylabel="classification loss", xlim=(0, 1.01),
            ylim=(0, 2.5 * max(betas)),
        )  # fmt: skip
        right.legend(loc="center right")
    return figure


def dimmed(pixels: Tensor, alpha: float | int, variance: float | int) -> Tensor:
    """max(x - alpha variance / 2, 0): the pixels that minimise squared error / variance + alpha * brightness."""
    return (pixels - alpha * variance / 2).clamp_min(0)


def show_dropped_attributions(
    classifier: Classifier,
    image: Float[Tensor, "3 height width"],
    attribution: Float[Tensor, "3 height width"],
    positive: Float[Tensor, "3 height width"],
    kept: Float[Tensor, "3 height width"],
) -> Figure:
    """An image, its attributions, its entries with positive ones, and SpaCE-VAE's kept image, with predictions."""
    before, dropped, drawn = describe_predictions(classifier, torch.stack([image, positive, kept]))
    return show_images(
        [image, signed_picture(attribution), positive, kept],
        [
            f"the image:\n{before}",
            "Integrated Gradients:\nblue for, orange against",
            f"without the orange:\n{dropped}",
            f"SpaCE-VAE:\n{drawn}",
        ],
        columns=4,
        width=9,
    )


def show_described_rows(
    classifier: Classifier, rows: Sequence[Float[Tensor, "images 3 height width"]], *, width: float | int = 8.5
) -> Figure:
    """Rows of pictures of the same length, each picture with its prediction above."""
    pictures = torch.cat(list(rows))
    return show_images(pictures, describe_predictions(classifier, pictures), columns=len(rows[0]), width=width)


def show_changes(
    images: Float[Tensor, "images 3 height width"],
    kept: dict[str, Float[Tensor, "images 3 height width"]],
    *,
    width: float | int = 8,
) -> Figure:
    """Images, then for each method the kept images and the change of each pixel: blue darker, orange brighter."""
    count, rows, titles = len(images), [*images], ["the image"] * len(images)
    for name, pictures in kept.items():
        rows += [*pictures, *map(signed_picture, images - pictures)]
        titles += [name] * count + ["change"] * count
    return show_images(rows, titles, columns=count, width=width)
