"""The layer that Grad-CAM takes: by its axes, in networks of every layout; and Grad-CAM on it against the library."""

import threading
import warnings

import pytest
import timm
import torch
import torchvision
from pytorch_grad_cam import GradCAM as LibraryGradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from tiny import TinyClassifier, smooth_images
from torch import nn

from helpers.core.replica import replica
from helpers.methods.baselines import GradCAM, GradCAMOptions
from helpers.methods.baselines.feature_layers import last_feature_layer, named_feature_layer

SMALL_SWIN = {"img_size": 64, "window_size": 2, "embed_dim": 24, "depths": (1, 1, 1, 1), "num_heads": (1, 2, 2, 2)}
LAYERS = {
    "test_resnet": ({}, "layer4", "channels first"),
    "test_efficientnet": ({}, "bn2", "channels first"),
    "test_convnext": ({}, "norm_pre", "channels first"),
    "swin_tiny_patch4_window7_224": (SMALL_SWIN, "norm", "channels last"),
}
TOKENS = {
    "vit_tiny_patch16_224": {"img_size": 64, "depth": 2},
    "vit_tiny_patch16_384": {"img_size": 64, "depth": 2, "qk_norm": True, "dynamic_img_size": True},
    "mixer_s32_224": {"img_size": 64},
    "cait_xxs24_224": {"img_size": 64, "depth": 2},
    "beit_base_patch16_224": {"img_size": 64, "embed_dim": 48, "depth": 2, "num_heads": 3},
}


