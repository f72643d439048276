"""Each check of an exercise: it accepts its solution, and refuses the empty answer and typical wrong ones."""

from __future__ import annotations

import re

import pytest
import torch

from helpers import check as exported
from helpers.core.files import ROOT
from helpers.site.chapters import load_chapters
from helpers.site.source import page_text
from helpers.teaching.checks.comparison import as_number, equal_outputs
from helpers.teaching.checks.find import checked_pages, exercises_of, find_exercise
from helpers.teaching.checks.kinds import Choice, Exercise, Function, Mistake, Number, Numbers, Tensors
from helpers.teaching.checks.verdicts import _verdict, check, mark, variable_of

PAGES = checked_pages()
ALL = [exercise for page in PAGES for exercise in exercises_of(page)]
NAMES = [exercise.name for exercise in ALL]


def test_pages_with_checks_are_chapters():
    assert {f"book/{page}.md" for page in PAGES} <= set(load_chapters())


def test_no_two_exercises_share_a_name():
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("page", PAGES)
def test_each_exercise_of_a_page_has_a_check(page):
    text = page_text(ROOT / f"book/{page}.md")
    labels = re.findall(r"^`{3,}\{exercise\}.*\n(?:[^\n]*\n)*?:label: (\S+)", text, re.MULTILINE)
    labels = [label for label in labels if not label.endswith("-test")]
    assert [exercise.name for exercise in exercises_of(page)] == labels


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_for_each_check_and_passes_it(page):
    text = page_text(ROOT / f"book/{page}.md")
    for exercise in exercises_of(page):
        assert f'`check("{exercise.name}", answer)`' in text
        assert re.search(rf'^ *assert check\(\s*"{exercise.name}"', text, re.MULTILINE), exercise.name


@pytest.mark.parametrize("exercise", ALL, ids=NAMES)
class TestEachExercise:
    def test_the_solution_is_right(self, exercise):
        assert check(exercise.name, exercise.answer.solution)
        assert exercise.answer.accepts_at_marking(exercise.answer.solution)

    def test_the_empty_answer_is_refused(self, exercise):
        for empty in (None, ..., "", "  "):
            verdict = check(exercise.name, empty)
            assert not verdict
            assert exercise.ask in verdict.remark

    def test_typical_wrong_answers_are_refused_with_their_hints(self, exercise):
        assert len({mistake.hint for mistake in exercise.mistakes}) >= min(3, _different_answers(exercise))
        for mistake in exercise.mistakes:
            verdict = check(exercise.name, mistake.example)
            assert not verdict
            assert verdict.remark.startswith(mistake.hint) or exercise.answer.unusable(mistake.example)

    def test_hints_do_not_give_the_answer_away(self, exercise):
        solution = exercise.answer.solution
        hints = [exercise.hint, *(mistake.hint for mistake in exercise.mistakes)]
        if isinstance(exercise.answer, Choice):
            assert not any(f'"{solution}"' in hint or f"`{solution}`" in hint for hint in hints)
        elif (number := as_number(solution)) is not None and abs(number) > 10:
            written = {f"{number:.0f}", f"{number:,.0f}", f"{number:.4g}"}
            assert not any(
                re.search(rf"(?<![\d.,]){re.escape(text)}(?![\d.,]*\d)", hint) for text in written for hint in hints
            )


def _different_answers(exercise: Exercise) -> int:
    """How many wrong answers there can be: a choice has one fewer than its options."""
    return len(exercise.answer.options) - 1 if isinstance(exercise.answer, Choice) else 3


