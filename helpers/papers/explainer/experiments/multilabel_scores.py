"""Table 4: the classifier's decisions on whole images and on images masked by the Explainer."""

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
COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


@torch.no_grad()
def multilabel_score_table(study: ClassStudy) -> pd.DataFrame:
    """The decisions on each test image, one row per variant, input and threshold.

    The published masks are merged over the classes that the image *truly* shows, so a masked image reveals its
    labels. A fair comparison merges the masks of the classes that the classifier itself predicts for the whole image.
    The table has both.

    Returns:
        Columns variant, input (plain; masked by the masks of the true classes; by those of the named classes),
        threshold (of the logits), image, true_positives, false_positives, true_negatives, false_negatives (counts of
        classes).
    """
    settings = study.settings.evaluation
    thresholds = sorted({settings.plain_threshold, settings.masked_threshold})
    logits = all_logits(study, study.images)
    tables = []
    for (variant, input_name), values in logits.items():
        for threshold in thresholds:
            counts = decision_counts(values, study.images.labels, threshold)
            rows = pd.DataFrame(counts.numpy(), columns=list(COUNTS))
            tables.append(
                rows.assign(variant=variant, input=input_name, threshold=float(threshold), image=study.images.names)
            )
    return pd.concat(tables, ignore_index=True)[["variant", "input", "threshold", "image", *COUNTS]]


def all_logits(study: ClassStudy, images: MultiLabelImages) -> dict[tuple[str, str], Tensor]:
    """The classifier's logits for each variant and input, on the CPU: (images, classes) each."""
    explainer = study.method("explainer")
    collected: dict[tuple[str, str], list[Tensor]] = {}
    for pixels, labels in images.batches(max(study.profile.batch_size, 32), study.device):
        plain = study.classifier(pixels)
        named = plain > study.settings.evaluation.plain_threshold
        masks = explainer.class_masks(pixels, labels | named)
        for variant in VARIANTS:
            inputs = {"plain": plain} | {
                input_name: study.classifier(_masked(study, pixels, masks, classes, variant))
                for input_name, classes in (("true classes", labels), ("named classes", named))
            }
            for input_name, logits in inputs.items():
                collected.setdefault((variant, input_name), []).append(logits.cpu())
    return {key: torch.cat(values) for key, values in collected.items()}


def _masked(
    study: ClassStudy, pixels: Tensor, masks: Tensor, classes: Bool[Tensor, "batch all"], variant: Variant
) -> Tensor:
    return masked_images(study.classifier, pixels, merge_classes(masks, classes), variant)
