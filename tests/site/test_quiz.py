"""Test yourself: the form of the questions in the sources, and the buttons that quiz.js makes of them in the pages."""

import re

import pytest

from helpers.core.files import ROOT
from helpers.site.chapters import load_chapters

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


def blocks(page: str) -> tuple[str, list[list[str]], list[str]]:
    """The label of a chapter's test, the options of each question, and the right letters."""
    text = (ROOT / page).read_text(encoding="utf-8")
    exercise = re.search(r"^````\{exercise\} Test yourself\n:label: (\S+-test)\n(.*?)^````$", text, re.M | re.S)
    solution = re.search(rf"^````\{{solution\}} {exercise[1]}\n(.*?)^````$", text, re.M | re.S)
    questions = re.split(r"^\d+\. ", exercise[2], flags=re.M)[1:]
    options = [re.findall(r"^   - \*\*([a-d])\.\*\* \S", question, re.M) for question in questions]
    answers = re.split(r"^\d+\. ", solution[1], flags=re.M)[1:]
    return exercise[1], options, [re.match(r"\*\*([a-d])\.\*\* \S", answer)[1] for answer in answers]


CHAPTERS = list(load_chapters())


@pytest.mark.parametrize("page", CHAPTERS)
class TestSources:
    def test_each_question_has_three_or_four_options_and_one_right_letter(self, page):
        _, options, right = blocks(page)
        assert len(options) == len(right) >= 3
        for letters, answer in zip(options, right, strict=True):
            assert letters in (list("abc"), list("abcd"))
            assert answer in letters

    def test_right_letters_vary(self, page):
        _, _, right = blocks(page)
        assert set(right) >= {"a", "b", "c"}
        assert max(map(right.count, right)) <= len(right) / 2

    def test_no_letters_but_of_the_options(self, page):
        """A bold letter elsewhere would be taken for an option, or for the answer."""
        text = (ROOT / page).read_text(encoding="utf-8")
        _, options, right = blocks(page)
        assert len(re.findall(r"\*\*[a-d]\.\*\*", text)) == sum(map(len, options)) + len(right)


