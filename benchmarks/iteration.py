"""One iteration of CartoonX at the paper's setting, against a plain re-statement of the published loop.

python -m benchmarks.iteration
"""

from __future__ import annotations

import torch
import torchvision

from benchmarks.published import published_cartoonx
from benchmarks.timing import medians, threads
from helpers.classifiers import load_classifier
from helpers.data.scenes import make_scenes
from helpers.methods.rde import CartoonX

TARGET = 2.5
STEPS = 2  # set-up per image is included, as in 2000 steps


def run() -> list[dict]:
    """64 samples, 256 px, MobileNetV3-Small with random weights, one image: seconds per step, and their ratio."""
    image = make_scenes(1, size=256, seed=0).images
    torch.manual_seed(0)
    plain = torchvision.models.mobilenet_v3_small(weights=None).eval()
    method = CartoonX(
        load_classifier("torchvision/mobilenet_v3_small", weights="random"), recipe="published", steps=STEPS
    )
    with threads():
        ours, reference = medians(
            [lambda: method.explain(image), lambda: published_cartoonx(plain, image, steps=STEPS)]
        )
    return [
        {
            "name": "one step of CartoonX, published recipe, 256 px",
            "ours_s": ours / STEPS,
            "reference_s": reference / STEPS,
            "ratio": reference / ours,
            "target": TARGET,
        }
    ]
