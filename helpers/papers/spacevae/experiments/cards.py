"""The cards of small classifiers, and of the networks that explain them: what they are, and what they can do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from helpers.classifiers import load_classifier
from helpers.classifiers.weight_files import read_sums
from helpers.core.files import atomic_write
from helpers.data.labelled import LabelledImages
from helpers.methods.space_vae.options import LossOptions, SpaceVAEOptions
from helpers.methods.space_vae.train import SpaceVAETraining
from helpers.metrics.sparsity import summarise
from helpers.papers.spacevae.experiments.study import CLASSIFIER, SpaceStudy
from helpers.training.labelled import LabelledTraining

if TYPE_CHECKING:
    from helpers.classifiers import Classifier

_CLASSIFIER = """# {name}: a classifier of small images

**What.** It names one of {classes} classes: {class_names}. It is what the SpaCE-VAEs of the
profile `{profile}` explain.

**Architecture.** `helpers.classifiers.vgg.SmallImageVGG` (VGG-11 with batch normalisation for {size} px), width
{width:g}, hidden layers of {hidden}: {parameters:,} parameters. Pixels in [0, 1] go in; the normaliser is inside.

**Data.** {source}: {images:,} training and {validation:,} validation images, none of which is in the test split.

**Training.** {epochs} epochs of stochastic gradient descent (Nesterov momentum {momentum:g}, rate {rate:g} with a rise
over {warm_up:.0%} of the steps and a cosine fall, weight decay {decay:g}), batches of {batch}, shifts of up to
{padding} px{flip}; the weights of the {keep} epoch are kept. {minutes:.1f} minutes on {threads} ({device}) of a
machine that did other work too, seed {seed}.

    {command}

**Held-out images** ({source}), measured after saving:

| split | images | accuracy | mean confidence |
|---|---|---|---|
| validation, on which the epoch was chosen | {validation:,} | {validation_accuracy:.4f} | {validation_confidence:.4f} |
| test | {test:,} | {test_accuracy:.4f} | {test_confidence:.4f} |

**Limits.** It knows {source} and nothing else; nothing prepared it for images of which parts are black.

**File.** `{name}.safetensors`, float32, {megabytes:.2f} MB{licence}.
SHA-256 `{digest}`
"""

_NETWORK = """# {name}: a SpaCE-VAE

**What.** One look at an image gives a darker one, of which the classifier `{classifier}` should still say what it said
of the original. Training `{training}` of the profile `{profile}`: {words}.

**Architecture.** `helpers.methods.space_vae.SpaceVAENetwork`: {grid} × {grid} codes out of {codes} of length {embedding}, so
that an image is told in {bits:g} bits; {hidden} channels, {layers} residual blocks{conditioned}; {parameters:,}
parameters, and the codebook.

**Data.** {source}: {images:,} training images without labels: the class to keep is what the classifier says.

**Loss.** Equation 7 of the paper, each term a mean. {loss}.

**Training.** It begins {begins}. {epochs} epochs (at most {most}, patience {patience}) of Adam (rate {rate:g},
{schedule}), batches of {batch}{flip}; {minutes:.1f} minutes on {threads} ({device}) of a machine that did other work
too, seed {seed}. The epoch with the least validation loss ({validation:.4f}) is kept.

    {command}

**Held-out images** ({source}, {count:,} test images), measured after saving, with 95 % bootstrap intervals:

| images | accuracy | agreement | confidence | L0 sparsity | L1 sparsity |
|---|---|---|---|---|---|
{rows}

Accuracy is against true labels, agreement against what the classifier said of the originals, confidence is that of the
original's class, sparsity is in per cent, negative where there is more than before.

**Limits.** It explains this classifier on {source}, nothing else. It is a generator: a kept image may show what the
original did not.

