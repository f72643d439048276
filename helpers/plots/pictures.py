"""Images and their explanations, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from torch import Tensor

from helpers.core.explanation import Explanation
from helpers.core.pixels import unit_pixels
from helpers.plots.figures import panels
from helpers.plots.style import MASK_COLOURS

Limits = tuple[float | int, float | int] | None
Pictures = (
    Shaped[Tensor, "batch channels height width"]
    | np.ndarray
    | Sequence[Shaped[Tensor, "_channels _height _width"] | np.ndarray]
)
Titles = Iterable[Any]
"""What stands above the pictures, one per picture: words, or numbers such as labels; None for nothing."""


def show_images(
    images: Pictures,
    titles: Titles | None = None,
    *,
    columns: int | None = None,
    colours: str = "gray",
    limits: Limits = (0.0, 1.0),
    caption: str | None = None,
    width: float | int = 8,
) -> Figure:
    """Draw images in a grid.

    Args:
        images: with 3 channels in [0, 1] (values a little outside are clipped) or of bytes, or 1 channel, as tensors
            or arrays; a list may mix both.
        titles: one per image: words, numbers, or None for nothing.
        columns: images per row; by default at most 6.
        colours: matplotlib's colour map for images of 1 channel.
        limits: the values of 1-channel images at the ends of the colour map; None: each image's minimum and maximum
            (of a constant image in [0, 1]: 0 and 1).
        caption: a line below the grid.
        width: of the figure in inches; a single column takes half of it.

    Returns:
        The figure, as the last line of a cell.

    Raises:
        TypeError, ValueError: there are no images, an image has neither 1 nor 3 channels, or values that are not finite
            or far outside [0, 1] (1 channel with other limits: any), the titles are not one per image, or `columns` is
            not at least 1.
    """
    pictures = [_checked(image) for image in images]
    if not pictures:
        raise ValueError("there are no images to show")
    if columns is not None and columns < 1:
        raise ValueError(f"columns={columns} must be at least 1, or None for at most 6")
    columns = min(len(pictures), 6 if columns is None else columns)
    rows = [pictures[start : start + columns] for start in range(0, len(pictures), columns)]
    names = _titles(titles, len(pictures), "")
    name_rows = [names[start : start + columns] for start in range(0, len(names), columns)]
    return _grid(rows, name_rows, colours=colours, limits=limits, caption=caption, width=width)


def show_explanations(
    images: Float[Tensor, "batch 3 height width"],
    explanations: Explanation,
    *,
    titles: Titles | None = None,
    mask_titles: Titles | None = None,
    kept_titles: Titles | None = None,
    limits: Limits = (0.0, 1.0),
    width: float | int = 8,
) -> Figure:
    """Draw explanations, one per column: the image, its mask and the kept image.

    Args:
        images: the explained images, in [0, 1].
        explanations: of these images.
        titles: above each image, such as the prediction.
        mask_titles: above each mask, such as its mean.
        kept_titles: above each kept image, such as its prediction.
        limits: the relevances at the ends of the colour map; None: each mask's minimum and maximum.
        width: of the figure in inches; a single column takes half of it.

    Returns:
        The figure, as the last line of a cell.

    Raises:
        ValueError: there are no images, or the explanations or titles are not one per image.
    """
    count = len(images)
    if not count:
        raise ValueError("there are no images to show")
    if len(explanations) != count:
        raise ValueError(
            f"{count} images came with {len(explanations)} explanations; give the batch that was explained"
        )
    rows = [list(images), list(explanations.mask), list(explanations.kept)]
    defaults = ((titles, "image"), (mask_titles, "mask"), (kept_titles, "kept"))
    names = [_titles(given, count, default) for given, default in defaults]
    return _grid(rows, names, colours=MASK_COLOURS, limits=limits, caption=None, width=width)


def _titles(given: Titles | None, count: int, default: str) -> list[str]:
    """One title per picture, as text.

    Raises:
        ValueError: there are not as many titles as pictures, or they are one word, whose letters would be the titles.
    """
    if given is None:
        return [default] * count
    if isinstance(given, str):
        raise ValueError(f"titles are a list, one per image, not the word {given!r}; write [{given!r}]")
    titles = ["" if title is None else _in_words(title) for title in given]
    if len(titles) != count:
        raise ValueError(f"{len(titles)} titles were given for {count} images; give one per image, or none")
    return titles


def _in_words(title: Any) -> str:
    """A title as text: a tensor or array of one number as that number, and floats without the digits of rounding."""
    number = title.item() if isinstance(title, np.generic) or (isinstance(title, Tensor) and not title.ndim) else title
    return f"{number:.4g}" if isinstance(number, float) else str(number)


def _checked(image: Any) -> Tensor:
    """An image as a tensor that can be drawn; see `show_images` for the errors."""
    if isinstance(image, np.ndarray):
        image = torch.from_numpy(image)
    if not isinstance(image, Tensor):
        raise TypeError(f"an image to show is a tensor (channels, height, width), not {type(image).__name__}")
    if image.ndim != 3 or image.shape[0] not in (1, 3):
        hint = "; add the dimension of channels with mask[None]" if image.ndim == 2 else ""
        raise ValueError(
            f"an image to show has 1 or 3 channels, (channels, height, width); not {tuple(image.shape)}{hint}"
        )
    if not bool(image.isfinite().all()):
        raise ValueError("an image to show has values that are not finite (NaN or infinite)")
    return image


def draw_image(
    axes: Axes,
    image: Shaped[Tensor, "channels height width"],
    title: str = "",
    *,
    colours: str = "gray",
    limits: Limits = (0.0, 1.0),
) -> None:
    """Draw an image of 1 or 3 channels on axes without ticks; for the arguments see `show_images`.

    Raises:
        TypeError, ValueError: as `show_images`.
    """
    image = _checked(image)
    on_own_scale = image.shape[0] == 1 and limits != (0, 1)
    pixels = (image if on_own_scale else unit_pixels(image)).detach().float().cpu().numpy()
    axes.set_axis_off()
    axes.set_title(title)
    if len(pixels) == 3:
        axes.imshow(np.clip(pixels.transpose(1, 2, 0), 0, 1))
        return
    low, high = limits or (float(pixels.min()), float(pixels.max()))
    if limits is None and low == high:  # matplotlib would draw any constant as the lowest value
        low, high = (0.0, 1.0) if 0 <= low <= 1 else (low - 1, high + 1)
    axes.imshow(pixels[0], cmap=colours, vmin=low, vmax=high)


def _grid(
    rows: Sequence[Sequence[Tensor]],
    titles: Sequence[Sequence[str]],
    *,
    colours: str,
    limits: Limits,
    caption: str | None,
    width: float | int,
) -> Figure:
    columns = len(rows[0])
    cell = width / max(columns, 2)
    lines = sum(1 + max(title.count("\n") for title in row) if any(row) else 0 for row in titles)
    ratios = [max(image.shape[-2] / image.shape[-1] for image in row) for row in rows]
    height = cell * sum(ratios) + 0.24 * lines + (0.35 if caption else 0.0)
    layout = ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03, wspace=0.0, hspace=0.0)
    size = (cell * columns, height)
    with panels(len(rows), columns, size=size, height_ratios=ratios, squeeze=False, layout=layout) as (figure, axes):
        for ax in axes.flat:
            ax.set_axis_off()
        for axes_row, row, title_row in zip(axes, rows, titles, strict=True):
            for ax, image, title in zip(axes_row, row, title_row, strict=False):
                draw_image(ax, image, title, colours=colours, limits=limits)
        if caption:
            figure.supxlabel(caption, fontsize=11)
    return figure
