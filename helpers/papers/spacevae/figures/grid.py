"""Signed maps, and kept images of many methods in a grid with the classifier's answer above each."""

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
SIGNED = "PuOr"  # orange counts against the class, purple for it: told apart by all eyes, unlike red and green


@dataclass(frozen=True)
class Column:
    """What one method makes of some images.

    Attributes:
        name: what stands above it; one or several lines.
        pictures: pixels in [0, 1], or signed maps of one channel.
        words: above each picture, such as the classifier's answer; empty where there is nothing to say.
        changed: whether the answer is another one than the original's.
    """

    name: str
    pictures: Float[Tensor, "images channels height width"]
    words: tuple[str, ...] = ()
    changed: tuple[bool, ...] = ()


@torch.no_grad()
def answers(
    classifier: nn.Module, pictures: Float[Tensor, "images 3 height width"]
) -> tuple[Int[Tensor, " images"], Float[Tensor, " images"]]:
    """The class that the classifier gives each picture, and its probability."""
    confidence, classes = torch.cat([classifier(batch) for batch in pictures.split(250)]).softmax(1).max(1)
    return classes, confidence


def answered_column(
    name: str,
    classifier: nn.Module,
    pictures: Float[Tensor, "images 3 height width"],
    before: Int[Tensor, " images"],
    class_names: Sequence[str],
) -> Column:
    """A column of kept images with the predicted class and its confidence above each.

    Args:
        name: the method's.
        classifier: pixels in [0, 1] to logits.
        pictures: the kept images.
        before: the classes predicted for the original images.
        class_names: one per class.
    """
    classes, confidence = answers(classifier, pictures)
    pairs = zip(classes.tolist(), confidence.tolist(), strict=True)
    words = tuple(f"{class_names[k]} {value:.2f}" for k, value in pairs)
    return Column(name, pictures.cpu(), words, tuple((classes != before).tolist()))


def draw_columns(
    columns: Sequence[Column], row_names: Sequence[str] | None = None, *, cell: float | int = 1.18
) -> Figure:
    """Draw the columns beside each other, one image per row.

    Args:
        columns: at least one.
        row_names: what stands left of each row, such as the true class.
        cell: the width of a picture in inches.

    Returns:
        A figure. A class other than the original's is bold and vermilion.

    Raises:
        ValueError: the columns have different numbers of pictures.
    """
    count = len(columns[0].pictures)
    if any(len(column.pictures) != count for column in columns):
        raise ValueError(f"each column must have {count} pictures, as the first one has")
    # all in inches: the rows' names stand left, the columns' above, and each picture has a line of words
    left, space, words = (0.3 if row_names else 0.02), 0.07, 0.2
    head = 0.06 + 0.17 * max(column.name.count("\n") + 1 for column in columns)
    step = (cell + space, cell + words)
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
                if column.words:
                    changed = bool(column.changed) and column.changed[row]
                    style = {"color": CHANGED, "fontweight": "bold"} if changed else {}
                    axes.set_title(column.words[row], **style)
        for row, name in enumerate(row_names or ()):
            middle = height - head - (row + 1) * step[1] + 0.02 + cell / 2
            figure.text(0.1 / width, middle / height, name, rotation=90, ha="center", va="center", fontsize=8.5)
    return figure


def true_names(images: LabelledImages, rows: list[int]) -> list[str]:
    """The true classes of some images, to stand beside them."""
    return [f"a {images.class_names[images.labels[row]]}" for row in rows]


def draw_signed(axes: Axes, values: Float[Tensor, "height width"], limit: float | None = None) -> mpl.image.AxesImage:
    """A signed map: purple counts for the class, orange against it, white for nothing.

    Args:
        axes: where.
        values: the attributions.
        limit: the value of the darkest colours; None: the largest absolute value.
    """
    most = float(values.abs().max()) if limit is None else limit
    axes.set_axis_off()
    return axes.imshow(values.cpu().numpy(), cmap=SIGNED, vmin=-(most or 1), vmax=most or 1)
