"""Pictures in HTML that Sphinx builds: their size, and the link to the figure as SVG."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx

from helpers.site.picture_tags import add_svg_files, depart_image, link_to_svg, visit_image

SOURCE = """\
Page
====

.. image:: output/{digest}.png
   :alt: a red area
   :width: 60
   :height: 30

.. image:: output/other.png
   :alt: a green area
   :width: 40
   :height: 20

.. image:: plain.png
   :alt: a blue area

.. image:: plain.png
   :alt: half as wide as the page
   :width: 50%
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> list:
    """The tags of a page with a figure that exists as SVG, one that does not, and two pictures from files."""
    root = tmp_path_factory.mktemp("book")
    source = root / "source"
    (source / "output").mkdir(parents=True)
    (source / "book/figures").mkdir(parents=True)
    figure = source / "book/figures/a-fig1-ours.png"
    Image.new("RGB", (120, 60), "red").save(figure)
    figure.with_suffix(".svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    digest = hashlib.sha256(figure.read_bytes()).hexdigest()
    (source / f"output/{digest}.png").write_bytes(figure.read_bytes())
    Image.new("RGB", (80, 40), "green").save(source / "output/other.png")
    Image.new("RGB", (33, 22), "blue").save(source / "plain.png")
    (source / "chapters").mkdir()
    (source / "chapters/page.rst").write_text(SOURCE.format(digest=digest).replace(":: ", ":: ../"))
    (source / "index.rst").write_text("Book\n====\n\n.. toctree::\n\n   chapters/page\n")
    (source / "conf.py").write_text("html_theme = 'basic'\n")
    app = Sphinx(source, source, root / "html", root / "trees", "html", status=None, freshenv=True)
    app.add_node(nodes.image, override=True, html=(visit_image, depart_image))
    app.connect("doctree-resolved", link_to_svg)
    app.connect("build-finished", add_svg_files)
    app.build()
    page = root / "html/chapters/page.html"
    tags = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").select(".body img")
    for tag in tags:
        tag["folder"] = str(page.parent)
    return tags


def test_sizes_are_attributes(pictures):
    assert [(tag.get("width"), tag.get("height")) for tag in pictures[:3]] == [("60", "30"), ("40", "20"), ("33", "22")]
    assert not any("style" in tag.attrs for tag in pictures[:3])


def test_another_unit_stays_as_it_is(pictures):
    assert "width" not in pictures[3].attrs
    assert pictures[3]["style"] == "width: 50%;"


def test_a_figure_is_a_link_to_its_svg(pictures):
    link = pictures[0].parent
    assert (link.name, link["href"]) == ("a", "../_images/a-fig1-ours.svg")
    assert (Path(pictures[0]["folder"]) / link["href"]).read_text().startswith("<svg")


def test_another_picture_of_known_size_is_a_link_to_itself(pictures):
    assert pictures[1].parent["href"] == pictures[1]["src"]
    assert pictures[2].parent.name != "a"


def test_descriptions_stay(pictures):
    assert [tag["alt"] for tag in pictures] == ["a red area", "a green area", "a blue area", "half as wide as the page"]
