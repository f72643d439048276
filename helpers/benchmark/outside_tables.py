"""The tables of the comparison with Quantus: of all methods in short, and of some maps value by value."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.benchmark.case import Case
from helpers.benchmark.maps import controls, method_maps
from helpers.benchmark.methods import contestants_for
from helpers.benchmark.outside import PAIRS, Compared, Pair
from helpers.benchmark.quantus_package import load_quantus
from helpers.benchmark.runs import images_of, stored_maps
from helpers.benchmark.table import SceneStudy, profile_case

SHOWN = 20
"""The scenes on which all methods are compared, one batch of their maps."""

SCENES = 4
"""The scenes whose values are stored one by one."""

AGREE = 1e-6
"""The largest difference between two libraries that agree."""

_MAPS = ("truth", "grad-cam", "explainer")


def quantus_table(study: Any) -> pd.DataFrame:
    """Both libraries' metrics of the maps of all methods, on the first `SHOWN` scenes of the benchmark.

    Returns:
        One row per method and metric: method, metric, quantus (the class), ours, theirs (means over the images that
        count), difference (the largest of an image, at any point of a curve), n (images that count), tied, silent
        (images that do not, since a cut falls among equal values or all values are equal), version (of Quantus).
    """
    quantus, images = load_quantus(), images_of(study)
    tuning = study.table("benchmark-tuning")
    chosen = tuning[tuning["chosen"]].set_index("method")["trial"].to_dict()
    case, rows = images.some(list(range(SHOWN))), []
    for contestant in contestants_for(study.classifier):
        setting = contestant.trials[chosen[contestant.name]] if contestant.trials else {}
        maps = stored_maps(study, contestant, images, setting, SHOWN)[0]
        values = compare(quantus, case, maps, contestant.name)
        for metric, found in values.groupby("metric", sort=False):
            counted = found[~found["tied"] & ~found["silent"]]
            means = counted[["ours", "theirs"]].mean().round(6).to_dict()
            rows.append(
                {
                    "method": contestant.name,
                    "metric": metric,
                    "quantus": PAIRS[str(metric)].quantus,
                    **means,
                    "difference": counted["difference"].max(),
                    "n": len(counted),
                    **{name: int(found[name].sum()) for name in ("tied", "silent")},
                }
            )
    return pd.DataFrame(rows).assign(version=quantus.__version__)


def value_table(study: SceneStudy) -> pd.DataFrame:
    """Both libraries' scores of some maps of the first `SCENES` scenes: what tests compare with.

    Returns:
        See `compare`, and version (of Quantus).
    """
    quantus, case = load_quantus(), profile_case(study, SCENES)
    tables = [compare(quantus, case, maps, name) for name, maps in value_maps(case).items()]
    return pd.concat(tables, ignore_index=True).assign(version=quantus.__version__)


def value_maps(case: Case) -> dict[str, Float[Tensor, "batch height width"]]:
    """The maps of `value_table`, by name."""
    return {**method_maps(case, _MAPS), **controls(case)}


def compare(
    quantus: ModuleType | None, case: Case, maps: Float[Tensor, "batch height width"], method: str
) -> pd.DataFrame:
    """The scores of some maps by all of `PAIRS`.

    Args:
        quantus: the package; None for the book's scores alone.
        case: the images, with their region.
        maps: of one method, in [0, 1].
        method: its name.

    Returns:
        One row per metric and image: method, metric, image (its number), ours, theirs (of a curve, its mean; nan where
        Quantus has no score), difference (the largest along the curve), tied (see `Pair`), silent (all values of the
        map are equal).
    """
    compared = Compared(case, maps)
    tables = [_of_pair(pair, quantus, compared) for pair in PAIRS.values()]
    return pd.concat(tables, ignore_index=True).assign(method=method)[
        ["method", "metric", "image", "ours", "theirs", "difference", "tied", "silent"]
    ]


def _of_pair(pair: Pair, quantus: ModuleType | None, compared: Compared) -> pd.DataFrame:
    count = len(compared.case)
    ours = pair.ours(compared).double().numpy().reshape(count, -1)  # images, points
    theirs = np.full_like(ours, np.nan)
    if quantus is not None:
        with np.errstate(invalid="ignore", divide="ignore"):  # silent maps, whose scores are nan
            theirs = np.broadcast_to(pair.theirs(quantus, compared).reshape(count, -1), ours.shape)
    tied = pair.tied(compared) if pair.tied else torch.zeros(count, dtype=torch.bool)
    return pd.DataFrame(
        {
            "metric": pair.name,
            "image": range(count),
            "ours": ours.mean(1).round(8),
            "theirs": theirs.mean(1).round(8),
            "difference": [float(f"{each:.1e}") for each in np.abs(ours - theirs).max(1)],
            "tied": tied.numpy(),
            "silent": compared.silent.numpy(),
        }
    )
