"""What the chapter on the Explainer draws, searches for and measures."""

from __future__ import annotations

import pytest
import torch
from tiny import TinyClassifier
from torch.nn import functional
from uploads import upload

from helpers.chapters.explainer.drawings import draw_area_bound, show_class_masks, show_search
from helpers.chapters.explainer.first_steps import first_steps
from helpers.chapters.explainer.panel import class_mask_panel, show_class_mask
from helpers.chapters.explainer.peer_scores import peer_scores, peers_in_words
from helpers.chapters.explainer.roles import roles_table, search_scenes
from helpers.chapters.explainer.shortcut import marked_pairs, mean_in, probability_of
from helpers.chapters.explainer.terms import ABLATED_TERMS, CUMULATIVE_TERMS, TERMS, search_masks
from helpers.chapters.predictions import describe_classes
from helpers.classifiers import Classifier, load_classifier
from helpers.classifiers.architectures import Preprocessing
from helpers.data.scenes import SCENE_CLASSES, make_scenes
from helpers.methods.explainer import Explainer, ExplainerLoss, ExplainerNetwork, NetworkOptions
from helpers.methods.explainer.loss import area_bound
from helpers.methods.explainer.options import ExplainerOptions

NAMES = ("cat", "dog", "owl", "fox", "hen")
LABELS = torch.tensor([[True, False, True, False, False]])


@pytest.fixture(scope="module")
def classifier():
    return Classifier(
        TinyClassifier(classes=5),
        name="tiny",
        class_names=NAMES,
        preprocessing=Preprocessing(mean=(0.5,) * 3, std=(0.25,) * 3, input_size=32),
        digest="0",
        source="test",
    )


@pytest.fixture(scope="module")
def image():
    return make_scenes(1, size=32, seed=4).images


@pytest.fixture(scope="module")
def search(classifier, image):
    settings = {**CUMULATIVE_TERMS, **ABLATED_TERMS}
    return search_masks(ExplainerLoss(), classifier, image, LABELS, settings, record=(0, 15), grid=6)


class TestSearch:
    def test_settings_add_up_and_leave_out(self):
        assert list(CUMULATIVE_TERMS.values())[-1] == TERMS
        sizes = [len(terms) for terms in CUMULATIVE_TERMS.values()]
        assert sizes == sorted(sizes)
        assert {frozenset(TERMS) - set(terms) for terms in ABLATED_TERMS.values()} == {
            frozenset({"classification"}),
            frozenset({"entropy"}),
            frozenset({"area_target", "area_other"}),
            frozenset({"bound"}),
        }

    def test_all_settings_start_from_the_same_masks_with_nearly_everything(self, search):
        assert search.masks.shape == (9, 2, 5, 32, 32)
        assert (search.masks[:, 0] == search.masks[:1, 0]).all()
        torch.testing.assert_close(search.masks[:, 0].logit(), torch.full((9, 5, 32, 32), 2.0), atol=0.1, rtol=0)

    def test_the_terms_are_those_of_the_loss(self, search, classifier, image):
        logits = search.masks[3, -1].logit(eps=1e-7)[None]
        wanted = ExplainerLoss().terms(classifier, image, LABELS, logits)
        torch.testing.assert_close(
            search.terms[3, -1], torch.stack([wanted[name] for name in TERMS]), atol=1e-4, rtol=1e-3
        )

    def test_settings_do_not_touch_each_other(self, search, classifier, image):
        alone = search_masks(
            ExplainerLoss(), classifier, image, LABELS, {"x": CUMULATIVE_TERMS["+ bounds"]}, record=(0, 15), grid=6
        )
        torch.testing.assert_close(alone.masks[0], search.masks[3], atol=2e-3, rtol=0)

    def test_the_first_step_is_that_of_plain_autograd(self, classifier, image):
        """Adam's first step is the learning rate against the gradient's sign."""
        terms = ("classification", "bound")
        found = search_masks(
            ExplainerLoss(), classifier, image, LABELS, {"x": terms}, record=(0, 1), grid=32, learning_rate=0.1
        )
        logits = found.masks[0, 0].logit()[None].requires_grad_()
        values = ExplainerLoss().terms(classifier, image, LABELS, logits)
        (gradient,) = torch.autograd.grad(values["classification"] + values["bound"], logits)
        moved = found.masks[0, 1].logit() - logits.detach()[0]
        clear = gradient[0].abs() > 1e-6
        torch.testing.assert_close(moved[clear], -0.1 * gradient[0].sign()[clear], atol=3e-3, rtol=0)

    def test_each_setting_lowers_its_own_objective(self, search):
        weights = ExplainerLoss().weights
        for row, terms in enumerate([*CUMULATIVE_TERMS.values(), *ABLATED_TERMS.values()]):
            counted = torch.tensor([weights[name] * (name in terms) for name in TERMS])
            before, after = (search.terms[row] * counted).sum(1)
            assert after < before, search.settings[row]

    def test_what_no_term_sees_stays_as_it_was(self, search):
        absent = ~LABELS[0]
        row = search.settings.index("+ entropy")
        assert torch.equal(search.masks[row, 0, absent], search.masks[row, 1, absent])
        with_areas = search.settings.index("+ areas")
        assert search.masks[with_areas, 1, absent].mean() < 0.5 < search.masks[row, 1, absent].mean()

    def test_merged_is_the_largest_at_each_pixel(self, search):
        merged = search.merged(LABELS)
        wanted = torch.stack([torch.maximum(masks[0], masks[2]) for masks in search.masks[:, -1]])
        assert torch.equal(merged[:, 0], wanted)

    def test_some_settings_alone(self, search):
        some = search.only(["no entropy", "classification"])
        assert some.settings == ("no entropy", "classification")
        assert torch.equal(some.masks[1], search.masks[0])

    @pytest.mark.parametrize(
        ("settings", "record", "said"),
        [({"a": ["area"]}, (0, 1), "unknown: area"), ({}, (0, 1), "settings must"), ({"a": TERMS}, (3, 1), "ascend")],
    )
    def test_what_does_not_fit_is_an_error(self, unchecked, classifier, image, settings, record, said):
        with pytest.raises(ValueError, match=said):
            search_masks(ExplainerLoss(), classifier, image, LABELS, settings, record=record)


