"""The archive of CIFAR-10, and helpful errors where it is missing."""

from __future__ import annotations

from pathlib import Path

from helpers.core.files import DATA_VARIABLE, data_folder

CIFAR10_ARCHIVE = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
_FILES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")


def cifar10_folder(root: str | Path | None = None) -> Path:
    """The folder that holds `cifar-10-batches-py`: `root`, or `cifar10/` in the data folder.

    Raises:
        FileNotFoundError: neither is known; the message has the archive and its folder.
    """
    if root is not None:
        return Path(root).expanduser()
    try:
        return data_folder() / "cifar10"
    except ValueError as error:
        raise FileNotFoundError(
            f"CIFAR-10 is needed, but the environment variable {DATA_VARIABLE} is not set; set it to the folder that "
            f"holds cifar10/, or pass root=. If you do not have it yet, "
            f"{download_advice(Path(f'${DATA_VARIABLE}/cifar10'))}"
        ) from error


def require_cifar10(root: str | Path | None = None) -> None:
    """Check that the files of CIFAR-10 are there; reading them checks their content.

    Args:
        root: as in `cifar10_folder`.

    Raises:
        FileNotFoundError: one is missing; the message has the archive and its folder.
    """
    folder = cifar10_folder(root)
    if not all((folder / "cifar-10-batches-py" / name).is_file() for name in _FILES):
        raise FileNotFoundError(f"CIFAR-10 is missing or incomplete in {folder}; {download_advice(folder)}")


def download_advice(folder: Path) -> str:
    """Instructions for downloading CIFAR-10 into a folder."""
    return f"fetch {CIFAR10_ARCHIVE} (163 MB), put it into {folder} and unpack it there: tar -xf cifar-10-python.tar.gz"
