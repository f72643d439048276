"""Safetensors files of weights, whose metadata describes the network, checked against their SHA-256."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from pydantic import BaseModel, Json, PositiveFloat, PositiveInt, ValidationError
from safetensors import SafetensorError
from torch import Tensor

from helpers.classifiers.architectures import CropMode, Interpolation
from helpers.classifiers.sums import SUMS_FILE, check_digest, data_models, expected_digest, read_sums
from helpers.core.files import MODELS_FOLDER, atomic_write
from helpers.data.imagenet import imagenet_class_names

IMAGENET_CLASSES = "ImageNet-1k, torchvision order"

_MULTI_LABEL = frozenset(
    {
        "9b2c6ab2ae6b501328d01d5586c42e1caac8d52842e27bdb0e66683b880511d6",  # scenes-multilabel
        "6db777a097a437083b4433cbb943352ac92dabe27f197c7afbbf6beba6041897",  # scenes-shortcut
    }
)  # the book's files that are older than the entry `multi_label` of the metadata


class FileMetadata(BaseModel, frozen=True):
    """The metadata of a weights file, in which every value is a string, most of them JSON.

    Attributes:
        architecture: the network's name; None if the file does not give it, as for all other attributes.
        model_args: the arguments of its constructor.
        mean, std: of each channel; the network expects pixels in [0, 1] normalised by them.
        input_size: the side in pixels of the images that it was trained on.
        classes: the class names as JSON, or `IMAGENET_CLASSES`.
        multi_label: whether an image can have several classes.
        crop_pct, interpolation, crop_mode: of `Preprocessing`.
    """

    architecture: str | None = None
    model_args: Json[dict[str, Any]] = {}
    mean: Json[tuple[float, float, float]] | None = None
    std: Json[tuple[PositiveFloat, PositiveFloat, PositiveFloat]] | None = None
    input_size: PositiveInt | None = None
    classes: str | None = None
    multi_label: Json[bool] = False
    crop_pct: PositiveFloat | None = None
    interpolation: Interpolation | None = None
    crop_mode: CropMode | None = None

    def class_names(self) -> tuple[str, ...] | None:
        """The class names in the order of the logits; None if the file does not give them.

        Raises:
            ValueError: `classes` is neither `IMAGENET_CLASSES` nor a JSON list of names.
        """
        if self.classes is None:
            return None
        if self.classes == IMAGENET_CLASSES:
            return imagenet_class_names()
        try:
            names = json.loads(self.classes)
        except json.JSONDecodeError:
            names = None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError(f"classes is {self.classes[:60]!r}; expected {IMAGENET_CLASSES!r} or a JSON list of names")
        return tuple(names)


@dataclass(frozen=True)
class WeightsFile:
    """The content of a checked weights file.

    Attributes:
        path: the file.
        state: the tensors by name.
        metadata: the description of the network.
        digest: the file's SHA-256.
    """

    path: Path
    state: dict[str, Tensor]
    metadata: FileMetadata
    digest: str

    @property
    def multi_label(self) -> bool:
        """Whether an image can have several classes, each with a probability of its own."""
        return self.metadata.multi_label or self.digest in _MULTI_LABEL


def read_weights(path: str | Path, *, sha256: str | None = None) -> WeightsFile:
    """Read a safetensors file and check its SHA-256.

    The digest is compared with `sha256`, or else with the file's line in the `SHA256SUMS` beside it, or, for files in
    the data folder, with `KNOWN_DIGESTS`. A file of the book's own models/ must have such a line. The digest of a
    reader's own file without any of these is not compared, only recorded.

    Args:
        path: the file.
        sha256: the expected digest, or at least its first eight digits.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no safetensors file, is damaged, or has another digest.
    """
    path = Path(path).expanduser()
    if path.suffix != ".safetensors":
        raise ValueError(_not_safetensors(path))
    if not path.is_file():
        raise FileNotFoundError(f"there is no weights file {path}; put it there, or correct the path")
    state, metadata, digest = read_tensors(path, sha256=sha256)
    try:
        return WeightsFile(path, state, FileMetadata.model_validate(metadata), digest)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ValueError(f"the metadata of {path} cannot be used: {problems}; write it with save_weights") from error


def read_tensors(path: Path, *, sha256: str | None = None) -> tuple[dict[str, Tensor], dict[str, str], str]:
    """The tensors of a safetensors file, its metadata and its SHA-256, which is checked as in `read_weights`.

    Raises:
        ValueError: the file is damaged, or has another digest than expected.
    """
    content = path.read_bytes()  # read once, so that the checked bytes are the loaded ones
    digest = hashlib.sha256(content).hexdigest()
    check_digest(path, digest, expected_digest(path) if sha256 is None else sha256)
    try:
        state = safetensors.torch.load(content)
    except SafetensorError as error:
        raise ValueError(f"{path} is not a whole safetensors file ({error}); copy or download it again") from error
    length = int.from_bytes(content[:8], "little")
    return state, json.loads(content[8 : 8 + length]).get("__metadata__", {}), digest


def write_weights(
    path: str | Path,
    state: Mapping[str, Tensor],
    *,
    architecture: str,
    model_args: Mapping[str, Any] | None = None,
    mean: Sequence[float],
    std: Sequence[float],
    input_size: int,
    classes: Sequence[str] | str,
    multi_label: bool = False,
    crop_pct: float | None = None,
    interpolation: Interpolation | None = None,
    crop_mode: CropMode | None = None,
) -> str:
    """Write weights with a description of their network, which is not checked: `save_weights` checks it.

    Args:
        path: the file, with the suffix .safetensors.
        state: the network's `state_dict()`.
        architecture: the network's name in torchvision, timm or the book, with the prefix `torchvision/` or `timm/`
            if both libraries have it.
        model_args: the arguments with which it was built.
        mean, std: of each channel; the network expects pixels in [0, 1] normalised by them.
        input_size: the side in pixels of the images that it was trained on.
        classes: the class names in the order of the logits, or `IMAGENET_CLASSES`.
        multi_label: whether an image can have several classes, each with a probability of its own, a sigmoid.
        crop_pct, interpolation, crop_mode: of `Preprocessing`; None: not given.

    Returns:
        The file's SHA-256.

    Raises:
        ValueError: the path has another suffix.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"{path} must end in .safetensors")
    metadata = {
        "architecture": architecture,
        "model_args": json.dumps(dict(model_args or {})),
        "mean": json.dumps(list(mean)),
        "std": json.dumps(list(std)),
        "input_size": str(input_size),
        "classes": classes if isinstance(classes, str) else json.dumps(list(classes)),
        **({"multi_label": "true"} if multi_label else {}),
    }
    preparation = {"crop_pct": crop_pct, "interpolation": interpolation, "crop_mode": crop_mode}
    metadata |= {name: str(value) for name, value in preparation.items() if value is not None}
    return write_tensors(path, state, metadata)


