"""A miniature of the quick profile for SpaCE-VAE, and random weights for all of its networks."""

from __future__ import annotations

from pathlib import Path

import torch

from helpers.classifiers import load_classifier, save_weights
from helpers.classifiers.vgg import VGG_NAME, SmallImageVGG
from helpers.data.scenes import SCENE_CLASSES
from helpers.methods.space_vae import SpaceVAEFile, SpaceVAENetwork, save_space_vae
from helpers.papers.spacevae.experiments import SpaceStudy
from helpers.papers.spacevae.experiments.study import CLASSIFIER
from helpers.profiles import Profile, load_profile

THRESHOLDS = (-1.0, -0.5, 0.0, 0.5, 1.0)
MODELS = {
    "vq-vae": {"loss": {"alpha": 0, "beta": 0}},
    "beta-1": {"loss": {"beta": 1}},
    "beta-10": {},
    "beta-100": {"loss": {"beta": 100}},
    "any-beta": {"network": {"conditioned": True}},
    "vq-grid-4": {"loss": {"alpha": 0, "beta": 0}, "network": {"grid": 4}},
    "grid-4": {"init_from": "vq-grid-4", "network": {"grid": 4}},
    "codes-32": {"network": {"codes": 32}},
    "mean-colour": {"loss": {"reference": "mean"}},
    "colours": {"init_from": "beta-10", "loss": {"colours": 100}},
}
SMALL = {"width": 0.05, "hidden": 8}


def miniature_profile(**section: object) -> Profile:
    """The quick profile, made much smaller; parts of its section may be given."""
    quick = load_profile("quick", needs="space-vae")
    settings = quick.space_vae.model_dump(mode="json")
    settings["data"] |= {"train": 64, "validation": 20, "test": 40}
    settings["classifier"]["name"] = "mini"
    settings["classifier"]["recipe"] |= {**SMALL, "epochs": 1, "batch": 32}
    settings["training"] |= {"epochs": 2, "patience": 2, "batch": 32, "init_from": None}
    settings["training"]["network"] |= {"hidden": 4, "embedding": 3, "codes": 8, "residual_hidden": 2}
    settings["models"] = MODELS
    settings["evaluation"] |= {
        **{"images": 30, "competitors": 7, "threshold_images": 5, "cross_method": 3},
        **{"integration_steps": 3, "thresholds": THRESHOLDS},
    }
    settings["calibration"] = {"alphas": [1.0, 20.0], "epochs": 1, "target_l1": 50.0}
    settings |= section
    made = type(quick.space_vae).model_validate(settings)
    # searches of five steps: their result is no matter here
    searches = {name: getattr(quick, name).with_options(steps=5) for name in ("cartoonx", "pixel_rde")}
    return quick.model_copy(update={"space_vae": made, "batch_size": 4, "name": "mini", **searches})


def write_weights(study: SpaceStudy, names: tuple[str, ...] | None = None, *, seed: int = 4) -> SpaceStudy:
    """Write a random classifier that tells images apart, and random networks for it."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network = SmallImageVGG(len(SCENE_CLASSES), **SMALL).eval()
    last = network.head[-1]
    last.weight.data *= 60
    last.bias.data.zero_()
    path = study.weights_file(CLASSIFIER)
    arguments = {"num_classes": len(SCENE_CLASSES), **SMALL}
    save_weights(
        path, network.state_dict(), architecture=VGG_NAME, model_args=arguments, mean=(0.5,) * 3, std=(0.25,) * 3,
        input_size=32, classes=SCENE_CLASSES,
    )  # fmt: skip
    for number, name in enumerate(study.settings.models if names is None else names):
        write_network(study, name, seed=number)
    return study


def write_network(study: SpaceStudy, name: str, seed: int = 0) -> Path:
    """Write one network with random weights and a codebook of its own encoder's answers."""
    options = study.settings.options(name)
    network = SpaceVAENetwork(options.network, seed=seed)
    images = study.test.floats()[: options.network.codes]
    betas = torch.full((len(images),), 10.0) if options.network.conditioned else None
    network.train()
    with torch.no_grad():
        network(images, betas)  # the codebook begins where the encoder's answers are
    digest = load_classifier(str(study.weights_file(CLASSIFIER))).digest
    about = SpaceVAEFile(options.loss, "mini", digest, "scenes of 32 px", 0.06)
    save_space_vae(study.weights_file(name), network, about)
    return study.weights_file(name)
