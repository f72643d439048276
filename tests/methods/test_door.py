"""The one door: all methods take the same inputs, refuse the same ones in the same words, and leave all as found."""

import ast
import copy
import importlib.util
import threading
from dataclasses import fields
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import timm
import torch
from tiny import TinyClassifier, named, smooth_images
from torch import nn

from helpers.methods.baselines import (
    RISE,
    WAM,
    ExtremalOptions,
    ExtremalPerturbation,
    GradCAM,
    IGOSOptions,
    IGOSPlusPlus,
    OcclusionMaps,
    OcclusionOptions,
    RISEOptions,
)
from helpers.methods.baselines.attribution_methods import attribution_method
from helpers.methods.explainer import Explainer, ExplainerNetwork, NetworkOptions
from helpers.methods.rde import CartoonX, PixelRDE, ShearletX
from helpers.methods.rollout import AttentionRollout
from helpers.methods.space_vae import NetworkOptions as CodebookOptions
from helpers.methods.space_vae import SpaceVAE, SpaceVAENetwork

SIDE = 32
NAMES = ("cat", "dog", "owl", "cup", "kite")
RDE = {"steps": 3, "samples": 2, "tolerance": None}
METHODS = {
    "pixel-rde": lambda model: PixelRDE(model, **RDE),
    "cartoonx": lambda model: CartoonX(model, levels=2, **RDE),
    "shearletx": lambda model: ShearletX(model, scales=2, **RDE),
    "grad-cam": lambda model: GradCAM(model),
    "rise": lambda model: RISE(model, RISEOptions(masks=20)),
    "occlusion": lambda model: OcclusionMaps(model, OcclusionOptions(stride=0.2)),
    "extremal-perturbation": lambda model: ExtremalPerturbation(model, ExtremalOptions(steps=2, cells=8, areas=(0.1,))),
    "igos++": lambda model: IGOSPlusPlus(model, IGOSOptions(iterations=1, integration_steps=2, cells=8)),
    "rollout": lambda model: AttentionRollout(model, discard_ratio=0.0),
    "gradient-rollout": lambda model: AttentionRollout(model, discard_ratio=0.0, gradient=True),
    "explainer": lambda model: Explainer(explainer_network(), model),
    "space-vae": lambda model: SpaceVAE(codebook_network(), model),
    "wam-gradient": lambda model: WAM(model, samples=2),
    "wam-path": lambda model: WAM(model, path=True, samples=4, score="confidence"),
    "integrated-gradients": lambda model: attribution_method(model, "integrated-gradients", steps=4),
    "deeplift": lambda model: attribution_method(model, "deeplift"),
    "feature-ablation": lambda model: attribution_method(model, "feature-ablation", channels="tied", batch=1024),
}
ATTRIBUTIONS = {"integrated-gradients", "deeplift", "feature-ablation"}  # these have no `explain`
PREDICTED_ONLY = {"space-vae"}  # these explain the predicted class and no other
DIFFERENTIATED = set(METHODS) - {"rise", "occlusion", "rollout", "explainer", "space-vae", "feature-ablation"}
SCALARS = {
    "pixel-rde",
    "cartoonx",
    "shearletx",
    "gradient-rollout",
    "rollout",
}  # these explain any callable on the logits


def explainer_network():
    network = ExplainerNetwork(NetworkOptions(widths=(8, 8, 12, 12)), 5, seed=3)
    with torch.no_grad():
        network.body.head.weight.normal_(generator=torch.Generator().manual_seed(0))
    return network


def codebook_network():
    return SpaceVAENetwork(CodebookOptions(hidden=8, residual_hidden=4, embedding=4, codes=8), seed=3).eval()


def model_for(name):
    """A classifier of five classes that the method can explain."""
    if "rollout" not in name:
        return TinyClassifier()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        options = {"img_size": SIDE, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 3, "num_classes": 5}
        model = timm.create_model("vit_tiny_patch16_224", **options)
        for parameter in model.parameters():  # else attention is nearly uniform
            parameter.data += 0.3 * torch.randn(parameter.shape)
    return model.eval().requires_grad_(False)


def pixels(count=2):
    return smooth_images(count, SIDE)


def result(name, method, images, targets=None):
    """The method's own result for images, (batch, channels, height, width)."""
    return method.attribute(images, targets) if name in ATTRIBUTIONS else method.explain(images, targets).mask


