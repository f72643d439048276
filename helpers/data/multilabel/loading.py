"""One door to all multi-label images: scenes, PASCAL VOC-2007, COCO-2014."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

import torch

from helpers.core.types import Split, Variant
from helpers.data.multilabel.cache import Wanted
from helpers.data.multilabel.coco import coco_images, coco_segmented
from helpers.data.multilabel.data import MultiLabelImages, SegmentedImages
from helpers.data.multilabel.scenes import draw_multilabels, scene_truth
from helpers.data.multilabel.voc import voc_images, voc_segmented
from helpers.data.scenes import make_scenes

Source = Literal["voc2007", "coco2014", "scenes"]

SCENE_SERIES = {"train": 1_000, "validation": 2_000, "test": 3_000}
"""Added to the seed, the series of scenes of each split, as in all trainings of the book: they share no image."""

_AT_ONCE = 256


def load_split(
    source: Source,
    split: Split,
    *,
    size: int,
    root: str | Path | None = None,
    count: int | None = None,
    seed: int = 0,
    variant: Variant = "corrected",
    difficult: bool | None = None,
    cache: str | Path | None = None,
    download: bool = False,
    show_progress: bool = False,
    **scene_options: Any,
) -> MultiLabelImages:
    """Images of a split with all their classes, in [0, 255], stretched to a square.

    `variant="published"` is what the code of "What You See is What You Classify" does: on VOC, objects that the
    annotators called difficult count as shown; on COCO, labels have 91 columns, 11 of them never used. The corrected
    one leaves difficult objects out (a class that is seen in these alone counts as absent) and has COCO's 80 classes.

    Args:
        source: `"voc2007"` (2,501, 2,510 and 4,952 images), `"coco2014"` (train2014 divided 90 to 10 by chance, always
            the same way, since the authors' division is not published; test is val2014) or `"scenes"`.
        split: `"train"`, `"validation"` or `"test"`.
        size: the side in pixels.
        root: the folder of the data set (VOC: it holds `VOCdevkit/`; COCO: `annotations/`, `train2014/`, `val2014/`);
            None for `voc2007/` or `coco2014/` in the folder that `XAIBOOK_DATA` names. Scenes need none.
        count: how many images, drawn by chance; None for all. Scenes need a number: the first ones of their series.
        seed: of that draw; of scenes, added to the number of the split's series.
        variant: see above.
        difficult: True or False to decide on VOC's difficult objects apart from the variant.
        cache: where decoded images are kept; None for `cache/` in the root.
        download: let torchvision download VOC where it is missing. COCO is fetched by hand.
        show_progress: whether to show progress.
        scene_options: further options of `helpers.data.scenes.make_scenes`, such as `objects=(1, 2)`.

    Raises:
        MissingArchiveError: (a FileNotFoundError) archives are missing; the message says what to fetch and where to
            put it.
        ValueError: the data folder is not known, or an argument does not fit the source.
        PermissionError: the cache cannot be written.
    """
    _check(source, split, count, variant, download, scene_options)
    if source == "scenes":
        series = SCENE_SERIES[split] + seed
        return draw_multilabels(count or 0, size=size, seed=series, show=show_progress, **scene_options)[0]
    wanted = Wanted(size, root, count, seed, cache, show_progress)
    published = variant == "published"
    if source == "voc2007":
        return voc_images(split, wanted, difficult=published if difficult is None else difficult, download=download)
    return coco_images(split, wanted, raw_ids=published)


def load_segmented(
    source: Source,
    *,
    size: int,
    root: str | Path | None = None,
    count: int | None = None,
    seed: int = 0,
    variant: Variant = "corrected",
    difficult: bool | None = None,
    cache: str | Path | None = None,
    download: bool = False,
    show_progress: bool = False,
    **scene_options: Any,
) -> SegmentedImages:
    """Test images of which it is known where their objects are: 210 of VOC, 1,000 by chance of COCO, scenes.

    Published: VOC's void border and all that bilinear resizing spreads to count as object; COCO's masks, crowds
    included, stay grey where they were blurred; every pixel is counted. Corrected: masks are resized by the nearest
    pixel; void pixels, those of difficult objects (unless `difficult`) and those of crowds are not counted. Scenes are
    exact, whatever the variant.

    The arguments and errors are those of `load_split`; `count=None` means all 210 of VOC and 1,000 of COCO.
    """
    _check(source, "test", count, variant, download, scene_options)
    if source == "scenes":
        return _segmented_scenes(count or 0, size, SCENE_SERIES["test"] + seed, scene_options)
    wanted = Wanted(size, root, count, seed, cache, show_progress)
    published = variant == "published"
    if source == "voc2007":
        counts = published if difficult is None else difficult
        return voc_segmented(wanted, difficult=counts, published=published, download=download)
    return coco_segmented(wanted, raw_ids=published, published=published)


def _segmented_scenes(count: int, size: int, seed: int, options: dict[str, Any]) -> SegmentedImages:
    """Scenes with their truth, drawn 256 at a time."""
    parts = []
    for first in range(0, count, _AT_ONCE):
        scenes = make_scenes(min(_AT_ONCE, count - first), size=size, seed=seed, start=first, **options)
        parts.append(scene_truth(scenes, seed, first))
    images = [part.images for part in parts]
    together = MultiLabelImages(
        pixels=torch.cat([part.pixels for part in images]),
        labels=torch.cat([part.labels for part in images]),
        names=tuple(name for part in images for name in part.names),
        class_names=images[0].class_names,
    )
    others = [field.name for field in fields(SegmentedImages) if field.name != "images"]
    return SegmentedImages(together, **{name: torch.cat([getattr(part, name) for part in parts]) for name in others})


def _check(
    source: str, split: str, count: int | None, variant: str, download: bool, scene_options: dict[str, Any]
) -> None:
    """Refuse arguments that do not fit, by name."""
    if source not in ("voc2007", "coco2014", "scenes"):
        raise ValueError(f"source={source!r} is not known; use 'voc2007', 'coco2014' or 'scenes'")
    if split not in SCENE_SERIES:
        raise ValueError(f"split={split!r} is not known; use 'train', 'validation' or 'test'")
    if variant not in ("corrected", "published"):
        raise ValueError(f"variant={variant!r} is not known; use 'corrected' or 'published'")
    if source == "scenes" and (count is None or count < 1):
        raise ValueError(f"count={count}: scenes have no end; say how many, at least 1")
    if source != "scenes" and scene_options:
        raise ValueError(f"{', '.join(scene_options)}: options of scenes, but the source is {source!r}")
    if download and source != "voc2007":
        raise ValueError(f"download=True is for 'voc2007' only; {source!r} is not downloaded by torchvision")
