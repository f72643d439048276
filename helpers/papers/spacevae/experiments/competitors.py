"""The competitors' attributions, stored in chunks so that hours of computing can be interrupted and resumed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import captum
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.core.names import known_names
from helpers.data.images import image_digest
from helpers.data.labelled import LabelledImages
from helpers.methods.baselines.attribution_methods import METHODS, attribution_method, threshold_images, to_unit_range
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.results import ItemStore, code_digest, digest_of_images, none_if_missing

COMPETITORS = ("deeplift", "integrated-gradients", "feature-ablation")
"""The paper's competitors, in the order of its Table 1."""

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {"deeplift-published": ("deeplift", {"variant": "published"})}
"""Uncorrected competitors: DeepLIFT as in Captum, whose sums are wrong before max-pooling."""

MEASURED = (*COMPETITORS, *VARIANTS)
"""All competitors of the table `sparsity`."""

FEWEST = "feature-ablation"
"""The dearest competitor, which a profile may measure on fewer images than the others."""

CHUNK = 48
"""Images per stored item, the most that an interruption loses. Multiples of 16 suit feature ablation."""


def method_options(study: SpaceStudy, name: str) -> tuple[str, dict[str, Any]]:
    """The name of a competitor's method in `attribution_method`, and its non-default options.

    Raises:
        ValueError: there is no such competitor.
    """
    if name not in MEASURED:
        raise ValueError(f"there is no competitor {name!r}; use one of {', '.join(MEASURED)}")
    if name == "integrated-gradients":
        return name, {"steps": study.settings.evaluation.integration_steps}
    return VARIANTS.get(name, (name, {}))


def attribution_store(study: SpaceStudy, name: str) -> ItemStore:
    """The store of a competitor's attributions."""
    method, options = method_options(study, name)
    return study.store(
        "space-vae-attributions",
        method=method,
        options=asdict(METHODS[method].Options(**options)),
        scaling="largest",
        classifier=study.classifier.digest,
        captum=captum.__version__,
        # without the code that chooses thresholds, which does not change the attributions
        code=code_digest(METHODS[method], to_unit_range),
    )


def attribution_inputs(study: SpaceStudy) -> dict[str, Any]:
    """The competitors' share of a table's dependencies: their stores and the images that thresholds are chosen on."""
    return {
        "validation": none_if_missing(lambda: digest_of_images(study.validation.pixels, study.validation.labels)),
        "attributions": {
            name: none_if_missing(lambda name=name: attribution_store(study, name).key) for name in MEASURED
        },
    }


def competitor_images(study: SpaceStudy, split: str, name: str = FEWEST) -> LabelledImages:
    """The images of a competitor's rows: the first validation or test images.

    Args:
        study: the profile's study.
        split: `"test"` or `"validation"`.
        name: the competitor, one of `MEASURED`; by default the one with the fewest images, which all others have too.

    Raises:
        ValueError: competitors are not measured on this split.
    """
    if split not in ("test", "validation"):
        raise ValueError(f"split={split!r}: competitors are measured on 'test' and 'validation' images")
    evaluation = study.settings.evaluation
    images = study.validation if split == "validation" else study.test[: evaluation.competitors]
    return images[: evaluation.feature_ablation] if name == FEWEST else images


def attributions(
    study: SpaceStudy, name: str, images: LabelledImages, *, backwards: bool = False
) -> Float[Tensor, "images 3 height width"]:
    """A competitor's attributions of the predicted class, divided by each image's largest magnitude: in [-1, 1].

    Missing attributions are computed and stored in half precision, `CHUNK` images at a time. Several processes may
    share the work.

    Args:
        study: the profile's study.
        name: one of `MEASURED`.
        images: any images; the tables use those of `competitor_images`.
        backwards: start with the last chunk, so that two processes can meet in the middle.

    Raises:
        ValueError: there is no such competitor.
    """
    base, options = method_options(study, name)
    chunks = [images[first : first + CHUNK] for first in range(0, len(images), CHUNK)]

    def compute(rows: list[int]) -> list[dict[str, Tensor]]:
        method = attribution_method(study.classifier, base, **options)
        return [{"attributions": _compact(method, chunks[row].floats().to(study.device))} for row in rows]

    items = study.stored(
        attribution_store(study, name), [_item(chunk) for chunk in chunks], compute, label=name, backwards=backwards
    )
    return torch.cat([item.tensors["attributions"].float().expand(-1, 3, -1, -1) for item in items])


def attributions_at(study: SpaceStudy, name: str, indices: Sequence[int]) -> Float[Tensor, "images 3 height width"]:
    """A competitor's attributions of some test images; those beyond `competitor_images` are stored one by one.

    Args:
        study: the profile's study.
        name: one of `MEASURED`.
        indices: the indices of the images in `study.test`.
    """
    images = competitor_images(study, "test", name)
    stored = attributions(study, name, images)
    return torch.stack(
        [
            stored[index] if index < len(images) else attributions(study, name, study.test[index : index + 1])[0]
            for index in indices
        ]
    )


def seconds_per_image(study: SpaceStudy, name: str, images: LabelledImages) -> float:
    """Seconds per image of the stored attributions."""
    store = attribution_store(study, name)
    chunks = [images[first : first + CHUNK] for first in range(0, len(images), CHUNK)]
    return sum(store.load(_item(chunk)).metadata["seconds"] for chunk in chunks) / len(images)


def keep_above(attributions: Float[Tensor, "images 3 height width"], threshold: float | int) -> Callable[..., Tensor]:
    """A function that sets entries with attributions below `threshold` to 0 (section 4)."""

    def keep(pixels: Tensor, rows: slice) -> Tensor:
        return threshold_images(pixels, attributions[rows].to(pixels.device), threshold)

    return keep


def _compact(method: Any, images: Float[Tensor, "images 3 height width"]) -> Tensor:
    """Attributions in half precision, with a single channel where all channels are equal."""
    values = to_unit_range(method.attribute(images)).cpu()
    if bool((values == values[:, :1]).all()):  # feature ablation removes whole pixels
        values = values[:, :1]
    return values.half()  # fine enough: thresholds are about a thousand levels apart


def _item(images: LabelledImages) -> str:
    """The key of a chunk: a digest of all its pixels."""
    return f"{len(images)} images {image_digest(images.pixels.flatten(0, 1))}"


def fill_stores(
    profile: str,
    *,
    methods: Sequence[str] | None = None,
    splits: Sequence[str] = ("test", "validation"),
    backwards: bool = False,
    threads: int | None = None,
    root: Path | None = None,
) -> None:
    """Compute and store the competitors' attributions of a profile, and print their seconds per image.

    Args:
        profile: its name, or the path of its file.
        methods: names from `MEASURED`; None for all.
        splits: "test", "validation" or both.
        backwards: start with the last images, so that two processes can meet in the middle.
        threads: the number of CPU threads; None for the default.
        root: another folder than the project's `results/`.

    Raises:
        ValueError: there is no such profile or method.
    """
    if unknown := [name for name in methods or () if name not in MEASURED]:
        raise ValueError(f"there is no method {unknown[0]!r}{known_names(unknown[0], MEASURED)}")
    if threads:
        torch.set_num_threads(threads)
    study = SpaceStudy(profile, root=root, show_progress=True)
    for split in splits:
        for name in methods or MEASURED:
            images = competitor_images(study, split, name)
            attributions(study, name, images, backwards=backwards)
            seconds = seconds_per_image(study, name, images)
            print(f"{name}, {len(images)} {split} images: {seconds:.3f} s per image", flush=True)
