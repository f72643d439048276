"""Figure 2 of "What You See is What You Classify": the method, with the masks and predictions of a real image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from torch import Tensor, nn

from helpers.methods.explainer import ExplainerLoss, apply_mask
from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.papers.explainer.figures.masks import present_pairs
from helpers.plots import MASK_COLOURS, METHOD_COLOURS
from helpers.plots.figures import book_figure
from helpers.plots.pictures import draw_image

WIDTH, HEIGHT = 11.6, 5.6  # inches; all positions below are in inches, from the lower left corner
PRESENT, ABSENT = METHOD_COLOURS["truth"], METHOD_COLOURS["CartoonX"]
Box = tuple[float, float, float, float]  # left, bottom, width, height


@dataclass(frozen=True)
class ExplainedImage:
    """One image with its masks and the terms of the Explainer's loss.

    Attributes:
        name: the image's name.
        image: pixels in [0, 1].
        masks: the masks of all classes, in [0, 1].
        labels: the classes that the image shows.
        class_names: one per class.
        loss: one row per term: term, weight, value, weighted.
    """

    name: str
    image: Float[Tensor, "3 height width"]
    masks: Float[Tensor, "classes height width"]
    labels: Bool[Tensor, " classes"]
    class_names: tuple[str, ...]
    loss: pd.DataFrame


@torch.no_grad()
def explain_image(study: ClassStudy, index: int, *, among: int = 64) -> ExplainedImage:
    """Explain one of the first test images with at least two classes, on the CPU.

    Args:
        study: the study of the images, the classifier and the Explainer.
        index: the index among these images.
        among: the number of test images to search.
    """
    images = study.images[:among]
    rows, _ = present_pairs(images.labels, index + 1, 5)
    batch = images.select(rows[index:])
    pixels, labels = batch.images(study.device), batch.labels.to(study.device)
    masks = study.method("explainer").class_masks(pixels, None)
    loss = ExplainerLoss(study.explained.explainer.loss)
    terms = loss.terms(study.classifier, pixels, labels, masks.logit(eps=1e-6))
    table = pd.DataFrame({"term": list(terms), "weight": [loss.weights[name] for name in terms]})
    table["value"] = [float(value) for value in terms.values()]
    table["weighted"] = table["weight"] * table["value"]
    return ExplainedImage(batch.names[0], pixels[0].cpu(), masks[0].cpu(), labels[0].cpu(), batch.class_names, table)


@torch.no_grad()
def draw_overview(classifier: nn.Module, example: ExplainedImage) -> Figure:
    """The method from the image to the loss.

    Args:
        classifier: pixels in [0, 1] to logits.
        example: an image that shows at least one class, but not all.
    """
    image, masks, labels = example.image, example.masks, example.labels
    target, other = masks[labels].amax(0, keepdim=True), masks[~labels].amax(0, keepdim=True)
    masked = torch.cat([apply_mask(image[None], target[None]), apply_mask(image[None], 1 - target[None])])
    kept, rest = classifier(masked)
    with book_figure((WIDTH, HEIGHT), style={"axes.titlesize": 8.5, "axes.titlepad": 2}) as figure:
        _picture(figure, (0.15, 2.25, 1.2, 1.2), image, "image x")
        _box(figure, (1.65, 2.35, 0.95, 1.0), "Explainer\n$\\mathcal{E}$", METHOD_COLOURS["Pixel RDE"])
        bottoms = _class_masks(figure, masks, labels, example.class_names)
        _picture(figure, (4.75, 4.05, 1.2, 1.2), target, "target mask m")
        _picture(figure, (4.75, 2.25, 1.2, 1.2), 1 - target, "inverted mask 1 − m")
        _picture(figure, (4.75, 0.25, 1.2, 1.2), other, "non-target mask n")
        _picture(figure, (6.45, 4.05, 1.2, 1.2), masked[0], "x ⊙ m")
        _picture(figure, (6.45, 2.25, 1.2, 1.2), masked[1], "x ⊙ (1 − m)")
        _box(figure, (8.0, 2.35, 0.95, 2.8), "Explanandum\n$\\mathcal{F}$\n(frozen)", METHOD_COLOURS["neutral"])
        _bars(figure, (9.25, 4.05, 0.75, 1.2), kept.sigmoid(), labels, "p, sigmoid")
        _bars(figure, (9.25, 2.25, 0.75, 1.2), rest.softmax(0), labels, "p̃, softmax")
        for middle, words in (
            (4.65, "$\\mathcal{L}_c$: right\non the kept part"),
            (2.85, "$\\mathcal{L}_e$: undecided\non the rest"),
        ):
            figure.text(10.12 / WIDTH, middle / HEIGHT, words, va="center", fontsize=8.5)
        words = (
            "$\\mathcal{L}_a$: m and n small, the mask of each present class between two areas\n"
            "$\\mathcal{L}_{tv}$: m and n smooth"
        )
        figure.text(6.25 / WIDTH, 0.85 / HEIGHT, words, va="center", fontsize=8.5)
        for start, end, colour in [
            ((1.38, 2.85), (1.62, 2.85), "black"),
            ((2.63, 2.85), (2.85, 2.85), "black"),
            *(((4.1, y), (4.7, 4.65), PRESENT) for y in bottoms[True]),
            *(((4.1, y), (4.7, 0.85), ABSENT) for y in bottoms[False]),
            ((5.35, 4.0), (5.35, 3.65), "black"),
            *(((5.98, y), (6.4, y), "black") for y in (4.65, 2.85)),
            *(((7.68, y), (7.97, y), "black") for y in (4.65, 2.85)),
            *(((8.98, y), (9.22, y), "black") for y in (4.65, 2.85)),
            ((5.98, 0.85), (6.22, 0.85), "black"),
        ]:
            _arrow(figure, start, end, colour)
    return figure


def _class_masks(
    figure: Figure, masks: Tensor, labels: Tensor, class_names: Sequence[str], count: int = 6
) -> dict[bool, list[float]]:
    """Draw the masks of the present and of the strongest absent classes; returns the heights of their centres."""
    strength = masks.mean((1, 2)) + 10 * labels.float()  # the present ones first
    shown = strength.argsort(descending=True)[:count].tolist()
    side = (HEIGHT - 0.7) / len(shown) - 0.1
    starts: dict[bool, list[float]] = {True: [], False: []}
    for row, index in enumerate(shown):
        bottom = HEIGHT - 0.45 - (row + 1) * (side + 0.1)
        present = bool(labels[index])
        _picture(figure, (3.35, bottom, side, side), masks[index : index + 1], "", PRESENT if present else ABSENT)
        figure.text(3.28 / WIDTH, (bottom + side / 2) / HEIGHT, class_names[index], ha="right", va="center", fontsize=8)
        starts[present].append(bottom + side / 2)
    figure.text(3.7 / WIDTH, (HEIGHT - 0.3) / HEIGHT, "class masks S", ha="center", fontsize=8.5)
    return starts


def _axes(figure: Figure, box: Box) -> Axes:
    left, bottom, width, height = box
    return figure.add_axes((left / WIDTH, bottom / HEIGHT, width / WIDTH, height / HEIGHT))


def _picture(figure: Figure, box: Box, picture: Tensor, title: str, frame: str | None = None) -> None:
    axes = _axes(figure, box)
    draw_image(axes, picture.cpu(), title, colours=MASK_COLOURS)
    if frame:
        axes.set_axis_on()
        axes.grid(visible=False)
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(visible=True, color=frame, linewidth=2)


def _bars(figure: Figure, box: Box, values: Tensor, labels: Tensor, title: str) -> None:
    axes = _axes(figure, box)
    colours = [PRESENT if present else ABSENT for present in labels.tolist()]
    axes.barh(range(len(values)), values.tolist(), color=colours)
    axes.set(xlim=(0, 1), xticks=[0, 1], yticks=[], title=title)
    axes.tick_params(labelsize=7)
    axes.invert_yaxis()


def _box(figure: Figure, box: Box, words: str, colour: str) -> None:
    left, bottom, width, height = box
    corner = (left / WIDTH, bottom / HEIGHT)
    style = "round,pad=0,rounding_size=0.01"
    figure.add_artist(
        FancyBboxPatch(
            corner, width / WIDTH, height / HEIGHT, boxstyle=style, facecolor="white", edgecolor=colour, lw=2
        )
    )
    middle = ((left + width / 2) / WIDTH, (bottom + height / 2) / HEIGHT)
    figure.text(*middle, words, ha="center", va="center", fontsize=9)


def _arrow(figure: Figure, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    ends = [(x / WIDTH, y / HEIGHT) for x, y in (start, end)]
    figure.add_artist(FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=9, color=colour, lw=1.2))
