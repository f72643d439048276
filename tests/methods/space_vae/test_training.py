"""The training of SpaCE-VAEs: it learns, stops, keeps the best epoch, and leaves the classifier alone."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from space_vae_runs import EVERYTHING, NETWORK, SIZE, TINY, ColourClassifier, coloured, same, state, train

from helpers.classifiers import load_classifier
from helpers.classifiers.vgg import VGG_NAME
from helpers.methods.space_vae import LossOptions, SpaceVAE, SpaceVAENetwork
from helpers.methods.space_vae.training import (
    ExplainedRows,
    SpaceVAEModule,
    in_precision,
    pixel_variance,
    predicted_classes,
    train_space_vae,
)
from helpers.training.rows import BatchDataModule


def explained(network, beta=None, count=30):
    images = coloured(count, seed=5).floats()
    return images, SpaceVAE(network, ColourClassifier().eval(), beta=beta).explain(images)


def doubt(kept, targets):
    with torch.no_grad():
        return float(torch.nn.functional.cross_entropy(ColourClassifier().eval()(kept), targets))


# --- it learns ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A network, a plain VQ-VAE, and a network that learned betas of 0.02 to 20, after thirty epochs each."""
    recipes = {
        "space-vae": (NETWORK, LossOptions(alpha=20.0, beta=3.0)),
        "vq-vae": (NETWORK, LossOptions(alpha=0.0, beta=0.0)),
        "conditioned": (
            replace(NETWORK, conditioned=True), LossOptions(alpha=20.0, lowest_beta=0.02, highest_beta=20.0)
        ),
    }  # fmt: skip
    return {
        name: train(
            replace(TINY, network=network, loss=loss, epochs=30, learning_rate=0.01), tmp_path_factory.mktemp(name)
        )
        for name, (network, loss) in recipes.items()
    }


def test_kept_images_are_darker_and_still_recognised(trained):
    images, found = explained(trained["space-vae"].module.network)
    _, plain = explained(trained["vq-vae"].module.network)
    assert found.kept.mean() < 0.8 * plain.kept.mean()
    assert (ColourClassifier().eval()(found.kept).argmax(1) == found.targets).float().mean() > 0.9
    assert found.kept.min() >= 0
    assert found.kept.max() <= 1
    with torch.no_grad():
        untrained = SpaceVAENetwork(NETWORK).eval()(images).kept
    assert (plain.kept - images).square().mean() < 0.7 * (untrained - images).square().mean()


def test_one_network_serves_many_betas(trained):
    network = trained["conditioned"].module.network
    (images, low), (_, high) = explained(network, 0.02), explained(network, 20.0)
    assert (low.kept - high.kept).abs().max() > 0.05
    assert doubt(high.kept, high.targets) < doubt(low.kept, low.targets)
    method = SpaceVAE(network, ColourClassifier(), beta=0.02).with_beta(20)
    assert torch.equal(method.explain(images).kept, high.kept)


def test_a_batch_gives_what_single_images_give(trained):
    images, found = explained(trained["space-vae"].module.network, count=7)
    method = SpaceVAE(trained["space-vae"].module.network, ColourClassifier().eval(), batch=3)
    torch.testing.assert_close(method.explain(images).kept, found.kept)
    for index in range(7):
        torch.testing.assert_close(method.explain(images[index : index + 1]).kept[0], found.kept[index])
    assert torch.equal(method.explain(images.flip(0)).targets, found.targets.flip(0))


# --- it resumes and stops -----------------------------------------------------------------------------------------


@pytest.fixture
def watched(monkeypatch):
    """The validation loss of each epoch and the weights then, as a training goes on."""
    seen = []

    def note(self):
        weights = {name: value.clone() for name, value in self.network.state_dict().items()}
        seen.append((float(self.trainer.callback_metrics["validation loss"]), weights))

    monkeypatch.setattr(SpaceVAEModule, "on_train_epoch_end", note)
    return seen


def test_training_stops_when_nothing_improves_and_the_best_epoch_is_kept(tmp_path, watched):
    # a codebook that forgets at once moves up and down; hardly anything else moves at such a rate
    options = replace(TINY, network=replace(NETWORK, decay=0.0), epochs=60, patience=3, learning_rate=1e-12)
    done = train(options, tmp_path)
    losses = [loss for loss, _ in watched]
    best = losses.index(min(losses))
    assert done.epochs == len(losses) == best + 1 + 3
    assert done.best == pytest.approx(min(losses))
    assert same(state(done), watched[best][1])


def test_a_training_that_stopped_early_is_not_gone_on_with(tmp_path, watched):
    options = replace(TINY, network=replace(NETWORK, decay=0.0), epochs=60, patience=3, learning_rate=1e-12)
    done = train(options, tmp_path)
    count = len(watched)
    again = train(options, tmp_path)
    assert len(watched) == count
    assert same(state(again), state(done))
    assert (again.best, again.epochs) == (done.best, done.epochs)


def test_a_finished_training_is_not_done_again(tmp_path, watched):
    done, again = train(TINY, tmp_path), train(TINY, tmp_path)
    assert len(watched) == TINY.epochs
    assert same(state(again), state(done))


def test_another_recipe_is_refused(tmp_path):
    train(replace(TINY, epochs=1), tmp_path)
    with pytest.raises(ValueError, match="another value of loss"):
        train(replace(TINY, epochs=1, loss=LossOptions(alpha=0.6)), tmp_path)


def test_too_few_images_are_refused(tmp_path):
    for training, validation in ((coloured(7), coloured(3)), (coloured(8), coloured(3)[:0])):
        with pytest.raises(ValueError, match="do not fill a batch of 8"):
            train_space_vae(TINY, ColourClassifier(), training, validation, tmp_path, device="cpu", show=False)


