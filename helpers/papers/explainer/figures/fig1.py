"""Figure 1 of "What You See is What You Classify": the masks of five classes by three methods."""

from __future__ import annotations

import matplotlib as mpl
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from helpers.papers.explainer.experiments.several_classes import PER_CLASS
from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.papers.explainer.figures.masks import drawn_methods, present_pairs
from helpers.papers.explainer.figures.names import SHORT_NAMES
from helpers.plots import MASK_COLOURS, METHOD_COLOURS, show_images

PRESENT = METHOD_COLOURS["truth"]


def draw_class_masks(study: ClassStudy, shown: int = 3, count: int = 5) -> Figure:
    """Figure 1: for images with several classes, the masks of five classes (columns) by each method (rows).

    A mask has a green frame where the image shows its class. Which methods are drawn: see `drawn_methods`.
    """
    images = study.segmented.images
    rows, classes = present_pairs(images.labels, shown, count)
    chosen = images.select(rows)
    requested = torch.zeros_like(chosen.labels)
    requested[:, classes] = True
    heads = [images.class_names[k] for k in classes]
    masks = {name: study.masks(name, images=chosen, classes=requested) for name in drawn_methods(study, PER_CLASS)}
    pictures: list[Tensor] = []
    titles: list[str] = []
    for row, image in enumerate(chosen.images()):
        for name, class_masks in masks.items():
            pictures += [image, *(framed(class_masks[row, k], bool(chosen.labels[row, k])) for k in classes)]
            titles += [SHORT_NAMES[name], *(heads if name == PER_CLASS[0] else [""] * len(heads))]
    return show_images(pictures, titles, columns=1 + count, width=8)


def framed(mask: Float[Tensor, "height width"], present: bool) -> Float[Tensor, "3 _height _width"]:
    """A coloured mask with a frame: green if the image shows the class, else white."""
    side = max(1, mask.shape[-1] // 24)
    coloured = torch.from_numpy(mpl.colormaps[MASK_COLOURS](mask.clamp(0, 1).numpy())[..., :3]).permute(2, 0, 1)
    colour = torch.tensor(mpl.colors.to_rgb(PRESENT if present else "white"), dtype=coloured.dtype)[:, None, None]
    inside = functional.pad(torch.ones_like(coloured), (side,) * 4)
    return (functional.pad(coloured, (side,) * 4) + (1 - inside) * colour).float()
