"""Masks of a given size: by Frank-Wolfe steps, against λ found by search (`explain_at`).

Both keep the same share of the wavelet coefficients of 24 scenes, and both are run with the fast recipe on one thread.
The distortion of the masks is measured on the same fresh noise, the kept class on the kept images.

python -m benchmarks rate
"""

from __future__ import annotations

import time

import torch
from torch import Tensor

from benchmarks.timing import threads
from helpers.classifiers import load_classifier
from helpers.core.explanation import Explanation
from helpers.data.scenes import make_scenes
from helpers.methods.rde import CartoonX, explain_at

SCENES, SIZE, SEED = 24, 64, 2800
SHARES = (0.01, 0.03)
SAMPLES = 256
TARGET = 1.5  # the search costs about two and a half plain runs
SLACK = 0.01  # by which the distortion may exceed that of the search: the scatter of a run over seeds is about as large


def run() -> list[dict]:
    """For each share: the seconds of both ways for all scenes, and what they reach."""
    with threads(1):
        return [_row(share) for share in SHARES]


def _row(share: float) -> dict:
    """One share of the coefficients."""
    images = make_scenes(SCENES, size=SIZE, seed=SEED).images
    method = CartoonX(load_classifier("scenes-cnn"))
    rate = method.with_options(keep=share)
    begin = time.perf_counter()
    found = rate.explain(images)
    ours = time.perf_counter() - begin
    begin = time.perf_counter()
    searched = explain_at(method, images, sparsity=share).explanation
    reference = time.perf_counter() - begin
    whole, binary, other = (
        _measured(method, images, explanation) for explanation in (found, rate.binary(images, found), searched)
    )
    texts = [f"{distortion:.4f} at size {size:.4f}, {kept:.0%}" for distortion, size, kept in (whole, binary, other)]
    return {
        "name": f"{SCENES} scenes, {share:.0%}: distortion and class kept {texts[0]}; binary {texts[1]}; λ {texts[2]}",
        "ours_s": ours,
        "reference_s": reference,
        "ratio": reference / ours,
        "target": TARGET,
        "reached": whole[0] <= other[0] + SLACK,
    }


def _measured(method: CartoonX, images: Tensor, explanation: Explanation) -> tuple[float, float, float]:
    """The mean distortion and size of the masks, and the share of kept images with the explained class."""
    assert explanation.representation_mask is not None
    values = method.problem(images, explanation.targets).evaluate(explanation.representation_mask, samples=SAMPLES)
    with torch.no_grad():
        classes = method.classifier(explanation.kept).argmax(1)
    same = (classes == explanation.targets).float().mean()
    return float(values["distortion"].mean()), float(values["sparsity"].mean()), float(same)
