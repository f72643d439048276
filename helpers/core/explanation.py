"""The result of every explanation method of the book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from helpers.core.batch import Batch
from helpers.core.evidence import Evidence, read_evidence, write_evidence
from helpers.core.files import atomic_file

_ROUNDING = 1e-3  # by which images, and so their kept parts, may leave [0, 1]
_MORE = ("representation_mask", "images")
_TENSORS = ("mask", "kept", "targets", "representation_mask")  # in an evidence bundle, by these names


@dataclass(frozen=True)
class Convergence(Batch):
    """Convergence of the optimisation of each image's mask.

    Attributes:
        converged: whether the gap fell below the tolerance.
        steps: the step at which the image stopped, converged or not.
        gap: the last estimate of the duality gap, a bound on how far the objective can still fall, in the objective's
            units; 0 at a solution (`helpers.methods.rde.convergence`).
        uncertainty: half the width of the interval around `gap`.
    """

    converged: Bool[Tensor, " batch"]
    steps: Int[Tensor, " batch"]
    gap: Float[Tensor, " batch"]
    uncertainty: Float[Tensor, " batch"]


@dataclass(frozen=True)
class Explanation(Batch):
    """The explanations of a batch of images.

    Attributes:
        mask: the relevance of each pixel, in [0, 1].
        kept: the part of the image that the method keeps, as a picture in [0, 1].
        targets: the class that was explained, one per image (-1 where the target was a callable).
        representation_mask: the mask on the method's own representation (pixels, wavelet coefficients), in [0, 1];
            None for methods that work on pixels only.
        history: values logged during the optimisation, by name, each (batch, steps); empty for methods without one.
            NaN at steps without a logged value, such as those after an image has stopped.
        convergence: the convergence of each image; None for methods that do not measure it.
    """

    mask: Float[Tensor, "batch 1 height width"]
    kept: Float[Tensor, "batch 3 height width"]
    targets: Int[Tensor, " batch"]
    representation_mask: Float[Tensor, "batch 1 coefficients"] | None = None
    history: dict[str, Float[Tensor, "batch steps"]] = field(default_factory=dict)
    convergence: Convergence | None = None

    @property
    def heatmaps(self) -> Float[Tensor, "batch height width"]:
        """The masks without the dimension of channels, as other tools take heatmaps."""
        return self.mask[:, 0]

    def save(
        self,
        path: str | Path,
        *,
        images: Float[Tensor, "batch 3 height width"] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the explanations to a file of PyTorch, such as `explanations.pt`, or to an evidence bundle.

        A bundle, `explanations.zip`, can be read without Python: see `helpers.core.evidence`.

        Args:
            path: of the file; one of this name is replaced.
            images: the explained pixels in [0, 1], for a bundle.
            settings: the method, the classifier and their options, for a bundle: names and values that JSON knows.

        Raises:
            ValueError: images or settings are given, but the file is no bundle.
        """
        if Path(path).suffix == ".zip":
            tensors = self._tensors() | ({} if images is None else {"images": images})
            write_evidence(path, Evidence(tensors, settings or {}))
            return
        if images is not None or settings is not None:
            raise ValueError(f"images and settings go into an evidence bundle, a file NAME.zip, not into {path}")
        with atomic_file(path) as file:
            torch.save(self.map(lambda values: values.detach().cpu()), file)

    @classmethod
    def load(cls, path: str | Path, *, device: torch.device | str = "cpu") -> Explanation:
        """The explanations of a file that `save` or the playground wrote. Nothing but tensors and numbers is read.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it does not hold explanations.
        """
        if Path(path).suffix == ".zip":
            return cls._from_tensors(read_evidence(path).tensors, path).to(device)
        try:
            loaded = torch.load(path, map_location=device, weights_only=True)
        except (FileNotFoundError, PermissionError, IsADirectoryError):
            raise
        except Exception as error:  # PyTorch raises many types of exceptions on damaged files
            raise ValueError(f"{path} is no file that Explanation.save wrote, or was cut off; save it again") from error
        if not isinstance(loaded, cls):
            raise ValueError(f"{path} is no file that Explanation.save wrote: it holds a {type(loaded).__name__}")
        try:
            tensors = loaded._tensors()
        except (AttributeError, TypeError) as error:
            raise ValueError(f"{path} is no file that Explanation.save wrote: a field of it is missing") from error
        cls._from_tensors(tensors, path)
        return loaded

    def _tensors(self) -> dict[str, Tensor]:
        """All tensors by name, for an evidence bundle."""
        named: dict[str, Tensor | None] = {name: getattr(self, name) for name in _TENSORS}
        named |= {f"history/{name}": values for name, values in self.history.items()}
        if self.convergence is not None:
            named |= {f"convergence/{name}": value for name, value in self.convergence._entries()}
        return {name: value for name, value in named.items() if value is not None}

    @classmethod
    def _from_tensors(cls, tensors: Mapping[str, Tensor], path: str | Path) -> Explanation:
        """The opposite of `_tensors`."""
        ends = {f"convergence/{each.name}" for each in fields(Convergence)}
        missing = ({"mask", "kept", "targets"} | (ends if ends & tensors.keys() else set())) - tensors.keys()
        if missing:
            raise ValueError(f"{path} holds no explanations: it lacks {', '.join(sorted(missing))}")
        faults = [fault for name, values in tensors.items() if (fault := _fault(name, values, tensors, ends))]
        if faults:
            raise ValueError(f"{path} holds no explanations of one batch: {'; '.join(faults)}")
        history, convergence = (
            {name.removeprefix(group): values for name, values in tensors.items() if name.startswith(group)}
            for group in ("history/", "convergence/")
        )
        plain = {name: tensors[name] for name in _TENSORS if name in tensors}
        return cls(**plain, history=history, convergence=Convergence(**convergence) if convergence else None)

    def last(self) -> dict[str, Float[Tensor, " batch"]]:
        """The last logged value of each image, by name; NaN where nothing was logged."""
        return {name: _last_number(values) for name, values in self.history.items()}

    @classmethod
    def join(cls, batches: Sequence[Explanation]) -> Explanation:
        """The explanations of several batches as one; fields and histories that one of them lacks are left out."""
        shared = [name for name in batches[0].history if all(name in batch.history for batch in batches)]
        steps = {name: max(batch.history[name].shape[1] for batch in batches) for name in shared}
        padded = [
            replace(batch, history={name: _pad(batch.history[name], steps[name]) for name in shared})
            for batch in batches
        ]
        return super().join(padded)


