"""Pictures of the linear VAE at one noise: directions in use, reconstructions, samples."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse
from torch import Tensor

from helpers.chapters.space_vae.linear import LinearVAE, PrincipalDirections
from helpers.core.runtime import random_generator
from helpers.plots import METHOD_COLOURS, draw_image
from helpers.plots.style import BOOK_STYLE


def draw_linear_vae(
    vae: LinearVAE,
    images: Float[Tensor, "images 3 height width"],
    decoded: Float[Tensor, "images 3 height width"],
    samples: Float[Tensor, "images 3 height width"],
    *,
    width: float | int = 8,
) -> Figure:
    """Left: the variance of each direction and the noise. Right: images, reconstructions and samples.

    Args:
        vae: the model.
        images, decoded: the images and their reconstructions.
        samples: from the model, as many as images.
        width: the figure's width in inches.
    """
    columns = len(images)
    with mpl.rc_context(BOOK_STYLE):
        figure = plt.figure(figsize=(width, 0.36 * width), layout="constrained")
        plt.close(figure)
        left, right = list(figure.subfigures(1, 2, width_ratios=(1, 1.75)))  # type: ignore[arg-type]
        spectrum = left.subplots()
        variances, numbers = vae.principal.variances, range(1, len(vae.principal.variances) + 1)
        spectrum.loglog(numbers, variances, color=METHOD_COLOURS["neutral"])
        spectrum.fill_between(
            list(numbers)[: vae.active], variances[: vae.active], vae.noise**2,
            color=METHOD_COLOURS["Pixel RDE"], alpha=0.35, linewidth=0,
        )  # fmt: skip
        spectrum.axhline(vae.noise**2, color=METHOD_COLOURS["CartoonX"], linestyle="--", linewidth=1.5)
        spectrum.annotate("σ²", (1.1, vae.noise**2), xytext=(0, 4), textcoords="offset points", ha="left")
        spectrum.set(xlabel="direction", ylabel="variance", ylim=(5e-4, None))
        spectrum.set_title(f"{vae.active} active, {vae.bits:.0f} bits per image")
        axes = right.subplots(3, columns)
        rows = {"images": images, "decoded": decoded, "drawn": samples}
        for row, (name, pictures) in zip(axes, rows.items(), strict=True):
            for axis, picture in zip(row, pictures, strict=True):
                draw_image(axis, picture)
            row[0].set_axis_on()
            row[0].grid(False)
            row[0].set(xticks=[], yticks=[], ylabel=name)
            for spine in row[0].spines.values():
                spine.set_visible(False)
    return figure


def draw_linear_vae_at(
    noise: float, principal: PrincipalDirections, images: Float[Tensor, "images 3 height width"]
) -> Figure:
    """`draw_linear_vae` for the linear VAE with this noise, with as many samples as images."""
    vae = LinearVAE(principal, noise)
    decoded, samples = vae.reconstruct(images, random_generator(1)), vae.sample(len(images), random_generator(1))
    return draw_linear_vae(vae, images, decoded, samples)


def draw_posteriors(vae: LinearVAE, images: Float[Tensor, "images 3 height width"]) -> Figure:
    """Left: the images' codes in an auto-encoder, as points. Right: their posteriors in the VAE, and the prior.

    Both show the second and the third principal direction; along the first, scenes form two clusters. The auto-encoder
    is the linear one, whose codes are coordinates in the space of pixels. The posterior of each image is drawn as the
    ellipse of two standard deviations.

    Args:
        vae: with at least three directions in use.
        images: one point and one ellipse each.
    """
    points = (images - vae.principal.mean).flatten(1) @ vae.principal.directions[1:3].T  # images, 2
    means = vae.encode(images)[:, 1:3]
    widths, heights = (4 * vae.noise / vae.principal.variances[1:3].sqrt()).tolist()
    blue, orange = METHOD_COLOURS["Pixel RDE"], METHOD_COLOURS["CartoonX"]
    with mpl.rc_context(BOOK_STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(6.2, 2.6), layout="constrained")
        plt.close(figure)
        left.plot(*points.T.tolist(), ".", color=blue)
        names = {"xlabel": "second entry of the code", "ylabel": "third entry of the code"}
        left.set(title="auto-encoder: a point per image", **names)
        for x, y in means.tolist():
            right.add_patch(Ellipse((x, y), widths, heights, facecolor=blue, alpha=0.25))
            right.plot(x, y, ".", color=blue, markersize=3)
        right.add_patch(Circle((0, 0), 2, fill=False, color=orange, linestyle="--", linewidth=1.5))
        right.set(title="VAE: a distribution per image", xlabel=names["xlabel"], xlim=(-3.2, 3.2), ylim=(-3.2, 3.2))
        right.set_aspect("equal")
    return figure
