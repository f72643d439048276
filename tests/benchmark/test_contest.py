"""Methods and controls behind one door, and a stranger's method end to end."""

import re

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.__main__ import main
from helpers.benchmark import CONTESTANTS, Contestant, controls, load_metrics, maps_of
from helpers.benchmark.contest import contest_text
from helpers.benchmark.examination import selected
from helpers.benchmark.methods import load_contestant
from helpers.core.endings import CommandEnd
from helpers.results import write_table

MINE = """
import torch

class Mine:
    def __init__(self, classifier):
        self.classifier = classifier

    def explain(self, images, targets):
        images = images.clone().requires_grad_()
        self.classifier(images).gather(1, targets[:, None]).sum().backward()
        return images.grad

class Broken:
    def __init__(self, classifier):
        pass

    def explain(self, images, targets):
        return torch.full_like(images[:, 0], torch.nan)
"""


def test_a_method_of_ones_own_is_its_file_and_class(file, case):
    """The gradient of a linear network is its row of weights."""
    mine = load_contestant(f"{file}:Mine")
    maps = maps_of(mine, case)
    weights = case.classifier[1].weight[case.targets].detach().view(3, 3, 32, 32).sum(1).abs()
    torch.testing.assert_close(maps, weights / weights.amax((1, 2), keepdim=True))


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        ("mine.py", ValueError, "such as mine.py:Mine"),
        ("no-such.py:Mine", FileNotFoundError, "there is no file no-such.py"),
        ("{file}:Mne", ValueError, "Mine"),
    ],
)
def test_a_wrong_name_says_what_is_right(file, spec, error, words):
    with pytest.raises(error, match=words):
        load_contestant(spec.format(file=file))


def test_a_method_without_the_interface_is_refused(case):
    with pytest.raises(TypeError, match="neither explain"):
        maps_of(Contestant("silly", lambda classifier: object()), case)

    class Small:
        def __init__(self, classifier): ...

        def attribute(self, images, targets):
            return images[:, 0, :4]

    with pytest.raises(ValueError, match=re.escape("must return (3, 32, 32)")):
        maps_of(Contestant("small", Small), case)


def test_controls_are_methods(case):
    known = controls(case)
    assert {name for name, each in CONTESTANTS.items() if each.control} == set(known)
    for name, maps in known.items():
        assert name == "random" or torch.equal(maps_of(CONTESTANTS[name], case), maps)


def test_a_random_map_is_drawn_for_each_image_by_itself(case):
    maps = maps_of(CONTESTANTS["random"], case)
    alone = [maps_of(CONTESTANTS["random"], selected(case, torch.tensor([row])))[0] for row in (2, 0, 1)]
    assert torch.equal(torch.stack(alone), maps[[2, 0, 1]])
    pairs = torch.corrcoef(maps.flatten(1))
    assert (pairs - torch.eye(len(maps))).abs().max() < 0.15, "no two images share a map"
    assert torch.equal(maps.amax((1, 2)), torch.ones(len(maps)))
    assert maps.mean() == pytest.approx(0.5, abs=0.02)


def test_differences_are_marked_where_they_are_decided():
    rng = np.random.default_rng(0)
    base, rows = rng.normal(size=30), []
    for method, shift in (("mine", 0.0), ("better", 1.0), ("same", 0.0), ("worse", -1.0)):
        for image in range(30):
            score = base[image] + shift + 0.1 * rng.normal()
            rows.append({"method": method, "image": image, "iou": score, "infidelity": -score})
    text = contest_text(pd.DataFrame(rows), ["iou", "infidelity"], ["mine"])
    lines = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line}
    assert [cell[-1] for cell in lines["better"]] == ["+", "+"]  # of infidelity, lower is better
    assert [cell[-1] for cell in lines["worse"]] == ["-", "-"]
    assert all(cell[-1].isdigit() for cell in (*lines["same"], *lines["mine"]))
    assert text.splitlines()[1].startswith("mine")
    assert "30 scenes; lower is better for infidelity." in text


def test_a_strangers_method_end_to_end(file, tmp_path, capsys):
    """Two scenes; the rows of the others and the examination are made up."""
    metrics = list(load_metrics())
    exam = pd.DataFrame(
        {"metric": metrics, "test": "order", "statistic": 1.0, "passed": True, "decided": True, "n": 64}
    )
    exam.loc[exam["metric"] == "iou", "passed"] = False
    ours = pd.DataFrame({"method": ["grad-cam"] * 3, "image": range(3)}).assign(**dict.fromkeys(metrics, 0.5))
    write_table(exam, "benchmark", "metric-examination", {}, root=tmp_path)
    write_table(ours, "benchmark-scenes", "benchmark", {}, root=tmp_path)
    command = ["benchmark", "--methods", f"{file}:Mine", f"{file}:Broken", "--scenes", "2", "--results", str(tmp_path)]
    main(command)
    silent, *lines = capsys.readouterr().out.splitlines()
    assert silent.startswith("Broken: ")
    assert [line.split()[0] for line in lines[:4]] == ["method", "Mine", "Broken", "grad-cam"]
    assert lines[0].split()[1:] == [name for name in metrics if name != "iou"]
    broken = dict(zip(lines[0].split(), lines[2].split(), strict=True))
    assert broken["pixel-auroc"] == "0.500"  # what is not finite counts as the control that finds everything relevant
    assert "2 scenes" in lines[-1]
    with pytest.raises(CommandEnd, match="must lie between 1 and 3"):
        main([*command[:-3], "4", *command[-2:]])
