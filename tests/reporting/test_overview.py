"""The overview of the figures, and the box with a table's provenance."""

from __future__ import annotations

import base64
import io
import shutil

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from helpers.core.files import ROOT
from helpers.reporting.made import LARGEST_DOWNLOAD, how_it_was_made
from helpers.reporting.overview import THUMBNAIL, figure_cards, thumbnail
from helpers.results import write_table
from helpers.site import load_registry


@pytest.fixture
def root(tmp_path):
    (tmp_path / "book").mkdir()
    shutil.copy(ROOT / "book/figures.yaml", tmp_path / "book/figures.yaml")
    folder = tmp_path / "_build/figures/quick"
    folder.mkdir(parents=True)
    for name, size in {"recartoonx-fig3-l2": (100, 100), "recartoonx-fig3-ours": (1600, 400)}.items():
        Image.new("RGBA", size, (255, 0, 0, 128)).save(folder / f"{name}.png")
    return tmp_path


def test_every_figure_has_a_card_in_one_group():
    groups = [figure_cards([], paper) for paper in {figure.paper for figure in load_registry().values()}] + [
        figure_cards([], beyond=True)
    ]
    links = [link["href"] for group in groups for link in BeautifulSoup(group.data, "html.parser").select("a")]
    assert sorted(links) == sorted(f"{identifier}.html" for identifier in load_registry())


def test_a_thumbnail_is_the_main_figure_on_white(root):
    with Image.open(io.BytesIO(thumbnail("recartoonx-fig3", root))) as small:
        assert small.width == THUMBNAIL[0]
        assert small.height == pytest.approx(THUMBNAIL[0] / 4, abs=1)
        assert small.convert("RGB").getpixel((5, 5)) == pytest.approx((255, 127, 127), abs=6)
    assert thumbnail("recartoonx-fig5", root) is None


def test_each_thumbnail_has_its_displayed_sides(root):
    (picture,) = BeautifulSoup(figure_cards([], root=root).data, "html.parser").select("img")
    assert (int(picture["width"]), int(picture["height"])) == pytest.approx((THUMBNAIL[0] / 2, THUMBNAIL[0] / 8), abs=1)


class TestProvenance:
    def box(self, root, table, **provenance):
        about = {
            "profile_digest": "a" * 64,
            "settings": {"curves": {"draws": 8}},
            "seed": 0,
            "data": {"x": "y"},
            "classifier": None,
            "machine": {"device": "cpu", "device_name": None, "threads": 1, "python": "3.11"},
            "packages": {"torch": "2"},
            "code": {"commit": None, "changed_since": False},
            "wall_seconds": None,
            "date": "today",
            **provenance,
        }
        write_table(table, "large", "shares", about, root=root)
        return how_it_was_made("large", "shares", root=root).set_index("what")["value"]

    @pytest.mark.parametrize(
        ("columns", "images"),
        [
            ({"image": ["a", "a", "b"]}, "2"),
            ({"images": [10, 10, 10]}, "10"),
            ({"images": [10, 250, 10]}, "10 to 250"),
            ({"value": [1, 2, 3]}, "1"),
        ],
    )
    def test_it_counts_the_images_of_the_rows(self, tmp_path, columns, images):
        assert self.box(tmp_path, pd.DataFrame(columns))["images"] == images

    def test_noise_draws_are_named_for_curves_only(self, tmp_path):
        draws = "noise draws of the curves"
        assert draws not in self.box(tmp_path, pd.DataFrame({"value": [1]}))
        assert self.box(tmp_path, pd.DataFrame({"fraction": [0.5]}))[draws].startswith("8 ")

    def test_its_link_holds_the_table(self, tmp_path):
        cell = BeautifulSoup(self.box(tmp_path, pd.DataFrame({"value": [1.5]}))["numbers"], "html.parser")
        content = base64.b64decode(cell.a["href"].split(",", 1)[1])
        assert content == (tmp_path / "large/shares.csv").read_bytes()

    def test_a_large_table_is_only_named(self, tmp_path):
        rows = pd.DataFrame({"value": ["x" * 100] * (LARGEST_DOWNLOAD // 100)})
        assert "href" not in self.box(tmp_path, rows)["numbers"]

    def test_values_are_escaped(self, tmp_path):
        assert self.box(tmp_path, pd.DataFrame({"value": [1]}), date="<b>")["date"] == "&lt;b&gt;"
