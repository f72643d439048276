"""What a control needs to compute in the reader's browser: the name of the computation, images and other facts.

The book shows a button at such a control (`web/src/stub`), which loads the networks and replaces the pre-rendered
pictures. In a notebook, and without JavaScript, the pre-rendered pictures are all that there is.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, field
from html import escape
from typing import Any

from jaxtyping import Float
from matplotlib import colormaps
from torch import Tensor

from helpers.plots import MASK_COLOURS

BUTTON_STYLE = (
    ".kwm-live{font:inherit;font-size:.9em;color:inherit;background:transparent;border:1px solid;border-radius:4px;"
    "padding:.2em .7em;cursor:pointer}.kwm-live-status{min-height:1.5em;margin:.3em 0 0!important}"
)
"""The style of the button, which the book's script adds."""

SCHEME = "data:application/gzip;base64,"


@dataclass(frozen=True)
class InBrowser:
    """A computation in the browser that can take the place of pre-rendered pictures.

    Attributes:
        name: of the computation, one of those in `web/src/live/panels.ts`.
        images: pixels in [0, 1], which are sent as bytes.
        facts: whatever else it needs, as JSON knows it.
    """

    name: str
    images: Float[Tensor, "batch 3 height width"]
    facts: dict[str, Any] = field(default_factory=dict)

    def attributes(self) -> str:
        """The attributes of the control's element, with a space before each.

        The data are a `data:` URL, from which the book's build makes a file that is loaded when the button is pressed.
        """
        colours = "".join("".join(f"{part:02x}" for part in row[:3]) for row in colour_table())
        levels = (self.images.detach().cpu().clamp(0, 1) * 255).round().byte()  # batch, 3, height, width
        pixels = base64.b64encode(levels.numpy().tobytes()).decode()
        content = {"shape": list(self.images.shape), "pixels": pixels, "colours": colours, **self.facts}
        packed = gzip.compress(json.dumps(content, sort_keys=True).encode(), mtime=0)
        return f' data-live="{escape(self.name)}" data-live-data="{SCHEME}{base64.b64encode(packed).decode()}"'


def colour_table() -> list[list[int]]:
    """The 256 colours of masks, from 0 to 1, as bytes of red, green, blue and opacity."""
    table: list[list[int]] = colormaps[MASK_COLOURS](range(256), bytes=True).tolist()
    return table
