"""The book's metrics beside those of Quantus, on the same maps: see `PAIRS`.

Quantus (https://github.com/understandable-machine-intelligence-lab/Quantus, LGPL) is no requirement of the book: where
it is missing, `helpers.benchmark.quantus_package.load_quantus` says how to install it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import ModuleType
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from helpers.benchmark.case import Case, Trial, silent
from helpers.benchmark.quantus_package import Probabilities
from helpers.benchmark.registry import METRICS
from helpers.benchmark.without_truth import SPARSE_SHARES
from helpers.core.runtime import random_generator
from helpers.metrics import (
    entropy,
    gini_index,
    lp_norm,
    pixel_auroc,
    pixel_curve,
    pointing_game,
    relevance_mass_above_chance,
    relevance_rank_accuracy,
)
from helpers.metrics.curves import random_ranks
from helpers.metrics.regions import region_share

STEPS = 16
"""The steps of curves, which must divide the number of pixels for Quantus."""

CELL = 16
"""The side of the squares that region perturbation and selectivity remove."""

FILL = "mean"
"""What takes the place of removed pixels."""

_FULL = 1e4  # the largest value of Quantus' maps where it adds 1e-7 to each value of a measure without scale
_AT_ONCE = 256  # images per forward pass


@dataclass(frozen=True, eq=False)
class Compared:
    """The maps of one method for the images of a case, as both sides of a pair get them.

    Args:
        case: the images, with their region.
        maps: of one method, in [0, 1]; they reach Quantus in double precision, as it adds up in theirs.
    """

    case: Case
    given: Float[Tensor, "batch height width"]
    maps: Float[Tensor, "batch height width"] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "maps", Trial(self.case, self.given).maps)

    @cached_property
    def order(self) -> Float[Tensor, "batch height width"]:
        """The maps' order in place of their values, equal ones in a random order that both sides share."""
        return self._order(self.maps)

    @cached_property
    def cells(self) -> Float[Tensor, "batch height width"]:
        """The order of the squares by their mass; all pixels of a square have one value."""
        ordered = self._order(functional.avg_pool2d(self.maps[:, None], CELL)[:, 0])  # batch, rows, columns
        return ordered.repeat_interleave(CELL, 1).repeat_interleave(CELL, 2)

    def _order(self, maps: Float[Tensor, "batch rows columns"]) -> Float[Tensor, "batch rows columns"]:
        ranks = random_ranks(maps.flatten(1), 1, random_generator(self.case.seed))[0]  # batch, entries
        return (1 - ranks.double() / ranks.shape[1]).view_as(maps)

    def curve(self, order: Float[Tensor, "batch height width"]) -> Float[Tensor, "batch steps"]:
        """The class's probability as more and more pixels are removed in some order, from the whole image."""
        case = self.case
        options: dict[str, Any] = {"steps": STEPS, "seed": case.seed, "chunk": _AT_ONCE}
        return pixel_curve(case.classifier, case.images, order[:, None], case.targets, case.fill(FILL), **options)

    @cached_property
    def morf(self) -> Float[Tensor, "batch steps"]:
        """The curve with the most relevant squares first, which region perturbation and selectivity share."""
        return self.curve(self.cells)

    def scores(self, metric: Any, *, maps: Tensor | None = None) -> Float[np.ndarray, "batch ..."]:
        """Quantus' scores of some maps, by default those of the method.

        Args:
            metric: an instance of one of Quantus' classes.
            maps: others.
        """
        case = self.case
        values = self.maps if maps is None else maps
        if values.amax() == values.amin():  # Quantus refuses them
            return np.full(len(values), np.nan)
        return np.array(
            metric(
                model=Probabilities(case.classifier),
                x_batch=case.images.numpy().copy(),
                y_batch=case.targets.numpy(),
                # some metrics write into the maps that they are given
                a_batch=values.double().numpy()[:, None].copy(),
                s_batch=None if case.region is None else case.region.numpy()[:, None],
                softmax=False,
            ),
            dtype=float,
        )

    def replaced(self, arr: np.ndarray, indices: np.ndarray, **_: object) -> np.ndarray:
        """Quantus' way to remove features, with the fill of `FILL`."""
        fill = self.case.fill(FILL).flatten(1).numpy()
        changed = arr.copy()
        rows = np.arange(len(arr))[:, None]
        changed[rows, indices] = fill[rows, indices]
        return changed

    def tied(self, size: Int[Tensor, " batch"] | int) -> Bool[Tensor, " batch"]:
        """Whether a map's `size` largest values cannot be told from the next ones."""
        values = self.maps.flatten(1).sort(1, descending=True).values  # batch, pixels
        last = torch.as_tensor(size).expand(len(values))[:, None]  # batch, 1
        return (values.gather(1, last - 1) == values.gather(1, last.clamp_max(values.shape[1] - 1)))[:, 0]

    @cached_property
    def silent(self) -> Bool[Tensor, " batch"]:
        """Whether a map has one value, of which many of Quantus' scores are nan."""
        return silent(self.maps)

    @property
    def area(self) -> Int[Tensor, " batch"]:
        """The number of pixels of each image's region."""
        assert self.case.region is not None
        return self.case.region.sum((1, 2))


