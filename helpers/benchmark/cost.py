"""What methods cost, and what they score for it: seconds, memory, passes, budgets, and the price of a training.

Written down before the run. Questions: what does an explanation cost in a batch; does a method score less with a
fraction of its budget; and after how many images has the Explainer's training paid? Decision rule: two costs differ if
their 95 % intervals over batches do not overlap; a smaller budget is enough for a score if its interval contains the
score of the whole budget; the training has paid against a rival at the upper end of the interval of the images.

Seconds are those of computing by this process, so that other work on the machine counts less; all methods take turns
with each batch, so that a busy machine slows them alike. Operations are in forward passes of the classifier, the only
currency that is the same on every machine and that counts passes through a part of it, or through another network.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.benchmark.case import Case, Trial
from helpers.benchmark.maps import maps_by
from helpers.benchmark.meter import PeakMemory, forward_operations, operations_of
from helpers.benchmark.methods import Contestant
from helpers.benchmark.passes import count_passes
from helpers.benchmark.registry import find_metric
from helpers.benchmark.rows import contestants, effect_row, option_of, own_network, part_of, price, with_option
from helpers.benchmark.table import SceneStudy, profile_case
from helpers.classifiers import Classifier
from helpers.core.statistics import mean_effect, ratio_effect
from helpers.data.multilabel.scenes import draw_multilabels
from helpers.methods.explainer.options import ExplainerOptions
from helpers.methods.explainer.training import Batch, ExplainerModule, LabelledRows
from helpers.profiles import load_profile

TURNS, BATCH = 6, 2
"""Batches, each of so many scenes: as many as a verdict needs."""

BUDGETS = (1.0, 0.25)
"""The shares of a method's steps, masks or samples."""

BUDGET_OPTIONS = ("steps", "masks", "samples", "iterations")
"""The option that is a method's budget: the first of these that it has."""

SCORES = ("pixel-auroc", "rendered-deletion", "insertion-mean")
"""What is scored for the price: where the object is, what was used, and an answer of the classifier."""

RIVALS = ("cartoonx", "rise")
"""The methods that a training is weighed against."""

RECIPE = ("quick", "vgg16")
"""The profile and its entry by which the networks in models/ were trained."""


@dataclass
class Runner:
    """A method at one budget, and what was measured.

    Attributes:
        contestant: its line in the registry.
        method: the object that explains.
        budget: the share of its steps, masks or samples.
        measured: the quantities of each batch, per image but for the memory.
        maps: of each batch.
    """

    contestant: Contestant
    method: Any
    budget: float
    measured: dict[str, list[float]] = field(default_factory=dict)
    maps: list[Float[Tensor, "batch height width"]] = field(default_factory=list)

    def explain(self, part: Case) -> None:
        """Explain a batch and note what it took."""
        with count_passes(part.classifier) as passes, PeakMemory() as memory:
            begin = time.process_time()
            self.maps.append(maps_by(self.method, part, self.contestant.name))
            seconds = time.process_time() - begin
        found = {"seconds": seconds, "forward": passes.forward, "backward": passes.backward}
        for name, value in found.items():
            self.measured.setdefault(name, []).append(value / len(part))
        self.measured.setdefault("mebibytes", []).append(memory.mebibytes)


def cost_table(study: SceneStudy) -> pd.DataFrame:
    """The costs and scores of all methods and controls, and the price of each trained network.

    Returns:
        One row per method, budget and quantity: method, control, budget (the share of the method's own), quantity,
        value, low, high, n. Quantities per image: seconds, forward and backward (passes of the classifier),
        operations (in forward passes of the classifier), and the scores; mebibytes, of a batch of `BATCH`. Of a trained
        network also training-seconds, training-operations, and images-for-RIVAL: the number of images at which its
        training has paid; inf where it never does.
    """
    case = profile_case(study, TURNS * BATCH)
    runners = [runner for each in contestants(study.classifier) for runner in runners_of(each, study.classifier)]
    unit = forward_operations(case.classifier, case.images[:1])
    for runner in runners:  # also the first call of each, which prepares more than its work
        runner.measured["operations"] = [price(runner.method, case)]
    trainings = _trainings(runners, study.classifier)
    lessons: dict[str, list[float]] = {name: [] for name in trainings}
    for turn in range(TURNS):
        for runner in runners:
            runner.explain(part_of(case, turn * BATCH, (turn + 1) * BATCH))
        for name, training in trainings.items():
            lessons[name].append(training.step())
    rows = [row for runner in runners for row in _rows(runner, case)]
    whole = {runner.contestant.name: np.array(runner.measured["seconds"]) for runner in runners if runner.budget == 1}
    for name, training in trainings.items():
        rows += training_rows(training, np.array(lessons[name]), name, whole, unit)
    return pd.DataFrame(rows)


