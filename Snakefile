# The pages, figures, tables, networks, benchmark and book; each is made again if and only if its inputs have changed.
#
#   snakemake --cores all html                                        the book
#   snakemake --cores all _build/figures/paper/recartoonx-fig3.ipynb  a figure at another scale
#   snakemake --cores all models                                      the networks in models/, trained again
#   snakemake --cores all benchmark                                   the benchmark's tables
#   snakemake --profile profiles/slurm figures --config profile=paper   all figures of a profile, on a cluster
#
# Contents count, not time stamps: each target depends on a manifest under _build/inputs/, a small file with the SHA-256
# of all inputs of its page (see helpers.site.dependencies), which is rewritten only if it differs. The inputs
# themselves are not listed here, because Snakemake would check size and time of thousands of files repeatedly.
# Runs with Snakemake 7.32 (Python 3.10) and 9.

import os
import sys
from functools import lru_cache
from shlex import join
from pathlib import Path

sys.path.insert(0, workflow.basedir)

from helpers.core.endings import one_line_errors
from helpers.results.registry import TABLES
from helpers.site.dependencies import files_inputs, module_inputs, page_inputs, table_inputs
from helpers.site.html import BOOK_PROFILE, BUNDLES, COMPLETE, EXPORTS, executed_path, site_inputs, toc_pages
from helpers.site.manifests import Manifests
from helpers.site.registry import find_figure, find_profile, possible_figures
from helpers.site.warm import COMMAND, start_server
from helpers.site.workflow import benchmark_tables, shard_count, shell_functions, trainings, untrained

ROOT = Path(workflow.basedir)
PROFILE = config.get("profile", BOOK_PROFILE)
TEACHING = sorted((ROOT / "helpers/teaching").rglob("*.py"))  # of slides and editions, which the book offers too
LIVE = sorted(path for path in (ROOT / "helpers/playground").glob("*.py"))  # and of what runs in the browser
# what makes its files; the small projects of the tests have none
MAKES_NETWORKS = ROOT / "helpers/playground/make.py" in LIVE
NETWORKS = ["helpers.playground.make", "helpers.playground.sprites"] if MAKES_NETWORKS else []
SCRIPTS = sorted(path for path in (ROOT / "web").rglob("*") if path.is_file() and "node_modules" not in path.parts)
LAST = ["book/ledger.md", "book/figures/index.md"]
PAGES = [page for page in toc_pages(ROOT) if executed_path(page, ROOT)]
# only the first process writes manifests: those of its jobs must not change while pages run
WRITES_MANIFESTS = os.environ.setdefault("BOOK_MANIFESTS_WRITTEN_BY", str(os.getpid())) == str(os.getpid())


