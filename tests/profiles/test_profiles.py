"""Profiles: what is wrong is found at once, and named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from helpers.core.files import ROOT
from helpers.core.strict_yaml import read_strict_yaml
from helpers.methods.rde.options import RECIPES, RDEOptions
from helpers.profiles import CartoonXSettings, Profile, known_profiles, load_profile

QUICK = (ROOT / "profiles" / "quick.yaml").read_text()
SMALL = """
name: mine
description: as small as can be
batch_size: 2
images: {source: scenes, size: 64, count: 3}
classifier: {name: scenes-cnn}
cartoonx: {steps: 5}
pixel_rde: {sparsity_weight: 4}
curves: {resolution: 5, draws: 2}
sweep: {sparsity_weights: [4, 8]}
"""
MODELS = (
    SMALL
    + """
transformer:
  classifier: {name: scenes-vit}
  size: 96
  images: 2
  sweep: {sparsity_weights: [2, 10], images: 1}
initial_masks: {starts: [ones, constant], images: 2, published: {images: 1, steps: 5}}
"""
)


def load(folder: Path, text: str, name: str = "mine") -> Profile:
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return load_profile(path)


@pytest.mark.parametrize("name", known_profiles())
def test_every_profile_loads(name):
    small = name.startswith("cifar10")
    needs = "explainer" if name in CLASS_MASKS_ONLY else "space-vae" if small else "rate-distortion"
    profile = load_profile(name, needs=needs)
    assert profile.name == name
    assert re.fullmatch("[0-9a-f]{64}", profile.digest)


CLASS_MASKS_ONLY = ("scenes", "scenes-large", "voc2007", "voc-animals", "coco2014")


@pytest.mark.parametrize("name", CLASS_MASKS_ONLY)
def test_a_profile_without_the_sections_that_are_wanted_says_which_have_them(name):
    with pytest.raises(
        ValueError, match=r"no section `images`.*use one of .*gallery, my-images, paper, photograph, quick"
    ):
        load_profile(name)
    with pytest.raises(ValueError, match=r"no section `explainer`.*use one of coco2014, quick, scenes"):
        load_profile("study", needs="explainer")


def test_class_masks_have_a_digest_of_their_own(tmp_path):
    text = QUICK.replace("name: quick\n", "name: mine\n")
    first = load(tmp_path, text)
    other = load(tmp_path, text.replace("flip: true", "flip: false"))
    assert first.digest == other.digest  # stored masks of CartoonX do not ask how Explainers are trained
    assert first.explainer.digest != other.explainer.digest


def test_half_a_profile_is_refused(tmp_path):
    text = re.sub(r"(?ms)^curves:.*?(?=^sweep:)", "", QUICK).replace("name: quick\n", "name: mine\n")
    with pytest.raises(ValueError, match="curves missing"):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ("bound: 1.0", "bond: 1.0", r"explainer\.classifiers\.vgg16\.explainer\.loss\.bond.*did you mean 'bound'"),
        ("name: small", "name: tiny", "'small', 'pyramid' or 'deeplabv3_resnet50'"),
        ("objective: rtis", "objective: explainer", "objective"),
        ("vgg16:", "vgg19:", "vgg16"),
    ],
)
def test_a_mistake_in_the_section_on_class_masks_is_named(tmp_path, right, wrong, words):
    assert right in QUICK
    with pytest.raises(ValueError, match=words):
        load(tmp_path, QUICK.replace("name: quick\n", "name: mine\n").replace(right, wrong))


def test_the_five_scales_exist():
    assert {"quick", "paper", "study", "study-published", "gallery"} <= set(known_profiles())


def test_quick_needs_no_network_and_no_data(monkeypatch):
    monkeypatch.delenv("XAIBOOK_DATA", raising=False)
    profile = load_profile("quick")
    assert profile.images.source == "scenes"
    assert profile.classifier.arguments() == {"name": "scenes-cnn", "weights": None, "normalise": True}


def test_paper_has_the_papers_values():
    """[Re] CartoonX, section 3.5, and the published code."""
    paper = load_profile("paper")
    assert paper.cartoonx.options == RECIPES["published"]
    values = {"sparsity_weight": 20, "samples": 64, "steps": 2000, "learning_rate": 0.001, "slope_at_zero": 0}
    assert paper.cartoonx.options == RDEOptions(**values)
    assert paper.cartoonx.transform == {"wavelet": "db3", "levels": 5, "mode": "zero"}
    assert paper.pixel_rde == RECIPES["published"].with_options(sparsity_weight=4, clamp=False)
    assert (paper.images.size, paper.images.count, paper.images.resize) == (256, 100, "stretch")
    assert paper.classifier.arguments() == {"name": "mobilenet_v3_small", "weights": "hub", "normalise": False}
    assert (len(paper.curves.points), paper.curves.draws, paper.curves.variant) == (101, 1, "published")
    assert paper.sweep.sparsity_weights == (4, 8, 16, 32, 64)


def test_points_are_even_or_as_given(tmp_path):
    assert load(tmp_path, SMALL).curves.points == (0, 0.25, 0.5, 0.75, 1)
    assert load(tmp_path, SMALL.replace("resolution: 5", "fractions: [0, 0.1, 1]")).curves.points == (0, 0.1, 1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("steps: 5", "stepz: 5", ["cartoonx.stepz = 5", "did you mean 'steps'", "learning_rate", "wavelet"]),
        ("size: 64", "sise: 64", ["images.sise = 64", "did you mean 'size'", "images.size is missing"]),
        ("batch_size: 2", "batchsize: 2", ["batchsize = 2", "did you mean 'batch_size'", "description"]),
        ("{sparsity_weight: 4}", "{wavelet: haar}", ["pixel_rde.wavelet = 'haar'", "no such key", "sparsity_weight"]),
        ("steps: 5", "steps: -1", ["cartoonx.steps = -1", "greater than or equal to 0"]),
        ("steps: 5", "steps: '5'", ["cartoonx.steps = '5'", "integer"]),
        ("steps: 5", "steps: 2.5", ["cartoonx.steps = 2.5", "integer"]),
        ("steps: 5", "steps: true", ["cartoonx.steps = True", "integer"]),
        ("steps: 5", "clamp: 1", ["cartoonx.clamp = 1", "boolean"]),
        ("steps: 5", "learning_rate: 0", ["cartoonx.learning_rate = 0", "greater than 0"]),
        ("steps: 5", "learning_rate: .nan", ["line 7", ".nan is not a finite number"]),
        ("steps: 5", "learning_rate: 1e999", ["line 7", "1e999 is not a finite number"]),
        ("steps: 5", "distortion: lable", ["cartoonx.distortion = 'lable'", "'label', 'maximise', 'l2' or 'kl'"]),
        ("steps: 5", "wavelet: db99", ["cartoonx.wavelet = 'db99'", "PyWavelets"]),
        ("steps: 5", "mode: wrap", ["cartoonx.mode = 'wrap'", "'zero', 'symmetric', 'periodization' or 'reflect'"]),
        ("steps: 5", "antithetic: true, samples: 3", ["cartoonx", "samples=3 is odd"]),
        ("{steps: 5}", "5", ["cartoonx = 5", "mapping of keys to values"]),
        ("size: 64", "size: 8", ["images.size = 8", "greater than or equal to 32"]),
        ("size: 64, count: 3", "size: 64", ["images", "scenes needs a `count`"]),
        ("source: scenes", "source: folder", ["images", "needs a `path`"]),
        ("source: scenes", "source: cats", ["images.source = 'cats'", "'scenes', 'gallery', 'imagenet-study'"]),
        ("count: 3", "count: 3, objects: [3, 2]", ["objects", "fewest <= most"]),
        ("resolution: 5, ", "", ["curves", "exactly one of `fractions` and `resolution`"]),
        ("resolution: 5", "fractions: [0, 2]", ["curves.fractions.1 = 2", "less than or equal to 1"]),
        ("resolution: 5", "fractions: [0.5, 0.2]", ["curves", "ascend"]),
        ("draws: 2", "draws: 2, images: 9", ["curves.images is 9, but images.count is only 3"]),
        ("draws: 2", "draws: 2, variant: mine", ["curves.variant = 'mine'", "'corrected' or 'published'"]),
        ("[4, 8]", "[]", ["sweep.sparsity_weights = []", "at least 1 item"]),
        ("[4, 8]", "[4, -8]", ["sweep.sparsity_weights.1 = -8", "greater than or equal to 0"]),
        ("batch_size: 2", "batch_size: 2\ndevice: gpu", ["device = 'gpu'", "auto, cpu, cuda"]),
        ("batch_size: 2", "batch_size: 2\nbatch_size: 3", ["line 5", "'batch_size' is repeated"]),
        ("steps: 5", "steps: 5, steps: 5", ["line 7", "'steps' is repeated"]),
        ("batch_size: 2", "batch_size: 2\n1: 2", ["line 5", "key 1 is not a string"]),
        ("name: mine", "name: other", ["name = 'other'", "'mine'"]),
        ("name: mine", "name: ../mine", ["name = '../mine'", "small letters, digits and hyphens"]),
        ("sweep:", "sweep", ["line 10"]),
        (SMALL, "", ["a mapping of keys to values was expected"]),
        (SMALL, "- 1", ["a mapping of keys to values was expected, found list"]),
        (SMALL, "!!python/object/apply:os.getcwd []", ["could not determine a constructor"]),
    ],
)
def test_an_error_names_the_key_the_value_and_what_is_allowed(tmp_path, old, new, said):
    assert old in SMALL
    with pytest.raises(ValueError, match=re.escape("mine.yaml")) as caught:
        load(tmp_path, SMALL.replace(old, new, 1))
    for words in said:
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("size: 96", "sise: 96", ["transformer.sise = 96", "did you mean 'size'", "transformer.size is missing"]),
        ("size: 96", "size: 9", ["transformer.size = 9", "greater than or equal to 32"]),
        ("images: 2\n", "images: 4\n", ["transformer.images is 4, but images.count is only 3"]),
        ("images: 1}\ninit", "images: 3}\ninit", ["transformer", "`sweep.images` is 3, but `images` is only 2"]),
        ("images: 1}\ninit", "rates: 3}\ninit", ["transformer.sweep.rates = 3", "sparsity_weights, images"]),
        ("size: 96", "size: 96\n  rollout: {fusion: sum}", ["fusion = 'sum'", "'mean', 'max' or 'min'"]),
        ("size: 96", "size: 96\n  rollout: {discard_ratio: 1}", ["discard_ratio = 1", "less than 1"]),
        ("[2, 10]", "[]", ["transformer.sweep.sparsity_weights = []", "at least 1 item"]),
        ("constant]", "zeros]", ["initial_masks.starts.1 = 'zeros'", "'constant', 'foreground' or 'learned'"]),
        ("constant]", "ones]", ["initial_masks", "repeated entry"]),
        ("[ones, constant]", "[constant]", ["initial_masks", "must contain ones"]),
        ("images: 2, pub", "images: 9, pub", ["initial_masks.images is 9, but images.count is only 3"]),
        ("{images: 1, steps", "{images: 8, steps", ["initial_masks.published.images is 8"]),
        ("steps: 5}}", "stepz: 5}}", ["initial_masks.published.stepz = 5", "did you mean 'steps'"]),
    ],
)
def test_an_error_of_the_second_model_or_the_initial_masks_is_named(tmp_path, old, new, said):
    assert old in MODELS
    with pytest.raises(ValueError, match=re.escape("mine.yaml")) as caught:
        load(tmp_path, MODELS.replace(old, new, 1))
    for words in said:
        assert words in str(caught.value)


class TestTheTransformersProfile:
    def test_it_changes_the_model_and_little_else(self, tmp_path):
        profile = load(tmp_path, MODELS)
        vit = profile.for_transformer()
        assert vit.classifier.name == "scenes-vit"
        assert (vit.images.size, vit.images.count, vit.images.seed) == (96, 2, profile.images.seed)
        assert vit.cartoonx == profile.cartoonx.with_options(sparsity_weight=10.0), "the paper's λk for the transformer"
        assert vit.sweep.sparsity_weights == (2, 10)
        assert (vit.name, vit.pixel_rde, vit.seed) == (profile.name, profile.pixel_rde, profile.seed)
        assert vit.for_transformer() == vit
        assert vit.digest != profile.digest

    def test_all_images_where_it_names_no_number(self, tmp_path):
        assert load(tmp_path, MODELS.replace("  images: 2\n", "")).for_transformer().images.count == 3

    def test_a_profile_without_one(self, tmp_path):
        with pytest.raises(ValueError, match="'mine' has no section `transformer`"):
            load(tmp_path, SMALL).for_transformer()

    def test_paper_has_the_papers_transformer(self):
        """[Re] CartoonX, sections 3.3 and 3.5, and the published code."""
        vit = load_profile("paper").for_transformer()
        assert vit.classifier.arguments() == {"name": "deit_tiny_patch16_224", "weights": "hub", "normalise": False}
        assert (vit.images.size, vit.images.count, vit.cartoonx.sparsity_weight) == (224, 100, 10)
        assert vit.sweep.sparsity_weights == (2, 10, 20, 200)
        assert vit.transformer.rollout.model_dump() == {"fusion": "mean", "discard_ratio": 0.9}
        run = load_profile("quick").initial_masks.published
        assert run.steps * run.learning_rate == pytest.approx(2000 * 1e-3), "an entry can move as far as published"


def test_all_errors_are_told_at_once(tmp_path):
    with pytest.raises(ValueError, match=r"batch_size = 0.*cartoonx\.steps = -5"):
        load(tmp_path, SMALL.replace("batch_size: 2", "batch_size: 0").replace("steps: 5", "steps: -5"))


def test_bytes_that_are_no_text_are_an_error(tmp_path):
    (tmp_path / "mine.yaml").write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(ValueError, match=r"mine\.yaml"):
        load_profile(tmp_path / "mine.yaml")


@pytest.mark.parametrize("name", ["quikc", "no/such/file.yaml", "missing.yaml"])
def test_a_missing_profile_lists_those_that_exist(name):
    with pytest.raises(
        ValueError, match=r"gallery, my-images, paper, photograph, quick, quick-published, scenes, scenes-large, study"
    ):
        load_profile(name)


def test_a_profile_cannot_be_changed(tmp_path):
    profile = load(tmp_path, SMALL)
    with pytest.raises(ValidationError, match="frozen"):
        profile.seed = 3
    with pytest.raises(AttributeError):
        profile.cartoonx.steps = 3


def test_the_digest_is_of_what_matters(tmp_path):
    """Words, layout, order and values written out do not count; every number does."""
    digest = load(tmp_path, SMALL).digest
    content = yaml.safe_load(SMALL)
    reordered = dict(reversed(content.items())) | {"description": "other words", "seed": 0}
    assert load(tmp_path, "# a comment\n" + yaml.safe_dump(reordered, sort_keys=False)).digest == digest
    changes = ("steps: 5", "steps: 6"), ("count: 3", "count: 4"), ("[4, 8]", "[4, 9]"), ("scenes-cnn", "other")
    others = [load(tmp_path, SMALL.replace(*change)).digest for change in changes]
    assert len({digest, *others}) == 1 + len(others)


def test_the_data_folder_is_found_through_the_environment(tmp_path, monkeypatch):
    text = SMALL.replace("{name: scenes-cnn}", "{name: a, weights: $XAIBOOK_DATA/models/a.safetensors}")
    text = text.replace("source: scenes", "source: folder, path: $XAIBOOK_DATA/pictures")
    monkeypatch.setenv("XAIBOOK_DATA", str(tmp_path) + "/")
    profile = load(tmp_path, text)
    digest = profile.digest
    assert profile.classifier.arguments()["weights"] == f"{tmp_path}/models/a.safetensors"
    assert profile.images.folder() == tmp_path / "pictures"
    monkeypatch.delenv("XAIBOOK_DATA")
    assert load(tmp_path, text).digest == digest, "the digest is the same on every machine"
    for needs_data in (profile.classifier.arguments, profile.images.folder):
        with pytest.raises(ValueError, match="set it to the folder"):
            needs_data()


@given(
    st.builds(
        RDEOptions,
        sparsity_weight=st.floats(0, 1e6),
        samples=st.integers(1, 99),
        learning_rate=st.floats(1e-9, 10),
        seed=st.integers(0, 2**31),
    )
)
def test_settings_hold_the_options_unchanged(options):
    settings = CartoonXSettings(**{name: getattr(options, name) for name in RDEOptions.__dataclass_fields__})
    assert settings.options == options
    assert type(settings.options) is RDEOptions


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(), st.sampled_from(["off", "no", "1:30", "0x1f"]))
def test_yaml_reads_numbers_as_people_write_them(tmp_path_factory, number, whole, text):
    """Python's own reading of a number is the other opinion; PyYAML alone takes 1e-3 for a text and off for false."""
    path = tmp_path_factory.mktemp("yaml") / "a.yaml"
    path.write_text(f"number: {number!r}\nwhole: {whole}\ntext: {text}\nlead: 010\nnothing:\ntruth: true\n")
    content = read_strict_yaml(path)
    assert content == {"number": number, "whole": whole, "text": text, "lead": 10, "nothing": None, "truth": True}
    assert isinstance(content["whole"], int)
