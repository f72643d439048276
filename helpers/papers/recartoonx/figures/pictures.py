"""Images with CartoonX's cartoons and Pixel RDE's masks (Figures 1 and 2)."""

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
        titles: one above each image; one or several lines.
        images: the images.
        cartoons: the cartoons of CartoonX.
        masks: the masks of Pixel RDE.
    """

    title: str
    titles: tuple[str, ...]
    images: Float[Tensor, "count 3 height width"]
    cartoons: Float[Tensor, "count 1 height width"]
    masks: Float[Tensor, "count 1 height width"]

    @property
    def rows(self) -> tuple[PictureRow, ...]:
        """The image, CartoonX's cartoon, Pixel RDE's mask."""
        return (
            PictureRow("image", self.images),
            PictureRow("CartoonX", self.cartoons),
            PictureRow("Pixel RDE", self.masks, MASK_COLOURS),
        )


def pictures_of(study: Study, images: ImageSet, title: str, titles: Sequence[str]) -> PictureGroup:
    """Explanations of images by both methods, stored or computed, as a group to draw.

    Raises:
        ValueError: there is not one title per image.
    """
    if len(titles) != len(images):
        raise ValueError(f"{len(titles)} titles were given for {len(images)} images; give one per image")
    study = Study(study.profile, root=study.root, images=images)
    explanation = study.explain("cartoonx").to(study.device)
    cartoons = study.method("cartoonx").cartoon(images.images.to(study.device), explanation).cpu()
    return PictureGroup(title, tuple(titles), images.images, cartoons, study.explain("pixel-rde").mask)