def network(name, options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return timm.create_model(name, num_classes=5, **options).eval(), smooth_images(2, 64)


@pytest.mark.parametrize("name", TOKENS)
def test_networks_that_work_on_tokens_are_refused(name):
    model, images = network(name, TOKENS[name])
    for block in model.modules():
        if hasattr(block, "fused_attn"):
            block.fused_attn = False  # so that modules see attention, heads x tokens x tokens
    with pytest.raises(ValueError, match=r"works on tokens|no layer with a map") as raised:
        GradCAM(model).explain(images)
    assert "CartoonX" in str(raised.value)


@pytest.mark.parametrize("name", LAYERS)
def test_grad_cam_is_that_of_the_library(name):
    """The library wants the layer and the layout told; ours finds both."""
    options, layer, layout = LAYERS[name]
    model, images = network(name, options)
    found = last_feature_layer(model, images)
    assert (found.name, found.layout) == (layer, layout)
    transform = (lambda features: features.permute(0, 3, 1, 2)) if layout == "channels last" else None
    library = LibraryGradCAM(model, [model.get_submodule(layer)], reshape_transform=transform)
    wanted = library(images.clone(), [ClassifierOutputTarget(k) for k in (3, 1)])
    library.activations_and_grads.release()
    method = GradCAM(model)
    assert method.layer_name is None
    found = method.explain(images, torch.tensor([3, 1])).mask[:, 0]
    assert method.layer_name == layer
    peak = torch.from_numpy(wanted).amax((1, 2), keepdim=True)
    torch.testing.assert_close(found, torch.from_numpy(wanted) / peak.clamp_min(1e-9), atol=2e-4, rtol=0)


@pytest.mark.parametrize("size", [(64, 64), (64, 96), (48, 80)])
def test_images_of_any_shape(size):
    model, _ = network("test_resnet", {})
    assert last_feature_layer(model, torch.rand(1, 3, *size)).grid == tuple(-(-side // 32) for side in size)


class Attending(nn.Module):
    """A patch embedding, then attention whose modules give (heads, tokens, tokens) and (heads, tokens, features)."""

    def __init__(self, features=16, heads=4, side=4, fixed=True):
        super().__init__()
        self.embed = nn.Conv2d(3, heads * features, 8, stride=8)
        self.norm, self.drop, self.heads = nn.LayerNorm(features), nn.Dropout(0.0), heads
        self.mix, self.head = nn.Conv2d(heads, heads, 1), nn.Linear(heads * features, 5)
        self.project = nn.Linear(heads * features, 3 * heads * features)
        self.mlp = nn.Sequential(nn.Linear(heads * features, 512), nn.GELU(), nn.Linear(512, heads * features))
        self.positions = nn.Parameter(torch.zeros(1, side * side, 1)) if fixed else None

    def forward(self, images):
        tokens = self.embed(images).flatten(2).transpose(1, 2)
        tokens = tokens if self.positions is None else tokens + self.positions
        q, k, v = self.project(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attention = self.drop(self.mix((self.norm(q) @ self.norm(k).transpose(-2, -1)).softmax(-1)))
        return self.head(self.mlp((attention @ v).transpose(1, 2).flatten(2)).mean(1))


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("features", [16, 8])  # as many as tokens, or fewer
def test_heads_and_tokens_are_no_grid(features, fixed):
    model, images = Attending(features, fixed=fixed).eval(), smooth_images(1, 32)
    with pytest.raises(ValueError, match="works on tokens"):
        last_feature_layer(model, images)
    for name in ("norm", "drop", "mix", "project"):
        with pytest.raises(ValueError, match="no map of features"):
            named_feature_layer(model, images, name)
    assert named_feature_layer(model, images, "embed").grid == (4, 4)


class ChannelsLast(nn.Module):
    """Rows and columns stay, and channels come last; no module of a known class but the head."""

    def __init__(self):
        super().__init__()
        self.steps = nn.ModuleList([Step(3, 8), Step(8, 8)])
        self.head = nn.Linear(8, 5)

    def forward(self, images):
        features = images.permute(0, 2, 3, 1)
        for step in self.steps:
            features = step(features)
        return self.head(features.mean((1, 2)))


class Step(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(4 * before, after, generator=torch.Generator().manual_seed(1)) - 0.5)

    def forward(self, features):
        rows = features.unfold(1, 2, 2).unfold(2, 2, 2).flatten(3)
        return torch.tanh(rows @ self.weight)


def test_channels_last_is_channels_first_transposed():
    images, last = smooth_images(2, 32), ChannelsLast()
    found = GradCAM(last).explain(images, 2).mask
    first = nn.Sequential(nn.Conv2d(3, 8, 2, 2), nn.Tanh(), nn.Conv2d(8, 8, 2, 2), nn.Tanh(), nn.AdaptiveAvgPool2d(1))
    for convolution, step in zip((first[0], first[2]), last.steps, strict=True):
        convolution.weight.data = step.weight.data.T.reshape(convolution.weight.shape)
        convolution.bias.data.zero_()
    wanted = GradCAM(nn.Sequential(first, nn.Flatten(), last.head)).explain(images, 2).mask
    torch.testing.assert_close(found, wanted)


def test_a_wrapper_that_resizes_or_normalises_is_looked_through():
    images, tiny = smooth_images(2, 48), TinyClassifier()
    resized = nn.Sequential(nn.Upsample((36, 36), mode="bilinear"), tiny)
    assert last_feature_layer(resized, images).name == "1.features"
    assert last_feature_layer(nn.DataParallel(nn.Sequential(nn.Identity(), tiny)), images).name == "1.features"
    compiled = torch.compile(tiny, backend="eager")
    assert last_feature_layer(compiled, images).name == "features"
    torch.testing.assert_close(GradCAM(compiled).explain(images, 1).mask, GradCAM(tiny).explain(images, 1).mask)


class Twice(nn.Module):
    """One layer called twice, an in-place activation after it, and a connection around it."""

    def __init__(self, model):
        super().__init__()
        self.stem, self.layer = model.features[0], nn.Conv2d(8, 8, 3, padding=1)
        self.activation, self.head = nn.ReLU(inplace=True), model.head
        nn.init.dirac_(self.layer.weight)

    def forward(self, images):
        features = self.stem(images)
        for _ in range(2):
            features = features + self.activation(self.layer(features))
        return self.head(features.mean((2, 3)))


def test_a_layer_that_is_called_twice_within_connections_around_it():
    model, images = Twice(TinyClassifier()).eval(), smooth_images(3, 32)
    classes = torch.tensor([[True, True, False, True, False], [False] * 5, [False, True, True, False, False]])
    found = GradCAM(model, GradCAMOptions(layer="layer")).class_masks(images, classes)
    with torch.enable_grad():
        features = model.stem(images)
        features = features + model.activation(model.layer(features))
        leaf = model.layer(features).detach().requires_grad_()
        logits = model.head((features + leaf.relu()).mean((2, 3)))
        for place, kind in classes.nonzero().tolist():
            slope = torch.autograd.grad(logits[place, kind], leaf, retain_graph=True)[0][place]
            wanted = (slope.mean((1, 2), keepdim=True) * leaf[place]).sum(0).clamp_min(0).detach()
            wanted = (wanted - wanted.min()) / (wanted.max() - wanted.min())
            large = nn.functional.interpolate(wanted[None, None], (32, 32), mode="bilinear")[0, 0]
            wanted = (large - large.min()) / (large.max() - large.min())
            torch.testing.assert_close(found[place, kind], wanted, atol=1e-4, rtol=0)


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1.0, 1e6])
def test_masks_reach_zero_and_one_whatever_the_size_of_the_activations(scale):
    model = TinyClassifier()
    model.head.weight.data *= scale
    masks = GradCAM(model).class_masks(smooth_images(3, 32), torch.ones(3, 5, dtype=torch.bool))
    peaks = masks.amax((2, 3))
    assert set(peaks.flatten().tolist()) <= {0.0, 1.0}
    assert peaks.any()
    torch.testing.assert_close(masks, GradCAM(TinyClassifier()).class_masks(smooth_images(3, 32), peaks.bool() | True))


def test_threads_do_not_disturb_each_other():
    """One classifier in training mode, four threads with images of their own: as one after the other."""
    model, images = network("test_resnet", {})
    model.train()
    jobs = [(images[:1] * (k + 1) / 4, k) for k in range(4)]
    method = GradCAM(model)
    alone = [method.explain(*job).mask for job in jobs]
    found, hooks = [None] * len(jobs), [len(module._forward_hooks) for module in model.modules()]

    def work(start):
        for number in range(start, len(jobs), 4):
            found[number] = method.explain(*jobs[number]).mask

    threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(one, other) for one, other in zip(alone, found, strict=True))
    assert [len(module._forward_hooks) for module in model.modules()] == hooks
    assert all(module.training for module in model.modules())


class Picture(torch.Tensor):
    """A subclass of tensors, as fastai has."""


@pytest.mark.parametrize("fails", [False, True])
def test_a_subclass_of_tensors_leaves_no_hooks_either(fails, unchecked):
    model, images = TinyClassifier(), smooth_images(1, 32)
    if fails:
        model.head = nn.Linear(3, 5)
        with pytest.raises(ValueError, match="fails on images of shape"):
            GradCAM(model).class_masks(images.as_subclass(Picture), torch.ones(1, 5, dtype=torch.bool))
    else:
        found = GradCAM(model).class_masks(images.as_subclass(Picture), torch.ones(1, 5, dtype=torch.bool))
        wanted = GradCAM(model).class_masks(images, torch.ones(1, 5, dtype=torch.bool))
        assert torch.equal(found.as_subclass(torch.Tensor), wanted)
    assert not any(module._forward_hooks or module._backward_hooks for module in model.modules())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floating_types(dtype):
    model, images = TinyClassifier(), smooth_images(2, 36)
    wanted = GradCAM(model).explain(images, 2).mask
    found = GradCAM(TinyClassifier().to(dtype)).explain(images.to(dtype), 2).mask
    assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    torch.testing.assert_close(found.float(), wanted, atol=0.1 if dtype == torch.bfloat16 else 0.02, rtol=0)


@pytest.mark.parametrize(
    ("layer", "message"),
    [("body.3", r"named_modules\(\)"), ("head", "no map of features"), ("unused", "gives no tensor")],
)
def test_layers_that_cannot_be_explained_are_refused(layer, message):
    model = TinyClassifier()
    model.unused = nn.Conv2d(3, 3, 1)
    with pytest.raises(ValueError, match=message):
        GradCAM(model, GradCAMOptions(layer=layer)).explain(smooth_images(1, 32), 0)


def test_networks_without_maps():
    resnet = torchvision.models.resnet18(weights=None).eval()
    assert last_feature_layer(resnet, torch.rand(1, 3, 64, 64)).name == "layer4"
    like_vgg = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2)),
        nn.AdaptiveAvgPool2d(3),
        nn.Flatten(),
        nn.Linear(36, 5),
    )
    assert last_feature_layer(like_vgg, torch.rand(1, 3, 32, 32)).name == "0"
    with pytest.raises(ValueError, match="convolutional network"):
        last_feature_layer(nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 5)), torch.rand(1, 3, 8, 8))