def opened(browser, page: str, size: str = "desktop", light=True, **options):
    """A chapter, from disk, without its pictures."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="light" if light else "dark", **options
    )
    context.set_default_timeout(120_000)  # a busy machine
    tab = context.new_page()
    tab.faults = []
    tab.on("pageerror", lambda error: tab.faults.append(str(error)))
    tab.route(re.compile(r"\.(png|webp|svg)$"), lambda route: route.abort())
    path = (ROOT / "_build/html" / page).with_suffix(".html")
    if not path.is_file():
        pytest.skip("needs the built book: make book")
    tab.goto(path.as_uri(), wait_until="load")
    return tab


def option(tab, name: str, question: int, letter: str):
    return tab.locator(f"#{name} .quiz-options").nth(question).get_by_role("button", name=re.compile(rf"^{letter}\."))


def wrong(letters: list[str], right: str) -> list[str]:
    return [letter for letter in letters if letter != right]


def count(tab, name: str) -> str:
    return tab.locator(f"#{name} .quiz-count").inner_text()


@pytest.mark.parametrize("page", CHAPTERS)
def test_right_answers_are_explained_and_counted(browser, page):
    name, options, right = blocks(page)
    tab = opened(browser, page)
    assert count(tab, name) == f"0 of {len(right)} right"
    explanations = tab.locator(f".solution:has(a[href='#{name}']) ol > li")
    for index, letter in enumerate(right):
        assert tab.locator(f"#{name} .quiz-options").nth(index).get_by_role("button").count() == len(options[index])
        option(tab, name, index, letter).click()
        answer = tab.locator(f"#{name} [role=status].quiz-answer").nth(index)
        assert answer.inner_text().startswith("Right.")
        words = explanations.nth(index).text_content().split()[1:4]  # without the letter; not the formulas
        assert " ".join(words[:1]) in answer.text_content()
    assert count(tab, name) == f"{len(right)} of {len(right)} right, {len(right)} at the first try"
    tab.get_by_role("button", name="Start again").click()
    assert count(tab, name) == f"0 of {len(right)} right"
    assert tab.faults == []
    tab.context.close()


@pytest.mark.parametrize("means", ["mouse", "keyboard", "touch"])
def test_a_wrong_answer_does_not_give_the_right_one_away(browser, means):
    page = CHAPTERS[0]
    name, options, right = blocks(page)
    tab = opened(browser, page, "phone" if means == "touch" else "desktop", has_touch=means == "touch")

    def press(letter: str) -> None:
        button = option(tab, name, 0, letter)
        if means == "keyboard":
            button.focus()
            tab.keyboard.press("Space" if letter == right[0] else "Enter")
            assert button.evaluate("button => button == document.activeElement"), "the focus stays"
        elif means == "touch":
            button.tap(force=True)  # also where it is marked as disabled
        else:
            button.click(force=True)

    answer = tab.locator(f"#{name} .quiz-answer").first
    assert answer.get_attribute("aria-live") == "polite"
    first, *_ = wrong(options[0], right[0])
    press(first)
    solution = tab.locator(f".solution:has(a[href='#{name}']) ol > li").first.text_content()
    assert answer.inner_text().startswith("Not this one.")
    assert not set(re.findall(r"\w{6,}", answer.inner_text())) & set(re.findall(r"\w{6,}", solution))
    press(first)  # once more: it does not count twice
    assert option(tab, name, 0, first).get_attribute("aria-disabled") == "true"
    press(right[0])
    assert answer.inner_text().startswith("Right.")
    press(right[0])
    for index, letter in list(enumerate(right))[1:]:
        option(tab, name, index, letter).click()
    assert count(tab, name) == f"{len(right)} of {len(right)} right, {len(right) - 1} at the first try"
    tab.context.close()


def test_tab_leads_from_option_to_option(browser):
    name, options, _ = blocks(CHAPTERS[0])
    tab = opened(browser, CHAPTERS[0])
    option(tab, name, 0, "a").focus()
    for letter in options[0][1:]:
        tab.keyboard.press("Tab")
        assert tab.evaluate("document.activeElement.textContent").startswith(f"{letter}.")
    tab.context.close()


def test_nothing_is_lost_without_javascript_or_on_paper(browser):
    page = CHAPTERS[0]
    name, options, right = blocks(page)
    plain = opened(browser, page, java_script_enabled=False)
    assert plain.locator(f"#{name} button").count() == 0
    items = plain.locator(f"#{name} ol > li > ul > li")
    texts = [" ".join(text.split()) for text in items.all_text_contents()]
    assert len(texts) == sum(map(len, options))
    plain.context.close()
    tab = opened(browser, page)
    option(tab, name, 0, right[0]).click()
    tab.emulate_media(media="print")
    buttons = tab.locator(f"#{name} .quiz-option")
    assert all(button.is_visible() for button in buttons.all())
    assert not tab.locator(f"#{name} .quiz-bar").is_visible()
    assert not tab.locator(f"#{name} .quiz-answer").first.is_visible()
    tab.context.close()


@pytest.mark.parametrize("light", [True, False], ids=["light", "dark"])
def test_axe_finds_nothing(browser, light):
    """With answers of all kinds shown, and with formulas in options."""
    from axe_playwright_python.sync_playwright import Axe

    page = "book/space-vae.md"  # its options have formulas
    name, options, right = blocks(page)
    tab = opened(browser, page, light=light)
    option(tab, name, 0, wrong(options[0], right[0])[0]).click()
    option(tab, name, 1, right[1]).click()
    tab.wait_for_function("!window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)")
    assert tab.locator(f"#{name} button mjx-container").count() > 0
    for width, height in SIZES.values():
        tab.set_viewport_size({"width": width, "height": height})
        found = Axe().run(tab, context=f"#{name}").response["violations"]
        assert [(fault["id"], [node["html"][:120] for node in fault["nodes"]]) for fault in found] == []
        assert tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    tab.context.close()
