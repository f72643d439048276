"""The page on the Explainer's peers: its settings are those of the code, its scene is one that the classifier knows."""

import pytest
import torch

from helpers.chapters.peers import OPTIONS, draw_peer, first_correct_pair, peer_methods, settings_table
from helpers.classifiers import load_classifier
from helpers.data.scenes import make_scenes
from helpers.methods.baselines import ExtremalOptions, IGOSOptions
from helpers.papers.explainer.experiments import METHODS

FAST = {
    "rise": {"masks": 16},
    "extremal-perturbation": {"steps": 2},
    "igos++": {"iterations": 1, "integration_steps": 2},
}


def test_the_peers_are_the_methods_that_the_tables_compare():
    peers = peer_methods(load_classifier("scenes-multilabel"), FAST)
    assert set(peers) == set(METHODS) - {"explainer"}
    assert {name: method.name for name, method in peers.items()} == {name: name for name in peers}
    assert peers["rise"].options.masks == 16


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_a_table_has_the_published_settings_beside_ours(name):
    table = settings_table(name, FAST.get(name, {})).set_index("setting")
    for key, value in FAST.get(name, {}).items():
        row = table.loc[key.replace("_", " ")]
        assert row["here"] == str(value)
        assert row["published"] != row["here"]
    assert not {"batch", "pairs at once", "seed"} & set(table.index)


def test_published_numbers_are_those_of_the_papers():
    extremal = settings_table("extremal-perturbation", {}).set_index("setting")["published"]
    assert extremal["areas"] == "0.05, 0.1, 0.2, 0.3"
    assert extremal["steps"] == str(ExtremalOptions().steps) == "800"
    igos = settings_table("igos++", {}).set_index("setting")["published"]
    assert (igos["cells"], igos["iterations"], igos["integration steps"]) == ("28", "15", "20")
    assert IGOSOptions().mean_weight == 1
    assert settings_table("rise", {}).set_index("setting")["published"]["masks"] == "8000"


def test_the_scene_is_one_that_the_classifier_gets_right():
    labels = torch.tensor([[1, 0, 0], [1, 1, 0], [0, 1, 1]], dtype=torch.bool)
    probabilities = torch.tensor([[0.9, 0.1, 0.1], [0.9, 0.2, 0.1], [0.1, 0.8, 0.7]])
    assert first_correct_pair(torch.zeros(3, 3, 4, 4), labels, probabilities) == 2


def test_each_class_has_two_pictures():
    classifier = load_classifier("scenes-multilabel")
    scenes = make_scenes(1, size=32, seed=3, objects=(2, 2))
    peers = peer_methods(classifier, FAST)
    figure = draw_peer(peers["rise"], scenes.images[0], scenes.labels[0], classifier.class_names)
    assert sum(bool(axes.images) for axes in figure.axes) == 1 + 2 * int(scenes.labels[0].sum())
