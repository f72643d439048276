"""The images explained in the book: freely licensed photographs, ImageNet samples, scenes, the reader's own."""

from __future__ import annotations

import csv
import mimetypes
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from helpers.core.batch import Batch
from helpers.core.files import data_file, file_digest
from helpers.core.runtime import random_generator
from helpers.data.decoding import SUFFIXES, is_picture
from helpers.data.images import Resize, Size, image_digest, load_image
from helpers.data.scenes import make_scenes
from helpers.data.stacks import stack_images

IMAGENET_LICENCE = "ImageNet terms: research use only; never to be published"
SCENES_LICENCE = "drawn by this book's own code (MIT)"

_PIXELS_AT_ONCE = 2**19  # of scenes that are drawn together


@dataclass(frozen=True)
class ImageSet(Batch):
    """Images with their names, labels, digests and licence.

    Attributes:
        names: one name per image, all different.
        images: the pixels in [0, 1], all of one size.
        labels: the class of each image, -1 if it is not known.
        digests: the SHA-256 of each file's bytes, or of the pixels of images without a file.
        licence: the terms under which the images may be used.
    """

    shared = ("licence",)
    names: tuple[str, ...]
    images: Float[Tensor, "count 3 height width"]
    labels: Int[Tensor, " count"]
    digests: tuple[str, ...]
    licence: str

    def __post_init__(self) -> None:
        """Check that the fields have matching lengths."""
        lengths = {len(self.names), len(self.images), len(self.labels), len(self.digests)}
        if len(lengths) > 1 or len(set(self.names)) < len(self.names):
            raise ValueError(
                f"expected as many names, all different, as images, labels and digests; got {len(self.names)} names, "
                f"{len(self.images)} images, {len(self.labels)} labels and {len(self.digests)} digests"
            )

    def select(self, *names: str) -> ImageSet:
        """The images with these names, in this order.

        Raises:
            ValueError: there is no image of one of the names.
        """
        unknown = [name for name in names if name not in self.names]
        if unknown:
            raise ValueError(f"there is no image {unknown[0]!r}; there are {', '.join(self.names)}")
        return self[torch.tensor([self.names.index(name) for name in names], dtype=torch.long)]


@dataclass(frozen=True)
class Photograph:
    """A freely licensed photograph in the scikit-image wheel; credit and licence are those given in `skimage.data`."""

    file: str
    title: str
    credit: str
    licence: str


GALLERY: Mapping[str, Photograph] = {
    "chelsea": Photograph("chelsea.png", "Chelsea the cat", "Stefan van der Walt", "CC0"),
    "coffee": Photograph("coffee.png", "A cup of coffee", "Rachel Michetti, Pikolo Espresso Bar", "CC0"),
    "rocket": Photograph("rocket.jpg", "Launch of DSCOVR on a Falcon 9", "SpaceX", "public domain"),
    "astronaut": Photograph("astronaut.png", "Eileen Collins, astronaut", "NASA", "public domain"),
    "camera": Photograph("camera.png", "A man with a camera", "Lav Varshney", "CC0"),
    "clock": Photograph("clock_motion.png", "A clock in motion", "Stefan van der Walt", "public domain"),
    "retina": Photograph("retina.jpg", "A human retina", "Mikael Häggström", "CC0"),
    "hubble": Photograph("hubble_deep_field.jpg", "Hubble eXtreme Deep Field", "NASA", "public domain"),
}
"""Photographs by name that need no download and may be published."""

GALLERY_NAMES = ("chelsea", "coffee", "rocket", "astronaut", "camera", "clock")
"""The photographs of everyday objects, which suit an ImageNet classifier."""


