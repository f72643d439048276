"""The study of one profile: images, classifier and networks for the tables and figures about SpaCE-VAE."""

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
"""The name of the classifier's training."""

PLAIN = "beta-10"
"""The training that the others are compared with."""

_AT_ONCE = 250  # images per batch
Keep = Callable[[Float[Tensor, "batch 3 height width"], slice], Float[Tensor, "batch 3 height width"]]


class SpaceStudy(ProfileStudy):
    """One profile's images, classifier and trained networks.

    Args:
        profile: a profile with a section `space_vae`, its name, or the path of its file.
        root: another folder than the project's `results/`.
        models: the folder of weights for scenes, which ship with the book; those for photographs are in the results.
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
        self._classifier: Classifier | None = None
        self._networks: dict[str, SpaceVAE] = {}
        self._predicted: dict[str, Tensor] = {}  # a table predicts the same images a hundred times

    def require_data(self) -> None:
        """Check that the images are on this machine (see `ProfileStudy.require_data`)."""
        self.split("test", 1)

    def missing_requirement(self, table: Table) -> str | None:
        """The reason, a sentence, why this profile has no such table; None where it has."""
        if table.scenes and not self.scenes:
            return (
                f"profile {self.profile.name!r} has no table {table.name!r}: it needs the ground truth of scenes; "
                "use the profile quick"
            )
        conditioned = any(self.settings.options(name).network.conditioned for name in self.settings.models)
        if table.conditioned and not conditioned:
            return (
                f"profile {self.profile.name!r} has no table {table.name!r}: it needs a network with beta as an input"
            )
        return super().missing_requirement(table)

    def inputs(self, table: Table) -> dict[str, Any]:
        """The images, the classifier's weights, and the weights and recipes of the networks."""
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
        """The digest of the classifier's weights, and the source of the images."""
        return {"classifier": self.classifier.digest, "source": self.test.source}

    @property
    def scenes(self) -> bool:
        """Whether the images are scenes, which have ground truth and whose weights ship with the book."""
        return self.settings.data.source == "scenes"

    @property
    def work(self) -> Path:
        """The folder of checkpoints, stored attributions and the weights for photographs."""
        return results_folder(self.profile, self.root) / "work"

    def weights_file(self, name: str) -> Path:
        """The file of a training's weights (`"classifier"` for the classifier's); it need not exist."""
        if not self.scenes:
            return self.work / "models" / f"space-vae-{name}.safetensors"
        ending = "" if name == CLASSIFIER else f"-{name}"
        return self.models / f"{self.settings.classifier.name}{ending}.safetensors"

    @property
    def classifier(self) -> Classifier:
        """The classifier that is explained, on the profile's device.

        Raises:
            FileNotFoundError: it is not trained yet.
        """
        if self._classifier is None:
            self._require(CLASSIFIER)
            self._classifier = load_classifier(str(self.weights_file(CLASSIFIER)), device=self.device)
        return self._classifier

    def forget_networks(self) -> None:
        """Drop the loaded classifier and networks, whose files a training has replaced."""
        self._classifier = None
        self._networks.clear()

    @property
    def trained(self) -> tuple[str, ...]:
        """The names of the trainings whose weights exist, in the profile's order."""
        return tuple(name for name in self.settings.models if self.weights_file(name).is_file())

    def model(self, name: str, beta: float | int | None = None) -> SpaceVAE:
        """A trained network as a method.

        Args:
            name: of the training.
            beta: for a network that is conditioned on it.

        Raises:
            ValueError: the profile has no such training.
            FileNotFoundError: it has not been run; the message says how.
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
        """The profile's images of a split, or the first `count` of them.

        Raises:
            FileNotFoundError: they are not on this machine; the message says what to fetch.
        """
        data = self.settings.data
        images = load_labelled(
            data.source_of(split),
            split,
            count=getattr(data, split),
            root=data.folder(),
            seed=data.seed,
            show=self.show_progress,
        )
        return images[:count]

    @cached_property
    def test(self) -> LabelledImages:
        """The test images on which networks are evaluated."""
        return self.split("test", self.settings.evaluation.images)

    @cached_property
    def validation(self) -> LabelledImages:
        """The validation images on which thresholds are chosen."""
        return self.split("validation", self.settings.evaluation.threshold_images)

    @torch.no_grad()
    def score(self, images: LabelledImages, keep: Keep, classifier: nn.Module | None = None) -> SparseScores:
        """The scores of kept images: prediction agreement, confidence and sparsity.

        Args:
            images: with their true labels.
            keep: returns the kept images of a batch, given its pixels and its rows.
            classifier: another one than the study's.
        """
        scores, pixels = [], images.floats()
        for start in range(0, len(images), _AT_ONCE):
            rows = slice(start, min(start + _AT_ONCE, len(images)))
            batch = pixels[rows].to(self.device)
            labels = images.labels[rows].to(self.device)
            predicted = self._predict(batch) if classifier is None else None
            scores.append(
                score_explanations(classifier or self.classifier, batch, keep(batch, rows), labels, predicted=predicted)
            )
        return SparseScores(**{name: values.cpu() for name, values in SparseScores.join(scores).columns().items()})

    def score_kept(self, images: LabelledImages, kept: Tensor, classifier: nn.Module | None = None) -> SparseScores:
        """The scores of given kept images."""
        return self.score(images, lambda batch, rows: kept[rows].to(batch.device), classifier)

    def score_model(self, name: str, images: LabelledImages, beta: float | int | None = None) -> SparseScores:
        """The scores of a network's kept images."""
        model = self.model(name, beta)
        return self.score(images, lambda batch, _: model.explain(batch).kept)

    def kept_by(
        self, name: str, images: LabelledImages, beta: float | int | None = None
    ) -> Float[Tensor, "images 3 height width"]:
        """A network's kept images, on the CPU."""
        model = self.model(name, beta)
        return torch.cat([model.explain(batch.to(self.device)).kept.cpu() for batch in images.floats().split(_AT_ONCE)])

    def _predict(self, images: Float[Tensor, "batch 3 height width"]) -> Int[Tensor, " batch"]:
        """The predicted classes of a batch, cached."""
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
