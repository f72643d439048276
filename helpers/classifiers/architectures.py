"""Networks of torchvision, timm and the book by name, without weights."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import torch
import torchvision
from torch import Tensor, nn

from helpers.classifiers.vgg import VGG_NAME, SmallImageVGG
from helpers.core.memory import is_out_of_memory

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
CIFAR_MEAN = (0.4914, 0.4822, 0.4465)
CIFAR_STD = (0.2471, 0.2435, 0.2616)

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"]
CropMode = Literal["center", "squash", "border"]

# these arguments of timm.create_model fetch weights or read files, so the metadata of a file may not set them
_FORBIDDEN_ARGS = frozenset(
    {
        "cache_dir",
        "checkpoint_path",
        "features_only",
        "pretrained",
        "pretrained_cfg",
        "pretrained_cfg_overlay",
        "pretrained_strict",
        "progress",
        "weights",
        "weights_backbone",
    }
)


@dataclass(frozen=True)
class Preprocessing:
    """The input that a network expects.

    Attributes:
        mean, std: of each channel; they normalise pixels in [0, 1].
        input_size: the side in pixels of the images that the network was trained on.
        crop_pct: the share of a resized photograph's shorter side that is left by the crop at its centre.
        interpolation: of the resizing.
        crop_mode: `"center"`: the shorter side is resized; `"squash"`: both sides, regardless of the aspect ratio;
            `"border"`: the longer side, with a border of the mean colour.
    """

    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    input_size: int = 224
    crop_pct: float = 0.875
    interpolation: Interpolation = "bilinear"
    crop_mode: CropMode = "center"


@dataclass(frozen=True)
class Architecture:
    """A network of a library or of the book, by name."""

    library: Literal["torchvision", "timm", "book"]
    name: str

    def __str__(self) -> str:
        """The name with its library, such as `timm/resnet18`: unambiguous for `find_architecture`."""
        return f"{self.library}/{self.name}"


def find_architecture(name: str) -> Architecture:
    """Find a network by its name: the book's own, then torchvision's, then timm's.

    A prefix chooses the library: `book/<name>`, `torchvision/<name>` or `timm/<name>`.

    Raises:
        ValueError: there is no such network; the message lists similar names.
    """
    architecture = _find(name)
    if architecture is not None:
        return architecture
    known = sorted({VGG_NAME, *torchvision_names(), *timm_names()})
    similar = difflib.get_close_matches(name.split("/")[-1], known, n=5, cutoff=0.5)
    hint = f"similar names: {', '.join(similar)}" if similar else "timm.list_models('*part*') searches for a name"
    raise ValueError(f"neither torchvision, nor timm, nor the book has an image classifier named {name!r}; {hint}")


def is_architecture(name: str) -> bool:
    """Whether torchvision, timm or the book has a network of this name."""
    return _find(name) is not None


def build_network(
    architecture: Architecture, model_args: Mapping[str, Any] | None = None, *, seed: int = 0
) -> nn.Module:
    """Build a network with random weights that depend on the seed only; PyTorch's global generator is not changed.

    Args:
        architecture: the network.
        model_args: arguments of its constructor.
        seed: seed of the weights.

    Raises:
        ValueError: an argument is not accepted, or would load weights.
    """
    arguments = dict(model_args or {})
    forbidden = sorted(_FORBIDDEN_ARGS & arguments.keys())
    if forbidden:
        raise ValueError(f"model_args may not hold {', '.join(forbidden)}: weights are loaded and checked separately")
    try:
        with _seeded(seed):
            if architecture.library == "book":
                return SmallImageVGG(**arguments)
            if architecture.library == "torchvision":
                return torchvision.models.get_model(
                    architecture.name, weights=None, **_torchvision_defaults(architecture.name), **arguments
                )
            return _timm().create_model(architecture.name, pretrained=False, **arguments)
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError, AssertionError) as error:
        if is_out_of_memory(error):
            raise
        raise ValueError(f"{architecture} cannot be built with {arguments or 'its defaults'}: {error}") from error


def load_timm_network(architecture: Architecture, state: Mapping[str, Tensor]) -> nn.Module:
    """Build a timm network with weights as timm publishes them; timm itself renames old keys.

    Raises:
        ValueError: the weights do not fit the network.
    """
    try:
        with _seeded(0):
            network = _timm().create_model(
                architecture.name, pretrained=True, pretrained_cfg_overlay={"state_dict": dict(state)}
            )
    except (KeyError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        raise ValueError(f"the weights do not fit {architecture}: {error}") from error
    network.pretrained_cfg.pop("state_dict", None)  # else the weights stay in memory twice
    return network


def default_preprocessing(architecture: Architecture) -> Preprocessing:
    """The preprocessing of the library's default weights; for the book's network, that of CIFAR-10."""
    if architecture.library == "torchvision":
        return torchvision_preprocessing(torchvision.models.get_model_weights(architecture.name).DEFAULT)
    if architecture.library == "book":
        return Preprocessing(CIFAR_MEAN, CIFAR_STD, 32, crop_pct=1.0)
    configuration = timm_configuration(architecture.name)
    return Preprocessing(
        tuple(configuration.mean),
        tuple(configuration.std),
        configuration.input_size[-1],
        **timm_crop(configuration.to_dict()),
    )


def timm_crop(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The crop and the interpolation in timm's record of published weights, with timm's own defaults."""
    return {
        "crop_pct": configuration.get("crop_pct") or 0.875,
        "interpolation": configuration.get("interpolation") or "bicubic",
        "crop_mode": configuration.get("crop_mode") or "center",
    }


