"""The slides: plan and pages agree, pieces are cut as they should be, and each slide works in a browser from disk."""

import re
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from helpers.core.files import ROOT
from helpers.site.pdf import find_browser
from helpers.teaching.slides import build_slides, load_plan
from helpers.teaching.slides.pages import BuiltPage
from helpers.teaching.slides.plan import MINUTES, Session, Slide

HTML = ROOT / "_build/html"
SESSIONS = range(1, 7)
PAGE = r"""<html><head><script src="../_static/mathjax/tex.js"></script></head><body><article>
<section id="cats"><h1><span class="section-number">3. </span>Cats<a class="headerlink" href="#cats">#</a></h1>
<p><strong>The question.</strong> Which cat?</p><p>More of it.</p>
<div class="tip admonition">
<p class="admonition-title">What you can do after this chapter</p><ul><li>See.</li></ul></div>
<section id="paws"><h2><span class="section-number">3.1. </span>Paws &amp; <em>claws</em></h2>
<p>First one. <strong>A lead.</strong> Its <a href="dogs.html#x">reason</a> et al. stays. With 5 % of \(p &lt; 1\).</p>
<div class="cell"><details><div class="cell_input"><div class="highlight">folded</div></div></details>
<div class="cell_output"><img src="../_images/a.png" width="10" height="10" alt="a"></div></div>
<div class="cell"><div class="cell_input"><div class="highlight">shown</div></div></div>
<div class="math" id="equation-paw"><span class="eqno">(3.1)</span>\[a\]</div><p>In words: <em>a paw.</em> And more.</p>
<section id="deep"><h3>Deep</h3><div class="cell_output"><img src="../_images/b.png" width="9" alt="b"></div></section>
</section>
<div class="exercise admonition" id="cat-one">
<p class="admonition-title"><span class="caption-number">Exercise 3.1 </span>
 (Predict: one (5 minutes, easy))</p><section id="exercise-content"><p>How many?</p>
<p><em>Your answer</em>: a number.</p></section></div>
<div class="solution"><section><p>One.</p></section></div>
<div class="exercise admonition" id="cat-test"><p class="admonition-title">Exercise 3.2 (Test yourself)</p><section>
<ol><li>Why?<ul><li>a. no</li></ul></li></ol></section></div>
<div class="solution"><section><ol><li><strong>a.</strong> No.</li></ol></section></div>
</section></article></body></html>"""