def gallery_images(size: Size = 256, resize: Resize = "crop", names: Sequence[str] = GALLERY_NAMES) -> ImageSet:
    """Photographs of `GALLERY`, read from the installed scikit-image: no download, free to publish.

    Their labels are -1, since they have no ImageNet class.

    Raises:
        ValueError: a name is not in `GALLERY`.
        FileNotFoundError: the installed scikit-image lacks the file.
    """
    unknown = [name for name in names if name not in GALLERY]
    if unknown:
        raise ValueError(f"there is no gallery photograph {unknown[0]!r}; there are {', '.join(GALLERY)}")
    with as_file(files("skimage.data")) as folder:
        for name in names:
            if not (folder / GALLERY[name].file).is_file():
                raise FileNotFoundError(
                    f"the installed scikit-image lacks {GALLERY[name].file}; install scikit-image from its wheel"
                )
        paths = {name: folder / GALLERY[name].file for name in names}
        credits = [f"{GALLERY[name].title}: {GALLERY[name].credit} ({GALLERY[name].licence})" for name in names]
        return _load_all(paths, size, resize, licence="; ".join(credits))


def imagenet_samples(
    root: str | Path | None = None,
    subset: str = "study",
    size: Size = 256,
    count: int | None = None,
    resize: Resize = "stretch",
    seed: int | None = None,
) -> ImageSet:
    """ImageNet sample photographs from the data folder (`root`, or the one that `XAIBOOK_DATA` names).

    Args:
        root: the data folder, which holds `imagenet-samples/labels.csv`.
        subset: `"study"` (the 100 images of the CartoonX reproduction) or `"rest"` (images of the 900 other classes).
        size: as in `load_image`.
        count: number of images; None for all. A larger count begins with the images of a smaller one.
        resize: as in `load_image`.
        seed: seed of a random order; None for the order of the file, which is by class (animals come first).

    Raises:
        ValueError: `XAIBOOK_DATA` is not set, the subset is unknown or the count is too large.
        FileNotFoundError: a file is missing; the message says where to put it.
    """
    all_rows = _read_labels(data_file("imagenet-samples/labels.csv", root))
    rows = [row for row in all_rows if row[0].startswith(f"{subset}/")]
    if not rows:
        subsets = sorted({file.split("/")[0] for file, _ in all_rows})
        raise ValueError(f"there is no subset {subset!r} in labels.csv; use one of {', '.join(subsets)}")
    if seed is not None:
        order = torch.randperm(len(rows), generator=random_generator(seed)).tolist()
        rows = [rows[index] for index in order]
    rows = _first(rows, count, f"subset {subset!r}")
    names = dict(zip([file for file, _ in all_rows], _different_names([file for file, _ in all_rows]), strict=True))
    paths = {
        names[file].partition("/")[2].replace("/", "-"): data_file(f"imagenet-samples/{file}", root) for file, _ in rows
    }
    labels = torch.tensor([label for _, label in rows])
    return _load_all(paths, size, resize, licence=IMAGENET_LICENCE, labels=labels)


def imagenet_validation(root: str | Path | None = None, size: Size = 224, resize: Resize = "stretch") -> ImageSet:
    """The images of ILSVRC-2012's validation set in the data folder, which no network has been trained on.

    Args:
        root: the data folder, which holds `imagenet-val/labels.csv`; None for the one that `XAIBOOK_DATA` names.
        size: as in `load_image`.
        resize: as in `load_image`; those of the folder `imagenette-224` are squares already.

    Raises:
        ValueError: `XAIBOOK_DATA` is not set, or labels.csv is not as expected.
        FileNotFoundError: a file is missing; the message says where to put it.
    """
    rows = _read_labels(data_file("imagenet-val/labels.csv", root))
    # some images are in both folders, as an original and as a square
    paths = {
        str(PurePosixPath(file).with_suffix("")).replace("/", "-"): data_file(f"imagenet-val/{file}", root)
        for file, _ in rows
    }
    labels = torch.tensor([label for _, label in rows])
    return _load_all(paths, size, resize, licence=IMAGENET_LICENCE, labels=labels)


