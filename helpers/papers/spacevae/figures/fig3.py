"""Figure 3 of the SpaCE-VAE paper: the framework with the tensors and loss terms of a real image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from torch import Tensor, nn

from helpers.methods.space_vae.files import read_space_vae
from helpers.methods.space_vae.loss import SpaceVAELoss
from helpers.methods.space_vae.method import SpaceVAE
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.figures.words import COLOURS, number
from helpers.plots import MASK_COLOURS, METHOD_COLOURS
from helpers.plots.figures import book_figure
from helpers.plots.pictures import draw_image

WIDTH, HEIGHT = 11.6, 5.15  # inches, as are all positions below
TERMS = {
    "reconstruction": "near the image\n$\\|\\mathbf{x}-\\hat{\\mathbf{x}}\\|^2$",
    "commitment": "near its codes\n$\\delta\\,\\|z_e-\\mathrm{sg}[e]\\|^2$",
    "sparsity": "dark\n$\\alpha\\,|\\hat{\\mathbf{x}}|$",
    "classification": "recognised\n$-\\beta\\,\\log C_{\\hat y}(\\hat{\\mathbf{x}})$",
}
Box = tuple[float, float, float, float]  # left, bottom, width, height


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


def draw_framework(framework: Framework, class_names: Sequence[str]) -> Figure:
    """The way from the image to the four terms of the loss.

    Args:
        framework: the result of `trace_image`.
        class_names: one per class.

    Returns:
        A figure.
    """
    with book_figure((WIDTH, HEIGHT), style={"axes.titlesize": 9, "axes.titlepad": 3, "axes.grid": False}) as figure:
        _picture(figure, (0.1, 3.4, 1.3, 1.3), framework.image, "image $\\mathbf{x}$")
        _box(figure, (1.75, 3.4, 0.75, 1.3), "encoder\n$E$", METHOD_COLOURS["Pixel RDE"])
        norm = framework.encoded.norm(dim=0, keepdim=True)
        _picture(figure, (2.85, 3.4, 1.3, 1.3), norm / norm.max(), "$z_e(\\mathbf{x})$: lengths")
        _box(figure, (4.5, 3.4, 0.85, 1.3), "nearest\ncode $Q$", METHOD_COLOURS["random wavelets"])
        _picture(figure, (5.7, 3.4, 1.3, 1.3), _laid_out(framework), "grid of codes $z_q(\\mathbf{x})$")
        _box(figure, (7.35, 3.4, 0.75, 1.3), "decoder\n$D$", METHOD_COLOURS["Pixel RDE"])
        _picture(figure, (8.45, 3.4, 1.3, 1.3), framework.kept, "kept image $\\hat{\\mathbf{x}}$")
        columns, rows = _codebook(figure, (3.87, 1.5, 2.1, 1.42), framework.codebook)
        words = f"codebook $e$:\n{columns * rows} codes, each\nas the patch that\nit stands for"
        figure.text(3.75 / WIDTH, 2.21 / HEIGHT, words, ha="right", va="center", fontsize=8.5, linespacing=1.3)
        _box(figure, (10.1, 1.62, 1.4, 0.5), "classifier $C$ (frozen)", METHOD_COLOURS["neutral"])
        _draw_predictions(figure, (8.45, 1.62, 1.3, 1.3), framework, class_names)
        _losses(figure, framework.terms)
        for start, end in [
            *(((x, 4.05), (x + 0.31, 4.05)) for x in (1.42, 2.52, 4.17, 5.37, 7.02, 8.12)),
            ((4.92, 2.95), (4.92, 3.38)),
        ]:
            _arrow(figure, start, end)
        for (x, y), (to_x, to_y), bend in [((9.77, 4.05), (10.8, 2.15), -0.35), ((10.08, 1.87), (9.8, 1.87), 0.0)]:
            _arrow(figure, (x, y), (to_x, to_y), bend)
        figure.add_artist(
            FancyArrowPatch(
                (0.75 / WIDTH, 4.95 / HEIGHT),
                (11.1 / WIDTH, 2.15 / HEIGHT),
                connectionstyle="angle,angleA=0,angleB=90,rad=12",
                arrowstyle="-|>",
                mutation_scale=9,
                color=METHOD_COLOURS["neutral"],
                lw=1.1,
                linestyle=(0, (4, 2)),
            )
        )
    return figure


def _laid_out(framework: Framework) -> Float[Tensor, "3 height width"]:
    """The grid with each position filled by the picture of its code."""
    patches = framework.codebook[framework.codes]  # grid grid 3 side side
    return patches.permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)


def _codebook(figure: Figure, box: Box, pictures: Tensor) -> tuple[int, int]:
    """Draw the codebook as a mosaic from dark to bright; returns the numbers of columns and rows."""
    count = len(pictures)
    columns = next(c for c in range(max(1, round((1.42 * count) ** 0.5)), 0, -1) if count % c == 0)
    rows = count // columns
    order = pictures.mean((1, 2, 3)).argsort(stable=True)
    mosaic = pictures[order].unflatten(0, (rows, columns)).permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)
    axes = _axes(figure, box)
    draw_image(axes, mosaic)
    axes.set_aspect("auto")
    return columns, rows


def _draw_predictions(
    figure: Figure, box: Box, framework: Framework, class_names: Sequence[str], count: int = 4
) -> None:
    """Bars of the `count` largest probabilities, for the image and for the kept image."""
    axes = _axes(figure, box)
    shown = torch.maximum(framework.before, framework.after).argsort(descending=True)[:count].tolist()
    heights = np.arange(len(shown))
    axes.barh(
        heights - 0.19,
        framework.before[shown].tolist(),
        0.36,
        color=METHOD_COLOURS["neutral"],
        label="of $\\mathbf{x}$",
    )
    axes.barh(
        heights + 0.19,
        framework.after[shown].tolist(),
        0.36,
        color=COLOURS["space-vae"],
        label="of $\\hat{\\mathbf{x}}$",
    )
    axes.set(xlim=(0, 1), xticks=[0, 1], yticks=heights, ylim=(len(shown) - 0.5, -0.5))
    axes.set_yticklabels([class_names[k] for k in shown])
    axes.tick_params(labelsize=8, length=0)
    axes.set_title("the two predictions", fontsize=9)
    axes.legend(fontsize=8, loc="lower right", handlelength=0.9, borderpad=0.1)


def _losses(figure: Figure, terms: dict[str, float]) -> None:
    """The terms in a row of boxes with a plus between them, and their sum."""
    shown = {name: terms[name] for name in TERMS if name in terms}
    left, width = 0.35, 2.25
    for index, (name, value) in enumerate(shown.items()):
        x = left + index * (width + 0.22)
        _box(figure, (x, 0.12, width, 0.95), "", COLOURS["space-vae"])
        figure.text((x + 0.8) / WIDTH, 0.595 / HEIGHT, TERMS[name], ha="center", va="center", fontsize=9)
        figure.text((x + 1.85) / WIDTH, 0.595 / HEIGHT, number(value, 3), ha="center", va="center", fontsize=11)
        if index:
            figure.text((x - 0.11) / WIDTH, 0.595 / HEIGHT, "+", ha="center", va="center", fontsize=13)
    total = number(sum(terms.values()), 3)
    figure.text(
        (left + len(shown) * (width + 0.22) - 0.08) / WIDTH, 0.595 / HEIGHT, f"= {total}", va="center", fontsize=12
    )


def _axes(figure: Figure, box: Box) -> Axes:
    left, bottom, width, height = box
    return figure.add_axes((left / WIDTH, bottom / HEIGHT, width / WIDTH, height / HEIGHT))


def _picture(figure: Figure, box: Box, picture: Tensor, title: str) -> None:
    draw_image(_axes(figure, box), picture, title, colours=MASK_COLOURS)


def _box(figure: Figure, box: Box, words: str, colour: str) -> None:
    left, bottom, width, height = box
    corner, style = (left / WIDTH, bottom / HEIGHT), "round,pad=0,rounding_size=0.01"
    size = (width / WIDTH, height / HEIGHT)
    figure.add_artist(FancyBboxPatch(corner, *size, boxstyle=style, facecolor="white", edgecolor=colour, lw=1.8))
    middle = ((left + width / 2) / WIDTH, (bottom + height / 2) / HEIGHT)
    figure.text(*middle, words, ha="center", va="center", fontsize=9.5)


def _arrow(figure: Figure, start: tuple[float, float], end: tuple[float, float], bend: float = 0.0) -> None:
    ends = [(x / WIDTH, y / HEIGHT) for x, y in (start, end)]
    style = f"arc3,rad={bend}"
    figure.add_artist(
        FancyArrowPatch(*ends, connectionstyle=style, arrowstyle="-|>", mutation_scale=9, color="black", lw=1.2)
    )