Ours = Callable[[Compared], Tensor]
Theirs = Callable[[ModuleType, Compared], np.ndarray]
_QUIET: dict[str, Any] = {"disable_warnings": True, "normalise": False}


@dataclass(frozen=True)
class Pair:
    """One metric by both.

    Attributes:
        name: of the metric, as the book calls it.
        quantus: the name of Quantus' class.
        ours: the book's scores, one per image, or a curve.
        theirs: Quantus' scores, in the same shape.
        tied: the images on which the two may differ, since a cut falls among equal values: Quantus takes one of the
            equal pixels by its place in memory, or any of them; the book takes the mean over all. None: they never do.
    """

    name: str
    quantus: str
    ours: Ours
    theirs: Theirs
    tied: Callable[[Compared], Bool[Tensor, " batch"]] | None = None

    @property
    def curve(self) -> bool:
        """Whether it asks the network, step by step."""
        return self.quantus in ("PixelFlipping", "RegionPerturbation", "Selectivity", "ROAD")


def _mass(compared: Compared) -> Tensor:
    """The share of the mass; the book prints the share above chance."""
    region = compared.case.region
    assert region is not None
    above = relevance_mass_above_chance(compared.maps.double(), region)
    return above + region_share(region, torch.ones_like(region)).double()


def _of_maps(name: str, full: float | None = None, **options: Any) -> Theirs:
    """A metric of Quantus that reads the map alone, whose largest value becomes `full`."""

    def scores(quantus: ModuleType, compared: Compared) -> np.ndarray:
        maps = compared.maps.double()
        if full is not None:
            maps = maps * (full / maps.amax((1, 2), keepdim=True).clamp_min(torch.finfo(maps.dtype).tiny))
        return compared.scores(getattr(quantus, name)(**_QUIET, **options), maps=maps)

    return scores


def _curves(name: str, values: str, **options: Any) -> Theirs:
    """A metric of Quantus that removes features, step by step."""

    def scores(quantus: ModuleType, compared: Compared) -> np.ndarray:
        metric = getattr(quantus, name)(**_QUIET, **options, perturb_func=compared.replaced)
        return compared.scores(metric, maps=getattr(compared, values))

    return scores


def _flipping(quantus: ModuleType, compared: Compared) -> np.ndarray:
    """Pixel flipping. Each channel is a feature to Quantus, but a step must divide the pixels: every third is ours."""
    channels, size = compared.case.images.shape[1], compared.order[0].numel() // STEPS
    return _curves("PixelFlipping", "order", features_in_step=size)(quantus, compared)[:, channels - 1 :: channels]


def _theirs_gain(quantus: ModuleType, compared: Compared) -> np.ndarray:
    """Most relevant first minus least relevant first: Quantus has the drop of the score, ours is the score itself."""
    most, least = (_curves("RegionPerturbation", "cells", patch_size=CELL, order=order) for order in ("morf", "lerf"))
    return most(quantus, compared) - least(quantus, compared)


