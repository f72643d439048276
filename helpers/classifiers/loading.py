"""Find, check and build a classifier by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from helpers.classifiers.architectures import (
    Architecture,
    Preprocessing,
    build_network,
    default_preprocessing,
    find_architecture,
    is_architecture,
    load_timm_network,
    torchvision_preprocessing,
)
from helpers.classifiers.classifier import Classifier, fixed_size
from helpers.classifiers.digests import state_digest
from helpers.classifiers.hubs import timm_state, torchvision_state, torchvision_weights
from helpers.classifiers.state import load_state, renamed
from helpers.classifiers.weight_files import WeightsFile, local_names, local_weights, read_weights
from helpers.core.memory import is_out_of_memory
from helpers.core.runtime import resolve_device
from helpers.data.imagenet import imagenet_class_names


def load_classifier(
    name: str,
    *,
    weights: str | Path | None = None,
    normalise: bool = True,
    device: str | torch.device = "cpu",
    seed: int = 0,
    model_args: Mapping[str, Any] | None = None,
    sha256: str | None = None,
) -> Classifier:
    """Load an image classifier: frozen, in eval mode, from pixels in [0, 1] to logits.

    The SHA-256 of the weights is checked at each load (see `read_weights` and `helpers.classifiers.hubs`).

    Args:
        name: the name of a file in the book's models/ (`"scenes-cnn"` or `"models/scenes-cnn"`), of a torchvision
            network, of a timm network, or `"vgg11_bn_small"`, the book's own VGG for small images. If both libraries
            have the name, torchvision's network is loaded; a prefix chooses: `"timm/resnet18"`.
        weights: the source of the weights:

            - None: `models/<name>.safetensors` of the book, else `models/<name>.safetensors` of the data folder
              (`XAIBOOK_DATA`), else the library's hub. For a name with the prefix `timm/` or `torchvision/`: the hub.
            - `"hub"`: the library's default weights, downloaded if they are not in its cache.
            - the name of torchvision weights, such as `"IMAGENET1K_V1"`.
            - a path of a .safetensors file; its metadata names the network, or else `name` does.
            - `"random"`: drawn from the seed, for benchmarks and sanity checks.
        normalise: False: the network gets the pixels unchanged, as in the code of the CartoonX papers.
        device: the classifier's device; `"auto"`: the first GPU if there is one.
        seed: seed of random weights.
        model_args: arguments for the network (such as `num_classes`), for random weights only.
        sha256: the expected digest of a file given by its path.

    Raises:
        ValueError: the name is not known, or the weights do not fit, are damaged, or are of a type that is not safe.
        FileNotFoundError: there is no such weights file.
        WeightsUnavailableError: (an OSError) published weights cannot be downloaded; the message says where to put
            them.
    """
    resolved_device = resolve_device(device)
    weights, path = _keyword_or_path(name, weights)
    if model_args is not None and weights != "random":
        raise ValueError(
            "model_args are for weights='random' only; a file's metadata and a hub's weights give their own"
        )
    if sha256 is not None and path is None:
        raise ValueError("sha256 is for a weights file given by its path; hubs and models/ give their own digests")
    if weights == "random":
        loaded = _random(name, seed, model_args)
    elif path is not None:
        loaded = _from_file(name, read_weights(path, sha256=sha256))
    else:
        loaded = _from_hub(name, weights or "hub")
    return _assemble(name, loaded, normalise).to(resolved_device)


_FILE_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".pkl", ".npz")


def _keyword_or_path(name: str, weights: str | Path | None) -> tuple[str | None, Path | None]:
    """The weights as a keyword, such as `"random"`, or as a file; both None: those of the hub."""
    if weights is None:
        if name.endswith(".safetensors"):
            return None, Path(name).expanduser()
        return None, local_weights(name)
    if isinstance(weights, Path) or "/" in weights or Path(weights).suffix in _FILE_SUFFIXES:
        return None, Path(weights).expanduser()
    return weights, None


@dataclass(frozen=True)
class _LoadedNetwork:
    """A network with its weights and their description.

    Attributes:
        network: the network.
        preprocessing: the input that it expects.
        class_names: in the order of the logits; None if the source does not give them.
        digest: the SHA-256 of the weights.
        source: a description of where the weights come from.
        multi_label: whether an image can have several classes.
    """

    network: nn.Module
    preprocessing: Preprocessing
    class_names: Sequence[str] | None
    digest: str
    source: str
    multi_label: bool = False


def _random(name: str, seed: int, model_args: Mapping[str, Any] | None) -> _LoadedNetwork:
    """A network with random weights; a file in models/ gives its architecture, arguments, classes and preprocessing."""
    path = None if is_architecture(name) else local_weights(name)
    if path is not None:
        file = read_weights(path)
        architecture = _file_architecture(name, file)
        network = build_network(architecture, model_args or file.metadata.model_args, seed=seed)
        preprocessing = _for_size(_file_preprocessing(architecture, file), model_args)
        class_names, multi_label = None if model_args else file.metadata.class_names(), file.multi_label
    else:
        architecture = _architecture(name)
        network = build_network(architecture, model_args, seed=seed)
        preprocessing = _for_size(default_preprocessing(architecture), model_args)
        class_names, multi_label = None, False
    digest = state_digest(network.state_dict())
    return _LoadedNetwork(network, preprocessing, class_names, digest, f"random weights, seed {seed}", multi_label)


def _from_file(name: str, file: WeightsFile) -> _LoadedNetwork:
    """The network that a file's metadata describes, with its weights."""
    architecture = _file_architecture(name, file)
    if file.metadata.architecture is None and architecture.library == "timm":
        network = load_timm_network(architecture, file.state)  # as published: timm may have to rename its keys
    else:
        network = build_network(architecture, file.metadata.model_args)
        load_state(network, file.state, str(file.path))
    try:
        class_names = file.metadata.class_names()
    except ValueError as error:
        raise ValueError(f"the metadata of {file.path} cannot be used: {error}") from error
    preprocessing = _file_preprocessing(architecture, file)
    return _LoadedNetwork(network, preprocessing, class_names, file.digest, f"file {file.path.name}", file.multi_label)


