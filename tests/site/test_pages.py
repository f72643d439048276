"""What a page depends on, how it runs, and that whatever fails in it fails the build."""

import ast
import base64
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import nbformat
import pytest

from helpers.__main__ import main
from helpers.core.files import ROOT
from helpers.results.registry import STUDIES, TABLES
from helpers.site import PageError, execute, load_registry, page_inputs, toc_pages
from helpers.site.dependencies import finder, table_inputs
from helpers.site.html import BuildError, build, executed_path
from helpers.site.parameters import parse_values
from helpers.site.pictures import picture_files
from helpers.site.registry import find_figure, find_profile
from helpers.site.source import is_executable, page_code

RUN_PAGES = [page for page in toc_pages() if is_executable(ROOT / page)]
_FIGURES = [page for page in RUN_PAGES if "/figures/" in page]
TRACED_PAGES = [page for page in RUN_PAGES if page not in _FIGURES] + _FIGURES[::3]  # a paper's figures import the same
HEAD = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  name: python3
  display_name: Python 3
{extra}---

# A page

"""


def write_page(path: Path, *cells: str, parameters: str | None = None, extra: str = "") -> Path:
    """A MyST Markdown page with these code cells."""
    parts = [HEAD.format(extra=extra)]
    if parameters is not None:
        parts.append("```{code-cell} ipython3\n:tags: [parameters]\n\n" + parameters + "\n```\n")
    parts += ["```{code-cell} ipython3\n" + textwrap.dedent(cell).strip() + "\n```\n" for cell in cells]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(parts), encoding="utf-8")
    return path


HOSTILE_NAME = """it's "my" {clone} [ü] $HOME `x` 100% #1"""


