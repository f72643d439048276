"""The head of each page: description, social picture and icons."""

import re
from types import SimpleNamespace

import pytest
from docutils.core import publish_doctree
from PIL import Image

from helpers.core.files import ROOT
from helpers.site.page_heads import ICONS, LONGEST, SOCIAL_PICTURE, SOCIAL_SIZE, add_head, description, site_address

QUESTION = """
Title
=====

.. note:: A box that is not the description of the page, whatever it says.

**The question.** Which *part* of the
photograph made the classifier say "cat"?

More.
"""


def read(text):
    return publish_doctree(text, settings_overrides={"doctitle_xform": False})


class TestDescription:
    def test_the_question_without_its_heading(self):
        assert description(read(QUESTION)) == 'Which part of the photograph made the classifier say "cat"?'

    def test_a_long_paragraph_ends_with_a_sentence(self):
        sentence = "This sentence has forty characters, or so."
        found = description(read(f"Title\n=====\n\n{' '.join([sentence] * 20)}"))
        assert found == " ".join([sentence] * ((LONGEST + 1) // (len(sentence) + 1)))

    def test_a_long_sentence_is_cut_between_words(self):
        found = description(read(f"Title\n=====\n\n{'word ' * 200}"))
        assert len(found) <= LONGEST
        assert re.fullmatch(r"(word )+word…", found)

    def test_without_a_paragraph_it_is_empty(self):
        assert description(read("Title\n=====\n\n- a list\n")) == ""


class TestHead:
    def head(self, page="book/wavelets"):
        app = SimpleNamespace(config=SimpleNamespace(html_title="Keep What Matters", root_doc="book/intro"))
        context = {"title": "Wavelets: <em>few</em> numbers", "metatags": "<meta/>"}
        add_head(app, page, "page.html", context, read(QUESTION))
        return context["metatags"]

    def test_title_and_description_are_escaped(self):
        head = self.head()
        assert head.startswith("<meta/>")
        assert (
            '<meta name="description" content="Which part of the photograph made the classifier say &quot;cat&quot;?"/>'
            in head
        )
        assert '<meta property="og:title" content="Wavelets: few numbers, Keep What Matters"/>' in head

    def test_the_first_page_has_the_books_title(self):
        assert '<meta property="og:title" content="Keep What Matters"/>' in self.head("book/intro")

    def test_pictures_exist_and_have_the_sizes_that_are_said(self):
        head = self.head("book/figures/index")
        static = ROOT / "book" / "_static"
        with Image.open(static / SOCIAL_PICTURE) as social:
            assert social.size == SOCIAL_SIZE
        for relation, name, size in ICONS:
            assert f'<link rel="{relation}" href="../../_static/{name}" sizes="{size}"/>' in head
            with Image.open(static / name) as icon:
                assert f"{icon.width}x{icon.height}" == size
        if site_address() is not None:
            assert f'content="{site_address()}_static/{SOCIAL_PICTURE}"' in head

    def test_without_a_repository_there_is_no_absolute_address(self, tmp_path):
        (tmp_path / "_config.yml").write_text("title: A\n")
        assert site_address(tmp_path) is None
        (tmp_path / "_config.yml").write_text("repository: {url: https://github.com/one/two}\n")
        assert site_address(tmp_path) == "https://one.github.io/two/"

    def test_index_and_search_are_left_alone(self):
        context = {"title": "Search"}
        add_head(None, "search", "search.html", context, None)
        assert context == {"title": "Search"}


@pytest.mark.parametrize("page", ["book/a", "book/figures/b"])
def test_icons_are_found_from_every_folder(page):
    assert f'href="{"../" * page.count("/")}_static/' in TestHead().head(page)
