"""The pages of "What You See is What You Classify": each has one study of class masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from IPython.display import HTML, Markdown

from helpers.papers.explainer.experiments.pairs import table_of_pairs
from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.papers.explainer.figures.masks import drawn_methods, last_map_cells
from helpers.papers.explainer.figures.names import ANIMAL_NAMES, NAMES, PAPER_NAMES, SCENE_NAMES
from helpers.reporting.committed import evidence_table
from helpers.reporting.figure_page import FigurePage
from helpers.reporting.made import how_it_was_made
from helpers.reporting.words import show_numbers, show_table
from helpers.results import find_table, read_provenance

MARKED = "resnet50"
"""The pair's name of the classifier that, on scenes, was trained with a planted mark."""


PHOTOGRAPHS = "voc-animals"
"""The profile whose tables are the best evidence: real photographs, with outlines drawn by people."""

ABOUT_ANIMALS = (
    "**These are photographs, but neither all of the paper's images nor its networks.** They are those test images of "
    "PASCAL VOC's segmentations (2007 and 2012) that show a cat, dog, horse, cow or sheep, at 128 px, with VOC's own "
    f"masks; undecided pixels are left out. The classifier, {ANIMAL_NAMES['vgg16']}, was fine-tuned on whole "
    "photographs only, for a few epochs, and its Explainer began as the classifier. Slow methods have fewer "
    "images than others."
)
"""What the profile `voc-animals` really uses."""


_COMMAND = f"python -m helpers train --profile {PHOTOGRAPHS} && python -m helpers table all --profile {PHOTOGRAPHS}"

NOT_RUN = (
    f"The profile `{PHOTOGRAPHS}` has not been run for this page. It needs the photographs and, for each of its two "
    f"classifiers, about a quarter of an hour of training and an hour of tables on one core: `{_COMMAND}`."
)
"""What a page says that lacks the photographs' table, with the command and its cost."""


class ExplainerPage(FigurePage[ClassStudy]):
    """The page of a figure or table about class masks.

    Args:
        identifier: the figure's, such as "explainer-tab2".
        profile: the profile's name.
        dataset, classifier: the pair whose masks the page shows; None for the profile's first one.
    """

    larger_profile = "scenes"

    def __init__(
        self, identifier: str, profile: str, dataset: str | None = None, classifier: str | None = None
    ) -> None:
        super().__init__(identifier, ClassStudy(profile, dataset, classifier))

    def study_of(self, classifier: str) -> ClassStudy:
        """The study of the same images with another classifier."""
        return (
            self.study
            if classifier == self.study.classifier_name
            else ClassStudy(self.study.profile, self.study.dataset, classifier)
        )

    def table_of_pairs(self, name: str, **options: Any) -> pd.DataFrame:
        """A table of all pairs of a dataset and a classifier; stored parts that are stale are computed anew."""
        return table_of_pairs(self.study.profile, name, **options)

    def best_profile(self, name: str) -> str:
        """The profile of the table that the page shows first, which has the best evidence of its kind of images.

        On a page of scenes this is `scenes`, in which all methods search with their full settings, if its table is
        committed; else the page's own.

        Args:
            name: the table's name, or the page's id for the one that it writes.
        """
        own, larger = self.study.profile.name, self.larger_profile
        if self.study.data.source != "scenes" or own == larger or evidence_table(larger, name) is None:
            return own
        return larger

    def best(self, name: str, own: pd.DataFrame) -> pd.DataFrame:
        """The table that the page shows first (see `best_profile`).

        Args:
            name: the table's name, or the page's id for the one that it writes.
            own: the page's own table.
        """
        profile = self.best_profile(name)
        committed = None if profile == self.study.profile.name else evidence_table(profile, name)
        return own if committed is None else committed

    def made(self, name: str | None = None, **more: Any) -> None:
        """Fill the boxes "made", for the page's own run, and "made-best", for the table that it shows first."""
        super().made(name, **more)
        stored = self.identifier if name is None else self.study.file_name(find_table(name))
        best = how_it_was_made(self.best_profile(name or self.identifier), stored, **more)
        show_numbers({"made-best": show_table(best, escape=False)})

    @property
    def names(self) -> dict[str, str]:
        """The displayed names of datasets and classifiers: what is really used, with the name in the paper."""
        return NAMES.get(self.study.data.source, PAPER_NAMES)

    def photographs(self, make: Callable[..., pd.DataFrame], *names: str, **more: Any) -> HTML | Markdown:
        """The summary of committed tables of VOC's animals: the page's best evidence, where it is not its own.

        Args:
            make: computes the summary from the tables.
            names: of the tables; by default the one that this page writes.
            more: further arguments of `make`.
        """
        tables = [evidence_table(PHOTOGRAPHS, name) for name in names or (self.identifier,)]
        if any(table is None for table in tables):
            return Markdown(NOT_RUN)
        return show_table(make(*tables, **more))

    def about_photographs(self) -> Markdown:
        """What the photographs and the classifiers of VOC's animals are, in sentences."""
        return Markdown(ABOUT_ANIMALS)

    def stands_for(self, *, pairs: bool = False, grad_cam: bool = False) -> str:
        """What the page's images and classifiers are, in sentences (see `stands_for`)."""
        return stands_for(self.study, pairs=pairs, grad_cam=grad_cam)

    def machine(self, name: str, profile: str | None = None) -> dict[str, Any]:
        """The machine on which this pair's table was computed, for the page's own profile or another one."""
        provenance = read_provenance(profile or self.study.profile, self.study.file_name(find_table(name)))
        return provenance["machine"]

    def _own_table(self, name: str) -> pd.DataFrame | None:
        pairs = find_table(name).datasets
        return self.table_of_pairs(name) if pairs else super()._own_table(name)


