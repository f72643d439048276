"""The exports of Pixel RDE and CartoonX: start, step and pictures."""

from __future__ import annotations

from typing import Any

import torch

from helpers.methods.initial_masks.files import find_mask_network
from helpers.methods.initial_masks.learned import LAMBDA_SHRINK, REFINEMENT_STEPS, RISK
from helpers.methods.rde import CartoonX, PixelRDE, RateDistortionExplainer
from helpers.methods.rde.frank_wolfe import STEP
from helpers.methods.rde.optimise import LION_BETAS
from helpers.playground.export import SEED, SIZE, Export, frozen_classifier, one_by_one, scene_images
from helpers.playground.networks import LearnedStart
from helpers.playground.steps import KeepStep, PlainTransform, Show, Start, Step

EXPLAINED = "scenes-cnn"
"""The classifier that CartoonX, Pixel RDE and Grad-CAM explain."""

METHODS: dict[str, type[RateDistortionExplainer]] = {"cartoonx": CartoonX, "pixel-rde": PixelRDE}


def rate_distortion(method: str, part: str, name: str = EXPLAINED) -> Export:
    """The parts of Pixel RDE and CartoonX: start, learned (of the initial mask), step, keep (of a number) and show."""
    classifier = frozen_classifier(name)
    explainer = METHODS[method](classifier)
    representation = explainer.representation((SIZE, SIZE))
    transform = PlainTransform(representation, (SIZE, SIZE))
    start = Start(classifier, transform)
    options = explainer.options
    common: dict[str, Any] = {"weights": (name,), "classes": tuple(classifier.class_names or ()), "gradients": True}
    # rounded filters would shift all coefficients
    common["exact"] = tuple(transform.buffers())
    common["facts"] = {
        "classifier": name,
        "method": method,
        "sparsity_weight": options.sparsity_weight,
        "steps": options.steps,
        "learning_rate": options.learning_rate,
        "final_rate": options.final_rate,
        "schedule": options.schedule,
    }
    images = scene_images()
    with torch.no_grad():
        coefficients, mean, deviation, probabilities = start(images)
    if part == "start":
        outputs = ("coefficients", "mean", "deviation", "probabilities")
        summary = f"{method}: the image's coefficients, their statistics by band, its probabilities."
        common["gradients"] = False
        return Export(start, one_by_one(images=images), outputs, summary, **common)
    generator = torch.Generator().manual_seed(SEED)
    count, _, k = coefficients.shape
    masks = torch.rand(count, 1, k, generator=generator)
    if part == "show":
        cases = one_by_one(mask=masks, coefficients=coefficients)
        summary = f"{method}: the relevance of each pixel under a mask, and the kept image."
        common |= {"weights": (), "classes": None, "halve": False, "gradients": False}
        return Export(Show(transform), cases, ("relevance", "kept"), summary, **common)
    if part == "keep":
        keeps = torch.tensor([1.0, 40.0, 0.1 * k, float(k)]).repeat(count)[:count]
        shares = torch.tensor([1.0, 0.3]).repeat(count)[:count]
        cases = one_by_one(
            mask=masks, average=torch.randn(count, 1, k, generator=generator),
            gradient=torch.randn(count, 1, k, generator=generator), keep=keeps, share=shares,
            rate=torch.full((count,), STEP),
        )  # fmt: skip
        facts = {**common["facts"], "share": 1 - LION_BETAS[1], "step": STEP}
        common |= {"weights": (), "classes": None, "facts": facts, "halve": False, "gradients": False}
        summary = f"{method}: one Frank-Wolfe step for masks of a given sum."
        return Export(KeepStep(), cases, ("mask_after", "average_after"), summary, **common)
    target = torch.eye(probabilities.shape[1])[probabilities.argmax(1)]
    reference = (probabilities * target).sum(1)
    weights = torch.tensor([2.0, 20.0, 80.0, 320.0]).repeat(count)[:count]
    state = {"coefficients": coefficients, "mean": mean, "deviation": deviation}
    if part == "learned":
        file = find_mask_network(explainer, images)
        gradients = 0.01 * torch.randn(count, 1, k, generator=generator)
        cases = one_by_one(
            images=images, coefficients=coefficients, sparsity_weight=weights, mask=masks, gradient=gradients
        )
        facts = {
            **common["facts"],
            "refinements": REFINEMENT_STEPS,
            "risk": RISK,
            "shrink": LAMBDA_SHRINK,
            "share": 1 - LION_BETAS[1],
        }
        common |= {"weights": (file.name,), "classes": None, "facts": facts, "halve": False}
        summary = f"{method}: a refinement of the learned initial mask; the first one from a mask and a gradient of 0."
        return Export(LearnedStart(file.network), cases, ("mask_after", "start"), summary, **common)
    momentum = torch.randn(count, 1, k, generator=generator)  # so large that no sign of the update hangs on a rounding
    noise = torch.randn(count, 3, k, generator=generator)
    rates = torch.full((count,), options.learning_rate)
    cases = one_by_one(
        mask=masks, momentum=momentum, **state, noise=noise, target=target, reference=reference,
        sparsity_weight=weights, rate=rates, risk=torch.tensor([0.0, RISK]).repeat(count)[:count],
    )  # fmt: skip
    outputs = ("mask_after", "momentum_after", "distortion", "sparsity", "objective")
    summary = f"{method}: one step of the fast recipe, with the objective before it."
    # float32: over many steps of Lion, which takes signs, differences of float16 would grow
    return Export(Step(classifier, transform), cases, outputs, summary, halve=False, **common)
