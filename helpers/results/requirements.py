"""What a profile needs on this machine, checked in seconds before anything runs: data, weights, a place for results."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path

from helpers.core.files import MODELS_FOLDER, ROOT, data_file, data_folder
from helpers.data.multilabel.archives import require_dataset
from helpers.profiles import ClassifierSettings, ImageSettings, Needs, Profile, load_profile
from helpers.results.downloads import require_published
from helpers.results.registry import TABLES, Paper, Table, find_table
from helpers.results.tables import results_folder

SECTIONS: dict[Paper, Needs] = {"recartoonx": "rate-distortion", "explainer": "explainer", "spacevae": "space-vae"}
"""What the tables of each paper need of a profile."""

_FIELDS: dict[Paper, str] = {"recartoonx": "images", "explainer": "explainer", "spacevae": "space_vae"}
_IMAGENET = "imagenet-samples"
_MASKED = {"voc-animals": "voc-animals/labels.csv", "coco-tiny": "coco-tiny/annotations/instances_val2017.json"}
_REGION_FILES = {
    "voc-animals": ("voc-animals/labels.csv",),
    "coco-tiny": ("coco-tiny/annotations/instances_train2017.json", "coco-tiny/annotations/instances_val2017.json"),
    "imagenet-val": ("imagenet-val/labels.csv",),
}


def require(
    profile: str | Path,
    papers: Iterable[Paper],
    tables: Iterable[Table] = (),
    *,
    root: Path | None = None,
    dataset: str | None = None,
) -> None:
    """Check that a profile is right, and that the data and the weights of papers are on this machine.

    Args:
        profile: its name, or the path of its file.
        papers: the papers whose sections of the profile are needed.
        tables: the only tables that are needed; none: everything of these papers.
        root: another folder than the project's `results/`.
        dataset: of class masks: the only one that is needed; None for all of the profile.

    Raises:
        ValueError: the profile is wrong, or lacks a section.
        OSError: something is missing; the message says what, and what to do.
    """
    tables = list(tables)
    for paper in papers:
        settings = load_profile(profile, needs=SECTIONS[paper])
        own = [table for table in tables if table.paper == paper]
        if own and all(table.scenes for table in own) and "scenes" not in _sources(settings, paper):
            continue  # the study says that it needs scenes, whatever data there is
        computed = bool(own) and all(any(results_folder(settings, root).glob(f"{t.name}*.csv")) for t in own)
        if paper == "recartoonx":
            transformer = not own or any(table.transformer for table in own)
            require_photographs_and_weights(settings, transformer=transformer)
        elif paper == "explainer":
            require_class_data(settings, dataset)
            _require_trained(settings, [] if computed else _class_weights(settings, root, dataset))
        else:
            require_labelled_data(settings)
            _require_trained(settings, [] if computed else _labelled_weights(settings, root))


def require_tables(
    name: str,
    profile: str | Path,
    *,
    root: Path | None = None,
    dataset: str | None = None,
    models: Path | None = None,
) -> None:
    """Check what one table needs, or all that a profile has settings for.

    Args:
        name: of the table, or "all".
        profile, root, dataset: as in `require`.
        models: the folder of weights for scenes, if it is another one.

    Raises:
        ValueError, OSError: as `require`; also if there is no such table.
    """
    settings = load_profile(profile, needs=None)
    if name == "all":
        tables = [table for table in TABLES.values() if getattr(settings, _FIELDS[table.paper]) is not None]
    else:
        tables = [find_table(name)]
    if models is not None and not models.is_dir():
        raise FileNotFoundError(f"--models names {models}, but there is no such folder; correct it")
    require(profile, dict.fromkeys(table.paper for table in tables), tables, root=root, dataset=dataset)
    require_writable(root or ROOT / "results")


def require_for_training(profile: str | Path) -> None:
    """Check that the data of a profile's trainings, and the weights with which they begin, are at hand.

    Raises:
        ValueError, OSError: as `require`.
    """
    settings = load_profile(profile, needs=None)
    if settings.explainer is not None:
        require_class_data(settings)
        for explained in settings.explainer.classifiers.values():
            tuned = explained.fine_tune
            networks = [(explained.name, (tuned or {}).get("backbone", "random"))]
            networks += [("resnet50", each.network.backbone) for each in (explained.explainer, explained.rtis)]
            for name, backbone in networks:
                if backbone.startswith("IMAGENET"):
                    require_published(name, "torchvision")
    if settings.space_vae is not None:
        require_labelled_data(settings)


def require_photographs_and_weights(profile: Profile, *, transformer: bool = True) -> None:
    """Check the images of Pixel RDE and CartoonX, those whose objects are known, and the weights of the classifiers.

    Args:
        profile: the profile.
        transformer: check those of the profile's transformer too.

    Raises:
        OSError: something is missing.
        ValueError: a folder has no photographs.
    """
    _require_photographs(profile.images)
    for source in profile.truth.sources if profile.truth is not None else ():
        for file in _REGION_FILES[source]:
            data_file(file)
    _require_weights(profile.classifier)
    if transformer and profile.transformer is not None:
        _require_weights(profile.transformer.classifier)


def require_class_data(profile: Profile, dataset: str | None = None) -> None:
    """Check the images of class masks: of one dataset, or of all.

    Raises:
        OSError: something is missing; the message lists the archives to download.
    """
    assert profile.explainer is not None
    for name, data in profile.explainer.datasets.items():
        if dataset in (None, name):
            require_dataset(data.source, data.folder())


def require_labelled_data(profile: Profile) -> None:
    """Check the images of SpaCE-VAE.

    Raises:
        OSError: something is missing; the message says what to download.
    """
    from helpers.data.labelled.loading import require_labelled

    assert profile.space_vae is not None
    data = profile.space_vae.data
    for split in ("train", "test"):
        require_labelled(data.source_of(split), split, data.folder())


def require_writable(folder: Path) -> None:
    """Check that results can be written into a folder, which need not exist yet.

    Raises:
        PermissionError: they cannot.
    """
    present = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not os.access(present, os.W_OK):
        raise PermissionError(13, "results cannot be written here", str(folder))


def _sources(profile: Profile, paper: Paper) -> set[str]:
    """The sources of the images of a paper's section."""
    if paper == "explainer" and profile.explainer is not None:
        return {data.source for data in profile.explainer.datasets.values()}
    section = profile.space_vae.data if paper == "spacevae" and profile.space_vae is not None else profile.images
    return {section.source}


