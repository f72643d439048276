"""The registry of metrics, and rendered deletion with classifiers whose reason is known by construction."""

import numpy as np
import pytest
import torch
from torch import nn

from helpers.benchmark import Case, Metric, Trial, controls, find_metric, load_metrics, register, rendered_deletion
from helpers.benchmark.examination import selected
from helpers.benchmark.maps import scene_case
from helpers.benchmark.registry import METRICS
from helpers.benchmark.table import KINDS, marked_scenes, part_kinds
from helpers.benchmark.truth import drop_shares, mass_shares
from helpers.data.scenes.parts import PARTS, draw_parts


class Reads(nn.Module):
    """A classifier whose logits, all equal, are the likeness of a corner to the mark, or the contrast in the middle."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        size = images.shape[-1]
        if self.where == "corners":  # what every label covers, whatever its shift
            rows, columns = slice(round(0.09 * size), round(0.18 * size)), slice(round(0.08 * size), round(0.25 * size))
            boxes = [images, images.flip(2), images.flip(3), images.flip(2, 3)]
            boxes = torch.stack([box[:, :, rows, columns].flatten(2) for box in boxes])  # 4, batch, 3, pixels
            dark, pale = ((boxes < 0.35).all(2), (boxes > 0.8).all(2))
            score = torch.minimum(dark.float().mean(2), pale.float().mean(2)).amax(0)
        else:
            middle = slice(round(0.35 * size), round(0.65 * size))
            score = images[:, :, middle, middle].flatten(1).std(1)
        return 10 * score[:, None].expand(-1, 10)


@pytest.fixture(scope="module")
def marked():
    return draw_parts(24, size=64, seed=21, objects=(1, 1), shortcut_base_rate=1.0)


def shares_of(case: Case) -> dict[str, float]:
    return dict(zip(PARTS, drop_shares(case.drops).nanmean(0).tolist(), strict=True))


def test_a_classifier_that_reads_the_mark_is_found_out(marked):
    case = scene_case(Reads("corners"), marked)
    assert shares_of(case)["mark"] > 0.9
    score = find_metric("rendered-deletion").metric
    mark, thing = (marked.masks[:, PARTS.index(part)].float() for part in ("mark", "object 1"))
    on_mark, on_object = score(Trial(case, mark)), score(Trial(case, thing))
    assert on_mark.nanmean() > 0.9
    assert on_object.nanmean() < 0.1
    assert on_mark.isfinite().sum() > 12


def test_a_classifier_that_reads_the_object_is_not_accused(marked):
    case = scene_case(Reads("middle"), marked)
    shares = shares_of(case)
    assert shares["mark"] < 0.01
    assert shares["object 1"] > 0.5
    score = find_metric("rendered-deletion").metric
    mark, thing = (marked.masks[:, PARTS.index(part)].float() for part in ("mark", "object 1"))
    assert score(Trial(case, thing)).nanmean() > 0.5 > 0.01 > score(Trial(case, mark)).nanmean()


def test_rendered_deletion_by_hand():
    """Two parts of 1 and 3 pixels; the drop is 3 : 1, and a part whose removal helps has no share."""
    parts = torch.zeros(1, 3, 2, 2, dtype=torch.bool)
    parts[0, 0, 0, 0] = True
    parts[0, 1] = ~parts[0, 0]
    drops = torch.tensor([[3.0, 1.0, -5.0]])
    for values, expected in (
        ([[3.0, 1.0], [0.0, 0.0]], 1.0),  # mass 3 : 1
        ([[1.0, 1.0], [1.0, 1.0]], 0.5),  # mass by area, 1 : 3
        ([[0.0, 0.0], [0.0, 0.0]], 0.5),  # nothing is said: as everything
        ([[0.0, 1.0], [0.0, 0.0]], 0.25),
    ):
        assert rendered_deletion(torch.tensor([values]), parts, drops).tolist() == [pytest.approx(expected)]
    assert rendered_deletion(torch.ones(1, 2, 2), parts, -drops.abs()).isnan().all()
    assert mass_shares(torch.ones(1, 2, 2), parts).tolist() == [[0.25, 0.75, 0]]


def test_the_marked_scenes_show_the_mark_and_its_class():
    parts = marked_scenes(4, size=32, seed=0, objects=(2, 3))
    assert len(parts) == 4
    assert parts.scenes.shortcut_present.all()
    assert (parts.scenes.label == 7).all()
    kinds = part_kinds(parts)
    assert (kinds.sum(2) == 1).all()
    assert kinds.sum(1)[:, KINDS.index("object")].tolist() == [1] * 4


def test_each_metric_is_one_class_with_one_line():
    metrics = load_metrics()
    assert len(metrics) >= 12
    for name, entry in metrics.items():
        assert type(entry.metric).__doc__
        assert entry.family in name
    assert {"where", "used", "none"} == {entry.truth for entry in metrics.values()}


def test_a_name_is_taken_once_and_a_wrong_one_is_named():
    with pytest.raises(ValueError, match="there is already a metric 'iou'"):
        register("iou", higher=True, domain="order")(type(find_metric("iou").metric))
    with pytest.raises(ValueError, match="pointing-game"):
        find_metric("pointing-gam")


def test_a_new_metric_is_one_class_and_one_line(marked):
    try:

        @register("largest-value", higher=True, domain="values")
        class Largest(Metric):
            """The largest value of a map."""

            def __call__(self, trial):
                return trial.maps.amax((1, 2))

        case = scene_case(Reads("middle"), marked)
        assert find_metric("largest-value").goodness(Trial(case, torch.full((24, 64, 64), 0.3))).unique() == 0.3
    finally:
        del METRICS["largest-value"]


def test_without_truth_the_metrics_with_truth_are_left_out():
    case = Case(Reads("middle"), torch.rand(2, 3, 32, 32), torch.zeros(2, dtype=torch.long))
    assert {entry.truth for entry in load_metrics(case).values()} == {"none"}
    with pytest.raises(ValueError, match="draw_parts"):
        _ = case.drops
    with pytest.raises(ValueError, match="no fill 'red'"):
        case.fill("red")


def test_a_broken_map_counts_as_the_control_everything(marked):
    case = scene_case(Reads("middle"), marked)
    broken = torch.rand(24, 64, 64)
    broken[3, 0, 0] = torch.nan
    heard = Trial(case, broken).maps
    assert (heard[3] == 1).all()
    assert torch.equal(heard[4:], broken[4:])
    with pytest.raises(ValueError, match="maps must be"):
        Trial(case, broken[:, :32])


def test_controls_score_what_they_must(marked):
    case = scene_case(Reads("middle"), marked)
    everything = Trial(case, controls(case)["everything"])
    area = case.region.float().mean((1, 2))
    expected = {"pixel-auroc": 0.5, "relevance-mass": 0.0, "keep": 0.0, "randomise": 0.0}
    for name, value in expected.items():
        np.testing.assert_allclose(find_metric(name).metric(everything), value, atol=1e-6)
    for name in ("pointing-game", "rank-accuracy", "iou"):
        torch.testing.assert_close(find_metric(name).metric(everything), area)
    truth = Trial(case, case.region.float())
    for name in ("iou", "pointing-game", "rank-accuracy", "pixel-auroc"):
        assert (find_metric(name).metric(truth) == 1).all()


def test_void_pixels_do_not_count():
    """The same scores as those of images from which the void columns were cut away."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 10))
    images, targets, maps = torch.rand(4, 3, 8, 12), torch.tensor([1, 2, 3, 4]), torch.rand(4, 8, 12)
    region = torch.rand(4, 8, 12) > 0.6
    counted = torch.ones_like(region)
    counted[:, :, 8:] = False
    whole = Case(network, images, targets, region & counted, counted=counted)
    cut = Case(network, images[..., :8], targets, region[..., :8])
    for name in ("iou", "pointing-game", "relevance-mass", "rank-accuracy", "pixel-auroc"):
        metric = find_metric(name).metric
        torch.testing.assert_close(metric(Trial(whole, maps)), metric(Trial(cut, maps[..., :8])))
    assert torch.equal(selected(whole, torch.tensor([2])).counted, counted[2:3])
