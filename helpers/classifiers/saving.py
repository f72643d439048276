"""Weights of one's own as `load_classifier` reads them, checked before they are written."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, SupportsFloat

import numpy as np
from torch import Tensor, nn

from helpers.classifiers.architectures import CropMode, Interpolation, build_network, find_architecture
from helpers.classifiers.loading import check_logits
from helpers.classifiers.state import load_state
from helpers.classifiers.weight_files import IMAGENET_CLASSES, write_weights

_WRAPPERS = ("module.", "_orig_mod.")  # of DataParallel, of compiled networks


def save_weights(
    path: str | Path,
    state: Mapping[str, Tensor] | nn.Module,
    *,
    architecture: str,
    model_args: Mapping[str, Any] | None = None,
    mean: Sequence[SupportsFloat] | np.ndarray,
    std: Sequence[SupportsFloat] | np.ndarray,
    input_size: int | np.integer,
    classes: Sequence[str] | np.ndarray | str,
    multi_label: bool = False,
    crop_pct: SupportsFloat | None = None,
    interpolation: Interpolation | None = None,
    crop_mode: CropMode | None = None,
) -> str:
    """Write weights as `load_classifier` reads them, and their line in the `SHA256SUMS` beside them.

    Before anything is written, the network is built, takes the weights, and classifies a black image.

    Args:
        path: the file, with the suffix .safetensors.
        state: the network, or its `state_dict()`.
        architecture: the network's name in torchvision, timm or the book, with the prefix `torchvision/` or `timm/`
            if both libraries have it.
        model_args: the arguments with which it was built; `num_classes` is the number of `classes` if it is not given.
        mean, std: of each channel; the network expects pixels in [0, 1] normalised by them.
        input_size: the side in pixels of the images that it was trained on.
        classes: the class names in the order of the logits, or `IMAGENET_CLASSES`.
        multi_label: whether an image can have several classes, each with a probability of its own, a sigmoid.
        crop_pct, interpolation, crop_mode: of `Preprocessing`; None: those of the library's own weights.

    Returns:
        The file's SHA-256.

    Raises:
        ValueError: the path has another suffix, or the weights do not make a classifier of these classes with three
            channels; the message says what does not fit.
    """
    path = Path(path).expanduser()
    if path.suffix != ".safetensors":
        raise ValueError(f"{path} must end in .safetensors")
    names = _class_names(classes)
    arguments = {name: _plain(value) for name, value in (model_args or {}).items()}
    if names is not None:
        arguments.setdefault("num_classes", len(names))
    channels = {"mean": [float(value) for value in mean], "std": [float(value) for value in std]}
    for name, values in channels.items():
        if len(values) != 3 or (name == "std" and min(values) <= 0):
            raise ValueError(f"{name}={values}: expected three numbers, of red, green and blue (of std, above 0)")
    if not isinstance(input_size, numbers.Integral) or input_size < 1:
        raise ValueError(f"input_size={input_size!r}: expected the side of the images in whole pixels")
    state = _unwrapped(state.state_dict() if isinstance(state, nn.Module) else state)
    network = build_network(find_architecture(architecture), arguments).eval()
    load_state(network, state, f"the network to be written to {path.name}")
    count = check_logits(path.name, network, int(input_size)).shape[1]
    if count != (1000 if names is None else len(names)):
        raise ValueError(f"{architecture} gives {count} logits, but there are {len(names or ()) or 1000} class names")
    return write_weights(
        path,
        state,
        architecture=architecture,
        model_args=arguments,
        mean=channels["mean"],
        std=channels["std"],
        input_size=int(input_size),
        classes=IMAGENET_CLASSES if names is None else names,
        multi_label=multi_label,
        crop_pct=None if crop_pct is None else float(crop_pct),
        interpolation=interpolation,
        crop_mode=crop_mode,
    )


def _class_names(classes: Sequence[str] | np.ndarray | str) -> list[str] | None:
    """The class names as a list; None for ImageNet's."""
    if isinstance(classes, str):
        if classes != IMAGENET_CLASSES:
            raise ValueError(f"classes={classes!r}: expected a list of names, or {IMAGENET_CLASSES!r}")
        return None
    names = [str(name) for name in classes]
    if not names or not all(name.strip() for name in names):
        raise ValueError(f"classes={names}: expected a name for each logit, in their order")
    return names


def _unwrapped(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights by the network's own names, without those of a wrapper around it."""
    for wrapper in _WRAPPERS:
        if state and all(name.startswith(wrapper) for name in state):
            state = {name.removeprefix(wrapper): value for name, value in state.items()}
    return dict(state)


def _plain(value: Any) -> Any:
    """A value that JSON can hold: NumPy's numbers and arrays as Python's."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value
