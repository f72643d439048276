"""The book's protocols beside those of Quantus: both explain again, and measure how far the maps are alike.

Quantus asks the method itself, so that it gets one that answers from what the book has explained: the same networks,
noise and classes on both sides, and what is compared is the measuring.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from helpers.benchmark.case import Case, silent
from helpers.benchmark.methods import Contestant
from helpers.benchmark.quantus_package import load_quantus
from helpers.benchmark.randomisation import blocks_of, randomised
from helpers.benchmark.rows import base_maps, changed_maps, contestants, is_slow, remade
from helpers.benchmark.similarity import rank_similarity
from helpers.benchmark.stability import NOISES, with_noise
from helpers.benchmark.table import SceneStudy, profile_case

Maps = Float[Tensor, "batch height width"]
Scores = Float[np.ndarray, " batch"]

SCENES = 6
"""The scenes that each method explains."""

NOT_PAIRED = {
    "MaxSensitivity with its own measure": "the book asks whether the pixels' order moves, not the size of values",
    "ROAD with its own imputation": "the book fills by mean, blur, noise and black; blurred maps gain from imputation",
    "Infidelity": "the book's is compared with Captum's, which takes perturbed images as ours does",
    "FaithfulnessCorrelation, FaithfulnessEstimate, Monotonicity, SensitivityN, IROF, Sufficiency": "no counterpart",
    "Continuity, Consistency, LocalLipschitzEstimate, relative stabilities": "no counterpart",
    "Completeness, NonSensitivity, InputInvariance": "masks do not add up to an answer",
    "Focus, TopKIntersection": "mosaics of images; the share of the k largest values, which rank accuracy has",
}
"""Metrics of Quantus that are not compared, and why."""

_QUIET: dict[str, Any] = {"disable_warnings": True, "normalise": False, "abs": False}


def protocol_table(study: SceneStudy) -> pd.DataFrame:
    """Both libraries' protocols on all methods.

    Returns:
        One row per method and protocol: method, protocol ("cascade", "other-class", "noise"), stage (of the cascade,
        else empty), quantus (the class), ours, theirs (means over the scenes that count), difference (the largest), n
        (scenes that count), silent (scenes that do not, since a map has one value), version (of Quantus).
    """
    quantus = load_quantus()
    case = profile_case(study, SCENES)
    rows = [row for each in contestants(study.classifier) for row in protocol_rows(quantus, each, study, case)]
    return pd.DataFrame(rows).assign(version=quantus.__version__)


def protocol_rows(
    quantus: ModuleType, contestant: Contestant, study: SceneStudy, case: Case
) -> Iterator[dict[str, Any]]:
    """The rows of one method: see `protocol_table`."""
    method = contestant.make(study.classifier)
    before = base_maps(study, contestant, case, len(case))

    def row(protocol: str, stage: str, name: str, after: Maps, theirs: Scores) -> dict[str, Any]:
        ours, still = rank_similarity(before, after), (silent(before) | silent(after)).numpy()
        counted = {"ours": ours[~still], "theirs": theirs[~still]}
        means = {side: round(float(values.mean()), 6) if len(values) else np.nan for side, values in counted.items()}
        largest = np.abs(counted["ours"] - counted["theirs"]).max(initial=0)
        return {
            "method": contestant.name,
            "protocol": protocol,
            "stage": stage,
            "quantus": name,
            **means,
            "difference": float(f"{largest:.1e}") if (~still).any() else np.nan,
            "n": int((~still).sum()),
            "silent": int(still.sum()),
        }

    short = is_slow(contestant, method, case) or contestant.control
    blocks = blocks_of(study.classifier)
    stages = [blocks] if short else [blocks[: end + 1] for end in range(len(blocks))]
    networks = {stage[-1]: randomised(study.classifier, stage, seed=case.seed) for stage in stages}
    after = {
        name: changed_maps(
            study, contestant, remade(contestant, method, network), replace(case, classifier=network), len(case)
        )
        for name, network in networks.items()
    }
    for stage, theirs in cascade(quantus, case, before, networks, after).items():
        yield row("cascade", stage, "MPRT", after[stage], theirs)

    def about(classes: Tensor) -> Maps:
        return changed_maps(study, contestant, method, replace(case, targets=classes), len(case))

    asked, theirs = other_class(quantus, case, before, len(study.classifier.class_names), about)
    yield row("other-class", "", "RandomLogit", asked, theirs)
    noisy = with_noise(case.images, NOISES[0], seed=case.seed)
    moved = changed_maps(study, contestant, method, replace(case, images=noisy), len(case), change=f"noise {NOISES[0]}")
    yield row("noise", "", "MaxSensitivity", moved, noise(quantus, case, before, noisy, moved))


def cascade(
    quantus: ModuleType, case: Case, before: Maps, networks: dict[str, nn.Module], after: dict[str, Maps]
) -> dict[str, Scores]:
    """Quantus' parameter randomisation test, on the book's networks with random blocks: Spearman's ρ by stage."""
    named = {id(network): after[stage] for stage, network in networks.items()}
    wrapper = importlib.import_module("quantus.helpers.model.pytorch_model").PyTorchModel
    replaced = {
        "get_random_layer_generator": lambda self, order, seed: iter(networks.items()),
        "random_layer_generator_length": len(networks),
    }

    def explain(model: nn.Module, **_: object) -> np.ndarray:
        return _given(named.get(id(model), before))

    with patch.multiple(wrapper, **replaced):  # its copies are randomised by each layer's own `reset_parameters`
        found = _asked(quantus.MPRT(**_QUIET), case.classifier, case, before, explain)
    return {stage: np.array(found[stage]) for stage in networks}


