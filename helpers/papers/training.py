"""Everything that can be trained, by the name of a profile or of a model: `python -m helpers train`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from helpers.core.files import MODELS_FOLDER
from helpers.core.names import known_names
from helpers.core.strict_yaml import read_strict_yaml
from helpers.profiles import load_profile, profile_path


def train_model(name: str, **options: Any) -> str:
    """Train a model of models/ that belongs to no paper: a classifier of scenes, or a network that predicts masks.

    Args:
        name: such as "scenes-cnn" or "scenes-cnn-cartoonx-mask".
        options: `again`, `output`, `results` and `device` of `helpers.training.recipes.shipped.train`.

    Returns:
        A line that says what was trained.

    Raises:
        ValueError: there is no such model; the message lists those that exist.
    """
    from helpers.methods.initial_masks import publish
    from helpers.methods.initial_masks.options import RECIPES as MASKS
    from helpers.training.recipes import shipped

    networks = [f"{recipe.removesuffix('-mask')}-mask" for recipe in MASKS]
    if name in shipped.RECIPES:
        return shipped.train(name, **options)
    if name in networks:
        return publish.train(name, **options)
    known = known_names(name, [*shipped.RECIPES, *networks])
    raise ValueError(f"there is no model {name!r} to train{known}; others belong to a profile: --profile")


def train_profile(
    profile: str,
    *,
    only: Sequence[str] = (),
    classifiers: Sequence[str] = (),
    output: Path = MODELS_FOLDER,
    **options: Any,
) -> None:
    """Do the trainings of a profile's sections `explainer` and `space_vae`, one after another.

    Existing weights are kept; interrupted trainings resume.

    Args:
        profile: its name, or the path of its file.
        only: the names of the trainings to do; empty for all.
        classifiers: class masks only: the classifiers to train for; empty for all.
        output: the folder of weights for scenes.
        options: `again`, `results`, `device`, `devices`, `nodes` and `strategy` of the papers' functions `train`.

    Raises:
        ValueError: the profile has no training of one of these names; the message lists those that exist.
    """
    from helpers.papers.explainer.experiments import training as explainer
    from helpers.papers.spacevae.experiments import training as space_vae

    sections, known = read_strict_yaml(profile_path(profile)).keys(), {}
    if "explainer" in sections:
        load_profile(profile, needs="explainer")
        known["explainer"] = set(explainer.TRAININGS)
    if "space_vae" in sections and not classifiers:
        settings = load_profile(profile, needs="space-vae").space_vae
        assert settings is not None
        known["space_vae"] = {space_vae.CLASSIFIER, *settings.models}
    names = set().union(*known.values()) if known else set()
    unknown = [name for name in only if name not in names]
    if unknown or not known:
        have = known_names(unknown[0], sorted(names), "it has") if unknown else "; it trains nothing"
        raise ValueError(f"profile {profile!r} has no training {', '.join(unknown) or 'at all'}{have}")
    for section, trainings in known.items():
        chosen = [name for name in only if name in trainings]
        if only and not chosen:
            continue
        if section == "explainer":
            explainer.train(profile, only=chosen, classifiers=classifiers, output=output, **options)
        else:
            space_vae.train(profile, only=chosen, output=output, **options)