class InBranches(nn.Module):
    """A stem, and two branches whose sum decides."""

    def __init__(self, width):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True))
        self.one, self.other = (nn.Sequential(nn.Conv2d(8, width, 1), nn.Conv2d(width, 8, 1)) for _ in range(2))
        self.head = nn.Linear(8, 5)

    def forward(self, images):
        features = self.stem(images)
        return self.head(self.one(features).mean((2, 3)) + self.other(features).amax((2, 3)))


def test_a_branch_does_not_carry_everything():
    images = smooth_images(1, 32)
    assert last_feature_layer(InBranches(2), images).name == "stem"
    with pytest.raises(ValueError, match=r"in branches: .* 'stem' with 30 x 30 cells"):
        last_feature_layer(InBranches(50), images)
    method = GradCAM(InBranches(50), GradCAMOptions(layer="other.1"))
    masks = method.class_masks(images, torch.ones(1, 5, dtype=torch.bool))
    assert masks.amax() == 1  # of each class for which the layer has any evidence
    assert method.layer_name == "other.1"


def test_scripted_and_exported_networks():
    """TorchScript hides its layers, torch.export keeps them in one graph without modules of features."""
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)
    ).eval()
    images = smooth_images(1, 32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        scripted = torch.jit.script(network)
    with pytest.raises(ValueError, match="TorchScript hides its layers"):
        GradCAM(scripted).explain(images, 1)
    exported = torch.export.export(network, (images,)).module()
    with pytest.raises(ValueError, match="no layer with a map"):
        GradCAM(exported).explain(images, 1)
    torch.testing.assert_close(replica(exported)(images), network(images))
