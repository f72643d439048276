"""Checks of the page on initial masks."""

from helpers.teaching.checks.kinds import Choice, Exercise, Mistake, Number, Numbers

EXERCISES = (
    Exercise(
        "start-caution",
        ask='one of "mean up, distortion up", "mean up, distortion down", "mean down, distortion up", '
        '"mean down, distortion down"',
        answer=Choice(
            "mean up, distortion down",
            (
                "mean up, distortion up",
                "mean up, distortion down",
                "mean down, distortion up",
                "mean down, distortion down",
            ),
        ),
        mistakes=(
            Mistake("mean up, distortion up", "The mean is right. If more is kept, is the prediction changed more?"),
            Mistake("mean down, distortion up", "That would follow from a larger λk. Here it is a quarter."),
            Mistake(
                "mean down, distortion down",
                "With a smaller λk keeping costs less. Does a network then keep less?",
            ),
        ),
    ),
    Exercise(
        "start-stop",
        ask='one of "zero, it learns the same", "positive, it keeps more", "negative, it keeps more", '
        '"negative, it lowers the probability"',
        answer=Choice(
            "negative, it lowers the probability",
            (
                "zero, it learns the same",
                "positive, it keeps more",
                "negative, it keeps more",
                "negative, it lowers the probability",
            ),
        ),
        mistakes=(
            Mistake("zero, it learns the same", "The factor c depends on D. Only the stop-gradient hides that."),
            Mistake("positive, it keeps more", "How does the factor c change as D grows?"),
            Mistake(
                "negative, it keeps more",
                "The sign is right. Gradient descent goes against it: what happens to D, and so to the probability?",
            ),
        ),
    ),
    Exercise(
        "start-slow",
        ask="a tuple of three distances, for 20, 40 and 80 steps",
        answer=Numbers((1.0, 2.0, 4.0), within=0.05, plus=0.05),
        mistakes=(
            Mistake((2.0, 4.0, 8.0), "That is for a constant learning rate. This one falls."),
            Mistake(
                (0.5, 1.0, 2.0), "Half is taken twice. What is the mean of the learning rates, before you multiply?"
            ),
            Mistake((0.02, 0.04, 0.08), "That is for the last learning rate, held all the time."),
        ),
        hint="Add up the learning rates of all steps: an entry moves by about one of them per step.",
    ),
    Exercise(
        "start-square",
        ask='a dictionary with the keys "distortion", "multiple" and "share"',
        answer=Numbers({"distortion": 0.16, "multiple": 0.25, "share": 0.866}, plus=0.004),
        mistakes=(
            Mistake(
                {"distortion": 0.4, "multiple": 0.5, "share": 0.866},
                "These are changes of the probability. The distortion is a mean square.",
            ),
            Mistake(
                {"distortion": 0.09, "multiple": 0.14, "share": 0.866},
                "There the probability falls to 0.5. Half of it should be gone.",
            ),
            Mistake(
                {"distortion": 0.16, "multiple": 0.25, "share": 0.75},
                "The distortions are right. Which change of the probability has the square 0.75, if p is 1?",
            ),
        ),
    ),
    Exercise(
        "start-monotone",
        ask='a dictionary with the keys "lost again" and "at once", two numbers of scenes',
        answer=Numbers({"lost again": 0, "at once": 1}),
        mistakes=(
            Mistake(
                {"lost again": 8, "at once": 1},
                "Count a scene only if its class is predicted at one constant and not at a larger one.",
            ),
            Mistake(
                {"lost again": 0, "at once": 7},
                "You have counted the scenes whose class is not predicted at the smallest constant.",
            ),
            Mistake(
                {"lost again": 0, "at once": 8},
                "All eight are predicted somewhere on the grid. How many at its first constant?",
            ),
        ),
        hint="Make a table with a row for each constant and a column for each scene, and read it from top to bottom.",
    ),
    Exercise(
        "start-small",
        ask="the number of lost scenes out of 16, an integer",
        answer=Number(8, within=0, plus=1),
        mistakes=(
            Mistake(0, "Do these searches start from the empty mask? From ones hardly any scene is lost."),
            Mistake(2, "So few are lost without the penalty. Is λk still 20?"),
            Mistake(16, "Can the entries travel as far as before? Half the learning rate needs twice the steps."),
        ),
    ),
)
