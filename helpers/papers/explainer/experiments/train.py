"""Train all that a profile's class masks need: `python -m helpers.papers.explainer.experiments.train --profile quick`.

The classifiers come before the networks that explain them. What is there is not trained again; what was killed goes on.

Several GPUs of one machine share the training of each network (a batch is divided among them):

    python -m helpers.papers.explainer.experiments.train --profile coco2014 --devices 4 --strategy ddp

Lightning then starts three more processes with the same command when the first network's turn comes; the classifiers,
which need one GPU each, have been trained by then. Under SLURM, which starts all processes itself, Lightning reads
which one it is from SLURM's variables; the first one trains the classifiers while the others wait for the files, so
that the folder of results must be one that all machines see. In a batch script with `--nodes=2`,
`--ntasks-per-node=4`, `--gpus-per-node=4`:

    srun --kill-on-bad-exit python -m helpers.papers.explainer.experiments.train --profile coco2014 \\
        --nodes 2 --devices 4 --strategy ddp

Fewer GPUs wait where one task trains the classifiers before: `--only classifier`, then `--only explainer rtis`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from helpers.methods.explainer.files import MODELS_FOLDER
from helpers.papers.explainer.experiments import training
from helpers.training.processes import exit_on_error


def main(arguments: list[str] | None = None) -> None:
    """Do the trainings of a profile, one after another; what is missing or wrong ends it in one message."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers.papers.explainer.experiments.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--profile", default="quick", help="a name in profiles/, or the path of a YAML file")
    parser.add_argument("--only", nargs="+", default=(), help="what to train")
    parser.add_argument("--classifier", dest="classifiers", nargs="+", default=(), help="for which only")
    parser.add_argument("--again", action="store_true", help="train also what is there")
    parser.add_argument("--output", type=Path, default=MODELS_FOLDER, help="where small networks for scenes go")
    parser.add_argument("--results", type=Path, help="another folder than results/, for checkpoints and large networks")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "gpu"))
    parser.add_argument("--devices", type=int, default=1, help="processes on each machine, for the networks")
    parser.add_argument("--nodes", type=int, default=1, help="machines")
    parser.add_argument("--strategy", default="auto", help="Lightning's, such as ddp")
    with exit_on_error():
        training.train(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    main()
