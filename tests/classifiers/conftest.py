"""A folder of models for tests of its own."""

import pytest

from helpers.classifiers import weight_files
from helpers.core.files import DATA_VARIABLE


@pytest.fixture
def models(tmp_path, monkeypatch):
    """An empty folder in place of the book's models/, and no data folder."""
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    monkeypatch.setattr(weight_files, "MODELS_FOLDER", tmp_path / "models")
    (tmp_path / "models").mkdir()
    return tmp_path / "models"
