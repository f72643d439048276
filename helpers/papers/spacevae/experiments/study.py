"""The images, the classifier and the networks of one profile: what the tables and figures about SpaCE-VAE share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from helpers.classifiers import Classifier, load_classifier
from helpers.core.files import MODELS_FOLDER, file_digest
from helpers.core.types import Split
from helpers.data.images import image_digest
from helpers.data.labelled import LabelledImages, load_labelled
from helpers.methods.space_vae import SpaceVAE, load_space_vae
from helpers.metrics.sparsity import SparseScores, score_explanations
from helpers.profiles import Profile
from helpers.profiles.space_vae_sections import SpaceVAESettings
from helpers.results import ProfileStudy, Table, digest_of_images, none_if_missing, results_folder

CLASSIFIER = "classifier"
"""What stands for the classifier where trainings are named."""

PLAIN = "beta-10"
"""The training that the others are compared with."""

"""What a table may need of a profile's trainings."""

_AT_ONCE = 250  # images whose kept images are made and scored together
Keep = Callable[[Float[Tensor, "batch 3 height width"], slice], Float[Tensor, "batch 3 height width"]]


class SpaceStudy(ProfileStudy):
    """One profile's images, classifier and trained networks.

    Args:
        profile: a profile with a section `space_vae`, its name, or the path of its file.
        root: another folder than the project's `results/`.
        models: where weights for scenes are, which ship with the book; those for photographs are in the results.
        show_progress: show bars.

    Raises:
        ValueError: the profile has no such section.
    """

    paper = "spacevae"
    section = "space-vae"
    common_settings = ("batch_size", "space_vae.data", "space_vae.evaluation")

    def __init__(
        self,
        profile: Profile | str,
        *,
        root: Path | None = None,
        models: Path = MODELS_FOLDER,
        show_progress: bool = False,
    ) -> None:
        super().__init__(profile, root=root, show_progress=show_progress)
        if self.profile.space_vae is None:
            raise ValueError(
                f"profile {self.profile.name!r} has no section `space_vae`; use one that has, such as quick"
            )
        self.settings: SpaceVAESettings = self.profile.space_vae
        self.models = models
        self._networks: dict[str, SpaceVAE] = {}
        self._predicted: dict[str, Tensor] = {}  # a table asks a hundred times for the same images' classes

    def require_data(self) -> None:
        """Check that the images are on this machine (see `ProfileStudy.require_data`)."""
        self.split("test", 1)

    def missing_requirement(self, table: Table) -> str | None:
        """The reason why this profile cannot have a table, as a sentence; None if it can."""
        if table.scenes and not self.scenes:
            return (
                f"profile {self.profile.name!r} has no table {table.name!r}: it is about scenes, of which more is "
                "known than of photographs; use the profile quick"
            )
        conditioned = any(self.settings.options(name).network.conditioned for name in self.settings.models)
        if table.conditioned and not conditioned:
            return (
                f"profile {self.profile.name!r} has no table {table.name!r}: it needs a network with beta as an input"
            )
        return super().missing_requirement(table)

    def inputs(self, table: Table) -> dict[str, Any]:
        """The images, the weights of the classifier, and those of all networks with their recipes."""
        plain = self.settings.options(PLAIN).init_from if PLAIN in self.settings.models else None
        names = list(self.settings.models) if table.networks else [plain] if plain else []
        return {
            "images": none_if_missing(lambda: digest_of_images(self.test.pixels, self.test.labels)),
            "classifier": none_if_missing(lambda: self.classifier.digest),
            "weights": {
                name: none_if_missing(lambda name=name: file_digest(self.weights_file(name))) for name in names
            },
            "trainings": {name: self.settings.options(name).plain() for name in names},
        }

    def extra_provenance(self, table: pd.DataFrame) -> dict[str, Any]:
        """The classifier's weights, and what the images are."""
        return {"classifier": self.classifier.digest, "source": self.test.source}

    @property
    def scenes(self) -> bool:
        """Whether the images are scenes: of these more is known than of photographs, and their weights ship."""
        return self.settings.data.source == "scenes"

    @property
    def work(self) -> Path:
        """Where checkpoints, stored attributions and the weights for photographs lie."""
        return results_folder(self.profile, self.root) / "work"

    def weights_file(self, name: str) -> Path:
        """The file of a training's weights, or of the classifier's (`"classifier"`), whether it is there or not."""
        if not self.scenes:
            return self.work / "models" / f"space-vae-{name}.safetensors"
        ending = "" if name == CLASSIFIER else f"-{name}"
        return self.models / f"{self.settings.classifier.name}{ending}.safetensors"

    @cached_property
    def classifier(self) -> Classifier:
        """The classifier that is explained, on the profile's device.

        Raises:
            FileNotFoundError: it is not trained yet.
        """
        self._require(CLASSIFIER)
        return load_classifier(str(self.weights_file(CLASSIFIER)), device=self.device)

    @property
    def trained(self) -> tuple[str, ...]:
        """The names of the trainings whose weights are there, in the profile's order."""
        return tuple(name for name in self.settings.models if self.weights_file(name).is_file())

    def model(self, name: str, beta: float | int | None = None) -> SpaceVAE:
        """A trained network as a method.

        Args:
            name: of the training.
            beta: for a network that is conditioned on it.

        Raises:
            ValueError: the profile has no such training.
            FileNotFoundError: it has not been run; the message says how to.
        """
        if name not in self.settings.models:
            raise ValueError(
                f"profile {self.profile.name!r} has no training {name!r}, only {', '.join(self.settings.models)}"
            )
        self._require(name)
        if name not in self._networks:
            self._networks[name] = load_space_vae(self.weights_file(name), self.classifier)
        network = self._networks[name]
        return network if beta is None else network.with_beta(beta)

    def split(self, split: Split, count: int | None = None) -> LabelledImages:
        """The images of a split: as many as the profile says, or the first `count` of them.

        Raises:
            FileNotFoundError: they are not on this machine; the message says what to fetch.
        """
        data = self.settings.data
        images = load_labelled(
            data.source, split, count=getattr(data, split), root=data.folder(), seed=data.seed, show=self.show_progress
        )
        return images[:count]

    @cached_property
    def test(self) -> LabelledImages:
        """The test images on which our own networks are measured."""
        return self.split("test", self.settings.evaluation.images)

    @cached_property
    def validation(self) -> LabelledImages:
        """The validation images on which thresholds are chosen."""
        return self.split("validation", self.settings.evaluation.threshold_images)

    @torch.no_grad()
    def score(self, images: LabelledImages, keep: Keep, classifier: nn.Module | None = None) -> SparseScores:
        """What is left of the classifier's answers, and of the images, where only a part of each image is kept.

        Args:
            images: with their true labels.
            keep: makes kept images of some images, given which of all they are.
            classifier: another one than the study's.
        """
        parts, pixels = [], images.floats()
        for first in range(0, len(images), _AT_ONCE):
            rows = slice(first, min(first + _AT_ONCE, len(images)))
            part = pixels[rows].to(self.device)
            labels = images.labels[rows].to(self.device)
            known = self._classes(part) if classifier is None else None
            parts.append(
                score_explanations(classifier or self.classifier, part, keep(part, rows), labels, predicted=known)
            )
        return SparseScores(**{name: values.cpu() for name, values in SparseScores.join(parts).columns().items()})

    def score_kept(self, images: LabelledImages, kept: Tensor, classifier: nn.Module | None = None) -> SparseScores:
        """The scores of kept images that are there already."""
        return self.score(images, lambda part, rows: kept[rows].to(part.device), classifier)

    def score_model(self, name: str, images: LabelledImages, beta: float | int | None = None) -> SparseScores:
        """The scores of a network's kept images."""
        model = self.model(name, beta)
        return self.score(images, lambda part, _: model.explain(part).kept)

    def kept_by(
        self, name: str, images: LabelledImages, beta: float | int | None = None
    ) -> Float[Tensor, "images 3 height width"]:
        """A network's kept images, on the CPU."""
        model = self.model(name, beta)
        return torch.cat([model.explain(part.to(self.device)).kept.cpu() for part in images.floats().split(_AT_ONCE)])

    def _classes(self, images: Float[Tensor, "batch 3 height width"]) -> Int[Tensor, " batch"]:
        """The classes that the classifier gives these images, asked once."""
        key = self.classifier.digest + image_digest(images.flatten(0, 1))
        if key not in self._predicted:
            self._predicted[key] = self.classifier(images).argmax(1)
        return self._predicted[key]

    def _require(self, name: str) -> None:
        path = self.weights_file(name)
        if not path.is_file():
            raise FileNotFoundError(
                f"there are no weights {path}; train them: "
                f"python -m helpers train --profile {self.profile.name} --only {name}"
            )


def open_studies(profile: Profile | str, table: str | None = None, **options: Any) -> list[ProfileStudy]:
    """The one study of a profile."""
    return [SpaceStudy(profile, **options)]
