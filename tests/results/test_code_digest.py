"""The digest of code: what Python sees changes it, words and layout do not."""

from __future__ import annotations

import types
from pathlib import Path

import pytest

from helpers.results import code_digest

SOURCE = '''"""What it is."""
import math


class Area:
    """A class."""

    sides: int = 4

    def of(self, side: float) -> float:
        """Its area."""
        # a reason
        return math.pow(side, 2) + 0.5
'''


def _digest_of(folder: Path, source: str, name: str = "made") -> str:
    path = folder / f"{name}.py"
    path.write_text(source)
    module = types.ModuleType(name)
    module.__file__ = str(path)
    return code_digest(module)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("What it is.", "Other words."),
        ('"""A class."""', '"""A class.\n\n    With more to say."""'),
        ('        """Its area."""\n', ""),
        ("# a reason", "# a better reason"),
        ("        # a reason\n", ""),
        ("math.pow(side, 2) + 0.5", "(math.pow(side,2)\n            +0.5)"),
    ],
)
def test_words_and_layout_do_not_change_the_digest(tmp_path, old, new):
    assert old in SOURCE
    assert _digest_of(tmp_path, SOURCE.replace(old, new)) == _digest_of(tmp_path, SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [("2)", "3)"), ("0.5", "0.6"), ("+", "-"), ("2)", "2.0)"), ("side", "edge"), ("= 4", "= None"), ("pow", "fmod")],
)
def test_what_python_sees_changes_the_digest(tmp_path, old, new):
    assert old in SOURCE
    assert _digest_of(tmp_path, SOURCE.replace(old, new)) != _digest_of(tmp_path, SOURCE)


def test_the_digest_is_the_same_on_every_version_of_python(tmp_path):
    """Pinned: if it changes, every stored item of every reader is thrown away."""
    assert _digest_of(tmp_path, SOURCE) == "817902fe566f71f569731ac108f776790439ddb11c5d456e210ce5869ec2c012"


def test_a_package_counts_with_all_its_modules():
    import helpers.methods.rde
    import helpers.methods.wavelets

    whole = code_digest(helpers.methods.rde)
    assert whole == code_digest("helpers.methods.rde") == code_digest("helpers.methods.rde", helpers.methods.rde)
    assert whole != code_digest("helpers.methods.rde.optimise")
    assert (
        code_digest("helpers.methods.rde", "helpers.methods.wavelets")
        == code_digest(helpers.methods.wavelets, helpers.methods.rde)
        != whole
    )


def test_code_without_source_is_refused():
    with pytest.raises(ValueError, match="at least one module"):
        code_digest()
    with pytest.raises(ValueError, match="no Python source"):
        code_digest("sys")
