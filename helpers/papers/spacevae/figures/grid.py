"""Signed maps, and a grid of the kept images of many methods with the prediction above each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import torch
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from helpers.data.labelled import LabelledImages
from helpers.plots import METHOD_COLOURS
from helpers.plots.figures import book_figure
from helpers.plots.pictures import draw_image

CHANGED = METHOD_COLOURS["CartoonX"]
SIGNED = "PuOr"  # orange: against the class, purple: for it; unlike red and green, safe for colour-blind readers


@dataclass(frozen=True)
class Column:
    """One method's pictures of some images.

    Attributes:
        name: the head of the column; one or several lines.
        pictures: pixels in [0, 1], or signed maps of one channel.
        titles: one above each picture, such as the prediction; empty for none.
        changed: whether the prediction differs from that for the original image.
    """

    name: str
    pictures: Float[Tensor, "images channels height width"]
    titles: tuple[str, ...] = ()
    changed: tuple[bool, ...] = ()


@torch.no_grad()
def predict_classes(
    classifier: nn.Module, pictures: Float[Tensor, "images 3 height width"]
) -> tuple[Int[Tensor, " images"], Float[Tensor, " images"]]:
    """The predicted class of each picture and its probability."""
    confidence, classes = torch.cat([classifier(batch) for batch in pictures.split(250)]).softmax(1).max(1)
    return classes, confidence


def predicted_column(
    name: str,
    classifier: nn.Module,
    pictures: Float[Tensor, "images 3 height width"],
    before: Int[Tensor, " images"],
    class_names: Sequence[str],
) -> Column:
    """A column of kept images with the predicted class and its probability above each.

    Args:
        name: the head of the column.
        classifier: pixels in [0, 1] to logits.
        pictures: the kept images.
        before: the classes predicted for the original images.
        class_names: one per class.
    """
    classes, confidence = predict_classes(classifier, pictures)
    pairs = zip(classes.tolist(), confidence.tolist(), strict=True)
    titles = tuple(f"{class_names[k]} {value:.2f}" for k, value in pairs)
    return Column(name, pictures.cpu(), titles, tuple((classes != before).tolist()))


def draw_columns(
    columns: Sequence[Column], row_names: Sequence[str] | None = None, *, cell: float | int = 1.18
) -> Figure:
    """Draw columns side by side, one row per image.

    Args:
        columns: at least one.
        row_names: the labels on the left, such as the true classes.
        cell: the width of a picture in inches.

    Returns:
        A figure, with changed predictions bold and vermilion.

    Raises:
        ValueError: the columns have different numbers of pictures.
    """
    count = len(columns[0].pictures)
    if any(len(column.pictures) != count for column in columns):
        raise ValueError(f"each column must have {count} pictures, as the first one has")
    # in inches: row names on the left, column heads on top, a line of text above each picture
    left, space, line = (0.3 if row_names else 0.02), 0.07, 0.2
    head = 0.06 + 0.17 * max(column.name.count("\n") + 1 for column in columns)
    step = (cell + space, cell + line)
    width, height = left + len(columns) * step[0], head + count * step[1]
    with book_figure((width, height), style={"axes.titlesize": 8, "axes.titlepad": 2.5, "axes.grid": False}) as figure:
        for index, column in enumerate(columns):
            x = left + index * step[0]
            figure.text(
                (x + cell / 2) / width, 1 - 0.03 / height, column.name, ha="center", va="top", fontsize=9, weight="bold"
            )
            for row, picture in enumerate(column.pictures):
                bottom = height - head - (row + 1) * step[1] + 0.02
                axes = figure.add_axes((x / width, bottom / height, cell / width, cell / height))
                if len(picture) == 1:
                    draw_signed(axes, picture[0])
                else:
                    draw_image(axes, picture)
                if column.titles:
                    changed = bool(column.changed) and column.changed[row]
                    style = {"color": CHANGED, "fontweight": "bold"} if changed else {}
                    axes.set_title(column.titles[row], **style)
        for row, name in enumerate(row_names or ()):
            middle = height - head - (row + 1) * step[1] + 0.02 + cell / 2
            figure.text(0.1 / width, middle / height, name, rotation=90, ha="center", va="center", fontsize=8.5)
    return figure


def true_names(images: LabelledImages, rows: list[int]) -> list[str]:
    """The true classes of some images as row labels: "a house"."""
    return [f"a {images.class_names[images.labels[row]]}" for row in rows]


def draw_signed(axes: Axes, values: Float[Tensor, "height width"], limit: float | None = None) -> mpl.image.AxesImage:
    """Draw a signed map: purple for the class, orange against it, white for 0.

    Args:
        axes: the axes to draw on.
        values: the attributions.
        limit: the absolute value with the darkest colours; None for the largest.
    """
    limit = float(values.abs().max()) if limit is None else limit
    axes.set_axis_off()
    return axes.imshow(values.cpu().numpy(), cmap=SIGNED, vmin=-(limit or 1), vmax=limit or 1)
