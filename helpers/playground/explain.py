"""An explanation of an image file, as the command line writes it: the bundle that the live page saves, too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.classifiers import load_classifier
from helpers.core.explanation import Explanation
from helpers.core.names import known_names
from helpers.data.images import load_image
from helpers.methods.baselines.grad_cam import GradCAM
from helpers.methods.rde import CartoonX, PixelRDE

METHODS = {"cartoonx": CartoonX, "pixel-rde": PixelRDE, "grad-cam": GradCAM}
"""The methods by the names that the live page gives them."""


@dataclass(frozen=True)
class Explained:
    """What `explain_file` found.

    Attributes:
        explanation: of one image.
        settings: as the bundle has them.
        summary: a line for people.
    """

    explanation: Explanation
    settings: dict[str, Any]
    summary: str


def explain_file(
    image: Path,
    save: Path,
    *,
    method: str = "cartoonx",
    classifier: str = "scenes-cnn",
    target: str | None = None,
    size: int | None = None,
    **options: Any,
) -> Explained:
    """Explain the prediction for an image file, and write an evidence bundle (`helpers.core.evidence`).

    Args:
        image: the file of a picture.
        save: the bundle, NAME.zip; one of this name is replaced.
        method: one of `METHODS`.
        classifier: a name that `load_classifier` knows.
        target: the class to explain, by name; default: the predicted one.
        size: the side in pixels to which the picture is scaled and cropped; default: the classifier's own.
        options: of the method, such as `sparsity_weight` and `steps`.

    Raises:
        FileNotFoundError, UnreadableImageError: there is no such picture, or it cannot be read.
        ValueError: a name is unknown, or the bundle's name does not end in `.zip`.
    """
    if method not in METHODS:
        raise ValueError(f"there is no method {method!r}{known_names(method, METHODS, 'use one of')}")
    if save.suffix != ".zip":
        raise ValueError(f"{save}: an evidence bundle is a file NAME.zip")
    loaded = load_classifier(classifier)
    names = list(loaded.class_names or ())
    if target is not None and target not in names:
        raise ValueError(f"{classifier} has no class {target!r}{known_names(target, names, 'use one of')}")
    pixels = load_image(image, size or loaded.input_size, "crop")[None]  # 1, 3, height, width
    chosen = {} if target is None else {"targets": names.index(target)}
    found = METHODS[method](loaded, **options).explain(pixels, **chosen)
    settings = {"method": method, "classifier": classifier, "options": options, "image": image.name, "classes": names}
    found.save(save, images=pixels, settings=settings)
    explained = int(found.targets[0])
    name = names[explained] if names else f"class {explained}"
    summary = f"{save}: {method} for {name}, the mask is {float(found.mask.mean()):.1%} on average"
    return Explained(found, settings, summary)
