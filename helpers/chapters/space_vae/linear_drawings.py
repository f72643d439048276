"""The linear VAE at one noise: which directions live, what it reconstructs, what it dreams up."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.chapters.space_vae.linear import LinearVAE
from helpers.plots import METHOD_COLOURS, draw_image
from helpers.plots.style import BOOK_STYLE


def draw_linear_vae(
    vae: LinearVAE,
    images: Float[Tensor, "images 3 height width"],
    decoded: Float[Tensor, "images 3 height width"],
    samples: Float[Tensor, "images 3 height width"],
    *,
    width: float | int = 9,
) -> Figure:
    """Left: the variance along each direction, and what the noise leaves of it. Right: images, reconstructions, draws.

    Args:
        vae: the model.
        images, decoded: what is encoded, and what the decoder makes of the codes.
        samples: draws from the model, as many as images.
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
            list(numbers)[: vae.alive], variances[: vae.alive], vae.noise**2,
            color=METHOD_COLOURS["Pixel RDE"], alpha=0.35, linewidth=0,
        )  # fmt: skip
        spectrum.axhline(vae.noise**2, color=METHOD_COLOURS["CartoonX"], linestyle="--", linewidth=1.5)
        spectrum.annotate("σ²", (1.1, vae.noise**2), xytext=(0, 4), textcoords="offset points", ha="left")
        spectrum.set(xlabel="direction", ylabel="variance", ylim=(5e-4, None))
        spectrum.set_title(f"{vae.alive} alive, {vae.bits:.0f} bits per image")
        axes = right.subplots(3, columns)
        rows = {"images": images, "decoded": decoded, "drawn": samples}
        for place, (name, pictures) in zip(axes, rows.items(), strict=True):
            for spot, picture in zip(place, pictures, strict=True):
                draw_image(spot, picture)
            place[0].set_axis_on()
            place[0].grid(False)
            place[0].set(xticks=[], yticks=[], ylabel=name)
            for spine in place[0].spines.values():
                spine.set_visible(False)
    return figure
