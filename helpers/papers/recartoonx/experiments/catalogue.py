"""The experiments by name, and their tables: read where they are up to date, else made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.methods.rde.options import Recipe
from helpers.papers.recartoonx.experiments.convergence import convergence_seconds, convergence_table
from helpers.papers.recartoonx.experiments.curves import curve_seconds, curve_table
from helpers.papers.recartoonx.experiments.explanations import explanation_seconds, explanation_table
from helpers.papers.recartoonx.experiments.initial_masks import (
    initial_mask_facts,
    initial_mask_seconds,
    loss_curve_table,
    loss_end_table,
)
from helpers.papers.recartoonx.experiments.objectives import objective_seconds, objective_table
from helpers.papers.recartoonx.experiments.prices import price_seconds, price_table
from helpers.papers.recartoonx.experiments.study import NUMERICS, MethodName, Study, running_code
from helpers.papers.recartoonx.experiments.sweep import sweep_seconds, sweep_table
from helpers.papers.recartoonx.experiments.transformer import (
    transformer_seconds,
    transformer_sweep,
    transformer_sweep_seconds,
    transformer_table,
)
from helpers.papers.recartoonx.experiments.transformer_curves import transformer_curve_seconds, transformer_curve_table
from helpers.profiles import Variant
from helpers.results import read_provenance, read_table, run_key

VARIANTS: tuple[Variant, ...] = ("corrected", "published")
ROLLOUT = ("helpers.methods.rollout",)
COMPARED: tuple[Recipe, ...] = ("published", "fast")
OF_METHODS: tuple[MethodName, ...] = ("cartoonx",)  # the published recipe takes an hour of a core and more for each


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Attributes:
        table: the name of its table in `results/<profile>/`.
        make: computes the table; finished images come from the stores.
        seconds: how long all of it took, of every run that contributed; called after `make`.
        facts: what its numbers depend on beside the profile, its images and classifier, and all experiments' code.
    """

    table: str
    make: Callable[[Study], pd.DataFrame]
    seconds: Callable[[Study], float]
    facts: Callable[[Study], dict[str, Any]] = lambda study: {}


def transformer_facts(study: Study) -> dict[str, Any]:
    """What a table owes to the transformer: its weights, and the images at its size; nothing where there is none."""
    if study.profile.transformer is None:
        return {}
    vit = study.with_transformer()
    return {"transformer": vit.classifier.digest, "transformer_images": list(vit.items)}


def _rollout_facts(study: Study) -> dict[str, Any]:
    return {**transformer_facts(study), "rollout_code": running_code("helpers.methods.rollout")}


def _curves(study: Study) -> pd.DataFrame:
    return pd.concat([curve_table(study, variant) for variant in VARIANTS], ignore_index=True)


EXPERIMENTS: dict[str, Experiment] = {
    "explain": Experiment("explanations", explanation_table, explanation_seconds),
    "curves": Experiment("curves", _curves, lambda study: sum(curve_seconds(study, variant) for variant in VARIANTS)),
    "sweep": Experiment("sweep", sweep_table, sweep_seconds),
    "objectives": Experiment(
        "objectives",
        lambda study: objective_table(study, COMPARED, OF_METHODS),
        lambda study: objective_seconds(study, COMPARED, OF_METHODS),
    ),
    "transformer": Experiment("transformer", transformer_table, transformer_seconds, _rollout_facts),
    "transformer-curves": Experiment(
        "transformer-curves", transformer_curve_table, transformer_curve_seconds, _rollout_facts
    ),
    "transformer-sweep": Experiment(
        "transformer-sweep", transformer_sweep, transformer_sweep_seconds, transformer_facts
    ),
    "convergence": Experiment("convergence", convergence_table, convergence_seconds, transformer_facts),
    "prices": Experiment("prices", price_table, price_seconds),
    "initial-masks": Experiment("initial-masks", loss_curve_table, initial_mask_seconds, initial_mask_facts),
    "initial-mask-ends": Experiment("initial-mask-ends", loss_end_table, initial_mask_seconds, initial_mask_facts),
}


def experiment_table(study: Study, name: str) -> pd.DataFrame:
    """The table of an experiment: the one in `results/<profile>/` if it is still right, else made and written there.

    It is right if the profile, the images, the classifier and the meaning of the code are those that made it.

    Raises:
        ValueError: there is no such experiment; the message lists those that exist.
    """
    if name not in EXPERIMENTS:
        raise ValueError(f"experiment {name!r} is not known; use one of {', '.join(EXPERIMENTS)}")
    experiment = EXPERIMENTS[name]
    key = _table_key(study, name)
    if _stored_key(study, experiment.table) == key:
        return read_table(study.profile, experiment.table, root=study.root)
    table = experiment.make(study)
    facts = experiment.facts(study)
    study.write(table, experiment.table, wall_seconds=experiment.seconds(study), key=key, **facts)
    return read_table(study.profile, experiment.table, root=study.root)


def _table_key(study: Study, name: str) -> str:
    return run_key(
        experiment=name,
        profile=study.profile.digest,
        images=list(study.items),
        classifier=study.classifier.digest,
        code=running_code(*NUMERICS, "helpers.metrics.curves", "helpers.papers.recartoonx.experiments"),
        **EXPERIMENTS[name].facts(study),
    )


def _stored_key(study: Study, table: str) -> str | None:
    try:
        return read_provenance(study.profile, table, root=study.root).get("key")
    except ValueError:  # not there, or not whole
        return None
