"""The tables about SpaCE-VAE by name: read where they are up to date, else made."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.papers.recartoonx.experiments.study import running_code
from helpers.papers.spacevae.experiments.alpha import alpha_table
from helpers.papers.spacevae.experiments.competitors import MEASURED, attribution_store
from helpers.papers.spacevae.experiments.earlier import earlier_table, searches
from helpers.papers.spacevae.experiments.examples import example_table
from helpers.papers.spacevae.experiments.networks import PLAIN, bottleneck_table, conditioned_table, extension_table
from helpers.papers.spacevae.experiments.reference import reference_table
from helpers.papers.spacevae.experiments.sparsity import sparsity_table
from helpers.papers.spacevae.experiments.study import CLASSIFIER, SpaceStudy
from helpers.papers.spacevae.experiments.transfer import transfer_table
from helpers.results import read_provenance, read_table, run_key


@dataclass(frozen=True)
class SpaceExperiment:
    """One table.

    Attributes:
        make: computes it; finished attributions come from the store.
        modules: whose code it depends on, beside what all depend on.
        networks: whether it depends on the trained networks.
        competitors: whether it depends on their attributions.
        scenes: whether only scenes have it.
        conditioned: whether only profiles have it that train a network with beta as an input.
        included: whether `all` makes it: a table for which networks are trained anew is asked for by name.
    """

    make: Callable[[SpaceStudy], pd.DataFrame]
    modules: tuple[str, ...]
    networks: bool = True
    competitors: bool = False
    scenes: bool = False
    conditioned: bool = False
    included: bool = True


def _examples(study: SpaceStudy) -> pd.DataFrame:
    return example_table(study, space_table(study, "sparsity"))


def _transfer(study: SpaceStudy) -> pd.DataFrame:
    return transfer_table(study, space_table(study, "sparsity"))


_NETWORKS = ("networks", "sparsity")
SPACE_TABLES: dict[str, SpaceExperiment] = {
    "sparsity": SpaceExperiment(sparsity_table, ("sparsity", "competitors", "controls"), competitors=True),
    "examples": SpaceExperiment(_examples, ("examples", "sparsity", "competitors"), competitors=True),
    "bottleneck": SpaceExperiment(bottleneck_table, _NETWORKS),
    "conditioned": SpaceExperiment(conditioned_table, _NETWORKS, conditioned=True),
    "extensions": SpaceExperiment(extension_table, _NETWORKS, scenes=True),
    "reference": SpaceExperiment(reference_table, ("reference", "networks"), scenes=True),
    "earlier": SpaceExperiment(earlier_table, ("earlier", "sparsity"), scenes=True),
    "transfer": SpaceExperiment(
        _transfer, ("transfer", "sparsity", "competitors", "controls"), competitors=True, scenes=True
    ),
    "alpha": SpaceExperiment(alpha_table, ("alpha",), networks=False, included=False),
}
_SHARED = (
    *(f"helpers.papers.spacevae.experiments.{name}" for name in ("study", "rows")),
    *(f"helpers.methods.space_vae.{name}" for name in ("network", "quantiser", "method")),
    "helpers.metrics.sparsity",
    "helpers.data.labelled",
)


def table_name(name: str) -> str:
    """What a table is called in `results/<profile>/`."""
    return f"space-vae-{name}"


def space_table(study: SpaceStudy, name: str) -> pd.DataFrame:
    """A table of a profile: the one in `results/<profile>/` if it is still right, else made there.

    It is right if the section of the profile, the classifier, the trained networks and the meaning of the code are
    those that made it. Where the weights are not on this machine, as those for photographs are not in a fresh clone,
    what is in `results/` is taken as it is.

    Args:
        study: the profile.
        name: one of `SPACE_TABLES`.

    Raises:
        ValueError: there is no such table, or the profile cannot have it; the message says what can.
        FileNotFoundError: it is not there, and neither are the weights that would make it.
    """
    if name not in SPACE_TABLES:
        raise ValueError(f"table {name!r} is not known; use one of {', '.join(SPACE_TABLES)}")
    check_profile(study, name)
    stored, found = table_name(name), _stored(study, table_name(name))
    if found is not None and not study.weights_file(CLASSIFIER).is_file():
        return read_table(study.profile, stored, root=study.root)
    key = _table_key(study, name)
    if found is None or found.get("key") != key:
        begin, known, spent = time.perf_counter(), study.computed, study.spent
        table = SPACE_TABLES[name].make(study)
        # stored attributions count with the time that they once took
        rest = time.perf_counter() - begin - (study.computed - known)
        study.write(table, stored, wall_seconds=rest + study.spent - spent, key=key, weights=_weights(study, name))
    return read_table(study.profile, stored, root=study.root)


def check_profile(study: SpaceStudy, name: str) -> None:
    """Raise a ValueError where a profile cannot have a table, saying which one can."""
    if SPACE_TABLES[name].scenes and not study.scenes:
        raise ValueError(
            f"profile {study.profile.name!r} has no table {name!r}: it is about scenes, of which more is known than of "
            "photographs; use the profile quick"
        )


def possible_tables(study: SpaceStudy) -> list[str]:
    """The tables that `all` makes of a profile."""
    conditioned = any(study.settings.options(name).network.conditioned for name in study.settings.models)
    return [
        name
        for name, table in SPACE_TABLES.items()
        if table.included and (study.scenes or not table.scenes) and (conditioned or not table.conditioned)
    ]


def _table_key(study: SpaceStudy, name: str) -> str:
    experiment = SPACE_TABLES[name]
    settings = study.settings.model_dump(mode="json", include={"data", "evaluation", "calibration"})
    if name != "alpha":
        settings.pop("calibration")
    facts: dict[str, Any] = {"settings": settings, "weights": _weights(study, name)}
    names = study.trained if experiment.networks else (PLAIN,)
    facts["trainings"] = {each: study.settings.options(each).plain() for each in names}
    if experiment.competitors:
        facts["attributions"] = {each: attribution_store(study, each).key for each in MEASURED}
    if name == "earlier":
        facts["searches"] = {
            each: {part: getattr(method.options, part) for part in method.options.__dataclass_fields__}
            for each, method in searches(study).items()
        }
    modules = [f"helpers.papers.spacevae.experiments.{module}" for module in experiment.modules]
    return run_key(table=name, classifier=study.classifier.digest, code=running_code(*modules, *_SHARED), **facts)


def _weights(study: SpaceStudy, name: str) -> dict[str, str]:
    """The digests of the networks that a table depends on."""
    if SPACE_TABLES[name].networks:
        return study.facts(study.trained)
    start = study.settings.options(PLAIN).start  # the calibration's trainings begin with it
    return study.facts([start] if start in study.trained else [])


def _stored(study: SpaceStudy, table: str) -> dict[str, Any] | None:
    try:
        return read_provenance(study.profile, table, root=study.root)
    except ValueError:  # not there, or not whole
        return None
