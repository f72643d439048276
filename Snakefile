# The pages, the figures and the book, each made again when what it depends on has changed, and only then.
#
#   snakemake --cores all html                                      the book
#   snakemake --cores all _build/figures/paper/recartoonx-fig3.ipynb  a figure at another scale
#
# What counts is content, not time stamps: each target depends on a small file under _build/inputs/ that lists the
# SHA-256 of everything its page needs (found by helpers.site), and that is written only when the list differs.
# Runs with Snakemake 7.32 (Python 3.10) and 9.

import os
import sys
from functools import lru_cache
from pathlib import Path

sys.path.insert(0, workflow.basedir)

from helpers.site.dependencies import dependencies, inputs_digest, module_dependencies
from helpers.site.registry import find_figure, find_profile, possible_figures
from helpers.site.html import BOOK_PROFILE, COMPLETE, executed_path, site_files, toc_pages

ROOT = Path(workflow.basedir)
PROFILE = config.get("profile", BOOK_PROFILE)
PAGES = [page for page in toc_pages(ROOT) if executed_path(page, ROOT)]
# only the first process writes lists: the jobs that it starts must not move them while pages run
WRITES_LISTS = os.environ.setdefault("BOOK_LISTS_WRITTEN_BY", str(os.getpid())) == str(os.getpid())


def listed(name, files, parameters=None):
    """The file that lists the inputs of `name`, brought up to date, and the inputs themselves."""
    path, text = Path("_build/inputs") / f"{name}.txt", inputs_digest(files, parameters, ROOT)
    if WRITES_LISTS and not (path.is_file() and path.read_text() == text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return {"list": str(path), "files": [ancient(str(file.relative_to(ROOT))) for file in sorted(files)]}


@lru_cache
def page_inputs(page):
    return listed(page, dependencies(page, root=ROOT))


@lru_cache
def figure_inputs(profile, id):
    figure = find_figure(id, ROOT)
    find_profile(profile, ROOT)
    parameters = {"profile": profile, **figure.parameters}
    inputs = listed(f"{profile}/{id}", dependencies(figure.notebook, parameters, ROOT), parameters)
    return {**inputs, "needs": [f"_build/{need}/{profile}.done" for need in figure.needs]}


EXPERIMENTS = {"explanations": "explain", "curves": "curves", "sweep": "sweep"}  # and their names as commands
EXPERIMENTS |= {name: name for name in ["transformer", "transformer-curves", "transformer-sweep", "initial-masks"]}
CLASS_TABLES = ["class-scores", "segmentation", "compute-time", "multilabel-scores", "classes"]
CLASS_TABLES += ["class-truth", "shortcut"]
COMMANDS = {name: f"helpers.papers.recartoonx.experiments {command}" for name, command in EXPERIMENTS.items()}
COMMANDS |= {f"explainer-{name}": f"helpers.papers.explainer.experiments {name}" for name in CLASS_TABLES}
SPACE_TABLES = ["sparsity", "examples", "bottleneck", "extensions", "reference", "earlier"]
COMMANDS |= {f"space-vae-{name}": f"helpers.papers.spacevae.experiments {name}" for name in SPACE_TABLES}
AFTER = {"curves": "explanations", "transformer-curves": "transformer", "transformer-sweep": "transformer"}
AFTER |= {"explainer-class-truth": "explainer-segmentation", "space-vae-examples": "space-vae-sparsity"}


@lru_cache
def experiment_inputs(profile, need):
    package = COMMANDS[need].split()[0]
    inputs = listed(f"{profile}/{package}", module_dependencies(f"{package}.__main__", profile, ROOT))
    return {**inputs, "needs": [f"_build/{AFTER[need]}/{profile}.done"] if need in AFTER else []}


rule html:
    input:
        [executed_path(page, ROOT) for page in PAGES],
        listed("html", site_files(ROOT))["list"],
    output:
        touch(COMPLETE),
    shell:
        "{sys.executable} -m helpers.site build"


rule figures:
    input:
        lambda wildcards: [f"_build/figures/{PROFILE}/{id}.ipynb" for id in possible_figures(PROFILE, ROOT)],


rule page:
    input:
        unpack(lambda wildcards: page_inputs(f"{wildcards.page}.md")),
    output:
        "_build/pages/{page}.ipynb",
    threads: max(1, workflow.cores // max(1, len(PAGES)))
    shell:
        "{sys.executable} -m helpers.site page {wildcards.page}.md {output}"


rule figure:
    input:
        unpack(lambda wildcards: figure_inputs(wildcards.profile, wildcards.id)),
    output:
        "_build/figures/{profile}/{id}.ipynb",
    threads: max(1, workflow.cores // max(1, len(PAGES)))
    shell:
        "{sys.executable} -m helpers.site figure {wildcards.id} {wildcards.profile} {output}"


# What several figures of a profile share, or what takes longer than a notebook's cell may. The marker is the output,
# since Snakemake deletes the outputs of a job before it starts: the results themselves are written atomically by the
# command, which resumes where it was stopped.
rule experiment:
    input:
        unpack(lambda wildcards: experiment_inputs(wildcards.profile, wildcards.need)),
    output:
        touch("_build/{need}/{profile}.done"),
    wildcard_constraints:
        need="|".join(COMMANDS),
    threads: max(1, workflow.cores // 2)
    priority: 10  # figures wait for it: it starts before the pages that nothing waits for
    params:
        command=lambda wildcards: COMMANDS[wildcards.need],
    shell:
        "{sys.executable} -m {params.command} --profile {wildcards.profile}"
