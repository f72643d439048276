"""Ablation of the Explainer's loss on a single scene, without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from helpers.core.class_masks import merge_classes
from helpers.methods.explainer.loss import ExplainerLoss

TERMS = ("classification", "entropy", "area_target", "area_other", "bound", "smoothness")

CUMULATIVE_TERMS: dict[str, tuple[str, ...]] = {
    "classification": TERMS[:1],
    "+ entropy": TERMS[:2],
    "+ areas": TERMS[:4],
    "+ bounds": TERMS[:5],
    "+ smoothness": TERMS,
}
"""Each setting adds a term to the one before; the two areas count as one."""

ABLATED_TERMS: dict[str, tuple[str, ...]] = {
    f"no {name}": tuple(term for term in TERMS if term not in terms)
    for name, terms in {
        "classification": ("classification",),
        "entropy": ("entropy",),
        "areas": ("area_target", "area_other"),
        "bounds": ("bound",),
    }.items()
}
"""Each setting lacks one term; the one without smoothness is in `CUMULATIVE_TERMS`."""


@dataclass(frozen=True)
class MaskSearch:
    """The class masks of one scene, optimised under several settings of the loss.

    Attributes:
        settings: the names of the settings.
        steps: the steps after which masks were recorded.
        masks: the class masks at these steps, in [0, 1].
        terms: all unweighted terms of the loss at these steps, in the order of `TERMS`.
    """

    settings: tuple[str, ...]
    steps: tuple[int, ...]
    masks: Float[Tensor, "settings steps classes height width"]
    terms: Float[Tensor, "settings steps terms"]

    def merged(
        self, classes: Bool[Tensor, "1 classes"], checkpoint: int = -1
    ) -> Float[Tensor, "settings 1 height width"]:
        """The masks of some classes merged by their pixelwise maximum, at one of the recorded steps."""
        masks = self.masks[:, checkpoint]
        return merge_classes(masks, classes.expand(len(masks), -1))

    def only(self, settings: Sequence[str]) -> MaskSearch:
        """Some of the settings, in the order given."""
        rows = [self.settings.index(name) for name in settings]
        return MaskSearch(tuple(settings), self.steps, self.masks[rows], self.terms[rows])


def search_masks(
    loss: ExplainerLoss,
    classifier: nn.Module,
    image: Float[Tensor, "1 3 height width"],
    labels: Bool[Tensor, "1 classes"],
    settings: Mapping[str, Sequence[str]],
    *,
    record: Sequence[int] = (0, 10, 30, 60, 120),
    grid: int = 12,
    learning_rate: float = 0.2,
    start: float | int = 2.0,
    spread: float = 0.02,
    seed: int = 0,
) -> MaskSearch:
    """Optimise the class masks of one image with Adam, without a network, separately for each setting of the loss.

    The variables are the masks' logits on a coarse grid, which is upsampled by interpolation. All masks start with
    nearly everything kept. A variable per pixel would find one of the many noise-like masks that suit the classifier.

    Args:
        loss: gives the terms and their weights.
        classifier: pixels in [0, 1] to logits; frozen.
        image: the image.
        labels: which classes it shows.
        settings: by name, the terms of the loss.
        record: the steps after which to record the masks; the last one is the number of steps.
        grid: the side of the grid of variables.
        learning_rate: of Adam.
        start, spread: mean and standard deviation of the starting logits.
        seed: of the starting logits, the same for all settings.

    Raises:
        ValueError: a setting names a term that does not exist, or `record` does not ascend from 0 or more.
    """
    unknown = {term for terms in settings.values() for term in terms} - set(TERMS)
    if unknown or not settings:
        raise ValueError(f"settings must name terms out of {', '.join(TERMS)}; unknown: {', '.join(sorted(unknown))}")
    if list(record) != sorted(set(record)) or not record or record[0] < 0:
        raise ValueError(f"record={tuple(record)} must ascend, from 0 or more")
    count = len(settings)
    noise = torch.randn((1, labels.shape[1], grid, grid), generator=torch.Generator().manual_seed(seed))
    logits = (start + spread * noise).to(image).repeat(count, 1, 1, 1).requires_grad_()
    batch = (image.expand(count, -1, -1, -1), labels.expand(count, -1))
    weights = torch.tensor([[loss.weights[term] * (term in terms) for term in TERMS] for terms in settings.values()])
    # the factor undoes the loss's mean over the batch, as the settings are separate
    weights = count * weights.to(image)[..., None, None, None]
    adam = torch.optim.Adam([logits], lr=learning_rate)
    masks, terms = [], []
    for step in range(record[-1] + 1):
        fine = functional.interpolate(logits, image.shape[-2:], mode="bilinear", align_corners=False)
        if step in record:
            masks.append(fine.detach().sigmoid())
            terms.append(_terms(loss, classifier, image, labels, fine.detach()))
        if step < record[-1]:
            values = loss.terms(classifier, *batch, fine)
            gradients = [torch.autograd.grad(values[term], logits, retain_graph=True)[0] for term in TERMS]
            # a setting's masks affect its own batch entry only, so each setting sums the gradients of its terms
            logits.grad = (weights * torch.stack(gradients, 1)).sum(1)
            adam.step()
    return MaskSearch(tuple(settings), tuple(record), torch.stack(masks, 1), torch.stack(terms, 1))


@torch.no_grad()
def _terms(loss: ExplainerLoss, classifier: nn.Module, image: Tensor, labels: Tensor, logits: Tensor) -> Tensor:
    """The terms of each setting's masks, (settings, terms)."""
    terms = [loss.terms(classifier, image, labels, mask_logits[None]) for mask_logits in logits]
    return torch.stack([torch.stack([values[term] for term in TERMS]) for values in terms])