def test_the_seed_alone_decides_and_the_global_generator_is_left_alone(tmp_path):
    torch.manual_seed(77)
    before = torch.get_rng_state()
    one = train(EVERYTHING, tmp_path / "one")
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(78)
    two, other = train(EVERYTHING, tmp_path / "two"), train(replace(EVERYTHING, seed=1), tmp_path / "other")
    assert same(state(one), state(two))
    assert not same(state(one), state(other))


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_both_precisions_learn(tmp_path, precision):
    done = train(replace(TINY, epochs=12, precision=precision), tmp_path)
    assert all(value.isfinite().all() for value in state(done).values())
    assert done.module.network.quantiser.codebook.dtype == torch.float32
    images = coloured(18, seed=1).floats()
    decoded, start = (network.eval()(images).raw for network in (done.module.network, SpaceVAENetwork(TINY.network)))
    assert (decoded - images).square().mean() < 0.7 * (start - images).square().mean()


@pytest.mark.parametrize("precision", ["bf16-mixed", "32-true"])
def test_a_classifier_that_is_rounded_once_is_the_one_that_autocast_rounds_at_each_step(precision):
    classifier = load_classifier(VGG_NAME, weights="random", model_args={"num_classes": 4, "width": 0.125, "hidden": 8})
    weights = {name: value.clone() for name, value in classifier.state_dict().items()}
    used = in_precision(classifier, precision)
    found = []
    for each in (classifier, used):
        images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(1)).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision != "32-true"):
            logits = each(images)
        found.append((logits, *torch.autograd.grad(logits.float().square().sum(), images)))
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))
    assert (used is classifier) == (precision == "32-true")
    assert all(
        value.dtype == torch.float32 and torch.equal(value, weights[n]) for n, value in classifier.state_dict().items()
    )


# --- what it is trained on ----------------------------------------------------------------------------------------


def test_the_classes_to_keep_are_the_classifiers_for_images_and_mirrored_images():
    classifier, images = ColourClassifier().eval(), coloured(11, seed=3)
    images.pixels[0, :, :, : SIZE // 2], images.pixels[0, :, :, SIZE // 2 :] = 0, 0
    images.pixels[0, 2, :, : SIZE // 2], images.pixels[0, 1, :, SIZE // 2 :] = 200, 200  # mirrored, another class
    found = predicted_classes(classifier, images, mirrored=True, batch=4)
    assert torch.equal(found[0], classifier(images.floats()).argmax(1))
    assert torch.equal(found[1], classifier(images.floats().flip(3)).argmax(1))
    assert found[:, 0].tolist() == [2, 1]
    assert torch.equal(*predicted_classes(classifier, images, mirrored=False))


def test_the_labels_are_not_looked_at(tmp_path):
    images, held_out = coloured(16), coloured(9, seed=1)
    wrong = [replace(each, labels=(each.labels + 1) % 3) for each in (images, held_out)]
    runs = [
        train_space_vae(replace(TINY, epochs=1), ColourClassifier(), *pair, tmp_path / name, device="cpu", show=False)
        for name, pair in (("right", (images, held_out)), ("wrong", wrong))
    ]
    assert same(state(runs[0]), state(runs[1]))


def test_the_classifier_is_left_as_it_is_and_in_no_checkpoint(tmp_path):
    classifier = ColourClassifier().train()
    train_space_vae(
        replace(TINY, epochs=1), classifier, coloured(16), coloured(9, seed=1), tmp_path, device="cpu", show=False
    )
    assert all(module.training for module in classifier.modules())
    assert classifier.scale.item() == 30.0
    assert classifier.scale.requires_grad
    assert classifier.scale.grad is None
    kept = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
    assert all(name.startswith(("network.", "loss.")) for name in kept)


def test_the_variance_is_that_of_all_pixels():
    images = coloured(10)
    assert pixel_variance(images) == pytest.approx(float(images.floats().double().var(correction=0)), rel=1e-6)


def test_an_epoch_shows_each_image_at_most_once_in_an_order_of_its_own():
    images = coloured(20)
    rows = ExplainedRows(images, torch.stack([torch.arange(20), torch.arange(20)]))
    data = BatchDataModule(rows, rows, batch=6, seed=2)
    loader = data.train_dataloader()
    orders = []
    for epoch in (0, 1, 0):
        loader.sampler.set_epoch(epoch)
        orders.append([number for _, numbers, _ in loader for number in numbers.tolist()])
    assert [len(order) for order in orders] == [18, 18, 18]
    assert all(len(set(order)) == 18 for order in orders)
    assert orders[0] == orders[2] != orders[1]
    shown = [number for _, numbers, _ in data.val_dataloader() for number in numbers.tolist()]
    assert shown == list(range(20))


# --- elsewhere ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("conditioned", [False, True])
def test_nothing_is_tied_to_the_cpu(conditioned, unchecked, monkeypatch):
    monkeypatch.setattr(torch, "autocast", lambda *args, **more: nullcontext())  # it does not know this device
    options = replace(EVERYTHING, network=replace(NETWORK, conditioned=conditioned))
    with torch.device("meta"):
        module = SpaceVAEModule(options, ColourClassifier(), 0.05, 10)
        images = torch.empty(4, 3, SIZE, SIZE)
        classes, beta = torch.empty(4, dtype=torch.long), torch.empty(4) if conditioned else None
    module.to("meta")
    terms, logits = module.train().terms(images, classes, beta)
    assert {value.device.type for value in (*terms.values(), logits)} == {"meta"}
    sum(terms.values()).backward()
    assert all(p.grad is not None and p.grad.device.type == "meta" for p in module.network.parameters())
    assert {buffer.device.type for buffer in module.buffers()} == {"meta"}
