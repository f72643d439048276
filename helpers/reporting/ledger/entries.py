"""The claims as data: one YAML file per paper, and one for the claims of this book about itself.

A file has three parts: the source of its claims, the runs that may decide them, and the claims. The pages of figures
and the page of the ledger are drawn from these entries.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from helpers.core.files import ROOT
from helpers.core.names import known_names
from helpers.core.statistics import Effect
from helpers.core.strict_yaml import read_strict_yaml

FILES = (
    "helpers/papers/recartoonx/claims.yaml",
    "helpers/papers/explainer/claims.yaml",
    "helpers/papers/spacevae/claims.yaml",
    "helpers/chapters/claims.yaml",
)
"""The files of claims, from the project's root, in the order of the ledger."""

Evidence = Literal["photographs", "CIFAR-10", "scenes"]
"""The kinds of images, best evidence first: what was drawn by this book decides least."""

Aspect = Literal["network", "data", "resolution", "recipe", "epochs", "training", "images", "peers", "machine"]
"""What may differ between a run and the paper: see `Run.differs`."""

Side = Literal["above", "below", "within"]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Run(_Entry):
    """A run of one profile, and how it differs from the paper's.

    Attributes:
        profile: the profile, whose tables are in `results/<profile>/`.
        evidence: the kind of its images.
        words: its images, network and settings, for a reader: "30 photographs of ImageNet, MobileNetV2, 256 px".
        differs: what differs from the paper, by aspect, as a clause: "MobileNetV2 for MobileNetV3-Small".
        never_run: the reason and the cost, for a run that this project has not made.
        command: the command that makes the run.
    """

    profile: str
    evidence: Evidence
    words: str
    differs: dict[Aspect, str] = {}
    never_run: str = ""
    command: str = ""


class Claim(_Entry):
    """One decidable claim.

    Attributes:
        id: a letter for the paper and a number, such as R6.
        by: who claims it: the paper, or this book.
        place: the place in the paper: "Section 4.1, Figure 3 (left)".
        figures: the ids of the figures that show it; its statistics are corrected for the other claims of the first.
        family: for a claim that no figure shows: a name that it shares with the claims for which it is corrected.
        claim: the claim in our words, as a sentence without a full stop.
        quantity: the quantity that decides, with its unit and the order of the difference.
        measure: the function that computes the effect from the tables, as "module:function" in the file's package.
        arguments: further arguments of the function.
        tables: the names of the tables that it takes, in order.
        columns: the columns of these tables that it reads.
        unit: the independent unit: image, scene, class.
        direction: the side of `null_value` on which the claim expects the effect; or within `margin` of it.
        null_value: the value that means no difference.
        margin: the largest difference that counts as none, for claims of equality.
        decimals: of the displayed effect.
        needs: the aspects in which a run must equal the paper's for a fair test.
        runs: the runs that may decide it, best evidence first.
        differs: further differences of single runs, for this claim only.
        missing: for a claim that no run decides: what is missing, and what it costs.
        remark: a sentence for the reader, such as a reason to doubt the measure.
    """

    id: Annotated[str, Field(pattern=r"^[A-Z][0-9]+[a-z]?$")]
    by: Literal["paper", "book"] = "paper"
    place: str
    figures: tuple[str, ...] = ()
    family: str = ""
    claim: str
    quantity: str
    measure: Annotated[str, Field(pattern=r"^([a-z0-9_.]+:[a-z0-9_]+)?$")] = ""
    arguments: dict[str, Any] = {}
    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    unit: str = "image"
    direction: Side = "above"
    null_value: float = 0.0
    margin: float = 0.0
    decimals: int = 2
    needs: tuple[Aspect, ...] = ()
    runs: tuple[str, ...] = ()
    differs: dict[str, dict[Aspect, str]] = {}
    missing: str = ""
    remark: str = ""

    @model_validator(mode="after")
    def _decidable(self) -> Claim:
        if bool(self.runs) != bool(self.measure and self.tables):
            raise ValueError(f"{self.id}: runs, measure and tables belong together; give all of them, or none")
        if not self.runs and not self.missing:
            raise ValueError(f"{self.id}: no run decides it, so `missing` must say what is missing and what it costs")
        if (self.direction == "within") != (self.margin > 0):
            raise ValueError(f"{self.id}: a claim of equality has the direction within and a margin above 0")
        if unknown := self.differs.keys() - set(self.runs):
            raise ValueError(f"{self.id}: differs names {', '.join(sorted(unknown))}, which is not among its runs")
        if self.figures and self.family:
            raise ValueError(f"{self.id}: it is corrected for the claims of its figure, so it has no other family")
        return self

    @property
    def corrected_with(self) -> str:
        """The name of the claims for which it is corrected: its first figure, its family, or its own id."""
        return self.figures[0] if self.figures else self.family or self.id