def _require_photographs(settings: ImageSettings) -> None:
    if settings.source == "imagenet-study":
        with data_file(f"{_IMAGENET}/labels.csv").open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                if row.get("file", "").startswith("study/"):
                    data_file(f"{_IMAGENET}/{row['file']}")
    elif settings.source in _MASKED:
        data_file(_MASKED[settings.source])
    elif settings.source == "folder" and not settings.folder().is_dir():
        raise FileNotFoundError(f"there is no folder {settings.folder()}; create it and put your photographs in")


def _require_weights(settings: ClassifierSettings) -> None:
    weights, name = settings.weights, settings.name.removeprefix("models/")
    if weights == "random":
        return
    if weights is not None and ("/" in weights or weights.endswith(".safetensors")):
        if weights.startswith("$"):
            data_folder()  # raises if it is unknown
        path = Path(str(settings.arguments()["weights"])).expanduser()
        if not path.is_file():
            raise FileNotFoundError(
                f"there is no weights file {path}; put it there, or correct `weights` in the profile"
            )
    elif weights is not None or not _is_local(name):
        require_published(settings.name, "torchvision" if weights not in (None, "hub") else None)


def _is_local(name: str) -> bool:
    folders = [MODELS_FOLDER]
    if os.environ.get("XAIBOOK_DATA"):
        folders.append(data_folder() / "models")
    return any((folder / f"{name}.safetensors").is_file() for folder in folders)


def _class_weights(profile: Profile, root: Path | None, dataset: str | None) -> list[Path]:
    """The files of the classifiers of photographs, which the profile itself trains."""
    assert profile.explainer is not None
    folder, settings = results_folder(profile, root) / "work/models", profile.explainer
    tuned = [name for name, explained in settings.classifiers.items() if explained.fine_tune is not None]
    names = [name for name in settings.datasets if dataset in (None, name)]
    return [folder / f"{name}-{classifier}.safetensors" for name in names for classifier in tuned]


def _labelled_weights(profile: Profile, root: Path | None) -> list[Path]:
    """The file of the classifier of photographs, which the profile itself trains."""
    assert profile.space_vae is not None
    if profile.space_vae.data.source == "scenes":
        return []
    return [results_folder(profile, root) / "work/models/space-vae-classifier.safetensors"]


def _require_trained(profile: Profile, files: Iterable[Path]) -> None:
    missing = next((path for path in files if not path.is_file()), None)
    if missing is not None:
        raise FileNotFoundError(
            f"there is no classifier {missing}; train it, and the networks that explain it: "
            f"python -m helpers train --profile {profile.name}"
        )
