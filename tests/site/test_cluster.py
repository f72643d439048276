"""The Snakefile on a cluster: SLURM runs its rules with the same results."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from benchmarks.cluster.__main__ import SHARDS, SUBMITTED, clone, main, make_by_slurm, make_here, write
from benchmarks.cluster.compare import Comparison, compare_notebooks, compare_runs, compare_tables
from benchmarks.cluster.slurm import one_node, why_not


def write_table(folder, text, name="scores"):
    path = folder / f"quick/{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_notebook(path, *outputs, tags=()):
    cell = new_code_cell("1", metadata={"tags": list(tags)})
    cell.outputs = list(outputs)
    nbformat.write(new_notebook(cells=[cell]), path)
    return path


def text(words, name="stdout"):
    return new_output("stream", name=name, text=words)


def picture(data):
    return new_output("display_data", data={"image/png": data, "text/plain": "<Figure size 640x480 with 1 Axes>"})


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("method,iou,seconds\nrise,0.25,3.5\n", True),  # another time
        ("method,iou,seconds\nrise,0.250,3.0\n", False),  # the same number, written otherwise
        ("method,iou,seconds\nrise,0.25,3.0\nrise,0.25,3.0\n", False),
        ("method,auc,seconds\nrise,0.25,3.0\n", False),
    ],
)
def test_tables_are_compared_as_written_without_times(tmp_path, other, same):
    write_table(tmp_path / "here", "method,iou,seconds\nrise,0.25,3.0\n")
    write_table(tmp_path / "there", other)
    found = compare_tables("quick", "scores", tmp_path / "here", tmp_path / "there")
    assert found == Comparison("table", "scores", 2, 0, 1, same=same)


def test_a_table_that_one_run_lacks_is_a_difference(tmp_path):
    write_table(tmp_path / "here/results", "method\nrise\n")
    (found,) = compare_runs(tmp_path / "here", tmp_path / "there", [])
    assert not found.same


@pytest.mark.parametrize(
    ("here", "there", "same"),
    [
        (text("took 3.1 s: 0.25"), text("took 2 min: 0.25"), True),
        (text("took 3.1 s: 0.25"), text("took 3.1 s: 0.26"), False),
        (
            new_output("stream", name="stderr", text="stored"),
            new_output("stream", name="stderr", text="computed"),
            True,
        ),
        (picture("AAAA"), picture("AAAA"), True),
        (picture("AAAA"), picture("AAAB"), False),
    ],
)
def test_notebooks_are_compared_without_times_and_with_pictures(tmp_path, here, there, same):
    paths = [write_notebook(tmp_path / f"{name}.ipynb", run) for name, run in (("a", here), ("b", there))]
    assert compare_notebooks("fig", *paths).same is same


def test_cells_that_show_times_are_counted_and_not_compared(tmp_path):
    paths = [write_notebook(tmp_path / f"{n}.ipynb", text(n), tags=["nbval-ignore-output"]) for n in "ab"]
    assert compare_notebooks("fig", *paths) == Comparison("notebook", "fig", 0, 0, 1, same=True)


def test_a_figure_that_was_not_made_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"fig\.ipynb has not been made"):
        compare_runs(tmp_path, tmp_path, ["fig"])


def test_jobs_are_added_up_unless_the_clones_are_new(tmp_path):
    """The run may be done in parts."""
    path = tmp_path / "cluster.json"
    row = Comparison("notebook", "fig1", 3, 1, 0, same=True)

    def jobs(commit):
        write(path, [row], 4, commit, {})
        about = json.loads(path.read_text())
        assert [row["name"] for row in about["compared"]] == ["fig1"]
        return about["jobs"]

    assert [jobs("a"), jobs("a"), jobs("b")] == [4, 8, 4]


@pytest.mark.slow  # it starts the daemons of SLURM; `make test` makes the same figures on this machine
@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_jobs_of_slurm_give_the_same_figure(tmp_path):
    """A table whose images two jobs share, and the figure that shows it."""
    figure, table = "explainer-fig3", "explainer-segmentation"
    target = f"_build/figures/quick/{figure}.ipynb"
    here, there = clone(tmp_path / "here"), clone(tmp_path / "there")
    with one_node(tmp_path / "slurm"):
        printed = make_by_slurm(there, [target], SHARDS["explainer"])
    assert printed.count(SUBMITTED) == 4, "two shards, their table, the figure"
    assert (there / f"_build/logs/shards/quick/{table}/1-of-2.log").is_file()
    make_here(here, [target])
    found = compare_runs(here, there, [figure])
    assert {row.name for row in found} >= {f"{table}-voc2007-vgg16", figure}
    assert [row for row in found if not row.same] == []
    assert sum(row.pictures for row in found) > 0


@pytest.mark.soak  # an hour or more of two cores; `python -m benchmarks.cluster` goes on where it stopped
@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_all_quick_figures_are_the_same(tmp_path):
    assert main(["--work", str(tmp_path)]) == 0