class ClaimFile(_Entry):
    """The claims of one paper.

    Attributes:
        paper: the paper's name, as readers know it.
        key: its key in book/references.bib; empty for this book.
        measures: the package of the functions that compute effects.
        runs: the runs by name.
        claims: the claims, in the order of the paper.
    """

    paper: str
    key: str = ""
    measures: str
    runs: dict[str, Run]
    claims: tuple[Claim, ...]

    @model_validator(mode="after")
    def _consistent(self) -> ClaimFile:
        for claim in self.claims:
            for name in claim.runs:
                if name not in self.runs:
                    raise ValueError(f"{claim.id}: there is no run {name!r}{known_names(name, self.runs)}")
        ids = [claim.id for claim in self.claims]
        if repeated := sorted({name for name in ids if ids.count(name) > 1}):
            raise ValueError(f"repeated ids: {', '.join(repeated)}")
        return self

    def function(self, claim: Claim) -> Callable[..., Effect]:
        """The function that computes a claim's effect."""
        module, _, name = claim.measure.partition(":")
        return getattr(importlib.import_module(f"{self.measures}.{module}"), name)

    def differences(self, claim: Claim, run: str) -> dict[Aspect, str]:
        """What differs between a run and the paper, for this claim."""
        return {**self.runs[run].differs, **claim.differs.get(run, {})}

    def unfair(self, claim: Claim, run: str) -> dict[Aspect, str]:
        """Those differences that make a run no fair test of a claim; empty if it is one."""
        return {aspect: text for aspect, text in self.differences(claim, run).items() if aspect in claim.needs}


def read_claims(path: Path) -> ClaimFile:
    """Read a file of claims.

    Raises:
        ValueError: the file has an unknown key, a wrong value or inconsistent entries; the message names them.
    """
    try:
        return ClaimFile.model_validate(read_strict_yaml(path))
    except ValidationError as error:
        raise ValueError(f"{path}: {error}") from error


@lru_cache
def load_claims(root: Path = ROOT) -> dict[str, ClaimFile]:
    """All files of claims, by their path from the root.

    Raises:
        ValueError: a file is wrong, or two claims of different files share an id.
    """
    files = {name: read_claims(root / name) for name in FILES if (root / name).is_file()}
    ids = [claim.id for file in files.values() for claim in file.claims]
    if repeated := sorted({name for name in ids if ids.count(name) > 1}):
        raise ValueError(f"several files have claims with the ids {', '.join(repeated)}")
    return files


def all_claims(root: Path = ROOT) -> Iterator[tuple[ClaimFile, Claim]]:
    """All claims with their files, in the order of the ledger."""
    for file in load_claims(root).values():
        for claim in file.claims:
            yield file, claim


def claims_of_figure(figure: str, root: Path = ROOT) -> list[tuple[ClaimFile, Claim]]:
    """The claims that a figure shows, with their file; none for a figure without claims."""
    return [(file, claim) for file, claim in all_claims(root) if figure in claim.figures]
