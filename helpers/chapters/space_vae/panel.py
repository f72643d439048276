"""The controls of the chapter on SpaCE-VAE: a scene or your image, and the price of doubt."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.chapters.space_vae.drawings import draw_grids
from helpers.chapters.words import tell_predictions
from helpers.classifiers import Classifier
from helpers.data.images import load_image
from helpers.methods.space_vae import SpaceVAE
from helpers.plots import MASK_COLOURS, show_images
from helpers.widgets import LivePanel


def brightness_left(
    images: Float[Tensor, "batch 3 height width"], kept: Float[Tensor, "batch 3 height width"]
) -> Float[Tensor, " batch"]:
    """How much of each image's brightness its kept image has, in percent."""
    return 100 * kept.sum((1, 2, 3)) / images.sum((1, 2, 3)).clamp_min(1e-6)


def show_kept(
    classifier: Classifier, images: Float[Tensor, "batch 3 height width"], method: SpaceVAE, *, width: float | int = 8
) -> Figure:
    """Images (a column each), what is kept of them, and the share of each pixel; above, the classifier's answers."""
    found = method.explain(images)
    left = brightness_left(images, found.kept).tolist()
    lines = [
        f"{words}\nbrightness {share:.0f} %"
        for words, share in zip(tell_predictions(classifier, found.kept), left, strict=True)
    ]
    return show_images(
        [*images, *found.kept, *found.mask],
        [*tell_predictions(classifier, images), *lines, *["share kept"] * len(images)],
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
    """A row per image: the image, then what each network keeps of it, with the classifier's answers above."""
    kept = {name: method.explain(images).kept for name, method in methods.items()}
    told = {name: tell_predictions(classifier, pictures) for name, pictures in kept.items()}
    before = tell_predictions(classifier, images)
    pictures, titles = [], []
    for row in range(len(images)):
        pictures += [images[row], *(some[row] for some in kept.values())]
        head = ["the image", *methods] if row == 0 else [""] * (len(methods) + 1)
        answers = [before[row], *(words[row] for words in told.values())]
        titles += [f"{name}\n{answer}" if name else answer for name, answer in zip(head, answers, strict=True)]
    return show_images(pictures, titles, columns=len(methods) + 1, width=width)


def show_grid_of(classifier: Classifier, images: Float[Tensor, "batch 3 height width"], method: SpaceVAE) -> Figure:
    """Images, their grids of codes as colours, and what the decoder makes of these, all by one network."""
    network = method.network
    bits = f"{network.options.grid} × {network.options.grid} codes"
    return draw_grids(
        images, method.codes(images), method.explain(images).kept, network.quantiser.codebook,
        titles=("the image", bits, "decoded"), numbers=0,
    )  # fmt: skip


def beta_panel(method: SpaceVAE, images: Float[Tensor, "batch 3 height width"], *, start: float | int) -> LivePanel:
    """A list of scenes, a slider over beta and an upload; each change draws `show_kept`.

    Args:
        method: of a network that is conditioned on beta, for a classifier with class names.
        images: the scenes to choose from; uploads are brought to their size.
        start: the beta that is shown first.

    Raises:
        ValueError: the network was trained with one beta.
    """
    if not method.network.options.conditioned:
        raise ValueError("a slider over beta needs a network that is conditioned on beta, such as any-beta")
    classifier = method.classifier
    assert isinstance(classifier, Classifier)
    wide = {"style": {"description_width": "8em"}, "layout": ipywidgets.Layout(width="32em", max_width="100%")}
    controls: dict[str, ipywidgets.Widget] = {
        "beta": ipywidgets.FloatLogSlider(
            value=float(start), base=10, min=0, max=2, step=0.1, description="β", readout_format=".3g",
            continuous_update=False, **wide,
        ),
        "scene": ipywidgets.Dropdown(
            options=[(f"scene {place + 1}", place) for place in range(len(images))], description="Scene", **wide
        ),
        "upload": ipywidgets.FileUpload(accept="image/*", multiple=False, description="Your image"),
    }  # fmt: skip
    size = (int(images.shape[-2]), int(images.shape[-1]))

    def draw(beta: float, scene: int, upload: tuple) -> Figure:
        image = images[scene]
        if upload:
            try:
                image = load_image(bytes(upload[0]["content"]), size=size, resize="crop")
            except ValueError as error:
                raise ValueError(f"your image {upload[0]['name']} cannot be used: {error}") from error
        return show_kept(classifier, image[None], method.with_beta(beta), width=3.5)

    return LivePanel(draw, controls, label="an image, what is kept of it, and the share of each pixel's brightness")