@pytest.fixture
def project(tmp_path) -> Path:
    """A small project: two pages, three modules, a profile, a model, and the real Snakefile and tooling.

    Its folder has a name that shells, format strings and patterns would take apart.
    """
    root = tmp_path / HOSTILE_NAME
    files = {
        "helpers/__init__.py": "",
        "helpers/core/runtime.py": "DEVICE = 'cpu'\n",
        "helpers/pictures.py": "from helpers.core import runtime\n\ndef size():\n    return runtime.DEVICE and 3\n",
        "helpers/unrelated.py": "VALUE = 1\n",
        "helpers/profiles.py": "",
        "profiles/quick.yaml": "classifier: tiny\n",
        "profiles/large.yaml": "classifier: huge\n",
        "models/tiny.safetensors": "tiny weights",
        "models/huge.safetensors": "huge weights",
        "results/large/one-figure.csv": "a,b\n1,2\n",
        "results/quick/one-figure.csv": "a,b\n1,2\n",
        "requirements.txt": "",
        "_config.yml": "title: Small\nexecute: {execute_notebooks: 'off'}\n",
        "_toc.yml": "format: jb-book\nroot: book/start\nchapters:\n  - file: book/one\n  - file: book/two\n",
        "book/start.md": "# Start\n\n[A page with code](one.md)\n",
        "book/figures.yaml": "{}\n",
    }
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    shutil.copytree(ROOT / "helpers/site", root / "helpers/site")
    core = ("endings", "files", "lazy", "logs", "memory", "names", "strict_yaml")
    tooling = [*(f"core/{name}.py" for name in core)]
    tooling += [f"{package}/commands.py" for package in ("benchmark", "playground", "teaching")]
    for name in ("__main__.py", *tooling):
        (root / "helpers" / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / "helpers" / name, root / "helpers" / name)
    shutil.copytree(ROOT / "helpers/results", root / "helpers/results", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", root)
    uses_profile = "from helpers.pictures import size\nimport helpers.profiles\nprint(size())"
    write_page(root / "book/one.md", uses_profile, parameters='profile = "quick"')
    write_page(root / "book/two.md", "import helpers.core.runtime\n%time 1 + 1\nprint('two')")
    return root


def add_teaching(project: Path) -> None:
    """What a whole build makes beside the pages, where there are no chapters, sessions and exercises."""
    exercises = shutil.ignore_patterns("__pycache__", "[!_]*.py")
    shutil.copytree(ROOT / "helpers/teaching", project / "helpers/teaching", dirs_exist_ok=True)
    shutil.rmtree(project / "helpers/teaching/exercises")
    shutil.copytree(ROOT / "helpers/teaching/exercises", project / "helpers/teaching/exercises", ignore=exercises)
    shutil.copy(ROOT / "helpers/playground/publish.py", project / "helpers/playground")
    for name, content in {"slides.yaml": "sessions: []\n", "chapters.yaml": "{}\n", "references.bib": ""}.items():
        (project / "book" / name).write_text(content)


def imports_of(page: str) -> str:
    """The import statements of the page's cells, in order."""
    statements = [node for tree in page_code(ROOT / page) for node in tree.body]
    return "\n".join(ast.unparse(node) for node in statements if isinstance(node, (ast.Import, ast.ImportFrom)))


@pytest.fixture(scope="module")
def loaded_files() -> dict[str, set[Path]]:
    """By page: the files of `helpers` that Python loads for its imports."""
    command = [sys.executable, ROOT / "tests/support/page_imports.py"]
    pages = json.dumps({page: imports_of(page) for page in TRACED_PAGES})
    done = subprocess.run(command, cwd=ROOT, input=pages, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {page: set(map(Path, files)) for page, files in json.loads(done.stdout).items()}


def dependencies(page: Path | str, parameters: dict | None = None, root: Path = ROOT) -> set[Path]:
    """The files that a page depends on."""
    return page_inputs(page, parameters, root).paths()


def names(paths: set[Path], root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in paths}


class TestDependencies:
    def test_modules_through_each_other_profile_and_model(self, project):
        assert names(dependencies("book/one.md", root=project), project) == {
            "book/one.md",
            "helpers/pictures.py",
            "helpers/profiles.py",
            "helpers/core/runtime.py",
            "models/tiny.safetensors",
            "profiles/quick.yaml",
            "requirements.txt",
        }

    def test_another_profile_brings_its_own_model(self, project):
        result = names(dependencies("book/one.md", {"profile": "large"}, root=project), project)
        assert {"profiles/large.yaml", "models/huge.safetensors"} <= result
        assert not {"profiles/quick.yaml", "models/tiny.safetensors"} & result

    def test_a_page_with_magics_and_no_profile(self, project):
        result = names(dependencies("book/two.md", root=project), project)
        assert result == {"book/two.md", "helpers/core/runtime.py", "requirements.txt"}

    @pytest.mark.parametrize(
        "statement",
        [
            "from helpers import unrelated",
            "import helpers.unrelated as u",
            "from helpers.unrelated import VALUE",
            "def later():\n    from helpers.unrelated import VALUE",
            "import importlib\nimportlib.import_module('helpers.unrelated')",
        ],
    )
    def test_every_way_to_import(self, project, statement):
        page = write_page(project / "book/three.md", statement)
        assert "helpers/unrelated.py" in names(dependencies(page, root=project), project)

    def test_relative_imports_and_packages(self, project):
        (project / "helpers/methods/rde").mkdir(parents=True)
        (project / "helpers/methods/rde/__init__.py").write_text("from .options import Options\n")
        (project / "helpers/methods/rde/options.py").write_text("from ...unrelated import VALUE as Options\n")
        (project / "helpers/methods/rde/other.py").write_text("")
        page = write_page(project / "book/three.md", "from helpers.methods.rde import Options")
        result = names(dependencies(page, root=project), project)
        assert "helpers/unrelated.py" in result, "where the name is defined in the end"
        assert "helpers/methods/rde/other.py" not in result

    def test_a_model_named_in_the_code(self, project):
        page = write_page(project / "book/three.md", 'name = "models/huge"')
        assert "models/huge.safetensors" in names(dependencies(page, root=project), project)

    def test_committed_results_but_not_its_own(self, project):
        page = write_page(project / "book/three.md", 'name = "one-figure"', parameters='profile = "quick"')
        result = names(dependencies(page, root=project), project)
        assert "results/large/one-figure.csv" in result
        assert "results/quick/one-figure.csv" not in result
        result = names(dependencies(page, {"profile": "large"}, root=project), project)
        assert "results/large/one-figure.csv" not in result

    def test_loading_a_profile_that_is_not_named_means_any(self, project):
        page = write_page(project / "book/three.md", "from helpers import profiles")
        assert {"profiles/quick.yaml", "profiles/large.yaml"} <= names(dependencies(page, root=project), project)

    def test_front_matter(self, project):
        page = write_page(project / "book/three.md", "1", extra="depends: [helpers/un*.py]\n")
        assert "helpers/unrelated.py" in names(dependencies(page, root=project), project)
        page = write_page(project / "book/four.md", "1", extra="depends: [nothing.csv]\n")
        with pytest.raises(ValueError, match=r"nothing\.csv"):
            dependencies(page, root=project)

    def test_bad_pages_are_named(self, project):
        page = write_page(project / "book/three.md", "1", parameters='profile = "quik"')
        with pytest.raises(ValueError, match="'quik' is not in profiles/; there are: large, quick"):
            dependencies(page, root=project)
        page = write_page(project / "book/four.md", "1 +")
        with pytest.raises(ValueError, match=r"four\.md, cell"):
            dependencies(page, root=project)

    @pytest.mark.parametrize("page", TRACED_PAGES)
    def test_real_pages_import_nothing_else(self, loaded_files, page):
        """What Python really loads for the page's imports is among what was read off the syntax."""
        assert loaded_files[page]
        assert loaded_files[page] <= finder().files_imported_by(page_code(ROOT / page))

    @pytest.mark.parametrize("identifier", [name for name in load_registry() if name != "spacevae-earlier"])
    def test_a_figure_depends_on_the_code_of_its_own_paper(self, identifier):
        """One helper of one paper changed: that paper's pages only (spacevae-earlier compares with CartoonX's)."""
        figure = load_registry()[identifier]
        inputs = page_inputs(figure.notebook, {"profile": "quick", **figure.parameters})
        papers = {module.split(".")[2] for module, _ in inputs.code if module.startswith("helpers.papers.")}
        assert papers == {identifier.split("-")[0]}

    @pytest.mark.parametrize("name", TABLES)
    def test_a_table_depends_on_its_function_its_study_and_its_own_paper(self, name):
        inputs, table = table_inputs(name, "quick"), TABLES[name]
        assert {tuple(path.split(":")) for path in (table.make, STUDIES[table.paper])} <= inputs.code
        papers = {module.split(".")[2] for module, _ in inputs.code if module.startswith("helpers.papers.")}
        assert papers == {table.paper}

    def test_a_page_depends_on_the_tables_that_it_names(self):
        inputs = page_inputs("book/figures/recartoonx-fig7.md", {"profile": "quick"})
        assert TABLES["transformer-sweep"] in inputs.tables
        assert TABLES["convergence"] not in inputs.tables
        assert tuple(TABLES["transformer-sweep"].make.split(":")) in inputs.code
        assert tuple(TABLES["convergence"].make.split(":")) not in inputs.code
        assert "transformer_sweep" in inputs.manifest(), "its settings in the registry count too"

    def test_a_page_does_not_see_the_modules_of_the_page_before(self, loaded_files):
        """The check itself: the pages share one process, and each of them starts without modules of `helpers`."""
        files = list(loaded_files.values())
        assert any(former - later for former, later in itertools.pairwise(files))


class TestExecution:
    def test_a_page_runs_with_its_parameters(self, project):
        page = write_page(project / "book/three.md", "print(size * 2)", parameters="size = 2\nname = 'x'")
        began = time.time()
        output = execute(page, project / "out/three.ipynb", {"size": 21, "name": "x"}, root=project)
        notebook = nbformat.read(output, as_version=4)
        assert [cell.outputs[0].text for cell in notebook.cells if cell.get("outputs")] == ["42\n"]
        assert output.stat().st_mtime == pytest.approx(began, abs=1), "it carries the time at which it began"
        assert list(output.parent.iterdir()) == [output]

    def test_the_working_folder_is_the_root(self, project):
        page = write_page(project / "book/three.md", "import os; print(os.getcwd())")
        notebook = nbformat.read(execute(page, "out/three.ipynb", root=project), as_version=4)
        assert notebook.cells[-1].outputs[0].text.strip() == str(project)

    def test_a_failing_cell_fails(self, project):
        page = write_page(project / "book/three.md", "print('fine')", "numbers = [1]\nnumbers[3]")
        with pytest.raises(PageError) as caught:
            execute(page, project / "out/three.ipynb", root=project)
        message = str(caught.value)
        assert all(part in message for part in ("three.md", "In [2]", "numbers[3]", "IndexError", "failed.ipynb"))
        assert [path.name for path in (project / "out").iterdir()] == ["three.failed.ipynb"]

    def test_a_failing_widget_callback_fails(self, project):
        page = write_page(
            project / "book/three.md",
            """
            from ipywidgets import interact

            @interact(fraction=(0.1, 1.0))
            def show(fraction):
                raise RuntimeError("the callback failed")
            """,
        )
        with pytest.raises(PageError, match=r"callback of a widget(?s:.*)the callback failed"):
            execute(page, project / "out/three.ipynb", root=project)
        assert not (project / "out/three.ipynb").exists()

    def test_a_good_widget_passes(self, project):
        page = write_page(
            project / "book/three.md", "from ipywidgets import interact\ninteract(lambda x: x, x=(0, 5));"
        )
        assert execute(page, project / "out/three.ipynb", root=project).exists()

    def test_an_unknown_parameter_is_named(self, project):
        with pytest.raises(ValueError, match=r"one\.md has no parameter 'colour'"):
            execute("book/one.md", "out/one.ipynb", {"colour": 1}, root=project)

    def test_ctrl_c_ends_a_run_with_one_line_and_without_output(self, project):
        # a shell starts jobs in the background, such as these tests, with Ctrl-C ignored, and so would be the command
        found = signal.signal(signal.SIGINT, signal.default_int_handler)
        write_page(project / "book/three.md", "import time; open('running', 'w'); time.sleep(60)")
        command = [sys.executable, "-m", "helpers", "page", "book/three.md", "out/three.ipynb"]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "start_new_session": True}
        try:
            process = subprocess.Popen(command, cwd=project, **options)
        finally:
            signal.signal(signal.SIGINT, found)
        while not (project / "running").exists() and process.poll() is None:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        printed, _ = process.communicate(timeout=60)
        assert process.returncode == 130
        assert re.fullmatch("interrupted; .*\n", printed)
        assert list((project / "out").iterdir()) == []

    def test_pictures_are_written_beside_the_notebook(self, project):
        figure = "mystnb: {figure: {name: three-ours}}"
        cell = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.show()"
        page = write_page(project / "book/three.md", f"---\n{figure}\n---\n{cell}")
        output = execute(page, project / "out/three.ipynb", root=project, pictures=True)
        png, svg = picture_files(output)
        assert (png.name, svg.name) == ("three-ours.png", "three-ours.svg")
        shown = nbformat.read(output, as_version=4).cells[-1].outputs[0].data
        assert base64.b64decode(shown["image/png"]) == png.read_bytes()
        assert "image/svg+xml" not in shown, "the page itself stays as it is"
        assert "</svg>" in svg.read_text(encoding="utf-8")

    def test_values_from_the_command_line_have_the_type_of_the_page_s_own(self, project):
        page = write_page(project / "book/three.md", "1", parameters="size = 2\nname = '3'\nrate = 0.5\nfew = [1]")
        given = [("size", "21"), ("name", "4"), ("rate", "1"), ("few", "[2, 3]")]
        assert parse_values(page, given) == {"size": 21, "name": "4", "rate": 1.0, "few": [2, 3]}
        for name, value in (("size", "two"), ("size", "1.5"), ("few", "3"), ("rate", "x")):
            with pytest.raises(ValueError, match=rf"parameter {name}: '{value}' is not of type"):
                parse_values(page, [(name, value)])

    def test_a_killed_run_leaves_no_output(self, project):
        write_page(project / "book/three.md", "import time; open('running', 'w'); time.sleep(60)")
        command = [sys.executable, "-m", "helpers", "page", "book/three.md", "out/three.ipynb"]
        process = subprocess.Popen(command, cwd=project)
        deadline = time.time() + 60
        while not (project / "running").exists() and process.poll() is None and time.time() < deadline:
            time.sleep(0.1)
        process.kill()
        process.wait()
        assert (project / "running").exists()
        assert not (project / "out/three.ipynb").exists()


def snakemake(project: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if name != "BOOK_MANIFESTS_WRITTEN_BY"}
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--nolock", *arguments]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)


def planned(project: Path) -> set[str]:
    """What Snakemake would make again."""
    done = snakemake(project, "--dry-run", "html")
    assert done.returncode == 0, done.stdout + done.stderr
    return {Path(name).stem for name in re.findall(r"^ +output: (\S+)", done.stdout, re.MULTILINE)}


def mark_built(project: Path) -> None:
    """Make the outputs look as after a build, without running anything: all there, and newer than their inputs."""
    for name in ("_build/pages/book/one.ipynb", "_build/pages/book/two.ipynb", "_build/html/.complete"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).touch()


def append(path: Path) -> None:
    """A line at the end of a file: in a module, a comment."""
    with path.open("a") as file:
        file.write("\n# changed\n")


def change_code(path: Path) -> None:
    """Another value in a module of the project."""
    text = path.read_text()
    path.write_text(text.replace("and 3", "and 4").replace("'cpu'", "'gpu'").replace("VALUE = 1", "VALUE = 2"))
    assert path.read_text() != text


# files that change together, and what is made again; which other files count is tested above, without Snakemake
CHANGES = {
    ("helpers/unrelated.py", "profiles/large.yaml", "models/huge.safetensors"): set(),
    ("helpers/core/runtime.py",): {"one", "two", ".complete"},
    ("models/tiny.safetensors",): {"one", ".complete"},
    ("book/two.md",): {"two", ".complete"},
    ("book/start.md",): {".complete"},
}
FILES = [name for names in CHANGES for name in names]


class TestRebuild:
    def test_exactly_the_affected_pages_run_again(self, project):
        assert planned(project) == {"one", "two", ".complete"}
        mark_built(project)
        time.sleep(0.02)
        for name in FILES:
            (project / name).touch()
            if name.endswith(".py"):
                append(project / name)
        assert planned(project) == set(), "a new time stamp is no change, nor is a comment in a module"
        again = {}
        for names in CHANGES:
            for name in names:
                change_code(project / name) if name.endswith(".py") else append(project / name)
            again[names] = planned(project)
            mark_built(project)
        assert again == CHANGES

    def test_two_pages_can_be_asked_for_in_a_new_clone(self, project):
        done = snakemake(project, "--dry-run", *(f"_build/pages/book/{name}.ipynb" for name in ("one", "two")))
        assert done.returncode == 0, done.stdout + done.stderr

    def test_a_change_while_the_page_runs_counts(self, project):
        """An output carries the time at which its run began, so what changed after that is newer."""
        planned(project)
        mark_built(project)
        change_code(project / "helpers/pictures.py")
        began = time.time() - 5
        os.utime(project / "_build/pages/book/one.ipynb", (began, began))
        assert "one" in planned(project)


class TestBuild:
    def test_a_page_that_fails_stops_the_build(self, project):
        """End to end, on a book that was built before, as the real one was before these tests."""
        planned(project)
        mark_built(project)
        (project / "_build/html/.complete").write_text("former")
        write_page(project / "book/one.md", "raise RuntimeError('broken on purpose')")
        done = snakemake(project, "html")
        assert done.returncode != 0
        assert "broken on purpose" in done.stdout + done.stderr
        assert (project / "_build/html/.complete").read_text() == "former", "the former book stays whole"

    @pytest.mark.slow  # `make test` builds the real book, and the test above has its page that fails
    def test_the_book_is_built_and_a_failure_leaves_it_whole(self, project):
        add_teaching(project)
        done = snakemake(project, "html")
        assert done.returncode == 0, done.stdout + done.stderr
        html = project / "_build/html/book/one.html"
        assert ">3\n" in html.read_text()
        former = html.read_text()
        write_page(project / "book/one.md", "raise RuntimeError('broken on purpose')")
        done = snakemake(project, "html")
        assert done.returncode != 0
        assert "broken on purpose" in done.stdout + done.stderr
        assert html.read_text() == former, "the former book stays whole"

    def test_a_warning_fails_the_build(self, project):
        (project / "_toc.yml").write_text("format: jb-book\nroot: book/start\n")
        (project / "book/start.md").write_text("# Start\n\n[gone](nowhere.md)\n")
        with pytest.raises(BuildError, match=r"nowhere\.md"):
            build(project)
        assert not (project / "_build/html").exists()


class TestRegistry:
    def test_an_unknown_key_is_named(self, project):
        entry = "a-fig1: {paper: x, shows: Figure 1, title: t, notebook: book/one.md, colour: red}\n"
        (project / "book/figures.yaml").write_text(entry)
        with pytest.raises(ValueError, match=r"colour(?s:.*)not permitted"):
            load_registry(project)

    def test_unknown_names_list_what_there_is(self, project):
        (project / "book/figures.yaml").write_text("a-fig1: {paper: x, shows: F, title: t, notebook: book/one.md}\n")
        with pytest.raises(
            ValueError, match=r"'a-fig2' is not in book/figures\.yaml; did you mean 'a-fig1'\? There are: a-fig1"
        ):
            find_figure("a-fig2", project)
        with pytest.raises(ValueError, match="'papers' is not in profiles/; there are: large, quick"):
            find_profile("papers", project)

    def test_a_figure_goes_to_its_profile(self, project):
        (project / "book/figures.yaml").write_text("one: {paper: x, shows: F, title: t, notebook: book/one.md}\n")
        assert executed_path("book/one.md", project) == Path("_build/figures/quick/one.ipynb")
        assert executed_path("book/two.md", project) == Path("_build/pages/book/two.ipynb")
        assert executed_path("book/start.md", project) is None

    def test_the_command_line_says_it_in_one_line(self):
        with pytest.raises(SystemExit, match=r"\Aerror: figure 'no-such-figure'.*\Z"):
            main(["check", "--id", "no-such-figure", "--profile", "quick"])


def test_what_papermill_writes_is_valid_json(project):
    output = execute("book/two.md", "out/two.ipynb", root=project)
    assert json.loads(output.read_text())["metadata"]["kernelspec"]["name"] == "python3"


def test_the_notebook_has_the_page_once_and_no_folder_of_this_machine(project):
    """papermill notes its whole input in the metadata, and where it wrote."""
    output = execute("book/two.md", "out/two.ipynb", root=project)
    notebook = json.loads(output.read_text())
    assert notebook["metadata"]["papermill"]["duration"] > 0
    metadata = json.dumps(notebook["metadata"])
    assert str(project) not in metadata
    sources = [cell["source"] for cell in notebook["cells"]]
    assert sources
    assert not any(json.dumps(source)[1:-1] in metadata for source in sources)
