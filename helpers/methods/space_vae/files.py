"""Files of SpaCE-VAEs: the weights, with the loss and the classifier they were trained with."""

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
from helpers.methods.space_vae.method import SpaceVAE
from helpers.methods.space_vae.network import SpaceVAENetwork
from helpers.methods.space_vae.options import LossOptions, NetworkOptions

_ENTRY = "space-vae"


@dataclass(frozen=True)
class SpaceVAEFile:
    """The metadata of a SpaCE-VAE's file.

    Attributes:
        loss: the options of its training loss.
        classifier, classifier_digest: the explained classifier: name, and SHA-256 of its weights (`weights_digest`).
        source: description of the training images.
        variance: of the training pixels.
    """

    loss: LossOptions
    classifier: str
    classifier_digest: str
    source: str
    variance: float

    @property
    def method(self) -> str:
        """Its name in tables: a network trained without alpha and beta is a plain VQ-VAE."""
        return "space-vae" if self.loss.alpha or self.loss.beta else "vq-vae"


def save_space_vae(path: str | Path, network: SpaceVAENetwork, metadata: SpaceVAEFile) -> str:
    """Write a network with its metadata, and its line in the `SHA256SUMS` of the folder.

    The moving averages of the codebook are left out: only further training would need them.

    Returns:
        The file's SHA-256.
    """
    entry = {"network": asdict(network.options), **asdict(metadata)}
    state = {name: value for name, value in network.state_dict().items() if not _is_average(name)}
    return write_tensors(Path(path), state, {_ENTRY: json.dumps(entry, sort_keys=True)})


def read_space_vae(name: str | Path) -> tuple[SpaceVAENetwork, SpaceVAEFile, str]:
    """The network and the metadata of a file, and the file's SHA-256, which is verified.

    Args:
        name: a name in models/ (`"scenes-small-beta-10"`), or the path of a .safetensors file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or is not a SpaCE-VAE's.
    """
    path = Path(name) if str(name).endswith(".safetensors") else MODELS_FOLDER / f"{name}.safetensors"
    check_shipped(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no SpaCE-VAE {path}; train it: python -m helpers train --profile <profile> --only <training>"
        )
    state, metadata, digest = read_tensors(path)
    try:
        entry: dict[str, Any] = json.loads(metadata[_ENTRY])
        network = SpaceVAENetwork(NetworkOptions(**entry.pop("network")))
        file = SpaceVAEFile(loss=LossOptions(**_with_tuples(entry.pop("loss"))), **entry)
        # files do not store the moving averages; in further training each code starts with a count of 1
        averages = {
            "quantiser.counts": torch.ones(len(network.quantiser.counts)),
            "quantiser.sums": state["quantiser.codebook"].clone(),
            "quantiser.steps": network.quantiser.steps,
        }
        network.load_state_dict({**averages, **state})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        raise ValueError(f"{path} is not the file of a SpaCE-VAE ({error}); train it again") from error
    return network.eval(), file, digest


def load_space_vae(
    name: str | Path,
    classifier: nn.Module,
    *,
    beta: float | int | None = None,
    device: torch.device | str | None = None,
) -> SpaceVAE:
    """A SpaCE-VAE by its name in models/ (such as "scenes-small-beta-10") or by its path.

    Args:
        name: of the network.
        classifier: the classifier that it was trained for.
        beta: the beta of a conditioned network; None for that of its loss.
        device: None for the classifier's device.

    Raises:
        FileNotFoundError, ValueError: as `read_space_vae`; or the classifier is another one, or beta does not fit.
    """
    network, file, _ = read_space_vae(name)
    check_own_classifier(classifier, file.classifier, file.classifier_digest, f"{name}, a SpaCE-VAE,")
    if device is None:
        device = next((p.device for p in classifier.parameters()), torch.device("cpu"))
    if network.options.conditioned and beta is None:
        beta = file.loss.beta
    return SpaceVAE(network.to(device), classifier, beta=beta, name=file.method)


def _is_average(name: str) -> bool:
    return name in ("quantiser.counts", "quantiser.sums", "quantiser.steps")


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
