"""The metrics that Quantus has, too: by the package where it is installed, else by the values that it gave."""

import importlib.util

import numpy as np
import pytest
import torch

from benchmarks.__main__ import main
from helpers.benchmark import PAIRS, Case
from helpers.benchmark.outside import Compared
from helpers.benchmark.outside_tables import AGREE, SCENES, compare, value_maps
from helpers.benchmark.quantus_package import QuantusMissingError, load_quantus
from helpers.benchmark.table import profile_case
from helpers.metrics import entropy, gini_index
from helpers.papers.recartoonx.experiments import Study
from helpers.results import read_table

INSTALLED = importlib.util.find_spec("quantus") is not None
KEYS = ["method", "metric", "image"]


@pytest.fixture(scope="module")
def case():
    return profile_case(Study("benchmark"), SCENES)


def test_ours_are_quantus(case):
    """On images whose map is not silent, and without a cut among equal values; stored values are of another machine."""
    stored = read_table("benchmark", "quantus-values").set_index(KEYS)
    assert set(stored.index.unique("metric")) == set(PAIRS)
    assert set(stored["version"]) == {"0.6.0"}
    package = load_quantus() if INSTALLED else None
    for name, maps in value_maps(case).items():
        found = compare(package, case, maps, name).set_index(KEYS)
        counted = ~found["tied"] & ~found["silent"]
        if name != "everything":
            assert counted.sum() >= 0.8 * len(found)
        theirs, within = (found["theirs"], AGREE) if INSTALLED else (stored.loc[found.index, "theirs"], 1e-4)
        np.testing.assert_allclose(found["ours"][counted], theirs[counted], atol=within)
    counted = stored[~stored["tied"] & ~stored["silent"]]
    assert counted["difference"].max() <= AGREE
    assert counted.groupby("metric").size().min() >= 2 * SCENES, "each metric has been compared"


def test_all_methods_have_been_compared():
    table = read_table("benchmark-scenes", "quantus")
    assert set(table["method"]) >= set(read_table("benchmark-scenes", "benchmark")["method"])
    assert table["quantus"].nunique() >= 10
    assert table["difference"].max() <= AGREE
    assert table.groupby("metric")["n"].sum().min() >= 250


def test_the_protocols_of_quantus_measure_what_ours_do(case):
    if not INSTALLED:
        pytest.skip("Quantus is not installed")
    from helpers.benchmark.outside_protocols import cascade, noise, other_class
    from helpers.benchmark.similarity import rank_similarity

    quantus, generator = load_quantus(), torch.Generator().manual_seed(0)
    before, after = (torch.rand(SCENES, 64, 64, generator=generator) for _ in range(2))
    expected = rank_similarity(before, after)
    found = cascade(quantus, case, before, {"last": torch.nn.Identity()}, {"last": after})
    np.testing.assert_allclose(found["last"], expected)
    np.testing.assert_allclose(other_class(quantus, case, before, 10, lambda classes: after)[1], expected)
    np.testing.assert_allclose(noise(quantus, case, before, case.images, after), expected)


def test_a_tie_is_where_the_cut_falls_among_equal_values():
    maps = torch.linspace(0, 1, 64).view(1, 8, 8).repeat(3, 1, 1)
    maps[1].flatten()[-2] = 1.0  # two largest values
    maps[2].flatten()[-5:-3] = 0.94  # the fourth and the fifth
    region = torch.zeros(3, 8, 8, dtype=torch.bool)
    region[:, 0, :4] = True  # four pixels
    compared = Compared(Case(torch.nn.Identity(), torch.rand(3, 3, 8, 8), torch.zeros(3).long(), region), maps)
    assert PAIRS["pointing-game"].tied(compared).tolist() == [False, True, False]
    assert PAIRS["rank-accuracy"].tied(compared).tolist() == [False, False, True]
    assert compared.silent.tolist() == [False] * 3


def test_concentration_of_maps_that_are_known():
    maps = torch.zeros(4, 5, 4)
    maps[0, 2, 1] = 0.3  # one pixel
    maps[1] = 0.7  # all equal
    maps[3, :2] = 1.0  # 8 of 20 pixels, and map 2 is black
    torch.testing.assert_close(gini_index(maps), torch.tensor([0.95, 0, 0, 0.6]).double())
    torch.testing.assert_close(entropy(maps), torch.tensor([1.0, 20, 20, 8]).log().double(), atol=1e-7, rtol=0)
    torch.testing.assert_close(gini_index(0.01 * maps), gini_index(maps))
    with pytest.raises(ValueError, match="negative"):
        entropy(maps - 1)


def test_without_quantus_the_command_says_how_to_install_it(monkeypatch, capsys):
    monkeypatch.setattr("helpers.benchmark.quantus_package.importlib.util.find_spec", lambda name: None)
    with pytest.raises(QuantusMissingError):
        load_quantus()
    with pytest.raises(SystemExit) as end:
        main(["quantus"])
    assert end.value.code == 2
    assert "pip install --no-deps quantus cachetools" in capsys.readouterr().err
