"""Convergence of the optimisation: each image's objective and duality gap along a run, for both classifiers."""

from __future__ import annotations

import pandas as pd
import torch

from helpers.core.explanation import Explanation
from helpers.papers.recartoonx.experiments.study import Study

WINDOW = 25  # steps: the objective of a single step is noisy, so the mean over the last ones is reported


def convergence_table(study: Study) -> pd.DataFrame:
    """The objective and the duality gap along each image's run of the profile's recipe, without a stopping rule.

    Returns:
        Columns image, model (cnn or vit), confidence, steps (of the whole run), samples (noise draws per step), step,
        distortion, sparsity, objective (means over the last `WINDOW` steps), gap, uncertainty
        (`helpers.methods.rde.convergence`).
    """
    rows = []
    for model, source, count in convergence_studies(study):
        explanation = source.explain("cartoonx", count=count, **_measuring(source))
        confidence = source.predictions[1]
        options = source.method("cartoonx").options
        for index, image in enumerate(source.images.names[:count]):
            shared_columns = {"image": image, "model": model, "confidence": float(confidence[index])}
            shared_columns |= {"steps": options.steps, "samples": options.samples}
            rows += [{**shared_columns, **row} for row in _checks(explanation, index)]
    return pd.DataFrame(rows)


def convergence_studies(study: Study) -> list[tuple[str, Study, int]]:
    """The classifiers of the convergence experiment, each with its study and its number of images.

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
    """Options that measure the gap without ever stopping."""
    return {"tolerance": 0.0, "check_every": source.profile.search.check_every}


def _checks(explanation: Explanation, index: int) -> list[dict[str, float | int]]:
    """The values of one image at each measurement of the gap."""
    history = {name: values[index] for name, values in explanation.history.items()}
    rows = []
    for step in torch.where(~history["gap"].isnan())[0].tolist():
        window = slice(max(0, step + 1 - WINDOW), step + 1)
        means = {name: float(history[name][window].mean()) for name in ("distortion", "sparsity", "objective")}
        gap = {"gap": float(history["gap"][step]), "uncertainty": float(history["gap_uncertainty"][step])}
        rows.append({"step": step + 1, **means, **gap})
    return rows
