"""The framework of Figure 3 of the SpaCE-VAE paper in numbers: all tensors and loss terms of a real image."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from helpers.methods.space_vae.files import read_space_vae
from helpers.methods.space_vae.loss import SpaceVAELoss
from helpers.methods.space_vae.method import SpaceVAE
from helpers.papers.spacevae.experiments.study import SpaceStudy


@dataclass(frozen=True)
class Framework:
    """All intermediate results between an image and its loss.

    Attributes:
        image, kept: pixels in [0, 1].
        encoded: z_e, the encoder's outputs.
        codes: the index of the nearest code at each position of the grid.
        codebook: the picture of each code (see `code_pictures`).
        before, after: the classifier's probabilities for the image and for the kept image.
        terms: the weighted loss terms by name.
    """

    image: Float[Tensor, "3 height width"]
    kept: Float[Tensor, "3 height width"]
    encoded: Float[Tensor, "embedding grid grid"]
    codes: Int[Tensor, "grid grid"]
    codebook: Float[Tensor, "codes 3 side side"]
    before: Float[Tensor, " classes"]
    after: Float[Tensor, " classes"]
    terms: dict[str, float]


@torch.no_grad()
def trace_image(
    method: SpaceVAE, classifier: nn.Module, loss: SpaceVAELoss, image: Float[Tensor, "3 height width"]
) -> Framework:
    """Record every step of a SpaCE-VAE with a single β on one image.

    Args:
        method: a network trained for the classifier.
        classifier: pixels in [0, 1] to logits.
        loss: the loss of its training.
        image: pixels in [0, 1].
    """
    network = method.network
    encoded = network.encode(image[None])
    quantised = network.quantiser(encoded)
    kept = network.decode(quantised.vectors).clamp(0, 1)
    before, after = classifier(torch.cat([image[None], kept])).softmax(1)
    return Framework(
        image.cpu(),
        kept[0].cpu(),
        encoded[0].float().cpu(),
        quantised.codes[0].cpu(),
        code_pictures(method).cpu(),
        before.cpu(),
        after.cpu(),
        loss_terms(method, classifier, loss, image[None]),
    )


@torch.no_grad()
def loss_terms(
    method: SpaceVAE, classifier: nn.Module, loss: SpaceVAELoss, images: Float[Tensor, "batch 3 height width"]
) -> dict[str, float]:
    """The weighted terms of equation 7, means over the images."""
    sums = []
    for batch in images.split(method.batch):
        decoded = method.network(batch)
        terms = loss.eval().terms(batch, decoded, classifier(decoded.kept), classifier(batch).argmax(1))
        sums.append(torch.stack(list(terms.values())) * len(batch))
    return dict(zip(terms, (torch.stack(sums).sum(0) / len(images)).tolist(), strict=True))


@torch.no_grad()
def code_pictures(method: SpaceVAE) -> Float[Tensor, "codes 3 side side"]:
    """For each code, the patch decoded in the middle of a grid that holds this code everywhere."""
    options = method.network.options
    side, start = options.size // options.grid, options.size // 2
    grid = torch.arange(options.codes, device=method.network.quantiser.codebook.device)
    grid = grid[:, None, None].expand(-1, options.grid, options.grid)
    decoded = torch.cat(
        [
            method.network.decode(method.network.quantiser.look_up(batch)).clamp(0, 1)
            for batch in grid.split(method.batch)
        ]
    )
    return decoded[:, :, start : start + side, start : start + side]


def used_codes(codes: Int[Tensor, "images grid grid"], count: int) -> tuple[int, float]:
    """The number of used codes among `count`, and their perplexity: the equivalent number of equally frequent codes."""
    shares = codes.flatten().bincount(minlength=count).float() / codes.numel()
    return int((shares > 0).sum()), float(torch.exp(torch.special.entr(shares).sum()))


def term_table(image: dict[str, float], mean: dict[str, float], count: int) -> pd.DataFrame:
    """One row per term: term, this_image, test_images (a mean), images."""
    return pd.DataFrame(
        {"term": list(image), "this_image": list(image.values()), "test_images": list(mean.values()), "images": count}
    )


@dataclass(frozen=True)
class TrainedFramework:
    """A trained SpaCE-VAE on one test image, with the loss of all test images.

    Attributes:
        framework: the intermediate results of one image.
        table: one row per loss term (see `term_table`).
        numbers: the numbers of the page's text about the codes and the loss, by name.
    """

    framework: Framework
    table: pd.DataFrame
    numbers: dict[str, float | str]


def trace_training(study: SpaceStudy, training: str, index: int) -> TrainedFramework:
    """Trace a test image through one of a study's networks.

    Args:
        study: a study of scenes.
        training: the name of the training.
        index: the index of the test image.
    """
    method, classifier = study.model(training), study.classifier
    _, file, _ = read_space_vae(study.weights_file(training))
    loss = SpaceVAELoss(file.loss, file.variance).to(study.device)
    images = study.test.floats().to(study.device)
    framework = trace_image(method, classifier, loss, images[index])
    table = term_table(framework.terms, loss_terms(method, classifier, loss, images), len(images))
    options = method.network.options
    used, perplexity = used_codes(method.codes(images).cpu(), options.codes)
    pixel_bits = images[0].numel() * 8
    numbers: dict[str, float | str] = {
        "grid": options.grid,
        "embedding": options.embedding,
        "codes": options.codes,
        "bits": options.bits,
        "pixel-bits": pixel_bits,
        "factor": pixel_bits / options.bits,
        "used": used,
        "perplexity": perplexity,
        "alpha": file.loss.alpha,
        "beta": file.loss.beta,
        "delta": file.loss.commitment,
        "variance": file.variance,
        "images": len(images),
        "source": study.test.source,
    }
    return TrainedFramework(framework, table, numbers)
