"""Table 5: the classes of a dataset, and how often its test images show them."""

from __future__ import annotations

import pandas as pd

from helpers.papers.explainer.experiments.study import ClassStudy


def class_table(study: ClassStudy) -> pd.DataFrame:
    """One row per class, numbered from 1 as in the paper.

    Returns:
        Columns id, class, images (test images that show it), segmented (images with known objects that show it),
        objects (how many objects of the class these show).
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
