"""Extremal perturbations and iGOS++ against plain restatements on 8 images; every method against the Explainer on one.

python -m benchmarks.class_methods
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import torch

from benchmarks.published_class_methods import published_extremal, published_igos
from benchmarks.timing import medians, threads
from helpers.classifiers import Classifier, load_classifier
from helpers.core.runtime import random_generator
from helpers.data.scenes import make_scenes
from helpers.methods.baselines import (
    RISE,
    ExtremalOptions,
    ExtremalPerturbation,
    IGOSOptions,
    IGOSPlusPlus,
    RISEOptions,
)
from helpers.methods.baselines.igos import Search
from helpers.methods.explainer import Explainer, ExplainerNetwork, load_explainer
from helpers.profiles import load_profile

TARGET = 4.0
IMAGES, SIZE = 8, 64
STEPS = 6  # of extremal perturbations, out of 800: every step does the same work
ITERATIONS = 1  # of iGOS++, out of 15
LONG = 5  # iterations of the restatement, whose objective ours has to reach
TIMED = 40  # steps of extremal perturbations in the table, extrapolated to 800


def run() -> list[dict]:
    """The comparisons with a target, then the table of ratios."""
    with threads():
        classifier = load_classifier("scenes-multilabel")
        scenes = make_scenes(IMAGES, size=SIZE, seed=5, objects=(1, 2))
        images, targets = scenes.images, scenes.label
        return [
            extremal(classifier, images, targets),
            igos(classifier, images, targets),
            igos_to_objective(classifier, images, targets),
            *table(classifier, images[:1]),
        ]


def compare(name: str, ours: Callable[[], object], reference: Callable[[], object], target: float | None) -> dict:
    """A row: medians of three runs that take turns."""
    mine, theirs = medians([ours, reference], repeats=3)
    row = {"name": name, "ours_s": mine, "reference_s": theirs, "ratio": theirs / mine}
    return row if target is None else {**row, "target": target}


def extremal(classifier: Classifier, images: torch.Tensor, targets: torch.Tensor) -> dict:
    """One class per image, four areas; the same number of steps on grids of the same size."""
    options = ExtremalOptions(steps=STEPS)
    method, classes = ExtremalPerturbation(classifier, options), as_classes(targets, classifier)
    step = -(-SIZE // options.cells)
    settings = {"areas": options.areas, "steps": STEPS, "step": step, "sigma": round(options.spread * step)}

    def published() -> None:
        for image, target in zip(images.split(1), targets.tolist(), strict=True):
            published_extremal(classifier, image, target, **settings, blur=options.blur * SIZE)

    name = f"extremal perturbations, {len(images)} images, {STEPS} steps"
    return compare(name, lambda: method.class_masks(images, classes), published, TARGET)


def igos(classifier: Classifier, images: torch.Tensor, targets: torch.Tensor) -> dict:
    """One class per image; equal numbers of iterations and gradients. No target, as most time is the classifier's."""
    options = IGOSOptions(iterations=ITERATIONS)
    method, classes = IGOSPlusPlus(classifier, options), as_classes(targets, classifier)
    name = f"iGOS++, {len(images)} images, the same iterations"
    return compare(
        name,
        lambda: method.class_masks(images, classes),
        lambda: run_published_igos(classifier, images, targets, ITERATIONS),
        None,
    )


def run_published_igos(
    classifier: Classifier, images: torch.Tensor, targets: torch.Tensor, iterations: int
) -> torch.Tensor:
    """The restatement's masks, (2, images, cells, cells), computed image by image."""
    steps = IGOSOptions().integration_steps
    masks = [
        published_igos(
            classifier, image, target, iterations=iterations, integration_steps=steps, generator=random_generator(0)
        )
        for image, target in zip(images.split(1), targets.tolist(), strict=True)
    ]
    return torch.stack(masks, 1)


def igos_to_objective(classifier: Classifier, images: torch.Tensor, targets: torch.Tensor) -> dict:
    """The time until ours, with the fast recipe, reaches the restatement's mean objective over the images."""
    begin = time.perf_counter()
    masks = run_published_igos(classifier, images, targets, LONG)
    theirs = time.perf_counter() - begin
    objective = float(Search(classifier, IGOSOptions(), images, targets).objective(masks[:, None]).mean())
    begin = time.perf_counter()
    search, generator = Search(classifier, IGOSOptions.fast(), images, targets), random_generator(0)
    reached = False
    for _ in range(10 * LONG):
        search.step(generator)
        if reached := float(search.value.mean()) <= objective:
            break
    ours = time.perf_counter() - begin
    name = f"iGOS++, {len(images)} images, to the objective after {LONG} iterations"
    row = {"name": name, "ours_s": ours, "reference_s": theirs, "ratio": theirs / ours}
    return {**row, "target": TARGET, "reached": reached}


def table(classifier: Classifier, image: torch.Tensor) -> list[dict]:
    """All class masks of one image: each method's seconds at its published settings, relative to the Explainer's."""
    explainer, source = any_explainer(classifier)
    all_classes = torch.ones(1, len(classifier.class_names), dtype=torch.bool)
    (ours,) = medians([lambda: explainer.class_masks(image, all_classes)])
    extremal, igos = ExtremalOptions(), IGOSOptions()
    methods = [  # name, shortened method, the factor to the published settings
        ("RISE, 8,000 masks", RISE(classifier, RISEOptions(score="sigmoid")), 1.0),
        ("EP, 800 steps", *shortened(ExtremalPerturbation, classifier, extremal, steps=TIMED)),
        ("iGOS++, 15 iterations", *shortened(IGOSPlusPlus, classifier, igos, iterations=ITERATIONS)),
    ]
    rows = []
    for name, method, factor in methods:
        begin = time.perf_counter()
        method.class_masks(image, all_classes)
        seconds = (time.perf_counter() - begin) * factor
        name = f"all masks of one image: {name}"
        rows.append({"name": f"{name}{source}", "ours_s": ours, "reference_s": seconds, "ratio": seconds / ours})
    return rows


def shortened(method: type, classifier: Classifier, options: object, **fewer: int) -> tuple[object, float]:
    """The method with fewer steps, and the factor from its time to that of all steps."""
    ((name, count),) = fewer.items()
    return method(classifier, replace(options, **fewer)), getattr(options, name) / count


def any_explainer(classifier: Classifier) -> tuple[Explainer, str]:
    """The trained Explainer, or one with random weights if it is missing, which takes as long."""
    try:
        return load_explainer("scenes-multilabel-explainer", classifier), ""
    except (FileNotFoundError, ValueError):
        options = load_profile("quick").explainer.classifier("vgg16").explainer.network
        network = ExplainerNetwork(replace(options, backbone="random"), len(classifier.class_names))
        return Explainer(network, classifier), ", random weights"


def as_classes(targets: torch.Tensor, classifier: Classifier) -> torch.Tensor:
    """One class per image, in the form of `class_masks`' argument."""
    return torch.nn.functional.one_hot(targets, len(classifier.class_names)).bool()


def main() -> None:
    """Print the comparison."""
    from benchmarks.__main__ import line

    for row in run():
        print(line(row))


if __name__ == "__main__":
    main()
