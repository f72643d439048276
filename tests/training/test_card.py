"""The cards in models/ are those that the templates give."""

import re
from pathlib import Path

import pytest

from helpers.core.files import MODELS_FOLDER
from helpers.training import card

TEMPLATES = {
    path.stem: path.read_text(encoding="utf-8") for path in sorted((Path(card.__file__).parent / "cards").glob("*"))
}
CARDS = sorted(MODELS_FOLDER.glob("*.md"))


def words(text):
    return " ".join(text.split())


def pattern(template):
    """A regular expression for all cards of a template, wherever their lines are broken."""
    fixed = re.split(r"\{[^}]*\}", words(template))
    return ".*?".join(re.escape(part) for part in fixed)


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_a_committed_card_follows_one_template(path):
    text = words(path.read_text(encoding="utf-8"))
    assert sum(re.fullmatch(pattern(template), text) is not None for template in TEMPLATES.values()) == 1
    assert f"`{path.stem}.safetensors`" in text
    assert "    python -m helpers train --" in path.read_text(encoding="utf-8")
