"""Images with their explanations, in groups side by side ([Re] CartoonX, Figures 1, 2 and 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from helpers.plots.figures import book_figure
from helpers.plots.pictures import draw_image


@dataclass(frozen=True)
class PictureRow:
    """A row of pictures, one per image.

    Attributes:
        name: the label on the left.
        pictures: (count, 1 or 3, height, width) in [0, 1]; rows may differ in size.
        colours: matplotlib's colour map for pictures of one channel.
    """

    name: str
    pictures: Float[Tensor, "count channels height width"]
    colours: str = "gray"


@runtime_checkable
class Group(Protocol):
    """A block of columns under one title, for `draw_groups`."""

    @property
    def title(self) -> str:
        """What the images have in common."""

    @property
    def titles(self) -> tuple[str, ...]:
        """The title above each image; one or several lines."""

    @property
    def rows(self) -> tuple[PictureRow, ...]:
        """The rows from top to bottom; all groups of a figure have the same row names."""


@dataclass(frozen=True)
class RowGroup:
    """A plain `Group`."""

    title: str
    titles: tuple[str, ...]
    rows: tuple[PictureRow, ...]


def draw_groups(groups: Sequence[Group], *, width: float | int = 9.0) -> Figure:
    """Draw groups side by side; each column has an image and, below it, its other pictures.

    Returns:
        The figure; groups without images are left out.

    Raises:
        ValueError: no group has an image.
    """
    nonempty = [group for group in groups if group.titles]
    if not nonempty:
        raise ValueError("no group has an image to draw")
    columns = [len(group.titles) for group in nonempty]
    names = [row.name for row in nonempty[0].rows]
    first = nonempty[0].rows[0].pictures
    ratio = first.shape[-2] / first.shape[-1]
    lines = 1 + max(title.count("\n") for group in nonempty for title in group.titles)
    # in inches: row names on the left, titles on top, gaps between groups
    left, gap, space, head = 0.28, 0.22, 0.05, 0.34 + 0.15 * lines
    cell = min((width - left - gap * (len(nonempty) - 1)) / max(sum(columns), 3), 2.0)
    size = (left + cell * sum(columns) + gap * (len(nonempty) - 1), head + len(names) * cell * ratio)
    with book_figure(size, style={"axes.titlesize": 8.5, "axes.titlepad": 3}) as figure:
        start = left
        for group in nonempty:
            end = start + cell * len(group.titles)
            figure.text(
                (start + end - space) / 2 / size[0],
                1 - 0.05 / size[1],
                group.title,
                ha="center",
                va="top",
                fontweight="bold",
            )
            for row in range(len(names)):
                for column in range(len(group.titles)):
                    bottom = size[1] - head - (row + 1) * cell * ratio
                    corner = ((start + column * cell) / size[0], (bottom + space) / size[1])
                    extent = ((cell - space) / size[0], (cell * ratio - space) / size[1])
                    _draw(figure.add_axes((*corner, *extent)), group, row, column)
            start = end + gap
        for row, name in enumerate(names):
            middle = size[1] - head - (row + 0.5) * cell * ratio
            figure.text(0.1 / size[0], middle / size[1], name, rotation=90, ha="center", va="center", fontsize=10)
    return figure


def _draw(axes: Axes, group: Group, row: int, column: int) -> None:
    picture_row = group.rows[row]
    title = group.titles[column] if row == 0 else ""
    draw_image(axes, picture_row.pictures[column], title, colours=picture_row.colours)
