"""What every explanation method of the book returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Convergence:
    """Whether and when the search for each image's explanation was done.

    Attributes:
        converged: whether the gap fell below the tolerance that was asked for.
        steps: after how many steps the image stopped, converged or not.
        gap: how far the objective may still fall, in its own units, as last measured; 0 at a solution
            (`helpers.methods.rde.convergence`).
        uncertainty: half the distance of the two bounds between which the gap lies.
    """

    converged: Bool[Tensor, " batch"]
    steps: Int[Tensor, " batch"]
    gap: Float[Tensor, " batch"]
    uncertainty: Float[Tensor, " batch"]

    def each(self, change: Callable[[Tensor], Tensor]) -> Convergence:
        """The same with every tensor changed."""
        return Convergence(*(change(getattr(self, part.name)) for part in fields(self)))


@dataclass(frozen=True)
class Explanation:
    """The explanations of a batch of images.

    Attributes:
        mask: the relevance of each pixel, in [0, 1].
        kept: the part of the image that the method keeps, as a picture in [0, 1].
        targets: the class that was explained, one per image (-1 where the target was a callable).
        representation_mask: the mask on the method's own representation (pixels, wavelet coefficients), in [0, 1];
            None where the method has no other representation than pixels.
        history: what the optimisation logged, by name, each (batch, steps); empty for methods without one. NaN at
            steps at which nothing was logged, as after an image's stop.
        convergence: whether and when each image's search was done; None where nothing measured it.
    """

    mask: Float[Tensor, "batch 1 height width"]
    kept: Float[Tensor, "batch 3 height width"]
    targets: Int[Tensor, " batch"]
    representation_mask: Float[Tensor, "batch 1 coefficients"] | None = None
    history: dict[str, Float[Tensor, "batch steps"]] = field(default_factory=dict)
    convergence: Convergence | None = None

    def __len__(self) -> int:
        """The number of images."""
        return self.mask.shape[0]

    def __getitem__(self, index: slice | Int[Tensor, " rows"]) -> Explanation:
        """The explanations of some images of the batch."""
        if not isinstance(index, slice | Tensor):
            raise TypeError("an Explanation is indexed by a slice or a tensor of rows, such as explanation[2:3]")
        return self._each(lambda values: values[index])

    def to(self, device: torch.device | str) -> Explanation:
        """The same explanations on another device."""
        return self._each(lambda values: values.to(device))

    def last(self) -> dict[str, Float[Tensor, " batch"]]:
        """What the history says last of each image: at the step at which it stopped; NaN where it says nothing."""
        return {name: _last(values) for name, values in self.history.items()}

    @staticmethod
    def join(parts: Sequence[Explanation]) -> Explanation:
        """The explanations of several batches as one; what not all of them have is left out."""
        names = {field.name for field in fields(Explanation)} - {"history", "convergence"}
        joined = {name: _joined([getattr(part, name) for part in parts]) for name in names}
        shared = [name for name in parts[0].history if all(name in part.history for part in parts)]
        history = {name: _joined([_padded(part.history[name], parts, name) for part in parts]) for name in shared}
        known = [part.convergence for part in parts if part.convergence is not None]
        convergence = None
        if len(known) == len(parts):
            of = {field.name: torch.cat([getattr(each, field.name) for each in known]) for field in fields(Convergence)}
            convergence = Convergence(**of)
        return Explanation(history=history, convergence=convergence, **joined)

    def _each(self, change: Callable[[Tensor], Tensor]) -> Explanation:
        """The same with every tensor changed."""
        parts = {part.name: getattr(self, part.name) for part in fields(self)}
        history = {name: change(values) for name, values in parts.pop("history").items()}
        convergence = parts.pop("convergence")
        return replace(
            self,
            history=history,
            convergence=None if convergence is None else convergence.each(change),
            **{name: None if values is None else change(values) for name, values in parts.items()},
        )


def _joined(values: Sequence[Tensor | None]) -> Any:
    """The tensors one after another, or None where one is missing."""
    return None if any(value is None for value in values) else torch.cat(list(values))  # type: ignore[arg-type]


def _padded(values: Tensor, parts: Sequence[Explanation], name: str) -> Tensor:
    """A history as long as the longest of its name: NaN where nothing was logged."""
    length = max(part.history[name].shape[1] for part in parts)
    return functional.pad(values, (0, length - values.shape[1]), value=torch.nan)


def _last(values: Float[Tensor, "batch steps"]) -> Float[Tensor, " batch"]:
    """Each row's last entry that is a number."""
    if not values.shape[1]:
        return values.new_full((len(values),), torch.nan)
    places = torch.arange(values.shape[1], device=values.device)
    last = torch.where(values.isnan(), -1, places).amax(1, keepdim=True).clamp_min(0)
    return values.gather(1, last).squeeze(1)
