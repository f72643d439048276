"""Attention rollout of a batch of 64 images on ViT-tiny against the plain forward pass of the same batch.

python -m benchmarks.rollout
"""

from __future__ import annotations

import torch

from benchmarks.timing import medians, threads
from helpers.classifiers import Classifier, WeightsUnavailableError, load_classifier
from helpers.methods.rollout import AttentionRollout

AT_MOST = 1.15
IMAGES = 64
NAME = "vit_tiny_patch16_224"


def run() -> list[dict]:
    """Median seconds of rollout and of the plain forward pass, and their ratio, which should be at most 1.15."""
    with threads():
        classifier, source = _classifier()
        images = torch.rand(IMAGES, 3, 224, 224, generator=torch.Generator().manual_seed(0))
        return [_compare(classifier, images, ratio, source) for ratio in (0.9, 0.0)]


def _classifier() -> tuple[Classifier, str]:
    """ViT-tiny from the data folder, or with random weights if it is missing, which takes as long."""
    try:
        return load_classifier(NAME), ""
    except (WeightsUnavailableError, FileNotFoundError):
        return load_classifier(NAME, weights="random"), ", random weights"


def _compare(classifier: Classifier, images: torch.Tensor, discard_ratio: float, source: str) -> dict:
    method = AttentionRollout(classifier, discard_ratio=discard_ratio)
    ours, plain = medians([lambda: method.explain(images), lambda: _forward(classifier, images)])
    return {
        "name": f"rollout of {len(images)} images, ViT-tiny, discarding {discard_ratio:g}{source}",
        "ours_s": ours,
        "reference_s": plain,
        "ratio": ours / plain,
        "at_most": AT_MOST,
    }


@torch.no_grad()
def _forward(classifier: Classifier, images: torch.Tensor) -> torch.Tensor:
    return classifier(images)


def main() -> None:
    """Print the comparison."""
    for row in run():
        print(f"{row['name']:<64}{row['ours_s']:>9.3f} s{row['reference_s']:>9.3f} s{row['ratio']:>7.2f}, at most 1.15")


if __name__ == "__main__":
    main()