def other_class(
    quantus: ModuleType, case: Case, before: Maps, classes: int, asked: Callable[[Int[Tensor, " batch"]], Maps]
) -> tuple[Maps, Scores]:
    """The maps of the other classes that Quantus draws, and its random logit test of them with Spearman's ρ.

    Args:
        quantus: the package.
        case: the images and their classes.
        before: the maps of these classes.
        classes: their number.
        asked: from other classes to maps.
    """
    found: list[Maps] = []

    def explain(model: nn.Module, inputs: np.ndarray, targets: np.ndarray, **_: object) -> np.ndarray:
        found.append(asked(torch.as_tensor(targets)))
        return _given(found[-1])

    metric = quantus.RandomLogit(**_QUIET, num_classes=classes, similarity_func=_spearman(quantus))
    scores = _asked(metric, case.classifier, case, before, explain)
    return found[-1], np.array(scores)


def noise(quantus: ModuleType, case: Case, before: Maps, noisy: Tensor, moved: Maps) -> Scores:
    """Quantus' sensitivity to one draw of noise, with Spearman's ρ in the place of the size of the change."""
    metric = quantus.MaxSensitivity(
        **_QUIET,
        nr_samples=1,
        similarity_func=lambda a, b: _spearman(quantus)(a, b),
        norm_numerator=lambda a: a,
        norm_denominator=lambda a: np.ones(len(a)),
        perturb_func=lambda arr, **_: noisy.flatten(1).numpy(),
    )
    return np.array(_asked(metric, case.classifier, case, before, lambda **_: _given(moved)))


def _asked(metric: Any, model: Any, case: Case, before: Maps, explain: Callable[..., np.ndarray]) -> Any:
    """What a metric of Quantus says of some maps, if it gets further ones from a function."""
    with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of correlations with maps of one value
        return metric(
            model=model,
            x_batch=case.images.numpy().copy(),
            y_batch=case.targets.numpy(),
            a_batch=_given(before),
            explain_func=explain,
            softmax=False,
        )


def _given(maps: Maps) -> Float[np.ndarray, "batch 1 height width"]:
    return maps[:, None].double().numpy().copy()


def _spearman(quantus: ModuleType) -> Callable[..., Scores]:
    """Quantus' rank correlation, one image after another: in a batch it correlates every map with every other."""

    def alike(first: np.ndarray, second: np.ndarray, **_: object) -> Scores:
        one = quantus.similarity_func.correlation_spearman
        return np.array([one(a, b) for a, b in zip(first, second, strict=True)])

    return alike
