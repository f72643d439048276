"""Train everything that a profile's class masks need: its classifiers, their Explainers, and the RTIS networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from helpers.classifiers import load_classifier
from helpers.data.multilabel import MultiLabelImages, load_split
from helpers.methods.explainer import ExplainerFile, ExplainerOptions, save_explainer
from helpers.methods.explainer.files import MODELS_FOLDER
from helpers.methods.explainer.train import ExplainerTraining, train_explainer
from helpers.papers.explainer.experiments.cards import write_classifier_card, write_explainer_card
from helpers.papers.explainer.experiments.study import ClassStudy, all_pairs
from helpers.profiles import Profile
from helpers.results import results_folder
from helpers.training.fine_tune import FineTuneOptions, fine_tune, save_fine_tuned
from helpers.training.multilabel import save_multilabel, train_multilabel
from helpers.training.processes import first_process, wait_for

Kind = Literal["classifier", "explainer", "rtis"]
KINDS: tuple[Kind, ...] = ("classifier", "explainer", "rtis")


@dataclass(frozen=True)
class Job:
    """One training.

    Attributes:
        study: the dataset and the classifier.
        kind: what is trained.
        output: the folder of small networks for scenes; large ones go to the profile's own.
    """

    study: ClassStudy
    kind: Kind
    output: Path = MODELS_FOLDER

    @property
    def path(self) -> Path:
        """The file that the training makes."""
        return self.file("" if self.kind == "classifier" else self.kind)

    def file(self, ending: str) -> Path:
        """The file of the classifier (`""`), or of one of its networks."""
        if self.study.explained.scenes is None:
            return self.study.weights_file(ending)
        return self.output / f"{self.study.explained.name}{'-' if ending else ''}{ending}.safetensors"

    @property
    def work(self) -> Path:
        """Where its checkpoints go."""
        return results_folder(self.study.profile, self.study.root) / "work" / f"training-{self.path.stem}"


def training_jobs(
    profile: Profile | str,
    kinds: Sequence[Kind] = KINDS,
    names: Sequence[str] = (),
    *,
    output: Path = MODELS_FOLDER,
    **options: Any,
) -> list[Job]:
    """All trainings of a profile, the classifiers before the networks that explain them.

    One process trains a classifier, and several may train a network: when the others start, all classifiers are there.

    Args:
        profile: a profile with a section `explainer`.
        kinds: what to train.
        names: the classifiers (`"vgg16"`, `"resnet50"`) to train for; none for all.
        output: where small networks for scenes go.
        options: further ones of `ClassStudy`.
    """
    jobs: dict[Path, Job] = {}  # one classifier of scenes serves both datasets: it is trained once
    for study in all_pairs(profile, **options):
        if not names or study.classifier_name in names:
            for kind in KINDS:
                if kind in kinds:
                    job = Job(study, kind, output)
                    jobs.setdefault(job.path, job)
    return sorted(jobs.values(), key=lambda job: job.kind != "classifier")


def run_job(job: Job, *, again: bool = False, show: bool = True, command: str = "", **devices: Any) -> str:
    """Do one training, unless its file is there; a killed one goes on from its last epoch.

    Where several processes run the same jobs, the first one trains the classifiers and writes all files.

    Args:
        job: which.
        again: train also where the file is there.
        show: whether to show progress.
        command: the command for the card.
        devices: `device`, `devices`, `nodes` and `strategy` of `helpers.methods.explainer.train.train_explainer`.

    Returns:
        What was done, in a line.
    """
    if job.path.is_file() and not again:
        return f"{job.path.name} is there"
    if job.kind == "classifier" and not first_process():
        wait_for(job.path)
        return f"{job.path.name}: trained by the first process"
    done = _train_classifier(job, show, command, devices) if job.kind == "classifier" else None
    return done or _train_network(job, show, command, devices)


def split_images(study: ClassStudy, split: Literal["train", "validation"]) -> MultiLabelImages:
    """The images that a study's networks are trained on: for scenes, those of all datasets of the profile.

    The planted mark comes with the classes as it did when the classifier was trained.
    """
    if study.data.source != "scenes":
        arguments: dict[str, Any] = {"root": study.data.folder(), "difficult": study.data.difficult}
        arguments |= {"size": study.settings.size, "count": getattr(study.data, split), "seed": study.data.seed}
        return load_split(study.data.source, split, **arguments)
    recipe = study.explained.scenes
    marks = {}
    if recipe is not None:
        marks = {f"shortcut_{name}": getattr(recipe, f"shortcut_{name}") for name in ("strength", "base_rate", "class")}
    parts = [
        load_split(
            "scenes", split, size=study.settings.size, count=getattr(data, split), seed=data.seed + 10 * place,
            objects=data.objects, **marks,
        )
        for place, data in enumerate(study.settings.datasets.values(), 1)
        if data.source == "scenes"
    ]  # fmt: skip
    return MultiLabelImages(
        pixels=torch.cat([part.pixels for part in parts]),
        labels=torch.cat([part.labels for part in parts]),
        names=tuple(name for part in parts for name in part.names),
        class_names=parts[0].class_names,
    )


def _train_classifier(job: Job, show: bool, command: str, devices: dict[str, Any]) -> str:
    explained, device = job.study.explained, devices.get("device", "auto")
    if explained.scenes is None:
        options = FineTuneOptions(**(explained.fine_tune or {"architecture": explained.name}))
        training, validation = split_images(job.study, "train"), split_images(job.study, "validation")
        tuned = fine_tune(training, validation, options, job.work, device=device, show=show)
        save_fine_tuned(job.path, tuned)
        return f"{job.path.name}: {tuned.epochs} epochs, {tuned.seconds:.0f} s"
    recipe = explained.scenes
    module, seconds = train_multilabel(recipe, job.work, device=device, show=show)
    save_multilabel(job.path, module)
    write_classifier_card(job.path, recipe, seconds=seconds, device=module.device.type, command=command)
    return f"{job.path.name}: {seconds:.0f} s"


def _train_network(job: Job, show: bool, command: str, devices: dict[str, Any]) -> str:
    study = job.study
    options = _network_options(job)
    classifier_path = job.file("")
    classifier = load_classifier(str(classifier_path))
    training, validation = split_images(study, "train"), split_images(study, "validation")
    done = train_explainer(options, classifier, training, validation, job.work, show=show, **devices)
    if not first_process():
        return f"{job.path.name}: saved by the first process"
    about = ExplainerFile(
        objective=options.objective,
        classifier=classifier_path.stem,
        classifier_digest=classifier.digest,
        size=study.settings.size,
        class_names=training.class_names,
    )
    save_explainer(job.path, done.network, about)
    if study.explained.scenes is not None:  # it goes to models/, with others' cards; the tables tell of large ones
        write_explainer_card(job.path, classifier.cpu(), options, done, training=len(training), command=command)
    return f"{job.path.name}: {_words(done)}"


def _network_options(job: Job) -> ExplainerOptions:
    """The recipe, with what the profile changes for this dataset, and with the name of the classifier's weights."""
    explained = job.study.explained
    options: ExplainerOptions = getattr(explained, job.kind)
    if options.network.backbone == "classifier":
        path = job.file("")
        backbone = path.stem if path.parent == MODELS_FOLDER else str(path)
        options = replace(options, network=replace(options.network, backbone=backbone))
    changes = explained.datasets.get(job.study.dataset, {}).get(job.kind, {})  # type: ignore[call-overload]
    if not changes:
        return options
    plain = options.plain()
    for name, value in changes.items():
        plain[name] = {**(plain[name] or {}), **value} if isinstance(value, dict) else value
    return ExplainerOptions(**plain)


def _words(done: ExplainerTraining) -> str:
    return f"{done.epochs} epochs, validation loss {done.validation:.4f}, {done.seconds:.0f} s on {done.device}"
