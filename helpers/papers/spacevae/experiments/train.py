"""Train all that a profile's SpaCE-VAEs need: `python -m helpers.papers.spacevae.experiments.train --profile quick`.

The classifier comes before the networks that explain it. What is there is not trained again; what was killed goes on.
Some of the trainings, by the names that the profile gives them, each in a process of its own if you like:

    python -m helpers.papers.spacevae.experiments.train --profile quick --only beta-10 grid-16
"""

from __future__ import annotations

import argparse
from pathlib import Path

from helpers.methods.space_vae.files import MODELS_FOLDER
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.experiments.training import check_names, run_training, training_names
from helpers.profiles import load_profile
from helpers.training.processes import exit_on_error, first_process, started_together


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
        _train(parser.parse_args(arguments))


def _train(chosen: argparse.Namespace) -> None:
    if chosen.again and started_together():
        raise ValueError("--again needs a single first process: the others would not know new weights from old ones")
    devices = {name: getattr(chosen, name) for name in ("device", "devices", "nodes", "strategy")}
    profile = load_profile(chosen.profile, needs="space-vae")
    study = SpaceStudy(profile, root=chosen.results, models=chosen.output, show_progress=True)
    check_names(study, chosen.only)
    for name in training_names(study, chosen.only):
        command = f"python -m helpers.papers.spacevae.experiments.train --profile {profile.name} --only {name}"
        again = chosen.again and (not chosen.only or name in chosen.only)
        done = run_training(study, name, again=again, show=first_process(), command=command, **devices)
        if first_process():
            print(done, flush=True)


if __name__ == "__main__":
    main()
