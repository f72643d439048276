"""Classifiers for the plain re-statements: not frozen, not folded, in the default memory layout."""

from __future__ import annotations

import json
import os
from pathlib import Path

import timm
import torchvision
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn


class Normalised(nn.Module):
    """A network after a normalisation of its input."""

    def __init__(self, network, mean, std):
        super().__init__()
        self.network, self.transform = network, torchvision.transforms.Normalize(mean, std)

    def forward(self, images):
        return self.network(self.transform(images))


def plain_scenes_classifier() -> nn.Module:
    """models/scenes-cnn, read with timm and safetensors alone."""
    path = Path(__file__).parents[1] / "models" / "scenes-cnn.safetensors"
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    classes = len(json.loads(metadata["classes"]))
    arguments = {"num_classes": classes, **json.loads(metadata["model_args"])}
    network = timm.create_model(metadata["architecture"], **arguments)
    network.load_state_dict(load_file(path))
    return Normalised(network, json.loads(metadata["mean"]), json.loads(metadata["std"])).eval()


def plain_photograph_classifier() -> nn.Module:
    """MobileNetV2 of the data folder, read with timm and safetensors alone."""
    path = Path(os.environ["XAIBOOK_DATA"]) / "models" / "mobilenetv2_100.safetensors"
    network = timm.create_model("mobilenetv2_100", pad_type="same", num_classes=1000)
    network.load_state_dict(load_file(path))
    return Normalised(network, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)).eval()
