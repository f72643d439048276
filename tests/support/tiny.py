"""Classifiers small enough for tests, with nothing to download."""

import torch
from torch import nn

from helpers.classifiers import Classifier
from helpers.classifiers.architectures import Preprocessing


class TinyClassifier(nn.Module):
    """Two small convolutions with fixed random weights: enough to have a gradient everywhere."""

    def __init__(self, classes=5):
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.features = nn.Sequential(nn.Conv2d(3, 8, 5, stride=4), nn.Tanh(), nn.Conv2d(8, 8, 3, stride=2), nn.Tanh())
        self.head = nn.Linear(8, classes)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.6
        self.eval().requires_grad_(False)

    def forward(self, images):
        return self.head(self.features(images).mean((2, 3))) * 4


class WindowClassifier(nn.Module):
    """Two classes, told apart by the mean of one window of the image only: the truth of an explanation is known."""

    def __init__(self, window):
        super().__init__()
        self.window = window
        self.eval()

    def forward(self, images):
        inside = images[(..., *self.window)].mean((1, 2, 3))
        return torch.stack([12 * inside - 3, torch.zeros_like(inside)], 1)


class WindowsClassifier(nn.Module):
    """Each class's logit is a weighted mean of its own window: linear, so that the truth of an explanation is known.

    The weights are stripes of 1 and -1: hiding behind black, a colour or blur removes the score, mirroring does not.
    """

    def __init__(self, windows, size, scale=20.0, offset=-2.0):
        super().__init__()
        signs = (stripes(size) * 2 - 1).expand(size, size)
        weights = torch.zeros(len(windows), 3, size, size)
        for weight, window in zip(weights, windows, strict=True):
            weight[(slice(None), *window)] = signs[window] / signs[window].numel() / 3
        self.weight = nn.Parameter(weights * scale, requires_grad=False)
        self.offset = offset
        self.register_buffer("mean", torch.full((1, 3, 1, 1), 0.5))
        self.eval()

    def forward(self, images):
        return images.flatten(1) @ self.weight.flatten(1).T + self.offset


def stripes(size):
    """Black and white lines of one pixel: (size, 1)."""
    return (torch.arange(size) % 2).float()[:, None]


def smooth_images(count, size):
    """Images without detail, the same at every call."""
    coarse = torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(11))
    return nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")


def named(module, size, names=("cat", "dog", "owl", "cup", "kite")):
    """A module as a classifier of images of this size, without normalisation."""
    preprocessing = Preprocessing(mean=(0.0,) * 3, std=(1.0,) * 3, input_size=size)
    return Classifier(module, name="tiny", class_names=names, preprocessing=preprocessing, digest="0", source="test")
