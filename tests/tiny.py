"""Classifiers small enough for tests, with nothing to download."""

import torch
from torch import nn


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


def smooth_images(count, size):
    """Images without detail, the same at every call."""
    coarse = torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(11))
    return nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")
