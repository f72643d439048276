"""Calibration of the unpublished weight alpha: the L1 sparsity of short trainings at several alphas."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from helpers.classifiers import load_classifier
from helpers.methods.space_vae import SpaceVAE
from helpers.methods.space_vae.options import SpaceVAEOptions
from helpers.methods.space_vae.training import train_space_vae
from helpers.papers.spacevae.experiments.networks import PLAIN
from helpers.papers.spacevae.experiments.rows import metric_columns
from helpers.papers.spacevae.experiments.study import CLASSIFIER, SpaceStudy
from helpers.papers.spacevae.experiments.training import initial_network
from helpers.results import run_key


def alpha_calibration_table(study: SpaceStudy) -> pd.DataFrame:
    """Short trainings at the profile's alphas, with beta = 10, evaluated on validation images.

    The paper's alpha = 0.05 belongs to reductions of the loss that it does not state. It does state an L1 sparsity of
    about a half at beta = 10, which alpha is calibrated to. Interrupted trainings resume.

    Returns:
        One row per alpha: columns training, alpha, beta, epochs, the metrics, images, source, target_l1 (the L1
        sparsity to reach), nearest (whether this alpha comes nearest), used (whether the profile's trainings use it).

    Raises:
        ValueError: the profile has no section `calibration`.
    """
    calibration = study.settings.calibration
    if calibration is None:
        raise ValueError(
            f"profile {study.profile.name!r} has no section `space_vae.calibration`, which the table "
            "'alpha-calibration' needs; use the profile quick"
        )
    rows = [_row(study, alpha, calibration.epochs, calibration.images) for alpha in calibration.alphas]
    table = pd.DataFrame(rows).assign(source=study.validation.source, target_l1=calibration.target_l1)
    distance = (table["l1"] - calibration.target_l1).abs()
    used = study.settings.options(PLAIN).loss.alpha
    return table.assign(nearest=distance == distance.min(), used=table["alpha"] == used)


def short_options(study: SpaceStudy, alpha: float, epochs: int) -> SpaceVAEOptions:
    """The recipe of `beta-10` with another alpha and fewer epochs."""
    options = study.settings.options(PLAIN)
    return replace(options, loss=replace(options.loss, alpha=alpha), epochs=epochs)


def _row(study: SpaceStudy, alpha: float, epochs: int, images: int | None) -> dict[str, Any]:
    options = short_options(study, alpha, epochs)
    # a separate copy, as training moves the classifier to its device
    classifier = load_classifier(str(study.weights_file(CLASSIFIER)))
    initial, start_digest = initial_network(study, options)
    data = {**study.settings.data.model_dump(mode="json"), "images": images}
    key = run_key(options=options.plain(), classifier=classifier.digest, begins=start_digest, data=data)
    folder = study.work / f"training-space-vae-alpha-{alpha:g}-{key[:12]}"
    device = "gpu" if study.device.type == "cuda" else study.device.type
    training, validation = study.split("train", images), study.split("validation")
    fitted = train_space_vae(
        options,
        classifier,
        training,
        validation,
        folder,
        init_from=initial,
        device=device,
        show=study.show_progress,
    )
    method = SpaceVAE(fitted.module.network.to(study.device), study.classifier)
    scores = study.score(study.validation, lambda batch, _: method.explain(batch).kept)
    columns = {"training": f"{PLAIN}, alpha {alpha:g}", "alpha": float(alpha), "beta": options.loss.beta}
    return {**columns, "epochs": fitted.epochs, **metric_columns(scores)}
