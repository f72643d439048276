"""RISE: the mean of random masks, weighted by the scores of the masked images."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from jaxtyping import Float, Int
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from helpers.core.class_masks import ClassMaskMethod, min_max_normalise
from helpers.core.masking import apply_mask, baseline_colour
from helpers.core.outputs import Logits, class_scores
from helpers.core.replica import frozen
from helpers.core.runtime import progress, random_generator
from helpers.core.types import Count, Variant


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class RISEOptions:
    """The options of RISE; the defaults are those of the Explainer paper's comparison.

    Attributes:
        masks: N, the number of masks, which all images share.
        cells: s, of each mask's grid along each axis.
        probability: p, of keeping a cell.
        score: of a class: `"sigmoid"`, `"softmax"` or `"logit"`.
        batch: masks per forward pass.
        seed: of the masks.
        variant: of the baseline: `"corrected"` is black, `"published"` the classifier's mean colour.
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

    A pixel's relevance is the expected score of the image under a random mask that keeps the pixel: the mean of the
    masks, weighted by the scores, over p (equation 6). All classes share the forward passes. Masks are drawn batch by
    batch, so that the memory does not depend on their number.

    The relevance of each class is min-max normalised, as in the Explainer paper's comparison, which makes the division
    by N p irrelevant.
    """

    name = "rise"

    def __init__(self, classifier: nn.Module, options: RISEOptions | None = None) -> None:
        self.classifier, self.options = classifier, options or RISEOptions()

    def _masks_of(
        self,
        images: Float[Tensor, "batch 3 height width"],
        image_index: Int[Tensor, " pairs"],
        class_index: Int[Tensor, " pairs"],
        *,
        show_progress: bool,
    ) -> Float[Tensor, "pairs height width"]:
        """See `ClassMaskMethod._masks_of`."""
        classes = self.logits(images[:1]).shape[1]
        relevance = self.relevance(images, classes, show_progress=show_progress)
        return min_max_normalise(relevance[image_index, class_index])

    @torch.no_grad()
    def relevance(
        self, images: Float[Tensor, "batch 3 height width"], classes: int, *, show_progress: bool = False
    ) -> Float[Tensor, "batch classes height width"]:
        """The expected score of every class given that a pixel is kept, estimated over the masks."""
        o, (height, width) = self.options, images.shape[-2:]
        total = images.new_zeros(len(images), classes, height * width)
        baseline, classifier = baseline_colour(self.classifier, o.variant), Logits(frozen(self.classifier))
        generator = random_generator(o.seed)  # on the CPU: the same masks on every device
        counts = [o.batch] * (o.masks // o.batch) + [o.masks % o.batch] * bool(o.masks % o.batch)
        for count in progress(counts, label=self.name, show=show_progress):
            masks = draw_masks(count, o.cells, o.probability, (height, width), generator).to(images)
            for index, image in enumerate(images):
                masked = apply_mask(image.expand(count, -1, -1, -1), masks, baseline)  # count, 3, height, width
                scores = class_scores(classifier(masked), o.score)  # count, classes
                total[index].addmm_(scores.T, masks.flatten(1))  # classes, height * width
        return (total / (o.masks * o.probability)).unflatten(2, (height, width))


def draw_masks(
    count: int, cells: int, probability: float, size: tuple[int, int], generator: torch.Generator
) -> Float[Tensor, "count 1 height width"]:
    """Random masks: random binary grids, upsampled bilinearly and cropped at a random offset (section 3.2).

    A grid of s x s cells is upsampled to sides of (s + 1) C pixels, with C = ⌈side / s⌉, and cropped at an offset of 0
    to C pixels. Both together are a linear map along each axis, a matrix product.
    """
    grids = (torch.rand(count, cells, cells, generator=generator) < probability).float()  # count, cells, cells
    rows, columns = (_upsampling(count, cells, side, generator) for side in size)  # each (count, side, cells)
    return (rows @ grids @ columns.transpose(1, 2))[:, None]


def _upsampling(count: int, cells: int, side: int, generator: torch.Generator) -> Float[Tensor, "count side cells"]:
    """The bilinear weights of the cells at each pixel of one axis, for each mask."""
    pixels = math.ceil(side / cells)
    offsets = torch.randint(0, pixels + 1, (count, 1), generator=generator)
    positions = (torch.arange(side) + offsets + 0.5) * cells / ((cells + 1) * pixels) - 0.5  # count, side
    distances = positions.clamp(0, cells - 1)[..., None] - torch.arange(cells)  # count, side, cells
    return (1 - distances.abs()).clamp_min(0)
