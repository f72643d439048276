"""Pictures encoded for embedding in a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from helpers.data.images import to_picture
from helpers.plots.sharp import draw_sharp, shown_size

Picture = Figure | Tensor | Image.Image


@dataclass(frozen=True)
class Frame:
    """An encoded picture of a slider.

    Attributes:
        content: the bytes of a WebP file.
        width, height: at which it is shown, in pixels of the page.
        value: the text of the slider at this frame, such as "λk = 20".
        description: the alternative text.
    """

    content: bytes
    width: int
    height: int
    value: str
    description: str

    @property
    def address(self) -> str:
        """The picture as a `data:` URL."""
        return f"data:image/webp;base64,{base64.b64encode(self.content).decode()}"

    def picture(self) -> Image.Image:
        """The picture, decoded."""
        return Image.open(io.BytesIO(self.content)).convert("RGB")


def make_frame(picture: Any, value: str, description: str) -> Frame:
    """Encode the result of a render function.

    Args:
        picture: a matplotlib figure, a tensor (1 or 3 channels, height, width) in [0, 1], or a PIL image.
        value: the text of the control.
        description: the alternative text.

    Raises:
        ValueError: the picture is none of these.
    """
    image = _to_image(picture)
    drawn = isinstance(picture, Figure)
    width, height = shown_size(image) if drawn else image.size
    # faults of single pixels are half as large where a page shows two for one
    return Frame(encode_webp(image, quality=80 if drawn else 90), width, height, value, description)


def render_frames(
    render: Callable[[Any], Picture],
    values: list[Any],
    show_value: Callable[[Any], str],
    describe: Callable[[Any], str],
) -> tuple[Frame, ...]:
    """Render one frame per value; errors of `render` are not caught."""
    return tuple(make_frame(render(value), show_value(value), describe(value)) for value in values)


def encode_webp(image: Image.Image, quality: int = 90) -> bytes:
    """A lossless WebP, or a lossy one of some quality (0 to 100) if that is much smaller, as for photographs."""
    lossless, lossy = io.BytesIO(), io.BytesIO()
    image.save(lossless, "WEBP", lossless=True, quality=60, method=4)
    image.save(lossy, "WEBP", quality=quality, method=4)
    # lossless at up to 25 % more, for sharp text and lines
    best = lossless if lossless.tell() <= 1.25 * lossy.tell() else lossy
    return best.getvalue()


def _to_image(picture: Any) -> Image.Image:
    if isinstance(picture, Image.Image):
        return picture.convert("RGB")
    if isinstance(picture, Figure):
        return draw_sharp(picture).convert("RGB")
    if isinstance(picture, Tensor) and picture.ndim == 3 and picture.shape[0] in (1, 3):
        return to_picture(picture).convert("RGB")
    actual = tuple(picture.shape) if isinstance(picture, Tensor) else type(picture).__name__
    raise ValueError(
        "render must return a matplotlib Figure, a PIL image, or a tensor (1 or 3 channels, height, width); "
        f"not {actual}"
    )
