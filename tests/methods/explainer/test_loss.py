"""Each term of the Explainer's loss against a plain statement of its equation, closed forms and finite differences."""

import math

import pytest
import torch
from tiny import TinyClassifier
from torch import nn
from torch.nn import functional

from helpers.core.runtime import random_generator
from helpers.methods.explainer import ExplainerLoss, LossOptions, apply_mask, target_and_other_masks
from helpers.methods.explainer.loss import area_bound, negative_entropy, reflected_variation, total_variation
from helpers.methods.explainer.options import RTISOptions
from helpers.methods.explainer.rtis import RTISLoss, alternative_images

CLASSES, SIZE = 5, 16


def problem(seed=0, batch=3):
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(batch, 3, SIZE, SIZE, generator=generator)
    logits = 3 * torch.randn(batch, CLASSES, SIZE, SIZE, generator=generator)
    labels = torch.tensor([[1, 0, 0, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]], dtype=torch.bool)[:batch]
    return images, labels, logits


class MeanClassifier(nn.Module):
    """A classifier with the normaliser's `mean` that the published variant asks for."""

    def __init__(self):
        super().__init__()
        self.inner = TinyClassifier(CLASSES)
        self.register_buffer("mean", torch.tensor([0.4, 0.5, 0.6]).reshape(1, 3, 1, 1))

    def forward(self, images):
        return self.inner(images)


def plain_terms(classifier, images, labels, logits, options):
    """The equations, one image, one class, one pixel at a time."""
    published = options.variant == "published"
    sums = dict.fromkeys(("classification", "entropy", "area_target", "area_other", "bound", "smoothness"), 0.0)
    for image, present, logit in zip(images, labels, logits, strict=True):
        masks = logit.sigmoid()
        shown = [masks[c] for c in range(CLASSES) if present[c]]
        hidden = [masks[c] for c in range(CLASSES) if not present[c]]
        zero = torch.zeros(SIZE, SIZE)
        m, n = (torch.stack(each).amax(0) if each else zero for each in (shown, hidden))
        base = classifier.mean[0] if published else 0
        kept, left = (classifier((base + (image - base) * mask)[None])[0].double() for mask in (m, 1 - m))
        p = kept.sigmoid()
        sums["classification"] -= (
            sum(math.log(p[c]) if present[c] else math.log(1 - p[c]) for c in range(CLASSES)) / CLASSES
        )
        q = left.softmax(0) if options.probabilities == "softmax" else left.sigmoid()
        sums["entropy"] += sum(float(x) * math.log(x) for x in q) / CLASSES
        sums["area_target"] += float(m.mean())
        sums["area_other"] += float(n.mean())
        bounds = [plain_bound(mask, options.least_area, options.most_area) for mask in shown]
        sums["bound"] += sum(bounds) / (1 if published else max(1, len(bounds)))
        sums["smoothness"] += plain_variation(m, published) + plain_variation(n, published)
    return {name: value / len(images) for name, value in sums.items()}


def plain_bound(mask, least, most):
    values = sorted(mask.flatten().tolist(), reverse=True)
    z = len(values)
    low = [1.0] * int(z * least) + [0.0] * (z - int(z * least))
    high = [1.0] * int(z * most) + [0.0] * (z - int(z * most))
    return (
        sum(max(q - v, 0) for q, v in zip(low, values, strict=True)) / z
        + sum(max(v - q, 0) for q, v in zip(high, values, strict=True)) / z
    )


def plain_variation(mask, reflected):
    rows, columns = mask.shape
    total = 0.0
    for i in range(rows):
        for j in range(columns):
            below = i + 1 if i + 1 < rows else (rows - 2 if reflected else i)
            right = j + 1 if j + 1 < columns else (columns - 2 if reflected else j)
            total += abs(float(mask[i, j] - mask[below, j])) + abs(float(mask[i, j] - mask[i, right]))
    return total / (rows * columns)


@pytest.mark.parametrize("variant", ["corrected", "published"])
@pytest.mark.parametrize("probabilities", ["softmax", "sigmoid"])
def test_every_term_is_its_equation(variant, probabilities):
    classifier, (images, labels, logits) = MeanClassifier(), problem()
    options = LossOptions(variant=variant, probabilities=probabilities)
    result = ExplainerLoss(options).terms(classifier, images, labels, logits)
    expected = plain_terms(classifier, images, labels, logits, options)
    assert {name: float(value) for name, value in result.items()} == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_the_whole_is_the_weighted_sum():
    classifier, (images, labels, logits) = TinyClassifier(CLASSES), problem()
    loss = ExplainerLoss(LossOptions(entropy=3, smoothness=0.5, bound=0.7, target_area=0.2, other_area=0.4))
    weights = {"classification": 1, "entropy": 3, "smoothness": 0.5, "bound": 0.7}
    weights |= {"area_target": 0.2, "area_other": 0.4}
    terms = loss.terms(classifier, images, labels, logits)
    expected = sum(weights[name] * float(value) for name, value in terms.items())
    assert float(loss(classifier, images, labels, logits)) == pytest.approx(expected, rel=1e-5)


