"""What is done to the HTML after Sphinx: on small pages, with results written by hand."""

import base64
import hashlib
import io
from pathlib import Path

import pydata_sphinx_theme
import pytest
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont

from helpers.site.polish import (
    delay_pictures,
    draw_icons,
    drop_unused,
    icon_font,
    make_accessible,
    polish_page,
    read_icons,
    separate_files,
)
from helpers.site.polish.icons import Icon, icon_style

ICONS = {"bars": Icon(448, 512, "M0 96"), "sun": Icon(512, 512, "M361 1")}
PICTURE = bytes(range(256)) * 8
EMBEDDED = f"data:image/webp;base64,{base64.b64encode(PICTURE).decode()}"
NAME = hashlib.sha256(PICTURE).hexdigest()[:32]
HEAD = """<html lang="en" data-content_root="../"><head>
    <script>window.MathJax = {"options": {}}</script>
    <script defer="defer" src="../_static/mathjax/tex-chtml.js"></script>
  <script defer src="../_static/scripts/fontawesome.js?digest=5"></script>
    <script src="../searchindex.js"></script>
    <link rel="stylesheet" type="text/css" href="../_static/copybutton.css?v=7" />
    <script src="../_static/ledger.js?v=0"></script>
    <script src="../_static/doctools.js?v=9"></script>
</head>"""
PICTURE_TAG = f'<img class="dark-light" src="{EMBEDDED}" alt="a" width="64" height="48" loading="lazy"/>'
FRAME = f'<figure class="kwm-frame">{PICTURE_TAG}'


class TestScripts:
    def test_a_page_of_text_loads_what_every_page_needs(self):
        page = drop_unused(HEAD + "<p>Text of math and highlights.</p>")
        assert [tag["src"] for tag in BeautifulSoup(page, "html.parser").find_all("script")] == [
            "../_static/doctools.js?v=9"
        ]
        assert "copybutton" not in page

    @pytest.mark.parametrize(
        ("body", "kept"),
        [
            ('<span class="math notranslate">x</span>', "mathjax/tex-chtml.js"),
            ('<div class="math">x</div>', "window.MathJax"),
            ('<div class="highlight"><pre>x</pre></div>', "copybutton.css"),
            ('<div id="search-results"></div>', "searchindex.js"),
            ('<table id="ledger"></table>', "ledger.js"),
        ],
    )
    def test_what_a_page_uses_stays(self, body, kept):
        assert kept in drop_unused(HEAD + body)

    def test_a_page_at_the_root_does_not_load_the_search_index(self):
        assert drop_unused('<script src="searchindex.js"></script>\n<p>x</p>') == "<p>x</p>"

    def test_the_script_of_all_icons_always_goes(self):
        assert "fontawesome" not in drop_unused(HEAD + '<i class="fa-solid fa-bars"></i>')


class TestEmbedded:
    def test_a_frame_becomes_a_file_without_loss(self):
        page, files = separate_files(f'<html data-content_root="../">{FRAME}</figure>')
        assert files == {f"_images/{NAME}.webp": PICTURE}
        picture = BeautifulSoup(page, "html.parser").img
        assert picture["src"] == f"../_images/{NAME}.webp"
        assert picture.parent["style"] == "--width:64px;--shape:64/48"

    def test_a_download_keeps_its_name(self):
        link = f'<a download="rows.csv" href="data:text/csv;base64,{base64.b64encode(b"a,b").decode()}">CSV</a>'
        page, files = separate_files(f'<html data-content_root="../../">{link}')
        (path,) = files
        assert path.startswith("_downloads/")
        assert path.endswith("/rows.csv")
        assert files[path] == b"a,b"
        assert f'href="../../{path}"' in page

    def test_equal_frames_share_a_file_and_small_pictures_stay(self):
        small = '<img src="data:image/png;base64,aGk=" alt="">'
        page, files = separate_files(f"<html>{FRAME}</figure>{FRAME}</figure>{small}")
        assert len(files) == 1
        assert small in page


