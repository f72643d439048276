"""Pictures as small files inside a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

Picture = Figure | Tensor | Image.Image


@dataclass(frozen=True)
class Frame:
    """One picture of a slider, ready for a page.

    Attributes:
        content: the bytes of a WebP file.
        width, height: pixels.
        value: what the slider says when it shows this frame, such as "λk = 20".
        description: what can be seen, for those who do not see it.
    """

    content: bytes
    width: int
    height: int
    value: str
    description: str

    @property
    def address(self) -> str:
        """The picture as a `data:` address."""
        return f"data:image/webp;base64,{base64.b64encode(self.content).decode()}"

    def picture(self) -> Image.Image:
        """The picture, decoded."""
        return Image.open(io.BytesIO(self.content)).convert("RGB")


def make_frame(drawn: Any, value: str, description: str) -> Frame:
    """Encode what a render function returned.

    Args:
        drawn: a `Picture`: a matplotlib figure, a tensor (1 or 3 channels, height, width) in [0, 1], or a PIL image.
        value: what the control says.
        description: the alternative text.

    Raises:
        ValueError: it is none of these.
    """
    picture = _as_picture(drawn)
    return Frame(encode_webp(picture), picture.width, picture.height, value, description)


def render_frames(
    render: Callable[[Any], Picture],
    values: list[Any],
    show_value: Callable[[Any], str],
    describe: Callable[[Any], str],
) -> tuple[Frame, ...]:
    """Render one frame a value; an error of `render` is not caught."""
    return tuple(make_frame(render(value), show_value(value), describe(value)) for value in values)


def encode_webp(picture: Image.Image) -> bytes:
    """The smaller of a lossless and a very good lossy WebP; drawings suit the one, photographs the other."""
    lossless, lossy = io.BytesIO(), io.BytesIO()
    picture.save(lossless, "WEBP", lossless=True, quality=60, method=4)
    picture.save(lossy, "WEBP", quality=90, method=4)
    # lossless at up to a quarter more: text and lines stay sharp
    best = lossless if lossless.tell() <= 1.25 * lossy.tell() else lossy
    return best.getvalue()


def _as_picture(drawn: Any) -> Image.Image:
    if isinstance(drawn, Image.Image):
        return drawn.convert("RGB")
    if isinstance(drawn, Figure):
        buffer = io.BytesIO()
        drawn.savefig(buffer, format="png", bbox_inches="tight", pad_inches=0.05, metadata={"Software": None})
        return Image.open(buffer).convert("RGB")
    if isinstance(drawn, Tensor) and drawn.ndim == 3 and drawn.shape[0] in (1, 3):
        pixels = (drawn.detach().float().clamp(0, 1) * 255).round().byte().cpu().numpy()
        return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)).squeeze()).convert("RGB")
    kind = tuple(drawn.shape) if isinstance(drawn, Tensor) else type(drawn).__name__
    raise ValueError(
        f"render must return a matplotlib Figure, a PIL image, or a tensor (1 or 3 channels, height, width); not {kind}"
    )
