"""Scenes drawn again without one of their parts: an object, the planted mark, or the pattern of the background."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.core.batch import Batch
from helpers.data.scenes.composition import MAX_OBJECTS, Composition, compose
from helpers.data.scenes.scenes import Scenes, _paint, make_scenes
from helpers.data.scenes.shapes import SCENE_CLASSES

PARTS = (*(f"object {slot + 1}" for slot in range(MAX_OBJECTS)), "mark", "background")
"""The parts of a scene: its four slots of objects, back to front, the mark, and the background."""

_GREY = 0.5  # of the ground that replaces a background
_NEVER, _ALWAYS = 1.0, 0.0  # the composition's number of the mark, which is compared with a rate of 1


@dataclass(frozen=True)
class SceneParts(Batch):
    """Scenes, their parts, and the scenes without each part.

    A part that is drawn away takes its shadow along, and shows what was behind it. Without its background, a scene has
    an even grey ground with the scene's light.

    Attributes:
        scenes: the whole scenes.
        present: whether a scene has the part; every scene has a background.
        masks: the visible pixels of each part; each pixel belongs to exactly one.
        without: the scene without the part; the scene itself for a part that it does not have.
        ground: the background alone, without objects and mark.
    """

    scenes: Scenes
    present: Bool[Tensor, "scenes parts"]
    masks: Bool[Tensor, "scenes parts size size"]
    without: Float[Tensor, "scenes parts 3 size size"]
    ground: Float[Tensor, "scenes 3 size size"]

    def __len__(self) -> int:
        """The number of scenes."""
        return len(self.present)


def draw_parts(
    count: int,
    *,
    size: int = 64,
    seed: int = 0,
    start: int = 0,
    objects: tuple[int, int] = (1, 4),
    shortcut_strength: float = 0.0,
    shortcut_base_rate: float = 0.0,
    shortcut_class: str | None = None,
) -> SceneParts:
    """The scenes of `make_scenes` with the same arguments, and each of them without each of its parts.

    Args:
        count, size, seed, start, objects, shortcut_strength, shortcut_base_rate, shortcut_class: as for `make_scenes`.

    Raises:
        ValueError: as `make_scenes`.
    """
    scenes = make_scenes(
        count,
        size=size,
        seed=seed,
        start=start,
        objects=objects,
        shortcut_strength=shortcut_strength,
        shortcut_base_rate=shortcut_base_rate,
        shortcut_class=shortcut_class,
    )
    composition = compose(count, seed=seed, start=start, objects=objects, classes=tuple(range(len(SCENE_CLASSES))))
    marked, bare = scenes.shortcut_present, torch.zeros_like(scenes.shortcut_present)
    without = []
    for slot in range(MAX_OBJECTS):
        classes = composition.object_classes.clone()
        classes[:, slot] = -1
        without.append(_images(replace(composition, object_classes=classes), size, marked))
    without.append(_images(composition, size, bare))
    grey = torch.full_like(composition.ground, _GREY)
    without.append(_images(replace(composition, ground=grey), size, marked))
    nothing = torch.full_like(composition.object_classes, -1)
    masks = torch.cat([scenes.object_masks, scenes.shortcut_mask[:, None]], 1)  # scenes, parts but one, size, size
    return SceneParts(
        scenes=scenes,
        present=torch.cat([scenes.object_classes >= 0, marked[:, None], ~bare[:, None]], 1),
        masks=torch.cat([masks, ~masks.any(1, keepdim=True)], 1),
        without=torch.stack(without, 1),
        ground=_images(replace(composition, object_classes=nothing), size, bare),
    )


def _images(
    composition: Composition, size: int, marked: Bool[Tensor, " scenes"]
) -> Float[Tensor, "scenes 3 size size"]:
    """The painted images, with the mark on some of them, whatever class their largest object has."""
    mark = composition.mark.clone()
    mark[:, 0] = torch.where(marked, _ALWAYS, _NEVER)
    return _paint(replace(composition, mark=mark), size, strength=0.0, base_rate=1.0, marked_class=0).images
