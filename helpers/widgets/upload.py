"""Controls for a reader's own image: the upload, the class to explain, and a note of what the classifier can name."""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets
from jaxtyping import Float
from torch import Tensor

from helpers.data.decoding import picture_size
from helpers.data.images import load_image
from helpers.widgets.live import ReaderError

Upload = Sequence[Mapping[str, Any]] | Mapping[str, Any]
"""The value of `upload_button`: in ipywidgets 8 a tuple of files, in ipywidgets 7, as on Colab, files by name."""

MOST_BYTES, MOST_PIXELS = 40_000_000, 100_000_000
"""The largest file that can be uploaded, and the largest picture; as on the page "Try it" (web/src/playground)."""

PREDICTED = "the predicted class"
_SHOWN = 12  # names in the note; a list has them all


def wide() -> dict[str, Any]:
    """Arguments of a control with room for its description."""
    return {"style": {"description_width": "8em"}, "layout": ipywidgets.Layout(width="32em", max_width="100%")}


def upload_button() -> ipywidgets.FileUpload:
    """A button to upload one image."""
    return ipywidgets.FileUpload(accept="image/*", multiple=False, description="Your image")


def class_list(class_names: Sequence[str], *, start: int | None = None) -> ipywidgets.Dropdown:
    """A list of classes that begins with the predicted one; its value is read with `chosen_class`.

    Args:
        class_names: in the order of the logits; there may be none.
        start: the class chosen first; None: the predicted one.
    """
    # a value of None would be no choice at all, and the list would look empty
    options = [(PREDICTED, -1), *((str(name) or f"class {index}", index) for index, name in enumerate(class_names))]
    return ipywidgets.Dropdown(options=options, value=-1 if start is None else start, description="Class", **wide())


def chosen_class(value: int) -> int | None:
    """The class of a value of `class_list`; None for the predicted one."""
    return None if value < 0 else value


def class_note(class_names: Sequence[str]) -> ipywidgets.HTML:
    """What the classifier can name, so that nobody wonders about a fish on a photograph of a friend."""
    shown = ", ".join(str(name) for name in class_names[:_SHOWN])
    if not class_names:
        text = "This classifier has no names for its classes; they are numbered."
    elif len(class_names) <= _SHOWN:
        text = f"This classifier knows {shown}, and nothing else: every image gets one of these names."
    else:
        text = (
            f"This classifier knows {len(class_names):,} classes ({shown} …), and nothing else: every image gets one "
            "of their names."
        )
    return ipywidgets.HTML(f"<small>{html.escape(text)}</small>")


def uploaded_image(upload: Upload, default: Float[Tensor, "3 height width"]) -> Float[Tensor, "3 height width"]:
    """The uploaded image, cropped to the size of the default one; the default where nothing was uploaded.

    Raises:
        ReaderError: the file cannot be used; the message names it, the reason and the remedy.
    """
    if not upload:
        return default
    if isinstance(upload, Mapping):
        name, entry = next(iter(upload.items()))
    else:
        name, entry = upload[0]["name"], upload[0]
    file = _Named(_bounded(str(name), memoryview(entry["content"])))
    file.name = str(name)
    try:
        height, width = picture_size(file)
        if height * width <= MOST_PIXELS:
            return load_image(file, size=(default.shape[-2], default.shape[-1]), resize="crop")
    except (ValueError, OSError, MemoryError) as error:
        raise ReaderError(str(error) or f"{file.name} needs more memory than there is; reduce it first") from error
    raise ReaderError(
        f"{name} has {width} x {height} pixels; at most {MOST_PIXELS / 1e6:.0f} million can be read here: reduce it "
        "first"
    )


def _bounded(name: str, content: memoryview) -> bytes:
    """The bytes of an uploaded file, if they are not too many."""
    if content.nbytes > MOST_BYTES:
        raise ReaderError(
            f"{name} has {content.nbytes / 1e6:.0f} MB; at most {MOST_BYTES / 1e6:.0f} MB can be read here: reduce it "
            "first"
        )
    return bytes(content)


class _Named(io.BytesIO):
    """A file in memory with its name, which messages use."""

    name = ""