@pytest.fixture
def page(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book/cats.html").write_text(PAGE, encoding="utf-8")
    return BuiltPage(tmp_path, "cats")


class TestPieces:
    def test_headings_are_shown_without_their_numbers(self, page):
        assert page.title == "Cats"
        assert (page.number(None), page.number("Paws & claws")) == ("3", "3.1")
        assert page.heading("Paws & claws") == "Paws &amp; <em>claws</em>"
        assert page.address("Paws & claws") == "../book/cats.html#paws"

    def test_sentences_are_cut_and_a_lead_brings_the_next_one(self, page):
        assert page.piece("Paws & claws", "say First") == "<p>First one.</p>"
        lead = page.piece("Paws & claws", "say A lead")
        assert lead == '<p><strong>A lead.</strong> Its <a href="../book/dogs.html#x">reason</a> et al. stays.</p>'
        assert page.piece("Paws & claws", "say With 5") == "<p>With 5\N{NO-BREAK SPACE}% of \\(p &lt; 1\\).</p>"

    def test_pieces_are_counted_in_their_own_section(self, page):
        assert "a.png" in page.piece("Paws & claws", "picture 1")
        assert "b.png" in page.piece("Deep", "picture 1")
        assert page.piece("Paws & claws", "code 1") == '<div class="highlight">shown</div>'
        with pytest.raises(ValueError, match="has 1 of picture, so no 'picture 2'"):
            page.piece("Paws & claws", "picture 2")

    def test_a_formula_comes_with_its_reading(self, page):
        shown = page.piece("Paws & claws", "formula paw")
        assert "(3.1)" in shown
        assert shown.endswith("<p>In words: <em>a paw.</em></p>")

    def test_question_and_goals(self, page):
        assert page.question() == "<p><strong>The question.</strong> Which cat?</p><p>More of it.</p>"
        assert page.goals() == ("What you can do after this chapter", "<ul><li>See.</li></ul>")

    def test_an_exercise_leaves_out_the_line_on_its_check(self, page):
        assert page.exercise("cat-one") == ("Predict: one (5 minutes, easy)", "<p>How many?</p>\n", "<p>One.</p>")

    def test_a_question_of_a_self_test_keeps_its_options(self, page):
        question, answer = page.quiz("cat-test", 1)
        assert "a. no" in question
        assert answer == "<strong>a.</strong> No."

    @pytest.mark.parametrize("what", ["say Nothing like it", "formula dog", "picture 9", "dance 1", "picture"])
    def test_what_is_not_there_is_named(self, page, what):
        with pytest.raises(ValueError, match=re.escape(what.split(" ", 1)[-1])):
            page.piece("Paws & claws", what)


class TestPlan:
    @pytest.mark.parametrize("content", [{}, {"show": ["table 1"], "exercise": "a"}, {"quiz": "a"}, {"number": 1}])
    def test_a_slide_has_one_content(self, content):
        with pytest.raises(ValueError, match="a slide has either"):
            Slide(**content)

    def test_minutes_must_make_the_session(self):
        with pytest.raises(ValueError, match="make 30, not 90"):
            Session(title="Short", blocks=[{"page": "wavelets", "minutes": 30}])

    def test_all_that_the_pages_lack_is_listed(self, tmp_path, page):
        (tmp_path / "book/slides.yaml").write_text(
            "sessions:\n- title: Cats\n  blocks:\n  - page: cats\n    section: Deep\n    minutes: 90\n"
            "    slides: [{show: [picture 1]}, {show: [picture 2]}, {exercise: cat-nine}, summary]\n",
            encoding="utf-8",
        )
        with pytest.raises(ValueError, match="does not fit") as refusal:
            build_slides(tmp_path, tmp_path)
        assert [word in str(refusal.value) for word in ("picture 2", "cat-nine", "'Summary'")] == [True] * 3
        assert not (tmp_path / "slides").exists()

    def test_six_sessions_with_fifteen_to_twenty_five_slides(self):
        sessions = load_plan().sessions
        counts = [1 + sum(len(block.slides) for block in session.blocks) for session in sessions]
        assert len(sessions) == len(SESSIONS)
        assert [15 <= count <= 25 for count in counts] == [True] * 6, counts
        assert {sum(block.minutes for block in session.blocks) for session in sessions} == {MINUTES}


@pytest.fixture(scope="module")
def built(html):
    """The slides of the built book."""
    return html / "slides"


def test_a_browser_shows_the_slides():
    assert find_browser()


@pytest.fixture(params=SESSIONS, scope="module")
def deck(request, built, browser):
    """A session, opened from disk, with what went wrong while it loaded and what it asked for."""
    tab = browser.new_page(viewport={"width": 1280, "height": 720})
    tab.set_default_timeout(120_000)
    tab.wrong, tab.addresses = [], []
    tab.on("console", lambda message: message.type in ("error", "warning") and tab.wrong.append(message.text))
    tab.on("pageerror", lambda error: tab.wrong.append(str(error)))
    tab.on("requestfailed", lambda request: tab.wrong.append(request.url[:200]))
    tab.on("request", lambda request: tab.addresses.append(request.url[:200]))
    tab.goto((built / f"session-{request.param}.html").as_uri())
    tab.wait_for_selector("html[data-ready]")
    yield tab
    tab.close()


OVERFLOW = """() => {
    const slides = document.querySelector('.slides').getBoundingClientRect();
    const slide = document.querySelector('.slides > section.present');
    const body = slide.querySelector('.body'), faults = [];
    if (body.scrollHeight > body.clientHeight + 1 || body.scrollWidth > body.clientWidth + 1) faults.push('scrolls');
    const bottom = slide.querySelector('footer').getBoundingClientRect().top;
    for (const part of slide.querySelectorAll('h2, .body *')) {
        if (part.closest('mjx-assistive-mml, .kwm-frame:not(.kwm-shown), .kwm-frame figcaption, style')) continue;
        const box = part.getBoundingClientRect();
        if (!box.width || !box.height) continue;
        const beside = box.left < slides.left - 1 || box.right > slides.right + 1;
        if (beside || box.bottom > bottom + 2 || box.top < slides.top)
            faults.push(part.tagName + ' ' + part.className);
    }
    const text = Math.min(...[...slide.querySelectorAll('.body p, .body li, .body td, .body pre')]
        .map(part => parseFloat(getComputedStyle(part).fontSize)));
    if (text < 14) faults.push(`text of ${text} px`);
    for (const image of slide.querySelectorAll('.body img')) {
        if (!image.alt) faults.push('no alternative text');
    }
    return faults;
}"""


def test_every_slide_fits_without_scrolling(deck):
    total = deck.evaluate("Reveal.getTotalSlides()")
    assert 15 <= total <= 25
    faults = {}
    for index in range(total):
        deck.evaluate(f"Reveal.slide({index}, 0, 99)")
        title = deck.evaluate("document.querySelector('section.present').querySelector('h1, h2').textContent")
        if found := deck.evaluate(OVERFLOW):
            faults[f"{index + 1}: {title}"] = found
    assert faults == {}


PRINTED_BEYOND = """() => [...document.querySelectorAll('.pdf-page')].flatMap((page, number) => {
    const sheet = page.getBoundingClientRect(), parts = page.querySelectorAll('.body *:not(mjx-container *, svg *)');
    return [...parts].filter(part => {
        const box = part.getBoundingClientRect();
        if (box.width < 2 || box.height < 2) return false;
        return box.left < sheet.left + 20 || box.right > sheet.right + 1 || box.bottom > sheet.bottom + 1;
    }).map(part => `${number + 1}: ${part.localName} ${part.textContent.slice(0, 40)}`);
})"""


def test_each_slide_is_printed_on_a_sheet_of_its_own(built, browser):
    """reveal.js takes the layout of slides away for `?print-pdf`; the style sheet gives it back."""
    tab = browser.new_page(viewport={"width": 1280, "height": 720})
    for session in SESSIONS:
        tab.emulate_media(media="screen")
        tab.goto(f"{(built / f'session-{session}.html').as_uri()}?print-pdf")
        tab.wait_for_selector("html[data-ready]", state="attached")
        tab.wait_for_selector(".pdf-page")
        tab.emulate_media(media="print")
        assert tab.locator(".pdf-page").count() >= 15
        assert tab.evaluate(PRINTED_BEYOND) == []
    tab.close()


def test_sliders_move_by_mouse_and_keyboard_and_let_a_remote_control_pass(deck):
    controls = deck.locator(".slides > section .kwm-control input, .slides > section .kwm-control select")
    assert controls.count() > 0
    for index in range(controls.count()):
        control = controls.nth(index)
        place = control.evaluate("control => Reveal.getSlides().indexOf(control.closest('section'))")
        deck.evaluate(f"Reveal.slide({place}, 0, 99)")
        shown = "section.present .kwm-frame.kwm-shown figcaption"
        before = deck.text_content(shown)
        is_slider = control.evaluate("control => control.type") == "range"
        if is_slider:
            box = control.bounding_box()
            for share in (0.01, 0.99):  # at one end it was already, perhaps
                deck.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
                if share == 0.01:
                    first = deck.text_content(shown)
            assert first != deck.text_content(shown)
            deck.keyboard.press("Home")
            lowest = deck.text_content(shown)
            deck.keyboard.press("ArrowRight")
            assert deck.text_content(shown) != lowest
        else:
            values = control.evaluate("control => [...control.options].map(option => option.value)")
            control.select_option(next(value for value in values if value != control.input_value()))
            assert deck.text_content(shown) != before
            control.focus()
        assert deck.evaluate("Reveal.getIndices().h") == place, "keys of a control do not turn pages"
        deck.keyboard.press("PageDown")
        assert deck.evaluate("Reveal.getIndices().h") == place + 1


def test_nothing_fails_and_nothing_comes_from_elsewhere(deck):
    assert deck.wrong == []
    assert {urlsplit(address).scheme for address in deck.addresses} <= {"file", "data", "blob"}


@pytest.mark.parametrize("number", SESSIONS)
def test_links_lead_somewhere_and_solutions_are_in_the_notes(built, number):
    path = built / f"session-{number}.html"
    deck = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    addresses = [tag["href"] for tag in deck.find_all(href=True)] + [tag["src"] for tag in deck.find_all(src=True)]
    for address in addresses:
        parts = urlsplit(address)
        if not parts.scheme:
            assert parts.path, address
            assert (path.parent / unquote(parts.path)).is_file(), address
    exercises = deck.select("section.exercise")
    assert exercises
    assert all(exercise.select_one("aside.notes p") for exercise in exercises)
    assert len(deck.select("section .answer.fragment")) >= 1
    begins = re.findall(r"Minutes (\d+) to (\d+)", deck.get_text())
    assert begins[0][0] == "0"
    assert begins[-1][1] == str(MINUTES)
