"""Checks of the page on convergence."""

from helpers.teaching.checks.kinds import Exercise, Mistake, Number, Numbers

EXERCISES = (
    Exercise(
        "convergence-tighter",
        ask="the number of pairs",
        answer=Number(3200, within=0.02),
        mistakes=(
            Mistake(
                320,
                "The distance to the truth must shrink to a tenth. It falls like one over the *root* of the number "
                "of pairs.",
            ),
            Mistake(
                167,
                "You have shrunk the upper estimate itself. More draws shrink its distance to the true gap.",
            ),
            Mistake(100, "That is how many times as many. How many pairs is that?"),
        ),
        hint="By how much does the upper estimate exceed the guessed gap now, and by how much may it?",
    ),
    Exercise(
        "convergence-by-hand",
        ask="a tuple of three gaps, at (0, 0), (1, 0) and (1, 0.5)",
        answer=Numbers((5, 1, 0), plus=0.001),
        mistakes=(
            Mistake((4.25, 1.25, 1), "These are the values of the objective. The gap comes from its slopes."),
            Mistake((3.25, 0.25, 0), "These are the excesses over the minimum. What does the tangent promise?"),
            Mistake((5, 3, 2), "You have added slopes at entries that cannot go further. Which room is left to them?"),
        ),
        hint="For each entry: in which direction does the objective fall, and how much room is left there?",
    ),
    Exercise(
        "convergence-flat",
        ask="the gap, a number",
        answer=Number(19.4, within=0.01),
        mistakes=(
            Mistake(0, "A flat curve says that the steps are small. The gap asks how far the way is."),
            Mistake(0.6, "That is what the penalty has lost so far. How much of it is left to remove?"),
            Mistake(20, "That is the gap of the mask of ones, before the first step."),
        ),
        hint="How far has an entry moved in 30 steps? What do the penalty's slopes add up to over all entries?",
    ),
    Exercise(
        "convergence-luck",
        ask="the mean of the upper estimate's excess for all 5000 entries, a number",
        answer=Number(0.2, within=0.05),
        mistakes=(
            Mistake(0.0, "Positive and negative noise do not cancel: each adds to the gap, in its own direction."),
            Mistake(
                0.25,
                "The mean size of a normal variable is smaller than its standard deviation. By which factor?",
            ),
            Mistake(0.4, "How much room has an entry at 0.5 in either direction?"),
        ),
    ),
    Exercise(
        "convergence-broken",
        ask="the largest s below which the gap lies under the excess, a number",
        answer=Number(0.22, within=0, plus=0.02),
        mistakes=(
            Mistake(0.11, "That is the ridge. Just behind it the slope is still flat: look a little further."),
            Mistake(0.8, "There the objective has its minimum, and both are 0."),
            Mistake(0.31, "That is the excess at s = 0. Where does it fall below the gap?"),
        ),
        hint="Draw both curves on a fine grid, and find the last point at which the gap is below the excess.",
    ),
    Exercise(
        "convergence-stop",
        ask="the steps at which the two searches stop, a tuple",
        answer=Numbers((50, 50)),
        mistakes=(
            Mistake(
                (25, 25),
                "At step 25 the gaps are several times the tolerance. Is `tolerance=2.0` passed on?",
            ),
            Mistake((100, 100), "These are all steps. Are the gaps measured on the way, every 25 steps?"),
            Mistake((400, 400), "That is the length of the searches above. Take `steps=100`."),
        ),
    ),
)
