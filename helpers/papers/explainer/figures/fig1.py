"""Figure 1 of "What You See is What You Classify": the masks of five classes by three methods."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.papers.explainer.figures.masks import present_pairs, share, soft_pixel_fraction
from helpers.papers.explainer.figures.names import SHORT_NAMES
from helpers.plots import MASK_COLOURS, METHOD_COLOURS, show_images

PRESENT = METHOD_COLOURS["truth"]

PER_CLASS = ("explainer", "grad-cam", "extremal-perturbation")
"""The methods of Figure 1, in its order."""


def class_mask_table(study: ClassStudy, count: int | None = None) -> pd.DataFrame:
    """Scores of the mask of each present class on the first `count` images with at least two classes.

    Args:
        study: the study of the images and masks.
        count: None for the number of images that the profile evaluates.

    Returns:
        One row per image, method and class; columns image, method, class, own (the share of the mask's mass on this
        class's object), other (on objects of other classes), between (see `soft_pixel_fraction`). `own` and `other`
        are nan if the regions of the classes are not known.
    """
    count = study.settings.evaluation.images if count is None else count
    all_several = (study.segmented.images.labels.sum(1) > 1).nonzero()[:count, 0].tolist()
    all_regions = study.class_regions()
    slow = study.settings.evaluation.images_of
    rows = []
    for name in PER_CLASS:
        several = [row for row in all_several if name not in slow or row < slow[name]]  # only these masks are stored
        images, counted = study.segmented.images.select(several), study.segmented.counted[several, None]
        regions = None if all_regions is None else all_regions[several]
        masks = study.masks(name, images=images)
        own, other = (torch.full(images.labels.shape, torch.nan) for _ in range(2))
        if regions is not None:
            mass = (masks * counted).sum((2, 3))
            elsewhere = regions.any(1, keepdim=True) & ~regions
            own = share((masks * regions).sum((2, 3)), mass)
            other = share((masks * elsewhere).sum((2, 3)), mass)
        soft = soft_pixel_fraction(masks)
        rows += [
            {
                "image": images.names[i],
                "method": name,
                "class": images.class_names[k],
                "own": float(own[i, k]),
                "other": float(other[i, k]),
                "between": float(soft[i, k]),
            }
            for i, k in images.labels.nonzero().tolist()
        ]
    columns = ["image", "method", "class", "own", "other", "between"]
    return pd.DataFrame(rows, columns=columns)


def draw_class_masks(study: ClassStudy, shown: int = 3, count: int = 5) -> Figure:
    """Figure 1: for images with several classes, the masks of five classes (columns) by three methods (rows).

    A mask has a green frame where the image shows its class.
    """
    images = study.segmented.images
    rows, classes = present_pairs(images.labels, shown, count)
    chosen = images.select(rows)
    requested = torch.zeros_like(chosen.labels)
    requested[:, classes] = True
    heads = [images.class_names[k] for k in classes]
    masks = {name: study.masks(name, images=chosen, classes=requested) for name in PER_CLASS}
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
