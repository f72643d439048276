"""An entry of the registry of tables: the function that computes a table, and all that it depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Paper = Literal["recartoonx", "explainer", "spacevae"]


@dataclass(frozen=True)
class Table:
    """One table; some exist once for each pair of a dataset and a classifier.

    Attributes:
        name: the name of its files in `results/<profile>/`; with the suffix `-<dataset>-<classifier>` for tables of
            class masks that depend on a study's images.
        make: the function that computes it from a study, as "module:function".
        settings: the dotted names of the profile's settings that it depends on, besides the common ones.
        common: the common settings that it depends on; None for all of its paper's.
        reads: tables that its function reads.
        after: tables to compute first, since it shares stored results with them.
        needs: dotted names of optional sections of the profile that it requires.
        datasets, classifiers: the pairs for which the paper has it.
        methods: the methods whose class masks it depends on, or "all".
        images: the images of a class study that it depends on.
        figures: the figures of which it is the table, as (dataset, classifier, figure); its files have their names.
        networks: it depends on all trained SpaCE-VAEs, not only on the one from which trainings start.
        inputs: a function from a study to further dependencies by name, as "module:function".
        transformer: it depends on the profile's transformer, if there is one.
        conditioned: it requires a network with beta as an input.
        scenes: it requires scenes, whose classes and masks are known exactly.
        regions: it requires images with a mask of each class: scenes, or VOC's animals.
        on_request: it is computed only when requested by name, since it takes hours or trains networks.
    """

    name: str
    make: str
    settings: tuple[str, ...] = ()
    common: tuple[str, ...] | None = None
    reads: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    classifiers: tuple[str, ...] = ()
    methods: tuple[str, ...] | Literal["all"] = ()
    images: tuple[Literal["segmented", "test"], ...] = ("segmented",)
    figures: tuple[tuple[str, str, str], ...] = ()
    networks: bool = True
    inputs: str = ""
    transformer: bool = False
    conditioned: bool = False
    scenes: bool = False
    regions: bool = False
    on_request: bool = False

    @property
    def paper(self) -> Paper:
        """The paper whose studies compute the table, from its function's package; [Re] CartoonX for the gallery."""
        packages = self.make.split(".")
        return packages[2] if packages[1] == "papers" else "recartoonx"  # type: ignore[return-value]
