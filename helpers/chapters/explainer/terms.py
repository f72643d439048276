"""The terms of the Explainer's loss, switched on one by one on a single scene."""

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

SWITCHED_ON: dict[str, tuple[str, ...]] = {
    "classification": TERMS[:1],
    "+ entropy": TERMS[:2],
    "+ areas": TERMS[:4],
    "+ bounds": TERMS[:5],
    "+ smoothness": TERMS,
}
"""Each setting has one term more than the one before; the two areas come together."""

LEFT_OUT: dict[str, tuple[str, ...]] = {
    f"no {name}": tuple(term for term in TERMS if term not in terms)
    for name, terms in {
        "classification": ("classification",),
        "entropy": ("entropy",),
        "areas": ("area_target", "area_other"),
        "bounds": ("bound",),
    }.items()
}
"""Each setting has all terms but one; without smoothness it would be the last but one of `SWITCHED_ON`."""


@dataclass(frozen=True)
class MaskSearch:
    """What some settings of the loss made of one scene's class masks, as they were searched for.

    Attributes:
        settings: the names of the settings.
        steps: after how many steps the masks were looked at.
        masks: the class masks at these steps, in [0, 1].
        terms: the terms of the loss there, without their weights, in the order of `TERMS`; also those left out.
    """

    settings: tuple[str, ...]
    steps: tuple[int, ...]
    masks: Float[Tensor, "settings looks classes height width"]
    terms: Float[Tensor, "settings looks terms"]

    def merged(self, classes: Bool[Tensor, "1 classes"], look: int = -1) -> Float[Tensor, "settings 1 height width"]:
        """The pixelwise maximum over some classes' masks at one look, for each setting."""
        masks = self.masks[:, look]
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
    looks: Sequence[int] = (0, 10, 30, 60, 120),
    grid: int = 12,
    learning_rate: float = 0.2,
    start: float | int = 2.0,
    spread: float = 0.02,
    seed: int = 0,
) -> MaskSearch:
    """Search the class masks of one image with Adam, without any network, for each setting of the loss by itself.

    The unknowns are the logits of the masks on a coarse grid, which are made finer by interpolation. All masks start
    with nearly everything kept. With an unknown a pixel, a single image is not enough to find anything that
    makes sense: there are too many noise-like masks that the classifier agrees with.

    Args:
        loss: gives the terms and their weights.
        classifier: pixels in [0, 1] to logits; frozen.
        image: the image.
        labels: which classes it shows.
        settings: by name, the terms that count.
        looks: after how many steps to look; the last is also the number of steps.
        grid: side of the grid of unknowns.
        learning_rate: of Adam.
        start, spread: mean and standard deviation of the starting logits.
        seed: of the starting logits, the same for all settings.

    Raises:
        ValueError: a setting names a term that does not exist, or the looks do not ascend from 0 or more.
    """
    unknown = {term for terms in settings.values() for term in terms} - set(TERMS)
    if unknown or not settings:
        raise ValueError(f"settings must name terms out of {', '.join(TERMS)}; unknown: {', '.join(sorted(unknown))}")
    if list(looks) != sorted(set(looks)) or not looks or looks[0] < 0:
        raise ValueError(f"looks={tuple(looks)} must ascend, from 0 or more")
    count = len(settings)
    noise = torch.randn((1, labels.shape[1], grid, grid), generator=torch.Generator().manual_seed(seed))
    logits = (start + spread * noise).to(image).repeat(count, 1, 1, 1).requires_grad_()
    batch = (image.expand(count, -1, -1, -1), labels.expand(count, -1))
    chosen = torch.tensor([[loss.weights[term] * (term in terms) for term in TERMS] for terms in settings.values()])
    chosen = count * chosen.to(image)[..., None, None, None]  # the loss is a mean over the batch: here they are apart
    adam = torch.optim.Adam([logits], lr=learning_rate)
    masks, terms = [], []
    for step in range(looks[-1] + 1):
        fine = functional.interpolate(logits, image.shape[-2:], mode="bilinear", align_corners=False)
        if step in looks:
            masks.append(fine.detach().sigmoid())
            terms.append(_terms(loss, classifier, image, labels, fine.detach()))
        if step < looks[-1]:
            values = loss.terms(classifier, *batch, fine)
            gradients = [torch.autograd.grad(values[term], logits, retain_graph=True)[0] for term in TERMS]
            # a setting's masks enter its own part of the mean alone, so each takes from the gradients what it counts
            logits.grad = (chosen * torch.stack(gradients, 1)).sum(1)
            adam.step()
    return MaskSearch(tuple(settings), tuple(looks), torch.stack(masks, 1), torch.stack(terms, 1))


@torch.no_grad()
def _terms(loss: ExplainerLoss, classifier: nn.Module, image: Tensor, labels: Tensor, logits: Tensor) -> Tensor:
    """The terms of each setting by itself, (settings, terms)."""
    found = [loss.terms(classifier, image, labels, one[None]) for one in logits]
    return torch.stack([torch.stack([values[term] for term in TERMS]) for values in found])