def close(found, wanted):
    torch.testing.assert_close(found.float(), wanted.float(), atol=1e-5, rtol=1e-4)


@pytest.fixture(params=METHODS)
def name(request):
    return request.param


class Wrapped(nn.Module):
    """A model that returns its logits in some other way."""

    def __init__(self, model, change):
        super().__init__()
        self.network, self.change = model, change
        self.eval()

    def forward(self, images):
        return self.change(self.network(images))


WRONG_OPTIONS = {  # a slip in an option's name, and the name that was meant
    "pixel-rde": ("step", "steps"),
    "cartoonx": ("level", "levels"),
    "shearletx": ("scale", "scales"),
    "grad-cam": ("layr", "layer"),
    "rise": ("mask", "masks"),
    "occlusion": ("strides", "stride"),
    "extremal-perturbation": ("area", "areas"),
    "igos++": ("iteration", "iterations"),
    "rollout": ("fusin", "fusion"),
    "gradient-rollout": ("discardratio", "discard_ratio"),
    "explainer": ("batches", "batch"),
    "space-vae": ("bta", "beta"),
    "wam-gradient": ("sample", "samples"),
    "wam-path": ("paths", "path"),
    "integrated-gradients": ("step", "steps"),
    "deeplift": ("scores", "score"),
    "feature-ablation": ("channel", "channels"),
}


class TestOptions:
    @pytest.mark.parametrize("error", [TypeError, ValueError])
    def test_an_unknown_option_is_refused_with_the_nearest_one_and_all(self, name, error, unchecked):
        method = METHODS[name](model_for(name))
        wrong, meant = WRONG_OPTIONS[name]
        required = [method.network] if name in {"explainer", "space-vae"} else []
        refusal = f"{type(method).__name__} has no option '{wrong}'; did you mean '{meant}'"
        with pytest.raises(error, match=refusal) as refused:
            type(method)(*required, method.classifier, **{wrong: 1})
        listed = str(refused.value).rpartition(": ")[2].split(", ")
        assert meant in listed
        assert not type(method).Options or {each.name for each in fields(type(method).Options)} <= set(listed)
        with pytest.raises(error, match="has no option 'nothing_like_it'; its options are: "):
            type(method)(*required, method.classifier, nothing_like_it=1)

    def test_options_as_a_whole_or_one_by_one(self, name, unchecked):
        method = METHODS[name](model_for(name))
        options = type(method).Options
        if not options:
            pytest.skip("its options are arguments of its constructor")
        given = {field.name: getattr(method.options, field.name) for field in fields(options)}
        assert type(method)(method.classifier, **given).options == method.options
        assert type(method)(method.classifier, method.options).options == method.options
        with pytest.raises(TypeError, match=f"takes {options.__name__}, not int"):
            type(method)(method.classifier, 100)
        with pytest.raises(ValueError, match=f"{options.__name__} has no option '.*'; did you mean"):
            options(**{next(iter(given)) + "s": 1})


class Overflowing(Wrapped):
    """A model whose logits are NaN for white images."""

    def __init__(self, model):
        super().__init__(model, None)

    def forward(self, images):
        is_white = images.flatten(1).amin(1, keepdim=True) > 0.99
        return self.network(images).masked_fill(is_white, torch.nan)


