"""The learned starting mask: a network's prediction, made cautious."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.core.runtime import random_generator
from helpers.methods.initial_masks.files import MaskFile, find_mask_network, load_mask_network
from helpers.methods.initial_masks.network import MaskNetwork
from helpers.methods.rde import RateDistortion, RateDistortionExplainer
from helpers.methods.rde.distortions import Target

ONES_RATE = 0.1  # for a hundred steps or fewer from ones: the best of 0.05, 0.08, 0.1, 0.12 and 0.2
LEARNED_RATE = 0.1  # for as many from a learned start
LOOKS = 3  # the first on the image alone, then with the gradient at the mask so far
CAUTION, MIX = 0.5, 0.1  # of a start: sparser than the network's own cautious mask, on a floor that keeps the evidence
RISK = 0.5
NEARLY_ALL = 0.95  # of the largest distortion: keeps the risk finite


def learned_mask(
    method: RateDistortionExplainer,
    images: Float[Tensor, "batch 3 height width"],
    targets: Target = None,
    *,
    network: MaskNetwork | MaskFile | str | None = None,
    weights: Float[Tensor, " batch"] | float | None = None,
    lambda_shrink: float = CAUTION,
    mix: float = MIX,
    looks: int = LOOKS,
    seed: int = 0,
) -> Float[Tensor, "batch 1 k"]:
    """The mask that a trained network predicts for each image and its λk.

    The first look costs one forward pass of the network. Each further one costs another, and one evaluation of the
    distortion's gradient on an antithetic pair, which is what one step of the fast recipe costs.

    Too sparse a start is not recoverable ([Re] CartoonX, section 4.2), too dense a one only costs steps. Networks are
    trained to be cautious; a larger `lambda_shrink` makes them more so: for λk / `lambda_shrink`, and with a share
    `mix` of ones mixed in. The defaults are those of a start; `lambda_shrink=1, mix=0` is the bare prediction.

    Args:
        method: Pixel RDE or CartoonX; the network must have been trained for its classifier and its representation.
        images: pixels in [0, 1]; networks are trained at 64 to 128 px.
        targets: None, or classes that are the predicted ones: networks are trained for these.
        network: a network or its name in models/; None finds the one for this classifier and representation.
        weights: λk, one for all or one per image; None for the method's.
        lambda_shrink: positive; by how much the network is asked for a smaller λk.
        mix: the share of ones in the result, in [0, 1].
        looks: how often the network looks, at least once.
        seed: of the noise for the gradients.

    Raises:
        ValueError: an option is out of range, no network fits, or targets are not the predicted classes.
        FileNotFoundError: there is no network of this name.
    """
    if not (lambda_shrink > 0 and 0 <= mix <= 1 and looks >= 1):
        raise ValueError(
            f"lambda_shrink={lambda_shrink} must be positive, mix={mix} in [0, 1], and looks={looks} at least 1"
        )
    found = find_mask_network(method, images) if network is None else network
    loaded = load_mask_network(found) if isinstance(found, str) else found
    chosen = loaded if isinstance(loaded, MaskNetwork) else loaded.network
    problem = method.problem(images)
    _check_targets(problem, targets)
    wanted = method.options.sparsity_weight if weights is None else weights
    asked = torch.as_tensor(wanted, dtype=images.dtype, device=images.device).expand(len(images)) / lambda_shrink
    mask = refine_mask(chosen.to(images.device), problem, images, asked, looks=looks, seed=seed)
    return mix + (1 - mix) * mask


def refine_mask(
    network: MaskNetwork,
    problem: RateDistortion,
    images: Float[Tensor, "batch 3 height width"],
    weights: Float[Tensor, " batch"],
    *,
    looks: int = LOOKS,
    seed: int = 0,
) -> Float[Tensor, "batch 1 k"]:
    """The network's mask after so many looks."""
    generator = random_generator(seed, images.device)
    mask = gradient = None
    for look in range(looks):
        with torch.no_grad():
            mask = network(images, weights, coefficients=problem.coefficients, mask=mask, gradient=gradient)
        if look + 1 < looks:
            gradient, _ = risk_gradient(problem, mask, generator)
    assert mask is not None
    return mask


def risk_gradient(
    problem: RateDistortion, mask: Float[Tensor, "batch 1 k"], generator: torch.Generator, *, risk: float = RISK
) -> tuple[Float[Tensor, "batch 1 k"], Float[Tensor, " batch"]]:
    """The gradient of each image's risk-averse distortion at a mask, and the share of its evidence that is lost there.

    The risk-averse distortion of a draw is D - β log(1 - 0.95 D/p²), with p the target's probability on the image. D/p²
    is about 1 where nothing of the evidence is left, whatever p was; the logarithm makes that expensive for each draw
    and each image by itself, so that a good mean cannot pay for a lost image. One antithetic pair estimates both.
    """
    leaf = mask.detach().requires_grad_()
    distortion = problem.distortions(leaf, problem.draw(1, generator), antithetic=True)
    share = (distortion / problem.measure.reference.square()).clamp_max(1)
    loss = (distortion - risk * torch.log1p(-NEARLY_ALL * share)).mean(0).sum()
    return torch.autograd.grad(loss, leaf)[0], share.detach().mean(0)


def _check_targets(problem: RateDistortion, targets: Target) -> None:
    """The network answers for the predicted class only."""
    if targets is None:
        return
    if callable(targets):
        raise ValueError("a learned mask is for the predicted class; give targets=None, not a callable")
    predicted = problem.measure.targets
    if not torch.equal(torch.as_tensor(targets, device=predicted.device).expand_as(predicted), predicted):
        raise ValueError(
            f"the mask network was trained for predicted classes, here {predicted.tolist()}; "
            "for other targets start from another mask, such as 'ones' or 'constant'"
        )
