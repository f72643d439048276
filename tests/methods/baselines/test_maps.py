"""Grad-CAM, RISE and occlusion against closed forms, brute force and the libraries; and what all methods promise."""

import pytest
import torch
from captum.attr import Occlusion
from pytorch_grad_cam import GradCAM as LibraryGradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from tiny import TinyClassifier, WindowsClassifier, smooth_images, stripes
from torch import nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from helpers.core.class_masks import min_max_normalise
from helpers.core.runtime import random_generator
from helpers.methods.baselines import (
    RISE,
    ExtremalOptions,
    ExtremalPerturbation,
    GradCAM,
    GradCAMOptions,
    IGOSOptions,
    IGOSPlusPlus,
    OcclusionMaps,
    OcclusionOptions,
    RISEOptions,
)
from helpers.methods.baselines.rise import draw_masks

WINDOWS = [(slice(2, 10), slice(2, 10)), (slice(20, 30), slice(18, 30)), (slice(0, 8), slice(20, 32))]
CLASSES = torch.tensor([[True, False, True, False, False], [False] * 5, [False, True, True, True, False]])
METHODS = {
    "grad-cam": lambda model, **more: GradCAM(model, GradCAMOptions(**more)),
    "rise": lambda model, **more: RISE(model, RISEOptions(masks=50, batch=20, **more)),
    "occlusion": lambda model, **more: OcclusionMaps(model, OcclusionOptions(stride=0.2, **more)),
    "extremal-perturbation": lambda model, **more: ExtremalPerturbation(
        model, ExtremalOptions(steps=3, cells=8, areas=(0.1, 0.3), **more)
    ),
    "igos++": lambda model, **more: IGOSPlusPlus(
        model, IGOSOptions(iterations=2, integration_steps=3, cells=8, **more)
    ),
}


def boards(size, contrasts):
    """Images whose pixels are ½ ± contrast / 2, in stripes."""
    contrasts = torch.tensor(contrasts).view(-1, 1, 1, 1)
    return (0.5 + contrasts * (stripes(size) - 0.5)).repeat(1, 3, 1, size)


@pytest.fixture(params=METHODS)
def make(request):
    """Makes one of the methods."""
    return METHODS[request.param]


class TestAllMethods:
    def test_masks_of_the_classes_that_are_asked_for(self, make):
        masks = make(TinyClassifier()).class_masks(smooth_images(3, 32), CLASSES)
        assert masks.shape == (3, 5, 32, 32)
        assert masks.min() >= 0
        assert masks.max() <= 1
        assert (masks[~CLASSES] == 0).all()
        if make(TinyClassifier()).name != "igos++":  # two steps of it may find nothing
            assert masks[CLASSES].amax((1, 2)).max() > 0.99

    def test_an_image_and_a_class_do_not_depend_on_the_others(self, make):
        images, method = smooth_images(3, 32), make(TinyClassifier())
        together = method.class_masks(images, CLASSES)
        for place, kind in CLASSES.nonzero().tolist():
            alone = method.class_masks(images[place : place + 1], functional.one_hot(torch.tensor([kind]), 5).bool())
            assert torch.allclose(alone[0, kind], together[place, kind], atol=2e-3)

    @pytest.mark.parametrize("name", ["grad-cam", "extremal-perturbation", "igos++"])
    def test_it_is_the_same_in_small_portions(self, name):
        images, make = smooth_images(3, 32), METHODS[name]
        whole, parts = (make(TinyClassifier(), pairs_at_once=n).class_masks(images, CLASSES) for n in (50, 2))
        assert torch.allclose(whole, parts, atol=2e-3)

    def test_a_second_call_gives_the_same_and_leaves_the_global_generator(self, make):
        method, images = make(TinyClassifier()), smooth_images(2, 32)
        state = torch.get_rng_state()
        assert torch.equal(method.class_masks(images, CLASSES[:2]), method.class_masks(images, CLASSES[:2]))
        assert torch.equal(state, torch.get_rng_state())

    @pytest.mark.parametrize("fails", [False, True])
    def test_the_model_is_left_as_found(self, make, fails, unchecked):
        model = TinyClassifier()
        model.train().requires_grad_(True)
        model.features[1].eval()
        model.head.weight.grad = torch.ones_like(model.head.weight)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        modes = [module.training for module in model.modules()]
        method = make(model)
        if fails:
            calls = []

            def stop(module, inputs):
                calls.append(1)
                if len(calls) > 1:
                    raise RuntimeError("out of paper")

            handle = model.head.register_forward_pre_hook(stop)
            with pytest.raises(RuntimeError, match="out of paper"):
                method.class_masks(smooth_images(2, 32), CLASSES[[0, 2]])
            handle.remove()
        else:
            method.class_masks(smooth_images(2, 32), CLASSES[[0, 2]])
        assert [module.training for module in model.modules()] == modes
        assert all(parameter.requires_grad for parameter in model.parameters())
        assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
        assert torch.equal(model.head.weight.grad, torch.ones_like(model.head.weight))
        assert model.head.bias.grad is None
        assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())

    def test_nothing_asked_for_is_nothing_found(self, make):
        masks = make(TinyClassifier()).class_masks(smooth_images(2, 32), torch.zeros(2, 5, dtype=torch.bool))
        assert masks.shape == (2, 5, 32, 32)
        assert (masks == 0).all()

    def test_no_images_no_masks(self, make):
        masks = make(TinyClassifier()).class_masks(torch.zeros(0, 3, 32, 32), torch.zeros(0, 5, dtype=torch.bool))
        assert masks.shape == (0, 5, 32, 32)

    def test_bad_input_is_refused(self, make, unchecked):
        method, images = make(TinyClassifier()), smooth_images(2, 32)
        with pytest.raises(ValueError, match="4 columns"):
            method.class_masks(images, torch.ones(2, 4, dtype=torch.bool))
        with pytest.raises(ValueError, match="booleans"):
            method.class_masks(images, torch.ones(2, 5))
        with pytest.raises(ValueError, match=r"must be \(batch, 3"):
            method.class_masks(images[0], torch.ones(2, 5, dtype=torch.bool))

    def test_it_explains_and_attributes_one_class(self, make):
        method, images = make(TinyClassifier()), smooth_images(2, 32)
        masks = method.class_masks(images, torch.tensor([[False, True, False, False, False]] * 2))
        assert torch.allclose(method.explain(images, 1).mask[:, 0], masks[:, 1], atol=2e-3)
        assert method.attribute(images, 1).shape == images.shape

    def test_a_bar_is_shown_when_asked_for(self, make, capsys):
        for shown in (False, True):
            make(TinyClassifier()).class_masks(smooth_images(2, 32), CLASSES[[0, 2]], show_progress=shown)
            text = capsys.readouterr().err
            assert (make(TinyClassifier()).name in text) == shown


