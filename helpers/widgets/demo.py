"""The live demo of a chapter: explain an uploaded photograph, for any class and λk."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets
from jaxtyping import Float
from torch import Tensor

from helpers.widgets.frames import Picture
from helpers.widgets.live import LivePanel
from helpers.widgets.static import write_value
from helpers.widgets.upload import Upload, chosen_class, class_list, class_note, upload_button, uploaded_image, wide


def explain_own_image(
    explain: Callable[[Float[Tensor, "3 height width"], float, int | None], Picture],
    default_image: Float[Tensor, "3 height width"],
    *,
    class_names: Sequence[str],
    sparsity_weights: Sequence[float | int],
    start: float | int | None = None,
    label: str = "your image and its explanation",
) -> LivePanel:
    """Controls to upload a photograph and to choose λk and the class, with a button that explains it.

    Args:
        explain: called as `explain(image, sparsity_weight, target)`, where target is a class or None for the predicted
            one; returns a figure, a tensor or a PIL image. It is called once here, with the default image.
        default_image: explained before the first upload, in [0, 1]; uploads are resized to its size.
        class_names: the classes to choose from.
        sparsity_weights: the values of λk to choose from.
        start: the initial λk; by default the middle one.
        label: the alternative text of the picture.

    Returns:
        A panel; show it with `with_live_controls(static, lambda: explain_own_image(...))`.

    Raises:
        Exception: whatever `explain` raises for the default image.
    """
    weights = list(sparsity_weights)
    controls: dict[str, ipywidgets.Widget] = {
        "upload": upload_button(),
        "sparsity_weight": ipywidgets.SelectionSlider(
            options=[(write_value(weight), float(weight)) for weight in weights],
            value=float(weights[len(weights) // 2] if start is None else start),
            description="λk",
            **wide(),
        ),
        "target": class_list(class_names),
        "note": class_note(class_names),
        "button": ipywidgets.Button(description="Explain", button_style="primary"),
    }

    def draw(upload: Upload, sparsity_weight: float, target: int) -> Picture:
        return explain(uploaded_image(upload, default_image), sparsity_weight, chosen_class(target))

    return LivePanel(draw, controls, label=label)
