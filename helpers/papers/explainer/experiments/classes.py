"""Table 5: the classes of a dataset, and how often its test images show them."""

from __future__ import annotations

import pandas as pd

from helpers.papers.explainer.experiments.study import ClassStudy


def class_table(study: ClassStudy) -> pd.DataFrame:
    """One row per class, numbered from 1 as in the paper.

    Returns:
        Columns id, class, images (of the test split that show it), segmented (images of which the objects are known),
        objects (how many of them these show).
    """
    images, segmented = study.images, study.segmented
    return pd.DataFrame(
        {
            "id": range(1, len(images.class_names) + 1),
            "class": images.class_names,
            "images": images.labels.sum(0).tolist(),
            "segmented": (segmented.instances > 0).sum(0).tolist(),
            "objects": segmented.instances.sum(0).tolist(),
        }
    )
