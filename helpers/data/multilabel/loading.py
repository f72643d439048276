"""Loading of multi-label images: scenes, PASCAL VOC-2007, VOC's animals, COCO-2014."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

from helpers.core.types import Split, Variant
from helpers.data.multilabel.cache import Selection
from helpers.data.multilabel.coco import coco_images, coco_segmented
from helpers.data.multilabel.data import MultiLabelImages, SegmentedImages
from helpers.data.multilabel.scenes import draw_multilabels, scene_truth
from helpers.data.multilabel.voc import voc_images, voc_segmented
from helpers.data.multilabel.voc_animals import animal_images, animal_segmented
from helpers.data.scenes import make_scenes

Source = Literal["voc2007", "voc-animals", "coco2014", "scenes"]
SOURCES: tuple[Source, ...] = get_args(Source)

SCENE_SERIES = {"train": 1_000, "validation": 2_000, "test": 3_000}
"""The first seed of each split's scenes, to which the seed is added, as in all trainings of the book: splits share no
image."""

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
    """The images of a split with all their classes, in [0, 255], stretched to a square.

    `variant="published"` follows the code of "What You See is What You Classify": VOC's difficult objects count, and
    COCO's labels have 91 columns, 11 of them never used. `"corrected"` leaves difficult objects out (a class with
    difficult objects only is absent) and has COCO's 80 classes.

    Args:
        source: `"voc2007"` (2,501, 2,510 and 4,952 images), `"voc-animals"` (2,752, 294 and 530; see
            `helpers.data.multilabel.voc_animals`), `"coco2014"` (a fixed random split of train2014 into 90 % and 10 %,
            since the authors' split is not published; test is val2014) or `"scenes"`.
        split: `"train"`, `"validation"` or `"test"`.
        size: the side in pixels.
        root: the folder of the dataset (VOC: it holds `VOCdevkit/`; COCO: `annotations/`, `train2014/`, `val2014/`);
            None for the folder of its name in the data folder. Not needed for scenes.
        count: number of images, drawn at random; None for all. Required for scenes, of which it takes the first ones.
        seed: seed of the draw, or of the scenes.
        variant: see above.
        difficult: whether VOC-2007's difficult objects count; None: as the variant says. Those of VOC's animals do.
        cache: the folder of decoded images; None for `cache/` in the root. VOC's animals have none.
        download: let torchvision download VOC if it is missing. COCO has to be downloaded by hand.
        show_progress: show a progress bar.
        scene_options: further options of `helpers.data.scenes.make_scenes`, such as `objects=(1, 2)`.

    Raises:
        MissingArchiveError: (a FileNotFoundError) archives are missing; the message lists them and their folder.
        ValueError: the data folder is not known, or an argument does not fit the source.
        PermissionError: the cache is not writable.
    """
    _check(source, split, count, variant, download, difficult, scene_options)
    if source == "scenes":
        series = SCENE_SERIES[split] + seed
        return draw_multilabels(count or 0, size=size, seed=series, show=show_progress, **scene_options)[0]
    selection = Selection(size, root, count, seed, cache, show_progress)
    published = variant == "published"
    if source == "voc-animals":
        return animal_images(split, selection)
    if source == "voc2007":
        return voc_images(split, selection, difficult=published if difficult is None else difficult, download=download)
    return coco_images(split, selection, raw_ids=published)


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
    """Test images with the regions of their objects: 210 of VOC, 530 with VOC's animals, 1,000 of COCO, or scenes.

    Published: VOC's void border, and all pixels to which bilinear resizing spreads an object, belong to the object;
    COCO's masks include crowds and are fractional at borders; every pixel is counted. Corrected: masks are resized by
    the nearest pixel; pixels that are void, of difficult objects (unless `difficult`) or of crowds are not counted.
    The regions of scenes are exact in both variants. Those of VOC's animals come class by class.

    The arguments and errors are those of `load_split`; `count=None` means all images of VOC, and 1,000 random ones of
    COCO.
    """
    _check(source, "test", count, variant, download, difficult, scene_options)
    if source == "scenes":
        return _segmented_scenes(count or 0, size, SCENE_SERIES["test"] + seed, scene_options)
    selection = Selection(size, root, count, seed, cache, show_progress)
    published = variant == "published"
    if source == "voc-animals":
        return animal_segmented(selection, published=published)
    if source == "voc2007":
        counts = published if difficult is None else difficult
        return voc_segmented(selection, difficult=counts, published=published, download=download)
    return coco_segmented(selection, raw_ids=published, published=published)


def _segmented_scenes(count: int, size: int, seed: int, options: dict[str, Any]) -> SegmentedImages:
    """Scenes with the regions of their objects, drawn 256 at a time."""
    batches = []
    for first in range(0, count, _AT_ONCE):
        scenes = make_scenes(min(_AT_ONCE, count - first), size=size, seed=seed, start=first, **options)
        batches.append(scene_truth(scenes, seed, first))
    return SegmentedImages.join(batches)


def _check(
    source: str,
    split: str,
    count: int | None,
    variant: str,
    download: bool,
    difficult: bool | None,
    scene_options: dict[str, Any],
) -> None:
    """Raise a ValueError that names the first argument that is unknown or does not fit the source."""
    if source not in SOURCES:
        raise ValueError(f"source={source!r} is not known; use one of {', '.join(SOURCES)}")
    if split not in SCENE_SERIES:
        raise ValueError(f"split={split!r} is not known; use 'train', 'validation' or 'test'")
    if variant not in ("corrected", "published"):
        raise ValueError(f"variant={variant!r} is not known; use 'corrected' or 'published'")
    if source == "scenes" and (count is None or count < 1):
        raise ValueError(f"count={count}: scenes need a count of at least 1, since their series is endless")
    if source != "scenes" and scene_options:
        raise ValueError(f"{', '.join(scene_options)}: options of scenes, but the source is {source!r}")
    if difficult is False and source == "voc-animals":
        raise ValueError("difficult=False: labels.csv of VOC's animals does not tell difficult objects from others")
    if download and source != "voc2007":
        raise ValueError(f"download=True is for 'voc2007' only; {source!r} is not downloaded by torchvision")
