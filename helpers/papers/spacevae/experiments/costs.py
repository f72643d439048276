"""The time that each method takes for one image: Feature Ablation asks the classifier a thousand times."""

from __future__ import annotations

import time
from collections.abc import Callable

import pandas as pd
import torch
from torch import Tensor

from helpers.methods.baselines.attribution_methods import attribution_method
from helpers.papers.spacevae.experiments.competitors import COMPETITORS, method_options
from helpers.papers.spacevae.experiments.study import PLAIN, SpaceStudy

TIMED = 8
"""At most this many test images are timed."""


def cost_table(study: SpaceStudy) -> pd.DataFrame:
    """The seconds of each method for each of the first test images, one image at a time.

    On a CPU these are seconds of computing by this process, so that other work on the machine does not count; on a GPU
    they are seconds on the clock. As in the paper, the training of a network is not counted. Feature Ablation is the
    book's, which recomputes only what a pixel changes and so takes about two thirds of the time of Captum's.

    Returns:
        One row per image and method: columns image (its index in the test split), method, training, seconds, images
        (their number), source.
    """
    images = study.test[:TIMED]
    pixels = images.floats().to(study.device)
    methods = {}
    for name in COMPETITORS:
        base, options = method_options(study, name)
        methods[name, ""] = attribution_method(study.classifier, base, **options).attribute
    if PLAIN in study.trained:
        methods["space-vae", PLAIN] = study.model(PLAIN).explain
    rows = []
    for (method, training), explain in methods.items():
        explain(pixels[:1])  # the first call of a method prepares more than its work
        for index in range(len(images)):
            seconds = _seconds(explain, pixels[index : index + 1])
            rows.append({"image": index, "method": method, "training": training, "seconds": seconds})
    return pd.DataFrame(rows).assign(images=len(images), source=images.source)


def _seconds(explain: Callable[[Tensor], object], image: Tensor) -> float:
    """The seconds of one call."""
    clock = time.perf_counter if image.is_cuda else time.process_time
    begin = clock()
    explain(image)
    if image.is_cuda:
        torch.cuda.synchronize(image.device)  # wait for the queued work
    return clock() - begin
