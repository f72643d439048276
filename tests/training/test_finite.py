"""No training keeps NaN: whichever it is, it stops at the step, with the weights and buffers before it."""

from __future__ import annotations

from dataclasses import replace

import explainer_runs
import fit_runs
import pytest
import space_vae_runs
import torch
from torch import nn

from helpers.data.labelled import LabelledImages
from helpers.methods.explainer.training import ExplainerModule
from helpers.methods.space_vae import VectorQuantiser
from helpers.methods.space_vae.training import SpaceVAEModule
from helpers.training.finite import NonFiniteTrainingError
from helpers.training.options import LabelledOptions, MultiLabelOptions, SceneOptions
from helpers.training.recipes.labelled import LabelledModule, train_labelled
from helpers.training.recipes.multilabel import MultiLabelModule, train_multilabel
from helpers.training.recipes.scene import SceneModule, train_scene_classifier

LABELLED = LabelledOptions(width=0.0625, hidden=12, epochs=2, batch=16, learning_rate=0.02)
MULTILABEL = MultiLabelOptions(
    model_args={"layers": [1, 1, 1, 1], "channels": [8, 8, 12, 12], "stem_width": 4},
    size=32, scenes=(48, 48), epochs=2, batch=16,
)  # fmt: skip
SCENES = SceneOptions(size=32, single=96, double=32, epochs=2, batch=32, sizes=(32,))


