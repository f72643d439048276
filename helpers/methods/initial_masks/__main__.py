"""Train the mask networks that come with the book: `python -m helpers.methods.initial_masks train scenes-cnn-cartoonx`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from helpers.classifiers import load_classifier
from helpers.core.files import ROOT
from helpers.methods.initial_masks.options import EPOCH, RECIPES
from helpers.methods.initial_masks.train import train_mask_network


def main(arguments: list[str] | None = None) -> None:
    """Train a mask network, save its weights, measure them on held-out images and write their card."""
    parser = argparse.ArgumentParser(prog="python -m helpers.methods.initial_masks", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help=main.__doc__)
    train.add_argument("recipe", choices=sorted(RECIPES))
    train.add_argument("--steps", type=int, help="another number of training steps")
    train.add_argument("--seed", type=int, help="another seed")
    train.add_argument("--output", type=Path, default=ROOT / "models", help="where the weights and the card go")
    train.add_argument("--work", type=Path, help="where checkpoints go; a killed training resumes from there")
    train.add_argument("--device", default="auto", choices=("auto", "cpu", "gpu"))
    train.add_argument("--only", action="store_true", help="train only: no weights file, no card")
    chosen = parser.parse_args(arguments)
    changes = {name: getattr(chosen, name) for name in ("steps", "seed") if getattr(chosen, name) is not None}
    options = replace(RECIPES[chosen.recipe], **changes)
    work = chosen.work or ROOT / "results" / "quick" / "work" / f"mask-{chosen.recipe}"
    classifier = load_classifier(options.classifier)
    training = train_mask_network(options, classifier, work, device=chosen.device)
    print(f"{chosen.recipe}: {options.steps} steps, checkpoints every {EPOCH}, {training.seconds / 60:.1f} minutes")
    if not chosen.only:
        from helpers.methods.initial_masks.publish import publish

        shown = "".join(f" --{name} {value}" for name, value in changes.items())
        command = f"python -m helpers.methods.initial_masks train {chosen.recipe}{shown}"
        publish(chosen.output / f"{chosen.recipe}-mask.safetensors", training, classifier, command)


if __name__ == "__main__":
    main()
