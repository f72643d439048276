"""Outputs of notebooks compared word by word, and number by number up to a tolerance.

nbval compares texts for equality. Here the texts that it compares (after tests/sanitise.cfg) are equal when everything
but the numbers is, whole numbers are the same, and other numbers agree to 1 % or to two units of their last digit.
"""

import re

RELATIVE = 1e-2
NUMBER = re.compile(r"(?<![\w.])[-+−]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?(?![\w]|\.\d)")
SPACE = re.compile(r"[\s─━-]+")


def _last_digit(number: str) -> float:
    """The value of one unit in the last digit that is written: 0.01 for 3.14, 1e-5 for 1.2e-4."""
    mantissa, _, exponent = number.lower().partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def same_number(left: str, right: str) -> bool:
    """Whether two written numbers agree: whole numbers exactly, others up to the tolerance."""
    left, right = left.replace("−", "-"), right.replace("−", "-")
    if left == right:
        return True
    if not any(sign in left + right for sign in ".eE"):
        return False
    a, b = float(left), float(right)
    return abs(a - b) <= max(RELATIVE * max(abs(a), abs(b)), 2.001 * max(_last_digit(left), _last_digit(right)))


def same_text(left: str, right: str) -> bool:
    """Whether two texts have the same words and, up to the tolerance, the same numbers; spacing does not count."""
    words = [SPACE.sub(" ", NUMBER.sub(" <number> ", text)).strip() for text in (left, right)]
    numbers = [NUMBER.findall(text) for text in (left, right)]
    return words[0] == words[1] and all(map(same_number, *numbers))


class TolerantText(str):
    """Text that is equal to what is the same up to the tolerance."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other):
        return same_text(self, other) if isinstance(other, str) else NotImplemented

    def __ne__(self, other):
        return not self == other if isinstance(other, str) else NotImplemented


def compare_with_tolerance() -> None:
    """Let nbval compare with a tolerance: each text that it is about to compare becomes tolerant."""
    from nbval.plugin import IPyNbCell

    exact = IPyNbCell.sanitize

    def sanitize(self, value):
        value = exact(self, value)
        return TolerantText(value) if isinstance(value, str) else value

    patient = IPyNbCell.setup

    def setup(self):
        self.output_timeout = 120  # seconds; nbval gives up after five, too soon for a busy machine
        patient(self)

    if exact.__module__ == "nbval.plugin":  # once
        IPyNbCell.sanitize, IPyNbCell.setup = sanitize, setup
