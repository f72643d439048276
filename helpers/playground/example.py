"""The example that the page "Try it" shows until its live version is there, in the same places and styles."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import torch
from IPython.display import HTML
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from helpers.classifiers import Classifier, load_classifier
from helpers.core.explanation import Explanation
from helpers.data.scenes import make_scenes
from helpers.methods.baselines.grad_cam import GradCAM
from helpers.methods.initial_masks.learned import ONES_RATE
from helpers.methods.rde import RECIPES, CartoonX
from helpers.playground.sprites import NUMBERS, OBJECTS, SEED, SIZE
from helpers.widgets.frames import make_frame
from helpers.widgets.in_browser import colour_table

SEEN = 64  # pixels along each side that the classifier sees
STEPS, SPARSITY_WEIGHT = 60, 20.0  # as the live version begins
CLASSIFIER = "scenes-cnn"
GRAD_CAM_LAYER = "network.layer3"  # 4 x 4 places at 64 px; the last layer has 2 x 2, too few for a map


@dataclass(frozen=True)
class Example:
    """The first scene of the playground with its explanations.

    Attributes:
        scene: as it is painted, in [0, 1].
        image: as the classifier sees it.
        classes: their names.
        probabilities: of all classes.
        explanations: of the predicted class, by the method's title and the page that it belongs to.
        answers: the classifier's probabilities for the kept image and the image without it, for each explanation.
    """

    scene: Float[Tensor, "1 3 256 256"]
    image: Float[Tensor, "1 3 64 64"]
    classes: tuple[str, ...]
    probabilities: Float[Tensor, " classes"]
    explanations: dict[tuple[str, str], Explanation]
    answers: list[Float[Tensor, "2 classes"]]


def make_example() -> Example:
    """Explain the first scene by Grad-CAM and CartoonX."""
    classifier = load_classifier(CLASSIFIER)
    scene = make_scenes(1, size=SIZE, seed=SEED, start=NUMBERS[0], objects=OBJECTS).images
    image = functional.avg_pool2d(scene, SIZE // SEEN)
    options = RECIPES["fast"].with_options(steps=STEPS, learning_rate=ONES_RATE, tolerance=None)
    method = CartoonX(classifier, options.with_options(sparsity_weight=SPARSITY_WEIGHT))
    explanations = {
        ("Grad-CAM", "peers"): GradCAM(classifier, layer=GRAD_CAM_LAYER).explain(image),
        ("CartoonX", "cartoonx"): method.explain(image),
    }
    answers = [
        _probabilities(classifier, torch.cat([found.kept, (image - found.kept).clamp(0, 1)]))
        for found in explanations.values()
    ]
    names = tuple(classifier.class_names or ())
    return Example(scene, image, names, _probabilities(classifier, image)[0], explanations, answers)


@torch.no_grad()
def _probabilities(classifier: Classifier, images: Tensor) -> Float[Tensor, "batch classes"]:
    return classifier(images).softmax(1)


def show_example(example: Example) -> HTML:
    """The example as HTML, in the element that the live version replaces."""
    rows = "".join(
        f'<div class="play-row{" play-predicted" if index == int(example.probabilities.argmax()) else ""}">'
        f'<span class="play-class"><span>{escape(name)}</span><span class="play-share">{_percent(share)}</span></span>'
        f'<meter min="0" max="1" value="{share:.4f}" aria-label="probability of {escape(name)}"></meter></div>'
        for index, (name, share) in enumerate(zip(example.classes, example.probabilities.tolist(), strict=True))
    )
    cards = "".join(
        _card(title, page, example, found, answers)
        for ((title, page), found), answers in zip(example.explanations.items(), example.answers, strict=True)
    )
    scene = _picture(
        example.scene[0], "A crescent and a house before hills: the first scene of the playground", "scene"
    )
    return HTML(
        f'<div id="playground"><div class="play"><div class="play-top"><div class="play-left">{scene}</div>'
        f'<div class="play-answers"><p class="play-title">{escape("The classifier says")}</p>{rows}</div></div>'
        f'<div class="play-panel"><div class="play-cards">{cards}</div></div></div></div>'
    )


def _card(title: str, page: str, example: Example, found: Explanation, answers: Tensor) -> str:
    target = int(found.targets[0])
    colours = torch.tensor([row[:3] for row in colour_table()], dtype=torch.float32) / 255
    levels = (found.mask[0, 0] * 256).long().clamp(0, 255)  # height, width
    removed = (example.image - found.kept).clamp(0, 1)[0]
    name = example.classes[target]
    pictures = (
        ("Mask", colours[levels].permute(2, 0, 1), f"{_percent(float(found.mask.mean()))} on average"),
        ("Kept", found.kept[0], _answer(answers[0], target, example.classes)),
        ("Removed", removed, _answer(answers[1], target, example.classes)),
    )
    figures = "".join(
        f"<figure>{_picture(pixels, f'{title} for {name}: {label.lower()}', 'picture')}"
        f'<figcaption><b>{label}</b> <span class="play-answer">{escape(text)}</span></figcaption></figure>'
        for label, pixels, text in pictures
    )
    head = f'<div class="play-card-head"><p class="play-title"><a href="{page}.html">{escape(title)}</a></p></div>'
    return f'<div class="play-card">{head}<div class="play-figures">{figures}</div></div>'


def _picture(pixels: Tensor, description: str, kind: str) -> str:
    frame = make_frame(pixels, "", description)
    return (
        f'<img class="play-{kind}" src="{frame.address}" width="{frame.width}" height="{frame.height}" '
        f'alt="{escape(description)}"/>'
    )


def _answer(probabilities: Tensor, target: int, classes: tuple[str, ...]) -> str:
    """The class that was explained, and the predicted one where it is another, as `web/src/playground/card.ts`."""
    said = [
        f"{classes[index]} {_percent(float(probabilities[index]))}" for index in (int(probabilities.argmax()), target)
    ]
    return ", ".join(dict.fromkeys(said))


def _percent(share: float) -> str:
    return "<1\u00a0%" if 0 < share < 0.005 else f"{round(100 * share)}\u00a0%"