def stands_for(study: ClassStudy, *, pairs: bool = False, grad_cam: bool = False) -> str:
    """What a study's images and classifier are, and how they differ from the paper's, in sentences.

    Args:
        study: the study.
        pairs: of all pairs of its profile instead of its own.
        grad_cam: say how coarse Grad-CAM's masks are.
    """
    profile = study.profile.name
    if study.data.source == "voc-animals":
        return ABOUT_ANIMALS
    if study.data.source != "scenes":
        data, classifier = PAPER_NAMES[study.dataset], PAPER_NAMES[study.classifier_name]
        return f"The profile `{profile}` runs the paper's own {data} and {classifier}."
    datasets = study.settings.datasets if pairs else {study.dataset: study.data}
    classifiers = study.settings.classifiers if pairs else {study.classifier_name: study.explained}
    images = " and ".join(
        f"scenes {name.upper()} with {data.objects[0]} to {data.objects[1]} objects for {PAPER_NAMES[dataset]}"
        for dataset, data in datasets.items()
        for name in [SCENE_NAMES[dataset].split()[1].lower()]
    )
    networks = " and ".join(
        f"`{explained.name}` for {PAPER_NAMES[name]}" + (" (trained with a planted mark)" if name == MARKED else "")
        for name, explained in classifiers.items()
    )
    several = len(classifiers) > 1
    sentences = [
        f"**These are not the paper's images and networks.** Drawn scenes of {study.settings.size} px stand for "
        f"photographs: {images}. {'Small CNNs of one architecture stand' if several else 'A small CNN stands'} for its "
        f"{'classifiers' if several else 'classifier'}: {networks}.",
        f"{'They were' if several else 'It was'} trained on masked, emptied and adversarial images, too, so that black "
        f"around an object does {'them' if several else 'it'} less harm than to the paper's classifiers.",
    ]
    if grad_cam and not drawn_methods(study, ["grad-cam"]):
        rows, columns = last_map_cells(study)
        sentences.append(
            f"The last feature map has {rows} × {columns} places at this size, where that of VGG-16 has 7 × 7. "
            "Grad-CAM cannot draw anything finer, so a comparison with it is no fair test here, and figures "
            "leave its masks out."
        )
    return " ".join(sentences)