class TestDrawings:
    def test_classes_are_told_with_their_own_probability(self, classifier, image):
        (words,) = describe_classes(classifier, image, LABELS[0], NAMES)
        cat, owl = (100 / (1 + (-classifier(image)[0, k]).exp()) for k in (0, 2))
        assert words == f"cat {float(cat):.0f} %, owl {float(owl):.0f} %"

    def test_the_image_and_every_class(self, image, search):
        figure = show_class_masks(image[0], search.masks[0, 0], LABELS[0], NAMES)
        titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
        assert titles == ["the image", "cat *", "dog", "owl *", "fox", "hen"]

    def test_a_search_has_a_mask_and_a_rest_for_each_setting(self, search, classifier, image):
        some = search.only(["classification", "+ areas"])
        figure = show_search(some, classifier, image, LABELS, NAMES, 1)
        assert len(figure.axes) == 4
        area = 100 * float(some.merged(LABELS, 1)[1].mean())
        assert figure.axes[1].get_title() == f"+ areas\nm: {area:.0f} %"
        assert figure.axes[2].get_title().startswith("cat ")

    def test_the_bound_that_is_drawn_is_that_of_the_loss(self):
        masks = torch.rand(2, 20, 20, generator=torch.Generator().manual_seed(1))
        figure = draw_area_bound({"one": masks[0], "two": masks[1]}, 0.05, 0.3)
        wanted = area_bound(masks, 0.05, 0.3).tolist()
        titles = [axes.get_title() for axes in figure.axes]
        assert titles == [f"{name}: B = {value:.3f}" for name, value in zip(("one", "two"), wanted, strict=True)]


class TestRoles:
    @pytest.fixture
    def table(self, search, classifier, image):
        regions = torch.zeros(1, 5, 32, 32, dtype=torch.bool)
        regions[0, 0, :16, :16] = regions[0, 1] = True  # one object, and a region of an absent class
        return roles_table([search], classifier, image, LABELS, regions).set_index("loss")

    def test_a_row_per_setting_with_the_numbers_of_its_masks(self, table, search, classifier, image):
        assert list(table.index) == list(search.settings)
        row = search.settings.index("+ bounds")
        m, n = search.masks[row, -1, LABELS[0]].amax(0), search.masks[row, -1, ~LABELS[0]].amax(0)
        with torch.no_grad():
            kept = classifier(image * m).sigmoid()[0, LABELS[0]].mean()
            rest = classifier(image * (1 - m)).sigmoid()[0, LABELS[0]].mean()
        wanted = {"m": m.mean(), "n": n.mean(), "on": m[:16, :16].mean(), "kept": kept, "rest": rest}
        for name, value in wanted.items():
            assert table.loc["+ bounds", name] == pytest.approx(float(value), abs=1e-5), name

    def test_each_scene_is_searched_alone(self, classifier, image):
        images, labels = torch.cat([image, image.flip(3)]), LABELS.expand(2, -1)
        terms = {"x": CUMULATIVE_TERMS["+ bounds"]}
        first, second = search_scenes(ExplainerLoss(), classifier, images, labels, terms, steps=2)
        assert first.steps == second.steps == (0, 2)
        assert torch.equal(first.masks[:, 0], second.masks[:, 0])
        assert not torch.equal(first.masks[:, 1], second.masks[:, 1])


