"""Attribution methods: a signed relevance for every entry of an image."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from helpers.core.attribute import Attributable
from helpers.core.inputs import ImageBatch, Target, checked_images, checked_targets, class_names, is_score
from helpers.core.names import NamedOptions
from helpers.core.outputs import checked_logits, class_scores, score_name
from helpers.core.replica import with_frozen_classifier
from helpers.core.runtime import progress
from helpers.core.types import Count


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class AttributionOptions(NamedOptions):
    """The options of every attribution method.

    Attributes:
        score: the explained output: the class's `"confidence"` (softmax; for multi-label classifiers and single logits
            sigmoid), or its `"logit"`.
        batch: images per forward pass, to bound the memory.
    """

    score: Literal["confidence", "logit"] = "confidence"
    batch: Count = 256


class AttributionMethod(Attributable):
    """A method that attributes the score of a class to the entries of an image, with a black baseline.

    The normaliser lies inside the book's classifiers, so that black is 0. The classifier is not modified, even if an
    error occurs.

    Args:
        classifier: pixels in [0, 1] to logits.
        options: of the method; None for the defaults.
        overrides: single options by name, such as `score="logit"`.

    Raises:
        TypeError: the options are of another method.
        ValueError: an option is unknown or out of range.
    """

    name: ClassVar[str]
    Options: ClassVar[type[AttributionOptions]] = AttributionOptions

    def __init__(self, classifier: nn.Module, options: AttributionOptions | None = None, **overrides: Any) -> None:
        self.classifier = classifier
        self.options: Any = self.options_with(options, overrides)  # of the method's own type

    def _relevance(
        self, inputs: ImageBatch, target: Target, *, show_progress: bool = False
    ) -> Float[Tensor, "batch 3 height width"]:
        """The raw attributions, in units of the score: positive for evidence for the class.

        An image's attributions do not depend on the other images of the batch, except for float rounding.

        Args:
            inputs: pixels in [0, 1].
            target: the explained class, by index or name, one for all images or one per image; None for the predicted
                classes.
            show_progress: show a progress bar over batches.

        Raises:
            TypeError, ValueError: the inputs are not images, a target is no class, or the classifier returns no logits.
        """
        inputs = checked_images(inputs, self.classifier, perturbed=True)
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
        return self._as_scores(self.logits(images))

    def _as_scores(self, logits: Float[Tensor, "*batch classes"]) -> Float[Tensor, "*batch classes"]:
        """The scores in double precision: float32 cannot resolve the differences of confidences close to 1."""
        return class_scores(logits.double(), self._score_name(logits.shape[-1]))

    def _score_name(self, classes: int) -> str:
        """The explained output: `"softmax"` or `"sigmoid"` by the classifier's kind, or `"logit"`."""
        return score_name(self.classifier, "auto" if self.options.score == "confidence" else "logit", classes)

    @torch.no_grad()
    def _targets(self, inputs: Tensor, target: Target) -> Int[Tensor, " batch"]:
        """One class per image, checked."""
        if is_score(target):
            raise ValueError("attributions belong to classes: targets are class indices or names, not callables")
        logits = torch.cat([self.logits(batch) for batch in inputs.split(self.options.batch)])
        return checked_targets(target, checked_logits(logits, self.classifier, inputs), class_names(self.classifier))
