"""Figure 3 of the SpaCE-VAE paper: the framework, with the tensors and the losses of a real image in it."""

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
    """All that stands between an image and its loss.

    Attributes:
        image, kept: pixels in [0, 1].
        encoded: z_e, the encoder's answers.
        codes: the number of the nearest code at each cell of the grid.
        codebook: each code's own picture, drawn by the decoder from a grid that holds this code alone.
        before, after: the classifier's probabilities of the image and of the kept image.
        terms: the weighted terms of the loss, by name.
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
def look_inside(
    method: SpaceVAE, classifier: nn.Module, loss: SpaceVAELoss, image: Float[Tensor, "3 height width"]
) -> Framework:
    """Take one image through a SpaCE-VAE that has one β, step by step.

    Args:
        method: trained for the classifier.
        classifier: pixels in [0, 1] to logits.
        loss: that it was trained by.
        image: pixels in [0, 1].
    """
    network = method.network
    encoded = network.encode(image[None])
    quantised = network.quantiser(encoded)
    kept = network.decode(quantised.vectors).clamp(0, 1)
    answers = classifier(torch.cat([image[None], kept])).softmax(1)
    return Framework(
        image.cpu(),
        kept[0].cpu(),
        encoded[0].float().cpu(),
        quantised.codes[0].cpu(),
        code_pictures(method).cpu(),
        answers[0].cpu(),
        answers[1].cpu(),
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
    """The patch that the decoder draws in the middle of a grid that holds one code everywhere, for each code."""
    options = method.network.options
    side, start = options.size // options.grid, options.size // 2
    grid = torch.arange(options.codes, device=method.network.quantiser.codebook.device)
    grid = grid[:, None, None].expand(-1, options.grid, options.grid)
    drawn = torch.cat(
        [
            method.network.decode(method.network.quantiser.look_up(batch)).clamp(0, 1)
            for batch in grid.split(method.batch)
        ]
    )
    return drawn[:, :, start : start + side, start : start + side]


def used_codes(codes: Int[Tensor, "images grid grid"], count: int) -> tuple[int, float]:
    """How many of `count` codes these grids use, and the perplexity of their use: so many, if all were used alike."""
    shares = codes.flatten().bincount(minlength=count).float() / codes.numel()
    return int((shares > 0).sum()), float(torch.exp(torch.special.entr(shares).sum()))


def term_table(image: dict[str, float], mean: dict[str, float], count: int) -> pd.DataFrame:
    """One row per term: term, this_image, test_images (a mean), images."""
    return pd.DataFrame(
        {"term": list(image), "this_image": list(image.values()), "test_images": list(mean.values()), "images": count}
    )


@dataclass(frozen=True)
class TrainedFramework:
    """A trained SpaCE-VAE with one image in it, and the loss of all test images.

    Attributes:
        framework: the image on its way to its loss.
        table: one row per term of the loss (see `term_table`).
        numbers: what the text says of the codes and of the loss, by name.
    """

    framework: Framework
    table: pd.DataFrame
    numbers: dict[str, float | str]


def look_at_training(study: SpaceStudy, training: str, row: int) -> TrainedFramework:
    """Take a test image through one of a study's networks.

    Args:
        study: of scenes.
        training: the network's.
        row: the image's among the test images.
    """
    method, classifier = study.model(training), study.classifier
    _, about, _ = read_space_vae(study.weights_file(training))
    loss = SpaceVAELoss(about.loss, about.variance).to(study.device)
    images = study.test.floats().to(study.device)
    framework = look_inside(method, classifier, loss, images[row])
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
        "alpha": about.loss.alpha,
        "beta": about.loss.beta,
        "delta": about.loss.commitment,
        "variance": about.variance,
        "images": len(images),
        "source": study.test.source,
    }
    return TrainedFramework(framework, table, numbers)


def draw_framework(framework: Framework, class_names: Sequence[str]) -> Figure:
    """The way from the image to the four terms of the loss.

    Args:
        framework: what `look_inside` returns.
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
        words = f"codebook $e$:\n{columns * rows} codes, each\nwith the patch that\nit stands for"
        figure.text(3.75 / WIDTH, 2.21 / HEIGHT, words, ha="right", va="center", fontsize=8.5, linespacing=1.3)
        _box(figure, (10.1, 1.62, 1.4, 0.5), "classifier $C$ (frozen)", METHOD_COLOURS["neutral"])
        _answers(figure, (8.45, 1.62, 1.3, 1.3), framework, class_names)
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
    """Each cell of the grid filled with its code's own picture."""
    patches = framework.codebook[framework.codes]  # grid grid 3 side side
    return patches.permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)


def _codebook(figure: Figure, box: Box, pictures: Tensor) -> tuple[int, int]:
    """The codebook as a mosaic, sorted from dark to bright; returns its columns and rows."""
    count = len(pictures)
    columns = next(c for c in range(max(1, round((1.42 * count) ** 0.5)), 0, -1) if count % c == 0)
    rows = count // columns
    order = pictures.mean((1, 2, 3)).argsort(stable=True)
    mosaic = pictures[order].unflatten(0, (rows, columns)).permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)
    axes = _axes(figure, box)
    draw_image(axes, mosaic)
    axes.set_aspect("auto")
    return columns, rows


def _answers(figure: Figure, box: Box, framework: Framework, class_names: Sequence[str], most: int = 4) -> None:
    axes = _axes(figure, box)
    shown = torch.maximum(framework.before, framework.after).argsort(descending=True)[:most].tolist()
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
    axes.set_title("the two answers", fontsize=9)
    axes.legend(fontsize=8, loc="lower right", handlelength=0.9, borderpad=0.1)


def _losses(figure: Figure, terms: dict[str, float]) -> None:
    """The terms in a row of boxes, as wide as they are large, with a plus between them."""
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