class TestImages:
    def test_the_same_images_in_another_form(self, name, unchecked):
        method, images = METHODS[name](model_for(name)), pixels()
        wanted = result(name, method, images)
        for other in (
            images.numpy(),
            images.double(),
            images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2),
            images.clone().requires_grad_(),
            images + 1e-5 * (images == images.amax()),
        ):
            close(result(name, method, other), wanted)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda x: x[0], r"images\[None\]"),
            (lambda x: x.permute(0, 2, 3, 1), "channels come last"),
            (lambda x: x[:, :1], "grey"),
            (lambda x: torch.cat([x, x[:, :1]], 1), "transparent"),
            (lambda x: (x * 255).byte(), "8-bit"),
            (lambda x: (x * 255).long(), "8-bit"),
            (lambda x: x > 0.5, "floats"),
            (lambda x: x * 255, "divide by 255"),
            (lambda x: x * 65535, "divide by 65535"),
            (lambda x: (x - 0.45) / 0.22, "normalised"),
            (lambda x: x * 2 - 1, "normalised"),
            (lambda x: x.masked_fill(x == x.amax(), torch.nan), r"\[[01]\] have pixels that are not finite"),
            (lambda x: x.masked_fill(x == x.amax(), torch.inf), "not finite"),
        ],
    )
    def test_what_is_no_image_is_refused_by_name(self, name, change, words, unchecked):
        method, images = METHODS[name](model_for(name)), change(pixels())
        with pytest.raises(ValueError, match=words):
            method.attribute(images)

    def test_pixels_a_little_outside_are_refused_by_explain_alone(self, name, unchecked):
        if name in ATTRIBUTIONS:
            pytest.skip("an attribution method has no explain")
        method = METHODS[name](model_for(name))
        noisy = pixels() + 0.2 * torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
        with pytest.raises(ValueError, match=r"must have pixels in \[0, 1\]"):
            method.explain(noisy)
        assert method.attribute(noisy).isfinite().all()

    def test_other_types_are_refused_by_name(self, name, unchecked):
        with pytest.raises(TypeError, match="must be a tensor or a NumPy array, not list"):
            METHODS[name](model_for(name)).attribute([pixels()])

    def test_another_device_is_refused(self, name, unchecked):
        with pytest.raises(ValueError, match="but the classifier is on cpu"):
            METHODS[name](model_for(name)).attribute(pixels().to("meta"))


class TestTargets:
    def test_the_same_class_in_another_form(self, name, unchecked):
        if name in PREDICTED_ONLY:
            pytest.skip("it explains the predicted class and no other")
        method = METHODS[name](named(model_for(name), SIDE))
        wanted = result(name, method, pixels(), 1)
        for target in (
            [1, 1],
            (1, 1),
            "dog",
            "Dog",
            ["dog", "dog"],
            np.int64(1),
            np.array([1, 1]),
            np.array(["dog", "dog"]),
            torch.tensor(1),
            torch.tensor([1]),
            torch.tensor([1, 1], dtype=torch.uint8),
        ):
            close(result(name, method, pixels(), target), wanted)

    @pytest.mark.parametrize(
        ("target", "words"),
        [
            (5, "not all among the 5 classes"),
            (-1, "not all among the 5 classes"),
            (1.0, "floats"),
            (True, "booleans"),
            (torch.tensor([1.0, 1.0]), "floats"),
            (torch.tensor([True, True]), "booleans"),
            ([0, 1, 2], "do not fit 2 images"),
            (torch.eye(5, dtype=torch.long)[:2], "one-hot"),
            ("dgo", "near names: 'dog'"),
            (["dog", 1], "not among the classifier's 5 class names"),
            ({"dog": 1}, "must be class indices"),
        ],
        ids=str,
    )
    def test_what_is_no_class_is_refused_by_name(self, name, target, words, unchecked):
        method = METHODS[name](named(model_for(name), SIDE))
        with pytest.raises(ValueError, match=words):
            result(name, method, pixels(), target)

    def test_a_name_without_names_is_refused(self, name, unchecked):
        with pytest.raises(ValueError, match="no class_names"):
            result(name, METHODS[name](model_for(name)), pixels(), "dog")

    @pytest.mark.parametrize("name", sorted(SCALARS))
    def test_callables(self, name, unchecked):
        method = METHODS[name](model_for(name))
        whole = result(name, method, pixels(), lambda logits: logits[:, 1] - logits[:, 2])
        close(result(name, method, pixels(), [lambda row: row[1] - row[2]] * 2), whole)
        for wrong, words in [
            (lambda logits: logits, "one number per image"),
            (lambda logits: logits[2], "one number per image"),
            (lambda logits: logits.sum(), "one number per image"),
            (lambda logits: logits[:, 1] - logits[:, 1].mean(), "from its own logits"),
            (lambda logits: 3.0, "must return a tensor"),
            ([lambda row: row[1]] * 3, "do not fit 2 images"),
        ]:
            with pytest.raises(ValueError, match=words):
                result(name, method, pixels(), wrong)

    @pytest.mark.parametrize("name", sorted(SCALARS))
    @pytest.mark.parametrize("count", [4, 5, 6])
    def test_a_row_in_place_of_a_column_is_refused_at_any_number_of_images(self, name, count, unchecked):
        with pytest.raises(ValueError, match="one number per image"):
            result(name, METHODS[name](model_for(name)), pixels(count), lambda logits: logits[2])

    @pytest.mark.parametrize("name", sorted(set(METHODS) - SCALARS))
    def test_callables_are_refused_where_only_classes_can_be_explained(self, name, unchecked):
        with pytest.raises(ValueError, match="not callables"):
            result(name, METHODS[name](model_for(name)), pixels(), lambda logits: logits[:, 1])

    @pytest.mark.parametrize("name", ["pixel-rde", "cartoonx"])
    def test_the_unit_of_a_callable_changes_nothing(self, name):
        method = METHODS[name](model_for(name)).with_options(steps=40)
        masks = [method.explain(pixels(), lambda logits, s=s: s * logits[:, 1]).mask for s in (1e-3, 1.0, 1e3)]
        close(masks[0], masks[1])
        close(masks[2], masks[1])


