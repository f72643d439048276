"""The pages of the SpaCE-VAE paper: each has one study, and the committed runs on CIFAR-10."""

from __future__ import annotations

from functools import cached_property

from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.figures.larger import CifarRuns
from helpers.reporting.figure_page import FigurePage


class SpaceVAEPage(FigurePage[SpaceStudy]):
    """The page of a figure or table about SpaCE-VAE.

    Args:
        identifier: the figure's, such as "spacevae-tab1".
        profile: the profile's name.
        pictures: whether the page is about single images, so that it uses the study whose images may be shown.
    """

    larger_profile = "study"

    def __init__(self, identifier: str, profile: str, *, pictures: bool = False) -> None:
        study = SpaceStudy(profile)
        super().__init__(identifier, picture_study(study) if pictures else study)

    @cached_property
    def pictures(self) -> SpaceStudy:
        """The study whose images may be shown."""
        return picture_study(self.study)

    def cifar(self, *names: str) -> CifarRuns:
        """These tables of each run on CIFAR-10."""
        return CifarRuns.read(self.study.profile.name, *names)


def picture_study(study: SpaceStudy) -> SpaceStudy:
    """The study whose images are drawn: that of scenes, since CIFAR-10 may not be published."""
    return study if study.scenes else SpaceStudy("quick", root=study.root, models=study.models)
