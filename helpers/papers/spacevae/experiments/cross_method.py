"""Cross-method comparison: CartoonX, Pixel RDE and the Explainer on SpaCE-VAE's metrics."""

from __future__ import annotations

import math
from dataclasses import asdict
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
from helpers.papers.spacevae.experiments.rows import metric_columns
from helpers.papers.spacevae.experiments.sparsity import network_row
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.profiles import Profile
from helpers.results import code_digest

EXPLAINED = "scenes-multilabel"
"""The multi-label classifier of scenes of 64 px that the book's Explainer explains."""

EXPLAINER_SIZE = 64
_SERIES = 34_000  # the series of helpers.data.labelled's test scenes: a scene is the same at every size


def cross_method_table(study: SpaceStudy) -> pd.DataFrame:
    """CartoonX, Pixel RDE and the Explainer compared with the networks of this profile, on the same test scenes.

    Pixel RDE and the Explainer keep the image times their mask, CartoonX the synthesis of the masked wavelet
    coefficients. CartoonX and Pixel RDE explain this profile's classifier, with the recipe of the profile's sections.
    An Explainer is trained for one classifier: the rows `explainer` evaluate it on that classifier, with the same
    scenes painted at 64 px. In the rows `explainer (another's)` its masks, downsampled to 32 px, are evaluated on this
    profile's classifier, for which it was not trained.

    Returns:
        Columns method, training, beta, threshold (none), classifier, size (of the images), the metrics, images, source.

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
    evaluated = {"classifier": study.settings.classifier.name, "size": images.pixels.shape[-1]}
    whole = metric_columns(study.score(images, lambda batch, _: batch))
    rows: list[dict[str, Any]] = [{**_named("original"), **evaluated, **whole}]
    for name, method in rde_methods(study).items():
        kept = kept_images(study, name, method, images)
        rows.append({**_named(name), **evaluated, **metric_columns(study.score_kept(images, kept))})
    rows += _explainer_rows(study, images, evaluated)
    names = [name for name in study.trained if name == "vq-vae" or name in study.settings.betas()]
    rows += [{**network_row(study, name, images), **evaluated} for name in names]
    return pd.DataFrame([{"source": study.test.source, **row} for row in rows])


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
        options=asdict(method.options),
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


def _explainer_rows(study: SpaceStudy, images: LabelledImages, evaluated: dict[str, Any]) -> list[dict[str, Any]]:
    """The Explainer evaluated on its own classifier and on the profile's."""
    own = load_classifier(EXPLAINED, device=study.device)
    explainer = load_explainer(f"{EXPLAINED}-explainer", own)
    larger = larger_scenes(study, len(images))
    pixels = larger.floats().to(study.device)
    # the mask of the class with the largest logit, which a single-label evaluation asks about
    masks = explainer.explain(pixels).mask
    kept = pixels * masks
    scores = study.score_kept(larger, kept, own)
    small_masks = torch.nn.functional.avg_pool2d(masks, EXPLAINER_SIZE // images.pixels.shape[-1])
    small = images.floats().to(study.device) * small_masks
    explained = {"classifier": EXPLAINED, "size": EXPLAINER_SIZE}
    return [
        {**_named("explainer"), **explained, **metric_columns(scores), "source": larger.source},
        {**_named("explainer (another's)"), **evaluated, **metric_columns(study.score_kept(images, small))},
    ]


def _named(method: str) -> dict[str, Any]:
    return {"method": method, "training": "", "beta": math.nan, "threshold": math.nan}
