"""Figures 1 and 3 to 8 of "What You See is What You Classify": class masks of several methods, as pictures."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.papers.explainer.figures.measures import (
    COMPARED,
    SHORT_NAMES,
    all_class_masks,
    least_exact,
    merged_masks,
    present_pairs,
)
from helpers.plots import MASK_COLOURS, METHOD_COLOURS, show_images
from helpers.reporting.pictures import PictureRow, RowGroup, draw_groups

PRESENT = METHOD_COLOURS["truth"]
PER_CLASS = ("explainer", "grad-cam", "extremal-perturbation")
"""The methods of Figure 1, in its order."""

PAPER_NAMES = {"voc2007": "VOC-2007", "coco2014": "COCO-2014", "vgg16": "VGG-16", "resnet50": "ResNet-50"}


def draw_comparison(study: ClassStudy, table: pd.DataFrame, *, inexact: int = 2) -> Figure:
    """Figures 3, 6, 7 and 8: images with the merged masks of all methods.

    Left the images as they come; right those on which the Explainer overlaps least with the objects, as the paper's
    examples 13 and 14.

    Args:
        study: whose images and masks are drawn.
        table: what `comparison_table` measured on the images that are shown.
        inexact: how many stand on the right.
    """
    names = list(table["image"].unique())
    last = least_exact(table, inexact)
    chosen = {"as they come": [name for name in names if name not in last], "least exact": last}
    places = {name: place for place, name in enumerate(study.segmented.images.names)}
    images, truth = study.segmented.images[: len(names)], study.segmented.objects[: len(names), None]
    masks = {method: merged_masks(study, method, len(names)) for method in COMPARED}
    groups = []
    for title, some in chosen.items():
        rows = [places[name] for name in some]
        heads = tuple(
            "\n".join(images.class_names[k] for k in images.labels[row].nonzero()[:, 0].tolist()) for row in rows
        )
        pictures = [
            PictureRow("image", images.select(rows).images()),
            PictureRow("objects", truth[rows], MASK_COLOURS),
            *(PictureRow(SHORT_NAMES[name], mask[rows], MASK_COLOURS) for name, mask in masks.items()),
        ]
        groups.append(RowGroup(title, heads, tuple(pictures)))
    return draw_groups(groups)


def draw_class_masks(study: ClassStudy, shown: int = 3, most: int = 5) -> Figure:
    """Figure 1: for images with several classes, the masks of five classes (columns) by three methods (rows).

    A mask has a green frame where the image shows its class.
    """
    images = study.segmented.images
    rows, classes = present_pairs(images.labels, shown, most)
    some = images.select(rows)
    wanted = torch.zeros_like(some.labels)
    wanted[:, classes] = True
    heads = [images.class_names[k] for k in classes]
    masks = {name: study.masks(name, images=some, classes=wanted) for name in PER_CLASS}
    pictures: list[Tensor] = []
    titles: list[str] = []
    for row, image in enumerate(some.images()):
        for name, found in masks.items():
            pictures += [image, *(framed(found[row, k], bool(some.labels[row, k])) for k in classes)]
            titles += [SHORT_NAMES[name], *(heads if name == PER_CLASS[0] else [""] * len(heads))]
    return show_images(pictures, titles, columns=1 + most, width=8)


def draw_top_classes(study: ClassStudy, shown: int = 8, top: int = 5) -> Figure:
    """Figures 4 and 5: each image, the maximum over all masks, and its five classes of the largest mean mask.

    Above each mask: the class (with ** where the image shows it), its average mask activation AMA and the classifier's
    score CLS, both times 100.
    """
    images = study.images[:shown]
    masks, scores = all_class_masks(study, shown)
    activation = 100 * masks.mean((2, 3))
    pictures: list[Tensor] = []
    titles: list[str] = []
    for row in range(shown):
        best = activation[row].argsort(descending=True, stable=True)[:top].tolist()
        pictures += [images.images()[row], masks[row].amax(0, keepdim=True), *masks[row, best][:, None]]
        titles += ["image", "all classes"] if row == 0 else ["", ""]
        titles += [
            f"{images.class_names[k]}{' **' if images.labels[row, k] else ''}\n"
            f"AMA {activation[row, k]:.1f}\nCLS {100 * scores[row, k]:.0f}"
            for k in best
        ]
    return show_images(pictures, titles, columns=2 + top, colours=MASK_COLOURS, width=9.5)


def framed(mask: Float[Tensor, "height width"], present: bool) -> Float[Tensor, "3 _height _width"]:
    """A mask in the colours of masks with a frame around it: green where the image shows the class, else white."""
    side = max(1, mask.shape[-1] // 24)
    coloured = torch.from_numpy(mpl.colormaps[MASK_COLOURS](mask.clamp(0, 1).numpy())[..., :3]).permute(2, 0, 1)
    colour = torch.tensor(mpl.colors.to_rgb(PRESENT if present else "white"), dtype=coloured.dtype)[:, None, None]
    inside = functional.pad(torch.ones_like(coloured), (side,) * 4)
    return (functional.pad(coloured, (side,) * 4) + (1 - inside) * colour).float()


def stands_for(study: ClassStudy) -> str:
    """What is shown in place of the paper's data and classifier, in a sentence."""
    data, classifier = PAPER_NAMES[study.dataset], PAPER_NAMES[study.classifier_name]
    profile = study.profile.name
    if study.data.source != "scenes":
        return f"The profile `{profile}` runs the paper's own {data} and {classifier}."
    few, many = study.data.objects
    scenes = f"scenes of {study.settings.size} px with {few} to {many} objects"
    return (
        f"In the profile `{profile}`, {scenes} stand for {data}, and the classifier `{study.explained.name}` for "
        f"{classifier}."
    )


def seconds_spent(study: ClassStudy, begin: float) -> float:
    """What a table took: the seconds since `begin` (`time.perf_counter`), with stored masks at what they once took."""
    return study.ledger.seconds(begin)
