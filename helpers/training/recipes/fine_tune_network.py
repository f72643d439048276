"""Networks with ImageNet's features and a new head, and the features of images, computed once."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torchvision
from jaxtyping import Float
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
    """A network in two parts that share its layers.

    Attributes:
        whole: the network, from normalised pixels to logits.
        trunk: all but the head, from normalised pixels to a row of features: frozen, in eval mode.
        head: what is trained: VGG's three linear layers (25088-4096-4096-classes, with dropout), ResNet's one.
        source: the SHA-256 of the trunk's weights, or `"random"`.
    """

    whole: nn.Module
    trunk: nn.Module
    head: nn.Module
    source: str


def fine_tune_network(options: FineTuneOptions, classes: int) -> FineTuneNetwork:
    """Build the network; its head is new, drawn from the options' seed.

    Raises:
        ValueError: the architecture is no VGG or ResNet of torchvision, or the weights do not fit it.
        WeightsUnavailableError: (an OSError) published weights cannot be downloaded; says where to put them.
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
    """Load the weights of all but the head, whatever head the file has."""
    if options.backbone == "random":
        return "random"
    state, source = _read_backbone(options)
    ours = {id(value) for value in head.parameters()}
    new = {name for name, value in whole.named_parameters() if id(value) in ours}
    wanted = {name: value for name, value in whole.state_dict().items() if name not in new}
    # files of before 2018 do not count batches; nothing in eval mode reads the counts
    counts = {name: value for name, value in wanted.items() if name.endswith("num_batches_tracked")}
    given = {**counts, **{name: value for name, value in state.items() if name not in new}}
    wrong = sorted(wanted.keys() ^ given.keys())
    wrong += sorted(name for name in wanted.keys() & given.keys() if wanted[name].shape != given[name].shape)
    if wrong:
        raise ValueError(f"the weights {options.backbone} do not fit {options.architecture}: {', '.join(wrong[:5])}")
    whole.load_state_dict(given, strict=False)
    return source


def _read_backbone(options: FineTuneOptions) -> tuple[Mapping[str, Tensor], str]:
    """Weights and their SHA-256."""
    if options.backbone.endswith(".safetensors"):
        file = read_weights(Path(options.backbone))
        return file.state, file.digest
    return torchvision_state(torchvision_weights(options.architecture, options.backbone))


def normalised(pixels: Tensor) -> Float[Tensor, "batch 3 height width"]:
    """8-bit pixels as ImageNet's networks expect them, channels last in memory."""
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

    It is mapped from a file without a name in `folder`, which vanishes with the tensor: VGG-16's features of
    COCO-2014 take 7.5 GB, half of that in mixed precision.
    """
    dtype = _DTYPES[precision]
    mixed = nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)
    trunk, kept = trunk.to(device), None
    total = len(images)
    for first in progress(range(0, total, batch), label=f"features of {total} images", show=show):
        pixels = images.pixels[first : first + batch].to(device)
        with mixed:
            features = trunk(normalised(pixels)).to(dtype)
        kept = _mapped(folder, (total, features.shape[1]), dtype) if kept is None else kept
        kept[first : first + batch] = features.cpu()
    if kept is None:
        raise ValueError("there are no images to compute features of")
    return kept


def _mapped(folder: Path, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
    """A tensor in a file without a name."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = np.float32 if dtype == torch.float32 else np.int16  # NumPy knows no bfloat16
    with tempfile.TemporaryFile(dir=folder) as file:
        return torch.from_numpy(np.memmap(file, plain, "w+", shape=shape)).view(dtype)
