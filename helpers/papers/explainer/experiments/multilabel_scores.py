"""Table 4: the classifier's decisions on images, and on what the Explainer leaves of them."""

from __future__ import annotations

import pandas as pd
import torch
from jaxtyping import Bool
from torch import Tensor

from helpers.core.class_masks import merge_classes
from helpers.data.multilabel import MultiLabelImages
from helpers.metrics import decision_counts, masked_images
from helpers.papers.explainer.experiments.study import VARIANTS, ClassStudy
from helpers.profiles import Variant

INPUTS = ("plain", "true classes", "named classes")
COUNTS = ("true_yes", "false_yes", "true_no", "false_no")


@torch.no_grad()
def multilabel_score_table(study: ClassStudy) -> pd.DataFrame:
    """The decisions of each test image, one row for each variant, input and threshold.

    The published masks are merged over the classes that the image *truly* shows, so that a masked image tells the
    classifier its labels. The fair question merges the masks of the classes that the classifier itself named on the
    whole image: both are here.

    Returns:
        Columns variant, input (plain; masked by the masks of the true classes; by those of the named classes),
        threshold (of the logits), image, true_yes, false_yes, true_no, false_no (numbers of classes).
    """
    settings = study.settings.evaluation
    thresholds = sorted({settings.plain_threshold, settings.masked_threshold})
    logits = all_logits(study, study.images)
    parts = []
    for (variant, kind), values in logits.items():
        for threshold in thresholds:
            counts = decision_counts(values, study.images.labels, threshold)
            rows = pd.DataFrame(counts.numpy(), columns=list(COUNTS))
            parts.append(rows.assign(variant=variant, input=kind, threshold=float(threshold), image=study.images.names))
    return pd.concat(parts, ignore_index=True)[["variant", "input", "threshold", "image", *COUNTS]]


def all_logits(study: ClassStudy, images: MultiLabelImages) -> dict[tuple[str, str], Tensor]:
    """The classifier's logits of each image under each variant and input, on the CPU: (images, classes) each."""
    explainer = study.method("explainer")
    found: dict[tuple[str, str], list[Tensor]] = {}
    for pixels, labels in images.batches(max(study.profile.batch_size, 32), study.device):
        plain = study.classifier(pixels)
        named = plain > study.settings.evaluation.plain_threshold
        masks = explainer.class_masks(pixels, labels | named)
        for variant in VARIANTS:
            inputs = {"plain": plain} | {
                kind: study.classifier(_shown(study, pixels, masks, classes, variant))
                for kind, classes in (("true classes", labels), ("named classes", named))
            }
            for kind, logits in inputs.items():
                found.setdefault((variant, kind), []).append(logits.cpu())
    return {key: torch.cat(values) for key, values in found.items()}


def _shown(
    study: ClassStudy, pixels: Tensor, masks: Tensor, classes: Bool[Tensor, "batch all"], variant: Variant
) -> Tensor:
    return masked_images(study.classifier, pixels, merge_classes(masks, classes), variant)