def torchvision_preprocessing(weights: torchvision.models.WeightsEnum) -> Preprocessing:
    """The preprocessing of published weights of torchvision."""
    transforms = weights.transforms()
    size = transforms.crop_size[0]
    share = size / transforms.resize_size[0]
    return Preprocessing(tuple(transforms.mean), tuple(transforms.std), size, share, transforms.interpolation.value)


def timm_configuration(name: str) -> Any:  # timm's PretrainedCfg
    """timm's record of the published weights of a network: those of the tag in its name, or the default ones.

    Raises:
        ValueError: the network has no weights with this tag.
    """
    try:
        configuration = _timm().get_pretrained_cfg(name)
    except RuntimeError as error:  # an unknown tag
        raise ValueError(f"{error} timm.list_pretrained({name.split('.')[0] + '*'!r}) lists the tags") from error
    return configuration


@cache
def torchvision_names() -> tuple[str, ...]:
    """The names of torchvision's image classifiers."""
    return tuple(torchvision.models.list_models(module=torchvision.models))


@cache
def timm_names() -> tuple[str, ...]:
    """The names of timm's image classifiers, without the tags of their weights."""
    return tuple(_timm().list_models())


def _find(name: str) -> Architecture | None:
    """The network of this name; None if there is none."""
    prefix, _, bare = name.rpartition("/")
    if prefix in ("", "book") and bare == VGG_NAME:
        return Architecture("book", bare)
    if prefix in ("", "torchvision") and bare in torchvision_names():
        return Architecture("torchvision", bare)
    # timm's names may end in the tag of their weights: deit_tiny_patch16_224.fb_in1k
    if prefix in ("", "timm") and bare.split(".")[0] in timm_names():
        return Architecture("timm", bare)
    return None


def _timm() -> Any:  # a module
    """timm, imported when needed: that takes seconds."""
    import timm

    return timm


def _torchvision_defaults(name: str) -> dict[str, Any]:
    """The constructor's arguments that torchvision's published weights require."""
    return {"aux_logits": True, "init_weights": True} if name in ("googlenet", "inception_v3") else {}


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed PyTorch's CPU generator, from which building a network draws, and restore it afterwards."""
    state = torch.get_rng_state()
    try:
        torch.default_generator.manual_seed(seed)
        yield
    finally:
        torch.set_rng_state(state)
