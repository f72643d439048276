"""The reference: every package has its page, and docstrings mean there what they mean in the code."""

from pathlib import Path
from pkgutil import walk_packages

import pytest

import helpers
from helpers.core.files import ROOT
from helpers.site.html import site_files, site_inputs, toc_pages
from helpers.site.reference import (
    definition,
    documented_packages,
    exported,
    plain_text,
    public_modules,
    reference_sources,
    with_reference,
)

PAGES = [page for page in toc_pages() if page.startswith("book/reference/")]
SHOWN = {package: page for page in PAGES for package in documented_packages((ROOT / page).read_text(encoding="utf-8"))}
CODE_OF_PAGES = ("helpers.papers", "helpers.chapters", "helpers.site", "helpers.teaching")
"""Code of figures, of pages, of the build and of teaching, of which only the checks are for readers."""
PACKAGES = [
    module.name
    for module in walk_packages(helpers.__path__, "helpers.")
    if module.ispkg
    and (not module.name.startswith(CODE_OF_PAGES) or module.name == "helpers.teaching.checks")
    and module.name != "helpers.methods"
]


def test_every_package_has_one_page():
    assert sorted(SHOWN) == sorted(["helpers", *PACKAGES])
    assert len(SHOWN) == len(PAGES) == len(list((ROOT / "book/reference").glob("*.md")))


@pytest.mark.parametrize("package", ["helpers.core", "helpers.data.scenes", "helpers.methods.rde", "helpers.metrics"])
def test_a_page_shows_the_modules_and_what_they_export(package):
    text = with_reference((ROOT / SHOWN[package]).read_text(encoding="utf-8"))
    assert text.startswith(f"# {package}\n")
    assert len(public_modules(package)) > 5
    assert [module for module in public_modules(package) if f".. automodule:: {module}\n" not in text] == []
    for name, value in exported(package).items():
        assert f"- :py:obj:`{name} <{value.__module__}.{value.__qualname__}>`: " in text


def test_chapters_link_to_the_reference():
    chapters = [path for path in (ROOT / "book").glob("*.md") if "## Further reading" in path.read_text("utf-8")]
    assert len(chapters) > 8
    assert [path.name for path in chapters if "](reference/" not in path.read_text("utf-8")] == []


def test_the_site_depends_on_the_modules_shown():
    modules = set(site_inputs()) - set(site_files())
    assert {ROOT / "helpers/methods/rde/problem.py", ROOT / "helpers/core/lazy.py"} <= modules
    assert ROOT / "helpers/chapters/gallery.py" not in modules
    assert reference_sources(ROOT / "book/references.md", ROOT) == []


@pytest.mark.parametrize(
    ("docstring", "meaning"),
    [
        ("`h`s and `k`th", r":py:obj:`h`\ s and :py:obj:`k`\ th"),
        ("|q| < 1 and `a | b`", r"\|q\| < 1 and :py:obj:`a | b`"),
        ("first_ and last_, not a_b or `c_`", r"first\_ and last\_, not a_b or :py:obj:`c_`"),
        ("In short:\n\n    a | b_\n    c\n\nand |d|", "In short::\n\n    a | b_\n    c\n\nand \\|d\\|"),
        ("Args:\n    images: pixels.", "Args:\n    images: pixels."),
    ],
    ids=["word after code", "bars", "underscores", "code", "arguments"],
)
def test_docstrings_are_plain_text(docstring, meaning):
    assert "\n".join(plain_text(docstring.split("\n"))) == meaning


def test_a_name_is_found_where_it_is_exported():
    from helpers.data.scenes.scenes import make_scenes

    assert definition("helpers.data.scenes.make_scenes") is make_scenes
    assert definition("helpers.data.scenes.nothing") is None
    assert definition("helpers.nowhere.nothing") is None


def test_without_a_block_a_page_is_left_alone():
    text = Path(ROOT / "book/intro.md").read_text(encoding="utf-8")
    assert with_reference(text) == text