def _sparse(compared: Compared) -> Tensor:
    """The share of sparsities at which the kept pixels have the explained class."""
    return METRICS["sparse-accuracy"].metric(Trial(compared.case, compared.maps))


def _road(quantus: ModuleType, compared: Compared) -> np.ndarray:
    """Remove and debias, with the least relevant pixels removed first and black in their place.

    Quantus has one accuracy for all images, and here one for each. To it each channel is a feature of its own, of which
    the last ones may be a part of a pixel: it stays.
    """
    channels, case = compared.case.images.shape[1], compared.case

    def blackened(arr: np.ndarray, indices: np.ndarray, **_: object) -> np.ndarray:
        removed = np.bincount(indices % arr[0].size, minlength=arr[0].size) == channels
        return np.where(removed.reshape(arr[0].shape), 0, arr).astype(arr.dtype)

    percentages = [100 - 100 * share for share in SPARSE_SHARES]
    found = []
    for row in range(len(case)):
        metric = quantus.ROAD(**_QUIET, percentages=percentages, perturb_func=blackened)
        scores = metric(
            model=Probabilities(case.classifier),
            x_batch=case.images[row : row + 1].numpy().copy(),
            y_batch=case.targets[row : row + 1].numpy(),
            a_batch=(1 - compared.order[row : row + 1, None]).expand(-1, channels, -1, -1).numpy().copy(),
            softmax=False,
        )
        found.append(np.mean([float(value) for value in scores.values()]))
    return np.array(found)


_regions = partial(_curves, "RegionPerturbation", "cells", patch_size=CELL)

PAIRS: dict[str, Pair] = {
    pair.name: pair
    for pair in (
        Pair(
            "pointing-game",
            "PointingGame",
            lambda c: pointing_game(c.maps, c.case.region),
            _of_maps("PointingGame"),
            lambda c: c.tied(1),
        ),
        Pair("relevance-mass", "RelevanceMassAccuracy", _mass, _of_maps("RelevanceMassAccuracy")),
        Pair("localisation", "AttributionLocalisation", _mass, _of_maps("AttributionLocalisation", full=_FULL)),
        Pair(
            "rank-accuracy",
            "RelevanceRankAccuracy",
            lambda c: relevance_rank_accuracy(c.maps, c.case.region),
            _of_maps("RelevanceRankAccuracy"),
            lambda c: c.tied(c.area),
        ),
        Pair("pixel-auroc", "AUC", lambda c: pixel_auroc(c.maps, c.case.region, ~c.case.region), _of_maps("AUC")),
        Pair("gini-index", "Sparseness", lambda c: gini_index(c.maps), _of_maps("Sparseness", full=_FULL)),
        Pair("entropy", "Complexity", lambda c: entropy(c.maps), _of_maps("Complexity")),
        Pair(
            "pixels-kept",
            "EffectiveComplexity",
            lambda c: lp_norm(c.maps[:, None], 0, tolerance=0.5),
            _of_maps("EffectiveComplexity", eps=0.5),
        ),
        Pair("deletion", "PixelFlipping", lambda c: c.curve(c.order)[:, 1:], _flipping),
        Pair("region-morf", "RegionPerturbation", lambda c: c.morf[:, :1] - c.morf[:, 1:], _regions(order="morf")),
        Pair("region-gain", "RegionPerturbation", lambda c: (c.curve(1 - c.cells) - c.morf)[:, 1:], _theirs_gain),
        Pair("sparse-accuracy", "ROAD", _sparse, _road),
        Pair("selectivity", "Selectivity", lambda c: c.morf[:, 1:], _curves("Selectivity", "cells", patch_size=CELL)),
    )
}
"""The metrics that both have, by the book's name.

No part of Quantus is copied. It adds 1e-7 to each value before the Gini index, and 1e-9 to the mass before a
localisation. Both measures are free of scale, so that it is given the maps times a large number: the map of a method
that keeps next to nothing would else score as a more even one.
"""
