"""Train the networks of a profile: the classifier, then each SpaCE-VAE that explains it.

Some of the trainings, by their names in the profile:

    python -m helpers train --profile quick --only beta-10 grid-16
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from helpers.classifiers import load_classifier
from helpers.core.files import MODELS_FOLDER, atomic_write
from helpers.methods.space_vae.files import SpaceVAEFile, read_space_vae, save_space_vae
from helpers.methods.space_vae.network import SpaceVAENetwork
from helpers.methods.space_vae.options import SpaceVAEOptions
from helpers.methods.space_vae.training import pixel_variance, train_space_vae
from helpers.papers.spacevae.experiments.cards import write_classifier_card, write_network_card
from helpers.papers.spacevae.experiments.study import CLASSIFIER, SpaceStudy
from helpers.profiles import Profile, load_profile
from helpers.results import run_key
from helpers.training.fit import describe_training
from helpers.training.processes import check_first_process_alone, is_first_process, wait_for
from helpers.training.recipes.labelled import save_labelled, train_labelled


def train(
    profile: Profile | str = "quick",
    *,
    only: Sequence[str] = (),
    again: bool = False,
    output: Path = MODELS_FOLDER,
    results: Path | None = None,
    **devices: Any,
) -> None:
    """Do the trainings of a profile, one after another, and print what was done.

    Existing weights are kept; interrupted trainings resume.

    Args:
        profile: a name in profiles/, the path of a YAML file, or the profile itself.
        only: `"classifier"`, or names of trainings; those that initialise them are done as well. Empty: all.
        again: train even if the weights exist.
        output: the folder of weights for scenes.
        results: another folder than results/, for checkpoints and other weights.
        devices: `device`, `devices`, `nodes` and `strategy` of `helpers.training.fit.fit`.

    Raises:
        ValueError: a name is not known, or `again` is asked of processes that SLURM or torchrun started.
        OSError: data is missing.
    """
    check_first_process_alone(again)
    profile = load_profile(profile, needs="space-vae") if isinstance(profile, str) else profile
    study = SpaceStudy(profile, root=results, models=output, show_progress=True)
    check_names(study, only)
    for name in training_names(study, only):
        command = f"python -m helpers train --profile {profile.name} --only {name}"
        repeat = again and (not only or name in only)
        summary = run_training(study, name, again=repeat, show=is_first_process(), command=command, **devices)
        if is_first_process():
            print(summary, flush=True)


def check_names(study: SpaceStudy, names: Sequence[str]) -> None:
    """Raise a ValueError where a profile has no training of one of these names."""
    trainings = (CLASSIFIER, *study.settings.models)
    unknown = [name for name in names if name not in trainings]
    if unknown:
        raise ValueError(
            f"profile {study.profile.name!r} has no training {', '.join(unknown)}; use some of {', '.join(trainings)}"
        )


def training_names(study: SpaceStudy, only: Sequence[str] = ()) -> tuple[str, ...]:
    """The trainings to do, in order: those asked for, the classifier, and the trainings that initialise others."""
    requested = {CLASSIFIER, *(only or study.settings.models)}
    for name in reversed(study.settings.models):
        start = study.settings.options(name).init_from
        requested |= {start} if name in requested and start is not None else set()
    return tuple(name for name in (CLASSIFIER, *study.settings.models) if name in requested)


def training_folder(study: SpaceStudy, name: str) -> Path:
    """The folder of a training's checkpoints."""
    return study.work / f"training-space-vae-{name}"


def run_training(
    study: SpaceStudy, name: str, *, again: bool = False, show: bool = True, command: str = "", **devices: Any
) -> str:
    """Do one training unless its file exists; an interrupted training resumes from its last epoch.

    Where several processes run the same trainings, the first one trains the classifier and writes all files.

    Args:
        study: the profile.
        name: `"classifier"`, or one of the profile's trainings.
        again: train even if the file exists.
        show: whether to show progress.
        command: the command line, for the model card.
        devices: `device`, `devices`, `nodes` and `strategy` of `helpers.training.fit.fit`.

    Returns:
        A line that says what was done.
    """
    check_names(study, [name])
    path = study.weights_file(name)
    if path.is_file() and not again:
        return f"{path.name} already exists"
    if name == CLASSIFIER and not is_first_process():
        wait_for(path)
        return f"{path.name}: trained by the first process"
    train = _train_classifier if name == CLASSIFIER else _train_network
    return train(study, name, path, show, command, devices)


def initial_network(study: SpaceStudy, options: SpaceVAEOptions) -> tuple[SpaceVAENetwork | None, str | None]:
    """The network that a training begins with, and the SHA-256 of its weights; neither where it begins from nothing.

    Raises:
        FileNotFoundError: it is not trained yet.
    """
    if options.init_from is None:
        return None, None
    network, _, digest = read_space_vae(study.weights_file(options.init_from))
    return network, digest


def remove_foreign_checkpoints(folder: Path, key: str) -> None:
    """Remove checkpoints of trainings for another classifier or on other images.

    A checkpoint records its recipe only, so the training would resume from a different one.
    """
    mark = folder / "belongs-to.txt"
    while not is_first_process():  # the other processes wait until the first one has checked
        if mark.is_file() and mark.read_text() == key:
            return
        time.sleep(1)
    if mark.is_file() and mark.read_text() != key:
        for checkpoint in folder.glob("*.ckpt"):
            checkpoint.unlink()
    atomic_write(mark, key.encode())


def _train_classifier(
    study: SpaceStudy, name: str, path: Path, show: bool, command: str, devices: dict[str, Any]
) -> str:
    device = devices.get("device", "auto")
    recipe = study.settings.classifier.recipe
    training, validation = study.split("train"), study.split("validation")
    fitted = train_labelled(recipe, training, validation, training_folder(study, name), device=device, show=show)
    save_labelled(path, fitted.module, training.class_names, size=training.pixels.shape[-1])
    study.forget_networks()
    write_classifier_card(path, study, fitted, images=len(training), command=command)
    accuracy = fitted.best if recipe.keep == "best" else fitted.last
    return f"{path.name}: validation accuracy {accuracy:.4f}, {fitted.seconds:.0f} s on {fitted.device}"


def _train_network(study: SpaceStudy, name: str, path: Path, show: bool, command: str, devices: dict[str, Any]) -> str:
    options = study.settings.options(name)
    classifier = load_classifier(str(study.weights_file(CLASSIFIER)))
    training, validation = study.split("train"), study.split("validation")
    folder = training_folder(study, name)
    if options.init_from is not None and not is_first_process():
        wait_for(study.weights_file(options.init_from))
    initial, initial_digest = initial_network(study, options)
    data = study.settings.data.model_dump(mode="json")
    remove_foreign_checkpoints(folder, run_key(classifier=classifier.digest, data=data, start=initial_digest))
    fitted = train_space_vae(options, classifier, training, validation, folder, init_from=initial, show=show, **devices)
    if not is_first_process():
        return f"{path.name}: saved by the first process"
    description = SpaceVAEFile(
        loss=options.loss,
        classifier=study.weights_file(CLASSIFIER).stem,
        classifier_digest=classifier.digest,
        source=training.source,
        variance=pixel_variance(training),
    )
    save_space_vae(path, fitted.module.network, description)
    write_network_card(path, study, name, fitted, images=len(training), command=command)
    return f"{path.name}: {describe_training(fitted)}"
