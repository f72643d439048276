"""The learned mask: its network, its training, and the weights that come with the book."""

from dataclasses import replace

import pytest
import torch
from interrupted_training import stopped_in_epoch
from tiny import TinyClassifier, smooth_images

from helpers.classifiers import load_classifier
from helpers.core.runtime import random_generator
from helpers.data.scenes import make_scenes
from helpers.methods.initial_masks import (
    WARM_START,
    MaskNetwork,
    NetworkOptions,
    explain_from_prediction,
    learned_mask,
    load_mask_network,
    mask_network_names,
    save_mask_network,
    starting_mask,
    training,
)
from helpers.methods.initial_masks.evaluation import compare_starts, mean_interval, paired_difference
from helpers.methods.initial_masks.learned import risk_gradient
from helpers.methods.initial_masks.network import Clip
from helpers.methods.initial_masks.options import RECIPES
from helpers.methods.initial_masks.training import MaskModule, train_mask_network
from helpers.methods.rde import CartoonX, PixelRDE

WAVELETS = NetworkOptions(levels=3, widths=(8, 8, 8))
PIXELS = NetworkOptions(representation="pixels", levels=3, widths=(8, 8, 8))


def network(options, seed=0):
    """A network with random weights, also in its heads."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = MaskNetwork(options)
        for head in made.heads:
            torch.nn.init.normal_(head.weight, std=0.1)
    return made.requires_grad_(False)


def method_of(options, classifier, **changes):
    if options.representation == "pixels":
        return PixelRDE(classifier, **changes)
    return CartoonX(classifier, levels=options.levels, **changes)


@pytest.mark.parametrize("options", [WAVELETS, PIXELS], ids=["wavelets", "pixels"])
@pytest.mark.parametrize("size", [(64, 64), (70, 101), (33, 48)])
def test_a_mask_of_the_right_shape_in_the_unit_interval(options, size):
    images = torch.rand(2, 3, *size, generator=random_generator(1))
    mask = network(options)(images, torch.tensor([5.0, 50.0]))
    problem = method_of(options, TinyClassifier()).problem(images)
    assert mask.shape == problem.coefficients[:, :1].shape
    assert 0 <= float(mask.min()) < float(mask.max()) <= 1


@pytest.mark.parametrize("options", [WAVELETS, PIXELS], ids=["wavelets", "pixels"])
def test_a_mask_does_not_depend_on_batch_mates(options):
    images, weights = smooth_images(3, 64), torch.tensor([3.0, 20.0, 100.0])
    method, made = method_of(options, TinyClassifier()), network(options)
    together = learned_mask(method, images, network=made, sparsity_weights=weights, refinement_steps=3)
    for place in range(3):
        one = slice(place, place + 1)
        alone = learned_mask(method, images[one], network=made, sparsity_weights=weights[one], refinement_steps=3)
        assert torch.allclose(together[one], alone, atol=1e-4)


def test_features_stand_where_coefficients_stand():
    # a single bright pixel: the mask changes only near it, at the same place on every level's grid
    options = replace(WAVELETS, levels=2, widths=(8, 8))
    made, dark = network(options), torch.zeros(1, 3, 64, 64)
    transform = made.representation((64, 64)).transform
    for row, column in ((8, 50), (40, 12)):
        bright = dark.clone()
        bright[..., row, column] = 1.0
        coefficients = transform.analyse(bright)[0, 0]
        band = coefficients[transform.slices["diagonal-1"]].unflatten(0, transform.shapes["diagonal-1"])
        touched = band.abs().amax(1).argmax(), band.abs().amax(0).argmax()
        # the pair of values under coefficient i of a level: 2i - before and 2i - before + 1
        assert abs(2 * int(touched[0]) - made.before + 0.5 - row) <= 2
        assert abs(2 * int(touched[1]) - made.before + 0.5 - column) <= 2


def test_the_clip_stops_gradients_only_outwards():
    x = torch.tensor([-2.0, -2.0, -0.2, 0.5, 1.2, 3.0, 3.0], requires_grad=True)
    slope = torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0])  # positive: a step of descent goes down
    y = Clip.apply(x)
    assert torch.equal(y, x.clamp(0, 1))
    (gradient,) = torch.autograd.grad((y * slope).sum(), x)
    assert gradient.tolist() == [0.0, -1.0, 1.0, 1.0, -1.0, 0.0, 1.0]


def test_the_risk_gradient_is_that_of_its_formula():
    method = CartoonX(TinyClassifier(), levels=3)
    problem = method.problem(smooth_images(2, 32))
    mask = torch.full_like(problem.coefficients[:, :1], 0.6)
    found, lost = risk_gradient(problem, mask, random_generator(3), risk=0.7)
    leaf = mask.clone().requires_grad_()
    values = problem.distortions(leaf, problem.draw(1, random_generator(3)), antithetic=True)
    limit = problem.measure.reference**2
    (expected,) = torch.autograd.grad((values - 0.7 * (1 - 0.95 * values / limit).log()).mean(0).sum(), leaf)
    assert (values < limit).all(), "the formula is for draws that lose less than everything"
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-8)
    assert torch.allclose(lost, (values / limit).mean(0))


def test_a_file_gives_back_the_network(tmp_path):
    made, path = network(WAVELETS), tmp_path / "tiny-mask.safetensors"
    digest = save_mask_network(path, made, classifier="tiny", classifier_digest="0" * 64)
    read = load_mask_network(path)
    images, weights = smooth_images(1, 64), torch.tensor([20.0])
    assert torch.equal(read.network(images, weights), made(images, weights))
    assert (read.network.options, read.classifier, read.digest) == (WAVELETS, "tiny", digest)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(ValueError, match="not the expected file"):
        load_mask_network(path)


SMALLEST = NetworkOptions(levels=2, widths=(8, 8))
TINY = replace(
    RECIPES["scenes-cnn-cartoonx-mask"],
    network=SMALLEST,
    sizes={32: 1.0},
    images=4,
    batch=1,
    steps=100,
    refinement_steps=1,
)


def test_training_resumes_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "EPOCH", 50)  # two epochs

    def train(options, name):
        return train_mask_network(options, TinyClassifier(), tmp_path / name, device="cpu", show=False)

    whole = train(TINY, "whole")
    with stopped_in_epoch(MaskModule, 1):
        train(TINY, "parts")
    resumed = train(TINY, "parts")
    for name, value in whole.module.network.state_dict().items():
        assert torch.equal(value, resumed.module.network.state_dict()[name]), name
    again = train(TINY, "parts")
    assert again.seconds == resumed.seconds, "a finished training is read, not trained again"
    assert torch.equal(again.module.network.condition[0].weight, resumed.module.network.condition[0].weight)
    with pytest.raises(ValueError, match="another value of batch"):
        train(replace(TINY, batch=4), "parts")


SHIPPED = [name for name in mask_network_names() if name.startswith("scenes-cnn")]


def held_out(size, count, objects=(1, 2)):
    """Scenes of a series that no network has seen."""
    return make_scenes(count, size=size, seed=5_150, objects=objects).images


def shipped_method(name, **changes):
    classifier = load_classifier("scenes-cnn")
    kind = PixelRDE if "pixel" in name else CartoonX
    return kind(classifier, **changes)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_larger_weight_gives_a_sparser_mask(name):
    method, images = shipped_method(name), held_out(64, 16)
    means = [
        float(learned_mask(method, images, network=name, sparsity_weights=w, ones_fraction=0.0).mean())
        for w in (4.0, 12.0, 40.0)
    ]
    print(f"{name}: mean mask at λk = 4, 12, 40: {means}")
    assert means[0] > means[1] > means[2]


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("size", [64, 128])
def test_the_learned_start_beats_ones_at_step_0(name, size):
    method, images = shipped_method(name), held_out(size, 16)
    starts = {n: starting_mask(n, method, images) for n in ("ones", "learned")}
    table = compare_starts(method, images, starts, [0], samples=8)
    difference = paired_difference(table, "learned", "ones", 0)
    mean, low, high = mean_interval(difference)
    print(f"{name} at {size} px, step 0: learned - ones = {mean:.2f} ({low:.2f} to {high:.2f})")
    assert high < 0
    assert (difference < 0).all()


@pytest.mark.parametrize("name", SHIPPED)
def test_the_learned_start_never_ends_worse_on_average(name):
    method, images = shipped_method(name), held_out(64, 16)
    starts = {n: starting_mask(n, method, images) for n in ("ones", "learned")}
    table = compare_starts(method, images, starts, [40], rates={"ones": 0.1, "learned": 0.1}, samples=8)
    mean, low, high = mean_interval(paired_difference(table, "learned", "ones", 40))
    print(f"{name} at 64 px, 40 steps: learned - ones = {mean:.4f} ({low:.4f} to {high:.4f})")
    assert mean < 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lambda_shrink": 0.0}, "must be positive"),
        ({"ones_fraction": 1.5}, "must be positive"),
        ({"refinement_steps": 0}, "at least 1"),
        ({"targets": lambda logits: logits[:, 0]}, "callable"),
        ({"targets": 99}, "0 to 4"),
        ({"network": None}, "no mask network"),
    ],
)
def test_errors_say_what_to_do(unchecked, options, words):
    arguments = {"network": network(WAVELETS), **options}
    with pytest.raises(ValueError, match=words):
        learned_mask(CartoonX(TinyClassifier(), levels=3), smooth_images(1, 32), **arguments)


def test_targets_must_be_the_predicted_classes():
    method, images = CartoonX(TinyClassifier(), levels=3), smooth_images(2, 32)
    predicted = method.problem(images).measure.targets
    expected = learned_mask(method, images, network=network(WAVELETS))
    assert torch.equal(learned_mask(method, images, predicted, network=network(WAVELETS)), expected)
    with pytest.raises(ValueError, match="predicted classes"):
        learned_mask(method, images, (predicted + 1) % 5, network=network(WAVELETS))


def test_a_whole_explanation_is_the_start_and_the_steps_after_it():
    scenes = make_scenes(2, size=64, seed=81).images
    method = CartoonX(load_classifier("scenes-cnn"), sparsity_weight=30.0)
    found = explain_from_prediction(method, scenes, steps=6, check_every=3)
    options = method.options.with_options(**{**WARM_START, "steps": 6, "check_every": 3})
    assert options.sparsity_weight == 30.0  # the problem stays the method's
    start = starting_mask("learned", method, scenes, ones_fraction=0.0)
    expected = CartoonX(method.classifier, options).explain(scenes, initial=start)
    assert torch.equal(found.representation_mask, expected.representation_mask)
    assert found.convergence.steps.max() <= 6
