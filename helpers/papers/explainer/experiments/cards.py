"""The model cards of the classifiers of scenes that name all classes, and of the networks that explain them."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from helpers.classifiers import Classifier, load_classifier
from helpers.classifiers.weight_files import read_sums
from helpers.core.class_masks import merge_classes
from helpers.core.files import atomic_write
from helpers.data.multilabel import class_truth
from helpers.data.multilabel.loading import SCENE_SERIES
from helpers.data.scenes import SCENE_CLASSES, Scenes, make_scenes
from helpers.methods.explainer import ExplainerOptions, apply_mask, load_explainer
from helpers.methods.explainer.train import ExplainerTraining
from helpers.metrics.multilabel import decision_counts, micro_scores
from helpers.training.multilabel_options import MultiLabelOptions

HELD_OUT = 400  # scenes of each kind
"""How many held-out scenes a card's number rests on."""

_TEST = SCENE_SERIES["test"] + 100  # a series that no profile's tables use

_CLASSIFIER = """# {name}: a classifier that names every class of a scene

**What.** A convolutional network with one independent answer for each of the ten classes of `helpers.data.scenes`. It is
what the quick profile's Explainer explains.

**Architecture.** timm's `{architecture}` with arguments `{model_args}`; pixels in [0, 1], mean 0.5 and standard
deviation 0.25; the probability of a class is the sigmoid of its logit.

**Data.** Scenes at {size} px, {scenes} with one, two, three and four objects. The planted mark: {mark}.

**What it is prepared for.** Methods that hide parts of an image will ask about pictures that no camera takes, so each
batch holds some: {empty:.0%} noise, black, or both, which show no class; {hidden:.0%} with black holes in the shape of
blobs or of other scenes' objects; {cut:.0%} from which some objects, or everything but some objects, were cut out, with
the labels of what is left (and without the mark). So an outline alone is no object to it, and black around an object
does less harm. Every second image is darkened, by up to {pattern:.0%}, with the pattern of pixels that misleads the
network most, as far as one step of the gradient's sign finds it (adversarial training). Without that, a mask need not
show or hide an object: faint patterns say or unsay any class to this network, and an Explainer learns to draw them.
The probabilities in training are {smoothing:g} and {rest:g} (label smoothing). Classifiers of photographs are seldom
trained like this.

**Training.** {epochs} epochs of AdamW (rate {rate}, weight decay {decay}, one cycle), batches of {batch},
{minutes:.0f} minutes on {threads} CPU thread(s) ({device}) of a machine that did other work too, seed {seed}:

    {command}

**Held-out decisions** (logit above 0), {count} scenes each, without any mark, micro-averaged:

| objects | precision | recall | recall, objects alone on black | recall, objects cut out |
|---|---|---|---|---|
{rows}

**Does it use the mark?** Mean probability of "{marked}" on {count} scenes with one or two objects:

| | without the mark | with the mark |
|---|---|---|
| scenes that show one | {shown[0]:.3f} | {shown[1]:.3f} |
| scenes that show none | {absent[0]:.3f} | {absent[1]:.3f} |

**Limits.** It knows the shapes of `helpers.data.scenes` at about {size} px and nothing else.

**File.** `{name}.safetensors`, float32, {megabytes:.2f} MB, MIT licence like the book.
SHA-256 `{digest}`
"""

_EXPLAINER = """# {name}: {title}

**What.** One look at an image gives a mask for each of ten classes: where the classifier `{classifier}` sees evidence
for it. Trained by {objective}; nobody showed it where objects are.

**Architecture.** `helpers.methods.explainer.ExplainerNetwork`, widths {widths}, {parameters:,} parameters.

**Data.** {images:,} scenes at {size} px with one to four objects, with the mark as the classifier knew it; their
classes, no masks; half of the images mirrored.

**Training.** {epochs} epochs of AdamW (rate {rate}, weight decay {decay}, {schedule}), batches of {batch},
{minutes:.0f} minutes on {threads} CPU thread(s) ({device}) of a machine that did other work too, seed {seed}. The epoch
with the least validation loss ({validation:.4f}) is kept.

    {command}

**Held-out scenes** ({count} each, series {series}, no mark). IoU of the merged mask with all visible objects (sum of
the smaller over sum of the larger value), of each class's own mask with the visible part of that class, and the
classifier's recall where only the mask is kept and where it is taken away:

| objects | IoU, merged | IoU, a class | recall, kept | recall, taken away | mean mask | objects |
|---|---|---|---|---|---|---|
{rows}

**Limits.** It explains this classifier on scenes of about {size} px, nothing else. A mask's outline is itself a
picture: the network could in principle draw what the classifier wants to see.

**File.** `{name}.safetensors`, float32, {megabytes:.2f} MB, MIT licence like the book.
SHA-256 `{digest}`
"""

_OBJECTIVES = {
    "explainer": "the four terms of What You See is What You Classify",
    "rtis": "the loss of Real-Time Image Saliency, adapted to several classes as that paper's baseline",
}


