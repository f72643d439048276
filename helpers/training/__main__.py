"""Train the weights that come with the book: `python -m helpers.training scenes-cnn`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from helpers.classifiers import load_classifier, save_weights
from helpers.core.files import ROOT
from helpers.data.scenes import SCENE_CLASSES
from helpers.training.card import write_card
from helpers.training.evaluation import evaluate_scene_classifier
from helpers.training.module import MEAN, STD
from helpers.training.options import SCENES_CNN, SCENES_VIT, TrainingOptions
from helpers.training.robustness import evaluate_robustness
from helpers.training.train import Training, train_scene_classifier

RECIPES: dict[str, TrainingOptions] = {"scenes-cnn": SCENES_CNN, "scenes-vit": SCENES_VIT}
_SHORTCUTS = ("epochs", "single", "double", "seed")  # what the command line may change


def main(arguments: list[str] | None = None) -> None:
    """Train, save the weights, measure them on held-out scenes and write their card."""
    parser = argparse.ArgumentParser(prog="python -m helpers.training", description=main.__doc__)
    parser.add_argument("name", choices=sorted(RECIPES))
    for option in _SHORTCUTS:
        parser.add_argument(f"--{option}", type=int, help="instead of the recipe's")
    parser.add_argument("--output", type=Path, default=ROOT / "models", help="where the weights and the card go")
    parser.add_argument("--work", type=Path, help="where checkpoints go; a killed training resumes from there")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "gpu"))
    parser.add_argument("--evaluate", type=int, default=2000, help="how many held-out scenes")
    chosen = parser.parse_args(arguments)
    changes = {name: getattr(chosen, name) for name in _SHORTCUTS if getattr(chosen, name) is not None}
    options = replace(RECIPES[chosen.name], **changes)
    work = chosen.work or ROOT / "results" / "quick" / "work" / f"training-{chosen.name}"
    training = train_scene_classifier(options, work, device=chosen.device)
    shown = "".join(f" --{name} {value}" for name, value in changes.items())
    _publish(chosen.output / f"{chosen.name}.safetensors", training, chosen.evaluate, shown)


def _publish(path: Path, training: Training, count: int, shown: str) -> None:
    """Save the weights, then evaluate what was saved, then write the card."""
    options, network = training.module.options, training.module.network
    digest = save_weights(
        path,
        network.state_dict(),
        architecture=options.architecture,
        model_args={**options.model_args, "num_classes": len(SCENE_CLASSES)},
        mean=MEAN,
        std=STD,
        input_size=options.size,
        classes=SCENE_CLASSES,
    )
    classifier = load_classifier(path.stem, weights=path)
    evaluation = evaluate_scene_classifier(classifier, count)
    write_card(
        path.with_suffix(".md"),
        weights=path,
        digest=digest,
        options=options,
        evaluation=evaluation,
        stress=evaluate_robustness(classifier, max(1, count // 4)),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        normaliser=(MEAN[0], STD[0]),
        seconds=training.seconds,
        device=training.device,
        command=f"python -m helpers.training {path.stem}{shown}",
    )
    print(f"{path}: accuracy {evaluation.accuracy:.4f} on {count} held-out scenes, sha256 {digest}")


if __name__ == "__main__":
    main()
