"""Pages that are continued in a source that several share, and what each page of a figure depends on."""

from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from helpers.core.files import ROOT
from helpers.results.syntax import Definition
from helpers.site import execute, load_registry, page_inputs
from helpers.site.source import page_code, page_parameters, page_text, read_page
from helpers.site.sphinx_pages import setup

OWN = """\
---
kernelspec:
  name: python3
  display_name: Python 3
continued-in: shared.md
depends: [notes.txt]
---

# One

```{code-cell} ipython3
:tags: [parameters]

name = "one"
size = 3
```
"""
SHARED = """\
---
kernelspec:
  name: python3
  display_name: Python 3
---

# What both pages show

```{code-cell} ipython3
:tags: [parameters]

name = "another"
size = 1
```

## The figure of {{ name }}

```{code-cell} ipython3
---
mystnb:
  figure:
    name: "{{ name }}-ours"
---
from IPython.display import SVG

print(name, size)
SVG("<svg xmlns='http://www.w3.org/2000/svg'/>")
```
"""


@pytest.fixture
def page(tmp_path) -> Path:
    """A page of a small project, continued in a source."""
    (tmp_path / "notes.txt").touch()
    (tmp_path / "shared.md").write_text(SHARED)
    (tmp_path / "one.md").write_text(OWN)
    return tmp_path / "one.md"


class TestContinued:
    def test_a_page_goes_on_after_its_parameters(self, page):
        text = page_text(page)
        assert text.startswith(OWN)
        assert "## The figure of one\n" in text
        assert "another" not in text
        assert "What both pages show" not in text
        notebook = read_page(page)
        assert [cell.cell_type for cell in notebook.cells] == ["markdown", "code", "markdown", "code"]
        assert notebook.cells[-1].metadata["mystnb"]["figure"]["name"] == "one-ours"
        assert notebook.metadata["depends"] == ["notes.txt"]
        assert page_parameters(page) == {"name": "one", "size": 3}
        assert len(page_code(page)) == 2

    def test_a_page_by_itself_stays_as_it_is(self, page):
        assert page_text(page.with_name("shared.md")) == SHARED

    def test_what_is_missing_is_named(self, page):
        page.with_name("shared.md").write_text("# Nothing\n")
        with pytest.raises(ValueError, match=r"shared\.md has no cell tagged `parameters`"):
            page_text(page)
        page.with_name("shared.md").unlink()
        with pytest.raises(ValueError, match=r"one\.md is continued in .*shared\.md, which does not exist"):
            page_text(page)

    def test_it_depends_on_both_files_and_is_read_again(self, page, tmp_path):
        files = {path.name for path in page_inputs(page, root=tmp_path).files}
        assert files == {"one.md", "shared.md", "notes.txt"}
        page.with_name("shared.md").write_text(SHARED.replace("print(name, size)", "print(size)"))
        assert "\nprint(size)\n" in read_page(page).cells[-1].source

    def test_it_runs_with_its_own_parameters_and_with_others(self, page, tmp_path):
        for parameters, printed in (({}, "one 3\n"), ({"size": 5}, "one 5\n")):
            notebook = nbformat.read(execute(page, "out/one.ipynb", parameters, root=tmp_path), as_version=4)
            assert notebook.cells[-1].outputs[0].text == printed

    def test_sphinx_reads_the_whole_page(self, page):
        connected = {}

        def connect(event, handler, priority=500):
            connected[event] = handler

        setup(SimpleNamespace(connect=connect, setup_extension=str, add_node=lambda *_, **__: None))
        for name in ("one.md", "shared.md"):
            environment = SimpleNamespace(doc2path=lambda _, name=name: str(page.with_name(name)))
            source = [page.with_name(name).read_text()]
            connected["source-read"](SimpleNamespace(env=environment), name, source)
            assert source == [page_text(page.with_name(name))]


PAPERS = ("explainer", "recartoonx", "spacevae")
EXPLAINER, RECARTOONX, SPACEVAE = (f"helpers.papers.{paper}.figures" for paper in PAPERS)
DEPENDENT: dict[Definition, set[str]] = {
    (f"{EXPLAINER}.fig1", "draw_class_masks"): {"explainer-fig1"},
    (f"{EXPLAINER}.comparison", "draw_comparison"): {f"explainer-fig{number}" for number in (3, 6, 7, 8)},
    (f"{EXPLAINER}.top_classes", "draw_top_classes"): {"explainer-fig4", "explainer-fig5"},
    (f"{EXPLAINER}.tab2", "table_two"): {"explainer-tab2"},
    (f"{EXPLAINER}.shortcut", "verdicts"): {"explainer-shortcut"},
    (f"{RECARTOONX}.fig3", "draw_hypothesis"): {"recartoonx-fig3"},
    (f"{RECARTOONX}.fig4", "draw_examples"): {"recartoonx-fig4"},
    ("helpers.papers.recartoonx.measures.transformer", "BLACK"): {"recartoonx-fig4", "recartoonx-fig7"},
    (f"{RECARTOONX}.tab1", "settings_table"): {"recartoonx-tab1"},
    (f"{SPACEVAE}.bottleneck", "draw_bottleneck"): {"spacevae-bottleneck"},
    (f"{SPACEVAE}.bottleneck", "draw_alpha"): {"spacevae-tab1"},
    (f"{SPACEVAE}.fig5", "draw_kept_images"): {"spacevae-fig5"},
    (f"{SPACEVAE}.fig5", "example_rows"): {"spacevae-fig2", "spacevae-fig3", "spacevae-fig5"},
}
"""Some definitions, and the figures whose pages run again when they change."""


@pytest.fixture(scope="module")
def code_of_figures() -> dict[str, frozenset[Definition]]:
    """What each figure's page reaches, by the figure's id."""
    return {
        identifier: page_inputs(figure.notebook, {"profile": "quick", **figure.parameters}).code
        for identifier, figure in load_registry().items()
    }


class TestFigures:
    @pytest.mark.parametrize("definition", DEPENDENT, ids=":".join)
    def test_a_changed_helper_concerns_its_own_figures(self, code_of_figures, definition):
        assert {name for name, code in code_of_figures.items() if definition in code} == DEPENDENT[definition]

    def test_no_page_depends_on_the_drawings_of_another_paper(self, code_of_figures):
        drawings = {
            (identifier.partition("-")[0], module.split(".")[2])
            for identifier, code in code_of_figures.items()
            for module, name in code
            if module.startswith("helpers.papers.") and name.startswith("draw_")
        }
        assert drawings == {(paper, paper) for paper in PAPERS}

    def test_a_page_has_one_source_and_its_own_address(self):
        registry = load_registry()
        for identifier, figure in registry.items():
            assert figure.notebook == f"book/figures/{identifier}.md"
            parameters = page_parameters(ROOT / figure.notebook)
            assert parameters.get("figure", identifier) == identifier
            assert {name: parameters[name] for name in figure.parameters} == figure.parameters
