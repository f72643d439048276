"""Figure 2 of the SpaCE-VAE paper: Feature Ablation, step by step, on a real image with real scores."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from torch import Tensor, nn

from helpers.methods.baselines.attribution_methods import attribution_method
from helpers.papers.spacevae.figures.grid import draw_signed
from helpers.papers.spacevae.figures.words import METHOD_NAMES
from helpers.plots.figures import book_figure
from helpers.plots.pictures import draw_image

WIDTH, HEIGHT = 9.6, 5.2  # inches, as are all positions below


@dataclass(frozen=True)
class Ablation:
    """An image, its copies with one black region each, and the predictions.

    Attributes:
        image: pixels in [0, 1].
        perturbed: the image with each region black in turn.
        confidence: C_y(x), the probability of the class predicted for the image.
        confidences: the probability of the same class for each perturbed image.
        predicted: that class.
        predictions: the class predicted for each perturbed image.
    """

    image: Float[Tensor, "3 height width"]
    perturbed: Float[Tensor, "regions 3 height width"]
    confidence: float
    confidences: tuple[float, ...]
    predicted: int
    predictions: tuple[int, ...]

    @property
    def attributions(self) -> tuple[float, ...]:
        """The loss of confidence without each region: reference − perturbed (section 2.1)."""
        return tuple(self.confidence - value for value in self.confidences)


@torch.no_grad()
def ablate_regions(classifier: nn.Module, image: Float[Tensor, "3 height width"], side: int = 2) -> Ablation:
    """Blacken `side` × `side` equal regions one after another, row by row from the upper left.

    Args:
        classifier: pixels in [0, 1] to logits.
        image: pixels in [0, 1].
        side: the number of regions along an edge; it must divide both edges.

    Raises:
        ValueError: `side` does not divide the edges.
    """
    height, width = image.shape[1:]
    if side < 1 or height % side or width % side:
        raise ValueError(f"side={side} must divide both edges of an image of {height} × {width} px")
    rows = torch.arange(height)[:, None] // (height // side)
    columns = torch.arange(width)[None] // (width // side)
    region = (rows * side + columns).to(image.device)
    keep = torch.stack([region != index for index in range(side * side)])[:, None]
    perturbed = image[None] * keep
    probabilities = classifier(torch.cat([image[None], perturbed])).softmax(1)
    predicted = int(probabilities[0].argmax())
    reference, *confidences = probabilities[:, predicted].tolist()
    predictions = probabilities[1:].argmax(1).tolist()
    return Ablation(image.cpu(), perturbed.cpu(), reference, tuple(confidences), predicted, tuple(predictions))


def attribute_pixels(classifier: nn.Module, image: Float[Tensor, "3 height width"]) -> Float[Tensor, "height width"]:
    """Feature Ablation of single pixels, each removed by itself; the result is on the CPU."""
    return attribution_method(classifier, "feature-ablation").attribute(image[None])[0, 0].cpu()


def ablation_numbers(ablation: Ablation, pixels: Float[Tensor, "height width"]) -> dict[str, float]:
    """The numbers of the page's text about the regions and the pixels."""
    return {
        "reference": ablation.confidence,
        "first": ablation.confidences[0],
        "first-drop": ablation.attributions[0],
        "forwards": pixels.numel(),
        "largest": float(pixels.abs().max()),
        "median": float(pixels.abs().median()),
        "sum": float(pixels.sum()),
        "against": float((pixels < 0).float().mean()),
    }


def ablation_table(ablation: Ablation, class_names: tuple[str, ...]) -> pd.DataFrame:
    """One row per region: region, confidence, attribution, predicted."""
    names = ["upper left", "upper right", "lower left", "lower right"]
    if len(ablation.confidences) != len(names):
        names = [str(index) for index in range(len(ablation.confidences))]
    return pd.DataFrame(
        {
            "region": names,
            "confidence": ablation.confidences,
            "attribution": ablation.attributions,
            "predicted": [class_names[prediction] for prediction in ablation.predictions],
        }
    )


def ablation_words(ablation: Ablation, class_names: tuple[str, ...]) -> str:
    """The region on which the class depends most, and the one that speaks against it, in Markdown."""
    regions = ablation_table(ablation, class_names)
    most, least = (regions.loc[regions["attribution"].agg(extreme)] for extreme in ("idxmax", "idxmin"))
    name = class_names[ablation.predicted]
    words = f"Without the **{most['region']}** region the confidence in *{name}* falls by {most['attribution']:.3f}"
    if most["predicted"] != name:
        words += f", and the prediction becomes *{most['predicted']}*"
    if least["attribution"] < 0:
        rise = -least["attribution"]
        return f"{words}. Without the **{least['region']}** one it rises by {rise:.3f}: it speaks against the class."
    return f"{words}. No region speaks against the class; the **{least['region']}** one is needed least."