torch.serialization.add_safe_globals([Convergence, Explanation])  # plain data, which torch.load accepts as it is


def _fault(name: str, values: Any, tensors: Mapping[str, Any], ends: set[str]) -> str | None:
    """What is wrong with a stored tensor, in the name of `_tensors`; None if it is right."""
    if not isinstance(values, Tensor):
        return f"{name} is a {type(values).__name__}"
    mask, shape = tensors["mask"], tuple(values.shape)
    if not isinstance(mask, Tensor) or mask.ndim != 4 or mask.shape[1] != 1:
        return f"mask is {tuple(mask.shape)}, not (batch, 1, height, width)" if name == "mask" else None
    batch, _, height, width = mask.shape
    due = {"mask": mask.shape, "kept": (batch, 3, height, width), "targets": (batch,), **dict.fromkeys(ends, (batch,))}
    group, _, rest = name.partition("/")
    known = name in due or name in _MORE or (group == "history" and bool(rest))
    if not known:
        return f"{name} is not known"
    if shape != due.get(name, shape) or shape[:1] != (batch,) or (name == "representation_mask" and len(shape) != 3):
        return f"{name} has the shape {shape} beside masks of {tuple(mask.shape)}"
    inside = values.isnan() if values.is_complex() else (values >= -_ROUNDING) & (values <= 1 + _ROUNDING)
    if name in ("mask", "representation_mask", "kept") and not bool(inside.all()):
        return f"{name} has values that are not in [0, 1]"
    whole = {"targets", "convergence/steps"}
    right = values.dtype == torch.bool if name == "convergence/converged" else not values.is_complex()
    return (
        None
        if right and values.is_floating_point() == (name not in {*whole, "convergence/converged"})
        else (f"{name} is of the type {values.dtype}")
    )


def _pad(values: Float[Tensor, "batch steps"], steps: int) -> Float[Tensor, "batch longer"]:
    """A history of so many steps, the additional ones NaN."""
    return functional.pad(values, (0, steps - values.shape[1]), value=torch.nan)


def _last_number(values: Float[Tensor, "batch steps"]) -> Float[Tensor, " batch"]:
    """The last entry of each row that is not NaN."""
    if not values.shape[1]:
        return values.new_full((len(values),), torch.nan)
    steps = torch.arange(values.shape[1], device=values.device)
    last = torch.where(values.isnan(), -1, steps).amax(1, keepdim=True).clamp_min(0)
    return values.gather(1, last).squeeze(1)