class ManyClasses(TinyClassifier):
    """As many logits as ImageNet has classes."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 1000).requires_grad_(False)


@pytest.mark.parametrize("name", ["rise", "occlusion", "grad-cam"])
def test_one_class_does_not_cost_all_classes(name):
    """No tensor is larger than the forward passes need, however many classes there are and windows go at once."""
    largest = Largest()
    with largest:
        METHODS[name](ManyClasses()).explain(smooth_images(4, 64), 3)
    assert largest.entries <= 64 * 3 * 64 * 64


class Largest(TorchDispatchMode):
    """The number of entries of the largest tensor that is made."""

    entries = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor):
            self.entries = max(self.entries, result.untyped_storage().nbytes() // result.element_size())
        return result


class TestGradCAM:
    def test_with_a_linear_head_it_is_the_class_activation_map(self):
        """Zhou et al. (2016): the head's weights of the class, on the channels; here at the features' size."""
        model, images = TinyClassifier(), smooth_images(2, 36)
        maps = torch.einsum("kc,bchw->bkhw", model.head.weight, model.features(images)).clamp_min(0)
        found = GradCAM(model).class_masks(images, torch.ones(2, 5, dtype=torch.bool))
        for wanted, mask in zip(min_max_normalise(maps).flatten(0, 1), found.flatten(0, 1), strict=True):
            large = functional.interpolate(wanted[None, None], (36, 36), mode="bilinear", align_corners=False)
            assert torch.allclose(min_max_normalise(large[0, 0]), mask, atol=1e-4)

    def test_masks_reach_1_however_small_the_activations_are(self):
        """The library adds 1e-7 to the divisor; here a mask is stretched to 1 always, unless it is 0 everywhere."""
        model, images = TinyClassifier(), smooth_images(2, 36)
        whole = GradCAM(model).class_masks(images, torch.ones(2, 5, dtype=torch.bool))
        model.head.weight.data *= 1e-12
        small = GradCAM(model).class_masks(images, torch.ones(2, 5, dtype=torch.bool))
        assert torch.allclose(small, whole, atol=1e-4)
        assert set(small.amax((2, 3)).unique().tolist()) <= {0.0, 1.0}
        assert (small.amax((2, 3)) == 1).any()

    def test_against_the_library_one_pair_at_a_time(self):
        model, images = TinyClassifier(), smooth_images(3, 32)
        found = GradCAM(model, GradCAMOptions(layer="features.0")).class_masks(images, CLASSES)
        library = LibraryGradCAM(model.requires_grad_(True), [model.features[0]])
        for place, kind in CLASSES.nonzero().tolist():
            wanted = library(images[place : place + 1], [ClassifierOutputTarget(kind)])[0]
            assert torch.allclose(found[place, kind], torch.from_numpy(wanted), atol=1e-5)
        library.activations_and_grads.release()

    def test_features_are_computed_once_an_image(self):
        model, seen = TinyClassifier(), []
        model.features[0].register_forward_hook(lambda module, inputs, output: seen.append(len(inputs[0])))
        method, everything = GradCAM(model, GradCAMOptions(layer="features")), torch.ones(2, 5, dtype=torch.bool)
        method.class_masks(smooth_images(2, 32), everything)
        seen.clear()  # of the search for the layer
        method.class_masks(smooth_images(2, 32), everything)
        assert seen == [2, 2]  # once for the check of the classifier's output, once for all classes


class TestRISE:
    @pytest.mark.parametrize(("cells", "size"), [(7, (32, 32)), (3, (20, 33)), (1, (8, 8))])
    def test_masks_are_enlarged_and_cut(self, cells, size):
        masks = draw_masks(6, cells, 0.5, size, random_generator(2))
        generator = random_generator(2)
        grids = (torch.rand(6, cells, cells, generator=generator) < 0.5).float()
        pixels = [-(-side // cells) for side in size]
        offsets = [torch.randint(0, each + 1, (6, 1), generator=generator)[:, 0].tolist() for each in pixels]
        large = functional.interpolate(
            grids[:, None], [(cells + 1) * each for each in pixels], mode="bilinear", align_corners=False
        )
        for mask, each, down, right in zip(masks, large, *offsets, strict=True):
            assert torch.allclose(mask, each[:, down : down + size[0], right : right + size[1]], atol=1e-5)

    def test_masks_keep_the_wanted_share(self):
        masks = draw_masks(4000, 4, 0.3, (16, 16), random_generator(0))
        assert torch.allclose(masks.mean((0, 1)), torch.full((16, 16), 0.3), atol=0.05)

    @pytest.mark.parametrize("score", ["sigmoid", "softmax", "logit"])
    def test_relevance_is_the_weighted_sum(self, score):
        model, images = TinyClassifier(), smooth_images(2, 32)
        method = RISE(model, RISEOptions(masks=25, batch=10, score=score, probability=0.4, seed=3))
        generator, wanted = random_generator(3), torch.zeros(2, 5, 32, 32)
        masks = torch.cat([draw_masks(count, 7, 0.4, (32, 32), generator) for count in (10, 10, 5)])
        for mask in masks:
            logits = model(images * mask)
            scores = {"sigmoid": logits.sigmoid(), "softmax": logits.softmax(1), "logit": logits}[score]
            wanted += scores[..., None, None] * mask / (25 * 0.4)
        pairs = torch.tensor([0, 0, 1]), torch.tensor([4, 1, 2])
        found, varies = method.relevance(images, *pairs)
        assert varies.all()
        assert torch.allclose(found, wanted[pairs], atol=1e-4)

    @pytest.mark.parametrize(("multi_label", "kind"), [(False, "softmax"), (True, "sigmoid")])
    def test_the_score_goes_by_the_classifier_s_kind(self, multi_label, kind):
        model, images = TinyClassifier(), smooth_images(2, 32)
        model.multi_label = multi_label
        found, wanted = (RISE(model, RISEOptions(masks=25, score=score)).explain(images) for score in ("auto", kind))
        assert torch.equal(found.mask, wanted.mask)
        assert RISEOptions().score == "auto"

    def test_one_logit_is_a_sigmoid(self):
        model, images = TinyClassifier(1), smooth_images(1, 32)
        found, wanted = (
            RISE(model, RISEOptions(masks=25, score=score)).explain(images) for score in ("auto", "sigmoid")
        )
        assert torch.equal(found.mask, wanted.mask)
        assert found.mask.max() == 1

    def test_a_saturated_score_is_said_and_gives_no_map(self):
        model = TinyClassifier()
        model.head.bias.data = torch.tensor([20.0, 0, 0, 0, -20])  # the sigmoid of the first class is 1
        images, everything = smooth_images(2, 32), torch.ones(2, 5, dtype=torch.bool)
        method = RISE(model, RISEOptions(masks=30, score="sigmoid"))
        with pytest.warns(UserWarning, match=r"sigmoid of the class is the same .* in 2 of 10 .*score='logit'"):
            masks = method.class_masks(images, everything)
        assert masks.amax((2, 3)).tolist() == [[0, 1, 1, 1, 1]] * 2
        masks = RISE(model, RISEOptions(masks=30, score="logit")).class_masks(images, everything)
        assert masks.amax((2, 3)).tolist() == [[1] * 5] * 2

    def test_it_finds_the_windows(self):
        model = WindowsClassifier(WINDOWS, 32)
        masks = RISE(model, RISEOptions(masks=3000, score="logit", batch=500)).class_masks(
            boards(32, [1.0]), torch.ones(1, 3, dtype=torch.bool)
        )
        for mask, window in zip(masks[0], WINDOWS, strict=True):
            assert mask[window].mean() > 0.7
            assert mask[window].mean() > mask.mean() + 0.3

    def test_published_hides_behind_the_mean_colour(self):
        model = WindowsClassifier(WINDOWS, 32)
        model.weight.data = model.weight.abs()  # a window's brightness
        grey = torch.full((1, 3, 32, 32), 0.5)
        options = {"masks": 30, "score": "logit"}
        pairs = torch.zeros(3, dtype=torch.long), torch.arange(3)
        corrected, varies = RISE(model, RISEOptions(**options)).relevance(grey, *pairs)
        assert corrected[0].std() > 0.1
        assert varies.all()
        with pytest.warns(UserWarning, match="in 3 of 3"):  # no mask changes a grey image: each score is that of it
            published, varies = RISE(model, RISEOptions(**options, variant="published")).relevance(grey, *pairs)
        assert not varies.any()
        ratio = published / published[:1]
        wanted = (model(grey) / model(grey)[:, :1])[0, :, None, None]
        assert torch.allclose(ratio, wanted.expand_as(ratio), atol=1e-4)

    def test_published_needs_a_mean(self):
        with pytest.raises(ValueError, match="no `mean`"):
            RISE(TinyClassifier(), RISEOptions(variant="published")).class_masks(smooth_images(1, 32), CLASSES[:1])


class TestOcclusion:
    @pytest.mark.parametrize(
        ("size", "window", "stride"),
        [((32, 32), 0.25, 0.0625), ((32, 32), 0.3, 0.2), ((20, 33), 0.45, 0.3), ((24, 24), 1.0, 0.5)],
    )
    def test_against_captum_one_class_at_a_time(self, size, window, stride):
        model = TinyClassifier()
        images = functional.interpolate(smooth_images(3, 32), size)
        options = OcclusionOptions(batch=7, window=window, stride=stride)
        found = OcclusionMaps(model, options).class_masks(images, CLASSES)
        side, step = (max(1, round(share * min(size))) for share in (window, stride))
        for kind in range(5):
            direct = (
                Occlusion(model)
                .attribute(
                    images, sliding_window_shapes=(3, side, side), strides=(3, step, step), target=kind, baselines=0
                )[:, 0]
                .clamp_min(0)
            )
            wanted = direct / direct.amax((1, 2), keepdim=True).clamp_min(1e-12)
            for place in CLASSES[:, kind].nonzero()[:, 0].tolist():
                assert torch.allclose(found[place, kind], wanted[place], atol=1e-4)

    def test_on_a_linear_classifier_it_is_the_mean_loss_of_the_windows_over_a_pixel(self):
        model, image = WindowsClassifier(WINDOWS, 32), boards(32, [1.0])
        found = OcclusionMaps(model, OcclusionOptions(window=0.25, stride=0.125)).class_masks(
            image, torch.ones(1, 3, dtype=torch.bool)
        )
        evidence = (model.weight * image).sum(1)  # what each pixel adds to each logit
        total, count = torch.zeros(3, 32, 32), torch.zeros(32, 32)
        for top in range(0, 25, 4):
            for left in range(0, 25, 4):
                place = (..., slice(top, top + 8), slice(left, left + 8))
                total[place] += evidence[place].sum((1, 2))[:, None, None]
                count[place[1:]] += 1
        wanted = (total / count).clamp_min(0)
        assert torch.allclose(found[0], wanted / wanted.amax((1, 2), keepdim=True), atol=1e-4)


@pytest.mark.parametrize(
    ("options", "change"),
    [
        (RISEOptions, {"probability": 1.0}),
        (RISEOptions, {"masks": 0}),
        (RISEOptions, {"score": "hinge"}),
        (OcclusionOptions, {"window": 0.0}),
        (GradCAMOptions, {"pairs_at_once": 0}),
        (ExtremalOptions, {"areas": ()}),
        (ExtremalOptions, {"areas": (0.1, 1.0)}),
        (ExtremalOptions, {"reward": "none"}),
        (ExtremalOptions, {"levels": 1}),
        (IGOSOptions, {"rate_factor": 1.0}),
        (IGOSOptions, {"iterations": 0}),
        (IGOSOptions, {"unknown": 1}),
    ],
)
def test_options_out_of_range_are_refused(options, change):
    with pytest.raises(ValueError, match=next(iter(change))):
        options(**change)
