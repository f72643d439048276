"""How far a search has come: the objective and the gap of each image along a run, for both classifiers."""

from __future__ import annotations

import pandas as pd
import torch

from helpers.core.explanation import Explanation
from helpers.papers.recartoonx.experiments.study import Study

WINDOW = 25  # the objective of a step is noisy: what is reported is the mean over so many steps up to it


def convergence_table(study: Study) -> pd.DataFrame:
    """Along each image's run with the profile's recipe, to its last step: the objective, and what may still be won.

    Returns:
        Columns image, model (cnn or vit), confidence, steps (of the whole run), samples (noise draws per step), step,
        distortion, sparsity, objective (these three: means over the last `WINDOW` steps), gap, uncertainty
        (`helpers.methods.rde.convergence`).
    """
    rows = []
    for model, source, count in searched(study):
        explanation = source.explain("cartoonx", count=count, **_measuring(source))
        confidence = source.predictions[1]
        options = source.method("cartoonx").options
        for place, image in enumerate(source.images.names[:count]):
            about = {"image": image, "model": model, "confidence": float(confidence[place])}
            about |= {"steps": options.steps, "samples": options.samples}
            rows += [{**about, **row} for row in _checks(explanation, place)]
    return pd.DataFrame(rows)


def searched(study: Study) -> list[tuple[str, Study, int]]:
    """The classifiers whose searches are looked at, each with its study and its number of images.

    Raises:
        ValueError: the profile has no section `search`.
    """
    settings = study.profile.search
    if settings is None:
        raise ValueError(
            f"profile {study.profile.name!r} has no section `search`; add one to its file, as profiles/quick.yaml has"
        )
    sources = [("cnn", study)]
    if study.profile.transformer is not None:
        sources.append(("vit", study.with_transformer()))
    return [(model, source, min(settings.images, len(source.images))) for model, source in sources]


def _measuring(source: Study) -> dict[str, object]:
    """Options that measure the gap and never stop."""
    return {"tolerance": 0.0, "check_every": source.profile.search.check_every}


def _checks(explanation: Explanation, place: int) -> list[dict[str, float | int]]:
    """What is known of one image at each measurement."""
    history = {name: values[place] for name, values in explanation.history.items()}
    rows = []
    for step in torch.where(~history["gap"].isnan())[0].tolist():
        past = slice(max(0, step + 1 - WINDOW), step + 1)
        means = {name: float(history[name][past].mean()) for name in ("distortion", "sparsity", "objective")}
        gap = {"gap": float(history["gap"][step]), "uncertainty": float(history["gap_uncertainty"][step])}
        rows.append({"step": step + 1, **means, **gap})
    return rows