**File.** `{name}.safetensors`, float32, {megabytes:.2f} MB{licence}.
SHA-256 `{digest}`
"""


def write_classifier_card(path: Path, study: SpaceStudy, done: LabelledTraining, *, images: int, command: str) -> None:
    """Measure a classifier, as it was saved, on validation and test images, and write its card beside it."""
    classifier = load_classifier(str(path))
    recipe, data = study.settings.classifier.recipe, {name: study.split(name) for name in ("validation", "test")}
    scores = {name: accuracy(classifier, split) for name, split in data.items()}
    text = _CLASSIFIER.format(
        classes=len(data["test"].class_names), class_names=", ".join(data["test"].class_names),
        size=data["test"].pixels.shape[-1], width=recipe.width, hidden=recipe.hidden,
        parameters=sum(p.numel() for p in classifier.parameters()), images=images, epochs=recipe.epochs,
        momentum=recipe.momentum, rate=recipe.learning_rate, warm_up=recipe.warm_up, decay=recipe.weight_decay,
        padding=recipe.padding, flip=", half of the images mirrored" if recipe.flip else "", keep=recipe.keep,
        validation=len(data["validation"]), test=len(data["test"]),
        validation_accuracy=scores["validation"][0], validation_confidence=scores["validation"][1],
        test_accuracy=scores["test"][0], test_confidence=scores["test"][1],
        **_common(path, study, done, recipe), command=command, source=data["test"].source,
    )  # fmt: skip
    atomic_write(path.with_suffix(".md"), text.encode())


def write_network_card(
    path: Path, study: SpaceStudy, name: str, done: SpaceVAETraining, *, images: int, command: str
) -> None:
    """Measure a network, as it was saved, on test images, and write its card beside it."""
    fresh = SpaceStudy(study.profile, root=study.root, models=study.models)
    options, test = study.settings.options(name), fresh.test
    network = options.network
    betas = (1, 10, 100) if network.conditioned else (None,)
    rows = [_row("originals", summarise(fresh.score(test, lambda part, _: part)))]
    for beta in betas:
        label = "kept" if beta is None else f"kept, beta = {beta}"
        rows.append(_row(label, summarise(fresh.score_model(name, test, beta))))
    text = _NETWORK.format(
        classifier=study.weights_file(CLASSIFIER).stem, training=name, words=in_words(options), grid=network.grid,
        codes=network.codes, embedding=network.embedding, bits=network.bits, hidden=network.hidden,
        layers=network.residual_layers, conditioned=", conditioned on beta" if network.conditioned else "",
        parameters=sum(p.numel() for p in done.network.parameters()), images=images,
        loss=_loss(options.loss, network.conditioned),
        begins=f"with the weights of `{options.start}`" if options.start else "with random weights",
        epochs=done.epochs, most=options.epochs, patience=options.patience, rate=options.learning_rate,
        schedule="one cycle" if options.schedule == "cycle" else "constant",
        flip=", half of the images mirrored" if options.flip else "", validation=done.validation, count=len(test),
        rows="\n".join(rows), **_common(path, study, done, options), command=command, source=test.source,
    )  # fmt: skip
    atomic_write(path.with_suffix(".md"), text.encode())


def in_words(options: SpaceVAEOptions) -> str:
    """What a training is, in a few words."""
    loss, network = options.loss, options.network
    if not loss.alpha and not loss.beta:
        return "a plain VQ-VAE, which only reconstructs"
    beta = f"any beta from {loss.lowest_beta:g} to {loss.highest_beta:g}"
    parts = [beta if network.conditioned else f"beta = {loss.beta:g}", f"alpha = {loss.alpha:g}"]
    if loss.reference != "black":
        parts.append("brightness is measured against " + ("each image's mean colour" if loss.reference == "mean"
                                                           else f"the colour {loss.reference}"))  # fmt: skip
    extensions = {"contrast": "contrast", "colours": f"few colours ({loss.palette})", "smoothness": "smoothness"}
    return ", ".join([*parts, *(f"a term for {words}" for part, words in extensions.items() if getattr(loss, part))])


@torch.no_grad()
def accuracy(classifier: Classifier, images: LabelledImages) -> tuple[float, float]:
    """The share of images whose largest logit is the label's, and the mean largest probability."""
    logits = torch.cat([classifier(part).cpu() for part in images.floats().split(500)])
    right = (logits.argmax(1) == images.labels).float().mean()
    return right.item(), logits.softmax(1).amax(1).mean().item()


def _row(label: str, found: dict[str, Any]) -> str:
    cells = [
        f"{found[name]:.{digits}f} [{found[f'{name}_low']:.{digits}f}, {found[f'{name}_high']:.{digits}f}]"
        for name, digits in (("accuracy", 3), ("agreement", 3), ("confidence", 3), ("l0", 1), ("l1", 1))
    ]
    return " | ".join([f"| {label}", *cells]) + " |"


def _loss(loss: LossOptions, conditioned: bool) -> str:
    """The weights that are not 0, and what goes with them."""
    names = ["alpha", *([] if conditioned else ["beta"]), "commitment", "contrast", "colours", "smoothness"]
    parts = [f"{name} {getattr(loss, name):g}" for name in names if getattr(loss, name)]
    if conditioned:
        parts.append(f"beta from {loss.lowest_beta:g} to {loss.highest_beta:g}, drawn image by image")
    if loss.colours:
        parts.append(f"{loss.palette} colours")
    if loss.alpha:
        parts.append(f"brightness against {'black' if loss.reference == 'black' else loss.reference}")
    return "Weights: " + ", ".join(parts)


def _common(path: Path, study: SpaceStudy, done: Any, options: Any) -> dict[str, Any]:
    """What both cards say of a training and its file."""
    threads = int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads()))
    return {
        "name": path.stem, "profile": study.profile.name, "batch": options.batch, "seed": options.seed,
        "minutes": done.seconds / 60, "threads": f"{threads} CPU thread{'s' if threads > 1 else ''}",
        "device": done.device, "megabytes": path.stat().st_size / 1e6, "digest": read_sums(path.parent)[path.name],
        "licence": ", MIT licence like the book" if study.scenes else "; not part of the repository",
    }  # fmt: skip
