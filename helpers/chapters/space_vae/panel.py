"""The live controls of the chapter on SpaCE-VAE: a scene or an uploaded image, and β."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.chapters.controls import scene_list
from helpers.chapters.predictions import describe_predictions
from helpers.classifiers import Classifier
from helpers.methods.space_vae import SpaceVAE
from helpers.plots import MASK_COLOURS, show_images
from helpers.widgets import LivePanel
from helpers.widgets.upload import Upload, class_note, upload_button, uploaded_image, wide


def brightness_left(
    images: Float[Tensor, "batch 3 height width"], kept: Float[Tensor, "batch 3 height width"]
) -> Float[Tensor, " batch"]:
    """The brightness of each kept image relative to its image, in percent."""
    return 100 * kept.sum((1, 2, 3)) / images.sum((1, 2, 3)).clamp_min(1e-6)


def show_kept(
    classifier: Classifier, images: Float[Tensor, "batch 3 height width"], method: SpaceVAE, *, width: float | int = 8
) -> Figure:
    """One column per image: the image, the kept image and the kept share of each pixel, with the predictions above."""
    explanation = method.explain(images)
    left = brightness_left(images, explanation.kept).tolist()
    lines = [
        f"{prediction}\nbrightness {share:.0f} %"
        for prediction, share in zip(describe_predictions(classifier, explanation.kept), left, strict=True)
    ]
    return show_images(
        [*images, *explanation.kept, *explanation.mask],
        [*describe_predictions(classifier, images), *lines, *["share kept"] * len(images)],
        columns=len(images),
        colours=MASK_COLOURS,
        width=width,
    )


def show_networks(
    classifier: Classifier,
    images: Float[Tensor, "batch 3 height width"],
    methods: Mapping[str, SpaceVAE],
    *,
    width: float | int = 8.5,
) -> Figure:
    """One row per image: the image, then the kept image of each network, with the predictions above."""
    kept = {name: method.explain(images).kept for name, method in methods.items()}
    predictions = {name: describe_predictions(classifier, pictures) for name, pictures in kept.items()}
    before = describe_predictions(classifier, images)
    pictures, titles = [], []
    for row in range(len(images)):
        pictures += [images[row], *(kept_images[row] for kept_images in kept.values())]
        head = ["the image", *methods] if row == 0 else [""] * (len(methods) + 1)
        described = [before[row], *(described_images[row] for described_images in predictions.values())]
        titles += [f"{name}\n{text}" if name else text for name, text in zip(head, described, strict=True)]
    return show_images(pictures, titles, columns=len(methods) + 1, width=width)


def beta_panel(method: SpaceVAE, images: Float[Tensor, "batch 3 height width"], *, start: float | int) -> LivePanel:
    """A list of scenes, a slider over beta and an upload; each change draws `show_kept`.

    Args:
        method: its network is conditioned on beta, and its classifier has class names.
        images: the scenes to choose from; uploads are resized to their size.
        start: the initial beta.

    Raises:
        ValueError: the network was trained with one beta.
    """
    if not method.network.options.conditioned:
        raise ValueError("a slider over beta needs a network that is conditioned on beta, such as any-beta")
    classifier = method.classifier
    assert isinstance(classifier, Classifier)
    controls: dict[str, ipywidgets.Widget] = {
        "beta": ipywidgets.FloatLogSlider(
            value=float(start), base=10, min=0, max=2, step=0.1, description="β", readout_format=".3g",
            continuous_update=False, **wide(),
        ),
        "scene": scene_list(len(images)),
        "upload": upload_button(),
        "note": class_note(classifier.class_names),
    }  # fmt: skip

    def draw(beta: float, scene: int, upload: Upload) -> Figure:
        image = uploaded_image(upload, images[scene])
        return show_kept(classifier, image[None], method.with_beta(beta), width=3.5)

    return LivePanel(draw, controls, label="an image, its kept image, and the kept share of each pixel's brightness")