class TestIcons:
    SCRIPT = 'var i={sun:[512,512,[9728],"f185","M361 1"],"arrow-up":[384,512,[8593,"top"],"f062","M214 41"]}'

    def test_icons_are_read_by_name_and_by_other_names(self):
        arrow = Icon(384, 512, "M214 41")
        assert read_icons(self.SCRIPT) == {"sun": ICONS["sun"], "arrow-up": arrow, "top": arrow}

    def test_an_icon_is_drawn_where_it_stands(self):
        drawn = draw_icons('<i class="theme-switch fa-solid fa-sun fa-lg" data-mode="light" title="Light"></i>', ICONS)
        svg = BeautifulSoup(drawn, "html.parser").svg
        assert svg["class"] == ["svg-inline--fa", "theme-switch", "fa-solid", "fa-sun", "fa-lg"]
        assert svg["data-mode"] == "light"
        assert svg["aria-hidden"] == "true"
        assert not svg.has_attr("title")
        assert svg.path["d"] == "M361 1"
        assert "<svg" in draw_icons('<span class="fas fa-bars"></span>', ICONS)

    def test_an_unknown_icon_is_an_error(self):
        with pytest.raises(KeyError, match="unicorn"):
            draw_icons('<i class="fas fa-unicorn"></i>', ICONS)

    def test_style_without_the_two_thousand_rules(self):
        css = '.fa-bars:before,.fa-navicon:before{content:"\\f0c9"}.note{color:red}'
        assert icon_style(css) == ".note{color:red}"

    def test_the_font_has_what_styles_name(self):
        ttf = next(Path(pydata_sphinx_theme.__file__).parent.rglob("fa-solid-900.ttf")).read_bytes()
        small = icon_font(ttf, 'a:after{content:"\\f0eb"} :root{--bell:"\uf0f3"}')
        assert len(small) < len(ttf) / 100
        assert {0xF0EB, 0xF0F3} == set(TTFont(io.BytesIO(small)).getBestCmap())


class TestAccess:
    def test_controls_are_called_by_their_words(self):
        summary = '<summary aria-label="Toggle hidden content"><p>Show code</p></summary>'
        assert make_accessible(summary) == "<summary><p>Show code</p></summary>"
        field = '<button class="btn search-button-field x" title="Search" aria-label="Search" id="s">Search</button>'
        assert "aria-label" not in make_accessible(field)

    def test_an_empty_corner_is_no_header(self):
        assert make_accessible("<tr><th></th><th>a</th></tr>") == "<tr><td></td><th>a</th></tr>"

    def test_the_parameters_of_a_signature_are_no_list_of_definitions(self):
        signature = "<dt>f(\n\n<dl>\n<dd><em>a</em>,</dd>\n<dd><em>b</em>,</dd>\n</dl>\n\n)</dt><dd>Text.</dd>"
        lines = BeautifulSoup(make_accessible(signature), "html.parser").select(".sig-lines > .sig-line")
        assert [line.get_text() for line in lines] == ["a,", "b,"]
        defined = "<dl>\n<dt>a</dt><dd>b</dd>\n</dl>"
        assert make_accessible(defined) == defined


def test_pictures_after_the_second_wait():
    page = delay_pictures('<img src="1"><img src="2"><img src="3"><img loading="eager" src="4"><img src="5">')
    waiting = [tag["src"] for tag in BeautifulSoup(page, "html.parser").find_all("img", loading="lazy")]
    assert waiting == ["3", "5"]


def test_a_polished_page_stays_as_it_is():
    body = f'<i class="fas fa-bars"></i><th></th><p class="math">x</p>{FRAME}</figure><img src="1"><img src="2">'
    once, files = polish_page(HEAD + body, ICONS)
    assert len(files) == 1
    assert polish_page(once, ICONS) == (once, {})
