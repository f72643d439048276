"""Any network as a classifier, and the digests by which trained explainers know their own."""

import copy
from types import SimpleNamespace

import pytest
import timm
import torch
import torchvision
from captum.attr import Saliency
from captum.metrics import sensitivity_max
from tiny import TinyClassifier, smooth_images
from torch import nn

from helpers.classifiers import Classifier, load_classifier
from helpers.classifiers.digests import state_digest, weights_digest
from helpers.methods.rde import PixelRDE

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
SMALL = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 1, "num_heads": 3, "num_classes": 3}


class WithObject(nn.Module):
    """A network that returns an object, as those of Hugging Face, and knows its images' size by a configuration."""

    def __init__(self):
        super().__init__()
        self.body, self.config = TinyClassifier(), SimpleNamespace(image_size=48)

    def forward(self, pixel_values):
        return SimpleNamespace(logits=self.body(pixel_values))


NETWORKS = {
    "own": lambda: (TinyClassifier(), 5, 224),
    "timm": lambda: (timm.create_model("vit_tiny_patch16_224", **SMALL), 3, 32),
    "timm-changed-head": lambda: (timm.create_model("resnet10t", num_classes=7), 7, 176),
    "torchvision": lambda: (torchvision.models.mobilenet_v3_small(num_classes=4), 4, 224),
    "object": lambda: (WithObject(), 5, 48),
    "parallel": lambda: (nn.DataParallel(TinyClassifier()), 5, 224),
    "compiled": lambda: (torch.compile(TinyClassifier(), backend="eager"), 5, 224),
    "half": lambda: (TinyClassifier().bfloat16(), 5, 224),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_any_network_is_a_classifier(name):
    network, count, side = NETWORKS[name]()
    state, modes = copy.deepcopy(network.state_dict()), [module.training for module in network.modules()]
    classifier = Classifier.of(network, mean=MEAN, std=STD)
    images = smooth_images(2, side)
    assert len(classifier.class_names) == count
    assert classifier.input_size == side
    with torch.no_grad():
        inputs = (images - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
        weights = next(network.parameters())
        output = copy.deepcopy(getattr(network, "_orig_mod", network)).eval()(inputs.to(weights.dtype))
    wanted = getattr(output, "logits", output).float()
    torch.testing.assert_close(classifier(images), wanted, atol=0.05 if name == "half" else 1e-4, rtol=1e-3)
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())
    assert [module.training for module in network.modules()] == modes
    assert not any(parameter.requires_grad for parameter in classifier.parameters())
    weights.requires_grad_(False).add_(1)  # further training of the network does not change the classifier
    torch.testing.assert_close(classifier(images), wanted, atol=0.05 if name == "half" else 1e-4, rtol=1e-3)


def test_names_and_kind():
    classifier = Classifier.of(
        TinyClassifier(), classes=["cat", "dog", "owl", "cup", "kite"], size=32, multi_label=True
    )
    images = smooth_images(3, 32)
    classes, confidences = classifier.predict(images)
    torch.testing.assert_close(confidences, classifier(images).sigmoid().amax(1))
    explanation = PixelRDE(classifier, steps=2, tolerance=None).explain(images, "owl")
    assert explanation.targets.tolist() == [2, 2, 2]
    one = Classifier.of(nn.Sequential(TinyClassifier(), nn.Linear(5, 1)), size=32)
    classes, confidences = one.predict(images)
    assert classes.tolist() == [0, 0, 0]
    torch.testing.assert_close(confidences, one(images).sigmoid()[:, 0])


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"network": lambda images: images}, TypeError, "must be a torch.nn.Module"),
        ({"std": (1, 1)}, ValueError, "three numbers"),
        ({"std": (1, 0, 1)}, ValueError, "positive"),
        ({"classes": ["a", "b"]}, ValueError, "gives 5 logits, but classes has 2 names"),
        ({"network": nn.Conv2d(3, 4, 3)}, ValueError, "dense prediction"),
        ({"network": nn.Linear(7, 2)}, ValueError, "does not classify an image"),
        ({"size": 2}, ValueError, "does not classify an image"),
    ],
)
def test_what_is_no_classifier_is_refused(options, error, words, unchecked):
    arguments = {"network": TinyClassifier(), **options}
    with pytest.raises(error, match=words):
        Classifier.of(arguments.pop("network"), **arguments)


@pytest.mark.filterwarnings("ignore:Input Tensor 0 did not already require gradients")
def test_captums_own_methods_and_metrics_take_a_classifier():
    classifier, images = Classifier.of(TinyClassifier(), size=32), smooth_images(2, 32)
    found = Saliency(classifier).attribute(images.clone().requires_grad_(), target=1)
    assert found.is_contiguous()
    torch.testing.assert_close(
        found, torch.autograd.functional.jacobian(lambda x: classifier(x)[:, 1].sum(), images).abs()
    )
    sensitivity = sensitivity_max(Saliency(classifier).attribute, images, n_perturb_samples=2, target=1)
    assert sensitivity.isfinite().all()


def test_the_digest_is_that_of_the_weights():
    network = TinyClassifier()
    classifier = Classifier.of(network, mean=MEAN, std=STD)
    assert weights_digest(classifier) == weights_digest(network) == state_digest(network.state_dict())
    other = TinyClassifier()
    other.head.bias += 1
    assert weights_digest(other) != weights_digest(network)
    assert weights_digest(nn.Sequential(TinyClassifier())) != weights_digest(network)  # other names


@pytest.mark.parametrize(
    "change",
    [
        lambda c: next(c.parameters()).add_(1),
        lambda c: next(c.parameters()).data.mul_(1.5),
        lambda c: c.mean.add_(0.1),
        lambda c: c.load_state_dict({key: value + 1 for key, value in c.state_dict().items()}),
        lambda c: c.bfloat16(),
    ],
)
def test_a_digest_does_not_survive_a_change_of_the_weights(change):
    classifier = load_classifier("scenes-cnn")
    assert weights_digest(classifier) == classifier.digest
    with torch.no_grad():
        change(classifier)
    with pytest.raises(ValueError, match="have changed since it was loaded"):
        weights_digest(classifier)
