"""Files of Explainers: the weights, with the classifier and the classes they were trained for."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from helpers.classifiers.digests import check_own_classifier
from helpers.classifiers.weight_files import check_shipped, read_tensors, write_tensors
from helpers.core.files import MODELS_FOLDER
from helpers.core.memory import is_out_of_memory
from helpers.methods.explainer.method import Explainer
from helpers.methods.explainer.network import ExplainerNetwork
from helpers.methods.explainer.options import NetworkOptions, Objective

_ENTRY = "explainer"


@dataclass(frozen=True)
class ExplainerFile:
    """The metadata of an Explainer's file.

    Attributes:
        objective: of the training; also the name of the method.
        classifier, classifier_digest: the explained classifier: name, and SHA-256 of its weights (`weights_digest`).
        size: side of the training images in pixels.
        class_names: one name per mask.
    """

    objective: Objective
    classifier: str
    classifier_digest: str
    size: int
    class_names: tuple[str, ...]


def save_explainer(path: str | Path, network: ExplainerNetwork, metadata: ExplainerFile) -> str:
    """Write a network with its metadata, and its line in the `SHA256SUMS` of the folder.

    Returns:
        The file's SHA-256.
    """
    options = {**asdict(network.options), "backbone": "random"}  # the file holds all weights
    entry = {"network": options, **asdict(metadata)}
    return write_tensors(Path(path), network.state_dict(), {_ENTRY: json.dumps(entry, sort_keys=True)})


def explainer_path(name: str | Path) -> Path:
    """The file of an Explainer, by its name in models/ or by its path."""
    return Path(name) if str(name).endswith(".safetensors") else MODELS_FOLDER / f"{name}.safetensors"


def read_explainer(name: str | Path) -> tuple[ExplainerNetwork, ExplainerFile, str]:
    """The network and the metadata of a file, and the file's SHA-256, which is verified.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or is not an Explainer's.
    """
    path = explainer_path(name)
    check_shipped(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no Explainer {path}; train it: python -m helpers train --profile <profile> --only explainer"
        )
    state, metadata, digest = read_tensors(path)
    try:
        entry: dict[str, Any] = json.loads(metadata[_ENTRY])
        options = entry.pop("network")
        tuples = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
        entry["class_names"] = tuple(entry["class_names"])
        file = ExplainerFile(**entry)
        network = ExplainerNetwork(NetworkOptions(**tuples), len(file.class_names))
        network.load_state_dict(state)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        raise ValueError(f"{path} is not the file of an Explainer ({error}); train it again") from error
    return network, file, digest


def load_explainer(name: str | Path, classifier: nn.Module, *, device: torch.device | str | None = None) -> Explainer:
    """An Explainer by its name in models/ (such as "scenes-multilabel-explainer") or by its path.

    Args:
        name: of the Explainer.
        classifier: the classifier that it was trained for.
        device: None for the classifier's device.

    Raises:
        FileNotFoundError, ValueError: as `read_explainer`; or the classifier is another one.
    """
    network, file, _ = read_explainer(name)
    check_own_classifier(classifier, file.classifier, file.classifier_digest, f"{name}, an Explainer,")
    if device is None:
        device = next((p.device for p in classifier.parameters()), torch.device("cpu"))
    return Explainer(network.to(device), classifier, name=file.objective)
