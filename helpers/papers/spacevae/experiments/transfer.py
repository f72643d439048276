"""Does another classifier see in kept images what the explained one sees? If not, much is drawn for that one alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from helpers.classifiers import Classifier, load_classifier
from helpers.metrics.sparsity import summarise
from helpers.papers.spacevae.experiments.competitors import COMPETITORS, attributions, competitor_images, keep_above
from helpers.papers.spacevae.experiments.controls import CONTROLS, amount_for
from helpers.papers.spacevae.experiments.earlier import EXPLAINED, EXPLAINER_SIZE
from helpers.papers.spacevae.experiments.networks import PLAIN
from helpers.papers.spacevae.experiments.rows import ENDS, metric_columns
from helpers.papers.spacevae.experiments.sparsity import chosen_thresholds
from helpers.papers.spacevae.experiments.study import SpaceStudy

KINDS = ("", "second_", "grey_", "second_grey_")
"""Of the columns: which classifier looks, and whether at the kept images or at these in grey."""

_SECOND = ("accuracy", "agreement", "confidence", "top_confidence")


class Enlarged(torch.nn.Module):
    """A classifier of larger images for small ones, which are enlarged for it (bilinearly)."""

    def __init__(self, classifier: Classifier, size: int) -> None:
        super().__init__()
        self.classifier, self.size = classifier, size

    def forward(self, images: Tensor) -> Tensor:
        """The logits of images of any size."""
        return self.classifier(functional.interpolate(images, size=(self.size, self.size), mode="bilinear"))


def transfer_of_table(study: SpaceStudy) -> pd.DataFrame:
    """`transfer_table` with the thresholds of the study's table of sparsity."""
    return transfer_table(study, study.table("space-vae-sparsity"))


def transfer_table(study: SpaceStudy, sparsity: pd.DataFrame) -> pd.DataFrame:
    """Kept images before the classifier that they explain, and before a second one that no method ever asked.

    The second one names all classes of scenes of 64 px; which logit is largest is its answer. All methods are measured
    on the same test images, as many as the profile gives competitors. The controls have the L1 sparsity of `beta-10`.

    Args:
        study: the profile.
        sparsity: its table of that name, which has the competitors' thresholds.

    Returns:
        One row per method: columns method, training, beta, threshold, amount (of a control), the metrics, the same of
        the second classifier as `second_accuracy`, `second_agreement` (with its own answers to the originals), and
        both for kept images in grey (the mean of the channels) as `grey_agreement`, `second_grey_agreement` and so on,
        each with `_low` and `_high`; second (its name), images, source. What only colour spoils, grey mends.

    Raises:
        ValueError: the profile's images are no scenes: of photographs there is no second classifier here.
    """
    if not study.scenes:
        raise ValueError(
            f"profile {study.profile.name!r} has no table 'transfer': only of scenes there is a second classifier; "
            "use the profile quick"
        )
    images = competitor_images(study, "test")
    second = Enlarged(load_classifier(EXPLAINED, device=study.device), EXPLAINER_SIZE)
    rows: list[dict[str, Any]] = []
    for about, kept in _kept(study, sparsity, images.floats()):
        rows.append({**about, **metric_columns(study.score_kept(images, kept))})
        for kind in KINDS[1:]:
            shown = kept.mean(1, keepdim=True).expand_as(kept) if "grey" in kind else kept
            found = summarise(study.score_kept(images, shown, second if "second" in kind else None))
            rows[-1] |= {f"{kind}{name}{end}": found[f"{name}{end}"] for name in _SECOND for end in ENDS}
    return pd.DataFrame(rows).assign(second=EXPLAINED, source=study.test.source)


def _kept(study: SpaceStudy, sparsity: pd.DataFrame, pixels: Tensor) -> Iterator[tuple[dict[str, Any], Tensor]]:
    """What each method keeps of the images."""
    images = competitor_images(study, "test")
    nothing = {"training": "", "beta": math.nan, "threshold": math.nan, "amount": math.nan}
    yield {"method": "original", **nothing}, pixels
    betas = study.settings.betas()
    for name in [name for name in study.trained if name == "vq-vae" or name in betas]:
        about = {"training": name, "beta": betas.get(name, math.nan)}
        yield {"method": study.model(name).name, **nothing, **about}, study.kept_by(name, images)
    for name in COMPETITORS:
        found = attributions(study, name, images)
        for threshold in sorted({chosen_thresholds(sparsity, name).get("published", 0.0), 0.0}):
            kept = keep_above(found, threshold)(pixels, slice(0, len(pixels)))
            yield {"method": name, **nothing, "threshold": threshold}, kept
    if PLAIN in study.trained:
        wanted = 100 * (1 - float(study.kept_by(PLAIN, images).sum() / pixels.sum()))
        for name, control in CONTROLS.items():
            amount = amount_for(pixels, name, min(max(wanted, 0), 100))
            yield {"method": name, **nothing, "amount": amount}, control(pixels, amount)
