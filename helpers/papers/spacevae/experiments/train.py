"""Train all that a profile's SpaCE-VAEs need: `python -m helpers.papers.spacevae.experiments.train --profile quick`.

The classifier comes before the networks that explain it. What is there is not trained again; what was killed goes on.
Some of the trainings, by the names that the profile gives them, each in a process of its own if you like:

    python -m helpers.papers.spacevae.experiments.train --profile quick --only beta-10 grid-16
"""

from __future__ import annotations

import argparse
from pathlib import Path

from helpers.methods.space_vae.files import MODELS_FOLDER
from helpers.papers.spacevae.experiments import training
from helpers.training.processes import exit_on_error


def main(arguments: list[str] | None = None) -> None:
    """Do the trainings of a profile, one after another; what is missing or wrong ends it in one message."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers.papers.spacevae.experiments.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--profile", default="quick", help="a name in profiles/, or the path of a YAML file")
    parser.add_argument("--only", nargs="+", default=(), metavar="NAME", help="classifier, or names of trainings")
    parser.add_argument("--again", action="store_true", help="train also what is there")
    parser.add_argument("--output", type=Path, default=MODELS_FOLDER, help="where weights for scenes go")
    parser.add_argument("--results", type=Path, help="another folder than results/, for checkpoints and other weights")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "gpu"))
    parser.add_argument("--devices", type=int, default=1, help="processes on each machine, for the networks")
    parser.add_argument("--nodes", type=int, default=1, help="machines")
    parser.add_argument("--strategy", default="auto", help="Lightning's, such as ddp")
    with exit_on_error():
        training.train(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    main()
