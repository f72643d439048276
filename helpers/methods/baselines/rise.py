"""RISE: the mean of random masks, weighted by the scores of the masked images."""

from __future__ import annotations

import math
import warnings
from typing import Annotated, Any

import torch
from jaxtyping import Bool, Float, Int
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from helpers.core.class_masks import ClassMaskMethod, min_max_normalise
from helpers.core.masking import apply_mask, baseline_colour
from helpers.core.names import NamedOptions
from helpers.core.outputs import Logits, ScoreName, class_scores, score_name
from helpers.core.replica import frozen
from helpers.core.runtime import progress, random_generator
from helpers.core.types import Count, Variant

# The standard deviation σ of a score over its mean μ, below which it counts as constant. A pixel's relevance is
# μ (coverage / p) + cov(score, mask) / p, where the coverage, the share of the N masks that keep the pixel, has the
# standard deviation sqrt(p (1 - p) / N), and |cov| <= σ sqrt(p (1 - p)). The score's part is thus at most σ sqrt(N) / μ
# times the noise of the coverage, under a tenth of it for N = 8000: below the threshold a map shows the masks alone.
_CONSTANT = 1e-3


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class RISEOptions(NamedOptions):
    """The options of RISE; the defaults are those of the Explainer paper's comparison, but for the score.

    Attributes:
        masks: N, the number of masks, which all images share.
        cells: s, of each mask's grid along each axis.
        probability: p, of keeping a cell.
        score: of a class: `"sigmoid"` (as in the comparison, of multi-label classifiers), `"softmax"`, `"logit"`, or
            `"auto"`, by the classifier's kind (`score_name`).
        batch: masks per forward pass.
        seed: of the masks.
        variant: of the baseline: `"corrected"` is black, `"published"` the classifier's mean colour.
    """

    masks: Count = 8000
    cells: Count = 7
    probability: Annotated[float, Field(gt=0, lt=1)] = 0.5
    score: ScoreName = "auto"
    batch: Count = 64
    seed: Annotated[int, Field(ge=0)] = 0
    variant: Variant = "corrected"


class RISE(ClassMaskMethod):
    """Randomised input sampling for explanation (Petsiuk, Das and Saenko, BMVC 2018).

    A pixel's relevance is the expected score of the image under a random mask that keeps the pixel: the mean of the
    masks, weighted by the scores, over p (equation 6). All classes of an image share the forward passes. Masks are
    drawn batch by batch, and sums are kept for the requested classes only, so that the memory depends neither on the
    number of masks nor on that of the classifier's classes.

    The relevance of each class is min-max normalised, as in the Explainer paper's comparison, which makes the division
    by N p irrelevant. A score that all masks leave the same, such as a saturated sigmoid's, says nothing about pixels:
    the relevance would be the coverage of the random masks. Such a mask is 0 everywhere, with a warning.
    """

    name = "rise"
    Options = RISEOptions

    def __init__(self, classifier: nn.Module, options: RISEOptions | None = None, **overrides: Any) -> None:
        self.classifier, self.options = classifier, self.options_with(options, overrides)

    def _masks_of(
        self,
        images: Float[Tensor, "batch 3 height width"],
        image_index: Int[Tensor, " pairs"],
        class_index: Int[Tensor, " pairs"],
        *,
        show_progress: bool,
    ) -> Float[Tensor, "pairs height width"]:
        """See `ClassMaskMethod._masks_of`."""
        relevance, varies = self.relevance(images, image_index, class_index, show_progress=show_progress)
        return min_max_normalise(relevance) * varies[:, None, None]

    @torch.no_grad()
    def relevance(
        self,
        images: Float[Tensor, "batch 3 height width"],
        image_index: Int[Tensor, " pairs"],
        class_index: Int[Tensor, " pairs"],
        *,
        show_progress: bool = False,
    ) -> tuple[Float[Tensor, "pairs height width"], Bool[Tensor, " pairs"]]:
        """The expected score given that a pixel is kept, estimated over the masks, and whether the score varies.

        Args:
            images: pixels in [0, 1].
            image_index, class_index: of each pair of image and class; image indices ascend.
            show_progress: show a progress bar over batches of masks.
        """
        o, (height, width) = self.options, images.shape[-2:]
        used, sizes = image_index.unique_consecutive(return_counts=True)
        total = images.new_zeros(len(class_index), height * width)
        moments = images.new_zeros(len(class_index), 2, dtype=torch.float64)  # sums of scores and of their squares
        per_image = list(
            zip(images[used], *(each.split(sizes.tolist()) for each in (class_index, total, moments)), strict=True)
        )
        baseline, classifier = baseline_colour(self.classifier, o.variant), Logits(frozen(self.classifier))
        generator = random_generator(o.seed)  # on the CPU: the same masks on every device
        counts = [o.batch] * (o.masks // o.batch) + [o.masks % o.batch] * bool(o.masks % o.batch)
        for count in progress(counts, label=self.name, show=show_progress):
            masks = draw_masks(count, o.cells, o.probability, (height, width), generator).to(images)
            for image, classes, image_total, image_moments in per_image:
                logits = classifier(apply_mask(image.expand(count, -1, -1, -1), masks, baseline))
                score = score_name(self.classifier, o.score, logits.shape[1])
                scores = class_scores(logits, score)[:, classes].to(images)  # count, classes of the image
                image_total.addmm_(scores.T, masks.flatten(1))  # classes, height * width; a view of the total
                image_moments += torch.stack([scores.double(), scores.double().square()], 2).sum(0)
        mean, square = (moments / o.masks).unbind(1)
        varies = (square - mean.square()).clamp_min(0).sqrt() > _CONSTANT * mean.abs()
        if not bool(varies.all()):
            warnings.warn(_constant_score(score, int((~varies).sum()), len(varies)), stacklevel=2)
        return (total / (o.masks * o.probability)).unflatten(1, (height, width)), varies


def _constant_score(score: str, constant: int, pairs: int) -> str:
    return (
        f"RISE: the {score} of the class is the same under all masks in {constant} of {pairs} explanations, which "
        "are therefore 0 everywhere; instead of a saturated score, take score='logit' or, where classes exclude each "
        "other, score='softmax'"
    )


def draw_masks(
    count: int, cells: int, probability: float, size: tuple[int, int], generator: torch.Generator
) -> Float[Tensor, "count 1 height width"]:
    """Random masks: random binary grids, upsampled bilinearly and cropped at a random offset (section 3.2).

    A grid of s x s cells is upsampled to sides of (s + 1) C pixels, with C = ⌈side / s⌉, and cropped at an offset of 0
    to C pixels. Both together are a linear map along each axis, a matrix product. Beyond the centres of the outer
    cells, a cell's value continues; in the original code and in TorchRay the grid is mirrored at these centres, which
    changes half a cell at each side of the uncropped mask (4 to 7 % of the pixels).
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