def write_tensors(path: Path, state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """Write tensors and metadata atomically, and their line in the `SHA256SUMS` beside them.

    Returns:
        The file's SHA-256.
    """
    tensors = {name: value.detach().cpu().clone().contiguous() for name, value in state.items()}
    content = _sorted_header(safetensors.torch.save(tensors, metadata=dict(metadata)))
    digest = hashlib.sha256(content).hexdigest()
    atomic_write(path, content)
    lines = {**read_sums(path.parent), path.name: digest}
    atomic_write(path.parent / SUMS_FILE, "".join(f"{lines[name]}  {name}\n" for name in sorted(lines)).encode())
    return digest


def local_weights(name: str) -> Path | None:
    """The file `<name>.safetensors` in the book's models/, or else in the data folder's models/; None if in neither."""
    bare = name.removeprefix("models/")
    if "/" in bare or os.sep in bare:
        return None
    found = next((path for folder in _folders() if (path := folder / f"{bare}.safetensors").is_file()), None)
    if found is None:
        check_shipped(MODELS_FOLDER / f"{bare}.safetensors")
    return found


def check_shipped(path: Path) -> None:
    """Raise a FileNotFoundError with the remedy if a file that ships with the book is missing.

    Args:
        path: the file; one that does not ship with the book is not looked for.
    """
    if path.parent == MODELS_FOLDER and path.name in read_sums(MODELS_FOLDER) and not path.is_file():
        raise FileNotFoundError(
            f"models/{path.name} ships with the book, but is missing here; get it back with `git checkout "
            f"models/{path.name}`, or train it again with `make models`"
        )


def local_names() -> tuple[str, ...]:
    """The names that `local_weights` finds."""
    return tuple(dict.fromkeys(path.stem for folder in _folders() for path in sorted(folder.glob("*.safetensors"))))


def _sorted_header(content: bytes) -> bytes:
    """The same safetensors file with sorted metadata, whose order, and so the digest, would differ from run to run."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    ordered = {"__metadata__": dict(sorted(header.pop("__metadata__").items())), **header}
    text = json.dumps(ordered, separators=(",", ":")).encode().ljust(length)  # spaces at the end keep offsets aligned
    if len(text) != length:
        text = text.ljust(len(text) + -len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def _folders() -> list[Path]:
    """The folders in which weights are searched by name, the book's own first."""
    return [folder for folder in (MODELS_FOLDER, data_models()) if folder is not None]


def _not_safetensors(path: Path) -> str:
    """An error message: why files of other types are rejected, and how to convert them."""
    return (
        f"{path} is not a .safetensors file; files such as .pth are pickles, which can run any code when opened. "
        f"Convert it once: state = torch.load({str(path)!r}, weights_only=True), then "
        f"helpers.classifiers.save_weights({path.with_suffix('.safetensors').name!r}, state, "
        "architecture='timm/resnet18', mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), input_size=224, "
        "classes=['cat', 'dog']), with your own architecture, numbers and class names"
    )
