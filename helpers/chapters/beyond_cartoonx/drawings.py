"""Drawings of the page beyond CartoonX: waves, sums of few waves, masks of a given size, and orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from torch import Tensor

from helpers.chapters.beyond_cartoonx.pursuit import SHAPES, Approximation, Transform
from helpers.chapters.predictions import describe_predictions
from helpers.classifiers import Classifier
from helpers.core.explanation import Explanation
from helpers.core.runtime import random_generator
from helpers.methods.rde import RateDistortion
from helpers.methods.wavelets import WaveletTransform
from helpers.metrics import hallucinated_edges
from helpers.plots import MASK_COLOURS, METHOD_COLOURS, show_images
from helpers.plots.figures import panels

BLUE, RED, GREY, GREEN, PURPLE = (
    METHOD_COLOURS[name] for name in ("Pixel RDE", "CartoonX", "neutral", "truth", "other")
)


def draw_waves(waves: Mapping[str, tuple[Transform, str]]) -> Figure:
    """Single waves side by side, each in the middle of the picture and enlarged.

    Args:
        waves: by their titles, the transform and the band.
    """
    shown = []
    for transform, band in waves.values():
        height, width = transform.size
        indices = transform.slices[band]
        rows, columns = transform.shapes[band] if isinstance(transform, WaveletTransform) else transform.size
        single = torch.zeros(1, 1, transform.coefficients)
        single[..., indices.start + rows // 2 * columns + columns // 2] = 1
        wave = transform.synthesise(single)[0]  # 1, height, width
        middle = wave[:, height // 4 : -height // 4, width // 4 : -width // 4]
        shown.append(0.5 + 0.5 * middle / middle.abs().max())
    return show_images(shown, list(waves), columns=len(waves))


def draw_sums(
    pictures: Float[Tensor, "shapes 1 height width"], sums: Mapping[str, Approximation], count: int
) -> Figure:
    """A row for each shape: the shape, and each system's sum of a given number of waves, with the error left.

    Args:
        pictures: of `SHAPES`.
        sums: by the system's name; each has pictures at the count.
        count: of waves.
    """
    shown, titles = [], []
    for index, (picture, shape) in enumerate(zip(pictures, SHAPES, strict=True)):
        shown.append(picture)
        titles.append(shape)
        for name, found in sums.items():
            total = found.pictures[count][index]
            error = 100 * float((total - picture).square().sum() / picture.square().sum())
            shown.append(total.clamp(0, 1))
            titles.append(f"{name}:\n{error:.1f} % error")
    return show_images(shown, titles, columns=1 + len(sums), width=9)


def draw_errors(curves: Mapping[str, Approximation], dotted: str, counts: Sequence[int]) -> Figure:
    """The error over the number of waves, for each shape.

    Args:
        curves: by the system's name: errors for 1 wave, for 2, and so on.
        dotted: the name whose errors belong to `counts` only.
        counts: numbers of waves.
    """
    colours = dict(zip(curves, (GREY, BLUE, RED, PURPLE), strict=False))
    with panels(1, len(SHAPES), size=(9.6, 3.1), sharey=True) as (figure, axes):
        for index, (panel, shape) in enumerate(zip(axes, SHAPES, strict=True)):
            for name, found in curves.items():
                errors = 100 * found.errors[index]
                places = counts if name == dotted else range(1, len(errors) + 1)
                style = "o:" if name == dotted else "-"
                panel.semilogy(places, errors, style, color=colours[name], label=name, markersize=4)
            panel.set(title=shape, xlabel="number of waves", ylim=(0.3, 130))
        axes[0].set_ylabel("error, % of the energy")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(curves))
    return figure


def draw_polytope(
    objective: Callable[[Tensor], Tensor],
    path: Float[Tensor, "steps 2"],
    gaps: Float[Tensor, " steps"],
    excess: Float[Tensor, " steps"],
) -> Figure:
    """Frank-Wolfe steps among the masks of two entries that add up to at most 1, with their gap.

    Args:
        objective: (points, 2) -> (points,).
        path: the steps.
        gaps, excess: at each point the gap, and the objective minus its least value among these masks.
    """
    with panels(1, 2, size=(9.2, 3.6), width_ratios=[1, 1.25]) as (figure, (left, right)):
        grid = torch.linspace(-0.2, 1.45, 120)
        points = torch.cartesian_prod(grid, grid)
        left.contour(grid, grid, objective(points).view(120, 120).T, levels=14, colors=GREY, linewidths=0.7, alpha=0.7)
        left.add_patch(Polygon([[0, 0], [1, 0], [0, 1]], facecolor=GREEN, edgecolor="black", linewidth=1.5, alpha=0.25))
        left.plot(*path.T, ".-", color=RED, linewidth=1.2)
        for number in range(3):
            left.annotate(str(number), path[number].tolist(), xytext=(4, 4), textcoords="offset points")
        left.set(xlabel="$s_1$", ylabel="$s_2$", aspect="equal", title="masks with $s_1 + s_2 \\leq 1$")
        left.grid(visible=False)
        for values, label, colour in ((gaps, "the gap", RED), (excess, "objective above the best", GREEN)):
            right.loglog(range(1, len(path) + 1), values.clamp_min(1e-6), label=label, color=colour)
        right.set(xlabel="point of the path", title="gap and excess")
        right.legend()
    return figure


@torch.no_grad()
def draw_kept(
    classifier: Classifier,
    problem: RateDistortion,
    image: Float[Tensor, "1 3 height width"],
    explanation: Explanation,
) -> Figure:
    """An image, the kept part in one draw of noise and on black, each with its prediction, and the map of pixels.

    Args:
        classifier: names what it sees.
        problem: of this image.
        image: pixels in [0, 1].
        explanation: of this image, with a mask on the problem's representation.
    """
    mask = explanation.representation_mask
    assert mask is not None
    noisy = problem.obfuscate(mask, problem.draw(1, random_generator(0)))[0]  # 1, 3, height, width
    pictures = [image, noisy, explanation.kept]
    whole, in_noise, on_black = (describe_predictions(classifier, picture)[0] for picture in pictures)
    titles = [whole, f"in noise:\n{in_noise}", f"on black:\n{on_black}", f"{int(mask.sum())}\ncoefficients"]
    shown = [*(picture[0] for picture in pictures), explanation.mask[0]]
    return show_images(shown, titles, columns=4, colours=MASK_COLOURS)


@torch.no_grad()
def draw_noise(image: Float[Tensor, "1 3 height width"], problems: Mapping[str, RateDistortion]) -> Figure:
    """An image, and one draw of the noise that replaces all of it in each method.

    Args:
        image: in [0, 1].
        problems: of this image, by the title.
    """
    shown = [image[0]]
    for problem in problems.values():
        empty = torch.zeros_like(problem.coefficients[:, :1])  # 1, 1, k
        shown.append(problem.obfuscate(empty, problem.draw(1, random_generator(0)))[0, 0])
    return show_images(shown, ["a scene", *problems], columns=len(shown))


def draw_parts(
    classifier: Classifier,
    images: Float[Tensor, "batch 3 height width"],
    explanations: Mapping[str, Explanation],
) -> Figure:
    """A row for each image: the image and each method's kept part, each with its prediction.

    Args:
        classifier: names what it sees.
        images: pixels in [0, 1].
        explanations: of these images, by method.
    """
    columns = {"a scene": images} | {name: found.kept for name, found in explanations.items()}
    words = {name: describe_predictions(classifier, pictures) for name, pictures in columns.items()}
    shown, titles = [], []
    for index in range(len(images)):
        for name, pictures in columns.items():
            shown.append(pictures[index])
            titles.append(f"{name}:\n{words[name][index]}")
    return show_images(shown, titles, columns=len(columns), width=9)


def draw_maps(
    classifier: Classifier,
    images: Float[Tensor, "batch 3 height width"],
    explanations: Mapping[str, Explanation],
) -> Figure:
    """A row for each image: the image with its prediction, and each method's map, relative to its largest value.

    Args:
        classifier: names what it sees.
        images: pixels in [0, 1].
        explanations: of these images, by method.
    """
    shown, titles = [], []
    for index, (image, words) in enumerate(zip(images, describe_predictions(classifier, images), strict=True)):
        shown.append(image)
        titles.append(words)
        for name, found in explanations.items():
            shown.append(found.mask[index] / found.mask[index].max().clamp_min(1e-9))
            titles.append(name)
    return show_images(shown, titles, columns=1 + len(explanations), colours=MASK_COLOURS)


def draw_edges(images: Float[Tensor, "batch 3 height width"]) -> Figure:
    """Each image, its edges, and the edges that the published code finds, whose brightness overflows."""
    found = [hallucinated_edges(images, images, variant=variant)[1].float() for variant in ("corrected", "published")]
    shown, titles = [], []
    for image, edges, overflown in zip(images, *found, strict=True):
        shown += [image, edges, overflown]
        titles += ["a scene", "its edges", "as published"]
    return show_images(shown, titles, columns=len(shown), width=9)