class TestOutputs:
    @pytest.mark.parametrize(
        "change",
        {
            "attribute": lambda logits: SimpleNamespace(logits=logits, loss=None),
            "dictionary": lambda logits: {"logits": logits, "hidden": None},
            "tuple": lambda logits: (logits,),
            "bfloat16": lambda logits: logits.bfloat16(),
        }.items(),
        ids=lambda item: item[0],
    )
    def test_logits_by_another_name(self, name, change):
        method = METHODS[name](Wrapped(model_for(name), change[1]))
        found, wanted = (
            result(name, method, pixels(), None),
            result(name, METHODS[name](model_for(name)), pixels(), None),
        )
        assert found.dtype == torch.float32
        if change[0] != "bfloat16":  # whose rounding moves the masks
            close(found, wanted)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda logits: {"scores": logits}, "dict with the keys 'scores'"),
            (lambda logits: (logits, logits), "tuple of 2 entries"),
            (lambda logits: SimpleNamespace(scores=logits), "SimpleNamespace"),
            (lambda logits: logits[..., None, None].expand(-1, -1, 4, 4), "dense prediction"),
            (lambda logits: logits.argmax(1, keepdim=True), "logits, which are floats"),
            (lambda logits: logits[:1], "one row of logits per image"),
            (lambda logits: logits.softmax(1), "probabilities"),
            (lambda logits: logits.double().softmax(1), "probabilities"),
            (lambda logits: logits / 0, r"images \[0, 1\] are not finite"),
        ],
    )
    def test_what_are_no_logits_is_refused_by_name(self, name, change, words):
        with pytest.raises(ValueError, match=words):
            METHODS[name](Wrapped(model_for(name), change)).attribute(pixels())

    def test_one_image_whose_logits_are_not_finite_is_named_and_the_others_can_be_selected(self, name):
        images = torch.cat([pixels()[:1], torch.ones(1, 3, SIDE, SIDE), pixels()[1:]])
        method = METHODS[name](Overflowing(model_for(name)))
        with pytest.raises(ValueError, match=r"logits of images \[1\] are not finite") as refusal:
            method.attribute(images)
        selection = str(refusal.value).rpartition("leave these out, ")[2]
        close(method.attribute(eval(selection, {"images": images})), METHODS[name](model_for(name)).attribute(pixels()))

    def test_a_last_sigmoid_is_refused(self, name):
        method = METHODS[name](nn.Sequential(model_for(name), nn.Sigmoid()))
        with pytest.raises(ValueError, match="probabilities"):
            method.attribute(pixels())

    @pytest.mark.parametrize("name", sorted(DIFFERENTIATED))
    def test_an_output_without_a_gradient_is_refused(self, name):
        model = model_for(name)
        model.forward = torch.no_grad()(model.forward)
        with pytest.raises(ValueError, match="no gradient with respect to the images"):
            result(name, METHODS[name](model), pixels(), 1)

    def test_no_module_is_refused(self, name, unchecked):
        with pytest.raises((TypeError, AttributeError), match=r"(M|m)odule|parameters"):
            METHODS[name](lambda images: images.mean((2, 3))).attribute(pixels())

    @pytest.mark.parametrize("flat", [False, True])
    @pytest.mark.parametrize("name", sorted(set(METHODS) - {"explainer", "space-vae"}))
    def test_one_logit_is_explained_by_its_sigmoid(self, name, flat):
        """The same as the class of a pair of logits (0, z), whose softmax is the sigmoid of z."""
        own = METHODS[name](Wrapped(model_for(name), lambda logits: logits[:, 1] if flat else logits[:, 1:2]))
        pair = METHODS[name](Wrapped(model_for(name), lambda logits: torch.stack([logits[:, 1] * 0, logits[:, 1]], 1)))
        found = result(name, own, pixels(), None)
        if name not in {"pixel-rde", "cartoonx"}:  # whose masks are still constant after three steps
            assert found.std() > 0
        if name in {"pixel-rde", "cartoonx", "integrated-gradients", "deeplift", "feature-ablation", "grad-cam"}:
            close(found, result(name, pair, pixels(), 1))


