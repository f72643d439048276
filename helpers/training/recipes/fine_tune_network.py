"""ImageNet networks with a new head, and their features of images, computed once."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from helpers.classifiers import (
    WeightsFile,
    read_weights,
    squeezenet,  # noqa: F401  makes the network known to timm
)
from helpers.classifiers.architectures import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Architecture,
    build_network,
    find_architecture,
)
from helpers.classifiers.hubs import torchvision_state, torchvision_weights
from helpers.core.runtime import progress
from helpers.data.multilabel import MultiLabelImages
from helpers.training.options import Colour, FineTuneOptions

_DTYPES = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16, "32-true": torch.float32}


@dataclass(frozen=True)
class FineTuneNetwork:
    """A network and its two parts.

    Attributes:
        whole: the network, from normalised pixels to logits.
        trunk: all layers before the head, from normalised pixels to features (batch, features): in eval mode, and
            frozen unless they are trained.
        head: the trained layers: the three linear ones of a VGG (25088-4096-4096-classes, with dropout), the only one
            of a ResNet, the classifier of a network of timm's.
        source: the SHA-256 of the trunk's weights, or `"random"`.
        architecture, model_args: the network and its arguments, but for the number of classes.
        mean, std: of each channel; they normalise pixels in [0, 1].
    """

    whole: nn.Module
    trunk: nn.Module
    head: nn.Module
    source: str
    architecture: Architecture
    model_args: Mapping[str, Any]
    mean: Colour = IMAGENET_MEAN
    std: Colour = IMAGENET_STD

    def normalise(self, pixels: UInt8[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
        """Normalised pixels, as the trunk expects them."""
        return normalise(pixels, self.mean, self.std)


class _PooledFeatures(nn.Module):
    """The layers of a network of timm's before its classifier: from normalised pixels to features (batch, features)."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch features"]:
        return self.network.forward_head(self.network.forward_features(pixels), pre_logits=True)


def fine_tune_network(options: FineTuneOptions, classes: int) -> FineTuneNetwork:
    """Build the network with the backbone's weights and a new head, drawn from the options' seed.

    Args:
        options: the recipe.
        classes: number of classes.

    Raises:
        ValueError: the architecture is no VGG or ResNet of torchvision and no network of timm, or the weights do not
            fit it.
        WeightsUnavailableError: (an OSError) published weights cannot be downloaded; the message says where to put
            them.
        FileNotFoundError: there is no such weights file.
    """
    name = options.architecture
    architecture = find_architecture(name if "/" in name else f"torchvision/{name}")
    file = read_weights(Path(options.backbone)) if options.backbone.endswith(".safetensors") else None
    about = None if file is None else file.metadata
    model_args = {} if about is None else {k: v for k, v in about.model_args.items() if k != "num_classes"}
    whole = build_network(architecture, {**model_args, "num_classes": classes}, seed=options.seed)
    trunk, head = _parts(whole, architecture, options)
    source = _load_trunk(whole, head, options, file)
    trunk.requires_grad_(options.body_rate is not None).eval().to(memory_format=torch.channels_last)
    head.requires_grad_(True)
    mean, std = (IMAGENET_MEAN, IMAGENET_STD) if about is None else (about.mean, about.std)
    return FineTuneNetwork(
        whole, trunk, head, source, architecture, model_args, mean or IMAGENET_MEAN, std or IMAGENET_STD
    )


def _parts(whole: Any, architecture: Architecture, options: FineTuneOptions) -> tuple[nn.Module, nn.Module]:
    """The trunk and the head of a network."""
    if isinstance(whole, torchvision.models.VGG):
        return nn.Sequential(whole.features, whole.avgpool, nn.Flatten(1)), whole.classifier
    if isinstance(whole, torchvision.models.ResNet):
        return nn.Sequential(*list(whole.children())[:-1], nn.Flatten(1)), whole.fc
    if architecture.library == "timm" and hasattr(whole, "forward_intermediates"):
        return _PooledFeatures(whole), whole.get_classifier()
    raise ValueError(
        f"architecture={options.architecture!r} is no VGG or ResNet of torchvision, and no network of timm; use "
        "'vgg16', 'resnet50', or such as 'timm/tf_mobilenetv3_small_100'"
    )


def _load_trunk(whole: nn.Module, head: nn.Module, options: FineTuneOptions, file: WeightsFile | None) -> str:
    """Load the backbone's weights, except those of its head; returns their SHA-256, or `"random"`."""
    if options.backbone == "random":
        return "random"
    if file is not None:
        state, source = file.state, file.digest
    else:
        state, source = torchvision_state(torchvision_weights(options.architecture, options.backbone))
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


def normalise(
    pixels: UInt8[Tensor, "batch 3 height width"], mean: Colour = IMAGENET_MEAN, std: Colour = IMAGENET_STD
) -> Float[Tensor, "batch 3 height width"]:
    """Normalise 8-bit pixels, by default with ImageNet's mean and std; channels last in memory."""
    means, stds = (torch.tensor(values, device=pixels.device)[:, None, None] for values in (mean, std))
    return ((pixels.float() / 255 - means) / stds).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def trunk_features(
    trunk: nn.Module,
    images: MultiLabelImages,
    folder: Path,
    *,
    device: torch.device,
    precision: str = "32-true",
    mean: Colour = IMAGENET_MEAN,
    std: Colour = IMAGENET_STD,
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
        mean, std: of each channel; they normalise pixels in [0, 1].
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
            features = trunk(normalise(pixels, mean, std)).to(dtype)
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
