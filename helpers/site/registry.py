"""The registry of figures: the page of each figure and table of the papers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from helpers.core.files import ROOT
from helpers.core.names import known_names
from helpers.core.strict_yaml import described, parse_strict_yaml, read_strict_yaml
from helpers.results.registry import Paper, find_table

REGISTRY = "book/figures.yaml"
CLASS_MASKS = "stalder2022explainer"  # BibTeX key of the paper whose figures need a profile's section `explainer`
SPACE_VAE = "liuhess_spacevae"  # the same for the section `space_vae`


def _known_table(name: str) -> str:
    find_table(name)
    return name


Need = Annotated[str, AfterValidator(_known_table)]


class Figure(BaseModel):
    """One figure or table of a paper.

    Attributes:
        paper: the BibTeX key of the paper.
        shows: its name in the paper, such as "Figure 3".
        title: its content, in a few words.
        notebook: its page, from the project's root.
        parameters: the page's parameters besides `profile`.
        needs: tables that are made first, since several figures share them or since they take long.
        dataset: its only dataset; None if its parameters name the dataset, or for all datasets.
        scenes: whether it needs the ground truth of scenes.
        beyond: whether this book adds it: the paper has no such figure.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    paper: str
    shows: str
    title: str
    notebook: Annotated[str, Field(pattern=r"^book/.+\.md$")]
    parameters: dict[str, str | int | float | bool] = {}
    needs: tuple[Need, ...] = ()
    dataset: Literal["voc2007", "coco2014"] | None = None
    scenes: bool = False
    beyond: bool = False

    @property
    def paper_of_tables(self) -> Paper:
        """The paper among those whose tables the registry of tables has."""
        papers: dict[str, Paper] = {CLASS_MASKS: "explainer", SPACE_VAE: "spacevae"}
        return papers.get(self.paper, "recartoonx")


_FIGURES = TypeAdapter(dict[str, Figure])


def load_registry(root: Path = ROOT) -> dict[str, Figure]:
    """The figures by id, in the order of the file.

    Raises:
        ValueError: an entry has an unknown key or a value of the wrong type; the message names entry and key.
    """
    return dict(_parse_registry((root / REGISTRY).read_bytes()))


@lru_cache(maxsize=4)
def _parse_registry(content: bytes) -> dict[str, Figure]:
    try:
        return _FIGURES.validate_python(parse_strict_yaml(content, REGISTRY))
    except ValidationError as error:
        raise ValueError(described(REGISTRY, error)) from error


def find_figure(identifier: str, root: Path = ROOT) -> Figure:
    """The figure with this id.

    Raises:
        ValueError: there is no such figure; the message lists those that exist.
    """
    figures = load_registry(root)
    if identifier not in figures:
        raise ValueError(f"figure {identifier!r} is not in {REGISTRY}{known_names(identifier, figures)}")
    return figures[identifier]


def find_profile(name: str, root: Path = ROOT) -> Path:
    """The file of a profile.

    Raises:
        ValueError: there is no such profile; the message lists those that exist.
    """
    known = sorted(path.stem for path in (root / "profiles").glob("*.yaml"))
    if name not in known:
        raise ValueError(f"profile {name!r} is not in profiles/{known_names(name, known)}")
    return root / "profiles" / f"{name}.yaml"


def possible_figures(profile: str, root: Path = ROOT) -> list[str]:
    """The ids of all figures for which a profile has settings: of CartoonX, of class masks, of SpaCE-VAE.

    Raises:
        ValueError: there is no such profile.
    """
    content = read_strict_yaml(find_profile(profile, root))
    return [identifier for identifier, figure in load_registry(root).items() if _possible(figure, content)]


def _possible(figure: Figure, profile: Mapping[str, Any]) -> bool:
    """Whether the content of a profile has the settings, datasets and ground truth that a figure needs."""
    if figure.paper == SPACE_VAE:
        section = profile.get("space_vae")
        return section is not None and (not figure.scenes or section["data"]["source"] == "scenes")
    if figure.paper != CLASS_MASKS:
        return "images" in profile or not {"explainer", "space_vae"} & profile.keys()
    section = profile.get("explainer")
    if section is None:
        return False
    datasets, dataset = section["datasets"], figure.dataset or figure.parameters.get("dataset")
    usable = [data for name, data in datasets.items() if dataset in (None, name)]
    has_classifier = figure.parameters.get("classifier") in (None, *section["classifiers"])
    has_truth = not figure.scenes or any(data["source"] == "scenes" for data in usable)
    has_pairs = not figure.scenes or "pairs" in section["evaluation"]
    return bool(usable) and has_classifier and has_truth and has_pairs