def runners_of(contestant: Contestant, classifier: Classifier) -> list[Runner]:
    """A method at each of `BUDGETS`; at its own alone if it has none of `BUDGET_OPTIONS`."""
    method = contestant.make(classifier)
    name = option_of(method, BUDGET_OPTIONS)
    if name is None:
        return [Runner(contestant, method, 1.0)]
    whole = getattr(method.options, name)
    return [
        Runner(contestant, with_option(method, name, max(1, round(share * whole))) if share < 1 else method, share)
        for share in BUDGETS
    ]


def _rows(runner: Runner, case: Case) -> list[dict[str, Any]]:
    names = {"method": runner.contestant.name, "control": runner.contestant.control, "budget": runner.budget}
    rows = [
        effect_row(mean_effect(np.array(values)), **names, quantity=quantity)
        for quantity, values in runner.measured.items()
    ]
    trial = Trial(case, torch.cat(runner.maps))
    scores = {name: find_metric(name).metric(trial).double().numpy() for name in SCORES}
    return rows + [effect_row(mean_effect(values), **names, quantity=name) for name, values in scores.items()]


@dataclass
class Training:
    """The training of a network as in models/, of which single steps are timed.

    Attributes:
        update: runs one step.
        steps: of the whole training.
    """

    update: Callable[[], None]
    steps: int

    def step(self) -> float:
        """The seconds of one step."""
        begin = time.process_time()
        self.update()
        return time.process_time() - begin


def _trainings(runners: list[Runner], classifier: Classifier) -> dict[str, Training]:
    """The trainings of the methods with a network of their own, by method."""
    section = load_profile(RECIPE[0]).explainer
    assert section is not None
    recipes = {"explainer": section.classifier(RECIPE[1]).explainer, "rtis": section.classifier(RECIPE[1]).rtis}
    names = [each.contestant.name for each in runners if own_network(each.method) is not None]
    images = sum(data.train for data in section.datasets.values() if data.train is not None)
    return {name: training_of(recipes[name], classifier, images) for name in names if name in recipes}


def training_of(options: ExplainerOptions, classifier: Classifier, images: int) -> Training:
    """The training of an Explainer or of RTIS on so many scenes.

    Args:
        options: the recipe; its backbone is left out, since its weights do not change the cost.
        classifier: the one explained.
        images: of an epoch.
    """
    options = replace(options, network=replace(options.network, backbone="random"))
    rows = LabelledRows(draw_multilabels(options.batch, size=classifier.input_size, seed=0)[0])
    batch: Batch = rows.__getitems__(list(range(len(rows))))
    steps = options.epochs * (images // options.batch)
    module = ExplainerModule(options, classifier, len(classifier.class_names), steps).train()
    configured: Any = module.configure_optimizers()
    optimiser = configured["optimizer"] if isinstance(configured, dict) else configured
    generator = torch.Generator().manual_seed(0)

    def update() -> None:
        optimiser.zero_grad(set_to_none=True)
        terms = module.terms(batch["pixels"].float() / 255, batch, generator)
        torch.stack(list(terms.values())).sum().backward()
        optimiser.step()

    update()  # the first step prepares more than its work
    return Training(update, steps)


def training_rows(
    training: Training,
    seconds: Float[np.ndarray, " turns"],
    name: str,
    whole: dict[str, Float[np.ndarray, " turns"]],
    unit: float,
) -> list[dict[str, Any]]:
    """The price of a training, and the images at which it has paid.

    Args:
        training: its steps.
        seconds: of one step, in each turn.
        name: of the method.
        whole: the seconds per image of all methods, in the same turns.
        unit: the operations of a forward pass of the classifier.
    """
    names = {"method": name, "control": False, "budget": 1.0}
    operations = np.array([operations_of(training.update) * training.steps / unit])
    rows = [
        effect_row(mean_effect(seconds * training.steps), **names, quantity="training-seconds"),
        effect_row(mean_effect(operations), **names, quantity="training-operations"),
    ]
    for rival in RIVALS:
        if rival in whole:
            images = ratio_effect(seconds * training.steps, whole[rival] - whole[name])
            if images.value < 0:  # the rival is the cheaper one
                images = replace(images, value=np.inf, low=np.inf, high=np.inf)
            rows.append(effect_row(images, **names, quantity=f"images-for-{rival}"))
    return rows
