"""The one door for inputs: images, targets and classes are checked here, before a method or a metric uses them.

Each check looks at values once per call, with a single transfer from a GPU, and never in a loop over steps. Floating
types are converted (half precision to float32, anything to float64 for a float64 classifier), never truncated.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from helpers.core.replica import require_module, unwrapped

ImageBatch = Float[Tensor, "batch 3 height width"] | np.ndarray
"""Images with pixels in [0, 1]: a tensor, or an array of NumPy."""

ClassTarget = int | str | Int[Tensor, "*batch"] | np.ndarray | Sequence[Any] | None
"""The class to explain: one index or name for all images, one per image, or None for the predicted class."""

Score = Callable[[Tensor], Tensor]
"""A number to explain: logits (batch, classes) to (batch,), each entry from its own row."""

Target = ClassTarget | Score
"""A class, or a callable on the logits; also a list of callables, one per image, each from its row to one number."""

_TOLERANCE = 1e-3  # by which pixels may leave [0, 1], for float rounding
_NOISE = 0.2  # root mean square by which `attribute` lets pixels leave [0, 1]: Captum's and Quantus' perturbations


def checked_images(
    images: ImageBatch,
    classifier: nn.Module | None = None,
    *,
    perturbed: bool = False,
    channels: int | None = 3,
    name: str = "images",
) -> Float[Tensor, "batch channels height width"]:
    """Images as a detached floating tensor, or an error that says how they differ from pixels in [0, 1].

    Args:
        images: pixels in [0, 1]; a tensor of any floating type, or an array of NumPy.
        classifier: the classifier that will see them: they must lie on its device, and are returned as float64 if its
            weights are float64, else as float32. None: float64 stays, all else becomes float32.
        perturbed: accept pixels a little outside [0, 1], as Captum's `NoiseTunnel` and Quantus' metrics make them.
        channels: their number of channels; None for any.
        name: what they are, for the messages.

    Raises:
        TypeError: the images are neither a tensor nor an array.
        ValueError: the shape, the type, the range or the device is wrong, or a pixel is not finite.
    """
    images = as_tensor(images, name)
    _check_shape(images, channels, name)
    if images.dtype == torch.bool or not images.is_floating_point():
        raise ValueError(
            f"{name} must be floats with pixels in [0, 1], not {images.dtype}; for 8-bit pixels use "
            "images.float() / 255, or load files with load_image"
        )
    if classifier is not None:
        require_module(classifier)
    own_tensor = next(iter(classifier.parameters()), None) if classifier is not None else images
    if classifier is not None and own_tensor is not None and own_tensor.device != images.device:
        raise ValueError(
            f"{name} are on {images.device}, but the classifier is on {own_tensor.device}; "
            f"move them with images.to({str(own_tensor.device)!r})"
        )
    exact = (images if own_tensor is None else own_tensor).dtype == torch.float64
    images = images.detach().to(torch.float64 if exact else torch.float32)
    if images.is_inference() and not torch.is_inference_mode_enabled():
        images = images.clone()  # autograd cannot record a tensor made under inference_mode
    _check_range(images, name, perturbed=perturbed)
    check_size = None if classifier is None else getattr(unwrapped(classifier), "check_images", None)
    if callable(check_size):
        check_size(images)
    return images


def as_tensor(values: Any, name: str) -> Tensor:
    """A tensor or an array as a plain tensor; tensor subclasses, as fastai's, lose their class."""
    if isinstance(values, np.ndarray):
        if values.dtype.kind not in "biufc" or values.dtype.itemsize > 16:
            raise TypeError(f"{name} must be numbers, not an array of {values.dtype}; load_image reads files")
        return torch.from_numpy(np.ascontiguousarray(values))
    if not isinstance(values, Tensor):
        raise TypeError(
            f"{name} must be a tensor or a NumPy array, not {type(values).__name__}; load_image reads files, pictures "
            "of PIL and arrays, and torch.cat joins several images"
        )
    if values.layout != torch.strided:
        raise ValueError(f"{name} must be a plain tensor, not one of the layout {values.layout}; use {name}.to_dense()")
    return values.as_subclass(Tensor) if type(values) is not Tensor else values


