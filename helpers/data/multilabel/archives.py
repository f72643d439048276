"""The archives of PASCAL VOC-2007 and COCO-2014, the folder of VOC's animals, and helpful errors for missing ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from helpers.core.files import DATA_VARIABLE, data_folder
from helpers.data.decoding import decode, picture_size, stored_picture
from helpers.data.picture_files import UnreadableImageError


@dataclass(frozen=True)
class Archive:
    """A file to download and unpack.

    Attributes:
        url: its address.
        size: its size, as text.
        unpacked_path: a path inside it, which exists once the archive has been unpacked.
    """

    url: str
    size: str
    unpacked_path: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rpartition("/")[2]

    @property
    def unpack(self) -> str:
        """The command that unpacks it in its folder."""
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
    """A dataset is missing or incomplete; the message lists the archives to download, their sizes and their folder."""


def dataset_root(name: str, root: str | Path | None = None) -> Path:
    """The folder of a dataset: `root`, or the folder `name` in the data folder.

    It need not exist; `require` checks its content.

    Raises:
        ValueError: no root is given and `XAIBOOK_DATA` is not set.
        FileNotFoundError: the data folder does not exist.
    """
    if root is not None:
        return Path(root).expanduser()
    try:
        return data_folder() / name
    except ValueError as error:
        raise ValueError(
            f"{name} is needed, but the environment variable {DATA_VARIABLE} is not set; set it to the folder that "
            f"holds {name}/, or pass root= with the folder of {name} itself"
        ) from error


def require_dataset(name: str, root: str | Path | None = None) -> None:
    """Check before a long run that the files of a dataset are complete; scenes need none.

    Args:
        name: `"voc2007"`, `"voc-animals"`, `"coco2014"` or `"scenes"`.
        root: its folder; None for the folder `name` in the data folder.

    Raises:
        MissingArchiveError: archives are missing, or `XAIBOOK_DATA` is not set; the message has the address, size and
            folder of each.
    """
    if name == "scenes":
        return
    if name == "voc-animals":
        require_animals(root)
        return
    title, archives = _DATASETS[name]
    try:
        folder = dataset_root(name, root)
    except ValueError as error:
        downloads = _download_advice(archives, Path(f"${DATA_VARIABLE}") / name)
        raise MissingArchiveError(
            f"{title} is needed, but the environment variable {DATA_VARIABLE} is not set; set it to the folder that "
            f"holds {name}/. If you do not have it yet, download:{downloads}"
        ) from error
    require(title, folder, archives)


def require_animals(root: str | Path | None = None) -> Path:
    """The folder of VOC's animals, `voc-animals/` in the data folder by default, after a check that it is complete.

    Raises:
        MissingArchiveError: it is not, or `XAIBOOK_DATA` is not set.
    """
    try:
        folder = dataset_root("voc-animals", root)
    except ValueError as error:
        raise MissingArchiveError(str(error)) from error
    parts = ("labels.csv", "JPEGImages", "SegmentationClass", "ImageSets")
    missing = [part for part in parts if not (folder / part).exists()]
    if missing:
        raise MissingArchiveError(
            f"VOC's animals are missing or incomplete in {folder}: there is no {missing[0]}. This selection of PASCAL "
            "VOC has no public archive: copy the folder voc-animals/ of the authors of this book there"
        )
    return folder


def require(title: str, root: Path, archives: Sequence[Archive], hint: str = "") -> None:
    """Check that archives have been unpacked in `root`.

    Args:
        title: the dataset's name, for the message.
        root: the folder in which they belong.
        archives: the archives that are needed.
        hint: a further sentence for the message.

    Raises:
        MissingArchiveError: some are missing; the message has the address, size and folder of each.
    """
    missing = [archive for archive in archives if not (root / archive.unpacked_path).exists()]
    if missing:
        downloads = _download_advice(missing, root)
        raise MissingArchiveError(
            f"{title} is missing or incomplete in {root}. Download:{downloads}{hint and chr(10) + hint}"
        )


def _download_advice(archives: Sequence[Archive], folder: Path) -> str:
    """One line per archive: its address, its folder, and the command that unpacks it."""
    return "".join(
        f"\n  {archive.url} ({archive.size}): put it into {folder} and unpack it there with: {archive.unpack}"
        for archive in archives
    )


def read_listed_file(path: Path) -> bytes:
    """The bytes of a file that a dataset lists.

    Raises:
        FileNotFoundError: there is no such file.
    """
    _check_listed(path)
    return path.read_bytes()


def read_listed_picture(path: Path) -> Image.Image:
    """A photograph that a dataset lists, in RGB.

    Its EXIF orientation is ignored, since annotations refer to the pixels as stored.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the picture is damaged.
    """
    from helpers.data.images import to_bytes  # imports torch, which the check for missing archives does not need

    _check_listed(path)
    with _advised():
        return to_bytes(decode(path, upright=False))


def read_listed_mask(path: Path) -> Image.Image:
    """A segmentation that a dataset lists, in the mode of its file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the picture is damaged.
    """
    content = read_listed_file(path)
    with _advised():
        return stored_picture(content, str(path))


def check_size(path: Path, size: tuple[int, int], annotation: str) -> None:
    """Check that a listed picture has the (height, width) of its annotation, on which the objects' places rest.

    Raises:
        ValueError: it has another; the message names both.
    """
    found = picture_size(path)
    if found != size:
        raise ValueError(
            f"{path} has {found[0]} x {found[1]} pixels, but its annotation, {annotation}, has {size[0]} x {size[1]}; "
            "they do not belong together: unpack the archives again"
        )


def _check_listed(path: Path) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is listed, but there is no such file; unpack the archive again")


@contextmanager
def _advised() -> Iterator[None]:
    """Add to the error of a damaged picture where a sound one comes from."""
    try:
        yield
    except UnreadableImageError as error:
        raise UnreadableImageError(f"{error}; or unpack the archive again") from error
