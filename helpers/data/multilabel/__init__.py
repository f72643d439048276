"""Multi-label images: scenes, PASCAL VOC-2007, VOC's animals and COCO-2014, with the regions of objects."""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "MissingArchiveError": "helpers.data.multilabel.archives",
        "require_dataset": "helpers.data.multilabel.archives",
        "MultiLabelImages": "helpers.data.multilabel.data",
        "SegmentedImages": "helpers.data.multilabel.data",
        "load_segmented": "helpers.data.multilabel.loading",
        "load_split": "helpers.data.multilabel.loading",
        "class_truth": "helpers.data.multilabel.scenes",
        "draw_multilabels": "helpers.data.multilabel.scenes",
        "scene_multilabels": "helpers.data.multilabel.scenes",
        "scene_truth": "helpers.data.multilabel.scenes",
    },
)
