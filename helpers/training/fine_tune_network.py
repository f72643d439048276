"""A network with ImageNet's features and a new head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn

from helpers.classifiers import read_weights
from helpers.classifiers.architectures import build_network, find_architecture
from helpers.classifiers.hubs import torchvision_state, torchvision_weights
from helpers.training.fine_tune_options import FineTuneOptions


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
    """Load the weights of all but the head; what a file says of the head is left out."""
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
