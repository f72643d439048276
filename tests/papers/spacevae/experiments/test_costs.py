"""The table `costs`: seconds per image of each method, and the ratio that the claim reads from it."""

import math

import pandas as pd
import pytest
import torch
from space_vae_miniature import miniature_profile, write_weights

from helpers.papers.spacevae.experiments import COMPETITORS, SpaceStudy, costs
from helpers.papers.spacevae.measures.sparsity import cost_ratio


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    return write_weights(SpaceStudy(miniature_profile(), root=folder, models=folder / "models"))


def test_each_method_is_timed_on_each_image_after_a_warm_up(study, monkeypatch):
    ticks = iter(range(10_000))
    monkeypatch.setattr(costs.time, "process_time", lambda: float(next(ticks)))
    monkeypatch.setattr(costs, "TIMED", 3)
    table = costs.cost_table(study)
    assert (table["seconds"] == 1).all(), "more than one call between two looks at the clock, or none"
    assert table.groupby("method", sort=False)["image"].apply(list).to_dict() == {
        name: [0, 1, 2] for name in (*COMPETITORS, "space-vae")
    }
    assert table.loc[table["method"] == "space-vae", "training"].unique().tolist() == ["beta-10"]


def test_the_work_is_that_of_one_image(study, monkeypatch):
    sizes = []
    monkeypatch.setattr(costs, "TIMED", 2)
    monkeypatch.setattr(costs, "COMPETITORS", ())
    explain = type(study.model("beta-10")).explain
    monkeypatch.setattr(
        type(study.model("beta-10")), "explain", lambda self, x: (sizes.append(len(x)), explain(self, x))[1]
    )
    seconds = costs.cost_table(study)["seconds"]
    assert sizes == [1, 1, 1]  # the warm-up, and two images
    assert (seconds > 0).all()


def test_the_ratio_is_the_geometric_mean_over_images():
    table = pd.DataFrame(
        {"image": [0, 1, 2] * 2, "method": ["feature-ablation"] * 3 + ["integrated-gradients"] * 3}
        | {"seconds": [2.0, 4.0, 16.0, 1.0, 1.0, 1.0]}
    )
    effect = cost_ratio(table, "feature-ablation", "integrated-gradients")
    assert effect.value == pytest.approx(128 ** (1 / 3))
    assert effect.count == 3
    logs = torch.tensor([2.0, 4.0, 16.0]).log()
    half = 4.303 * logs.std().item() / math.sqrt(3)  # Student's t with two degrees of freedom
    assert math.log(effect.high / effect.value) == pytest.approx(half, rel=1e-3)
