"""Maps depend on the image, the profile and the seed, and, as far as is promised, on the order of a network's sums."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
import torch
from safetensors.torch import load_file

from benchmarks.determinism import COUNT, LAST_BITS, SAME, SAMPLE, differences, distance, kept, methods, promise, scenes
from helpers.benchmark.methods import CONTESTANTS
from helpers.core.files import ROOT

FOLDER = ROOT / "results/determinism"
QUICKEST = ("cartoonx", "explainer", "random")

each_method = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICKEST else pytest.mark.slow) for name in CONTESTANTS]
)


@pytest.fixture(scope="module")
def found():
    return {name: (classifier, explain) for name, classifier, explain in methods()}


@pytest.fixture(scope="module")
def about():
    return json.loads((FOLDER / "determinism.json").read_text())


@each_method
def test_a_map_has_the_same_bits_whatever_the_order_and_the_company(found, name):
    row, _ = differences(*found[name], 3)
    assert all(row[key][0] <= promise(name).place for key in SAME)
    for key in LAST_BITS:
        assert kept(name, row[key]), (key, row[key], promise(name))


@each_method
def test_this_machine_has_the_maps_of_the_machine_that_stored_them(found, name):
    classifier, explain = found[name]
    maps = explain(*scenes(classifier, COUNT))[:, SAMPLE, SAMPLE]
    stored = load_file(FOLDER / "maps.safetensors")[name]
    assert kept(name, distance(maps, stored)), (distance(maps, stored), promise(name))


@pytest.mark.parametrize("name", CONTESTANTS)
def test_the_table_has_every_method_and_keeps_each_promise(about, name):
    row = about["differences"][name]
    assert set(row) == {*SAME, *LAST_BITS, "other"}, "two numbers of threads and two versions of PyTorch"
    assert row["again"] == [0.0, 0.0]
    assert all(row[key][0] <= promise(name).place for key in SAME)
    for key in (*LAST_BITS, "other"):
        assert kept(name, row[key]), (key, row[key], promise(name))
    assert about["promised"][name] == asdict(promise(name))


def test_only_networks_with_attention_depend_on_the_place_in_the_batch():
    assert {name for name in CONTESTANTS if promise(name).place} == {"rollout", "gradient-rollout"}


def test_the_other_version_is_another_one(about):
    release = about["torch"].partition("+")[0].split(".")[:2]
    assert about["other"].split()[-1].split(".")[:2] != release


def test_the_two_distances():
    wanted = torch.zeros(1, 2, 5)
    assert distance(wanted, wanted) == (0.0, 0.0)
    maps = wanted.clone()
    maps[0, 0, 0], maps[0, 1, 1] = 0.5, 9e-4
    assert distance(maps, wanted) == (0.5, pytest.approx(0.1))
    assert kept("cartoonx", (1.0, 0.0))
    assert not kept("grad-cam", (1e-3, 0.0)), "a method that sums keeps close to every pixel"
