"""ImageNet networks with a new head, and their features of images, computed once."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torchvision
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from helpers.classifiers import read_weights
from helpers.classifiers.architectures import IMAGENET_MEAN, IMAGENET_STD, build_network, find_architecture
from helpers.classifiers.hubs import torchvision_state, torchvision_weights
from helpers.core.runtime import progress
from helpers.data.multilabel import MultiLabelImages
from helpers.training.options import FineTuneOptions

_DTYPES = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16, "32-true": torch.float32}


@dataclass(frozen=True)
class FineTuneNetwork:
    """A network and its two parts.

    Attributes:
        whole: the network, from normalised pixels to logits.
        trunk: all layers before the head, from normalised pixels to features (batch, features): frozen, in eval mode.
        head: the trained layers: the three linear ones of a VGG (25088-4096-4096-classes, with dropout), the only one
            of a ResNet.
        source: the SHA-256 of the trunk's weights, or `"random"`.
    """

    whole: nn.Module
    trunk: nn.Module
    head: nn.Module
    source: str


def fine_tune_network(options: FineTuneOptions, classes: int) -> FineTuneNetwork:
    """Build the network with the backbone's weights and a new head, drawn from the options' seed.

    Args:
        options: the recipe.
        classes: number of classes.

    Raises:
        ValueError: the architecture is no VGG or ResNet of torchvision, or the weights do not fit it.
        WeightsUnavailableError: (an OSError) published weights cannot be downloaded; the message says where to put
            them.
        FileNotFoundError: there is no such weights file.
    """
    architecture = find_architecture(f"torchvision/{options.architecture}")
    whole = build_network(architecture, {"num_classes": classes}, seed=options.seed)
    if isinstance(whole, torchvision.models.VGG):
        head, layers = whole.classifier, [whole.features, whole.avgpool]
    elif isinstance(whole, torchvision.models.ResNet):
        head, layers = whole.fc, list(whole.children())[:-1]
    else:
        raise ValueError(f"architecture={options.architecture!r} is no VGG or ResNet; use 'vgg16' or 'resnet50'")
    trunk = nn.Sequential(*layers, nn.Flatten(1))
    source = _load_trunk(whole, head, options)
    trunk.requires_grad_(False).eval().to(memory_format=torch.channels_last)
    return FineTuneNetwork(whole, trunk, head, source)


def _load_trunk(whole: nn.Module, head: nn.Module, options: FineTuneOptions) -> str:
    """Load the backbone's weights, except those of its head; returns their SHA-256, or `"random"`."""
    if options.backbone == "random":
        return "random"
    state, source = _read_backbone(options)
    head_ids = {id(value) for value in head.parameters()}
    head_names = {name for name, value in whole.named_parameters() if id(value) in head_ids}
    expected = {name: value for name, value in whole.state_dict().items() if name not in head_names}
    # files from before 2018 lack the numbers of batches, which eval mode does not use
    batch_counts = {name: value for name, value in expected.items() if name.endswith("num_batches_tracked")}
    loaded = {**batch_counts, **{name: value for name, value in state.items() if name not in head_names}}
    wrong = sorted(expected.keys() ^ loaded.keys())
    wrong += sorted(name for name in expected.keys() & loaded.keys() if expected[name].shape != loaded[name].shape)
    if wrong:
        raise ValueError(f"the weights {options.backbone} do not fit {options.architecture}: {', '.join(wrong[:5])}")
    whole.load_state_dict(loaded, strict=False)
    return source


def _read_backbone(options: FineTuneOptions) -> tuple[Mapping[str, Tensor], str]:
    """The backbone's weights and their SHA-256."""
    if options.backbone.endswith(".safetensors"):
        file = read_weights(Path(options.backbone))
        return file.state, file.digest
    return torchvision_state(torchvision_weights(options.architecture, options.backbone))


def normalise(pixels: UInt8[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
    """Normalise 8-bit pixels with ImageNet's mean and std; channels last in memory."""
    mean, std = (torch.tensor(values, device=pixels.device)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    return ((pixels.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def trunk_features(
    trunk: nn.Module,
    images: MultiLabelImages,
    folder: Path,
    *,
    device: torch.device,
    precision: str = "32-true",
    batch: int = 64,
    show: bool = False,
) -> Float[Tensor, "count features"]:
    """The trunk's features of each image.

    They are memory-mapped from an unnamed file in `folder`, which is deleted with the tensor: VGG-16's features of
    COCO-2014 take 7.5 GB, and half of that in mixed precision.

    Args:
        trunk: the frozen layers.
        images: the images.
        folder: the folder of the file.
        device: the device of the computation.
        precision: as in Lightning.
        batch: images per step.
        show: show a progress bar.

    Raises:
        ValueError: there are no images.
    """
    dtype = _DTYPES[precision]
    autocast = nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)
    trunk, result = trunk.to(device), None
    total = len(images)
    for first in progress(range(0, total, batch), label=f"features of {total} images", show=show):
        pixels = images.pixels[first : first + batch].to(device)
        with autocast:
            features = trunk(normalise(pixels)).to(dtype)
        result = _mapped_tensor(folder, (total, features.shape[1]), dtype) if result is None else result
        result[first : first + batch] = features.cpu()
    if result is None:
        raise ValueError("there are no images to compute features of")
    return result


def _mapped_tensor(folder: Path, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
    """A tensor of zeros, memory-mapped from an unnamed file."""
    folder.mkdir(parents=True, exist_ok=True)
    numpy_dtype = np.float32 if dtype == torch.float32 else np.int16  # NumPy has no bfloat16
    with tempfile.TemporaryFile(dir=folder) as file:
        return torch.from_numpy(np.memmap(file, numpy_dtype, "w+", shape=shape)).view(dtype)
