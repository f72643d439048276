"""The chapter on the Explainer's peers: its settings are those of the code, and its measures are computed by hand."""

import pytest
import torch

from helpers.chapters.correlations import correlations
from helpers.chapters.peers.methods import OPTIONS, draw_peer, peer_methods, settings_table
from helpers.chapters.peers.pictures import draw_method, draw_path, hidden_windows, random_parts, strongest_channels
from helpers.chapters.peers.scores import cost_table, shares_on_objects
from helpers.classifiers import load_classifier
from helpers.data.multilabel import class_truth
from helpers.data.scenes import make_scenes
from helpers.methods.baselines import RISE, ExtremalOptions, IGOSOptions
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


def test_each_class_has_two_pictures():
    classifier = load_classifier("scenes-multilabel")
    scenes = make_scenes(1, size=32, seed=3, objects=(2, 2))
    peers = peer_methods(classifier, FAST)
    figure = draw_peer(peers["rise"], scenes.images[0], scenes.labels[0], classifier.class_names)
    assert sum(bool(axes.images) for axes in figure.axes) == 1 + 2 * int(scenes.labels[0].sum())


@pytest.fixture(scope="module")
def classifier():
    return load_classifier("scenes-multilabel")


def test_a_constant_mask_has_the_area_of_each_object():
    scenes = make_scenes(3, size=32, seed=3, objects=(2, 2))
    shares = shares_on_objects(torch.full((3, 10, 32, 32), 0.3), scenes)
    assert shares["own"].tolist() == pytest.approx(shares["chance"].tolist(), abs=1e-6)
    assert (shares["own"] + shares["other"] <= 1).all()


def test_a_mask_on_its_own_object_alone_has_a_share_of_one():
    scenes = make_scenes(3, size=32, seed=3, objects=(2, 2))
    shares = shares_on_objects(class_truth(scenes).float(), scenes)
    assert shares["own"].tolist() == pytest.approx([1, 1, 1])
    assert shares["other"].max() == 0


def test_correlations_are_those_of_torch():
    masks = torch.rand(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    wanted = [float(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]) for a, b in zip(*masks, strict=True)]
    assert correlations(*masks).tolist() == pytest.approx(wanted, abs=1e-5)


def test_costs_are_those_of_the_published_settings():
    costs = cost_table().set_index("method")["images for the classifier"]
    assert costs.to_dict() == {
        "occlusion": 170,
        "rise": 8000,
        "grad-cam": 1,
        "extremal-perturbation": 800 * 4 * 2,
        "igos++": 15 * 20 * 4 * 2,
        "rtis": 0,
    }


def test_a_hidden_window_is_black_and_its_title_is_the_change_of_the_logit(classifier):
    image = make_scenes(1, size=64, seed=3).images
    hidden, titles = hidden_windows(classifier, image, 2, [(0, 0), (8, 16)], 16)
    assert not hidden[1, :, 8:24, 16:32].any()
    assert torch.equal(hidden[1, :, 24:], image[0, :, 24:])
    with torch.no_grad():
        change = float(classifier(hidden[1:])[0, 2] - classifier(image)[0, 2])
    assert titles[1] == f"logit {change:+.1f}".replace("-", "−")


def test_random_parts_are_what_rise_asks_for(classifier):
    """RISE's map is the mean of these masks, each weighted by the probability in its title, over ½."""
    image = torch.ones(1, 3, 64, 64)
    parts, titles = random_parts(classifier, image, 1, 2)
    relevance, _ = RISE(classifier, masks=2, score="sigmoid").relevance(image, torch.tensor([0]), torch.tensor([1]))
    with torch.no_grad():
        probabilities = classifier(parts).sigmoid()[:, 1]
    torch.testing.assert_close(relevance[0], (parts[:, 0] * probabilities[:, None, None]).sum(0))
    assert titles == [f"{100 * float(p):.0f} %" for p in probabilities]


def test_the_strongest_channels_add_most():
    features = torch.tensor([[[1.0, 0.0]], [[4.0, 0.0]], [[1.0, 1.0]]])
    maps, titles = strongest_channels(features, torch.tensor([3.0, -1.0, 2.0]), 2)
    assert titles == ["weight +2.00", "weight +3.00"]
    assert maps[:, 0].tolist() == [[[1.0, 1.0]], [[1.0, 0.0]]]


def test_a_row_has_the_image_its_queries_and_a_mask_for_each_class(classifier):
    image = make_scenes(1, size=64, seed=3).images
    queries = random_parts(classifier, image, 1, 2)
    figure = draw_method(image[0], queries, torch.rand(2, 64, 64), ["ring", "house"])
    assert [axes.get_title() for axes in figure.axes] == ["the image", *queries[1], "mask of ring", "mask of house"]


def test_a_path_has_two_panels():
    figure = draw_path([0.0, 0.5, 1.0], [0.0, 0.9, 1.0], [1.0, 1.0, 0.0])
    assert [list(axes.lines[0].get_ydata()) for axes in figure.axes] == [[0, 0.9, 1], [1, 1, 0]]
