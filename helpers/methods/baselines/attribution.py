"""Attribution methods: a signed relevance for every entry of an image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from helpers.core.replica import with_frozen_classifier
from helpers.core.runtime import progress
from helpers.core.types import Count
from helpers.methods.baselines.pairs import count_classes, probabilities


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class AttributionOptions:
    """The options of every attribution method.

    Attributes:
        score: the explained output: the class's softmax `"confidence"`, or its `"logit"`.
        batch: images per forward pass, to bound the memory.
    """

    score: Literal["confidence", "logit"] = "confidence"
    batch: Count = 256


class AttributionMethod(ABC):
    """A method that attributes the score of a class to the entries of an image, with a black baseline.

    The normaliser lies inside the book's classifiers, so that black is 0. The classifier is not modified, even if an
    error occurs.

    Args:
        classifier: pixels in [0, 1] to logits.
        options: of the method.
    """

    name: ClassVar[str]
    Options: ClassVar[type[AttributionOptions]] = AttributionOptions

    def __init__(self, classifier: nn.Module, options: AttributionOptions | None = None) -> None:
        self.classifier = classifier
        self.options: Any = options or self.Options()  # of the method's own type
        if not isinstance(self.options, self.Options):
            raise TypeError(f"{self.name} takes {self.Options.__name__}, got {type(self.options).__name__}")

    def attribute(
        self,
        inputs: Float[Tensor, "batch 3 height width"],
        target: int | Int[Tensor, " batch"] | None = None,
        *,
        show_progress: bool = False,
    ) -> Float[Tensor, "batch 3 height width"]:
        """The raw attributions, in units of the score: positive for evidence for the class.

        An image's attributions do not depend on the other images of the batch, except for float rounding.

        Args:
            inputs: pixels in [0, 1].
            target: the explained class, one for all images or one per image; None for the predicted classes.
            show_progress: show a progress bar over batches.

        Raises:
            ValueError: the inputs are not images, or a target is not the index of a class.
        """
        if inputs.ndim != 4 or not inputs.is_floating_point():
            raise ValueError(f"expected floats of shape (batch, 3, height, width), got {inputs.dtype} {inputs.shape}")
        inputs = inputs.detach()
        if not len(inputs):
            return torch.zeros_like(inputs)
        method = with_frozen_classifier(self)
        targets = method._targets(inputs, target)
        size = method._images_at_once(inputs)
        batches = progress(
            list(zip(inputs.split(size), targets.split(size), strict=True)), label=self.name, show=show_progress
        )
        return torch.cat([method._attribute(images, classes).detach() for images, classes in batches])

    @abstractmethod
    def _images_at_once(self, inputs: Float[Tensor, "batch 3 height width"]) -> int:
        """The largest number of images per call of `_attribute`."""

    @abstractmethod
    def _attribute(
        self, images: Float[Tensor, "batch 3 height width"], targets: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """The attributions of a batch; the classifier is frozen and in eval mode."""

    def _scores(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes"]:
        """The scores of all classes."""
        return self._as_scores(self.classifier(images))

    def _as_scores(self, logits: Float[Tensor, "*batch classes"]) -> Float[Tensor, "*batch classes"]:
        """The scores in double precision: float32 cannot resolve the differences of confidences close to 1."""
        return probabilities(logits.double(), "softmax" if self.options.score == "confidence" else "logit")

    @torch.no_grad()
    def _targets(self, inputs: Tensor, target: int | Tensor | None) -> Int[Tensor, " batch"]:
        """One class per image, checked."""
        if target is None:
            return torch.cat([self.classifier(batch).argmax(1) for batch in inputs.split(self.options.batch)])
        targets = torch.as_tensor(target, device=inputs.device)
        if targets.is_floating_point() or targets.shape not in {(), (len(inputs),)}:
            raise ValueError(
                f"target must be one class, or one for each of {len(inputs)} images, as integers, got {target}"
            )
        classes = count_classes(self.classifier, inputs)
        if classes is None or not bool(((targets >= 0) & (targets < classes)).all()):
            raise ValueError(f"target must lie in 0..{(classes or 0) - 1}, got {target}")
        return targets.long().expand(len(inputs))
