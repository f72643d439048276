"""What metrics look at: images of a classifier with their truth, and the maps of one method for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from helpers.core.blur import gaussian_blur
from helpers.core.mask_inputs import checked_masks
from helpers.core.runtime import random_generator
from helpers.data.scenes.parts import SceneParts
from helpers.methods.rde import RateDistortion, RDEOptions
from helpers.methods.rde.representations import Pixels
from helpers.metrics import pixel_curve, rate_distortion_curve
from helpers.metrics.curves import Direction
from helpers.metrics.perturbation import PixelDirection

FILLS = ("mean", "blur", "noise")
"""What takes the place of removed pixels: the image's mean colour, its blur, or coloured noise."""

STEPS = 10
"""The steps of deletion and insertion curves, from no pixel to all."""

KEPT_SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
"""The shares of pixels that keep and randomise curves keep, or replace by noise."""

_BLUR = 0.1  # of the fill, as a share of the side
_DRAWS = 2  # of noise and tie-breaks in keep and randomise curves
_PATCHES, _PATCH = 16, 0.25  # how many perturbed versions infidelity sees, and the side of their grey squares
_AT_ONCE = 256  # images per forward pass


@dataclass(frozen=True, eq=False)
class Case:
    """Images, the classes that are explained, and what is known about them.

    Attributes:
        classifier: pixels in [0, 1] to logits.
        images: pixels in [0, 1].
        targets: the explained class of each image.
        region: the pixels of the class's objects; None without truth.
        parts: the scenes drawn without each of their parts; None for images that cannot be drawn again.
        fills: what takes the place of removed pixels, by name, one image per image; those of `FILLS` by default.
        seed: of noise, patches and tie-breaks.
        counted: the pixels that scores of where the object is count, such as those that are not void; None for all.
    """

    classifier: nn.Module
    images: Float[Tensor, "batch 3 height width"]
    targets: Int[Tensor, " batch"]
    region: Bool[Tensor, "batch height width"] | None = None
    parts: SceneParts | None = None
    fills: Mapping[str, Float[Tensor, "batch 3 height width"]] = field(default_factory=dict)
    seed: int = 0
    counted: Bool[Tensor, "batch height width"] | None = None

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    def fill(self, name: str) -> Float[Tensor, "batch 3 height width"]:
        """The images of a fill.

        Raises:
            ValueError: the case has no fill of this name.
        """
        if name in self.fills:
            return self.fills[name]
        mean = self.images.mean((2, 3), keepdim=True)
        if name == "mean":
            return mean.expand_as(self.images)
        if name == "blur":
            return gaussian_blur(self.images, _BLUR * self.images.shape[-1]).clamp(0, 1)
        if name == "noise":  # one draw for all images, at each image's own mean and spread
            noise = torch.randn(self.images.shape[1:], generator=random_generator(self.seed))
            return (mean + self.images.std((2, 3), keepdim=True) * noise.to(self.images)).clamp(0, 1)
        raise ValueError(f"there is no fill {name!r}: use one of {', '.join((*FILLS, *self.fills))}")

    @cached_property
    def problem(self) -> RateDistortion:
        """The rate-distortion problem of the images in pixels, for keep and randomise curves."""
        size = (self.images.shape[2], self.images.shape[3])
        return RateDistortion(self.classifier, Pixels(size), self.images, RDEOptions(), self.targets)

    @cached_property
    def random_areas(self) -> dict[Direction, Float[Tensor, " batch"]]:
        """The area under the keep and the randomise curve of pixels in random order."""
        nothing = torch.zeros_like(self.images[:, 0])
        return {direction: self.area(nothing, direction) for direction in ("keep", "randomise")}

    def area(self, maps: Float[Tensor, "batch height width"], direction: Direction) -> Float[Tensor, " batch"]:
        """The mean distortion over `KEPT_SHARES`."""
        flat = maps.flatten(1).unsqueeze(1)  # batch, 1, pixels
        options = {"direction": direction, "draws": _DRAWS, "seed": self.seed}
        return rate_distortion_curve(self.problem, flat, KEPT_SHARES, **options)[0].mean(1)

    @cached_property
    def perturbed(self) -> Float[Tensor, "samples batch 3 height width"]:
        """The images with a square of their mean colour, at the same random places in all images."""
        side = self.images.shape[-1]
        width = max(1, round(_PATCH * side))
        corners = torch.randint(side - width + 1, (_PATCHES, 2), generator=random_generator(self.seed))
        versions = self.images.expand(_PATCHES, *self.images.shape).clone()
        for version, (top, left) in zip(versions, corners.tolist(), strict=True):
            version[:, :, top : top + width, left : left + width] = self.fill("mean")[:, :, :1, :1]
        return versions

    @cached_property
    def drops(self) -> Float[Tensor, "batch parts"]:
        """The drop of the explained class's logit as each part of a scene is drawn away; 0 for absent parts.

        Raises:
            ValueError: the images cannot be drawn again.
        """
        if self.parts is None:
            raise ValueError("rendered deletion needs scenes that can be drawn again: `draw_parts`")
        without = self.parts.without
        pictures = torch.cat([self.images[:, None], without], 1)  # batch, 1 + parts, 3, height, width
        with torch.no_grad():
            logits = torch.cat([self.classifier(some) for some in pictures.flatten(0, 1).split(_AT_ONCE)])
        classes = self.targets.repeat_interleave(pictures.shape[1])[:, None]
        found = logits.gather(1, classes)[:, 0].view(len(self), -1)  # batch, 1 + parts
        return (found[:, :1] - found[:, 1:]).masked_fill(~self.parts.present, 0)


def silent(maps: Float[Tensor, "batch height width"]) -> Bool[Tensor, " batch"]:
    """Whether each map says nothing: it is constant, or has values that are not finite."""
    flat = maps.flatten(1)
    return (flat.amax(1) == flat.amin(1)) | ~flat.isfinite().all(1)


@dataclass(frozen=True, eq=False)
class Trial:
    """The maps of one method for the images of a case; metrics share its curves.

    A map with a value that is not finite says nothing: it is replaced by the control that finds everything equally
    relevant, so that it counts as any other map.

    Args:
        case: the images.
        maps: the relevance of each pixel, in [0, 1] where finite.

    Raises:
        TypeError, ValueError: the maps have a wrong shape, type or range.
    """

    case: Case
    given: Float[Tensor, "batch height width"]
    maps: Float[Tensor, "batch height width"] = field(init=False)
    _curves: dict[tuple[str, PixelDirection], Tensor] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        broken = ~self.given.isfinite().flatten(1).all(1)
        heard = torch.where(broken[:, None, None], torch.ones_like(self.given), self.given)
        images = self.case.images
        maps = checked_masks(heard, (len(images), *images.shape[2:]), name="maps", device=images.device)
        object.__setattr__(self, "maps", maps)

    def curve(self, fill: str, direction: PixelDirection) -> Float[Tensor, "batch fractions"]:
        """The deletion or the insertion curve with one fill."""
        if (fill, direction) not in self._curves:
            case = self.case
            self._curves[fill, direction] = pixel_curve(
                case.classifier,
                case.images,
                self.maps[:, None],
                case.targets,
                case.fill(fill),
                direction=direction,
                steps=STEPS,
                seed=case.seed,
                chunk=_AT_ONCE,
            )
        return self._curves[fill, direction]
