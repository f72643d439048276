"""The published values of Tables 1 and 4.

Tables 2 and 3 are not quoted: we have no machine-readable source of their numbers.
"""

from __future__ import annotations

import pandas as pd

_CLASSES = ("bottle", "car", "cat", "dog", "person")
_NONE = (20.57, 70.52, 72.78, 58.00, 69.37)  # the same for all methods
_TABLE_1 = {  # mean softmax × 100; rows: target classes, columns: classes of the mask
    "explainer": (
        (15.29, 4.91, 4.82, 4.82, 2.72),
        (6.71, 62.92, 6.67, 6.66, 7.11),
        (6.09, 6.18, 60.55, 6.33, 5.74),
        (4.67, 4.70, 5.93, 57.60, 4.58),
        (8.90, 6.18, 5.83, 6.57, 71.01),
    ),
    "grad-cam": (
        (16.10, 5.24, 4.85, 4.76, 3.61),
        (6.93, 50.19, 6.65, 6.53, 8.92),
        (6.17, 6.39, 43.74, 8.99, 5.85),
        (4.46, 4.39, 8.23, 41.88, 4.38),
        (11.81, 8.18, 5.90, 8.75, 56.38),
    ),
    "rise": (
        (18.67, 10.94, 12.05, 10.70, 9.73),
        (29.75, 56.66, 30.27, 34.43, 32.42),
        (37.89, 39.28, 49.61, 41.89, 36.02),
        (19.64, 20.34, 23.72, 45.12, 22.83),
        (56.06, 53.39, 47.33, 54.81, 63.52),
    ),
    "rtis": (
        (18.92, 11.19, 13.37, 13.44, 17.24),
        (41.25, 67.02, 40.69, 31.87, 54.31),
        (45.84, 36.27, 72.62, 59.21, 54.16),
        (41.37, 34.76, 57.59, 61.22, 58.76),
        (64.71, 54.41, 43.42, 61.55, 73.59),
    ),
}
_TABLE_4 = {  # per cent: (precision, recall, F score), plain and with masks of the true classes
    ("voc2007", "vgg16"): ((88.4, 63.9, 74.2), (86.4, 62.9, 72.8)),
    ("voc2007", "resnet50"): ((85.2, 72.3, 78.2), (77.3, 69.6, 73.2)),
    ("coco2014", "vgg16"): ((73.5, 45.4, 56.1), (66.9, 45.0, 53.8)),
    ("coco2014", "resnet50"): ((77.6, 44.6, 56.6), (69.1, 48.9, 57.3)),
}


def published_class_scores() -> pd.DataFrame:
    """Table 1 (VGG-16, VOC-2007 test images): columns method, target, mask ("none" or a class), probability in [0, 1].

    Read off the outputs of the notebook that accompanies the paper.
    """
    rows = []
    for method, matrix in _TABLE_1.items():
        for target, plain, values in zip(_CLASSES, _NONE, matrix, strict=True):
            cells = zip(("none", *_CLASSES), (plain, *values), strict=True)
            rows += [(method, target, mask, value / 100) for mask, value in cells]
    return pd.DataFrame(rows, columns=["method", "target", "mask", "probability"])


def published_decisions() -> pd.DataFrame:
    """Table 4: columns dataset, classifier, input (plain or true classes), precision, recall, f_score in [0, 1]."""
    rows = [
        (*pair, input_name, *(value / 100 for value in values))
        for pair, scores in _TABLE_4.items()
        for input_name, values in zip(("plain", "true classes"), scores, strict=True)
    ]
    return pd.DataFrame(rows, columns=["dataset", "classifier", "input", "precision", "recall", "f_score"])
