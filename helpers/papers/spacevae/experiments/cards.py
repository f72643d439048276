"""Model cards of classifiers of small images and of the SpaCE-VAEs that explain them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from helpers.classifiers import load_classifier
from helpers.data.labelled import LabelledImages
from helpers.methods.space_vae.options import LossOptions, SpaceVAEOptions
from helpers.methods.space_vae.training import SpaceVAEModule
from helpers.metrics.sparsity import summarise
from helpers.papers.spacevae.experiments.study import CLASSIFIER, SpaceStudy
from helpers.training.card import parameter_count, write_card
from helpers.training.fit import Fitted
from helpers.training.recipes.labelled import LabelledModule

if TYPE_CHECKING:
    from helpers.classifiers import Classifier


def write_classifier_card(
    path: Path, study: SpaceStudy, fitted: Fitted[LabelledModule], *, images: int, command: str
) -> None:
    """Evaluate a saved classifier on validation and test images, and write its card beside the weights."""
    classifier = load_classifier(str(path))
    validation, test = study.split("validation"), study.split("test")
    write_card(
        path,
        "labelled",
        options=fitted.module.options,
        fitted=fitted,
        command=command,
        profile=study.profile.name,
        licence=_licence(study),
        source=test.source,
        classes=len(test.class_names),
        class_names=", ".join(test.class_names),
        size=test.pixels.shape[-1],
        parameters=parameter_count(classifier),
        images=images,
        flip=", half of the images mirrored" if fitted.module.options.flip else "",
        validation_count=len(validation),
        test_count=len(test),
        validation=accuracy(classifier, validation),
        test=accuracy(classifier, test),
    )


def write_network_card(
    path: Path, study: SpaceStudy, name: str, fitted: Fitted[SpaceVAEModule], *, images: int, command: str
) -> None:
    """Evaluate a saved network on test images, and write its card beside the weights."""
    fresh = SpaceStudy(study.profile, root=study.root, models=study.models)
    options, test = study.settings.options(name), fresh.test
    conditioned = options.network.conditioned
    rows = [_row("originals", summarise(fresh.score(test, lambda images, _: images)))]
    for beta in (1, 10, 100) if conditioned else (None,):
        label = "kept" if beta is None else f"kept, beta = {beta}"
        rows.append(_row(label, summarise(fresh.score_model(name, test, beta))))
    write_card(
        path,
        "space-vae",
        options=options,
        fitted=fitted,
        command=command,
        profile=study.profile.name,
        licence=_licence(study),
        source=test.source,
        classifier=study.weights_file(CLASSIFIER).stem,
        training=name,
        words=describe(options),
        conditioned=", conditioned on beta" if conditioned else "",
        parameters=parameter_count(fitted.module.network),
        images=images,
        loss=_loss(options.loss, conditioned),
        begins=f"with the weights of `{options.init_from}`" if options.init_from else "with random weights",
        schedule="one cycle" if options.schedule == "cycle" else "constant",
        flip=", half of the images mirrored" if options.flip else "",
        count=len(test),
        rows="\n".join(rows),
    )


def describe(options: SpaceVAEOptions) -> str:
    """A short description of a training."""
    loss, network = options.loss, options.network
    if not loss.alpha and not loss.beta:
        return "a plain VQ-VAE, which only reconstructs"
    beta = f"any beta from {loss.lowest_beta:g} to {loss.highest_beta:g}"
    phrases = [beta if network.conditioned else f"beta = {loss.beta:g}", f"alpha = {loss.alpha:g}"]
    if loss.reference != "black":
        colour = "each image's mean colour" if loss.reference == "mean" else f"the colour {loss.reference}"
        phrases.append(f"brightness is measured against {colour}")
    extensions = {"contrast": "contrast", "colours": f"few colours ({loss.palette})", "smoothness": "smoothness"}
    return ", ".join([*phrases, *(f"a term for {noun}" for name, noun in extensions.items() if getattr(loss, name))])


@torch.no_grad()
def accuracy(classifier: Classifier, images: LabelledImages) -> tuple[float, float]:
    """The accuracy, and the mean of the largest probability."""
    logits = torch.cat([classifier(batch).cpu() for batch in images.floats().split(500)])
    right = (logits.argmax(1) == images.labels).float().mean()
    return right.item(), logits.softmax(1).amax(1).mean().item()


def _row(label: str, measures: dict[str, Any]) -> str:
    cells = [
        f"{measures[name]:.{digits}f} [{measures[f'{name}_low']:.{digits}f}, {measures[f'{name}_high']:.{digits}f}]"
        for name, digits in (("accuracy", 3), ("agreement", 3), ("confidence", 3), ("l0", 1), ("l1", 1))
    ]
    return " | ".join([f"| {label}", *cells]) + " |"


def _loss(loss: LossOptions, conditioned: bool) -> str:
    """The nonzero weights of the loss and their settings."""
    names = ["alpha", *([] if conditioned else ["beta"]), "commitment", "contrast", "colours", "smoothness"]
    phrases = [f"{name} {getattr(loss, name):g}" for name in names if getattr(loss, name)]
    if conditioned:
        phrases.append(f"beta from {loss.lowest_beta:g} to {loss.highest_beta:g}, drawn per image")
    if loss.colours:
        phrases.append(f"{loss.palette} colours")
    if loss.alpha:
        phrases.append(f"brightness against {'black' if loss.reference == 'black' else loss.reference}")
    return "Weights: " + ", ".join(phrases)


def _licence(study: SpaceStudy) -> str:
    return ", MIT licence like the book" if study.scenes else "; not part of the repository"
