"""Train all that a profile's class masks need: `python -m helpers.explainer_experiments.train --profile quick`.

A classifier comes before the networks that explain it. What is there is not trained again; what was killed goes on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from helpers.explainer.files import MODELS_FOLDER
from helpers.explainer_experiments.training import KINDS, run_job, training_jobs
from helpers.profiles import load_profile


def main(arguments: list[str] | None = None) -> None:
    """Do the trainings of a profile, one after another."""
    parser = argparse.ArgumentParser(prog="python -m helpers.explainer_experiments.train", description=__doc__)
    parser.add_argument("--profile", default="quick", help="a name in profiles/, or the path of a YAML file")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=KINDS, help="what to train")
    parser.add_argument("--classifier", nargs="+", choices=("vgg16", "resnet50"), default=(), help="for which only")
    parser.add_argument("--again", action="store_true", help="train also what is there")
    parser.add_argument("--output", type=Path, default=MODELS_FOLDER, help="where small networks for scenes go")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "gpu"))
    parser.add_argument("--devices", type=int, default=1, help="processes on each machine, for the networks")
    parser.add_argument("--nodes", type=int, default=1, help="machines")
    parser.add_argument("--strategy", default="auto", help="Lightning's, such as ddp")
    chosen = parser.parse_args(arguments)
    devices = {name: getattr(chosen, name) for name in ("device", "devices", "nodes", "strategy")}
    profile = load_profile(chosen.profile, needs="explainer")
    for job in training_jobs(profile, chosen.only, chosen.classifier, output=chosen.output):
        command = f"python -m helpers.explainer_experiments.train --profile {profile.name} --only {job.kind}"
        command += f" --classifier {job.study.classifier_name}"
        print(run_job(job, again=chosen.again, command=command, **devices), flush=True)


if __name__ == "__main__":
    main()
