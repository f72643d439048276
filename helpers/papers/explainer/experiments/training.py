"""Train the networks of a profile: its multi-label classifiers, their Explainers and the RTIS networks.

Several GPUs of one machine share the training of each network, each with a part of the batch:

    python -m helpers train --profile coco2014 --devices 4 --strategy ddp

Lightning starts three more processes with the same command for the first network; the classifiers, which need one GPU
each, are trained before. SLURM starts all processes itself: the first one trains the classifiers while the others
wait for the files, so the folder of results must be visible to all machines. In a batch script with `--nodes=2`,
`--ntasks-per-node=4`, `--gpus-per-node=4`:

    srun --kill-on-bad-exit python -m helpers train --profile coco2014 --nodes 2 --devices 4 --strategy ddp

No GPU waits if one task trains the classifiers first: `--only classifier`, then `--only explainer rtis`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from helpers.classifiers import load_classifier
from helpers.core.names import known_names
from helpers.data.multilabel import MultiLabelImages, load_split
from helpers.methods.explainer import ExplainerFile, ExplainerOptions, save_explainer
from helpers.methods.explainer.files import MODELS_FOLDER
from helpers.methods.explainer.training import train_explainer
from helpers.papers.explainer.experiments.cards import write_classifier_card, write_explainer_card
from helpers.papers.explainer.experiments.pairs import all_pairs
from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.profiles import Profile, load_profile
from helpers.profiles.base import expand_data_path
from helpers.profiles.explainer_sections import ExplainedClassifier
from helpers.results import results_folder
from helpers.training.fit import describe_training
from helpers.training.options import FineTuneOptions
from helpers.training.processes import check_first_process_alone, is_first_process, wait_for
from helpers.training.recipes.fine_tune import fine_tune, save_fine_tuned
from helpers.training.recipes.multilabel import MultiLabelModule, train_multilabel
from helpers.training.recipes.scene import save_scene_classifier

TrainingName = Literal["classifier", "explainer", "rtis"]
TRAININGS: tuple[TrainingName, ...] = ("classifier", "explainer", "rtis")


@dataclass(frozen=True)
class Job:
    """One training.

    Attributes:
        study: the dataset and the classifier.
        name: the training: the classifier, its Explainer, or the RTIS network.
        output: the folder of weights for scenes; others go to the profile's own folder.
    """

    study: ClassStudy
    name: TrainingName
    output: Path = MODELS_FOLDER

    @property
    def path(self) -> Path:
        """The file of the trained weights."""
        return self.file("" if self.name == "classifier" else self.name)

    def file(self, suffix: str) -> Path:
        """The file of the classifier (`""`), or of one of its networks."""
        if self.study.explained.scenes is None:
            return self.study.weights_file(suffix)
        return self.output / f"{self.study.explained.name}{'-' if suffix else ''}{suffix}.safetensors"

    @property
    def work(self) -> Path:
        """The folder of its checkpoints."""
        return results_folder(self.study.profile, self.study.root) / "work" / f"training-{self.path.stem}"


def train(
    profile: Profile | str = "quick",
    *,
    only: Sequence[str] = (),
    classifiers: Sequence[str] = (),
    again: bool = False,
    output: Path = MODELS_FOLDER,
    results: Path | None = None,
    **devices: Any,
) -> None:
    """Do the trainings of a profile, one after another, and print what was done.

    Existing weights are kept; interrupted trainings resume.

    Args:
        profile: a name in profiles/, the path of a YAML file, or the profile itself.
        only: some of `"classifier"`, `"explainer"` and `"rtis"`; empty: all.
        classifiers: the classifiers to train for, such as `"vgg16"`; empty: all.
        again: train even if the weights exist.
        output: the folder of weights for scenes.
        results: another folder than results/, for checkpoints and weights for photographs.
        devices: `device`, `devices`, `nodes` and `strategy` of `helpers.training.fit.fit`.

    Raises:
        ValueError: a name is not known, or `again` is asked of processes that SLURM or torchrun started.
        OSError: data is missing.
    """
    check_first_process_alone(again)
    profile = load_profile(profile, needs="explainer") if isinstance(profile, str) else profile
    jobs = training_jobs(profile, only, classifiers, output=output, root=results)
    for job in jobs:  # before the first of many hours
        job.study.require_data()
    for job in jobs:
        command = f"python -m helpers train --profile {profile.name} --only {job.name}"
        command += f" --classifier {job.study.classifier_name}"
        summary = run_job(job, again=again, show=is_first_process(), command=command, **devices)
        if is_first_process():
            print(summary, flush=True)


def training_jobs(
    profile: Profile | str,
    only: Sequence[str] = (),
    classifiers: Sequence[str] = (),
    *,
    output: Path = MODELS_FOLDER,
    **options: Any,
) -> list[Job]:
    """All trainings of a profile, the classifiers before the networks that explain them.

    One process trains a classifier; several may train a network, and start when all classifiers exist.

    Args:
        profile: a profile with a section `explainer`.
        only: some of `TRAININGS`; empty: all.
        classifiers: the classifiers (`"vgg16"`, `"resnet50"`) to train for; empty: all.
        output: the folder of weights for scenes.
        options: further arguments of `ClassStudy`.

    Raises:
        ValueError: there is no such training, or the profile has no such classifier.
    """
    studies = list(all_pairs(profile, **options))
    _check_known("training", only, TRAININGS)
    _check_known("classifier", classifiers, list(dict.fromkeys(study.classifier_name for study in studies)))
    jobs: dict[Path, Job] = {}  # both datasets may share a classifier of scenes, which is trained once
    for study in studies:
        if not classifiers or study.classifier_name in classifiers:
            for name in TRAININGS:
                if not only or name in only:
                    job = Job(study, name, output)
                    jobs.setdefault(job.path, job)
    return sorted(jobs.values(), key=lambda job: job.name != "classifier")


def _check_known(noun: str, names: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"there is no {noun} {', '.join(unknown)}{known_names(unknown[0], known)}")


def run_job(job: Job, *, again: bool = False, show: bool = True, command: str = "", **devices: Any) -> str:
    """Do one training unless its file exists; an interrupted training resumes from its last epoch.

    Where several processes run the same jobs, the first one trains the classifiers and writes all files.

    Args:
        job: the training.
        again: train even if the file exists.
        show: whether to show progress.
        command: the command line, for the model card.
        devices: `device`, `devices`, `nodes` and `strategy` of `helpers.training.fit.fit`.

    Returns:
        A line that says what was done.
    """
    if job.path.is_file() and not again:
        return f"{job.path.name} already exists"
    if job.name == "classifier" and not is_first_process():
        wait_for(job.path)
        return f"{job.path.name}: trained by the first process"
    training = _train_classifier if job.name == "classifier" else _train_network
    return training(job, show, command, devices)


def split_images(study: ClassStudy, split: Literal["train", "validation"]) -> MultiLabelImages:
    """The training or validation images of a study's networks; for scenes, those of all datasets of the profile.

    The planted mark is as frequent as in the training of the classifier.
    """
    if study.data.source != "scenes":
        arguments: dict[str, Any] = {"root": study.data.folder(), "difficult": study.data.difficult}
        arguments |= {"size": study.settings.size, "count": getattr(study.data, split), "seed": study.data.seed}
        return load_split(study.data.source, split, **arguments)
    recipe = study.explained.scenes
    marks = {}
    if recipe is not None:
        marks = {f"shortcut_{name}": getattr(recipe, f"shortcut_{name}") for name in ("strength", "base_rate", "class")}
    splits = [
        load_split(
            "scenes",
            split,
            size=study.settings.size,
            count=getattr(data, split),
            seed=data.seed + 10 * number,
            objects=data.objects,
            **marks,
        )
        for number, data in enumerate(study.settings.datasets.values(), 1)
        if data.source == "scenes"
    ]
    return MultiLabelImages(
        pixels=torch.cat([images.pixels for images in splits]),
        labels=torch.cat([images.labels for images in splits]),
        names=tuple(name for images in splits for name in images.names),
        class_names=splits[0].class_names,
    )


def _train_classifier(job: Job, show: bool, command: str, devices: dict[str, Any]) -> str:
    explained, device = job.study.explained, devices.get("device", "auto")
    if explained.scenes is None:
        options = fine_tune_options(explained)
        training, validation = split_images(job.study, "train"), split_images(job.study, "validation")
        tuned = fine_tune(training, validation, options, job.work, device=device, show=show)
        save_fine_tuned(job.path, tuned.module, training)
        return f"{job.path.name}: {tuned.epochs} epochs, {tuned.seconds:.0f} s"
    fitted = train_multilabel(MultiLabelModule(explained.scenes), job.work, device=device, show=show)
    save_scene_classifier(job.path, fitted.module)
    write_classifier_card(job.path, fitted, command)
    return f"{job.path.name}: {fitted.seconds:.0f} s"


def fine_tune_options(explained: ExplainedClassifier) -> FineTuneOptions:
    """The recipe of a classifier of photographs; its backbone may be in the data folder.

    Raises:
        ValueError: the backbone is there, but `XAIBOOK_DATA` is not set.
    """
    values = explained.fine_tune or {"architecture": explained.name}
    if str(values.get("backbone", "")).startswith("$"):
        values = {**values, "backbone": expand_data_path(values["backbone"])}
    return FineTuneOptions(**values)


def _train_network(job: Job, show: bool, command: str, devices: dict[str, Any]) -> str:
    study = job.study
    options = _network_options(job)
    classifier_path = job.file("")
    classifier = load_classifier(str(classifier_path))
    training, validation = split_images(study, "train"), split_images(study, "validation")
    fitted = train_explainer(options, classifier, training, validation, job.work, show=show, **devices)
    if not is_first_process():
        return f"{job.path.name}: saved by the first process"
    description = ExplainerFile(
        objective=options.objective,
        classifier=classifier_path.stem,
        classifier_digest=classifier.digest,
        size=study.settings.size,
        class_names=training.class_names,
    )
    save_explainer(job.path, fitted.module.network, description)
    if study.explained.scenes is not None:  # weights for photographs are not published and have no card
        write_explainer_card(job.path, classifier.cpu(), fitted, images=len(training), command=command)
    return f"{job.path.name}: {describe_training(fitted)}"


def _network_options(job: Job) -> ExplainerOptions:
    """The recipe with the profile's changes for this dataset, and with the classifier's weights as backbone."""
    explained = job.study.explained
    options: ExplainerOptions = getattr(explained, job.name)
    if options.network.backbone == "classifier":
        path = job.file("")
        backbone = path.stem if path.parent == MODELS_FOLDER else str(path)
        options = replace(options, network=replace(options.network, backbone=backbone))
    changes = explained.datasets.get(job.study.dataset, {}).get(job.name, {})  # type: ignore[call-overload]
    if not changes:
        return options
    plain = options.plain()
    for name, value in changes.items():
        plain[name] = {**(plain[name] or {}), **value} if isinstance(value, dict) else value
    return ExplainerOptions(**plain)
