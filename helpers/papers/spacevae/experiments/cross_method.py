"""Cross-method comparison: CartoonX, Pixel RDE and the Explainer on SpaCE-VAE's metrics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.classifiers import load_classifier
from helpers.data.images import image_digest
from helpers.data.labelled import LabelledImages
from helpers.data.scenes import SCENE_CLASSES, make_scenes
from helpers.methods.explainer import load_explainer
from helpers.methods.rde import CartoonX, PixelRDE, RateDistortionExplainer
from helpers.metrics.sparsity import SparseScores
from helpers.papers.spacevae.experiments.controls import CONTROLS, as_dark_as
from helpers.papers.spacevae.experiments.rows import metric_columns
from helpers.papers.spacevae.experiments.study import PLAIN, SpaceStudy
from helpers.profiles import Profile
from helpers.results import code_digest

EXPLAINED = "scenes-multilabel"
"""The multi-label classifier of scenes of 64 px that the book's Explainer explains."""

EXPLAINER_SIZE = 64
_SERIES = 34_000  # the series of helpers.data.labelled's test scenes: a scene is the same at every size


@dataclass(frozen=True)
class Evaluated:
    """The scores of one method on the test scenes.

    Attributes:
        setting: the columns that describe the method, and by which classifier it is judged.
        scores: one entry per scene.
        source: the scenes.
    """

    setting: dict[str, Any]
    scores: SparseScores
    source: str


def cross_method_table(study: SpaceStudy) -> pd.DataFrame:
    """CartoonX, Pixel RDE and the Explainer compared with the networks of this profile, on the same test scenes.

    Returns:
        One row per method (see `evaluate_methods`): columns method, training, beta, threshold (none), classifier, size
        (of the images), the metrics, images, source.
    """
    rows = [{"source": each.source, **each.setting, **metric_columns(each.scores)} for each in evaluate_methods(study)]
    return pd.DataFrame(rows)


def evaluate_methods(study: SpaceStudy) -> list[Evaluated]:
    """Every method on the same test scenes.

    Pixel RDE and the Explainer keep the image times their mask, CartoonX the synthesis of the masked wavelet
    coefficients. CartoonX and Pixel RDE explain this profile's classifier, with the recipe of the profile's sections.
    An Explainer is trained for one classifier: `explainer` evaluates it on that classifier, with the same scenes
    painted at 64 px. As `explainer (another's)` its masks, downsampled to 32 px, are evaluated on this profile's
    classifier, for which it was not trained. The controls are as dark as the kept images of `beta-10`.

    Raises:
        ValueError: the profile's images are not scenes, or it does not set their number.
    """
    count = study.settings.evaluation.cross_method
    if not study.scenes or count is None:
        raise ValueError(
            f"profile {study.profile.name!r} has no table 'cross-method': it needs scenes, which the "
            "Explainer was trained on, and their number (space_vae.evaluation.cross_method); use the profile quick"
        )
    images = study.test[:count]
    judged = {"classifier": study.settings.classifier.name, "size": images.pixels.shape[-1]}

    def evaluated(setting: dict[str, Any], kept: Tensor) -> Evaluated:
        return Evaluated({**setting, **judged}, study.score_kept(images, kept), study.test.source)

    results = [evaluated(_named("original"), images.floats())]
    results += [
        evaluated(_named(name), kept_images(study, name, method, images)) for name, method in rde_methods(study).items()
    ]
    results += _evaluate_explainer(study, images, judged)
    for name in [name for name in study.trained if name == "vq-vae" or name in study.settings.betas()]:
        beta = study.settings.betas().get(name, math.nan)
        setting = {**_named(study.model(name).name), "training": name, "beta": beta}
        results.append(evaluated(setting, study.kept_by(name, images)))
    if PLAIN in study.trained:
        dark = study.kept_by(PLAIN, images)
        results += [evaluated(_named(name), as_dark_as(images.floats(), dark, name)) for name in CONTROLS]
    return results


def rde_methods(study: SpaceStudy) -> dict[str, RateDistortionExplainer]:
    """CartoonX and Pixel RDE for the profile's classifier, with the options of its sections `cartoonx` and `pixel_rde`.

    Raises:
        ValueError: the profile has no such sections.
    """
    profile: Profile = study.profile
    if profile.cartoonx is None:
        raise ValueError(f"profile {profile.name!r} has no sections `cartoonx` and `pixel_rde`; use the profile quick")
    settings = profile.cartoonx
    return {
        "cartoonx": CartoonX(study.classifier, settings.options, **settings.transform),
        "pixel-rde": PixelRDE(study.classifier, profile.pixel_rde),
    }


def kept_images(
    study: SpaceStudy, name: str, method: RateDistortionExplainer, images: LabelledImages
) -> Float[Tensor, "images 3 height width"]:
    """The kept images of CartoonX or Pixel RDE, from the store or computed in batches of the profile's size."""
    store = study.store(
        "space-vae-cross-method",
        method=name,
        options=method.options.stored(),
        transform=study.profile.cartoonx.transform if name == "cartoonx" else {},
        classifier=study.classifier.digest,
        code=code_digest(type(method)),
    )

    def compute(rows: list[int]) -> list[dict[str, Tensor]]:
        kept = method.explain(images[torch.tensor(rows)].floats().to(study.device)).kept.cpu()
        return [{"kept": image} for image in kept]

    items = [image_digest(image) for image in images.pixels]
    stored = study.stored(store, items, compute, batch=study.profile.batch_size, label=name)
    return torch.stack([item.tensors["kept"] for item in stored])


def larger_scenes(study: SpaceStudy, count: int) -> LabelledImages:
    """The first test scenes, painted at the Explainer's size."""
    scenes = make_scenes(count, size=EXPLAINER_SIZE, seed=_SERIES + study.settings.data.seed, objects=(1, 1))
    pixels = (scenes.images * 255).round().byte()
    return LabelledImages(pixels, scenes.label, SCENE_CLASSES, f"scenes of {EXPLAINER_SIZE} px")


def _evaluate_explainer(study: SpaceStudy, images: LabelledImages, judged: dict[str, Any]) -> list[Evaluated]:
    """The Explainer judged by its own classifier and by the profile's."""
    own = load_classifier(EXPLAINED, device=study.device)
    explainer = load_explainer(f"{EXPLAINED}-explainer", own)
    larger = larger_scenes(study, len(images))
    pixels = larger.floats().to(study.device)
    # the mask of the class with the largest logit, which a single-label evaluation asks about
    masks = explainer.explain(pixels).mask
    small_masks = torch.nn.functional.avg_pool2d(masks, EXPLAINER_SIZE // images.pixels.shape[-1])
    small = images.floats().to(study.device) * small_masks
    by_itself = {**_named("explainer"), "classifier": EXPLAINED, "size": EXPLAINER_SIZE}
    return [
        Evaluated(by_itself, study.score_kept(larger, pixels * masks, own), larger.source),
        Evaluated({**_named("explainer (another's)"), **judged}, study.score_kept(images, small), study.test.source),
    ]


def _named(method: str) -> dict[str, Any]:
    return {"method": method, "training": "", "beta": math.nan, "threshold": math.nan}
