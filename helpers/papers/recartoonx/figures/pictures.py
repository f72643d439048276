"""Images with CartoonX's pictures and Pixel RDE's masks: Figures 1 and 2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from helpers.data.photographs import ImageSet
from helpers.papers.recartoonx.experiments import Study
from helpers.plots import MASK_COLOURS
from helpers.reporting.pictures import PictureRow


@dataclass(frozen=True)
class PictureGroup:
    """Some images and their explanations, under one title.

    Attributes:
        title: what they have in common.
        titles: what stands above each image; one or several lines.
        images: the images.
        cartoons: the pictures of CartoonX.
        masks: the masks of Pixel RDE.
    """

    title: str
    titles: tuple[str, ...]
    images: Float[Tensor, "count 3 height width"]
    cartoons: Float[Tensor, "count 1 height width"]
    masks: Float[Tensor, "count 1 height width"]

    @property
    def rows(self) -> tuple[PictureRow, ...]:
        """The image, CartoonX's picture, Pixel RDE's mask."""
        return (
            PictureRow("image", self.images),
            PictureRow("CartoonX", self.cartoons),
            PictureRow("Pixel RDE", self.masks, MASK_COLOURS),
        )


def pictures_of(study: Study, images: ImageSet, title: str, titles: Sequence[str]) -> PictureGroup:
    """Explain images by both methods (or read what is stored), as a group to draw.

    Raises:
        ValueError: the titles are not one per image.
    """
    if len(titles) != len(images):
        raise ValueError(f"{len(titles)} titles were given for {len(images)} images; give one per image")
    some = Study(study.profile, root=study.root, images=images)
    method = some.method("cartoonx")
    cartoons = method.cartoon(images.images.to(some.device), some.explain("cartoonx").to(some.device)).cpu()
    return PictureGroup(title, tuple(titles), images.images, cartoons, some.explain("pixel-rde").mask)
