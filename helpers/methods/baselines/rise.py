"""RISE: the mean of random masks, weighted by the scores that they leave."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from jaxtyping import Bool, Float
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from helpers.core.class_masks import ClassMaskMethod, check_classes, min_max_normalise
from helpers.core.masking import apply_mask, baseline_colour
from helpers.core.runtime import progress, random_generator
from helpers.core.types import Count, Variant
from helpers.methods.baselines.pairs import count_classes, frozen, probabilities


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class RISEOptions:
    """How many masks are drawn and how; the defaults are those of the Explainer paper's comparison.

    Attributes:
        masks: N, how many are drawn; all images share them.
        cells: s, of each mask's grid in each direction.
        probability: p, that a cell is kept.
        score: what a class's score is: `"sigmoid"`, `"softmax"` or `"logit"`.
        batch: masks in one call of the classifier.
        seed: of the masks.
        variant: `"corrected"` hides pixels behind black, `"published"` behind the classifier's mean colour.
    """

    masks: Count = 8000
    cells: Count = 7
    probability: Annotated[float, Field(gt=0, lt=1)] = 0.5
    score: Literal["sigmoid", "softmax", "logit"] = "sigmoid"
    batch: Count = 64
    seed: Annotated[int, Field(ge=0)] = 0
    variant: Variant = "corrected"


class RISE(ClassMaskMethod):
    """Randomised input sampling for explanation (Petsiuk, Das and Saenko, BMVC 2018).

    A pixel's relevance is the expected score of the image under a random mask that keeps it: the mean of the masks,
    weighted by the scores, over p (equation 6). One call of the classifier serves all classes. Masks are drawn when
    they are needed and forgotten then: the memory does not depend on how many there are.

    The relevance is stretched to [0, 1] for each class, as in the Explainer paper's comparison; what is left out there,
    the division by N p, makes no difference then.
    """

    name = "rise"

    def __init__(self, classifier: nn.Module, options: RISEOptions | None = None) -> None:
        self.classifier, self.options = classifier, options or RISEOptions()

    def class_masks(
        self,
        images: Float[Tensor, "batch 3 height width"],
        classes: Bool[Tensor, "batch classes"],
        *,
        show_progress: bool = False,
    ) -> Float[Tensor, "batch classes height width"]:
        """See `ClassMaskMethod.class_masks`."""
        check_classes(images, classes, count_classes(self.classifier, images))
        return (
            min_max_normalise(self.relevance(images, classes.shape[1], show_progress=show_progress))
            * classes[..., None, None]
        )

    @torch.no_grad()
    def relevance(
        self, images: Float[Tensor, "batch 3 height width"], classes: int, *, show_progress: bool = False
    ) -> Float[Tensor, "batch classes height width"]:
        """The expected score of every class given that a pixel is kept, as estimated from the masks."""
        o, (height, width) = self.options, images.shape[-2:]
        total = images.new_zeros(len(images), classes, height * width)
        colour = baseline_colour(self.classifier, o.variant)
        generator = random_generator(o.seed)  # on the CPU, for the same masks on every device
        counts = [o.batch] * (o.masks // o.batch) + [o.masks % o.batch] * bool(o.masks % o.batch)
        with frozen(self.classifier):
            for count in progress(counts, label=self.name, show=show_progress):
                masks = draw_masks(count, o.cells, o.probability, (height, width), generator).to(images)
                for place, image in enumerate(images):
                    seen = apply_mask(image.expand(count, -1, -1, -1), masks, colour)
                    scores = probabilities(self.classifier(seen), o.score)
                    total[place].addmm_(scores.T, masks.flatten(1))
        return (total / (o.masks * o.probability)).unflatten(2, (height, width))


def draw_masks(
    count: int, cells: int, probability: float, size: tuple[int, int], generator: torch.Generator
) -> Float[Tensor, "count 1 height width"]:
    """Random masks: grids of cells that are kept with a probability, enlarged smoothly, and moved at random.

    A grid of s x s cells is enlarged bilinearly to (s + 1) C pixels a side, with C = ⌈side / s⌉, and cut to size at an
    offset of 0 to C pixels (section 3.2). All masks are cut at once: enlarging and cutting together are a weighted mean
    of neighbouring cells, so two products of matrices.
    """
    grids = (torch.rand(count, cells, cells, generator=generator) < probability).float()
    rows, columns = (_enlarge(count, cells, side, generator) for side in size)
    return (rows @ grids @ columns.transpose(1, 2))[:, None]


def _enlarge(count: int, cells: int, side: int, generator: torch.Generator) -> Float[Tensor, "count side cells"]:
    """For each mask, the weight of each cell in each pixel along one axis."""
    pixels = math.ceil(side / cells)
    offsets = torch.randint(0, pixels + 1, (count, 1), generator=generator)
    places = (torch.arange(side) + offsets + 0.5) * cells / ((cells + 1) * pixels) - 0.5
    distances = places.clamp(0, cells - 1)[..., None] - torch.arange(cells)
    return (1 - distances.abs()).clamp_min(0)
