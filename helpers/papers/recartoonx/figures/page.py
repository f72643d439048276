"""The pages of [Re] CartoonX: each has one study, and the committed runs on photographs of ImageNet."""

from __future__ import annotations

from helpers.papers.recartoonx.experiments import Study
from helpers.papers.recartoonx.figures.summaries import recipe_line
from helpers.reporting.figure_page import FigurePage, LargerRun

SECOND_NETWORKS = "study-mobilenetv2"
"""The profile of photographs with other networks than the paper's, shown where its own have no tables yet."""


class CartoonXPage(FigurePage[Study]):
    """The page of a figure about CartoonX.

    Args:
        identifier: the figure's, such as "recartoonx-fig3".
        profile: the profile's name.
    """

    larger_profile = "study"

    def __init__(self, identifier: str, profile: str) -> None:
        super().__init__(identifier, Study(profile))

    def larger(self, *names: str, profile: str = "") -> LargerRun:
        """Committed tables of photographs, all of one profile: of the paper's own networks, or of the second ones."""
        own = super().larger(*names, profile=profile)
        if own.tables or profile or self.study.profile.name == self.larger_profile:
            return own
        second = super().larger(*names, profile=SECOND_NETWORKS)
        return second if second.tables else own

    def setting(self) -> dict[str, str]:
        """The profile's name, its description and CartoonX's recipe, for the page's text."""
        profile = self.study.profile
        recipe = recipe_line(profile.cartoonx.options)
        return {"profile": profile.name, "description": profile.description.rstrip("."), "recipe": recipe}
