"""Transfer of kept images to a second classifier: whether they persuade only the classifier that they explain."""

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
from helpers.papers.spacevae.experiments.controls import CONTROLS, as_dark_as
from helpers.papers.spacevae.experiments.cross_method import EXPLAINED, EXPLAINER_SIZE
from helpers.papers.spacevae.experiments.networks import PLAIN
from helpers.papers.spacevae.experiments.rows import ENDS, metric_columns
from helpers.papers.spacevae.experiments.sparsity import chosen_thresholds
from helpers.papers.spacevae.experiments.study import SpaceStudy

PREFIXES = ("", "second_", "grey_", "second_grey_")
"""Column prefixes: the classifier (explained or second) and the kept images (in colour or in grey)."""

_SECOND = ("accuracy", "agreement", "confidence", "top_confidence")


class Enlarged(torch.nn.Module):
    """A classifier of larger images applied to small images, which are enlarged bilinearly."""

    def __init__(self, classifier: Classifier, size: int) -> None:
        super().__init__()
        self.classifier, self.size = classifier, size

    def forward(self, images: Tensor) -> Tensor:
        """The logits of images of any size."""
        return self.classifier(functional.interpolate(images, size=(self.size, self.size), mode="bilinear"))


def transfer_of_table(study: SpaceStudy) -> pd.DataFrame:
    """`transfer_table` with the thresholds of the study's table `sparsity`."""
    return transfer_table(study, study.table("space-vae-sparsity"))


def transfer_table(study: SpaceStudy, sparsity: pd.DataFrame) -> pd.DataFrame:
    """Kept images evaluated by the explained classifier and by a second one that no method has access to.

    The second one is the multi-label classifier of scenes of 64 px; its largest logit is its prediction. All methods
    are evaluated on the competitors' test images. The controls have the L1 sparsity of `beta-10`.

    Args:
        study: the profile.
        sparsity: the table of that name, which has the competitors' thresholds.

    Returns:
        One row per method: columns method, training, beta, threshold, the metrics, those of
        the second classifier as `second_accuracy`, `second_agreement` (with its own predictions for the originals), and
        both for kept images in grey (the mean of the channels) as `grey_agreement`, `second_grey_agreement` and so on,
        each with `_low` and `_high`; second (its name), images, source. Grey shows whether colours fail to transfer.

    Raises:
        ValueError: the profile's images are not scenes; there is no second classifier of photographs.
    """
    if not study.scenes:
        raise ValueError(
            f"profile {study.profile.name!r} has no table 'transfer': a second classifier exists for scenes only; "
            "use the profile quick"
        )
    images = competitor_images(study, "test")
    second = Enlarged(load_classifier(EXPLAINED, device=study.device), EXPLAINER_SIZE)
    rows: list[dict[str, Any]] = []
    for setting, kept in _kept(study, sparsity, images.floats()):
        rows.append({**setting, **metric_columns(study.score_kept(images, kept))})
        for prefix in PREFIXES[1:]:
            shown_images = kept.mean(1, keepdim=True).expand_as(kept) if "grey" in prefix else kept
            summary = summarise(study.score_kept(images, shown_images, second if "second" in prefix else None))
            rows[-1] |= {f"{prefix}{name}{end}": summary[f"{name}{end}"] for name in _SECOND for end in ENDS}
    return pd.DataFrame(rows).assign(second=EXPLAINED, source=study.test.source)


def _kept(study: SpaceStudy, sparsity: pd.DataFrame, pixels: Tensor) -> Iterator[tuple[dict[str, Any], Tensor]]:
    """The kept images of each method, with the columns that describe the method."""
    images = competitor_images(study, "test")
    no_setting = {"training": "", "beta": math.nan, "threshold": math.nan}
    yield {"method": "original", **no_setting}, pixels
    betas = study.settings.betas()
    for name in [name for name in study.trained if name == "vq-vae" or name in betas]:
        setting = {"training": name, "beta": betas.get(name, math.nan)}
        yield {"method": study.model(name).name, **no_setting, **setting}, study.kept_by(name, images)
    for name in COMPETITORS:
        attributed = attributions(study, name, images)
        for threshold in sorted({chosen_thresholds(sparsity, name).get("published", 0.0), 0.0}):
            kept = keep_above(attributed, threshold)(pixels, slice(0, len(pixels)))
            yield {"method": name, **no_setting, "threshold": threshold}, kept
    if PLAIN in study.trained:
        dark = study.kept_by(PLAIN, images)
        for name in CONTROLS:
            yield {"method": name, **no_setting}, as_dark_as(pixels, dark, name)
