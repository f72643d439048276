"""Controls shared by the live panels of the chapters."""

from __future__ import annotations

from typing import Any

import ipywidgets
from jaxtyping import Float
from torch import Tensor

from helpers.data.images import load_image


def wide() -> dict[str, Any]:
    """Arguments of a control with room for its description."""
    return {"style": {"description_width": "8em"}, "layout": ipywidgets.Layout(width="32em", max_width="100%")}


def scene_list(count: int) -> ipywidgets.Dropdown:
    """A list of `count` scenes by number."""
    options = [(f"scene {index + 1}", index) for index in range(count)]
    return ipywidgets.Dropdown(options=options, description="Scene", **wide())


def upload_button() -> ipywidgets.FileUpload:
    """A button to upload one image."""
    return ipywidgets.FileUpload(accept="image/*", multiple=False, description="Your image")


def uploaded_image(upload: tuple, default: Float[Tensor, "3 height width"]) -> Float[Tensor, "3 height width"]:
    """The uploaded image, cropped to the size of the default one; the default where nothing was uploaded.

    Raises:
        ValueError: the file is not an image; the message names it.
    """
    if not upload:
        return default
    try:
        return load_image(bytes(upload[0]["content"]), size=(default.shape[-2], default.shape[-1]), resize="crop")
    except ValueError as error:
        raise ValueError(f"your image {upload[0]['name']} cannot be used: {error}") from error
