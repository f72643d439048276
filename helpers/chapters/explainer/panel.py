"""The controls of the chapter on the Explainer: a scene or your image, and the class to ask for."""

from __future__ import annotations

import ipywidgets
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.classifiers import Classifier
from helpers.data.images import load_image
from helpers.methods.explainer import Explainer
from helpers.plots import MASK_COLOURS, show_images
from helpers.widgets import LivePanel


@torch.no_grad()
def show_class_of(explainer: Explainer, images: Float[Tensor, "batch 3 height width"], target: int) -> Figure:
    """For each image (a row): the image, one class's mask, and what that keeps; above, the class's probability."""
    classifier = explainer.classifier
    assert isinstance(classifier, Classifier)
    name = classifier.class_names[target]
    masks = explainer.class_masks(images)[:, target : target + 1]
    kept = images * masks
    before, after = (100 * classifier(some).sigmoid()[:, target] for some in (images, kept))
    pictures = [one for row in zip(images, masks, kept, strict=True) for one in row]
    titles = [
        title
        for row in range(len(images))
        for title in (
            f"{name}: {before[row]:.0f} %",
            f"its mask: {100 * float(masks[row].mean()):.1f} %",
            f"what is kept: {after[row]:.0f} %",
        )
    ]
    return show_images(pictures, titles, columns=3, colours=MASK_COLOURS, width=6)


def class_mask_panel(explainer: Explainer, images: Float[Tensor, "batch 3 height width"], *, start: int) -> LivePanel:
    """A list of scenes, a list of classes and an upload; each change draws `show_class_of`.

    Args:
        explainer: of a classifier with class names.
        images: the scenes to choose from; uploads are brought to their size.
        start: the class that is shown first.
    """
    classifier = explainer.classifier
    assert isinstance(classifier, Classifier)
    wide = {"style": {"description_width": "8em"}, "layout": ipywidgets.Layout(width="32em", max_width="100%")}
    controls: dict[str, ipywidgets.Widget] = {
        "target": ipywidgets.Dropdown(
            options=[(name, index) for index, name in enumerate(classifier.class_names)],
            value=start,
            description="Class",
            **wide,
        ),
        "scene": ipywidgets.Dropdown(
            options=[(f"scene {place + 1}", place) for place in range(len(images))], description="Scene", **wide
        ),
        "upload": ipywidgets.FileUpload(accept="image/*", multiple=False, description="Your image"),
    }
    size = (int(images.shape[-2]), int(images.shape[-1]))

    def draw(target: int, scene: int, upload: tuple) -> Figure:
        image = images[scene]
        if upload:
            try:
                image = load_image(bytes(upload[0]["content"]), size=size, resize="crop")
            except ValueError as error:
                raise ValueError(f"your image {upload[0]['name']} cannot be used: {error}") from error
        return show_class_of(explainer, image[None], target)

    return LivePanel(draw, controls, label="an image, the mask of the class that you chose, and what the mask keeps")
