"""A picture prepared as a network's library prepares it: resized, cropped at the centre, in [0, 1]."""

from __future__ import annotations

import math
import os

from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as transforms

from helpers.classifiers.architectures import Preprocessing
from helpers.data.decoding import Decoded, decode
from helpers.data.images import ImageSource, load_image, to_bytes, to_picture, to_tensor
from helpers.data.picture_files import BinaryStream


def load_prepared(
    source: ImageSource, preprocessing: Preprocessing, size: tuple[int, int]
) -> Float[Tensor, "3 height width"]:
    """Load a picture as a network expects it, but for the normalisation, which `Classifier` does itself.

    Args:
        source: as in `load_image`.
        preprocessing: of the network.
        size: the (height, width) to crop to.

    Raises:
        FileNotFoundError, ValueError, TypeError: as in `load_image`.
    """
    wanted = tuple(math.floor(side / preprocessing.crop_pct + 1e-6) for side in size)  # as timm rounds
    if isinstance(source, str | os.PathLike | bytes | Image.Image | BinaryStream):
        decoded = decode(source, lambda height, width: _scaled(height, width, wanted, preprocessing))
    else:  # arrays, and what `load_image` refuses
        picture = to_picture(load_image(source))
        decoded = Decoded(picture, (picture.height, picture.width))
    scaled = _scaled(*decoded.size, wanted, preprocessing)
    interpolation = InterpolationMode(preprocessing.interpolation)
    resized = transforms.resize(to_bytes(decoded), list(scaled), interpolation)
    if preprocessing.crop_mode == "border":
        down, right = (max(0, side - have) for side, have in zip(size, scaled, strict=True))
        grey = [round(255 * value) for value in preprocessing.mean]
        resized = transforms.pad(resized, [right // 2, down // 2, right - right // 2, down - down // 2], fill=grey)
    return to_tensor(Decoded(transforms.center_crop(resized, list(size)), size))


def _scaled(height: int, width: int, wanted: tuple[int, ...], preprocessing: Preprocessing) -> tuple[int, int]:
    """The (height, width) of a picture before it is cropped."""
    if preprocessing.crop_mode == "squash":
        return wanted[0], wanted[1]
    if preprocessing.crop_mode == "border":
        ratio = max(height / wanted[0], width / wanted[1])
        return max(1, round(height / ratio)), max(1, round(width / ratio))
    if height / wanted[0] <= width / wanted[1]:  # the height determines the scale; the other side is rounded down
        return wanted[0], max(1, int(wanted[0] * width / height))
    return max(1, int(wanted[1] * height / width)), wanted[1]