def noise(count):
    pixels = torch.randint(0, 256, (count, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return LabelledImages(pixels, torch.arange(count) % 3, ("a", "b", "c"), "noise")


TRAININGS = {
    "any module": (fit_runs.Line, fit_runs.train),
    "Explainer": (ExplainerModule, lambda folder: explainer_runs.train(explainer_runs.TINY, folder)),
    "SpaCE-VAE": (SpaceVAEModule, lambda folder: space_vae_runs.train(space_vae_runs.TINY, folder)),
    "labelled": (
        LabelledModule,
        lambda folder: train_labelled(LABELLED, noise(48), noise(24), folder, device="cpu", show=False),
    ),
    "multi-label": (
        MultiLabelModule,
        lambda folder: train_multilabel(MultiLabelModule(MULTILABEL), folder, device="cpu", show=False),
    ),
    "scenes": (
        SceneModule,
        lambda folder: train_scene_classifier(SCENES, folder, device="cpu", validation=0, show=False),
    ),
}


def state(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


@pytest.mark.parametrize(("name", "bad"), [*((name, torch.nan) for name in TRAININGS), ("any module", torch.inf)])
def test_every_training_stops_at_the_step_and_keeps_nothing_of_it(name, bad, tmp_path, monkeypatch):
    module_type, train = TRAININGS[name]
    original, seen = module_type.training_step, []

    def step(self, *arguments):
        seen.append((self, state(self)))
        loss = original(self, *arguments)
        return loss * bad if len(seen) == 2 else loss

    monkeypatch.setattr(module_type, "training_step", step)
    with pytest.raises(NonFiniteTrainingError, match=rf"stopped at step 2 \(epoch 1\): the loss is {bad}"):
        train(tmp_path)
    module, before = seen[-1]
    assert len(seen) == 2
    for key, value in module.state_dict().items():
        assert torch.equal(value, before[key]), key
    assert not list(tmp_path.rglob("*.ckpt"))


class Poisoned(fit_runs.Line):
    """Batch normalisation in front, whose statistics a bad batch changes before the loss is known."""

    def __init__(self, options, kind):
        super().__init__(options)
        self.kind, self.norm = kind, nn.BatchNorm1d(1)

    def training_step(self, batch, index):
        step = self.global_step
        if step == 5 and self.kind == "input":
            batch = batch * torch.nan
        if step == 5 and self.kind == "gradient":
            return (self.weight - self.weight).square().sum().sqrt() + super().training_step(self.norm(batch), index)
        return super().training_step(self.norm(batch), index)


@pytest.mark.parametrize(
    ("kind", "said"), [("input", "the loss is nan"), ("gradient", "gradient of weight is not finite")]
)
def test_bad_input_and_bad_gradients_leave_parameters_and_statistics_alone(tmp_path, kind, said, monkeypatch):
    module = Poisoned({"rate": 0.1}, kind)
    monkeypatch.setattr(fit_runs, "Line", lambda *_: module)
    with pytest.raises(NonFiniteTrainingError, match=rf"step 6 \(epoch 2\): .*{said}"):
        fit_runs.train(tmp_path)
    assert all(bool(value.isfinite().all()) for value in module.state_dict().values())
    assert int(module.norm.num_batches_tracked) == 5
    stored = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert stored["epoch"] == 0
    assert all(bool(value.isfinite().all()) for value in stored["state_dict"].values())


def test_a_metric_that_is_not_finite_is_no_early_stop(tmp_path):
    for _ in range(2):  # also where it is resumed
        with pytest.raises(NonFiniteTrainingError, match=r"step 8 \(the end of epoch 2\): loss is nan"):
            fit_runs.train(tmp_path, losses=(3.0, torch.nan, 2.0, 1.0), patience=2)
        assert torch.load(tmp_path / "last.ckpt", weights_only=True)["epoch"] == 0


def test_a_learning_rate_that_is_far_too_high_is_named(tmp_path):
    with pytest.raises(NonFiniteTrainingError, match="lower the learning rate"):
        space_vae_runs.train(replace(space_vae_runs.TINY, learning_rate=1e30), tmp_path)


def test_all_trainings_of_the_book_go_through_fit(root):
    """Nothing else in `helpers` builds a Trainer or steps an optimiser of weights, so nothing else needs the check.

    In memory, small networks are trained with a check of their own, and one step is timed.
    """
    found = {
        (path.name, call)
        for path in (root / "helpers").rglob("*.py")
        for call in ("Trainer(", ".backward(")
        if call in path.read_text()
    }
    assert found == {("fit.py", "Trainer("), ("in_memory.py", ".backward("), ("cost.py", ".backward(")}


# --- the codebook alone -------------------------------------------------------------------------------------------


def buffers(quantiser):
    return {name: value.clone() for name, value in quantiser.named_buffers()}


@pytest.mark.parametrize("dead_below", [0.0, 0.01])
@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf, 3e38], ids=str)
@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("where", ["one number", "one vector", "all"])
def test_a_bad_batch_leaves_the_codebook_as_it_was(dead_below, bad, steps, where):
    torch.manual_seed(0)
    quantiser = VectorQuantiser(6, 4, dead_below=dead_below)
    for step in range(steps):
        quantiser(space_vae_runs.vectors(step))
    before = buffers(quantiser)
    batch = space_vae_runs.vectors(9)
    place = {"one number": (2, 1, 0, 1), "one vector": (2, slice(None), 0, 1), "all": (...,)}[where]
    batch[place] = bad
    for mode in (True, False):
        quantiser.train(mode)(batch)
        for name, value in quantiser.named_buffers():
            if bad == 3e38:  # finite, but sums of it are not
                assert value.isfinite().all(), name
            else:
                assert torch.equal(value, before[name]), name
    good = quantiser.train()(space_vae_runs.vectors(10))
    assert good.vectors.isfinite().all()
    assert all(value.isfinite().all() for value in quantiser.buffers())


def test_good_batches_are_quantised_as_ever():
    """Against the moving averages of van den Oord et al. (2017), written out."""
    torch.manual_seed(0)
    quantiser = VectorQuantiser(5, 4, dead_below=0.0)
    codebook, counts, sums = quantiser.codebook.double(), torch.zeros(5).double(), quantiser.codebook.double()
    for step in range(4):
        batch = space_vae_runs.vectors(step)
        flat = batch.movedim(1, -1).flatten(0, 2).double()
        codes = torch.cdist(flat, codebook).argmin(1)
        assert torch.equal(quantiser(batch).codes.flatten(), codes)
        one_hot = torch.nn.functional.one_hot(codes, 5).double()
        counts, sums = 0.99 * counts + 0.01 * one_hot.sum(0), 0.99 * sums + 0.01 * one_hot.T @ flat
        codebook = sums / ((counts + 1e-5) / (counts.sum() + 5e-5) * counts.sum())[:, None]
        torch.testing.assert_close(quantiser.codebook.double(), codebook, rtol=1e-4, atol=1e-5)
