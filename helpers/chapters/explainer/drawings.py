"""Pictures for the chapter on the Explainer: class masks, masks under parts of the loss, the area bound."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.figure import Figure
from torch import Tensor, nn

from helpers.chapters.explainer.terms import MaskSearch
from helpers.chapters.predictions import describe_classes
from helpers.plots import MASK_COLOURS, METHOD_COLOURS, show_images
from helpers.plots.style import BOOK_STYLE


def show_class_masks(
    image: Float[Tensor, "3 height width"],
    masks: Float[Tensor, "classes height width"],
    labels: Bool[Tensor, " classes"],
    class_names: Sequence[str],
    *,
    width: float | int = 9,
) -> Figure:
    """The image and the mask of every class; an asterisk marks the classes that the image shows."""
    titles = [f"{name} *" if shown else name for name, shown in zip(class_names, labels.tolist(), strict=True)]
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
    checkpoint: int = -1,
    *,
    width: float | int = 8.5,
) -> Figure:
    """One column per setting of the loss: the target mask, with its mean, and the rest of the image.

    Above the rest: the probability of each class of the image.
    """
    target = search.merged(labels, checkpoint)
    rest = image * (1 - target)
    lines = [text.replace(", ", "\n") for text in describe_classes(classifier, rest, labels[0], class_names)]
    areas = [f"m: {100 * float(mask.mean()):.0f} %" for mask in target]
    heads = [f"{name}\n{area}" for name, area in zip(search.settings, areas, strict=True)]
    return show_images(
        [*target, *rest],
        [*heads, *lines],
        columns=len(search.settings),
        colours=MASK_COLOURS,
        width=width,
    )


def draw_area_bound(masks: dict[str, Float[Tensor, "height width"]], least: float | int, most: float | int) -> Figure:
    """Each mask's sorted entries with both terms of equation 5: deficit in the least area, excess beyond the most."""
    with mpl.rc_context(BOOK_STYLE):
        figure, axes = plt.subplots(
            1, len(masks), figsize=(3 * len(masks), 1.8), sharey=True, squeeze=False, layout="constrained"
        )
        plt.close(figure)
        for panel, (name, mask) in zip(axes[0], masks.items(), strict=True):
            values = mask.flatten().sort(descending=True).values.numpy()
            shares = (np.arange(len(values)) + 0.5) / len(values)
            panel.plot(shares, values, color=METHOD_COLOURS["neutral"])
            deficit, excess = shares < least, shares > most
            panel.fill_between(shares[deficit], values[deficit], 1, color=METHOD_COLOURS["Pixel RDE"], alpha=0.5)
            panel.fill_between(shares[excess], 0, values[excess], color=METHOD_COLOURS["CartoonX"], alpha=0.5)
            for edge in (least, most):
                panel.axvline(edge, color="black", linewidth=0.8, linestyle=":")
            bound = float((1 - values[deficit]).sum() + values[excess].sum()) / len(values)
            panel.set(title=f"{name}: B = {bound:.3f}", xlabel="share of the pixels", xlim=(0, 1), ylim=(0, 1.02))
        axes[0, 0].set_ylabel("mask, sorted")
    return figure