def _check_shape(images: Tensor, channels: int | None, name: str) -> None:
    """Raise a ValueError unless the shape is (batch, channels, height, width)."""
    shape = tuple(images.shape)
    if len(shape) == 4 and channels in (None, shape[1]) and min(shape[1:]) > 0:
        return
    hint = ""
    if len(shape) == 3:
        hint = "; add the batch dimension with images[None]"
    elif len(shape) == 4 and shape[3] in (3, 4) and shape[1] not in (1, 4):
        hint = "; the channels come last: use images.permute(0, 3, 1, 2)"
    elif len(shape) == 4 and shape[1] == 1:
        hint = "; for grey images use images.expand(-1, 3, -1, -1)"
    elif len(shape) == 4 and shape[1] == 4:
        hint = "; for transparent images blend the fourth channel first, as load_image does"
    raise ValueError(f"{name} must be (batch, {channels or 'channels'}, height, width), not {shape}{hint}")


def _check_range(images: Tensor, name: str, *, perturbed: bool) -> None:
    """Raise a ValueError unless pixels are finite and in [0, 1], naming the scale that they seem to have."""
    if not images.numel():
        return
    if images.is_meta:
        raise ValueError(f"{name} have no values: they are on the device meta, which has shapes alone")
    outside = (images - images.clamp(0, 1)).flatten(1)
    excess = outside.square().mean(1).sqrt().amax()
    finite = images.isfinite().flatten(1).all(1)
    lowest, highest, excess, *are_finite = torch.stack([*torch.aminmax(images), excess, *finite.to(images)]).tolist()
    if not all(are_finite):
        at = [index for index, value in enumerate(are_finite) if not value]
        raise ValueError(f"{name} {at} have pixels that are not finite (NaN or infinite); pixels must lie in [0, 1]")
    if (lowest >= -_TOLERANCE and highest <= 1 + _TOLERANCE) or (perturbed and excess <= _NOISE):
        return
    span = f"{name} must have pixels in [0, 1], but these span {lowest:.4g} to {highest:.4g}"
    if lowest >= -_TOLERANCE and highest > 2:
        scale = 255 if highest <= 255 else 65535
        raise ValueError(f"{span}, which looks like pixels in 0 to {scale}: divide by {scale}")
    if lowest >= -0.3 and highest <= 1.3:
        raise ValueError(f"{span}, as after sharpening or bicubic resizing: use images.clamp(0, 1)")
    raise ValueError(
        f"{span}, which looks like normalised images, (x - mean) / std. The classifier normalises by itself: give it "
        "pixels, and leave out the normalisation (Classifier.of puts a network's own inside)"
    )


def class_names(classifier: nn.Module) -> Sequence[str] | None:
    """The names of a classifier's classes, also of a compiled one or one in `DataParallel`; None if it has none."""
    return getattr(unwrapped(classifier), "class_names", None)


def class_count(classifier: nn.Module) -> int | None:
    """The number of classes that a classifier names; None if it has no `class_names`."""
    names = class_names(classifier)
    return None if names is None else len(names)


def checked_targets(
    targets: Target, logits: Float[Tensor, "batch classes"], names: Sequence[str] | None = None
) -> Int[Tensor, " batch"]:
    """One class index per image.

    Args:
        targets: a class index or class name for all images; one per image (a list, an integer tensor, an array or a
            column of pandas); None for the class with the largest logit; a callable, or a list of them, gives -1.
        logits: the classifier's output on the images.
        names: the classifier's class names, if it has any.

    Raises:
        ValueError: the targets are of a type that names no class, such as float or bool; there are not as many as
            images; a class does not exist; or a name is not known or belongs to several classes.
    """
    batch, classes = logits.shape
    if targets is None:
        return logits.argmax(1)
    if is_score(targets):
        if not callable(targets) and len(targets) != batch:
            raise ValueError(f"{len(targets)} callables do not fit {batch} images: give one for all, or one per image")
        return torch.full((batch,), -1, dtype=torch.long, device=logits.device)
    indices = _class_indices(targets, names).to(logits.device)
    if indices.ndim == 2 and indices.shape == logits.shape:
        raise ValueError(f"targets of shape {tuple(indices.shape)} look one-hot; use targets.argmax(1)")
    if indices.shape not in ((), (1,), (batch,)):
        raise ValueError(
            f"targets of shape {tuple(indices.shape)} do not fit {batch} images: give one class per image, or one "
            "for all"
        )
    indices = indices.long().expand(batch)
    if batch and not bool(((indices >= 0) & (indices < classes)).all()):
        raise ValueError(f"targets {indices.tolist()} are not all among the {classes} classes 0 to {classes - 1}")
    return indices