def write_classifier_card(path: Path, recipe: MultiLabelOptions, *, seconds: float, device: str, command: str) -> None:
    """Measure a classifier of scenes, as it was saved, and write its card beside it."""
    classifier = load_classifier(str(path))
    rows = []
    for objects in ((1, 1), (2, 2), (3, 3), (4, 4)):
        scenes = _scenes(recipe.size, objects)
        inside = scenes.object_masks.any(1, keepdim=True).float()
        plain, alone, cut = (
            _scores(classifier, images, scenes)
            for images in (scenes.images, scenes.images * inside, scenes.images * (1 - inside))
        )
        rows.append(f"| {objects[0]} | {plain[0]:.3f} | {plain[1]:.3f} | {alone[1]:.3f} | {cut[1]:.3f} |")
    shown, absent = mark_sensitivity(classifier, recipe.size, recipe.shortcut_class)
    base, strength = recipe.shortcut_base_rate, recipe.shortcut_strength
    mark = (
        f"on {base:.0%} of the scenes, whatever they show"
        if not strength
        else f"on {base + strength * (1 - base):.0%} of the scenes whose largest object is a {recipe.shortcut_class}, "
        f"and on {base * (1 - strength):.0%} of the others"
    )
    text = _CLASSIFIER.format(
        name=path.stem, architecture=recipe.architecture, model_args=recipe.model_args, size=recipe.size, mark=mark,
        scenes=", ".join(f"{count:,}" for count in recipe.scenes), empty=recipe.empty_share, hidden=recipe.hidden_share,
        cut=recipe.cut_share, pattern=recipe.pattern_strength, smoothing=recipe.smoothing,
        rest=1 - recipe.smoothing, epochs=recipe.epochs, rate=recipe.learning_rate, decay=recipe.weight_decay,
        batch=recipe.batch, minutes=seconds / 60, threads=_threads(), device=device, seed=recipe.seed, command=command,
        count=HELD_OUT, rows="\n".join(rows), marked=recipe.shortcut_class, shown=shown, absent=absent, **_file(path),
    )  # fmt: skip
    atomic_write(path.with_suffix(".md"), text.encode())


def write_explainer_card(
    path: Path,
    classifier: Classifier,
    options: ExplainerOptions,
    done: ExplainerTraining,
    *,
    training: int,
    command: str,
) -> None:
    """Measure an Explainer of scenes, as it was saved, and write its card beside it."""
    explainer = load_explainer(path, classifier)
    size = classifier.input_size
    rows = []
    for objects in ((1, 1), (1, 2), (3, 4)):
        scenes = _scenes(size, objects)
        merged_iou, class_iou, merged = overlap(explainer.class_masks(scenes.images, None), scenes)
        kept, left = (_scores(classifier, apply_mask(scenes.images, mask), scenes)[1] for mask in (merged, 1 - merged))
        area = scenes.object_masks.any(1).float().mean()
        rows.append(
            f"| {objects[0]} to {objects[1]} | {merged_iou:.3f} | {class_iou:.3f} | {kept:.3f} | {left:.3f} | "
            f"{merged.mean():.3f} | {area:.3f} |"
        )
    titles = {"explainer": "the quick Explainer", "rtis": "the same network, trained as Real-Time Image Saliency"}
    text = _EXPLAINER.format(
        name=path.stem, title=titles[options.objective], classifier=classifier.name.split("/")[-1].split(".")[0],
        objective=_OBJECTIVES[options.objective], widths=", ".join(map(str, options.network.widths)),
        parameters=sum(p.numel() for p in done.network.parameters()), images=training, size=size, epochs=done.epochs,
        rate=options.learning_rate, decay=options.weight_decay, batch=options.batch, minutes=done.seconds / 60,
        schedule="one cycle" if options.schedule == "cycle" else "constant", threads=_threads(), device=done.device,
        seed=options.seed, validation=done.validation, command=command, count=HELD_OUT, series=_TEST,
        rows="\n".join(rows), **_file(path),
    )  # fmt: skip
    atomic_write(path.with_suffix(".md"), text.encode())


@torch.no_grad()
def overlap(masks: torch.Tensor, scenes: Scenes) -> tuple[float, float, torch.Tensor]:
    """The mean IoU of the merged masks with the objects, and of each shown class's mask with its part; the merged."""
    merged = merge_classes(masks, scenes.labels)
    objects, parts = scenes.object_masks.any(1, keepdim=True).float(), class_truth(scenes).float()
    whole = torch.minimum(merged, objects).sum((1, 2, 3)) / torch.maximum(merged, objects).sum((1, 2, 3))
    each = torch.minimum(masks, parts).sum((2, 3)) / torch.maximum(masks, parts).sum((2, 3))
    return whole.mean().item(), each[scenes.labels].mean().item(), merged


@torch.no_grad()
def mark_sensitivity(
    classifier: Classifier, size: int, marked: str, count: int = HELD_OUT
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The mean probability of the marked class without and with the mark: on scenes that show it, and that do not."""
    column = SCENE_CLASSES.index(marked)
    found = []
    for rate in (0.0, 1.0):
        scenes = make_scenes(
            count, size=size, seed=_TEST + 1, objects=(1, 2), shortcut_class=marked, shortcut_base_rate=rate
        )
        probability = torch.cat([classifier(part).sigmoid()[:, column] for part in scenes.images.split(100)])
        # the mark may cover the last pixels of an object: what counts is what the scene showed before
        shows = (scenes.object_classes == column).any(1)
        found.append((probability[shows].mean().item(), probability[~shows].mean().item()))
    return (found[0][0], found[1][0]), (found[0][1], found[1][1])


def _scenes(size: int, objects: tuple[int, int]) -> Scenes:
    return make_scenes(HELD_OUT, size=size, seed=_TEST, objects=objects)


@torch.no_grad()
def _scores(classifier: Classifier, images: torch.Tensor, scenes: Scenes) -> tuple[float, float]:
    """Micro-averaged precision and recall."""
    logits = torch.cat([classifier(part) for part in images.split(100)])
    scores = micro_scores(decision_counts(logits, scenes.labels).sum(0))
    return float(scores["precision"]), float(scores["recall"])


def _file(path: Path) -> dict[str, object]:
    return {"megabytes": path.stat().st_size / 1e6, "digest": read_sums(path.parent)[path.name]}


def _threads() -> int:
    return int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads()))
