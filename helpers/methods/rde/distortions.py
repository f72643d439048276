"""The distortion: the distance between the classifier's outputs on an image and on its obfuscation."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from helpers.core.inputs import Target, checked_targets, is_score
from helpers.core.outputs import checked_score, class_scores, target_scores
from helpers.methods.rde.options import Distortion

Images = slice | Int[Tensor, " some"] | Bool[Tensor, " batch"]  # an index into a batch


class DistortionMeasure:
    """The distortion between obfuscations and their images, both given by the classifier's logits.

    - `label`: (p_t(x) - p_t(y))², with p_t the probability of the target class: the papers' choice;
    - `maximise`: (1 - p_t(y))²;
    - `l2`: the Euclidean norm, not squared, of the difference of the two probability vectors;
    - `kl`: Σ p(x) log (p(x) / p(y)), the Kullback-Leibler divergence of the obfuscation's probabilities from the
      image's. Both reproductions compute the other direction, which is infinite where p(x) is 0.

    If the target is a callable on logits, `label` is the squared difference of its two values.

    Probabilities are softmax, or one sigmoid per class for multi-label classifiers; their `kl` is the sum over classes.

    The label distortion is at most max(p², (1 - p)²), with p = p_t(x), and that of an all-zero mask is about p²: the
    less confident the classifier, the cheaper an empty mask. `relative` divides by p² (and `l2` by the norm of the
    image's probabilities), so that the empty mask costs about 1 for every image.

    Args:
        name: one of the four.
        logits: the classifier's output on the images.
        target: one class for all images, one per image, a callable `logits -> (batch,)` or one per image, or None for
            the predicted class.
        relative: normalise as above; for `label` and `l2` only. None: only for callables, whose values can have any
            unit, which would otherwise decide the mask.
        score: `"softmax"` or `"sigmoid"`.
        names: the names of the classes, if targets are names.

    Raises:
        TypeError, ValueError: the target does not fit the logits or the distortion.
    """

    def __init__(
        self,
        name: Distortion,
        logits: Float[Tensor, "batch classes"],
        target: Target = None,
        *,
        relative: bool | None = None,
        score: Literal["softmax", "sigmoid"] = "softmax",
        names: Sequence[str] | None = None,
    ) -> None:
        if relative and name not in ("label", "l2"):
            raise ValueError(f"distortion {name!r} has no relative form; use 'label' or 'l2'")
        self.name, self.score = name, score
        self.target = target if is_score(target) else None  # the callables
        self.targets = checked_targets(target, logits, names)
        checked_score(target, logits)
        if self.target is not None and name == "maximise":
            raise ValueError("distortion 'maximise' needs a class as target, not a callable; use 'label'")
        self.probabilities = class_scores(logits, score)
        self.reference = self._score(logits)
        relative = self.target is not None and name == "label" if relative is None else relative
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
        if isinstance(self.target, list | tuple):
            subset.target = [self.target[index] for index in torch.arange(len(self.targets))[images].tolist()]
        return subset

    def _score(self, logits: Tensor) -> Tensor:
        """(..., batch, classes) -> (..., batch): the target's score, whose change is the label distortion."""
        if self.target is not None:
            return target_scores(self.target, logits)
        index = self.targets.expand(logits.shape[:-1]).unsqueeze(-1)
        return class_scores(logits, self.score).gather(-1, index).squeeze(-1)

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
            return ((class_scores(logits, self.score) - self.probabilities).square().sum(-1) + 1e-12).sqrt()
        before = self.probabilities
        if self.score == "sigmoid":
            shown = before.clamp_min(1e-12).log() - functional.logsigmoid(logits)
            hidden = (1 - before).clamp_min(1e-12).log() - functional.logsigmoid(-logits)
            return (before * shown + (1 - before) * hidden).sum(-1).clamp_min(0)
        log_ratio = before.clamp_min(1e-12).log() - logits.log_softmax(-1)
        return (before * log_ratio).sum(-1).clamp_min(0)
