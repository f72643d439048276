"""The time to reach the published recipe's final objective, against a plain re-statement of the published loop.

The objective comes from full runs of the published recipe (2000 steps, 64 samples) on eight scenes, stored with their
provenance in results/quick-published/; `python -m helpers.experiments objectives --profile quick-published` makes them.
The re-statement's time is its time a step, measured here, times 2000.

python -m benchmarks.time_to_objective
"""

from __future__ import annotations

import time

from benchmarks.plain_classifiers import plain_scenes_classifier
from benchmarks.published import published_cartoonx
from benchmarks.timing import REPEATS, medians, threads
from helpers.experiments import Study
from helpers.rde import CartoonX
from helpers.results import read_table

TARGET = 200.0
PUBLISHED_STEPS = 2000
TIMED_STEPS = 3
FEWER_STEPS = (100, 200)  # how far shorter runs of the fast recipe come


def run() -> list[dict]:
    """For the fast recipe, and for shorter versions of it: seconds for eight scenes, objective, ratio of the times."""
    study = Study("quick-published")
    images = study.images.images
    table = read_table("quick-published", "objectives")
    published = table[(table["method"] == "cartoonx") & (table["recipe"] == "published")]["objective"].mean()
    plain = plain_scenes_classifier()
    fast = CartoonX.recipe("fast")
    rows = []
    with threads():
        (step,) = medians([lambda: published_cartoonx(plain, images[:1], steps=TIMED_STEPS)])
        reference = step / TIMED_STEPS * PUBLISHED_STEPS * len(images)
        for steps in (*FEWER_STEPS, fast.steps):
            method = CartoonX(study.classifier, fast.but(steps=steps))
            repeats = REPEATS if steps == fast.steps else 1
            seconds, mask = _timed(method, images, repeats)
            reached = float(method.problem(images).evaluate(mask, samples=256, seed=1)["objective"].mean())
            rows.append(
                {
                    "name": f"eight scenes, {steps} fast steps: objective {reached:.4f}, published {published:.4f}",
                    "ours_s": seconds,
                    "reference_s": reference,
                    "ratio": reference / seconds,
                    "target": TARGET if steps == fast.steps else None,
                    "reached": reached <= published,
                }
            )
    return rows


def _timed(method: CartoonX, images, repeats: int):
    """The median seconds of an explanation of all images, and its mask."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        explanation = method.explain(images)
        times.append(time.perf_counter() - begin)
    return sorted(times)[len(times) // 2], explanation.representation_mask
