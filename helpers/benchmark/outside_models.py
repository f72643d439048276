"""Models that nobody here chose: every method on networks of timm with random weights.

Question: does each method of the benchmark explain a network of any architecture, or refuse it with an error that says
what it needs? With random weights a map means nothing, so that its values are not judged: only that it has the shape of
the images and finite values, and whether it says anything. The methods get a twentieth of their steps, masks or
samples.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from helpers.benchmark.case import Case, silent
from helpers.benchmark.cost import BUDGET_OPTIONS
from helpers.benchmark.maps import maps_by
from helpers.benchmark.methods import CONTESTANTS, Contestant
from helpers.benchmark.randomisation import randomised
from helpers.benchmark.rows import option_of, with_option
from helpers.benchmark.table import SceneStudy, profile_case
from helpers.classifiers import Classifier, load_classifier
from helpers.core.files import MODELS_FOLDER

MODELS: Mapping[str, Mapping[str, Any]] = {
    "resnet18": {},
    "convnext_atto": {},
    "efficientnet_b0": {},
    "vit_small_patch14_reg4_dinov2": {"img_size": 64, "patch_size": 16},  # four registers and a class token
    "mixer_s32_224": {"img_size": 64},  # neither attention nor convolutions
}
"""The networks by their names in timm, with what they need for images of 64 px."""

IMAGES, CLASSES, SHARE = 2, 10, 0.05
"""The images that each network gets, its classes, and the share of a method's own steps, masks or samples."""

OUTCOMES = ("explains", "silent", "refuses", "fails", "left out")
"""What can happen: maps, maps of one value only, a refusal (`REFUSALS`), anything else, or `LEFT_OUT`."""

LEFT_OUT: Mapping[str, str] = {"feature-ablation": "a pass for each pixel takes minutes"}
"""The methods that are not tried in the table, and why."""

REFUSALS = (ValueError, TypeError, FileNotFoundError)
"""The errors by which the book refuses, each with a message that says what is needed."""


def outside_models_table(study: SceneStudy) -> pd.DataFrame:
    """Every method and control of the benchmark on every network of `MODELS`.

    Returns:
        See `outside_rows`.
    """
    images = profile_case(study, IMAGES).images
    return pd.DataFrame(row for name in MODELS for row in outside_rows(outside_model(name), images))


def outside_model(name: str) -> Classifier:
    """A network of timm with random weights, as `randomised` draws them: timm starts some heads at 0."""
    arguments = {"num_classes": CLASSES, **MODELS.get(name, {})}
    return randomised(load_classifier(f"timm/{name}", weights="random", model_args=arguments))


def outside_rows(
    classifier: Classifier,
    images: Tensor,
    methods: Iterable[Contestant] = tuple(CONTESTANTS.values()),
    left_out: Mapping[str, str] = LEFT_OUT,
) -> Iterator[dict[str, Any]]:
    """One row for each method on one network, whose predicted classes are explained.

    Args:
        classifier: the network.
        images: (batch, 3, height, width), pixels in [0, 1].
        methods: those that are tried, whether or not they are said to fit.
        left_out: those that are not, and why.

    Returns:
        Rows with model, method, control, outcome (one of `OUTCOMES`), silent (the number of maps of one value), seconds
        (of the processor, of the whole batch) and says (the message of a refusal or of an error, else empty).
    """
    with torch.no_grad():
        targets = classifier(images).argmax(1)
    for contestant in methods:
        begin = time.process_time()
        if contestant.name in left_out:
            outcome, constant, says = "left out", 0, left_out[contestant.name]
        else:
            outcome, constant, says = _tried(contestant, Case(classifier, images, targets))
        seconds = round(time.process_time() - begin, 2)
        names = {"model": classifier.name, "method": contestant.name, "control": contestant.control}
        yield {**names, "outcome": outcome, "silent": constant, "seconds": seconds, "says": says}


def _tried(contestant: Contestant, case: Case) -> tuple[str, int, str]:
    """The outcome, the number of constant maps, and the message."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of maps that are not finite or constant, which the row says
            maps = maps_by(_shortened(contestant.make(case.classifier)), case, contestant.name)
    except REFUSALS as error:
        return "refuses", 0, " ".join(str(error).replace(f"{MODELS_FOLDER}", "models").split())
    except Exception as error:
        return "fails", 0, f"{type(error).__name__}: {error}"
    if maps.shape != case.images[:, 0].shape or not maps.isfinite().all():
        return "fails", 0, f"maps of shape {tuple(maps.shape)}, or values that are not finite"
    constant = int(silent(maps).sum())
    return ("silent" if constant == len(maps) else "explains"), constant, ""


def _shortened(method: Any) -> Any:
    """The method with a share of its steps, masks or samples, if it has such an option."""
    name = option_of(method, BUDGET_OPTIONS)
    return method if name is None else with_option(method, name, max(2, round(SHARE * getattr(method.options, name))))
