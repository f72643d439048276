"""The loss of Real-Time Image Saliency, adapted to several classes per image."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from helpers.core.blur import gaussian_blur
from helpers.core.outputs import as_logits
from helpers.core.runtime import random_generator
from helpers.methods.explainer.options import RTISOptions


class RTISLoss:
    """The adapted loss, which trains the Explainer's network as the baseline RTIS (section 4.2 of its paper).

    The mask of a class preserves its probability on the masked image and destroys it on the complement, with an
    alternative image behind hidden pixels (Dabkowski and Gal, NeurIPS 2017, equation 4). Here the mask is that of all
    classes in the image, and their probabilities are averaged.

    The loss is a mean over images, and in each image over its classes. In every variant, two things differ from the
    published code: the gradient of the power stays finite at a probability of 0, and the classifier runs in eval mode.
    `variant="published"` takes three more parts of that code, besides those of `RTISOptions`: the variation counts the
    differences at the lower and the right border twice (by reflection), `preserve` and `destroy` average the
    probabilities over all pairs of image and class in the batch before anything else, and the blur continues the image
    by the classifier's mean colour instead of mirroring it.
    """

    def __init__(self, options: RTISOptions | None = None) -> None:
        self.options = options or RTISOptions()

    def __call__(
        self,
        classifier: nn.Module,
        images: Float[Tensor, "batch 3 height width"],
        target_mask: Float[Tensor, "batch 1 height width"],
        labels: Bool[Tensor, "batch classes"],
        generator: torch.Generator,
    ) -> dict[str, Float[Tensor, ""]]:
        """The weighted terms, whose sum is the loss.

        Args:
            classifier: pixels in [0, 1] to logits; frozen, in eval mode. It is called once.
            images: pixels in [0, 1].
            target_mask: in [0, 1], of all classes in the image.
            labels: these classes. An image without any contributes only to `smoothness` and `area`.
            generator: for the alternative images.

        Returns:
            `smoothness`, `area`, `preserve` (the mean of -log p of the classes on the masked image) and `destroy` (the
            power of their mean p on the complement).
        """
        o = self.options
        alternative = alternative_images(images, classifier, o, generator)
        difference = target_mask * (images - alternative)  # batch, 3, height, width
        both = torch.cat([alternative + difference, images - difference])
        kept, removed = functional.logsigmoid(as_logits(classifier(both))).chunk(2)  # each (batch, classes)
        variation = squared_variation
        if o.variant == "published":  # one mean over all pairs of image and class, as if they were one image's
            variation = reflected_squared_variation
            kept, removed, labels = (each.flatten()[None] for each in (kept, removed, labels))
        counts = labels.sum(1)  # batch
        preserve = -(kept * labels).sum(1) / counts.clamp_min(1)
        # the power of the mean probability in log space, as the gradient of the power is infinite at 0
        lowest = torch.finfo(removed.dtype).min
        log_mean = removed.masked_fill(~labels, lowest).logsumexp(1) - counts.clamp_min(1).log()
        destroy = (o.power * log_mean).exp() * (counts > 0)
        return {
            "smoothness": o.smoothness * variation(target_mask).mean(),
            "area": o.area * target_mask.mean(),
            "preserve": preserve.mean(),
            "destroy": o.destroy * destroy.mean(),
        }


def rtis_loss(
    classifier: nn.Module,
    images: Float[Tensor, "batch 3 height width"],
    target_mask: Float[Tensor, "batch 1 height width"],
    labels: Bool[Tensor, "batch classes"],
    *,
    options: RTISOptions | None = None,
    seed: int = 0,
) -> Float[Tensor, ""]:
    """The adapted loss of a batch, with the alternative images of a seed; for its terms see `RTISLoss`."""
    terms = RTISLoss(options)(classifier, images, target_mask, labels, random_generator(seed, images.device))
    return torch.stack(list(terms.values())).sum()


def squared_variation(masks: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, " batch"]:
    """The sum of the squared differences of neighbours, vertical and horizontal, over the number of pixels."""
    down = masks.diff(dim=2).square().sum((1, 2, 3))
    right = masks.diff(dim=3).square().sum((1, 2, 3))
    return (down + right) / masks[0].numel()


def reflected_squared_variation(masks: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, " batch"]:
    """The same as in the published code: by reflection, the differences of the last row and column count twice."""
    last_row = masks[:, :, -2:].diff(dim=2).square().sum((1, 2, 3))
    last_column = masks[..., -2:].diff(dim=3).square().sum((1, 2, 3))
    return squared_variation(masks) + (last_row + last_column) / masks[0].numel()


@torch.no_grad()
def alternative_images(
    images: Float[Tensor, "batch 3 height width"],
    classifier: nn.Module,
    options: RTISOptions,
    generator: torch.Generator,
) -> Float[Tensor, "batch 3 height width"]:
    """The baselines of RTIS: with equal probability the blurred image, or a random colour with noise.

    Colour and noise are in units of the classifier's normaliser (mean ½ and standard deviation ¼ if it has none). The
    published variant's blur takes the mean colour beyond the border, 0 in the normalised image.
    """
    count, device = len(images), images.device
    mean, std = getattr(classifier, "mean", 0.5), getattr(classifier, "std", 0.25)
    published = options.variant == "published"
    draw = {"generator": generator, "device": generator.device}
    blurred = torch.rand(1 if published else count, 1, 1, 1, **draw).to(device) < 0.5
    colour = options.colour * (2 * torch.rand(count, 3, 1, 1, **draw).to(device) - 1)
    noise = torch.randn(images.shape, **draw).to(device)
    noise = options.noise + noise if published else options.noise * noise
    sigma = options.blur * min(images.shape[-2:])
    blur = mean + gaussian_blur(images - mean, sigma, border="zeros") if published else gaussian_blur(images, sigma)
    return torch.where(blurred, blur, mean + std * (colour + noise))
