"""The classifiers of scenes that come with the book: trained, measured on held-out scenes, and described by a card."""

from __future__ import annotations

import json
from pathlib import Path

from helpers.classifiers import load_classifier
from helpers.core.files import MODELS_FOLDER, ROOT
from helpers.data.scenes import SCENE_CLASSES
from helpers.training.card import parameter_count, write_card
from helpers.training.options import SCENES_CNN, SCENES_VIT, TEST_SERIES, TRAINING_SERIES, SceneOptions
from helpers.training.recipes.scene import MEAN, STD, save_scene_classifier, train_scene_classifier
from helpers.training.recipes.scene_evaluation import (
    RobustnessEvaluation,
    evaluate_robustness,
    evaluate_scene_classifier,
)

RECIPES: dict[str, SceneOptions] = {"scenes-cnn": SCENES_CNN, "scenes-vit": SCENES_VIT}

_CALM_AT_A_PRICE = """Its calm on noise was trained in, and has a price: noise around a whole, untouched
object is often enough to make it undecided (the table above). So an explanation by noise may have to keep more than
the object; that says something about the network, not about the object."""
_CALM = """Its calm on noise was trained in; a whole, untouched object amid noise it still
names {:.0%} of the time (the table above)."""
_TOKENS = """**Patches.** While it was trained, a linear layer, which is not shipped, asked the token of each patch for
the class of what its patch shows, or for the background (token labelling; a second loss of weight {:g}): with one label
an image alone, a transformer of this size would need many more scenes.

"""
_METHODS = {
    "adamw": "AdamW",
    "muon": "Muon, at ten times the rate, on the matrices of the blocks and AdamW on the rest",
}
_HIDDEN = "Of a further {:.0%} of each batch a part is hidden by noise, the label kept."


def train(
    name: str,
    *,
    again: bool = False,
    output: Path = MODELS_FOLDER,
    results: Path | None = None,
    device: str = "auto",
    held_out: int = 2000,
) -> str:
    """Train one of the classifiers, save its weights, measure what was saved, and write its card.

    Args:
        name: `"scenes-cnn"` or `"scenes-vit"`.
        again: train also if the weights are there.
        output: the folder of the weights and the card.
        results: another folder than results/, for checkpoints; a killed training resumes from there.
        device: `"auto"`, `"cpu"` or `"gpu"`.
        held_out: how many scenes the accuracy is measured on.

    Returns:
        What was done, in a line.

    Raises:
        ValueError: there is no classifier of this name.
    """
    if name not in RECIPES:
        raise ValueError(f"there is no classifier of scenes {name!r}; use one of {', '.join(RECIPES)}")
    path, options = output / f"{name}.safetensors", RECIPES[name]
    if path.is_file() and not again:
        return f"{path.name} is there"
    work = (results or ROOT / "results") / "quick" / "work" / f"training-{name}"
    fitted = train_scene_classifier(options, work, device=device)
    save_scene_classifier(path, fitted.module)
    classifier = load_classifier(name, weights=path)
    evaluation = evaluate_scene_classifier(classifier, held_out)
    robustness = evaluate_robustness(classifier, max(1, held_out // 4))
    write_card(
        path,
        "scene",
        options=options,
        fitted=fitted,
        command=f"python -m helpers train --model {name}",
        evaluation=evaluation,
        robustness=robustness,
        classes=", ".join(SCENE_CLASSES),
        kind=_architecture_in_words(options),
        arguments=json.dumps(options.model_args),
        parameters=parameter_count(fitted.module.network),
        mean=MEAN[0],
        std=STD[0],
        sizes=", ".join(map(str, options.sizes)),
        training_series=TRAINING_SERIES + options.seed,
        test_series=TEST_SERIES,
        method=_METHODS[options.optimiser],
        tokens=_TOKENS.format(options.token_weight) if options.token_weight else "",
        hidden=_HIDDEN.format(options.hidden_share) if options.hidden_share else "No image is hidden in part.",
        calm=_CALM_AT_A_PRICE if robustness.object_in_noise < 0.8 else _CALM.format(robustness.object_in_noise),
        class_rows="\n".join(
            f"| {each} | {evaluation.by_class[each]:.3f} | {evaluation.noise_answers[each]:.3f} |"
            for each in SCENE_CLASSES
        ),
        robustness_rows="\n".join(f"| {condition} | {accuracy:.3f} |" for condition, accuracy in _rows(robustness)),
    )
    return f"{path.name}: accuracy {evaluation.accuracy:.4f} on {held_out} held-out scenes, {fitted.seconds:.0f} s"


def _architecture_in_words(options: SceneOptions) -> str:
    """The sort of network, with its size where it is a transformer."""
    if "patch_size" not in options.model_args:
        return "convolutional network"
    given = options.model_args
    side = options.size // given["patch_size"]
    return (
        f"vision transformer ({side} x {side} patches of {given['patch_size']} px and a class token, {given['depth']} "
        f"layers of {given['num_heads']} heads)"
    )


def _rows(robustness: RobustnessEvaluation) -> list[tuple[str, float]]:
    """The conditions in words, with their accuracies."""
    return [
        *((f"{number} objects", accuracy) for number, accuracy in robustness.by_objects.items()),
        *((f"Gaussian noise of standard deviation {level} added", a) for level, a in robustness.by_noise.items()),
        ("everything but the object replaced by noise", robustness.object_in_noise),
        *((f"painted at {side} px", accuracy) for side, accuracy in robustness.by_size.items()),
    ]
