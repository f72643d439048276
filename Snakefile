# The pages, the figures and the book, each made again when what it depends on has changed, and only then.
#
#   snakemake --cores all html                                      the book
#   snakemake --cores all _build/figures/paper/recartoonx-fig3.ipynb  a figure at another scale
#
# What counts is content, not time stamps: each target depends on a small file under _build/inputs/ that lists the
# SHA-256 of everything its page needs (found by helpers.site), and that is written only when the list differs. The
# files themselves are no inputs: Snakemake would ask for the size and the time of thousands again and again.
# Runs with Snakemake 7.32 (Python 3.10) and 9.

import os
import sys
from functools import lru_cache
from pathlib import Path

sys.path.insert(0, workflow.basedir)

from helpers.results.registry import TABLES
from helpers.site.dependencies import files_inputs, page_inputs, table_inputs
from helpers.site.html import BOOK_PROFILE, COMPLETE, executed_path, site_files, toc_pages
from helpers.site.registry import find_figure, find_profile, possible_figures
from helpers.site.warm import COMMAND, start_server

ROOT = Path(workflow.basedir)
HELPERS = " ".join([sys.executable, *COMMAND, "helpers"])  # `python -m helpers`, but for the imports
PROFILE = config.get("profile", BOOK_PROFILE)
PAGES = [page for page in toc_pages(ROOT) if executed_path(page, ROOT)]
# only the first process writes lists: the jobs that it starts must not move them while pages run
WRITES_LISTS = os.environ.setdefault("BOOK_LISTS_WRITTEN_BY", str(os.getpid())) == str(os.getpid())


def listed(name, inputs, parameters=None):
    """The file that lists what `name` depends on, brought up to date."""
    path, text = Path("_build/inputs") / f"{name}.txt", inputs.listed(parameters)
    if WRITES_LISTS and not (path.is_file() and path.read_text() == text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(path)


@lru_cache
def list_of_page(page):
    return listed(page, page_inputs(page, root=ROOT))


@lru_cache
def inputs_of_figure(profile, id):
    figure = find_figure(id, ROOT)
    find_profile(profile, ROOT)
    parameters = {"profile": profile, **figure.parameters}
    tables = [f"_build/tables/{profile}/{table}.done" for table in figure.needs]
    return [listed(f"{profile}/{id}", page_inputs(figure.notebook, parameters, ROOT), parameters), *tables]


@lru_cache
def inputs_of_table(profile, name):
    before = [f"_build/tables/{profile}/{other}.done" for other in (*TABLES[name].reads, *TABLES[name].after)]
    return [listed(f"{profile}/tables/{name}", table_inputs(name, profile, ROOT)), *before]


onstart:
    start_server()


rule html:
    input:
        [executed_path(page, ROOT) for page in PAGES],
        listed("html", files_inputs(site_files(ROOT), ROOT)),
    output:
        touch(COMPLETE),
    shell:
        "{HELPERS} build"


rule figures:
    input:
        lambda wildcards: [f"_build/figures/{PROFILE}/{id}.ipynb" for id in possible_figures(PROFILE, ROOT)],


rule page:
    input:
        lambda wildcards: list_of_page(f"{wildcards.page}.md"),
    output:
        "_build/pages/{page}.ipynb",
    threads: max(1, workflow.cores // max(1, len(PAGES)))
    shell:
        "{HELPERS} page {wildcards.page}.md {output}"


rule figure:
    input:
        lambda wildcards: inputs_of_figure(wildcards.profile, wildcards.id),
    output:
        "_build/figures/{profile}/{id}.ipynb",
    threads: max(1, workflow.cores // max(1, len(PAGES)))
    shell:
        "{HELPERS} figure {wildcards.id} {wildcards.profile} {output}"


# What several figures of a profile share, or what takes longer than a notebook's cell may. The marker is the output,
# since Snakemake deletes the outputs of a job before it starts: the results themselves are written atomically by the
# command, which computes nothing that is fresh, and resumes where it was stopped.
rule table:
    input:
        lambda wildcards: inputs_of_table(wildcards.profile, wildcards.table),
    output:
        touch("_build/tables/{profile}/{table}.done"),
    wildcard_constraints:
        table="|".join(TABLES),
    threads: max(1, workflow.cores // 2)
    priority: 10  # figures wait for it: it starts before the pages that nothing waits for
    shell:
        "{HELPERS} table {wildcards.table} --profile {wildcards.profile}"