def test_known_places_of_the_labels_change_nothing():
    classifier, (images, labels, logits) = TinyClassifier(CLASSES), problem()
    loss = ExplainerLoss()
    known = loss(classifier, images, labels, logits, labels.nonzero(as_tuple=True))
    assert float(known) == float(loss(classifier, images, labels, logits))


def test_the_gradient_is_that_of_finite_differences():
    classifier, (images, labels, logits) = TinyClassifier(CLASSES).double(), problem(batch=2)
    images, logits = images.double(), logits.double().requires_grad_()
    loss = ExplainerLoss()
    # `terms` computes in single precision where mixed precision wants it: here the inputs stay double
    (gradient,) = torch.autograd.grad(loss(classifier, images.float().double(), labels, logits), logits)
    step = 1e-2
    for index in [(0, 0, 3, 4), (0, 3, 9, 9), (0, 1, 5, 5), (1, 2, 0, 15), (1, 4, 8, 2)]:
        there, back = logits.detach().clone(), logits.detach().clone()
        there[index] += step
        back[index] -= step
        difference = (loss(classifier, images, labels, there) - loss(classifier, images, labels, back)) / (2 * step)
        assert float(gradient[index]) == pytest.approx(float(difference), rel=0.05, abs=3e-5)


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, 0.05), (1.0, 0.7), (0.5, 0.05 * 0.5 + 0.7 * 0.5)], ids=["nothing", "all", "half"]
)
def test_the_area_bound_of_even_masks(value, expected):
    masks = torch.full((1, 20, 20), value)  # 400 entries: 20 and 120 of them are exact shares
    assert float(area_bound(masks, 0.05, 0.3)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("covered", "expected"), [(0.02, 0.03), (0.05, 0.0), (0.2, 0.0), (0.3, 0.0), (0.5, 0.2)])
def test_a_sharp_mask_of_an_allowed_area_costs_nothing(covered, expected):
    mask = torch.zeros(400)
    mask[torch.randperm(400, generator=torch.Generator().manual_seed(1))[: round(400 * covered)]] = 1
    assert float(area_bound(mask.reshape(1, 20, 20), 0.05, 0.3)) == pytest.approx(expected, abs=1e-6)


def test_variation_of_a_rectangle_is_its_outline():
    mask = torch.zeros(1, 1, 10, 10)
    mask[..., 2:5, 3:8] = 1
    assert float(total_variation(mask)) == pytest.approx(2 * (3 + 5) / 100)
    assert float(total_variation(torch.full((1, 1, 10, 10), 0.5))) == 0
    mask[..., 9, :] = 1  # the mirrored neighbour of the last row is the row before it
    inside, reflected = float(total_variation(mask)), float(reflected_variation(mask))
    assert reflected == pytest.approx(inside + 10 / 100)


def test_the_entropy_is_least_where_no_class_stands_out():
    even, sure = torch.zeros(1, CLASSES), torch.tensor([[50.0, 0, 0, 0, 0]])
    assert float(negative_entropy(even)) == pytest.approx(-math.log(CLASSES) / CLASSES)
    assert float(negative_entropy(sure)) == pytest.approx(0, abs=1e-6)
    # each class by itself: p log p is least at p = 1/e
    lowest = torch.full((1, 1), math.log((1 / math.e) / (1 - 1 / math.e)))
    assert float(negative_entropy(lowest, "sigmoid")) == pytest.approx(-1 / math.e)


def test_masks_of_present_and_absent_classes_are_merged_by_their_maximum():
    _, labels, logits = problem()
    target, other = target_and_other_masks(logits, labels)
    masks = logits.sigmoid()
    assert torch.allclose(target[0, 0], masks[0, [0, 3]].amax(0))
    assert torch.allclose(other[1, 0], masks[1, [0, 1, 3, 4]].amax(0))
    assert not target[2].any()  # an image that shows no class
    all_shown, none_left = target_and_other_masks(logits, torch.ones_like(labels))
    assert torch.allclose(all_shown[:, 0], masks.amax(1))
    assert not none_left.any()


