"""The recipes of the classifiers that name every class of a scene."""

from __future__ import annotations

from dataclasses import asdict, field
from typing import Any

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

MARKED_CLASS = "fish"


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class MultiLabelOptions:
    """The recipe of a multi-label classifier of scenes.

    Attributes:
        architecture, model_args: the network, by its name in timm and its arguments.
        size: side of the scenes in pixels.
        scenes: how many training scenes, for each number of objects from one.
        epochs, batch, learning_rate, weight_decay: AdamW, one cycle of the learning rate.
        shortcut_strength, shortcut_base_rate, shortcut_class: how the planted mark comes with a class, as in
            `helpers.data.scenes.make_scenes`. Strength 0: the mark says nothing.
        hidden_share: share of each batch that gets black holes, blobs or shapes of other scenes' objects; an image
            stays whole where a hole would take most of an object, so that its labels stay right.
        cut_share: share of each batch of which some objects are taken away, or everything but some objects; the labels
            are those of what is left. So an outline alone is no object, and black around an object does no harm.
        empty_share: share of each batch that becomes noise or black, and shows no class at all.
        pattern_strength: how far, at most, misleading patterns darken a pixel; 0 for none. They make the classifier
            robust against masks that speak by their pattern instead of by what they show.
        smoothing: what the probabilities of training leave of 0 and of 1 (label smoothing; Szegedy et al., 2016):
            logits then stay within bounds, and what is asked about a masked image has an answer with a slope.
        seed: of the weights, the scenes, their order and their augmentation.
    """

    architecture: str = "resnet10t"
    model_args: dict[str, Any] = field(
        default_factory=lambda: {"layers": [2, 2, 2, 2], "channels": [16, 32, 64, 128], "stem_width": 8}
    )
    size: int = 64
    scenes: tuple[int, ...] = (5000, 4000, 3000, 2000)
    epochs: int = 14
    batch: int = 96
    learning_rate: float = 6e-3
    weight_decay: float = 0.03
    shortcut_strength: float = 0.0
    shortcut_base_rate: float = 0.3
    shortcut_class: str = MARKED_CLASS
    hidden_share: float = 0.15
    cut_share: float = 0.35
    empty_share: float = 0.1
    smoothing: float = 0.03
    pattern_strength: float = 0.45
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")
        if not 1 <= len(self.scenes) <= 4 or min(self.scenes) < 0 or sum(self.scenes) < self.batch:
            raise ValueError(
                f"scenes={self.scenes} must say how many scenes have 1, 2, 3 and 4 objects, and fill a batch of "
                f"{self.batch}"
            )
        if not 0 <= self.pattern_strength <= 1:
            raise ValueError(f"pattern_strength={self.pattern_strength} must lie in [0, 1]")
        if not 0 <= self.smoothing < 0.5:
            raise ValueError(f"smoothing={self.smoothing} must lie in [0, 0.5)")
        shares = {name: getattr(self, name) for name in ("hidden_share", "cut_share", "empty_share")}
        if min(shares.values()) < 0 or sum(shares.values()) > 1:
            raise ValueError(f"{shares} are shares of a batch: none may be negative, and their sum may not exceed 1")

    def plain(self) -> dict[str, Any]:
        """As values that a checkpoint's metadata may hold."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}


SCENES_MULTILABEL = MultiLabelOptions()
SCENES_SHORTCUT = MultiLabelOptions(shortcut_strength=0.95, shortcut_base_rate=0.0)
