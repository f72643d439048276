"""A folder of models for tests of its own."""

import pytest

from helpers.classifiers import sums, weight_files
from helpers.core.files import DATA_VARIABLE


@pytest.fixture
def models(tmp_path, monkeypatch):
    """An empty folder in place of the book's models/, and no data folder."""
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    for module in (sums, weight_files):
        monkeypatch.setattr(module, "MODELS_FOLDER", tmp_path / "models")
    (tmp_path / "models").mkdir()
    return tmp_path / "models"
