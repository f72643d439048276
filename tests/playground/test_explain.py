"""The command that explains an image file, and the bundle that it writes."""

import pytest
import torch

from helpers.__main__ import main
from helpers.classifiers import load_classifier
from helpers.core.evidence import read_evidence
from helpers.core.explanation import Explanation
from helpers.data.images import load_image, to_picture
from helpers.data.scenes import make_scenes
from helpers.methods.rde import CartoonX
from helpers.playground.explain import explain_file


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "scene.png"
    to_picture(make_scenes(1, size=64, seed=3).images[0]).save(path)
    return path


def test_the_bundle_holds_what_the_method_finds(picture, tmp_path, capsys):
    path = tmp_path / "x.zip"
    main(["explain", str(picture), "--save", str(path), "--size", "64", "--sparsity-weight", "40", "--steps", "3"])
    assert "x.zip: cartoonx for " in capsys.readouterr().out
    saved, evidence = Explanation.load(path), read_evidence(path)
    image = load_image(picture)[None]
    due = CartoonX(load_classifier("scenes-cnn"), sparsity_weight=40.0, steps=3).explain(image)
    torch.testing.assert_close(saved.mask, due.mask)
    torch.testing.assert_close(saved.representation_mask, due.representation_mask)
    torch.testing.assert_close(evidence.tensors["images"], image)
    assert evidence.settings["method"] == "cartoonx"
    assert evidence.settings["options"] == {"sparsity_weight": 40.0, "steps": 3}
    assert torch.equal(saved.targets, due.targets)
    assert "torch" in evidence.versions


def test_a_class_is_chosen_by_name(picture, tmp_path):
    found = explain_file(
        picture, tmp_path / "y.zip", method="pixel-rde", classifier="scenes-cnn", target="heart", size=64, steps=1
    )
    assert found.settings["classes"][int(found.explanation.targets[0])] == "heart"
    assert "pixel-rde for heart" in found.summary


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"method": "cartonx"}, "no method 'cartonx'.*cartoonx"),
        ({"target": "haert"}, "no class 'haert'.*heart"),
        ({"save": "x.pt"}, "a file NAME.zip"),
    ],
)
def test_what_cannot_be_explained_is_said_and_nothing_written(picture, tmp_path, choice, said):
    save = tmp_path / choice.pop("save", "x.zip")
    with pytest.raises(ValueError, match=said):
        explain_file(picture, save, size=64, **choice)
    assert not save.exists()
