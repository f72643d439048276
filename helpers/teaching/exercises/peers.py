"""The exercises of the chapter on the Explainer's peers."""

from helpers.teaching.checks.kinds import Choice, Exercise, Mistake, Number

EXERCISES = (
    Exercise(
        "peers-certain",
        ask='one of `"zeros"`, `"ones"`, `"the object"` and `"noise"`',
        answer=Choice("noise", ("zeros", "ones", "the object", "noise")),
        mistakes=(
            Mistake("zeros", "Each mask gets the weight 1, not 0. What is the sum of fifty masks?"),
            Mistake("ones", "That is the limit of infinitely many masks. Is each pixel shown equally often in fifty?"),
            Mistake("the object", "The probability is the same whether the object is shown or not."),
        ),
    ),
    Exercise(
        "peers-cam",
        ask="the quotient of the two, a number",
        answer=Number(0.25),
        mistakes=(
            Mistake(1.0, "The logit takes the mean over the cells, so a single cell has only a part of the weight."),
            Mistake(4.0, "Is the derivative with respect to one cell larger or smaller than the channel's weight?"),
            Mistake(0.0625, "The gradient is the same in every cell. What is the mean of equal numbers?"),
        ),
        hint="Differentiate the logit with respect to the value of one cell, then take the mean over the cells.",
    ),
    Exercise(
        "peers-even",
        ask="the least penalty, a number",
        answer=Number(0.21),
        mistakes=(
            Mistake(0.0, "That would need entries of 0 and 1 only. These are all equal."),
            Mistake(0.3, "That is the penalty of the empty mask. Is there a better grey?"),
            Mistake(0.25, "That is the penalty of the mask that is ½ everywhere. Is there a better grey?"),
        ),
        hint="Write the penalty as a function of v, with the shares 0.3 and 0.7, and set its derivative to zero.",
    ),
    Exercise(
        "peers-points",
        ask="the number of points, one of 3, 5, 10 and 20",
        answer=Number(10),
        mistakes=(
            Mistake(3, "The mean slope of so few points is about half of the rise."),
            Mistake(5, "Nearly. Divide the error by the rise."),
            Mistake(20, "So many points are enough. Are they the fewest?"),
        ),
        hint="The shares are 1/n, 2/n, …, 1. Compare the mean of the slopes with the rise of the probability.",
    ),
    Exercise(
        "peers-grey",
        ask="the mean correlation, a number",
        answer=Number(0.9141, within=0.0, plus=0.006),
        mistakes=(
            Mistake(0.8622, "That is the first scene alone."),
            Mistake(
                0.9307, "That compares the masks of all ten classes at once. Take those of the classes that are shown."
            ),
            Mistake(1.0, "Have you set the variant? With the same colour, the masks are the same."),
        ),
        hint="Correlate the two masks of each class that a scene shows, and take the mean over all sixteen pairs.",
    ),
    Exercise(
        "peers-layer",
        ask="the mean share on the other object, a number between 0 and 1",
        answer=Number(0.0969, within=0.0, plus=0.004),
        mistakes=(
            Mistake(0.3117, "That is the share on the object of the mask's own class."),
            Mistake(0.0497, "That is the share at `network.layer3`."),
            Mistake(0.0358, "That is the share at `network.layer4`."),
        ),
        hint="`shares_on_objects(masks, scenes)` has a column for the other object.",
    ),
)