def is_score(targets: Target) -> bool:
    """Whether the targets are a callable on the logits, or a list of callables, one per image."""
    return callable(targets) or (isinstance(targets, list | tuple) and bool(targets) and all(map(callable, targets)))


def _class_indices(targets: Any, names: Sequence[str] | None) -> Tensor:
    """Integer indices of any shape, from whatever names classes."""
    if isinstance(targets, str):
        return torch.tensor(_index_of(targets, names))
    if isinstance(targets, Tensor):
        values = targets.as_subclass(Tensor).detach()
    else:
        try:
            array = np.asarray(targets)
        except ValueError as error:  # rows of several lengths
            raise ValueError(
                f"targets must be one class per image, not lists of several lengths: {_shown(targets)}"
            ) from error
        if array.dtype.kind in "OUST" and array.size and all(isinstance(entry, str) for entry in array.flat):
            return torch.tensor([_index_of(str(entry), names) for entry in array.flat]).reshape(array.shape)
        if array.dtype.kind == "O" and all(isinstance(e, int) and not isinstance(e, bool) for e in array.flat):
            if any(abs(entry) >= 2**63 for entry in array.flat):
                raise ValueError(f"targets must be class indices, and no classifier has so many: {_shown(targets)}")
            array = array.astype(np.int64)
        if array.dtype.kind not in "iubf":
            raise ValueError(
                f"targets must be class indices, class names or a callable on the logits, not {_shown(targets)}"
            )
        values = torch.from_numpy(array.astype(np.int64) if array.dtype.kind in "iu" else array)
    if values.dtype == torch.bool or values.is_floating_point() or values.is_complex():
        kind = "booleans" if values.dtype == torch.bool else "floats"
        raise ValueError(
            f"targets must be class indices, which are integers, not {kind} ({values.dtype}): {_shown(targets)}"
        )
    return values


def _shown(value: Any) -> str:
    """A value in a message, in few characters; objects without a form of their own by their type."""
    return f"a {type(value).__name__}" if " at 0x" in repr(value) else reprlib.repr(value)


def _index_of(name: str, names: Sequence[str] | None) -> int:
    """The index of the class of this name; upper and lower case are alike if no class is spelt exactly so."""
    if names is None:
        raise ValueError(
            f"target {name!r} is a class name, but this classifier has no class_names; give the index of the class, or "
            "names with Classifier.of(network, classes=...)"
        )
    found = [index for index, known in enumerate(names) if known == name]
    found = found or [index for index, known in enumerate(names) if str(known).casefold() == name.casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"target {name!r} is the name of classes {found}; give the index")
    near = get_close_matches(name, map(str, names), n=3, cutoff=0.6)
    hint = f"; near names: {', '.join(map(repr, near))}" if near else ""
    raise ValueError(f"target {name!r} is not among the classifier's {len(names)} class names{hint}")


def checked_classes(
    classes: Bool[Tensor, "batch classes"] | np.ndarray, images: Tensor, count: int | None = None
) -> Bool[Tensor, "batch classes"]:
    """One boolean per image and class, on the images' device.

    Raises:
        TypeError, ValueError: the classes are no booleans, or do not have one row per image and one column per class.
    """
    classes = as_tensor(classes, "classes").to(images.device)
    if classes.dtype != torch.bool or classes.ndim != 2 or len(classes) != len(images):
        raise ValueError(
            f"classes must be booleans of shape ({len(images)}, classes), one row per image; got {classes.dtype} of "
            f"shape {tuple(classes.shape)}"
        )
    if count is not None and classes.shape[1] != count:
        raise ValueError(f"classes has {classes.shape[1]} columns, but the classifier has {count} classes")
    return classes
