"""A map of the field of explanation methods, for the chapter on the question of what an explanation is."""

from __future__ import annotations

from matplotlib.figure import Figure

from helpers.plots import METHOD_COLOURS, panels

_COST = ("one pass", "many passes", "a search\nper image", "a network,\ntrained once")
_QUESTION = (
    "where information\nmay flow",
    "which small change\nmatters",
    "who contributes\nhow much",
    "without what would\nit fail (necessary)",
    "what is enough\n(sufficient)",
    "what else would change\nthe prediction (contrastive)",
)
# the column and the row of each method; between two rows: it asks both questions
_FIELD: dict[str, tuple[float, float]] = {
    "attention rollout": (0, 0),
    "gradients": (0, 1),
    "Grad-CAM": (0, 2.18),
    "DeepLIFT": (0, 1.82),
    "integrated gradients": (1, 2.27),
    "LIME": (1, 2.0),
    "SHAP": (1, 1.73),
    "occlusion": (1, 3),
    "RISE": (1, 4),
    "Pixel RDE": (2, 4.3),
    "CartoonX": (2, 4.05),
    "Extremal Perturbations": (2, 3.8),
    "iGOS++": (2, 3.5),
    "counterfactuals": (2, 5),
    "Explainer, RTIS": (3, 3.5),
    "SpaCE-VAE": (3, 4.1),
}
_ELSEWHERE = ("gradients", "LIME", "SHAP", "counterfactuals")
"""Methods that this book does not treat."""


def draw_field() -> Figure:
    """A map of methods: the question that each asks, and the cost of an answer."""
    with panels(size=(8.4, 5.2)) as (figure, axes):
        for line in range(1, len(_QUESTION)):
            axes.axhline(line - 0.5, color="#D9D9D9", linewidth=0.6)
        for name, (cost, question) in _FIELD.items():
            here = name not in _ELSEWHERE
            axes.text(
                cost,
                question,
                name,
                ha="center",
                va="center",
                fontsize=10,
                color=METHOD_COLOURS["Pixel RDE" if here else "neutral"],
                fontweight="bold" if here else "normal",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )
        axes.set_xticks(range(len(_COST)), _COST)
        axes.set_yticks(range(len(_QUESTION)), _QUESTION)
        axes.set(xlim=(-0.5, len(_COST) - 0.5), ylim=(-0.5, len(_QUESTION) - 0.5), xlabel="cost of an explanation →")
        axes.grid(False)
        axes.tick_params(length=0)
    return figure
