"""Pictures beside a stored table: small files in its folder of results, whose digests stand in its provenance."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from helpers.core.files import atomic_write
from helpers.data.images import load_image, to_picture
from helpers.results.tables import read_provenance, results_folder

_FOLDER = "pictures"


def write_pictures(
    pictures: Mapping[str, Float[Tensor, "_channels _height _width"]], folder: Path, *, lossless: int = 0
) -> dict[str, str]:
    """Write pictures as WebP into the folder `pictures`.

    Args:
        pictures: in [0, 1], by name; a slash of a name is a hyphen in the file's.
        folder: that of a profile's results.
        lossless: pictures of at most so many pixels a side are stored without loss, since blocks would show in them.

    Returns:
        The SHA-256 of each file by the picture's name, for the table's attribute `provenance`, under "pictures".
    """
    digests = {}
    for name, picture in pictures.items():
        content = io.BytesIO()
        small = max(picture.shape[-2:]) <= lossless
        to_picture(picture).convert("RGB").save(content, "WEBP", lossless=small, quality=85, method=6)
        atomic_write(_path(folder, name), content.getvalue())
        digests[name] = hashlib.sha256(content.getvalue()).hexdigest()
    return digests


def read_pictures(profile: str, table: str, root: Path | None = None) -> dict[str, Tensor]:
    """The pictures of a stored table by name; those whose names end in "mask" or "cartoon" have one channel.

    Args:
        profile: its profile.
        table: its name.
        root: another folder than the project's `results/`.

    Raises:
        ValueError: the table or a picture is missing or was changed; the message says how to make them.
    """
    pictures = {}
    for name, digest in read_provenance(profile, table, root=root)["pictures"].items():
        path = _path(results_folder(profile, root), name)
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != digest:
            raise ValueError(
                f"{path} is missing or was changed; make it again: python -m helpers table {table} --profile {profile} "
                "(needs XAIBOOK_DATA)"
            )
        image = load_image(content)
        pictures[name] = image[:1] if name.endswith(("mask", "cartoon")) else image
    return pictures


def _path(folder: Path, name: str) -> Path:
    return folder / _FOLDER / f"{name.replace('/', '-')}.webp"
