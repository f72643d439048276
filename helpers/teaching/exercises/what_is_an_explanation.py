"""The checks of the exercises of the chapter "What is an explanation?"."""

from __future__ import annotations

from helpers.teaching.checks.kinds import Exercise, Mistake, Number, Numbers

EXERCISES = (
    Exercise(
        "what-three-copies",
        ask="the number of copies, an integer",
        answer=Number(3),
        mistakes=(
            Mistake(1, "Hide one copy. How many are left, and how many are enough?"),
            Mistake(2, "Hide two copies. Is anything left that is enough by itself?"),
            Mistake(0, "A window that hides no copy hides no evidence. Which one hides all of it?"),
        ),
    ),
    Exercise(
        "what-how-many",
        ask="the two numbers of sets, a tuple of integers: first 16 patches, then 64",
        answer=Numbers((137, 8_303_633), within=0),
        mistakes=(
            Mistake((120, 7_624_512), "These are the sets of the largest size alone. Smaller ones are tried before."),
            Mistake((136, 8_303_632), "One set is missing in both: the one without any patch."),
            Mistake((257, 930_444_545), "You counted orders. {3, 7} and {7, 3} are one set."),
        ),
    ),
    Exercise(
        "what-or-and",
        ask="six numbers, a tuple: the smallest sufficient sets, the necessary patches and the share of a "
        '"yes" for *or*, then the same for *and*',
        answer=Numbers((2, 0, 0.75, 1, 2, 0.25), within=0.01),
        mistakes=(
            Mistake((1, 2, 0.25, 2, 0, 0.75), "Which of the two classifiers can do without patch 1?"),
            Mistake(
                (3, 0, 0.75, 1, 2, 0.25),
                "A smallest set is no larger than any other sufficient one. Are all of yours equally small?",
            ),
            Mistake(
                (2, 0, 0.5, 1, 2, 0.5),
                "One half is the chance of a single patch. List the four ways to show or hide two patches.",
            ),
            Mistake(
                (2, 2, 0.75, 1, 2, 0.25),
                "A patch is necessary if its absence alone changes the prediction. Hide one under *or*, and see.",
            ),
        ),
    ),
    Exercise(
        "what-share",
        ask="the growth of the first four scenes in patches, a tuple of four integers",
        answer=Numbers((0, 1, 0, 1), within=0),
        mistakes=(
            Mistake((3, 3, 3, 2), "These are sizes. By how many patches does each exceed the size for nine tenths?"),
            Mistake((0, 0, 0, 0), "Nothing changes if the share stays 0.9. Did you pass the new one to the search?"),
            Mistake((0, -1, 0, -1), "A part that keeps 99 % keeps nine tenths, too. Which size did you subtract?"),
        ),
    ),
    Exercise(
        "what-gradient",
        ask="the number of patches of the first four scenes, a tuple of four integers",
        answer=Numbers((3, 2, 5, 1), within=0),
        mistakes=(
            Mistake((3, 2, 3, 1), "These are the smallest sets, or occlusion's. Rank the patches by the gradient."),
            Mistake(
                (3, 2, 5, 4),
                "The gradient of the probability is scaled by softmax and mixes in the other classes. "
                "Take that of the logit.",
            ),
            Mistake(
                (15, 14, 16, 1),
                "A strongly negative gradient shows that a patch matters, too. Take absolute values before the sum.",
            ),
            Mistake((14, 15, 16, 16), "You began with the least relevant patch. Reverse the order."),
        ),
    ),
)
