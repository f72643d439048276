"""The exercises of the chapter on attention rollout."""

from helpers.teaching.checks.kinds import Choice, Exercise, Mistake, Number, Numbers

_WEIGHTS = ("last values", "first values", "last mlp", "head", "last keys")


def _changes(*names: str) -> dict[str, int]:
    return {name: int(name in names) for name in _WEIGHTS}


EXERCISES = (
    Exercise(
        "rollout-uniform",
        ask="the share, a number between 0 and 1",
        answer=Number(0.0194553),
        mistakes=(
            Mistake(
                0.015625,
                "That is the path on which the token stays with itself in all layers. What do the averages bring back?",
            ),
            Mistake(
                0.0038911,
                "That is uniform attention without the residual connection, which keeps a half in each layer.",
            ),
            Mistake(
                0.0159933,
                "That is the sixth power of a diagonal entry. The diagonal of a product needs the other entries, too.",
            ),
        ),
        hint="Multiply out two factors with the help of AA = A, then guess the form for L of them.",
    ),
    Exercise(
        "rollout-weights",
        ask="a dictionary with the five names; 1 if the rollout changes, 0 if it does not",
        answer=Numbers(_changes("first values", "last keys")),
        mistakes=(
            Mistake(
                _changes("last keys"),
                "The first layer's values change its tokens. Who reads these tokens next, and with what?",
            ),
            Mistake(
                _changes("first values"),
                "The attention of a layer is a softmax of queries and keys. Rollout multiplies all of them.",
            ),
            Mistake(
                _changes("last values", "first values", "last keys"),
                "Does anything that rollout reads come after the last layer has used its values?",
            ),
        ),
        hint="Find the last softmax. What is computed after it cannot change an attention.",
    ),
    Exercise(
        "rollout-shares",
        ask="the sum of the first row, a number",
        answer=Number(1.0277778, within=0.002),
        mistakes=(
            Mistake(1.0, "That is the sum as intended. Without `keepdim`, which entries are divided by which sum?"),
            Mistake(
                1.2173913,
                "You divided by the sums of the columns. The code takes those of the rows, along the wrong axis.",
            ),
            Mistake(1.125, "The identity is added before the rows are divided."),
        ),
        hint="Write down A + I and the sums of its rows, then divide each column by one of them.",
    ),
    Exercise(
        "rollout-cost",
        ask='a dictionary, `{"matrices": …, "row": …}`, of two shares',
        answer=Numbers({"matrices": 0.0733956, "row": 0.000372566}, within=0.1),
        mistakes=(
            Mistake(
                {"matrices": 7.33956, "row": 0.0372566}, "These are percentages. A share of the whole is at most 1."
            ),
            Mistake({"matrices": 0.0061163, "row": 0.0000310472}, "That is the cost of one layer."),
            Mistake(
                {"matrices": 0.220187, "row": 0.0011177},
                "That is three times too much: rollout averages the three heads before it multiplies.",
            ),
        ),
        hint="A product of two M × M matrices takes M³ multiplications, that of a row and a matrix M².",
    ),
    Exercise(
        "rollout-residual",
        ask="how many times as far apart the rows are with the identity, a number",
        answer=Number(994.7, within=0.1),
        mistakes=(
            Mistake(
                5.3034,
                "That is the first layer alone, or the quotient is upside down. Multiply the factors of all layers.",
            ),
            Mistake(3041.0, "That is the second scene. Take the first."),
            Mistake(63_658, "With the identity, too, each row has to be divided by its sum."),
        ),
        hint="Multiply the factors of the first scene from layer 1 to the last, the later ones from the left.",
    ),
    Exercise(
        "rollout-heads",
        ask='a dictionary, `{"mean": …, "max": …, "min": …}`, of the mean relevance masses',
        answer=Numbers({"mean": 0.4463, "max": 0.4656, "min": 0.2122}, within=0.0, plus=0.006),
        mistakes=(
            Mistake(
                {"mean": 0.2915, "max": 0.2979, "min": 0.1811},
                "These are the values without discarding. Leave the discard ratio at its default.",
            ),
            Mistake(
                {"mean": 0.3857, "max": 0.3629, "min": 0.2173},
                "These are the values of gradient rollout. Leave out `gradient=True` and the classes.",
            ),
            Mistake(
                {"mean": 0.4656, "max": 0.4463, "min": 0.2122}, "Two of the values have changed places. Which is which?"
            ),
        ),
        hint="Take the mean over all scenes of the relevance mass accuracy, for each `fusion`.",
    ),
    Exercise(
        "rollout-deletion",
        ask='one of `"both"`, `"only the trained one"`, `"only the untrained one"` and `"neither"`',
        answer=Choice("both", ("both", "only the trained one", "only the untrained one", "neither")),
        mistakes=(
            Mistake("only the trained one", "So one would hope. What is the area of the untrained network's rollout?"),
            Mistake(
                "only the untrained one", "Print the three mean areas, and compare each with that of the random order."
            ),
            Mistake("neither", "Is a large area good or bad when pixels are deleted?"),
        ),
    ),
    Exercise(
        "rollout-yours",
        ask='one of `"the rollout"`, `"the gradient rollout"`, `"both"` and `"neither"`',
        answer=Choice("the gradient rollout", ("the rollout", "the gradient rollout", "both", "neither")),
        mistakes=(
            Mistake("the rollout", "Which of the two has an equation that contains the class?"),
            Mistake("both", "Look at the middle picture for the one class and for the other. What differs?"),
            Mistake("neither", "Compare the pictures on the right for the two classes, object by object."),
        ),
    ),
)
