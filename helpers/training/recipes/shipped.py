"""Training, evaluation and model cards of the scene classifiers in models/."""

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

_UNCERTAIN_AMID_NOISE = """\
Since it was trained on noise, noise around a whole object is often enough to make it uncertain (the table above). An
explanation that uses noise may therefore have to keep more than the object, which says something about the network, not
about the object."""
_CERTAIN_AMID_NOISE = """\
Although it was trained on noise, it still recognises {:.0%} of unchanged objects amid noise (the table above)."""
_TOKENS = """\
**Patches.** In training, a linear layer, which is not part of the file, predicts from the token of each patch the class
visible there, or background (token labelling; a second loss of weight {:g}). With one label per image alone, a
transformer of this size would need many more scenes.

"""
_METHODS = {
    "adamw": "AdamW",
    "muon": "Muon, at ten times the rate, on the matrices of the blocks and AdamW on the rest",
}
_HIDDEN = "Noise hides parts of a further {:.0%} of each batch, which keeps its labels."


def train(
    name: str,
    *,
    again: bool = False,
    output: Path = MODELS_FOLDER,
    results: Path | None = None,
    device: str = "auto",
    held_out: int = 2000,
) -> str:
    """Train one of the classifiers, save its weights, evaluate the saved file, and write its card.

    Args:
        name: `"scenes-cnn"` or `"scenes-vit"`.
        again: replace existing weights.
        output: the folder of the weights and the card.
        results: the folder of checkpoints, from which a killed training resumes; None: results/.
        device: `"auto"`, `"cpu"` or `"gpu"`.
        held_out: number of scenes for the accuracy.

    Returns:
        A line for the log.

    Raises:
        ValueError: there is no classifier of this name.
    """
    if name not in RECIPES:
        raise ValueError(f"there is no classifier of scenes {name!r}; use one of {', '.join(RECIPES)}")
    path, options = output / f"{name}.safetensors", RECIPES[name]
    if path.is_file() and not again:
        return f"{path.name} already exists"
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
        hidden=_HIDDEN.format(options.hidden_share) if options.hidden_share else "No other image has hidden parts.",
        noise_limits=_noise_limits(robustness),
        class_rows="\n".join(
            f"| {name} | {evaluation.class_accuracies[name]:.3f} | {evaluation.noise_predictions[name]:.3f} |"
            for name in SCENE_CLASSES
        ),
        robustness_rows="\n".join(
            f"| {condition} | {accuracy:.3f} |" for condition, accuracy in _robustness_rows(robustness)
        ),
    )
    return f"{path.name}: accuracy {evaluation.accuracy:.4f} on {held_out} held-out scenes, {fitted.seconds:.0f} s"


def _architecture_in_words(options: SceneOptions) -> str:
    """The type of network, with the size of a transformer."""
    if "patch_size" not in options.model_args:
        return "convolutional network"
    arguments = options.model_args
    side = options.size // arguments["patch_size"]
    return (
        f"vision transformer ({side} x {side} patches of {arguments['patch_size']} px and a class token, "
        f"{arguments['depth']} layers of {arguments['num_heads']} heads)"
    )


def _noise_limits(robustness: RobustnessEvaluation) -> str:
    """The effect of the training on noise on scenes whose surroundings are replaced by noise."""
    accuracy = robustness.object_in_noise
    return _UNCERTAIN_AMID_NOISE if accuracy < 0.8 else _CERTAIN_AMID_NOISE.format(accuracy)


def _robustness_rows(robustness: RobustnessEvaluation) -> list[tuple[str, float]]:
    """The accuracy under each condition."""
    return [
        *((f"{number} objects", accuracy) for number, accuracy in robustness.by_objects.items()),
        *(
            (f"Gaussian noise of standard deviation {level} added", accuracy)
            for level, accuracy in robustness.by_noise.items()
        ),
        ("everything but the object replaced by noise", robustness.object_in_noise),
        *((f"painted at {side} px", accuracy) for side, accuracy in robustness.by_size.items()),
    ]