def folder_images(
    folder: str | Path,
    size: Size = 256,
    resize: Resize = "crop",
    count: int | None = None,
    licence: str = "the reader's own",
) -> ImageSet:
    """The photographs in a folder, sorted by name, with labels -1; subfolders are not searched.

    An image is named after its file without the ending, or with it where two names would be the same (cat.png and
    cat.jpg). Files with another ending than those of pictures are looked into; one that is not of another known type
    (text, tables) and cannot be read is named in a warning.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: the folder has no photographs or fewer than `count`, or one cannot be read.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; create it and put your photographs in")
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    paths, left_out = [], []
    for path in entries:
        if path.is_dir():
            continue
        kind = mimetypes.guess_type(path.name)[0] or "unknown"
        if path.suffix.lower() in SUFFIXES or (kind.startswith(("image/", "unknown")) and is_picture(path)):
            paths.append(path)
        elif kind.startswith(("image/", "unknown")):
            left_out.append(path.name)
    if left_out:
        warnings.warn(
            f"{folder}: left out {', '.join(left_out[:5])}{' and others' if len(left_out) > 5 else ''}, which are not "
            "pictures that can be read; convert them to JPEG or PNG, or move them away",
            stacklevel=2,
        )
    if not paths:
        inner = [path.name for path in entries if path.is_dir()]
        hint = f"; subfolders are not searched: name one of {', '.join(inner[:5])}" if inner else ""
        raise ValueError(f"no photographs in {folder}; expected files that end in {', '.join(SUFFIXES)}{hint}")
    names = dict(zip(_different_names([path.name for path in paths]), paths, strict=True))
    return _load_all(dict(_first(list(names.items()), count, str(folder))), size, resize, licence=licence)


def _different_names(files: Sequence[str]) -> list[str]:
    """A name for each of some different files: without its ending, unless that is also the name of another file."""
    stems = Counter(str(PurePosixPath(file).with_suffix("")).casefold() for file in files)
    whole = {file.casefold() for file in files}
    return [
        file if stems[stem.casefold()] > 1 or stem.casefold() in whole - {file.casefold()} else stem
        for file in files
        for stem in [str(PurePosixPath(file).with_suffix(""))]
    ]


def scene_images(count: int, size: int = 128, seed: int = 0, **options: Any) -> ImageSet:
    """Procedural scenes, labelled with the class of their largest object.

    Args:
        count: number of scenes.
        size: the side in pixels.
        seed: the seed of the series; scene i depends on the seed and i only.
        options: further options of `helpers.data.scenes.make_scenes`.
    """
    first, labels = int(options.pop("start", 0)), []

    def drawn() -> Iterator[Tensor]:
        at_once = max(1, _PIXELS_AT_ONCE // size**2) if size else 1
        for done in range(0, max(1, count), at_once):  # scenes have masks besides, which only a few need at a time
            number = min(at_once, count - done)
            scenes = make_scenes(number, size=size, seed=seed, start=first + done, **options)
            labels.append(scenes.label)
            yield from scenes.images

    images = stack_images(drawn(), count)
    return ImageSet(
        names=tuple(f"scene-{seed}-{first + index:05d}" for index in range(count)),
        images=images,
        labels=torch.cat(labels),
        digests=tuple(image_digest(image) for image in images),
        licence=SCENES_LICENCE,
    )


def _first(items: list[Any], count: int | None, source: str) -> list[Any]:
    """The first `count` items, or all if None."""
    if count is not None and not 1 <= count <= len(items):
        raise ValueError(f"count={count}: {source} has {len(items)} images; ask for 1 to {len(items)}, or None for all")
    return items[:count]


def _read_labels(path: Path) -> list[tuple[str, int]]:
    """The rows (file, class index) of labels.csv."""
    with path.open(newline="", encoding="utf-8") as stream:
        try:
            rows = [(str(row["file"]), int(row["class_index"])) for row in csv.DictReader(stream)]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} must have the columns file,class_index,wnid with integer indices") from error
    twice = [file for file, count in Counter(file for file, _ in rows).items() if count > 1]
    if twice:
        raise ValueError(f"{path} lists {twice[0]} more than once; list each file once")
    return rows


def _load_all(
    paths: Mapping[str, Path],
    size: Size,
    resize: Resize,
    licence: str,
    labels: Int[Tensor, " count"] | None = None,
) -> ImageSet:
    """The photographs in some files, by name, as one set."""
    images = stack_images((load_image(path, size, resize) for path in paths.values()), len(paths))
    digests = tuple(file_digest(path) for path in paths.values())
    labels = torch.full((len(images),), -1) if labels is None else labels
    return ImageSet(names=tuple(paths), images=images, labels=labels, digests=digests, licence=licence)