# Threads, memory and minutes of a job, for schedulers of clusters; `--set-resources table:mem_mb=…` changes them.
# On one machine, the cores are shared by the jobs that can run at once.
def threads_of(jobs):
    """The threads of each of so many jobs, once it is known where they run."""
    return lambda wildcards: max(1, workflow.cores // max(1, jobs)) if on_this_machine() else config.get("threads", 4)


def on_this_machine():
    """Whether jobs run here, and not on a cluster."""
    return getattr(workflow, "local_exec", True)


# A job without a GPU has no resource `gpu`: Kubernetes' plugin takes 0 for a request.
GPUS = {"gpu": int(config["gpus"]), "gpu_manufacturer": "nvidia"} if int(config.get("gpus", 0)) else {}
PAGE = {"mem_mb": 4000, "runtime": 30}
NUMBERS = {"mem_mb": 16000, "runtime": 24 * 60, **GPUS}
TRAINING = {"mem_mb": 32000, "runtime": 7 * 24 * 60, **GPUS}

# The requirements of all rules, for `snakemake --software-deployment-method apptainer` and for Kubernetes: the image of
# the Dockerfile. Without that option, jobs run in the environment of Snakemake itself, .venv.
container: "docker://ghcr.io/keep-what-matters/keep-what-matters:latest"


# `helpers LOG ARGUMENT...` in a rule is `python -m helpers --log LOG ARGUMENT...`, but for the imports.
CLONE = getattr(getattr(workflow, "storage_settings", None), "default_storage_prefix", None)  # Snakemake 8 and later
shell.prefix(shell_functions(join([sys.executable, *COMMAND, "helpers"]), CLONE))

with one_line_errors():
    MANIFESTS = Manifests(ROOT, write=WRITES_MANIFESTS)


def manifest(name, compute):
    """The path of a target's manifest, which is brought up to date."""
    with one_line_errors():
        path = MANIFESTS.path(name, compute)
    if WRITES_MANIFESTS and hasattr(workflow, "iocache"):
        workflow.iocache.deactivate()  # it holds the files of a folder as they were when the first target was looked up
    return path


@lru_cache
def manifest_of_page(page):
    return manifest(page, lambda: page_inputs(page, root=ROOT).manifest())


@lru_cache
def inputs_of_figure(profile, id):
    figure = find_figure(id, ROOT)
    find_profile(profile, ROOT)
    parameters = {"profile": profile, **figure.parameters}
    tables = [f"_build/tables/{profile}/{table}.done" for table in figure.needs]
    compute = lambda: page_inputs(figure.notebook, parameters, ROOT).manifest(parameters)
    return [manifest(f"{profile}/{id}", compute), *tables]


@lru_cache
def prerequisites_of_table(profile, name):
    """What a table and its shards wait for: its manifest, the tables that it reads, networks that are not in models/."""
    table = TABLES[name]
    tables = [f"_build/tables/{profile}/{other}.done" for other in (*table.reads, *table.after)]
    networks = [f"_build/networks/{profile}/{job}.done" for job in untrained(profile, table.paper, ROOT)]
    compute = lambda: table_inputs(name, profile, ROOT).manifest()
    return [manifest(f"{profile}/tables/{name}", compute), *tables, *networks]


@lru_cache
def inputs_of_table(profile, name):
    """The prerequisites of a table, and the shards that compute its images; one shard is the table's own job."""
    size = int(config["shard"]) if "shard" in config else None
    with one_line_errors():
        count = shard_count(profile, TABLES[name], size, ROOT)
    shards = [f"_build/shards/{profile}/{name}/{part}-of-{count}.done" for part in range(1, count + 1)]
    return [*prerequisites_of_table(profile, name), *(shards if count > 1 else [])]


onstart:
    # Snakemake 9 limits the rate at which jobs start, for clusters. After each job, one more timer wakes the scheduler
    # every second, which is of no use on one machine.
    if getattr(workflow, "local_exec", False):
        workflow.scheduler.job_rate_limiter = None
    if on_this_machine():
        start_server()


rule html:
    input:
        [executed_path(page, ROOT) for page in PAGES],
        manifest("html", lambda: files_inputs([*site_inputs(ROOT), *TEACHING, *LIVE], ROOT).manifest()),
        [f"{BUNDLES}/.complete"] if SCRIPTS else [],
        [f"{EXPORTS}/.complete"] if NETWORKS else [],
    output:
        touch(COMPLETE),
    resources: **PAGE
    log:
        "_build/logs/html.log",
    shell:
        "helpers {log:q} build"


# Where npm's registry cannot be reached, the book is built without live parts, and the next build tries again.
if WRITES_MANIFESTS and not (ROOT / BUNDLES / "live.js").is_file():
    (ROOT / BUNDLES / ".complete").unlink(missing_ok=True)


rule scripts:
    input:
        manifest("scripts", lambda: files_inputs(SCRIPTS, ROOT).manifest()),
    output:
        touch(f"{BUNDLES}/.complete"),
    resources: **PAGE
    log:
        "_build/logs/scripts.log",
    shell:
        "helpers {log:q} web"


rule playground:
    input:
        manifest("playground", lambda: module_inputs(NETWORKS, ROOT).manifest()),
    output:
        touch(f"{EXPORTS}/.complete"),
    resources: **PAGE
    log:
        "_build/logs/playground.log",
    shell:
        "helpers {log:q} playground"


rule figures:
    input:
        lambda wildcards: [f"_build/figures/{PROFILE}/{id}.ipynb" for id in possible_figures(PROFILE, ROOT)],


# The ledger and the overview of the figures read what the pages of figures have made: their tables and pictures.
FIGURE_PAGES = [page for page in PAGES if page.startswith("book/figures/") and page not in LAST]


ruleorder: last_page > page


rule last_page:
    input:
        lambda wildcards: manifest_of_page(f"{wildcards.last}.md"),
        [executed_path(page, ROOT) for page in FIGURE_PAGES],
    output:
        "_build/pages/{last}.ipynb",
    wildcard_constraints:
        last="|".join(page.removesuffix(".md") for page in LAST),
    resources: **PAGE
    log:
        "_build/logs/pages/{last}.log",
    shell:
        "helpers {log:q} page {wildcards.last:q}.md _build/pages/{wildcards.last:q}.ipynb --quiet && kept {output:q}"


rule page:
    input:
        lambda wildcards: manifest_of_page(f"{wildcards.page}.md"),
    output:
        "_build/pages/{page}.ipynb",
    threads: threads_of(len(PAGES))
    resources: **PAGE
    log:
        "_build/logs/pages/{page}.log",
    shell:
        "helpers {log:q} page {wildcards.page:q}.md _build/pages/{wildcards.page:q}.ipynb --quiet && kept {output:q}"


rule figure:
    input:
        lambda wildcards: inputs_of_figure(wildcards.profile, wildcards.id),
    output:
        "_build/figures/{profile}/{id}.ipynb",
    threads: threads_of(len(PAGES))
    resources: **NUMBERS
    log:
        "_build/logs/figures/{profile}/{id}.log",
    shell:
        "helpers {log:q} figure {wildcards.id:q} {wildcards.profile:q}"
        " _build/figures/{wildcards.profile:q}/{wildcards.id:q}.ipynb --quiet && kept {output:q}"


# Tables that several figures of a profile share, or that take longer than a cell of a page may. The output is a marker,
# because Snakemake deletes the outputs of a job before it starts. The command writes the tables themselves atomically,
# skips fresh ones, and resumes interrupted ones.
rule table:
    input:
        lambda wildcards: inputs_of_table(wildcards.profile, wildcards.table),
    output:
        touch("_build/tables/{profile}/{table}.done"),
    wildcard_constraints:
        table="|".join(TABLES),
    threads: threads_of(2)
    priority: 10  # before pages, since figures wait for tables
    resources: **NUMBERS
    log:
        "_build/logs/tables/{profile}/{table}.log",
    shell:
        "helpers {log:q} table {wildcards.table:q} --profile {wildcards.profile:q}"


# The images of a table, divided among jobs; the number of images per job is `shard` of the profile, or of --config. Each
# begins with its own share, and goes on with what the others have not finished: none waits, and none leaves work behind.
rule shard:
    input:
        lambda wildcards: prerequisites_of_table(wildcards.profile, wildcards.table),
    output:
        touch("_build/shards/{profile}/{table}/{part}-of-{parts}.done"),
    wildcard_constraints:
        table="|".join(TABLES),
        part=r"\d+",
        parts=r"\d+",
    threads: threads_of(2)
    priority: 10
    resources: **NUMBERS
    log:
        "_build/logs/shards/{profile}/{table}/{part}-of-{parts}.log",
    shell:
        "helpers {log:q} table {wildcards.table:q} --profile {wildcards.profile:q}"
        " --shard {wildcards.part:q} {wildcards.parts:q}"


rule benchmark:
    input:
        lambda wildcards: [f"_build/tables/{profile}/{name}.done" for profile, name in benchmark_tables(ROOT)],


# The networks of models/ are committed, so nothing depends on these jobs: `make models` asks for them. They train again.
MODELS = ["scenes-cnn", "scenes-vit", "scenes-cnn-cartoonx-mask", "scenes-cnn-pixel-rde-mask"]


rule models:
    input:
        [f"_build/models/{model}.done" for model in MODELS],
        lambda wildcards: [f"_build/networks/{BOOK_PROFILE}/{job}.done" for job in trainings(BOOK_PROFILE, ROOT)],


rule model:
    input:
        lambda wildcards: [] if wildcards.model in MODELS[:2] else "_build/models/scenes-cnn.done",
    output:
        touch("_build/models/{model}.done"),
    threads: threads_of(2)
    resources: **TRAINING
    log:
        "_build/logs/models/{model}.log",
    shell:
        "helpers {log:q} train --again --model {wildcards.model:q}"


# Networks of a profile: those for photographs, for which its tables wait. Finished ones are kept, and an interrupted
# training resumes; `--config again=1` trains finished ones again.
rule networks:
    output:
        touch("_build/networks/{profile}/{job}.done"),
    threads: threads_of(2)
    resources: **TRAINING
    params:
        again="--again" if config.get("again") else "",
        which=lambda wildcards: trainings(wildcards.profile, ROOT)[wildcards.job],
    log:
        "_build/logs/networks/{profile}/{job}.log",
    shell:
        "helpers {log:q} train --profile {wildcards.profile:q} {params.again} {params.which:q}"
