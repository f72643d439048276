"""What the chapter on the Explainer draws: masks of all classes, their merging, and what the loss makes of them."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from jaxtyping import Bool, Float
from matplotlib.figure import Figure
from torch import Tensor, nn

from helpers.chapters.explainer.terms import MaskSearch
from helpers.plots import MASK_COLOURS, METHOD_COLOURS, draw_image, show_images
from helpers.plots.style import BOOK_STYLE


@torch.no_grad()
def tell_classes(
    classifier: nn.Module,
    pictures: Float[Tensor, "batch 3 height width"],
    classes: Bool[Tensor, " classes"],
    class_names: Sequence[str],
) -> list[str]:
    """The classifier's probability of some classes, each on its own, for each picture: "heart 100 %, house 98 %"."""
    probabilities = 100 * classifier(pictures).sigmoid()
    places = classes.nonzero()[:, 0].tolist()
    return [", ".join(f"{class_names[k]} {row[k]:.0f} %" for k in places) for row in probabilities.tolist()]


def show_class_masks(
    image: Float[Tensor, "3 height width"],
    masks: Float[Tensor, "classes height width"],
    labels: Bool[Tensor, " classes"],
    class_names: Sequence[str],
    *,
    width: float | int = 9,
) -> Figure:
    """The image and the mask of every class; an asterisk stands by the classes that the image shows."""
    titles = [f"{name} *" if here else name for name, here in zip(class_names, labels.tolist(), strict=True)]
    columns = (len(masks) + 2) // 2
    return show_images(
        [image, *masks[:, None]], ["the image", *titles], columns=columns, colours=MASK_COLOURS, width=width
    )


def show_search(
    search: MaskSearch,
    classifier: nn.Module,
    image: Float[Tensor, "1 3 height width"],
    labels: Bool[Tensor, "1 classes"],
    class_names: Sequence[str],
    look: int = -1,
    *,
    absent: bool = False,
    width: float | int = 8.5,
) -> Figure:
    """For each setting of the loss (a column) the target mask, what it keeps, and what it leaves.

    Above what is kept and what is left: the probability of each class of the image. With `absent`, the mask of the
    absent classes is a fourth row.
    """
    target, other = search.merged(labels, look), search.merged(~labels, look)
    kept, left = image * target, image * (1 - target)
    told = [tell_classes(classifier, some, labels[0], class_names) for some in (kept, left)]
    lines = [[words.replace(", ", "\n") for words in row] for row in told]
    areas = [f"m: {100 * float(mask.mean()):.0f} %" for mask in target]
    heads = [f"{name}\n{area}" for name, area in zip(search.settings, areas, strict=True)]
    fourth = list(other) if absent else []
    return show_images(
        [*target, *kept, *left, *fourth],
        [*heads, *lines[0], *lines[1], *(f"n: {100 * float(mask.mean()):.0f} %" for mask in fourth)],
        columns=len(search.settings),
        colours=MASK_COLOURS,
        width=width,
    )


def draw_area_bound(masks: dict[str, Float[Tensor, "height width"]], least: float | int, most: float | int) -> Figure:
    """Each mask's entries from large to small, and the two parts of equation 5: what is lacking, what is too much."""
    with mpl.rc_context(BOOK_STYLE):
        figure, axes = plt.subplots(
            1, len(masks), figsize=(3 * len(masks), 2.6), sharey=True, squeeze=False, layout="constrained"
        )
        plt.close(figure)
        for place, (name, mask) in zip(axes[0], masks.items(), strict=True):
            values = mask.flatten().sort(descending=True).values.numpy()
            shares = (np.arange(len(values)) + 0.5) / len(values)
            place.plot(shares, values, color=METHOD_COLOURS["neutral"])
            few, many = shares < least, shares > most
            place.fill_between(shares[few], values[few], 1, color=METHOD_COLOURS["Pixel RDE"], alpha=0.5)
            place.fill_between(shares[many], 0, values[many], color=METHOD_COLOURS["CartoonX"], alpha=0.5)
            for edge in (least, most):
                place.axvline(edge, color="black", linewidth=0.8, linestyle=":")
            bound = float((1 - values[few]).sum() + values[many].sum()) / len(values)
            place.set(title=f"{name}: B = {bound:.3f}", xlabel="share of the pixels", xlim=(0, 1), ylim=(0, 1.02))
        axes[0, 0].set_ylabel("mask, sorted")
    return figure


@torch.no_grad()
def draw_probabilities(
    classifier: nn.Module, pictures: dict[str, Float[Tensor, "3 height width"]], class_names: Sequence[str]
) -> Figure:
    """The classifier's probability of every class, each on its own, for some pictures: the picture above its bars."""
    probabilities = classifier(torch.stack(list(pictures.values()))).sigmoid()
    with mpl.rc_context(BOOK_STYLE):
        figure, axes = plt.subplots(
            2, len(pictures), figsize=(2.4 * len(pictures), 4.6), height_ratios=(1, 1.15), layout="constrained"
        )
        plt.close(figure)
        for column, ((name, picture), row) in enumerate(zip(pictures.items(), probabilities, strict=True)):
            draw_image(axes[0, column], picture, name)
            axes[1, column].barh(range(len(class_names)), row.tolist(), color=METHOD_COLOURS["Pixel RDE"])
            axes[1, column].set(xlim=(0, 1), yticks=range(len(class_names)), yticklabels=[])
            axes[1, column].invert_yaxis()
        axes[1, 0].set_yticks(range(len(class_names)), class_names)
    return figure
