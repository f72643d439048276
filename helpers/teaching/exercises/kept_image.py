"""Checks of the exercises of the chapter on what a kept image proves."""

from helpers.teaching.checks.kinds import Choice, Exercise, Mistake, Number, Numbers

EXERCISES = (
    Exercise(
        "kept-which",
        ask='"stamps", "multiplied", "subtracted" or "flat"',
        answer=Choice("stamps", ("stamps", "multiplied", "subtracted", "flat")),
        mistakes=(
            Mistake(
                "subtracted",
                "It keeps most predictions at half of the brightness. Would it at a fifth?",
            ),
            Mistake("multiplied", "How many predictions did it keep even at half of the brightness?"),
            Mistake("flat", "It ignores all but the mean colour. How often did the prediction stay the same?"),
        ),
    ),
    Exercise(
        "kept-share",
        ask="a dictionary with the shares of the object, between 0 and 1: "
        "'brightness', and 'distance' from the mean colour",
        answer=Numbers({"brightness": 1 / 11, "distance": 0.5}, plus=0.003),
        mistakes=(
            Mistake(
                {"brightness": 0.2, "distance": 0.5},
                "That is the object's share of the area. Its pixels are darker than the wall's.",
            ),
            Mistake(
                {"brightness": 0.08, "distance": 0.5},
                "The object's brightness has to be divided by that of the whole image.",
            ),
            Mistake(
                {"brightness": 1 / 11, "distance": 0.8},
                "That compares one pixel of the object with one of the wall. How many are there of each?",
            ),
            Mistake(
                {"brightness": 1 / 11, "distance": 0.2},
                "The mean colour is that of all pixels: weigh 0.4 and 1 by their areas.",
            ),
        ),
    ),
    Exercise(
        "kept-second",
        ask="the smaller of the two agreements, in percent",
        answer=Number(100.0, within=0, plus=0.5),
        mistakes=(
            Mistake(
                71.2,
                "Those are the stamps of the chapter. Choose new ones among pictures on which both classifiers agree.",
            ),
            Mistake(1.0, "In percent, please."),
            Mistake(10.0, "That is chance. Does each scene get the stamp of its own class?"),
        ),
    ),
    Exercise(
        "kept-ignores",
        ask='"mirrored", "inverted", "blurred" or "none"',
        answer=Choice("mirrored", ("mirrored", "inverted", "blurred", "none")),
        mistakes=(
            Mistake(
                "inverted",
                "One prediction in five changes when the brightness is inverted. Look for more than 95 % that stay.",
            ),
            Mistake("blurred", "Blurring changes more predictions than any other of the three."),
            Mistake("none", "Did you compare with the predictions for the unchanged images, and flip the last axis?"),
        ),
    ),
    Exercise(
        "kept-terms",
        ask="a dictionary with the mean numbers of colours: the keys 'contrast', 'colours' and 'smooth'",
        answer=Numbers({"contrast": 108.1, "colours": 53.9, "smooth": 66.2}, within=0.03),
        mistakes=(
            Mistake({"contrast": 108.1, "colours": 66.2, "smooth": 53.9}, "Two of the networks are exchanged."),
            Mistake(
                {"contrast": 8, "colours": 8, "smooth": 8},
                "A colour is three channels together; eight is the number of levels of one.",
            ),
            Mistake(
                {"contrast": 107.0, "colours": 107.0, "smooth": 107.0},
                "That is the network with β = 10 three times. Load each by its name.",
            ),
        ),
    ),
)