def _from_hub(name: str, weights: str) -> _LoadedNetwork:
    """A library's network with its published weights."""
    architecture = _architecture(name)
    if architecture.library == "book":
        raise ValueError(
            f"{architecture.name} is a network of the book without published weights; give the path of a "
            ".safetensors file that helpers.training.recipes.labelled wrote, or weights='random'"
        )
    if architecture.library == "timm":
        if weights != "hub":
            raise ValueError(
                f"weights={weights!r} is not known; for timm networks use 'hub', 'random' or a path of a .safetensors "
                "file, and choose other published weights by the tag in the name (timm.list_pretrained() lists them)"
            )
        state, digest = timm_state(architecture.name)
        network = load_timm_network(architecture, state)
        return _LoadedNetwork(network, default_preprocessing(architecture), None, digest, "timm's hub")
    chosen = torchvision_weights(architecture.name, "DEFAULT" if weights == "hub" else weights)
    state, digest = torchvision_state(chosen)
    network = build_network(architecture)
    if hasattr(network, "transform_input"):
        network.transform_input = True  # type: ignore[assignment]  # Inception's weights were trained on another scale
    load_state(network, renamed(state), chosen.url)
    preprocessing, class_names = torchvision_preprocessing(chosen), chosen.meta["categories"]
    return _LoadedNetwork(network, preprocessing, class_names, digest, f"torchvision {chosen.name}")


