"""Train what a profile's SpaCE-VAEs need: the classifier, then each network that explains it.

Some of the trainings, by the names that the profile gives them, each in a process of its own if you like:

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
        only: `"classifier"`, or names of trainings, which also do those that they begin with; empty: all.
        again: train also if the weights are there.
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
        anew = again and (not only or name in only)
        done = run_training(study, name, again=anew, show=is_first_process(), command=command, **devices)
        if is_first_process():
            print(done, flush=True)


def check_names(study: SpaceStudy, names: Sequence[str]) -> None:
    """Raise a ValueError where a profile has no training of one of these names."""
    known = (CLASSIFIER, *study.settings.models)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"profile {study.profile.name!r} has no training {', '.join(unknown)}; use some of {', '.join(known)}"
        )


def training_names(study: SpaceStudy, only: Sequence[str] = ()) -> tuple[str, ...]:
    """What is to be trained: the classifier and what a network begins with stand before it, asked for or not."""
    wanted = {CLASSIFIER, *(only or study.settings.models)}
    for name in reversed(study.settings.models):
        start = study.settings.options(name).init_from
        wanted |= {start} if name in wanted and start is not None else set()
    return tuple(name for name in (CLASSIFIER, *study.settings.models) if name in wanted)


def training_folder(study: SpaceStudy, name: str) -> Path:
    """Where the checkpoints of a training lie."""
    return study.work / f"training-space-vae-{name}"


def run_training(
    study: SpaceStudy, name: str, *, again: bool = False, show: bool = True, command: str = "", **devices: Any
) -> str:
    """Do one training, unless its file is there; a killed one goes on from its last epoch.

    Where several processes run the same trainings, the first one trains the classifier and writes all files.

    Args:
        study: the profile.
        name: `"classifier"`, or one of the profile's trainings.
        again: train also where the file is there.
        show: whether to show progress.
        command: the command for the card.
        devices: `device`, `devices`, `nodes` and `strategy` of `helpers.training.fit.fit`.

    Returns:
        What was done, in a line.
    """
    check_names(study, [name])
    path = study.weights_file(name)
    if path.is_file() and not again:
        return f"{path.name} is there"
    if name == CLASSIFIER and not is_first_process():
        wait_for(path)
        return f"{path.name}: trained by the first process"
    train = _train_classifier if name == CLASSIFIER else _train_network
    return train(study, name, path, show, command, devices)


def start_network(study: SpaceStudy, options: SpaceVAEOptions) -> tuple[SpaceVAENetwork | None, str | None]:
    """The network that a training begins with, and the SHA-256 of its weights; neither where it begins from nothing.

    Raises:
        FileNotFoundError: it is not trained yet.
    """
    if options.init_from is None:
        return None, None
    network, _, digest = read_space_vae(study.weights_file(options.init_from))
    return network, digest


def forget_others(folder: Path, key: str) -> None:
    """Remove checkpoints of a network that was trained for another classifier, or on other images.

    A checkpoint knows its recipe, and neither of these: the training would go on where another one was.
    """
    mark = folder / "belongs-to.txt"
    while not is_first_process():  # the others begin when the first one has looked
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
    done = train_labelled(recipe, training, validation, training_folder(study, name), device=device, show=show)
    save_labelled(path, done.module, training.class_names, size=training.pixels.shape[-1])
    study.__dict__.pop("classifier", None)  # of the weights that have just been replaced
    write_classifier_card(path, study, done, images=len(training), command=command)
    accuracy = done.best if recipe.keep == "best" else done.last
    return f"{path.name}: validation accuracy {accuracy:.4f}, {done.seconds:.0f} s on {done.device}"


def _train_network(study: SpaceStudy, name: str, path: Path, show: bool, command: str, devices: dict[str, Any]) -> str:
    options = study.settings.options(name)
    classifier = load_classifier(str(study.weights_file(CLASSIFIER)))
    training, validation = study.split("train"), study.split("validation")
    folder = training_folder(study, name)
    if options.init_from is not None and not is_first_process():
        wait_for(study.weights_file(options.init_from))
    start, begins = start_network(study, options)
    data = study.settings.data.model_dump(mode="json")
    forget_others(folder, run_key(classifier=classifier.digest, data=data, start=begins))
    done = train_space_vae(options, classifier, training, validation, folder, init_from=start, show=show, **devices)
    if not is_first_process():
        return f"{path.name}: saved by the first process"
    about = SpaceVAEFile(
        loss=options.loss,
        classifier=study.weights_file(CLASSIFIER).stem,
        classifier_digest=classifier.digest,
        source=training.source,
        variance=pixel_variance(training),
    )
    save_space_vae(path, done.module.network, about)
    write_network_card(path, study, name, done, images=len(training), command=command)
    return f"{path.name}: {describe_training(done)}"
