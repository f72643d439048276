"""The learned initial mask: the prediction of a mask network, made denser."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.core.inputs import Target, checked_images, checked_targets, class_names, is_score
from helpers.core.runtime import gradients, random_generator
from helpers.methods.initial_masks.files import MaskFile, find_mask_network, load_mask_network
from helpers.methods.initial_masks.network import MaskNetwork
from helpers.methods.rde import RateDistortion, RateDistortionExplainer

ONES_RATE = 0.1  # learning rate for at most 100 steps from ones: the best of 0.05, 0.08, 0.1, 0.12 and 0.2
LEARNED_RATE = 0.1  # learning rate for as many steps from a learned mask
REFINEMENT_STEPS = 3  # the first on the image alone, the others with the gradient at the mask so far
LAMBDA_SHRINK, ONES_FRACTION = 0.5, 0.1  # sparser than the network's own, conservative mask, but with a floor of ones
RISK = 0.5
LARGEST_SHARE = 0.95  # below 1, so that the risk stays finite


def learned_mask(
    method: RateDistortionExplainer,
    images: Float[Tensor, "batch 3 height width"],
    targets: Target = None,
    *,
    network: MaskNetwork | MaskFile | str | None = None,
    sparsity_weights: Float[Tensor, " batch"] | float | None = None,
    lambda_shrink: float = LAMBDA_SHRINK,
    ones_fraction: float = ONES_FRACTION,
    refinement_steps: int = REFINEMENT_STEPS,
    seed: int = 0,
) -> Float[Tensor, "batch 1 k"]:
    """The mask that a trained network predicts for each image and its λk.

    The first refinement step is one forward pass of the network. Each further one takes another forward pass, and the
    gradient of the distortion on an antithetic pair, which costs as much as a step of the fast recipe.

    An initial mask that is too sparse never recovers ([Re] CartoonX, section 4.2), while one that is too dense only
    costs steps. So the prediction is for λk / `lambda_shrink`, and the share `ones_fraction` of an all-ones mask is
    mixed in. The defaults are for initial masks; `lambda_shrink=1, ones_fraction=0` is the bare prediction.

    Args:
        method: Pixel RDE or CartoonX; the network must have been trained for its classifier and its representation.
        images: pixels in [0, 1]; networks are trained at 64 to 128 px.
        targets: None, or the predicted classes: networks are trained for these.
        network: a network or its name in models/; None for the one of this classifier and representation.
        sparsity_weights: λk, one for all images or one per image; None for the method's.
        lambda_shrink: positive divisor of λk; larger values give denser masks.
        ones_fraction: the share of ones in the result, in [0, 1].
        refinement_steps: forward passes of the network, at least 1.
        seed: of the noise for the gradients.

    Raises:
        ValueError: an option is out of range, no network fits, or targets are not the predicted classes.
        FileNotFoundError: there is no network of this name.
    """
    if not (lambda_shrink > 0 and 0 <= ones_fraction <= 1 and refinement_steps >= 1):
        raise ValueError(
            f"lambda_shrink={lambda_shrink} must be positive, ones_fraction={ones_fraction} in [0, 1], and "
            f"refinement_steps={refinement_steps} at least 1"
        )
    if network is None:
        network = find_mask_network(method, images)
    elif isinstance(network, str):
        network = load_mask_network(network)
    if isinstance(network, MaskFile):
        network = network.network
    images = checked_images(images, method.classifier)
    problem = method.problem(images)
    _check_targets(problem, targets)
    if sparsity_weights is None:
        sparsity_weights = method.options.sparsity_weight
    weights = torch.as_tensor(sparsity_weights, dtype=images.dtype, device=images.device).expand(len(images))
    mask = refine_mask(
        network.to(images.device),
        problem,
        images,
        weights / lambda_shrink,
        refinement_steps=refinement_steps,
        seed=seed,
    )
    return ones_fraction + (1 - ones_fraction) * mask


def refine_mask(
    network: MaskNetwork,
    problem: RateDistortion,
    images: Float[Tensor, "batch 3 height width"],
    sparsity_weights: Float[Tensor, " batch"],
    *,
    refinement_steps: int = REFINEMENT_STEPS,
    seed: int = 0,
) -> Float[Tensor, "batch 1 k"]:
    """The network's mask after the given number of refinement steps."""
    generator = random_generator(seed, images.device)
    mask = gradient = None
    for step in range(refinement_steps):
        with torch.no_grad():
            mask = network(images, sparsity_weights, coefficients=problem.coefficients, mask=mask, gradient=gradient)
        if step + 1 < refinement_steps:
            gradient, _ = risk_gradient(problem, mask, generator)
    assert mask is not None
    return mask


@gradients()
def risk_gradient(
    problem: RateDistortion, mask: Float[Tensor, "batch 1 k"], generator: torch.Generator, *, risk: float = RISK
) -> tuple[Float[Tensor, "batch 1 k"], Float[Tensor, " batch"]]:
    """The gradient of each image's risk-averse distortion at a mask, and the share of its evidence that is lost there.

    The risk-averse distortion of a draw is D - β log(1 - 0.95 D/p²), with p the target's probability on the image. D/p²
    is about 1 if all evidence is lost, for every p. The logarithm penalises that for each draw and each image, so that
    a low mean cannot make up for a lost image. Both results are estimated on one antithetic pair.
    """
    leaf = mask.detach().requires_grad_()
    distortion = problem.distortions(leaf, problem.draw(1, generator), antithetic=True)  # 2, batch
    share = (distortion / problem.measure.reference.square()).clamp_max(1)
    loss = (distortion - risk * torch.log1p(-LARGEST_SHARE * share)).mean(0).sum()
    return torch.autograd.grad(loss, leaf)[0], share.detach().mean(0)


def _check_targets(problem: RateDistortion, targets: Target) -> None:
    """Raise a ValueError for targets other than the predicted classes."""
    if targets is None:
        return
    if is_score(targets):
        raise ValueError("a learned mask is for the predicted class; give targets=None, not a callable")
    predicted = problem.measure.targets
    names = class_names(problem.classifier.classifier)
    if not torch.equal(checked_targets(targets, problem.measure.probabilities, names), predicted):
        raise ValueError(
            f"the mask network was trained for predicted classes, here {predicted.tolist()}; "
            "for other targets use another initial mask, such as 'ones' or 'constant'"
        )
