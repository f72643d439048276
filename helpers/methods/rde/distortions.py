"""The distortion: the distance between the classifier's outputs on an image and on its obfuscation."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from helpers.methods.rde.options import Distortion

Target = int | Int[Tensor, " batch"] | Callable[[Tensor], Tensor] | None
Images = slice | Int[Tensor, " some"] | Bool[Tensor, " batch"]  # an index into a batch


class DistortionMeasure:
    """The distortion between obfuscations and their images, both given by the classifier's logits.

    - `label`: (p_t(x) - p_t(y))², with p_t the probability of the target class: the papers' choice;
    - `maximise`: (1 - p_t(y))²;
    - `l2`: the Euclidean norm, not squared, of the difference of the two probability vectors;
    - `kl`: the Kullback-Leibler divergence of the obfuscation's probabilities from the image's.

    If the target is a callable on logits, `label` is the squared difference of its two values.

    The label distortion is at most max(p², (1 - p)²), with p = p_t(x), and that of an all-zero mask is about p²: the
    less confident the classifier, the cheaper an empty mask. `relative` divides by p² (and `l2` by the norm of the
    image's probabilities), so that the empty mask costs about 1 for every image.

    Args:
        name: one of the four.
        logits: the classifier's output on the images.
        target: one class for all images, one per image, a callable `logits -> (batch,)`, or None for the predicted
            class.
        relative: normalise as above; for `label` and `l2` only.

    Raises:
        ValueError: the target does not fit the logits or the distortion.
    """

    def __init__(
        self,
        name: Distortion,
        logits: Float[Tensor, "batch classes"],
        target: Target = None,
        *,
        relative: bool = False,
    ) -> None:
        if relative and name not in ("label", "l2"):
            raise ValueError(f"distortion {name!r} has no relative form; use 'label' or 'l2'")
        self.name = name
        self.score = target if callable(target) else None
        self.targets = self._targets(logits, target)
        if self.score is not None and name == "maximise":
            raise ValueError("distortion 'maximise' needs a class as target, not a callable; use 'label'")
        self.probabilities = logits.softmax(-1)
        self.reference = self._score(logits)
        self.scale = self._scale() if relative else torch.ones_like(self.reference)

    def _scale(self) -> Tensor:
        """(batch,): the distortion of an all-zero output."""
        scale = self.reference.square() if self.name == "label" else self.probabilities.norm(dim=-1)
        return scale.clamp_min(torch.finfo(scale.dtype).eps)

    def select(self, images: Images) -> DistortionMeasure:
        """The same measure for some images of the batch."""
        subset = copy(self)
        subset.targets, subset.reference = self.targets[images], self.reference[images]
        subset.probabilities, subset.scale = self.probabilities[images], self.scale[images]
        return subset

    @staticmethod
    def _targets(logits: Tensor, target: Target) -> Tensor:
        batch, classes = logits.shape
        if callable(target):
            return torch.full((batch,), -1, dtype=torch.long, device=logits.device)
        if target is None:
            return logits.argmax(-1)
        targets = torch.as_tensor(target, device=logits.device).long()
        if targets.shape not in ((), (1,), (batch,)):
            raise ValueError(
                f"targets of shape {tuple(targets.shape)} do not fit {batch} images: give one class per image"
            )
        targets = targets.expand(batch)
        if batch and not (int(targets.min()) >= 0 and int(targets.max()) < classes):
            raise ValueError(f"targets {targets.tolist()} are not all among the {classes} classes 0 to {classes - 1}")
        return targets

    def _score(self, logits: Tensor) -> Tensor:
        """(..., batch, classes) -> (..., batch): the target's score, whose change is the label distortion."""
        if self.score is not None:
            return self.score(logits.flatten(0, -2)).reshape(logits.shape[:-1])
        index = self.targets.expand(logits.shape[:-1]).unsqueeze(-1)
        return logits.softmax(-1).gather(-1, index).squeeze(-1)

    def __call__(self, logits: Float[Tensor, "samples batch classes"]) -> Float[Tensor, "samples batch"]:
        """The distortion of each obfuscation, at least 0."""
        return self._absolute(logits) / self.scale

    def _absolute(self, logits: Tensor) -> Tensor:
        if self.name == "label":
            return (self._score(logits) - self.reference).square()
        if self.name == "maximise":
            return (1 - self._score(logits)).square()
        if self.name == "l2":
            # the root has no gradient at 0, the value at an all-ones mask
            return ((logits.softmax(-1) - self.probabilities).square().sum(-1) + 1e-12).sqrt()
        log_ratio = self.probabilities.clamp_min(1e-12).log() - logits.log_softmax(-1)
        return (self.probabilities * log_ratio).sum(-1).clamp_min(0)
