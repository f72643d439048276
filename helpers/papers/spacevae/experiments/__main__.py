"""The tables about SpaCE-VAE from the command line: `python -m helpers.papers.spacevae.experiments sparsity`.

Every command can be stopped and started again: finished attributions and trainings are not computed twice. `all` makes
every table that the profile can have, but for `alpha`, which trains networks of its own. `attributions` only fills the
store of one competitor, which may take hours with a large classifier; a second process with --backwards helps.

    python -m helpers.papers.spacevae.experiments attributions --method feature-ablation --profile study --threads 1
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from helpers.methods.space_vae.files import MODELS_FOLDER
from helpers.papers.spacevae.experiments.catalogue import SPACE_TABLES, possible_tables, space_table, table_name
from helpers.papers.spacevae.experiments.competitors import MEASURED, attributions, competitor_images, seconds_an_image
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.profiles import load_profile
from helpers.results import results_folder
from helpers.training.processes import exit_on_error


def main(arguments: list[str] | None = None) -> None:
    """Make one table of one profile, or all, and write them to `results/<profile>/`; errors end it in one message."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers.papers.spacevae.experiments",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("table", choices=[*SPACE_TABLES, "all", "attributions"])
    parser.add_argument("--profile", default="quick", help="a name in profiles/, or the path of a YAML file")
    parser.add_argument("--results", type=Path, help="another folder than results/")
    parser.add_argument("--models", type=Path, default=MODELS_FOLDER, help="where weights for scenes are")
    parser.add_argument("--method", nargs="+", choices=MEASURED, default=MEASURED, help="of attributions")
    parser.add_argument("--split", nargs="+", choices=("test", "validation"), default=("test", "validation"))
    parser.add_argument("--backwards", action="store_true", help="begin with the last images, beside another process")
    parser.add_argument("--threads", type=int, help="of the CPU")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    with exit_on_error():
        profile = load_profile(options.profile, needs="space-vae")
        study = SpaceStudy(profile, root=options.results, models=options.models, show_progress=True)
        if options.table == "attributions":
            _attribute(study, options)
            return
        for name in possible_tables(study) if options.table == "all" else [options.table]:
            _make(study, name)


def _make(study: SpaceStudy, name: str) -> None:
    table = space_table(study, name)
    place = results_folder(study.profile, study.root) / f"{table_name(name)}.csv"
    print(f"{place}: {len(table)} rows", flush=True)


def _attribute(study: SpaceStudy, options: argparse.Namespace) -> None:
    """Fill the stores."""
    for split in options.split:
        images = competitor_images(study, split)
        for name in options.method:
            attributions(study, name, images, backwards=options.backwards)
            seconds = seconds_an_image(study, name, images)
            print(f"{name}, {len(images)} {split} images: {seconds:.3f} s an image", flush=True)


if __name__ == "__main__":
    main()
