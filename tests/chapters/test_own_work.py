"""The README's blocks and the pages on one's own work: their code runs as it stands."""

import re
from importlib.util import find_spec

import pytest

from helpers import load_classifier
from helpers.chapters.refusals import refused
from helpers.core.files import ROOT
from helpers.site.source import read_page

_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
README = _BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
LIBRARIES = _BLOCK.findall((ROOT / "book/other-libraries.md").read_text(encoding="utf-8"))


def library(block: str) -> str:
    """The library that a block imports first."""
    return re.search(r"(?:import|from) (\w+)", block)[1]


def test_the_blocks_of_the_readme_run_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    assert len(README) > 3
    for number, block in enumerate(README):
        exec(compile(block, f"block {number} of README.md", "exec"), names)
    assert names["explanation"].kept.shape == names["method"].explain(names["images"]).kept.shape
    assert names["masks"].shape == names["same"].shape
    own = load_classifier("my-network.safetensors")
    assert own.class_names == ("cat", "dog", "fish")


@pytest.mark.filterwarnings("ignore")  # the libraries' own, and of networks that were not trained
@pytest.mark.parametrize("block", LIBRARIES, ids=library)
def test_examples_with_libraries_that_the_book_does_not_install(block):
    if find_spec(library(block)) is None:
        pytest.skip(f"needs {library(block)}, of the extra interop")
    names = {}
    setup = read_page(ROOT / "book/other-libraries.md").cells[1].source
    exec(f"{setup}\nmean, std = (0.5,) * 3, (0.5,) * 3\n{block}", names)
    results = [names[name] for name in ("kept", "score") if name in names]
    assert len(results) == 1
    assert len(results[0]) == len(names["images"])


def test_every_library_is_in_the_extra():
    extra = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("interop = [")[1].split("]")[0]
    assert [library(block) for block in LIBRARIES if f'"{library(block)}>=' not in extra] == []


def test_a_refusal_is_printed_and_must_happen(capsys):
    with refused(KeyError):
        raise KeyError("gone")
    assert capsys.readouterr().out == "KeyError: 'gone'\n"
    with pytest.raises(AssertionError, match="it was not"), refused():
        pass
    with pytest.raises(TypeError), refused():
        raise TypeError
