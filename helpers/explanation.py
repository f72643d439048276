"""What every explanation method of the book returns."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Explanation:
    """The explanations of a batch of images.

    Attributes:
        mask: the relevance of each pixel, in [0, 1].
        kept: the part of the image that the method keeps, as a picture in [0, 1].
        targets: the class that was explained, one an image (-1 where the target was a callable).
        representation_mask: the mask on the method's own representation (pixels, wavelet coefficients), in [0, 1];
            None where the method has no other representation than pixels.
        history: what the optimisation logged, by name, each (batch, steps); empty for methods without one.
    """

    mask: Float[Tensor, "batch 1 height width"]
    kept: Float[Tensor, "batch 3 height width"]
    targets: Int[Tensor, " batch"]
    representation_mask: Float[Tensor, "batch 1 coefficients"] | None = None
    history: dict[str, Float[Tensor, "batch steps"]] = field(default_factory=dict)

    def __len__(self) -> int:
        """The number of images."""
        return self.mask.shape[0]

    def __getitem__(self, index: slice) -> Explanation:
        """The explanations of some images of the batch."""
        if not isinstance(index, slice):
            raise TypeError("an Explanation is indexed by a slice, such as explanation[2:3]")
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        history = {name: values[index] for name, values in parts.pop("history").items()}
        return replace(self, history=history, **{k: None if v is None else v[index] for k, v in parts.items()})

    def to(self, device: torch.device | str) -> Explanation:
        """The same explanations on another device."""
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        history = {name: values.to(device) for name, values in parts.pop("history").items()}
        return replace(self, history=history, **{k: None if v is None else v.to(device) for k, v in parts.items()})
