"""The landing page: the map of the chapters, the social picture and the icons."""

import base64
import io
import re

import pytest
import yaml
from PIL import Image

from helpers.chapters import landing
from helpers.chapters.landing import THUMBNAIL, THUMBNAILS, chapter_map, take_away
from helpers.chapters.photograph.taken_away import read_taken_away
from helpers.chapters.social import STATIC, draw_icon, make_site_pictures
from helpers.core.files import ROOT
from helpers.site.page_heads import ICONS, SOCIAL_PICTURE
from helpers.site.source import page_title


@pytest.fixture(scope="module")
def html():
    return chapter_map().data


class TestMap:
    def test_chapters_are_those_of_the_contents_in_their_order(self, html):
        parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
        listed = [
            entry["file"].removeprefix("book/") for part in parts if part.get("numbered") for entry in part["chapters"]
        ]
        assert re.findall(r'href="([\w-]+)\.html"', html) == listed
        names = re.findall(r'"chapter-name">(\d+)\. ', html)
        assert names == [str(number) for number in range(1, len(listed) + 1)]

    def test_minutes_and_needs_are_those_of_the_course(self, html):
        chapters = list(yaml.safe_load((ROOT / "book/chapters.yaml").read_text(encoding="utf-8")).items())
        numbers = {page: number for number, (page, _) in enumerate(chapters, start=1)}
        for said, (_, chapter) in zip(re.findall(r'"chapter-needs">([^<]+)<', html), chapters, strict=True):
            needs = [str(numbers[page]) for page in chapter.get("needs", [])]
            assert said == f"{chapter['minutes']} minutes, " + (
                f"after {', '.join(needs)}" if needs else "needs no other"
            )

    def test_thumbnails_are_small_and_different(self, html):
        pictures = [base64.b64decode(data) for data in re.findall(r"base64,([^\"]+)", html)]
        assert len(set(pictures)) == len(pictures) == len(THUMBNAILS)
        assert sum(map(len, pictures)) < 250_000
        for picture in pictures:
            with Image.open(io.BytesIO(picture)) as image:
                assert image.size == (THUMBNAIL, THUMBNAIL)

    def test_a_chapter_without_thumbnail_is_named(self, monkeypatch):
        monkeypatch.delitem(landing.THUMBNAILS, "peers")
        with pytest.raises(ValueError, match=r"no thumbnail for book/peers\.md"):
            chapter_map()

    def test_a_page_without_title_is_named(self, tmp_path):
        (tmp_path / "a.md").write_text("text\n")
        with pytest.raises(ValueError, match=r"a\.md has no title"):
            page_title(tmp_path / "a.md")


def test_the_slider_begins_with_the_whole_photograph():
    taken = read_taken_away()
    slider = take_away(taken)
    rows = taken.steps("relevance")
    assert slider.start == 0
    assert len(slider.frames) == len(rows)
    assert slider.frames[0].value == f"100 % left: “Egyptian cat”, {100 * rows['confidence'][0]:.0f} %"


class TestIcons:
    SVG = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">'
        '<rect width="10" height="10" rx="3" fill="#000000"/>'
        '<path d="M1 9 L5 1 L9 9 Z" fill="#ff0000"/><circle cx="5" cy="6" r="1" fill="#00ff00"/></svg>'
    )

    def test_shapes_lie_where_the_svg_says(self):
        icon = draw_icon(self.SVG, 40)
        assert icon.getpixel((0, 0))[3] == 0  # outside the rounded corner
        assert icon.getpixel((20, 1)) == (0, 0, 0, 255)
        assert icon.getpixel((20, 12)) == (255, 0, 0, 255)
        assert icon.getpixel((20, 24)) == (0, 255, 0, 255)
        assert icon.getpixel((6, 12)) == (0, 0, 0, 255)

    def test_other_shapes_are_refused(self):
        with pytest.raises(ValueError, match="<ellipse> is not drawn"):
            draw_icon(self.SVG.replace("<circle", "<ellipse"), 16)

    def test_the_files_are_those_that_the_command_makes(self, tmp_path, monkeypatch):
        (tmp_path / "favicon.svg").write_bytes((STATIC / "favicon.svg").read_bytes())
        monkeypatch.setattr("helpers.chapters.social.STATIC", tmp_path)
        paths = make_site_pictures()
        assert [path.name for path in paths] == [SOCIAL_PICTURE, *(name for _, name, _ in ICONS)]
        for path in paths:
            with Image.open(path) as made, Image.open(STATIC / path.name) as stored:
                assert made.size == stored.size
                assert (
                    made.convert("RGB").resize((20, 20)).tobytes() == stored.convert("RGB").resize((20, 20)).tobytes()
                )
