"""Images with several classes each: scenes, PASCAL VOC-2007 and COCO-2014, decoded once, with where the objects are."""

from helpers.multilabel.data import MultiLabelImages, SegmentedImages
from helpers.multilabel.scenes import class_truth, draw_multilabels, scene_multilabels, scene_truth

__all__ = [
    "MultiLabelImages",
    "SegmentedImages",
    "class_truth",
    "draw_multilabels",
    "scene_multilabels",
    "scene_truth",
]
