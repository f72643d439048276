"""Networks that lost what they learned, and verdicts on methods whose dependence on them is known."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from helpers.benchmark import Contestant, sanity
from helpers.benchmark.methods import CONTESTANTS
from helpers.benchmark.randomisation import blocks_of, memorised, randomised
from helpers.benchmark.sanity import label_networks, sanity_rows
from helpers.benchmark.similarity import rank_similarity, structural
from helpers.benchmark.stability import shifted, stability_rows, with_noise
from helpers.benchmark.table import profile_case
from helpers.classifiers import Classifier
from helpers.papers.recartoonx.experiments import Study


class Gradient:
    """The gradient of the logit."""

    def __init__(self, classifier):
        self.classifier = classifier

    def attribute(self, images, targets):
        images = images.clone().requires_grad_()
        self.classifier(images).gather(1, targets[:, None]).sum().backward()
        return images.grad


class Brightness:
    """The image itself, whatever the classifier."""

    def __init__(self, classifier): ...

    def attribute(self, images, targets):
        return images.mean(1)


class Flickering(Brightness):
    """Another map in each call."""

    def attribute(self, images, targets):
        return torch.rand_like(images[:, 0])


@pytest.fixture
def classifier():
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(8), nn.Flatten(), nn.Linear(512, 10))
    return Classifier.of(nn.Sequential(*layers), size=32)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return Study("benchmark", root=tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def case(study):
    return profile_case(study, 8)


def test_only_the_named_blocks_are_random(classifier):
    head, first = blocks_of(classifier)
    before = {name: values.clone() for name, values in classifier.state_dict().items()}
    one, both, everything = (randomised(classifier, blocks) for blocks in ([head], [head, first], None))
    for name, values in classifier.state_dict().items():
        assert torch.equal(values, before[name]), "the classifier stays as it is"
        if name.startswith(head):
            assert not torch.equal(one.state_dict()[name], values)
            assert torch.equal(one.state_dict()[name], both.state_dict()[name]), "a cascade keeps its earlier stages"
        elif name.startswith(first):
            assert torch.equal(one.state_dict()[name], values)
        assert torch.equal(both.state_dict()[name], everything.state_dict()[name])
    weights = everything.get_submodule(head).weight
    assert float(weights.std()) == pytest.approx((2 / 512) ** 0.5, rel=0.05)


def test_blocks_run_from_the_head_to_the_first_layer():
    body = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 3))
    assert blocks_of(nn.ModuleDict({"body": body})) == ["body.2", "body.0"]


def test_random_labels_are_learned_by_heart(classifier):
    images = torch.rand(20, 3, 32, 32)
    labels = torch.arange(20) % 10
    knows = memorised(classifier, images, labels, steps=200)
    assert torch.equal(knows(images).argmax(1), labels)
    assert not any(parameter.requires_grad for parameter in knows.parameters())


def test_similarities_against_scipy_and_by_construction():
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.rand(3, 16, 16, generator=generator) for _ in range(2))
    expected = [spearmanr(*pair).statistic for pair in zip(first.flatten(1), second.flatten(1), strict=True)]
    np.testing.assert_allclose(rank_similarity(first, second), expected)
    np.testing.assert_allclose(structural(first, first), 1)
    assert abs(structural(first, second)).max() < 0.3


def test_who_uses_the_network_passes_and_who_does_not_stays(study, case, monkeypatch):
    monkeypatch.setattr(sanity, "memorised", partial(memorised, steps=20))
    learned = label_networks(case)
    verdicts = {}
    made = [Contestant("gradient", Gradient), Contestant("brightness", Brightness)]
    for contestant in (*made, CONTESTANTS["everything"]):
        rows = pd.DataFrame(sanity_rows(contestant, study, case, learned))
        rows = rows[rows["similarity"] == "rank"].set_index(["arm", "stage"])
        verdicts[contestant.name] = rows["verdict"]
        assert {"cascade", "twin", "labels"} <= set(rows.index.get_level_values("arm"))
        assert (rows.loc["twin", "verdict"] == "").all()
    assert (verdicts["brightness"].drop("twin", level="arm") == "stays").all()
    assert (verdicts["everything"].drop("twin", level="arm") == "silent").all()
    assert verdicts["gradient"]["cascade", "network.conv1"] != "stays"


def test_an_explainer_stays_and_its_own_network_does_not(study, case):
    rows = pd.DataFrame(sanity_rows(CONTESTANTS["explainer"], study, case, {}))
    rows = rows[rows["similarity"] == "rank"].set_index(["arm", "stage"])["verdict"]
    assert rows["cascade"].tolist() == ["stays"]
    assert rows["own network, cascade"].iloc[-1] == "passes"


def test_a_map_that_moves_with_the_image_is_stable(study, case):
    rows = pd.DataFrame(stability_rows(Contestant("brightness", Brightness), study, case))
    rank = rows[rows["similarity"] == "rank"].set_index(["arm", "size"])
    assert rank.loc[("shift", 4), "value"] == pytest.approx(1)
    assert set(rank["verdict"]) == {"stable"}
    assert (rank.loc["noise", "answer"] > 0).all()
    assert rank.loc[("noise", 0.03), "value"] < rank.loc[("noise", 0.01), "value"] < 1


def test_a_map_that_flickers_is_unstable_and_one_that_ignores_the_image_blind(study, case):
    for contestant, verdict in ((Contestant("flickering", Flickering), "blind"), (CONTESTANTS["centre"], "blind")):
        rows = pd.DataFrame(stability_rows(contestant, study, case))
        assert set(rows["verdict"]) == {verdict}
    rows = pd.DataFrame(stability_rows(CONTESTANTS["random"], study, case)).set_index("arm")
    assert set(rows.loc["shift", "verdict"]) == {"unstable"}


def test_a_shift_moves_and_noise_is_of_its_size():
    images = torch.rand(2, 3, 16, 16) * 0.5 + 0.25
    moved = shifted(images, 3)
    torch.testing.assert_close(moved[..., 3:, 3:], images[..., :-3, :-3])
    assert moved.shape == images.shape
    noise = with_noise(images, 0.02, seed=0) - images
    assert float(noise.std()) == pytest.approx(0.02, rel=0.1)