def test_first_steps_are_epochs_of_one_batch():
    classifier = load_classifier("scenes-multilabel")
    options = ExplainerOptions(network=NetworkOptions(backbone="classifier"), batch=4, schedule="cycle", flip=True)
    recipe, images = first_steps(options, classifier, steps=3, seed=5)
    assert (recipe.epochs, recipe.batch, recipe.schedule, recipe.flip) == (3, len(images), "constant", False)
    assert recipe.network.backbone == "scenes-multilabel"
    assert images.labels.any(1).all()


def test_the_scores_beside_the_peers_are_means_over_the_same_images():
    scores = peer_scores()
    counts = scores.groupby("method")["image"].nunique()
    assert {"explainer", "grad-cam", "random"} <= set(counts.index)
    assert counts.nunique() == 1
    assert not scores.duplicated(["method", "image"]).any()
    table = peers_in_words(scores)
    assert list(table["method"]) == list(scores.groupby("method")["iou"].mean().sort_values(ascending=False).index)


class TestShortcut:
    @pytest.mark.parametrize(("classes", "objects"), [(("fish",), (1, 1)), (("star", "house", "leaf"), (1, 2))])
    def test_pairs_differ_in_the_mark_alone(self, classes, objects):
        plain, marked = marked_pairs(3, size=32, seed=9, classes=classes, objects=objects)
        assert len(plain) == len(marked) == 3
        assert not plain.shortcut_present.any()
        assert marked.shortcut_present.all()
        changed = (plain.images != marked.images).any(1)
        assert changed.flatten(1).any(1).all()
        near = functional.max_pool2d(marked.shortcut_mask[:, None].float(), 5, stride=1, padding=2)[:, 0] > 0
        assert not (changed & ~near).any()  # the mark, and the soft edge around it
        shown = {SCENE_CLASSES[k] for k in plain.labels.nonzero()[:, 1].tolist()}
        assert shown <= set(classes)
        assert plain.labels.sum(1).max() <= objects[1]

    def test_means_by_hand(self):
        masks = torch.tensor([[0.0, 1.0], [0.5, 0.5]])[None, None].repeat(2, 1, 1, 1)
        region = torch.tensor([[[True, True], [True, False]], [[False, False], [False, False]]])
        first, second = mean_in(masks, region)
        assert float(first) == 0.5
        assert second.isnan()

    def test_probabilities_are_each_classs_own(self, classifier, image):
        assert float(probability_of(classifier, image, 3)) == pytest.approx(float(classifier(image)[0, 3].sigmoid()))


class TestPanel:
    @pytest.fixture
    def explainer(self, classifier):
        network = ExplainerNetwork(NetworkOptions(widths=(4, 4, 4, 4)), 5)
        for place, parameter in enumerate(network.parameters()):
            draws = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(place))
            parameter.data = 0.5 * draws
        return Explainer(network, classifier)

    def test_what_is_shown_of_a_class(self, explainer, classifier, image):
        figure = show_class_mask(explainer, image, 4)
        mask = explainer.class_masks(image)[:, 4:5]
        after = 100 * float(classifier(image * mask)[0, 4].sigmoid())
        assert figure.axes[1].get_title() == f"its mask: {100 * float(mask.mean()):.1f} %"
        assert figure.axes[2].get_title() == f"kept part: {after:.0f} %"

    def test_it_draws_at_each_change_and_takes_an_upload(self, explainer):
        scenes = make_scenes(2, size=32, seed=6).images
        panel = class_mask_panel(explainer, scenes, start=1)
        for control, value in (("target", 3), ("scene", 1)):
            before = panel.output.outputs
            panel.controls[control].value = value
            assert panel.output.outputs != before
        upload(panel.controls["upload"], "x.png", b"no image")
        assert [output["output_type"] for output in panel.output.outputs] == ["display_data"]
        assert "x.png is not a picture" in panel.output.outputs[0]["data"]["text/plain"]