def small(name):
    """Pixels, fewer for the method that hides them one by one."""
    return pixels()[..., :16, :16] if name == "feature-ablation" else pixels()


WRAPPERS = {
    "parallel": lambda model: nn.DataParallel(nn.Sequential(nn.Identity(), model)),
    "compiled": lambda model: nn.Sequential(nn.Identity(), torch.compile(model, backend="eager")),
    "training": lambda model: nn.Sequential(nn.Dropout(0.5), model).train(),
}


class TestSurroundings:
    def test_the_callers_gradient_mode(self, name):
        method, wanted = METHODS[name](model_for(name)), result(name, METHODS[name](model_for(name)), pixels())
        with torch.no_grad():
            close(result(name, method, pixels()), wanted)
            assert not torch.is_grad_enabled()
        with torch.inference_mode():
            images = pixels()
            if name in DIFFERENTIATED:
                with pytest.raises(RuntimeError, match="inference_mode"):
                    result(name, method, images)
            else:
                close(result(name, method, images), wanted)
        close(result(name, method, images), wanted)  # a tensor that was made under inference_mode

    @pytest.mark.parametrize("fails", [False, True], ids=["success", "exception"])
    def test_everything_is_left_as_found(self, name, fails):
        model = nn.Sequential(nn.BatchNorm2d(3), model_for(name)) if "rollout" not in name else model_for(name)
        model.requires_grad_()
        failing = Wrapped(model, raise_on_purpose)
        if "rollout" not in name:
            model[0].train()  # a single submodule in training mode
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        method, images = METHODS[name](model), pixels()
        state, before = copy.deepcopy(model.state_dict()), traces(model)
        random, kept = torch.get_rng_state(), images.clone()
        if fails:
            with pytest.raises(RuntimeError, match="on purpose"):
                result(name, METHODS[name](failing), images)
        else:
            first = result(name, method, images)
            close(result(name, method, images), first)
        assert traces(model) == before
        assert torch.equal(torch.get_rng_state(), random)
        assert torch.equal(images, kept)
        assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
        assert all(torch.equal(p.grad, torch.ones_like(p)) for p in model.parameters())

    @pytest.mark.parametrize("wrapper", WRAPPERS)
    def test_wrappers_change_nothing(self, name, wrapper):
        """A network in a wrapper is explained as the network itself; a compiled one without the time of compiling."""
        wanted = result(name, METHODS[name](model_for(name)), small(name))
        with torch.compiler.set_stance("force_eager"):
            close(result(name, METHODS[name](WRAPPERS[wrapper](model_for(name))), small(name)), wanted)

    @pytest.mark.parametrize(
        "wrap", [nn.DataParallel, partial(torch.compile, backend="eager")], ids=["parallel", "compiled"]
    )
    def test_a_classifier_in_a_wrapper_keeps_its_names_and_its_kind(self, name, wrap):
        classifier = named(model_for(name), SIDE, NAMES)
        classifier.multi_label = True
        target = None if name in PREDICTED_ONLY else "owl"
        wanted = result(name, METHODS[name](classifier), small(name), target)
        with torch.compiler.set_stance("force_eager"):
            close(result(name, METHODS[name](wrap(classifier)), small(name), target), wanted)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
    def test_weights_of_another_precision(self, name, dtype):
        found = result(name, METHODS[name](model_for(name).to(dtype)), small(name))
        wanted = result(name, METHODS[name](model_for(name)), small(name))
        assert found.isfinite().all()
        random = {
            "pixel-rde",
            "cartoonx",
            "shearletx",
            "extremal-perturbation",
            "igos++",
        }  # by noise or rounding
        if name not in (random if dtype == torch.float64 else {"igos++"}):
            tolerance = {torch.float16: 5e-3, torch.bfloat16: 4e-2, torch.float64: 1e-4}[dtype]
            torch.testing.assert_close(found.float(), wanted.float(), atol=tolerance, rtol=0)

    def test_threads_do_not_disturb_each_other(self, name):
        method, batches = METHODS[name](model_for(name).train(name == "grad-cam")), pixels(4).split(1)
        wanted, found = [result(name, method, batch) for batch in batches], [None] * 4

        def explain(index):
            found[index] = result(name, method, batches[index])

        threads = [threading.Thread(target=explain, args=(index,)) for index in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one, other in zip(found, wanted, strict=True):
            close(one, other)

    @pytest.mark.filterwarnings("ignore:RISE:UserWarning")  # of constant images, no mask changes anything
    def test_a_batch_is_a_loop(self, name):
        """In any order, and beside constant, black, white and striped images."""
        stripes = (torch.arange(SIDE) % 2).float().expand(1, 3, SIDE, SIDE)
        odd = [torch.full((1, 3, SIDE, SIDE), value) for value in (0.0, 1.0, 0.5)]
        images = torch.cat([pixels(2), *odd, stripes])
        method = METHODS[name](model_for(name))
        whole = result(name, method, images)
        assert len(whole) == len(images)
        assert whole.isfinite().all()
        for index in range(len(images)):
            close(whole[index : index + 1], result(name, method, images[index : index + 1]))
        close(result(name, method, images.flip(0)), whole.flip(0))
        assert len(result(name, method, images[:0])) == 0


def raise_on_purpose(logits):
    raise RuntimeError("on purpose")


def traces(model):
    """The modes, hooks and attributes of all modules, and what their parameters require."""
    modules = [
        (
            module.training,
            len(module._forward_hooks),
            len(module._forward_pre_hooks),
            len(module._backward_hooks),
            sorted(vars(module)),
        )
        for module in model.modules()
    ]
    return modules, [parameter.requires_grad for parameter in model.parameters()]


class TestCaptum:
    """Captum's own tools take every method as one of theirs."""

    def test_tuples_in_are_tuples_out(self, name, unchecked):
        method = METHODS[name](model_for(name))
        plain = method.attribute(pixels())
        (found,) = method.attribute((pixels(),))
        close(found, plain)
        assert found.is_contiguous()
        assert found.shape == (2, 3, SIDE, SIDE)
        found.view(-1).zero_()  # its own memory
        close(method.attribute(pixels()), plain)
        with pytest.raises(ValueError, match="tuple of one"):
            method.attribute((pixels(), pixels()))

    def test_captum_asks_for_no_base_class_but_that_of_gradients(self):
        """Why the interface suffices: a later Captum that asks for `Attribution` itself fails here."""
        folder = Path(importlib.util.find_spec("captum").origin).parent
        asked = set()
        for file in [*(folder / "attr").rglob("*.py"), *(folder / "metrics").rglob("*.py")]:
            source = file.read_text(encoding="utf-8")
            for node in ast.walk(ast.parse(source)) if "isinstance(" in source else ():
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("isinstance", "issubclass"):
                    names = {each.id for each in ast.walk(node.args[1]) if isinstance(each, ast.Name)}
                    asked |= {each for each in names if each.endswith("Attribution")}
        assert asked == {"GradientAttribution"}

    def test_noise_tunnel_and_sensitivity(self, name, unchecked):
        from captum.attr import NoiseTunnel
        from captum.metrics import sensitivity_max

        method, target = METHODS[name](model_for(name)), None if name in PREDICTED_ONLY else 1
        smoothed = NoiseTunnel(method).attribute(pixels(), nt_samples=2, stdevs=0.1, target=target)
        assert smoothed.shape == (2, 3, SIDE, SIDE)
        assert smoothed.isfinite().all()
        if name in DIFFERENTIATED:  # it calls methods under no_grad
            assert sensitivity_max(method.attribute, pixels(), n_perturb_samples=2, target=target).isfinite().all()