def _assemble(name: str, loaded: _LoadedNetwork, normalise: bool) -> Classifier:
    """The classifier, after a check that its network gives one logit per class."""
    network, preprocessing, class_names = loaded.network, loaded.preprocessing, loaded.class_names
    side = preprocessing.input_size
    height, _ = fixed_size(network, side) or (side, side)
    count = check_logits(name, network, side).shape[1]
    if class_names is None:
        class_names = imagenet_class_names() if count == 1000 else [f"class {index}" for index in range(count)]
    if len(class_names) != count:
        raise ValueError(
            f"{name} gives {count} logits, but its file has {len(class_names)} class names; correct the file"
        )
    return Classifier(
        network,
        name=name,
        class_names=class_names,
        preprocessing=replace(preprocessing, input_size=height),
        digest=loaded.digest,
        source=loaded.source,
        normalise=normalise,
        multi_label=loaded.multi_label,
    )


def check_logits(name: str, network: nn.Module, input_size: int) -> Float[Tensor, "1 classes"]:
    """The logits of a black image.

    Args:
        name: the network's name, for messages.
        network: the network.
        input_size: the side in pixels of the images that it was trained on.

    Raises:
        ValueError: the network has no classes, takes images of other channels, or gives no logits.
    """
    if getattr(network, "num_classes", None) == 0:
        raise ValueError(f"{name} has no classes, it only computes features; use a network trained to classify")
    logits = _trial(name, network.eval(), fixed_size(network, input_size) or (input_size, input_size))
    if not isinstance(logits, Tensor) or logits.ndim != 2:
        raise ValueError(
            f"{name} does not give logits of shape (batch, classes), so it is no classifier; use another one"
        )
    return logits


@torch.no_grad()
def _trial(name: str, network: nn.Module, size: tuple[int, int]) -> Any:
    """What a network gives for a black image, or a ValueError that says why it gives nothing."""
    try:
        return network(torch.zeros(1, 3, *size))
    except (RuntimeError, ValueError, TypeError, AssertionError) as error:
        if is_out_of_memory(error):
            raise
        first = next((module for module in network.modules() if isinstance(module, nn.Conv2d)), None)
        if first is not None and first.in_channels in (1, 2, 4):
            raise ValueError(
                f"{name} takes images of {first.in_channels} channel(s), but images here have three (red, green, "
                "blue); build it with in_chans=3"
            ) from error
        raise ValueError(
            f"{name} cannot classify an image of shape (1, 3, {size[0]}, {size[1]}): {error}; use another network, or "
            "other model_args"
        ) from error


def _architecture(name: str) -> Architecture:
    """The network of this name, which no file has; the error also lists the files in models/."""
    try:
        return find_architecture(name)
    except ValueError as error:
        files = ", ".join(local_names()) or "no files (git checkout models brings them back)"
        raise ValueError(f"{error}; models/ holds {files}") from error


def _file_architecture(name: str, file: WeightsFile) -> Architecture:
    """The network of a weights file: the one that its metadata names, else `name`."""
    try:
        return find_architecture(file.metadata.architecture or name)
    except ValueError as error:
        named = (
            "its metadata names" if file.metadata.architecture else "its metadata names no architecture, and there is"
        )
        raise ValueError(f"{file.path}: {named} {file.metadata.architecture or name!r}: {error}") from error


def _file_preprocessing(architecture: Architecture, file: WeightsFile) -> Preprocessing:
    """The preprocessing in a file's metadata, completed by the library's defaults."""
    stored = file.metadata
    default = _for_size(default_preprocessing(architecture), stored.model_args)
    return Preprocessing(
        stored.mean or default.mean,
        stored.std or default.std,
        stored.input_size or default.input_size,
        stored.crop_pct or default.crop_pct,
        stored.interpolation or default.interpolation,
        stored.crop_mode or default.crop_mode,
    )


def _for_size(preprocessing: Preprocessing, model_args: Mapping[str, Any] | None) -> Preprocessing:
    """The preprocessing with the size of image that a network was built for, if its arguments give one."""
    for name in ("img_size", "image_size"):  # of timm, of torchvision
        size = (model_args or {}).get(name)
        if size is not None:
            return replace(preprocessing, input_size=size if isinstance(size, int) else size[0])
    return preprocessing