def draw_ablation(ablation: Ablation, pixels: Float[Tensor, "height width"], class_names: tuple[str, ...]) -> Figure:
    """The four perturbations of an image, the map of four regions, and the map of single pixels.

    Args:
        ablation: the ablation of four regions.
        pixels: the attribution of each pixel (see `attribute_pixels`).
        class_names: one per class.

    Returns:
        A figure.
    """
    size = ablation.image.shape[-1]
    coarse = torch.tensor(ablation.attributions).reshape(2, 2)
    with book_figure((WIDTH, HEIGHT), style={"axes.titlesize": 9, "axes.titlepad": 3, "axes.grid": False}) as figure:
        rows = [("x", ablation.image, ablation.confidence, ablation.predicted)]
        ablated = zip(ablation.perturbed, ablation.confidences, ablation.predictions, strict=True)
        rows += [(f"x without region {region}", *results) for region, results in enumerate(ablated, start=1)]
        side, step = 0.86, 1.0
        tops = [HEIGHT - 0.12 - row * step for row in range(len(rows))]
        for row, (label, picture, confidence, prediction) in enumerate(rows):
            bottom = tops[row] - side
            draw_image(_axes(figure, (1.55, bottom, side, side)), picture)
            figure.text(1.45 / WIDTH, (bottom + side / 2) / HEIGHT, label, ha="right", va="center", fontsize=9)
            _arrow(figure, (2.46, bottom + side / 2), (2.82, bottom + side / 2))
            _arrow(figure, (3.66, bottom + side / 2), (4.02, bottom + side / 2))
            index = "" if row == 0 else f"_{row}"
            result = f"$\\hat{{y}}{index}$ = {confidence:.3f}"
            if row:
                drop = f"{ablation.confidence - confidence:+.3f}".replace("-", "−")
                result += f"\n$\\hat{{y}} - \\hat{{y}}{index}$ = {drop}"
            result += f"\n“{class_names[prediction]}”"
            figure.text(4.1 / WIDTH, (bottom + side / 2) / HEIGHT, result, va="center", fontsize=9, linespacing=1.35)
        low, high = tops[-1] - side, tops[0]
        _box(figure, (2.86, low, 0.76, high - low), "classifier\n$C$")
        _map(figure, (6.15, 2.78, 2.2, 2.1), coarse.repeat_interleave(size // 2, 0).repeat_interleave(size // 2, 1), "")
        figure.text(7.25 / WIDTH, 4.97 / HEIGHT, "four regions", ha="center", fontsize=9.5)
        _map(figure, (6.15, 0.2, 2.2, 2.1), pixels, "")
        figure.text(7.25 / WIDTH, 2.39 / HEIGHT, f"{size} × {size} single pixels", ha="center", fontsize=9.5)
        _arrow(figure, (5.55, 3.8), (6.05, 3.8))
    return figure


def cost_summary(costs: pd.DataFrame) -> pd.DataFrame:
    """One row per method of the table `costs`: its mean seconds per image, and as a factor of Integrated Gradients'."""
    seconds = costs.groupby("method", sort=False)["seconds"].mean()
    factor = seconds / seconds["integrated-gradients"]
    return pd.DataFrame(
        {
            "method": [METHOD_NAMES[name] for name in seconds.index],
            "seconds per image": [f"{value:.3f}" for value in seconds],
            "÷ Integrated Gradients": [f"{value:.2f}" for value in factor],
        }
    )


def _map(figure: Figure, box: tuple[float, float, float, float], values: Tensor, title: str) -> None:
    axes = _axes(figure, box)
    image = draw_signed(axes, values)
    axes.set_title(title)
    bar = figure.colorbar(image, ax=axes, fraction=0.05, pad=0.04)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)


def _axes(figure: Figure, box: tuple[float, float, float, float]) -> Axes:
    left, bottom, width, height = box
    return figure.add_axes((left / WIDTH, bottom / HEIGHT, width / WIDTH, height / HEIGHT))


def _box(figure: Figure, box: tuple[float, float, float, float], words: str) -> None:
    left, bottom, width, height = box
    corner, style = (left / WIDTH, bottom / HEIGHT), "round,pad=0,rounding_size=0.012"
    size = (width / WIDTH, height / HEIGHT)
    figure.add_artist(FancyBboxPatch(corner, *size, boxstyle=style, facecolor="white", edgecolor="#5A5A5A", lw=1.5))
    middle = ((left + width / 2) / WIDTH, (bottom + height / 2) / HEIGHT)
    figure.text(*middle, words, ha="center", va="center", fontsize=9)


def _arrow(figure: Figure, start: tuple[float, float], end: tuple[float, float]) -> None:
    ends = [(x / WIDTH, y / HEIGHT) for x, y in (start, end)]
    figure.add_artist(FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=9, color="black", lw=1.1))
