"""Classifiers as a plain re-statement uses them: neither frozen, nor folded, nor laid out for speed."""

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
    """A network behind a plain normaliser."""

    def __init__(self, network, mean, std):
        super().__init__()
        self.network, self.transform = network, torchvision.transforms.Normalize(mean, std)

    def forward(self, images):
        return self.network(self.transform(images))


def plain_scenes_classifier() -> nn.Module:
    """models/scenes-cnn, read with timm and safetensors alone."""
    path = Path(__file__).parents[1] / "models" / "scenes-cnn.safetensors"
    with safe_open(path, "pt") as file:
        about = file.metadata()
    classes = len(json.loads(about["classes"]))
    arguments = {"num_classes": classes, **json.loads(about["model_args"])}
    network = timm.create_model(about["architecture"], **arguments)
    network.load_state_dict(load_file(path))
    return Normalised(network, json.loads(about["mean"]), json.loads(about["std"])).eval()


def plain_photograph_classifier() -> nn.Module:
    """MobileNetV2 of the data folder, read with timm and safetensors alone."""
    path = Path(os.environ["XAIBOOK_DATA"]) / "models" / "mobilenetv2_100.safetensors"
    network = timm.create_model("mobilenetv2_100", pad_type="same", num_classes=1000)
    network.load_state_dict(load_file(path))
    return Normalised(network, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)).eval()