class TestKinds:
    def test_an_integer_is_exact_and_a_float_within_a_hundredth(self):
        assert Number(100).accepts(100.0)
        assert not Number(100).accepts(101)
        assert Number(100.0).accepts(100.9)
        assert not Number(100.0).accepts(101.1)

    def test_tolerances_add_up(self):
        number = Number(10.0, within=0.1, plus=0.5)
        assert number.accepts(11.49)
        assert not number.accepts(11.51)

    @pytest.mark.parametrize(
        "given", [True, "3", [3], float("nan"), float("inf"), None, ..., torch.ones(2), torch.tensor(True)]
    )
    def test_what_is_no_number(self, given):
        assert as_number(given) is None

    def test_tensors_and_arrays_with_one_entry_are_numbers(self):
        assert as_number(torch.tensor(0.5, requires_grad=True).double()) == 0.5
        assert as_number(torch.tensor([3]).numpy()) == 3

    def test_a_choice_ignores_capitals_and_spaces(self):
        choice = Choice("the same", ("more", "less", "the same"))
        assert choice.accepts("  The  same ")
        assert choice.unusable("equal").startswith("The answer should be one of 'more', 'less', 'the same'")
        assert choice.unusable(3)

    def test_numbers_by_name_and_in_order(self):
        by_name, in_order = Numbers({"a": 1.0, "b": 2.0}), Numbers((1.0, 2.0))
        assert by_name.accepts({"b": 2.0, "a": 1.0})
        assert not by_name.accepts({"a": 2.0, "b": 1.0})
        assert in_order.accepts(torch.tensor([1.0, 2.0]))
        assert not in_order.accepts((2.0, 1.0))
        assert by_name.unusable({"a": 1.0})
        assert in_order.unusable((1.0, 2.0, 3.0))
        assert in_order.unusable(1.0)

    def test_a_tensor_of_another_shape_is_named(self):
        tensors = Tensors(lambda: torch.eye(2))
        assert tensors.accepts(torch.eye(2) + 1e-6)
        assert not tensors.accepts(torch.zeros(2, 2))
        assert "(2, 2)" in tensors.unusable(torch.eye(3))
        assert tensors.unusable("eye")
        assert tensors.unusable(torch.full((2, 2), float("nan")))

    def test_a_function_is_compared_on_further_inputs_at_marking(self):
        double = Function(lambda x: 2 * x, lambda: [(1.0,), (2.0,)], lambda: [(-3.0,)])
        assert double.more == 1
        assert double.accepts(lambda x: abs(2 * x))
        assert not double.accepts_at_marking(lambda x: abs(2 * x))
        assert not double.accepts(lambda x: x + 1)
        assert "ZeroDivisionError" in double.unusable(lambda x: x / 0)
        assert double.unusable(3)

    def test_a_function_that_changes_its_input_is_compared_on_the_original(self):
        image = torch.ones(3)
        same = Function(lambda x: x * 2, lambda: [(image,)])
        assert same.accepts(lambda x: x.mul_(2))
        assert torch.equal(image, torch.ones(3))

    def test_random_numbers_of_the_notebook_are_left_alone(self):
        noisy = Function(lambda x: x + torch.randn(3), lambda: [(torch.zeros(3),)])
        torch.manual_seed(1)
        expected = torch.randn(1)
        torch.manual_seed(1)
        assert noisy.accepts(lambda x: x + torch.randn(3))
        assert torch.equal(torch.randn(1), expected)

    def test_outputs_of_other_kinds_are_unequal(self):
        assert equal_outputs({"a": torch.ones(2)}, {"a": torch.ones(2)}, 0.0)
        assert not equal_outputs([torch.ones(2)], {"a": torch.ones(2)}, 0.0)
        assert not equal_outputs("text", torch.ones(2), 0.0)
        assert not equal_outputs(torch.ones(2), "text", 0.0)


class TestVerdicts:
    exercise = Exercise("a-share", "a share", Number(0.05), (Mistake(0.1, "Half of it."),))

    def test_a_percentage_for_a_share(self):
        assert "100 times too large" in _verdict(self.exercise, 5).remark
        assert "100 times too small" in _verdict(self.exercise, 0.0005).remark

    def test_a_mistake_has_its_hint_and_others_the_common_one(self):
        assert _verdict(self.exercise, 0.1).remark == "Half of it."
        assert _verdict(self.exercise, 0.7).remark == self.exercise.hint

    def test_the_verdict_is_a_sentence_and_a_truth_value(self):
        assert repr(_verdict(self.exercise, 0.05)) == "✓ a-share: right. Marking adds nothing."
        assert repr(_verdict(self.exercise, 0.1)) == "✗ a-share: not yet. Half of it."

    def test_the_number_of_checks_at_marking_is_said(self):
        answer = Function(lambda x: x, lambda: [(1,)], lambda: [(2,), (3,)])
        verdict = _verdict(Exercise("f", "a function", answer, ()), lambda x: x)
        assert repr(verdict).endswith("Marking adds 2 more checks.")

    def test_an_unknown_name_is_answered_with_the_nearest(self):
        with pytest.raises(ValueError, match=f"did you mean '{NAMES[0]}'"):
            exported(NAMES[0] + "x", 1)
        with pytest.raises(ValueError, match="there are no checks for the page"):
            exercises_of("no-such-page")

    def test_marking_reads_names(self):
        page = PAGES[0]
        answers = {variable_of(each.name): each.answer.solution for each in exercises_of(page)}
        assert all(mark(page, answers))
        answers.pop(variable_of(exercises_of(page)[0].name))
        assert [bool(verdict) for verdict in mark(page, answers)] == [False] + [True] * (len(exercises_of(page)) - 1)
        assert find_exercise(exercises_of(page)[0].name) is exercises_of(page)[0]
