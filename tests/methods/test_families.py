"""Any network of timm or torchvision is explained, or refused with the reason: one of every family."""

import gc

import pytest
import torch
from families import FAMILIES, QUICK, families

from helpers.classifiers import load_classifier
from helpers.methods.baselines import GradCAM
from helpers.methods.rde import PixelRDE
from helpers.methods.rollout import AttentionRollout

NO_MAP = {
    "timm/beit",
    "timm/cait",
    "timm/coat",
    "timm/convit",
    "timm/crossvit",
    "timm/deepseek_vit",
    "timm/deit",
    "timm/efficientvim",
    "timm/eva",
    "timm/gemma4_vit",
    "timm/hiera",
    "timm/levit",
    "timm/mlp_mixer",
    "timm/mvitv2",
    "timm/naflexvit",
    "timm/pit",
    "timm/tnt",
    "timm/twins",
    "timm/vision_transformer",
    "timm/vision_transformer_hybrid",
    "timm/vision_transformer_relpos",
    "timm/vitamin",
    "timm/xcit",
    "torchvision/vision_transformer",
}
"""Families that go on with tokens, or in branches: Grad-CAM refuses them."""

ROLLED_OUT = {
    "timm/deit",
    "timm/vision_transformer",
    "timm/vision_transformer_hybrid",
    "torchvision/vision_transformer",
}
"""Families with global attention and a class token."""


def test_no_family_is_missing():
    ours = {"timm/squeezenet"}  # helpers.classifiers.squeezenet makes it known to timm
    assert families() - ours == set(FAMILIES)


def outcome(explain):
    """Nothing if the explanation is valid, or the reason of the refusal."""
    try:
        explanation = explain()
    except ValueError as error:
        return str(error)
    mask = explanation.mask
    assert mask.isfinite().all()
    assert mask.min() >= 0
    assert mask.max() == pytest.approx(1, abs=0.1) or mask.max() == 0
    return None


@pytest.mark.parametrize(
    "family", [family if family in QUICK else pytest.param(family, marks=pytest.mark.slow) for family in FAMILIES]
)
def test_a_network_of_every_family_is_explained_or_refused_with_the_reason(family):
    name, options = FAMILIES[family]
    library = family.partition("/")[0]
    classifier = load_classifier(f"{library}/{name}", weights="random", model_args={**options, "num_classes": 5})
    side = classifier.input_size if classifier.input_size < 600 else 256  # the largest take minutes
    size = classifier.fixed_size or (side, side)
    images = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    method = GradCAM(classifier)
    refusals = {
        "grad-cam": outcome(lambda: method.explain(images, 3)),
        "rollout": outcome(lambda: AttentionRollout(classifier).explain(images, 3)),
    }
    assert all("CartoonX" in refusal for refusal in refusals.values() if refusal)  # what to use instead
    assert (refusals["grad-cam"] is not None) == (family in NO_MAP), refusals
    assert (refusals["rollout"] is None) == (family in ROLLED_OUT), refusals
    assert (method.layer_name is None) == (refusals["grad-cam"] is not None)
    mask = PixelRDE(classifier, steps=2, samples=2).explain(images, 3).mask
    assert mask.isfinite().all()
    gc.collect()
