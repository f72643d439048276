"""The archives that PASCAL VOC-2007 and COCO-2014 come in, and what to say where one is missing."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from helpers.core.files import DATA_VARIABLE, data_folder


@dataclass(frozen=True)
class Archive:
    """A file to fetch and unpack.

    Attributes:
        url: where it is.
        size: how large it is, in words.
        holds: a path inside it; where that exists, the archive has been unpacked.
    """

    url: str
    size: str
    holds: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rpartition("/")[2]

    @property
    def unpack(self) -> str:
        """The command that unpacks it where it lies."""
        return f"unzip {self.name}" if self.name.endswith(".zip") else f"tar -xf {self.name}"


_VOC = "http://host.robots.ox.ac.uk/pascal/VOC/voc2007"
_COCO = "http://images.cocodataset.org"
_VOC_LISTS = "VOCdevkit/VOC2007/ImageSets/Main"

VOC_TRAINVAL = Archive(f"{_VOC}/VOCtrainval_06-Nov-2007.tar", "460 MB", f"{_VOC_LISTS}/train.txt")
VOC_TEST = Archive(f"{_VOC}/VOCtest_06-Nov-2007.tar", "451 MB", f"{_VOC_LISTS}/test.txt")
COCO_TRAIN = Archive(f"{_COCO}/zips/train2014.zip", "13 GB", "train2014")
COCO_VAL = Archive(f"{_COCO}/zips/val2014.zip", "6 GB", "val2014")
COCO_ANNOTATIONS = Archive(f"{_COCO}/annotations/annotations_trainval2014.zip", "241 MB", "annotations")

_DATASETS = {
    "voc2007": ("PASCAL VOC-2007", (VOC_TRAINVAL, VOC_TEST)),
    "coco2014": ("COCO-2014", (COCO_TRAIN, COCO_VAL, COCO_ANNOTATIONS)),
}


class MissingArchiveError(FileNotFoundError):
    """A data set is not there, or not all of it: which archives to fetch, how large they are, where they belong."""


def dataset_root(name: str, root: str | Path | None = None) -> Path:
    """The folder of a data set: `root`, or the folder `name` inside the one that `XAIBOOK_DATA` names.

    It need not exist: `require` says what belongs in it.

    Raises:
        ValueError: no root is given and the variable is not set.
        FileNotFoundError: the variable names no folder.
    """
    if root is not None:
        return Path(root).expanduser()
    try:
        return data_folder() / name
    except ValueError as error:
        raise ValueError(
            f"{name} is wanted, but the environment variable {DATA_VARIABLE} is not set; set it to the folder that "
            f"holds {name}/, or pass root= with the folder of {name} itself"
        ) from error


def require_dataset(name: str, root: str | Path | None = None) -> None:
    """Check that everything of a data set is there, before a long run begins; scenes need nothing.

    Args:
        name: `"voc2007"`, `"coco2014"` or `"scenes"`.
        root: its folder; None for the folder `name` inside the one that `XAIBOOK_DATA` names.

    Raises:
        MissingArchiveError: archives are missing, or the variable is not set; the message has the address, size and
            place of each.
    """
    if name == "scenes":
        return
    title, archives = _DATASETS[name]
    try:
        place = dataset_root(name, root)
    except ValueError as error:
        fetch = _fetch(archives, Path(f"${DATA_VARIABLE}") / name)
        raise MissingArchiveError(
            f"{title} is wanted, but the environment variable {DATA_VARIABLE} is not set; set it to the folder that "
            f"holds {name}/. Where nothing is there yet, fetch:{fetch}"
        ) from error
    require(title, place, archives)


def require(title: str, root: Path, archives: Sequence[Archive], hint: str = "") -> None:
    """Check that archives have been unpacked in `root`.

    Args:
        title: the data set, for the message.
        root: where they belong.
        archives: which.
        hint: what else to say, a sentence.

    Raises:
        MissingArchiveError: some have not; the message has the address, size and place of each.
    """
    missing = [archive for archive in archives if not (root / archive.holds).exists()]
    if missing:
        fetch = _fetch(missing, root)
        raise MissingArchiveError(f"{title} is not, or not wholly, in {root}. Fetch:{fetch}{hint and chr(10) + hint}")


def _fetch(archives: Sequence[Archive], place: Path) -> str:
    """Lines that say what to fetch and where to put it."""
    return "".join(
        f"\n  {archive.url} ({archive.size}): put it into {place} and unpack it there with: {archive.unpack}"
        for archive in archives
    )


def listed_content(path: Path) -> bytes:
    """The bytes of a file that a data set lists.

    Raises:
        FileNotFoundError: it is not there.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} is listed, but there is no such file; unpack the archive again") from error


def listed_picture(path: Path) -> Image.Image:
    """A picture that a data set lists, decoded, in its own mode.

    It is not turned as its EXIF orientation may say: annotations refer to the pixels as they are stored.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it is damaged.
    """
    with io.BytesIO(listed_content(path)) as stream:
        try:
            picture = Image.open(stream)
            picture.load()
        except (OSError, SyntaxError) as error:  # the latter: a PNG with a torn header
            raise ValueError(f"{path} cannot be decoded ({error}); unpack the archive again") from error
    return picture
