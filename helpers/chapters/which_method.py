"""The closing page: what each method needs and costs, and what the ledger found about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.classifiers import Classifier, load_classifier
from helpers.core.statistics import MINIMUM_UNITS
from helpers.data.scenes import make_scenes
from helpers.methods.baselines import RISE, ExtremalPerturbation, GradCAM, OcclusionMaps
from helpers.methods.rde import CartoonX, PixelRDE
from helpers.methods.rde.options import RECIPES
from helpers.reporting.ledger import claims_of_figure, judge

SIZE = 64
"""Pixels a side of the scene whose passes are counted; the counts hold for any size with as many windows."""


class Passes(NamedTuple):
    """Images that went through a classifier.

    Attributes:
        forward: images that it classified.
        backward: images through which a gradient came back.
    """

    forward: int
    backward: int


@contextmanager
def counted_passes(classifier: Classifier) -> Iterator[Callable[[], Passes]]:
    """Count the images that a classifier sees within the block; the value of the block tells the counts so far."""
    counts = {"forward": 0, "backward": 0}

    def count_backward(gradient: Float[Tensor, "batch classes"]) -> None:
        counts["backward"] += len(gradient)

    def count(_module: torch.nn.Module, inputs: tuple[Tensor, ...], logits: Float[Tensor, "batch classes"]) -> None:
        counts["forward"] += len(inputs[0])
        if logits.requires_grad:
            logits.register_hook(count_backward)

    handle = classifier.register_forward_hook(count)
    try:
        yield lambda: Passes(**counts)
    finally:
        handle.remove()


def pass_table() -> pd.DataFrame:
    """The passes for one image and one class, with published settings.

    Methods that iterate are run for a few of their steps, and the rest is multiplied.

    Returns:
        Columns method, forward, backward; `forward` and `backward` are counts of images.
    """
    classifier = load_classifier("scenes-multilabel")
    scenes = make_scenes(1, size=SIZE, seed=7100, objects=(1, 1))
    image, classes = scenes.images, scenes.labels
    rows = {}
    with counted_passes(classifier) as passes:
        for name, method in (
            ("Grad-CAM", GradCAM(classifier)),
            ("occlusion", OcclusionMaps(classifier)),
            ("RISE", RISE(classifier)),
        ):
            before = passes()
            method.class_masks(image, classes)
            rows[name] = _difference(passes(), before)

        def extremal(steps: int) -> None:
            ExtremalPerturbation(classifier, steps=steps).class_masks(image, classes)

        rows["Extremal Perturbations"] = _per_step(passes, extremal, steps=800)
    single = load_classifier("scenes-cnn")
    with counted_passes(single) as passes:
        for name, kind in (("Pixel RDE", PixelRDE), ("CartoonX", CartoonX)):

            def search(steps: int, kind: type[PixelRDE | CartoonX] = kind) -> None:
                kind(single, RECIPES["published"], steps=steps).explain(image)

            rows[name] = _per_step(passes, search, steps=2000)
    return pd.DataFrame([{"method": name, **row._asdict()} for name, row in rows.items()])


def _difference(after: Passes, before: Passes) -> Passes:
    return Passes(after.forward - before.forward, after.backward - before.backward)


def _per_step(passes: Callable[[], Passes], run: Callable[[int], None], *, steps: int) -> Passes:
    """The passes of `steps` steps, from the difference between a run of two steps and one of three."""
    counts = []
    for few in (2, 3):
        before = passes()
        run(few)
        counts.append(_difference(passes(), before))
    two, step = counts[0], _difference(counts[1], counts[0])
    return Passes(two.forward + (steps - 2) * step.forward, two.backward + (steps - 2) * step.backward)


def found_on_photographs() -> pd.DataFrame:
    """What the ledger says of methods against a centred blob, on photographs with outlines: one row per method.

    Returns:
        Columns claim, outcome, photographs (their number), effect (with its 95 % interval; "–" for fewer than six
        photographs, which decide nothing).
    """
    rows = [
        {
            "claim": verdict.claim.claim,
            "outcome": verdict.outcome,
            "photographs": result.effect.count,
            "effect": result.effect.words(2) if result.effect.count >= MINIMUM_UNITS else "–",
        }
        for verdict in judge(claims_of_figure("recartoonx-truth"))
        for result in verdict.results
        if verdict.claim.arguments.get("other") == "centre" and verdict.claim.arguments.get("score") == "rank"
    ]
    return pd.DataFrame(rows)