def test_what_a_mask_hides():
    image = torch.rand(1, 3, 4, 4)
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., :2] = 1
    assert torch.equal(apply_mask(image, mask)[..., 2:], torch.zeros(1, 3, 4, 2))
    colour = torch.tensor([0.1, 0.2, 0.3]).reshape(1, 3, 1, 1)
    seen = apply_mask(image, mask, colour)
    assert torch.allclose(seen[..., 2:], colour.expand(1, 3, 4, 2))
    assert torch.allclose(seen[..., :2], image[..., :2])


def test_the_published_variant_multiplies_the_normalised_image():
    images, mask = torch.rand(2, 3, 4, 4), torch.rand(2, 1, 4, 4)
    mean, std = MeanClassifier().mean, torch.tensor([0.2, 0.3, 0.4]).reshape(1, 3, 1, 1)
    normalised = (apply_mask(images, mask, mean) - mean) / std
    assert torch.allclose(normalised, (images - mean) / std * mask, atol=1e-6)


def test_the_published_variant_needs_a_mean_colour():
    images, labels, logits = problem()
    with pytest.raises(ValueError, match="mean"):
        ExplainerLoss(LossOptions(variant="published")).terms(TinyClassifier(CLASSES), images, labels, logits)


def test_the_published_loss_of_rtis_is_one_mean_over_all_pairs():
    classifier, (images, labels, _) = MeanClassifier().eval(), problem()
    mask = torch.rand(len(images), 1, *images.shape[2:], generator=torch.Generator().manual_seed(3))
    options = RTISOptions(variant="published")
    terms = RTISLoss(options)(classifier, images, mask, labels, random_generator(0))
    behind = alternative_images(images, classifier, options, random_generator(0))
    shown = classifier(mask * images + (1 - mask) * behind).sigmoid()
    hidden = classifier((1 - mask) * images + mask * behind).sigmoid()
    pairs = [(i, c) for i in range(len(images)) for c in range(CLASSES) if labels[i, c]]
    preserve = sum(-shown[pair].log() for pair in pairs) / len(pairs)
    destroy = sum(hidden[pair] for pair in pairs) / len(pairs)
    padded = functional.pad(mask, (0, 1, 0, 1), mode="reflect")
    right, below = padded[:, :, :-1, 1:] - mask, padded[:, :, 1:, :-1] - mask
    assert float(terms["preserve"]) == pytest.approx(float(preserve), rel=1e-5)
    assert float(terms["destroy"]) == pytest.approx(5 * float(destroy) ** 0.3, rel=1e-5)
    assert float(terms["smoothness"]) == pytest.approx(10 * float((right**2 + below**2).mean()), rel=1e-5)
    assert float(terms["area"]) == pytest.approx(float(mask.mean()), rel=1e-5)


def test_the_published_blur_of_rtis_takes_zeros_beyond_the_normalised_image():
    classifier, images = MeanClassifier(), torch.rand(2, 3, 24, 30, generator=torch.Generator().manual_seed(1))
    options = RTISOptions(variant="published", blur=2 / 24)
    offsets = torch.arange(-8.0, 9.0)
    line = torch.exp(-(offsets**2) / (2 * 2**2))
    kernel = (line[:, None] * line / line.sum() ** 2).expand(3, 1, -1, -1)
    mean = classifier.mean
    blurred = functional.conv2d(images - mean, kernel, padding=8, groups=3) + mean
    found = [alternative_images(images, classifier, options, random_generator(seed)) for seed in range(8)]
    equal = [torch.allclose(each, blurred, atol=1e-5) for each in found]
    assert any(equal)  # chosen with a probability of one half, for the whole batch
    assert not all(equal)


def test_equal_area_weights_are_equation_six():
    classifier, (images, labels, logits) = TinyClassifier(CLASSES), problem(batch=2)
    both = [
        ExplainerLoss(LossOptions(bound=w, target_area=w, other_area=w))(classifier, images, labels, logits)
        for w in (0.0, 2.0)
    ]
    terms = ExplainerLoss().terms(classifier, images, labels, logits)
    area = terms["area_target"] + terms["area_other"] + terms["bound"]
    assert float(both[1] - both[0]) == pytest.approx(2 * float(area), rel=1e-5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"entropy": -1}, "entropy"),
        ({"least_area": 0.4}, "0 < least < most < 1"),
        ({"most_area": 1.0}, "0 < least < most < 1"),
        ({"probabilities": "none"}, "probabilities"),
        ({"area": 1}, "area"),
    ],
)
def test_wrong_options_are_refused_by_name(options, words):
    with pytest.raises((ValueError, TypeError), match=words):
        LossOptions(**options)
