"""The controls of the chapter on the Explainer: a scene or an uploaded image, and the class to explain."""

from __future__ import annotations

import ipywidgets
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.chapters.controls import scene_list
from helpers.chapters.predictions import class_name
from helpers.classifiers import Classifier
from helpers.methods.explainer import Explainer
from helpers.plots import MASK_COLOURS, show_images
from helpers.widgets import LivePanel
from helpers.widgets.upload import Upload, class_note, upload_button, uploaded_image, wide


@torch.no_grad()
def show_class_mask(explainer: Explainer, images: Float[Tensor, "batch 3 height width"], target: int) -> Figure:
    """One row per image: the image, one class's mask and the kept part, with the class's probability above."""
    classifier = explainer.classifier
    assert isinstance(classifier, Classifier)
    name = class_name(classifier.class_names, target)
    masks = explainer.class_masks(images)[:, target : target + 1]
    kept = images * masks
    before, after = (100 * classifier(pictures).sigmoid()[:, target] for pictures in (images, kept))
    pictures = [picture for row in zip(images, masks, kept, strict=True) for picture in row]
    titles = [
        title
        for row in range(len(images))
        for title in (
            f"{name}: {before[row]:.0f} %",
            f"its mask: {100 * float(masks[row].mean()):.1f} %",
            f"kept part: {after[row]:.0f} %",
        )
    ]
    return show_images(pictures, titles, columns=3, colours=MASK_COLOURS, width=5)


def class_mask_panel(explainer: Explainer, images: Float[Tensor, "batch 3 height width"], *, start: int) -> LivePanel:
    """A list of scenes, a list of classes and an upload; each change draws `show_class_mask`.

    Args:
        explainer: its classifier has class names.
        images: the scenes to choose from; uploads are brought to their size.
        start: the class shown first.
    """
    classifier = explainer.classifier
    assert isinstance(classifier, Classifier)
    names = classifier.class_names
    controls: dict[str, ipywidgets.Widget] = {
        "target": ipywidgets.Dropdown(
            options=[(class_name(names, index), index) for index in range(max(len(names), start + 1))],
            value=start,
            description="Class",
            **wide(),
        ),
        "note": class_note(names),
        "scene": scene_list(len(images)),
        "upload": upload_button(),
    }

    def draw(target: int, scene: int, upload: Upload) -> Figure:
        image = uploaded_image(upload, images[scene])
        return show_class_mask(explainer, image[None], target)

    return LivePanel(draw, controls, label="an image, the mask of the chosen class, and the kept part")
