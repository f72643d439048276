"""The networks as ONNX files: what they compute, and what is said of them."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from helpers.core.files import ROOT
from helpers.core.runtime import random_generator
from helpers.data.scenes import make_scenes
from helpers.methods.baselines.grad_cam import GradCAM
from helpers.methods.initial_masks.learned import REFINEMENT_STEPS, RISK, learned_mask
from helpers.methods.rde import CartoonX, PixelRDE
from helpers.methods.rde.optimise import LION_BETAS, optimise
from helpers.methods.rde.schedule import learning_rate_at
from helpers.playground import make
from helpers.playground.export import CASES, frozen_classifier
from helpers.playground.make import FOLDER, make_file, make_files, read_manifest
from helpers.playground.onnx_files import ExportError, compare, open_session, results_of
from helpers.playground.registry import EXPORTS, GRAD_CAM_LAYER, make_export
from helpers.playground.tracing import trace_with_gradients

QUICK = ["scenes-small", "pixel-rde-show"]


@pytest.fixture(scope="module")
def content():
    """The bytes of a file, as the build made it or else made now."""
    if (FOLDER.parent / ".complete").is_file():
        return lambda name: (FOLDER / f"{name}.onnx").read_bytes()
    return lambda name: make_file(name).content


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in EXPORTS]
)
def test_a_file_computes_what_pytorch_computes(name):
    made = make_file(name)
    allowed = 1e-2 if made.entry["precision"] == "float16" else 1e-4
    errors = {output: error for output, error in made.entry["errors"].items() if output != "logits"}
    assert errors
    assert max(errors.values()) <= allowed
    assert len(made.content) <= 4_000_000
    assert sum(len(next(iter(case.values()))) for case in make_export(name).cases) == CASES


@pytest.mark.parametrize(("name", "method"), [("pixel-rde", PixelRDE), ("cartoonx", CartoonX)])
def test_sixty_steps_of_a_file_are_those_of_the_method(content, name, method):
    method = method(frozen_classifier("scenes-cnn"), steps=60, tolerance=None, sparsity_weight=40.0)
    images = make_scenes(1, size=64, seed=3).images
    problem, generator = method.problem(images), torch.Generator().manual_seed(method.options.seed)
    due = optimise(problem, torch.ones_like(problem.coefficients[:, :1]))

    start, step = (open_session(content(f"{name}-{part}")) for part in ("start", "step"))
    coefficients, mean, deviation, probabilities = start.run(None, {"images": images.numpy()})
    target = torch.eye(probabilities.shape[1])[probabilities.argmax()][None]
    reference = (torch.from_numpy(probabilities) * target).sum(1)
    feeds = {"coefficients": coefficients, "mean": mean, "deviation": deviation, "target": target.numpy()}
    # the probability is of weights in float16: the step needs that of its own
    feeds["reference"] = problem.measure.reference.numpy()
    assert reference.numpy() == pytest.approx(feeds["reference"], abs=1e-2)
    feeds |= {"sparsity_weight": np.float32([40.0]), "risk": np.float32([0.0])}
    mask, objectives = torch.ones_like(problem.coefficients[:, :1]).numpy(), []
    momentum = 0 * mask
    for number in range(60):
        noise = problem.draw(1, generator)
        rate = torch.tensor([learning_rate_at(number, method.options)])
        changing = {"mask": mask, "momentum": momentum, "noise": noise.numpy(), "rate": rate.numpy()}
        mask, momentum, _, _, objective = step.run(None, {**feeds, **changing})
        objectives.append(float(objective[0]))
    assert objectives == pytest.approx(due.history["objective"][0].tolist(), abs=1e-3)
    assert mask == pytest.approx(due.mask.numpy(), abs=1e-3)


def test_sixty_steps_for_a_given_number_are_those_of_the_method(content):
    method = CartoonX(frozen_classifier("scenes-cnn"), steps=60, tolerance=None, keep=100)
    images = make_scenes(1, size=64, seed=3).images
    problem, generator = method.problem(images), torch.Generator().manual_seed(method.options.seed)
    due = optimise(problem, torch.ones_like(problem.coefficients[:, :1]))

    step, keep = (open_session(content(f"cartoonx-{part}")) for part in ("step", "keep"))
    state = {"coefficients": problem.coefficients, "mean": problem.mean, "deviation": problem.deviation}
    target = torch.eye(problem.measure.probabilities.shape[1])[problem.measure.targets]
    feeds = {name: value.numpy() for name, value in {**state, "target": target}.items()}
    feeds |= {"reference": problem.measure.reference.numpy(), "momentum": 0 * due.mask.numpy()}
    feeds |= {name: np.float32([0.0]) for name in ("sparsity_weight", "risk", "rate")}
    k = due.mask.shape[2]
    sums = [k * (100 / k) ** min(1.0, number / 30) for number in range(1, 61)]
    mask, average, distortions = np.full((1, 1, k), sums[0] / k, np.float32), 0 * due.mask.numpy(), []
    for number in range(60):
        noise = problem.draw(1, generator).numpy()
        _, momentum, distortion, *_ = step.run(None, {**feeds, "mask": mask, "noise": noise})
        settings = {"keep": sums[number], "share": min(1, 4 / (number + 8) ** (2 / 3))}
        settings |= {"rate": learning_rate_at(number, method.options)}
        moving = {"mask": mask, "average": average, "gradient": momentum / (1 - LION_BETAS[1])}
        mask, average = keep.run(None, {**moving, **{name: np.float32([value]) for name, value in settings.items()}})
        distortions.append(float(distortion[0]))
    # while many coefficients are kept; later a rounding error can change which one is the last
    assert distortions[:20] == pytest.approx(due.history["distortion"][0, :20].tolist(), abs=1e-3)
    assert np.mean(distortions[-10:]) == pytest.approx(float(due.history["distortion"][0, -10:].mean()), abs=0.05)
    assert mask.sum() == pytest.approx(float(due.mask.sum()), rel=1e-3)
    assert np.abs(mask - due.mask.numpy()).sum() < 0.2 * mask.sum()


def test_learned_masks_are_those_of_the_method(content):
    method = CartoonX(frozen_classifier("scenes-cnn"), sparsity_weight=40.0)
    images = make_scenes(6, size=64, seed=3).images
    generator = random_generator(0)  # the seed of `learned_mask`, which draws noise for each image of the batch at once
    noises = [method.problem(images[:1]).draw(1, generator).numpy() for _ in range(REFINEMENT_STEPS - 1)]
    network, step = (open_session(content(name)) for name in ("mask-cartoonx", "cartoonx-step"))
    differences = []
    for image in images.split(1):
        problem = method.problem(image)
        shared = {"coefficients": problem.coefficients.numpy()}
        mask = gradient = 0 * shared["coefficients"][:, :1]
        state = {"mean": problem.mean.numpy(), "deviation": problem.deviation.numpy()}
        target = torch.eye(10)[problem.measure.targets].numpy()
        state |= {"target": target, "reference": problem.measure.reference.numpy(), "momentum": mask}
        state |= {"sparsity_weight": np.float32([0]), "rate": np.float32([0]), "risk": np.float32([RISK])}
        for number in range(REFINEMENT_STEPS):
            described = {"images": image.numpy(), **shared, "sparsity_weight": np.float32([40.0])}
            mask, start = network.run(None, {**described, "mask": mask, "gradient": gradient})
            if number < len(noises):
                _, momentum, *_ = step.run(None, {**state, **shared, "mask": mask, "noise": noises[number]})
                gradient = momentum / np.float32(1 - LION_BETAS[1])
        differences.append(float(np.abs(start - learned_mask(method, image).numpy()).max()))
    # the gradient jumps where a unit of the classifier is about to fall silent: there a rounding error decides
    assert np.median(differences) < 1e-4


def test_grad_cam_is_that_of_the_method():
    export = make_export("grad-cam")
    method = GradCAM(frozen_classifier("scenes-cnn"), layer=GRAD_CAM_LAYER)
    for case in export.cases[:3]:
        every = torch.ones(1, len(export.classes), dtype=torch.bool)
        torch.testing.assert_close(export.module(case["images"]), method.class_masks(case["images"], every))


def test_a_folder_has_files_cards_and_a_manifest(tmp_path):
    path = make_files(tmp_path, ["pixel-rde-show"])
    make_files(tmp_path, ["space-vae-decode"])
    manifest = read_manifest(path)
    assert [entry["name"] for entry in manifest["models"]] == ["space-vae-decode", "pixel-rde-show"]
    for entry in manifest["models"]:
        file = (tmp_path / entry["file"]).read_bytes()
        assert (len(file), hashlib.sha256(file).hexdigest()) == (entry["bytes"], entry["sha256"])
        card = (tmp_path / entry["card"]).read_text(encoding="utf-8")
        assert f"--only {entry['name']}" in card
        assert all(f"`{value['name']}`" in card for value in entry["inputs"] + entry["outputs"])
    assert manifest["models"][0]["inputs"][0]["shape"] == [1, 8, 8]
    assert manifest["models"][0]["facts"]["size"] == 32
    assert "torch" in manifest["versions"]
    json.dumps(manifest, allow_nan=False)


def test_a_name_that_does_not_exist():
    with pytest.raises(ValueError, match="explainer"):
        make_file("explaner")
    with pytest.raises(FileNotFoundError, match="python -m helpers playground"):
        read_manifest(ROOT / "models/manifest.json")


@pytest.mark.parametrize(
    ("layer", "message"),
    [(nn.ConvTranspose2d(3, 3, 2), "none that is transposed"), (nn.AvgPool2d(3, stride=2), "overlap or stick out")],
)
def test_a_gradient_that_cannot_be_written_out_is_refused(layer, message):
    layer.requires_grad_(False)
    gradient = torch.func.grad(lambda images: layer(images).square().sum())
    with pytest.raises(ExportError, match=message):
        trace_with_gradients(gradient, (torch.rand(1, 3, 8, 8),))


class _Differs(nn.Module):
    """Computes something else in the file than in PyTorch."""

    def forward(self, mask, coefficients):
        return mask * (1 if torch.compiler.is_exporting() else 1.5), coefficients + 0


@pytest.fixture
def export():
    return make_export("pixel-rde-show")


def test_a_file_that_differs_is_not_written(export, monkeypatch, tmp_path):
    monkeypatch.setitem(
        EXPORTS, "pixel-rde-show", lambda: replace(export, module=_Differs(), outputs=("relevance", "kept"))
    )
    with pytest.raises(ExportError, match=r"pixel-rde-show with weights in float32: relevance differs .* up to \d"):
        make_files(tmp_path, ["pixel-rde-show"])
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_too_large_is_not_written(export, monkeypatch):
    monkeypatch.setattr(make, "LARGEST_FILE", 1000)
    with pytest.raises(ExportError, match=r"pixel-rde-show has [\d,]+ bytes"):
        make_file("pixel-rde-show")


def test_what_pytorch_cannot_export(export, monkeypatch):
    class Branching(nn.Module):
        def forward(self, mask, coefficients):
            return (mask, coefficients) if mask.sum() > 0 else (coefficients, mask)

    monkeypatch.setitem(EXPORTS, "pixel-rde-show", lambda: replace(export, module=Branching()))
    with pytest.raises(ExportError, match="cannot export this Branching"):
        make_file("pixel-rde-show")


def test_nothing_is_said_while_exporting(capfd, recwarn):
    make_file("pixel-rde-show")
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_a_difference_of_shape_is_an_error(export):
    session = open_session(make_file("pixel-rde-show").content)
    with pytest.raises(ExportError, match="shape"):
        compare(session, export.cases[:1], results_of(_Flat(), export.cases[:1]))


class _Flat(nn.Module):
    def forward(self, mask, coefficients):
        return mask, coefficients
