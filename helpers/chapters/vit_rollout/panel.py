"""The live controls of the chapter on rollout: an uploaded image, layers, discard ratio, fusion of the heads."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.chapters.predictions import class_name, describe_predictions
from helpers.chapters.vit_rollout.attention import patch_map
from helpers.classifiers import Classifier
from helpers.methods.rollout import AttentionRollout
from helpers.methods.rollout.multiply import FUSIONS
from helpers.plots import MASK_COLOURS, show_images
from helpers.widgets import LivePanel
from helpers.widgets.upload import Upload, chosen_class, class_list, class_note, upload_button, uploaded_image, wide


def show_rollout(
    classifier: Classifier,
    image: Float[Tensor, "3 height width"],
    *,
    layers: int | None = None,
    discard_ratio: float = 0.9,
    fusion: str = "mean",
    target: int | None = None,
) -> Figure:
    """The image, its rollout over the first layers, and its gradient rollout for a class (None: the predicted one)."""
    options = {"discard_ratio": discard_ratio, "fusion": fusion}
    plain = AttentionRollout(classifier, **options)  # type: ignore[arg-type]
    weighted = AttentionRollout(classifier, **options, gradient=True)  # type: ignore[arg-type]
    captured = weighted.capture(image[None], target)
    size = (image.shape[1], image.shape[2])
    pictures = [patch_map(method.rollout(captured, layers=layers)[0], captured, size) for method in (plain, weighted)]
    name = class_name(classifier.class_names, int(captured.targets[0]))
    count = layers or len(captured.layers)
    return show_images(
        [image, *pictures],
        [
            describe_predictions(classifier, image[None])[0],
            f"rollout, {count} layer{'s' if count > 1 else ''}",
            f"gradient rollout, {name}",
        ],
        columns=3,
        colours=MASK_COLOURS,
        width=7,
    )


def rollout_panel(
    classifier: Classifier,
    default_image: Float[Tensor, "3 height width"],
    *,
    layers: int,
    discard_ratios: Sequence[float],
) -> LivePanel:
    """Controls that redraw `show_rollout` at each change.

    Args:
        classifier: a vision transformer that rollout supports.
        default_image: the image before any upload; uploads are cropped to its size.
        layers: the number of the transformer's layers.
        discard_ratios: the values to choose from.
    """
    controls: dict[str, ipywidgets.Widget] = {
        "upload": upload_button(),
        "layers": ipywidgets.IntSlider(layers, 1, layers, description="Layers", continuous_update=False, **wide()),
        "discard_ratio": ipywidgets.SelectionSlider(
            options=[(f"{ratio:g}", float(ratio)) for ratio in discard_ratios],
            value=float(discard_ratios[-1]),
            description="Discarded",
            continuous_update=False,
            **wide(),
        ),
        "fusion": ipywidgets.Dropdown(options=list(FUSIONS), description="Heads", **wide()),
        "target": class_list(classifier.class_names),
        "note": class_note(classifier.class_names),
    }

    def draw(upload: Upload, layers: int, discard_ratio: float, fusion: str, target: int) -> Figure:
        image, chosen = uploaded_image(upload, default_image), chosen_class(target)
        with torch.no_grad():
            return show_rollout(
                classifier, image, layers=layers, discard_ratio=discard_ratio, fusion=fusion, target=chosen
            )

    return LivePanel(draw, controls, label="your image, its rollout and its gradient rollout")
