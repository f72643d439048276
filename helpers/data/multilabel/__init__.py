"""Images with several classes each: scenes, PASCAL VOC-2007 and COCO-2014, decoded once, with where the objects are."""

from helpers.data.multilabel.archives import MissingArchiveError, require_dataset
from helpers.data.multilabel.data import MultiLabelImages, SegmentedImages
from helpers.data.multilabel.loading import load_segmented, load_split
from helpers.data.multilabel.scenes import class_truth, draw_multilabels, scene_multilabels, scene_truth

__all__ = [
    "MissingArchiveError",
    "MultiLabelImages",
    "SegmentedImages",
    "class_truth",
    "draw_multilabels",
    "load_segmented",
    "load_split",
    "require_dataset",
    "scene_multilabels",
    "scene_truth",
]
