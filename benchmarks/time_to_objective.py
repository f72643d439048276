"""The time to reach the final objective of another recipe: the published one, and the authors' later one.

The published recipe's objective comes from full runs (2000 steps, 64 samples), stored with their provenance in
results/quick-published/ (eight scenes) and results/study-mobilenetv2-published/ (two photographs; XAIBOOK_DATA);
`python -m helpers table objectives --profile quick-published` makes them. Its time is that of a plain restatement
of the published loop: a step, measured here, times 2000. The later recipe (rate 0.1, 300 steps, 16 samples) is run here
in full, by our own code, which is the stricter comparison.

All runs use one thread: several cores would each explain their own image, in both implementations, while threads
within a step would help a step of 64 samples more than one of 2.

python -m benchmarks.time_to_objective
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.plain_classifiers import plain_photograph_classifier, plain_scenes_classifier
from benchmarks.published import published_cartoonx
from benchmarks.timing import REPEATS, medians, threads
from helpers.methods.initial_masks import explain_from_prediction, starting_mask
from helpers.methods.rde import CartoonX
from helpers.papers.recartoonx.experiments import Study
from helpers.results import read_table

FROM_ONES, FROM_LEARNED, LATER = 200.0, 600.0, 5.0  # the targets
PUBLISHED_STEPS = 2000
TIMED_STEPS = 3
ON_PHOTOGRAPHS = {"steps": 400, "learning_rate": 0.03, "final_rate": 0.01, "check_every": 300}


def run() -> list[dict]:
    """For each way to explain: seconds for all images, the objective reached, and the ratio of the times."""
    scenes = _Scale("quick-published", "one thread: eight scenes", plain_scenes_classifier)
    with threads(1):
        rows = [
            scenes.row("fast steps from ones", scenes.from_ones, target=FROM_ONES),
            scenes.row("learned start alone", scenes.start),
            scenes.row("learned start and stopping rule", scenes.from_learned, target=FROM_LEARNED),
            scenes.against_later(),
        ]
        if os.environ.get("XAIBOOK_DATA"):
            profile, images = "study-mobilenetv2-published", "one thread: two photographs"
            study = _Scale(profile, images, plain_photograph_classifier, **ON_PHOTOGRAPHS)
            rows.append(study.row("learned start and stopping rule", study.from_learned, target=FROM_LEARNED))
    return rows


class _Scale:
    """The images of one profile, and the ways to explain them."""

    def __init__(self, profile: str, images: str, plain: Callable[[], nn.Module], **changes: object) -> None:
        self.study, self.name, self.plain = Study(profile), images, plain
        self.images = self.study.images.images
        self.method = CartoonX(self.study.classifier, recipe="fast")
        table = read_table(profile, "objectives")
        self.published = table[(table["method"] == "cartoonx") & (table["recipe"] == "published")]["objective"].mean()
        self.changes = changes  # of the options after a learned initial mask
        self._reference: float | None = None

    def from_ones(self) -> Tensor:
        """The fast recipe as it is."""
        return self.method.explain(self.images).representation_mask

    def start(self) -> Tensor:
        """The network's prediction, not optimised."""
        return starting_mask("learned", self.method, self.images)

    def from_learned(self) -> Tensor:
        """The network's prediction, optimised until the stopping rule holds."""
        return explain_from_prediction(self.method, self.images, **self.changes).representation_mask

    def later(self) -> Tensor:
        """The authors' later recipe."""
        return CartoonX(self.study.classifier, recipe="later").explain(self.images).representation_mask

    def row(self, way: str, function: Callable[[], Tensor], *, target: float | None = None) -> dict:
        """One way against the published recipe."""
        seconds, reached = self._timed(function, REPEATS)
        return {
            "name": f"{self.name}, {way}: objective {reached:.4f}, published {self.published:.4f}",
            "ours_s": seconds,
            "reference_s": self.reference,
            "ratio": self.reference / seconds,
            "target": target,
            "reached": reached <= self.published,
        }

    def against_later(self) -> dict:
        """Learned start and stopping rule against the authors' later recipe in full."""
        seconds, reached = self._timed(self.from_learned, REPEATS)
        reference, later_objective = self._timed(self.later, 1)
        return {
            "name": f"{self.name}, the same: objective {reached:.4f}, the later recipe's {later_objective:.4f}",
            "ours_s": seconds,
            "reference_s": reference,
            "ratio": reference / seconds,
            "target": LATER,
            "reached": reached <= later_objective,
        }

    @property
    def reference(self) -> float:
        """The seconds of the plain re-statement for all images."""
        if self._reference is None:
            plain, image = self.plain(), self.images[:1]
            (steps,) = medians([lambda: published_cartoonx(plain, image, steps=TIMED_STEPS)])
            self._reference = steps / TIMED_STEPS * PUBLISHED_STEPS * len(self.images)
        return self._reference

    def _timed(self, function: Callable[[], Tensor], repeats: int) -> tuple[float, float]:
        """The median seconds of a call, and the mean objective of its masks on fresh noise."""
        times = []
        for _ in range(repeats):
            begin = time.perf_counter()
            mask = function()
            times.append(time.perf_counter() - begin)
        problem = self.method.problem(self.images)
        reached = torch.cat(
            [
                problem.select(slice(index, index + 1)).evaluate(mask[index : index + 1], samples=256)["objective"]
                for index in range(len(mask))
            ]
        )
        return sorted(times)[len(times) // 2], float(reached.mean())
