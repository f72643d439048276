"""The loss of Real-Time Image Saliency, adapted to several classes an image."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from helpers.core.blur import gaussian_blur
from helpers.core.runtime import random_generator
from helpers.methods.explainer.options import RTISOptions


class RTISLoss:
    """The adapted loss that trains the Explainer's network as the baseline RTIS (section 4.2 of its paper).

    Dabkowski and Gal (NeurIPS 2017, equation 4) ask of one class's mask that the class survives where the mask keeps
    the image, and dies where the mask is taken away; an alternative image shows through where pixels are hidden. Here
    the mask is that of all classes which an image shows, and their probabilities are averaged.

    The loss of a batch is the mean of its images' losses. Two things differ from the published code in every variant:
    the power's slope stays finite where a probability is 0, and the classifier runs in eval mode.
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
            classifier: pixels in [0, 1] to logits; frozen, in eval mode. It is asked once.
            images: pixels in [0, 1].
            target_mask: in [0, 1], of all the classes that an image shows.
            labels: these classes. An image without any adds only to `smoothness` and `area`.
            generator: for the alternative images.

        Returns:
            `smoothness`, `area`, `preserve` (the mean of -log p of the classes in the kept image) and `destroy` (the
            power of their mean p in what is left).
        """
        o = self.options
        other = alternative_images(images, classifier, o, generator)
        difference = target_mask * (images - other)
        kept, left = functional.logsigmoid(classifier(torch.cat([other + difference, images - difference]))).chunk(2)
        shown = labels.sum(1)
        preserve = -(kept * labels).sum(1) / shown.clamp_min(1)
        # log of the mean probability; through logarithms, as the power's slope at probability 0 is infinite
        lowest = torch.finfo(left.dtype).min
        mean = left.masked_fill(~labels, lowest).logsumexp(1) - shown.clamp_min(1).log()
        destroy = (o.power * mean).exp() * (shown > 0)
        return {
            "smoothness": o.smoothness * squared_variation(target_mask).mean(),
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
    """The adapted loss of a batch as one number, with the alternative images of a seed (`RTISLoss` has its terms)."""
    terms = RTISLoss(options)(classifier, images, target_mask, labels, random_generator(seed, images.device))
    return torch.stack(list(terms.values())).sum()


def squared_variation(masks: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, " batch"]:
    """The sum of the squared differences of neighbours, below and to the right, over the number of pixels."""
    down = masks.diff(dim=2).square().sum((1, 2, 3))
    right = masks.diff(dim=3).square().sum((1, 2, 3))
    return (down + right) / masks[0].numel()


@torch.no_grad()
def alternative_images(
    images: Float[Tensor, "batch 3 height width"],
    classifier: nn.Module,
    options: RTISOptions,
    generator: torch.Generator,
) -> Float[Tensor, "batch 3 height width"]:
    """What shows where a mask hides: the blurred image, or a random colour with noise, each half of the time.

    Colour and noise are in units of the classifier's normaliser (mean ½ and standard deviation ¼ where it has none).
    """
    count, device = len(images), images.device
    mean, std = getattr(classifier, "mean", 0.5), getattr(classifier, "std", 0.25)
    published = options.variant == "published"
    where = {"generator": generator, "device": generator.device}
    blurred = torch.rand(1 if published else count, 1, 1, 1, **where).to(device) < 0.5
    colour = options.colour * (2 * torch.rand(count, 3, 1, 1, **where).to(device) - 1)
    noise = torch.randn(images.shape, **where).to(device)
    noise = options.noise + noise if published else options.noise * noise
    blur = gaussian_blur(images, options.blur * min(images.shape[-2:]))
    return torch.where(blurred, blur, mean + std * (colour + noise))
