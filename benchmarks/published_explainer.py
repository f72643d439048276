"""A plain statement of the published training step of the Explainer, written from its description.

As in the published code, a step has two passes through the classifier, loops over images and classes, full sorts, and
a metric that reads every single decision.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class PublishedStep:
    """One training step: forward, loss, metrics, backward, Adam."""

    def __init__(self, network: nn.Module, classifier: nn.Module, device: str = "cpu", rate: float = 1e-5) -> None:
        self.network, self.classifier = network, classifier
        self.optimiser = torch.optim.Adam(network.parameters(), lr=rate)
        self.counts = [0, 0, 0, 0]
        self.device = device
        self.kernels = torch.zeros(2, 1, 3, 3, device=device)
        self.kernels[:, 0, 1, 1] = 1.0
        self.kernels[0, 0, 1, 2] = self.kernels[1, 0, 2, 1] = -1.0

    def __call__(self, images: Tensor, labels: Tensor) -> float:
        """One step on normalised images with multi-hot labels; the loss."""
        self.optimiser.zero_grad()
        logits = self.network(images)
        target, other = self._merge(logits, labels)
        kept = self.classifier(target[:, None] * images)
        left = self.classifier((1 - target[:, None]) * images)
        loss = functional.binary_cross_entropy_with_logits(kept, labels.float())
        probabilities = left.softmax(1)
        loss = loss + (probabilities * probabilities.clamp(min=1e-16).log()).mean()
        loss = loss + self._variation(target) + self._variation(other)
        loss = loss + self._bounds(logits, labels)
        loss = loss + 0.1 * target.mean() + 0.3 * other.mean()
        self._count(kept, labels)
        loss.backward()
        self.optimiser.step()
        return loss.item()

    def _merge(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        targets, others = [], []
        for image in range(len(logits)):
            present = labels[image].bool()
            targets.append(logits[image][present].max(0).values.sigmoid())
            others.append(logits[image][~present].max(0).values.sigmoid())
        return torch.stack(targets), torch.stack(others)

    def _variation(self, mask: Tensor) -> Tensor:
        padded = functional.pad(mask[:, None], (1, 1, 1, 1), mode="reflect")
        right = functional.conv2d(padded, self.kernels[:1])
        down = functional.conv2d(padded, self.kernels[1:])
        return (right.abs() + down.abs()).sum((1, 2, 3)).mean() / mask[0].numel()

    def _bounds(self, logits: Tensor, labels: Tensor, least: float = 0.05, most: float = 0.3) -> Tensor:
        total = torch.zeros((), device=self.device)
        for image in range(len(logits)):
            for target in range(logits.shape[1]):
                if labels[image, target] == 1:
                    values = logits[image, target].sigmoid().flatten().sort(descending=True).values
                    count = len(values)
                    low, high = (self._ones(int(count * share), count) for share in (least, most))
                    total = total + (low - values).relu().mean() + (values - high).relu().mean()
        return total / len(logits)

    def _ones(self, ones: int, count: int) -> Tensor:
        return torch.cat([torch.ones(ones, device=self.device), torch.zeros(count - ones, device=self.device)])

    def _count(self, logits: Tensor, labels: Tensor) -> None:
        for image in range(len(logits)):
            for target in range(logits.shape[1]):
                yes, true = bool(logits[image, target] > 0), bool(labels[image, target] == 1)
                self.counts[2 * yes + true] += 1
