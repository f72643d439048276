"""A classifier's judgement of pictures that were made from the photograph."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from helpers.classifiers import Classifier, load_classifier
from helpers.core.files import data_file, file_digest
from helpers.results import none_if_missing

CATS = tuple(range(281, 286))
"""ImageNet's classes of domestic cats: tabby, tiger cat, Persian, Siamese and Egyptian."""

OTHERS = ("tf_mobilenetv3_small_100", "squeezenet1_1", "deit_tiny_patch16_224", "vit_tiny_patch16_224")
"""Networks of the 1000 ImageNet classes that were not explained."""


class Judge:
    """A classifier and its prediction for the photograph.

    Args:
        classifier: pixels in [0, 1] to logits of the 1000 ImageNet classes.
        image: the photograph.
    """

    def __init__(self, classifier: Classifier, image: Float[Tensor, "1 3 size size"]) -> None:
        self.classifier, self.image = classifier, image
        self.target = int(self._probabilities(image).argmax())

    def __call__(self, picture: Float[Tensor, "1 3 size size"]) -> dict[str, float | str]:
        """The predicted class, the probability of the photograph's class, and that of all domestic cats together."""
        found = self._probabilities(picture)
        return {
            "class": self.classifier.class_names[int(found.argmax())],
            "probability": float(found[self.target]),
            "cats": float(found[list(CATS)].sum()),
        }

    @torch.no_grad()
    def _probabilities(self, picture: Float[Tensor, "1 3 size size"]) -> Float[Tensor, " classes"]:
        size = self.classifier.fixed_size
        if size is not None and picture.shape[-2:] != size:
            picture = functional.interpolate(picture, size, mode="bilinear", antialias=True).clamp(0, 1)
        return self.classifier(picture).softmax(-1)[0]


def load_other(name: str) -> Classifier:
    """One of the networks `OTHERS`, from the data folder.

    Raises:
        ValueError, FileNotFoundError: `XAIBOOK_DATA` is not set, or lacks the file.
    """
    return load_classifier(name, weights=data_file(f"models/{name}.safetensors"))


def other_digests() -> dict[str, str | None]:
    """The digests of the networks' files; None for those that are not on this machine."""
    files = {name: f"models/{name}.safetensors" for name in OTHERS}
    return {name: none_if_missing(lambda file=file: file_digest(data_file(file))) for name, file in files.items()}
