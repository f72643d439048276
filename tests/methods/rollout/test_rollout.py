"""Attention rollout against its definition: whole matrices, one image and one layer at a time."""

from __future__ import annotations

import itertools

import pytest
import timm
import torch
import torchvision
from captum.attr import IntegratedGradients
from timm.utils import AttentionExtract

from helpers.classifiers import load_classifier
from helpers.data.scenes import make_scenes
from helpers.methods.rollout import AttentionRollout, capture_attention, class_token_relevance, discard_lowest
from helpers.methods.rollout.multiply import FUSIONS, VARIANTS

RATIOS = (0.0, 0.3, 0.9)


def transformer(name="vit_tiny_patch16_224", seed=0, **options):
    """A small random transformer in double precision, so that no rounding decides what is discarded."""
    settings = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 3, "num_heads": 3, "num_classes": 5}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = timm.create_model(name, **{**settings, **options})
        for parameter in model.parameters():  # else attention is nearly uniform
            parameter.data += 0.3 * torch.randn(parameter.shape)
    return model.double().eval()


@pytest.fixture(scope="module")
def vit():
    """A transformer with a normaliser, for scenes of 128 px."""
    options = {"img_size": 128, "depth": 2, "embed_dim": 48, "num_heads": 3, "num_classes": 10}
    return load_classifier("vit_tiny_patch16_224", weights="random", model_args=options)


def pixels(count=3, height=32, width=32):
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def attention_by_hand(model, image):
    """(heads, tokens, tokens) of each block of a timm ViT, from its weights."""
    maps = []
    model_input = {}
    handles = [
        block.attn.register_forward_pre_hook(lambda module, given: model_input.setdefault(module, given[0]))
        for block in model.blocks
    ]
    with torch.no_grad():
        model(image[None])
    for handle in handles:
        handle.remove()
    for block in model.blocks:
        tokens = model_input[block.attn][0]
        queries, keys, _ = block.attn.qkv(tokens).reshape(len(tokens), 3, block.attn.num_heads, -1).unbind(1)
        heads = []
        for h in range(block.attn.num_heads):
            scores = queries[:, h] @ keys[:, h].T / queries.shape[-1] ** 0.5
            heads.append(scores.softmax(1))
        maps.append(torch.stack(heads).detach())
    return maps


def fuse_by_hand(heads, fusion):
    return {"mean": heads.mean(0), "max": heads.max(0).values, "min": heads.min(0).values}[fusion]


def rollout_by_hand(fused_layers, ratio, residual, variant, gradient=False):
    """The definition: whole matrices, entries discarded one by one."""
    tokens = len(fused_layers[0])
    product = torch.eye(tokens, dtype=fused_layers[0].dtype)
    for fused in fused_layers:
        flat = fused.flatten().clone()
        for entry in flat.argsort()[: int(tokens * tokens * ratio)].tolist():
            spared = entry == 0 and not gradient if variant == "published" else entry < tokens
            if not spared:
                flat[entry] = 0
        matrix = flat.reshape(tokens, tokens)
        matrix = (matrix + torch.eye(tokens)) / 2 if residual else matrix
        sums = matrix.sum(-1)
        matrix = matrix / sums if variant == "published" else matrix / sums[:, None]
        product = matrix @ product
    return product[0]


# --- the definition -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("batch", [1, 3])
def test_rollout_is_its_definition_for_every_option(variant, fusion, batch):
    model, images = transformer(), pixels(batch)
    by_hand = [[fuse_by_hand(heads, fusion) for heads in attention_by_hand(model, image)] for image in images]
    for ratio, residual in itertools.product(RATIOS, (True, False)):
        if not residual and ratio == 0.9:
            continue  # rows of zeros: the definition divides by 0
        wanted = torch.stack([rollout_by_hand(maps, ratio, residual, variant)[1:] for maps in by_hand])
        method = AttentionRollout(model, fusion=fusion, discard_ratio=ratio, residual=residual, variant=variant)
        result = method.explain(images)
        expected = wanted / wanted.max(1, keepdim=True).values
        torch.testing.assert_close(result.representation_mask[:, 0], expected, msg=f"{ratio} {residual}")
        torch.testing.assert_close(method.rollout(method.capture(images)), wanted)


def test_rollout_after_fewer_layers_is_the_product_of_those():
    model, images = transformer(), pixels(2)
    method = AttentionRollout(model, discard_ratio=0.3)
    captured = method.capture(images)
    for layers in (1, 2, 3):
        expected = [
            rollout_by_hand([h.mean(0) for h in attention_by_hand(model, image)[:layers]], 0.3, True, "corrected")[1:]
            for image in images
        ]
        torch.testing.assert_close(method.rollout(captured, layers=layers), torch.stack(expected))


def test_without_discarding_corrected_and_published_agree_on_the_mean():
    """Rows of a mean sum to 1 already, so dividing columns by them changes nothing."""
    model, images = transformer(), pixels()
    result = [AttentionRollout(model, discard_ratio=0.0, variant=v).explain(images).mask for v in VARIANTS]
    torch.testing.assert_close(*result)


def test_rows_of_the_product_sum_to_one():
    captured = capture_attention(transformer(), pixels())
    maps = [layer.mean(1) for layer in captured.layers]
    for residual in (True, False):
        sums = class_token_relevance(maps, residual=residual).sum(1)
        torch.testing.assert_close(sums, torch.ones_like(sums))


def test_rows_emptied_by_discarding_give_numbers_still():
    for variant in VARIANTS:
        method = AttentionRollout(transformer(), discard_ratio=0.99, residual=False, variant=variant)
        mask = method.explain(pixels()).mask
        assert mask.isfinite().all()


# --- discarding ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "dtype"),
    [(5, torch.bfloat16), (5, torch.float32), (17, torch.float32), (70, torch.float32), (70, torch.float64)],
)
def test_exactly_the_lowest_entries_are_discarded(tokens, dtype):
    generator = torch.Generator().manual_seed(tokens)
    maps = torch.stack([torch.randperm(tokens * tokens, generator=generator) for _ in range(2)]) + 1
    maps = maps.reshape(2, tokens, tokens).double()
    maps = maps.to(dtype)
    for ratio in (0.01, 0.2, 0.5, 0.77, 0.95, 0.999):
        count = int(tokens * tokens * ratio)
        expected = torch.where(maps > count, maps, 0)
        expected[:, 0] = maps[:, 0]  # the class token's row
        before = maps.clone()
        assert torch.equal(discard_lowest(maps, ratio), expected)
        assert torch.equal(maps, before)
        published = torch.where(maps > count, maps, 0)
        published[:, 0, 0] = maps[:, 0, 0]
        assert torch.equal(discard_lowest(maps, ratio, "published"), published)


def test_equal_entries_are_kept_together():
    uniform = torch.full((2, 9, 9), 1 / 9)
    assert torch.equal(discard_lowest(uniform, 0.9), uniform)


@pytest.mark.parametrize("kind", ["sorted", "constant but one", "many zeros"])
def test_a_sample_that_misleads_costs_nothing_but_time(kind):
    entries = torch.arange(70 * 70, dtype=torch.float32).reshape(1, 70, 70)
    if kind == "constant but one":
        entries = torch.ones(1, 70, 70)
        entries[0, 3, 3] = 0.5
    if kind == "many zeros":
        entries[0, ::2] = 0
    for ratio in (0.1, 0.5, 0.9):
        lowest = entries.flatten().sort().values[int(4900 * ratio)]
        expected = torch.where(entries >= lowest, entries, 0)
        expected[:, 0] = entries[:, 0]
        assert torch.equal(discard_lowest(entries, ratio), expected)


# --- which models -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fused", [True, False])
def test_captured_attention_is_that_of_timm(fused):
    model, images = transformer(), pixels()
    for block in model.blocks:
        block.attn.fused_attn = fused
    result = capture_attention(model, images)
    for block in model.blocks:
        block.attn.fused_attn = False
    with torch.no_grad():
        expected = list(AttentionExtract(model, method="hook")(images).values())
    assert len(result.layers) == len(expected) == 3
    for ours, theirs in zip(result.layers, expected, strict=True):
        torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(result.logits, model(images).detach())


def test_captured_attention_is_that_of_torchvision():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = torchvision.models.VisionTransformer(32, 8, 2, 4, 24, 48, num_classes=5).double().eval()
    images, expected = pixels(), []
    hooks = [
        part.register_forward_hook(
            lambda self, given, _: expected.append(
                self.forward(*given, need_weights=True, average_attn_weights=False)[1]
            )
        )
        for part in model.modules()
        if isinstance(part, torch.nn.MultiheadAttention)
    ]
    with torch.no_grad():
        logits = model(images)
    for hook in hooks:
        hook.remove()
    result = capture_attention(model, images)
    torch.testing.assert_close(result.logits, logits)
    assert result.grid.rows == result.grid.columns == 4
    for ours, theirs in zip(result.layers, expected, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(
    ("name", "options", "prefix"),
    [
        ("deit_tiny_distilled_patch16_224", {}, 2),
        ("vit_tiny_patch16_224", {"reg_tokens": 4}, 5),
        ("vit_tiny_patch16_224", {"qk_norm": True}, 1),
        ("deit3_small_patch16_224", {"no_embed_class": True}, 1),
    ],
)
def test_tokens_before_the_patches_are_left_out(name, options, prefix):
    model, images = transformer(name, **options), pixels(2)
    result = capture_attention(model, images)
    assert (result.grid.prefix, len(result.grid)) == (prefix, prefix + 16)
    method = AttentionRollout(model, discard_ratio=0.3)
    expected = [
        rollout_by_hand([layer[i].mean(0) for layer in result.layers], 0.3, True, "corrected")[prefix:]
        for i in range(2)
    ]
    torch.testing.assert_close(method.rollout(result), torch.stack(expected))
    assert method.explain(images).representation_mask.shape == (2, 1, 16)


@pytest.mark.parametrize(("patch", "height", "width"), [(8, 32, 48), (4, 16, 32), (16, 64, 32)])
def test_any_patch_and_images_that_are_not_square(patch, height, width):
    model = transformer(img_size=(height, width), patch_size=patch)
    result = AttentionRollout(model).explain(pixels(2, height, width))
    assert result.mask.shape == (2, 1, height, width)
    grid = capture_attention(model, pixels(2, height, width)).grid
    assert (grid.rows, grid.columns) == (height // patch, width // patch)


def test_relative_positions_and_rotary_positions_are_part_of_the_attention():
    """EVA rotates queries and keys, BEiT adds a bias to the scores: both against timm's own softmax."""
    for name in ("eva02_tiny_patch14_224", "beit_base_patch16_224"):
        model, images = transformer(name, global_pool="token", embed_dim=48), pixels(2)
        result = capture_attention(model, images)
        for block in model.blocks:
            block.attn.fused_attn = False
        with torch.no_grad():
            expected = list(AttentionExtract(model, method="hook")(images).values())
        for ours, theirs in zip(result.layers, expected, strict=True):
            torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("swin_tiny_patch4_window7_224", {"depths": (1, 1), "embed_dim": 24, "num_heads": (2, 2)}, "within windows"),
        ("swinv2_tiny_window8_256", {"depths": (1, 1), "embed_dim": 24, "num_heads": (2, 2)}, "within windows"),
        ("resnet10t", {}, "no attention"),
        ("xcit_nano_12_p16_224", {"depth": 1}, "not 1 and"),
        ("levit_128s", {}, "layers attend over"),
        ("vit_tiny_patch16_224", {"class_token": False, "global_pool": "avg", "depth": 1}, "not from the class token"),
        ("vit_tiny_patch16_224", {"class_token": False, "global_pool": "", "depth": 1}, "no class token"),
    ],
)
def test_other_models_are_refused_with_what_to_use_instead(name, options, message):
    model = timm.create_model(name, **options).eval()
    side = model.pretrained_cfg["input_size"][-1]
    with pytest.raises(ValueError, match=message) as raised:
        AttentionRollout(model).explain(torch.rand(1, 3, side, side))
    assert "CartoonX" in str(raised.value)


# --- gradients ----------------------------------------------------------------------------------------------------


def gradients_by_hand(model, image, target, *, of):
    """The derivative of a logit by each layer's attention, or by its scores, in an unfused forward pass.

    Zeros are added to the attention, or to the scores: the logarithms of the attention are scores too, as the softmax
    does not change if a row's scores are shifted.
    """
    for block in model.blocks:
        block.attn.fused_attn = False
    zeros = [torch.zeros(1, 3, 17, 17, dtype=torch.float64, requires_grad=True) for _ in model.blocks]

    def shifted(attention, zero):
        return attention + zero if of == "attention" else (attention.log() + zero).softmax(-1)

    handles = [
        block.attn.attn_drop.register_forward_hook(lambda _m, _i, output, zero=zero: shifted(output, zero))
        for block, zero in zip(model.blocks, zeros, strict=True)
    ]
    slopes = torch.autograd.grad(model(image[None])[0, target], zeros)
    for handle in handles:
        handle.remove()
    return [slope[0] for slope in slopes]


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("ratio", [0.3, 0.9])
@pytest.mark.parametrize("variant", VARIANTS)
def test_gradient_rollout_is_its_definition(frozen, ratio, variant):
    model, images = transformer().requires_grad_(not frozen), pixels(2)
    targets = torch.tensor([3, 1])
    method = AttentionRollout(model, gradient=True, discard_ratio=ratio, variant=variant)
    result = method.rollout(method.capture(images, targets))
    for row, image, target in zip(result, images, targets.tolist(), strict=True):
        attention = attention_by_hand(model, image)
        if variant == "published":  # gradients of the scores, which arrive last layer first
            slopes = gradients_by_hand(model, image, target, of="scores")[::-1]
            maps = [(a * s).mean(0).clamp_min(0) for a, s in zip(attention, slopes, strict=True)]
        else:
            slopes = gradients_by_hand(model, image, target, of="attention")
            maps = [(a * s).clamp_min(0).mean(0) for a, s in zip(attention, slopes, strict=True)]
        torch.testing.assert_close(row, rollout_by_hand(maps, ratio, True, variant, gradient=True)[1:])


def test_gradient_rollout_depends_on_the_class_and_takes_a_callable():
    model, images = transformer(), pixels(2)
    method = AttentionRollout(model, gradient=True, discard_ratio=0.0)
    first, other = method.explain(images, 0), method.explain(images, 4)
    assert (first.mask - other.mask).abs().max() > 1e-3
    called = method.explain(images, lambda logits: logits[:, 4])
    torch.testing.assert_close(called.mask, other.mask)
    assert called.targets.tolist() == [-1, -1]


# --- a well-behaved method ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("gradient", [False, True])
def test_a_batch_gives_what_single_images_give(gradient, monkeypatch):
    model, images = transformer(), pixels(5)
    method = AttentionRollout(model, gradient=gradient)
    whole = method.explain(images)
    singles = [method.explain(image[None]) for image in images]
    torch.testing.assert_close(whole.mask, torch.cat([single.mask for single in singles]))
    assert whole.targets.tolist() == [int(single.targets) for single in singles]
    monkeypatch.setattr("helpers.methods.rollout.method._IMAGES_AT_ONCE", 2)
    monkeypatch.setattr("helpers.methods.rollout.recorder._CACHE", 1)
    torch.testing.assert_close(method.explain(images).mask, whole.mask)


def state_of(model):
    return (
        {name: value.clone() for name, value in model.state_dict().items()},
        [(part.training, getattr(part, "fused_attn", None), len(part._forward_hooks)) for part in model.modules()],
        [(parameter.requires_grad, parameter.grad) for parameter in model.parameters()],
    )


@pytest.mark.parametrize("gradient", [False, True])
@pytest.mark.parametrize("fail", [False, True])
def test_the_model_is_left_as_it_was_found(gradient, fail):
    model, images = transformer(), pixels()
    before, generator = state_of(model), torch.get_rng_state()
    method = AttentionRollout(model, gradient=gradient)
    if fail:
        with pytest.raises(ValueError, match="fails on images of shape"):
            method.explain(pixels(1, 24, 40))
    else:
        method.explain(images)
    after = state_of(model)
    assert all(torch.equal(after[0][name], value) for name, value in before[0].items())
    assert before[1:] == after[1:]
    assert torch.equal(generator, torch.get_rng_state())
    assert torch.overrides._get_current_function_mode() is None


def test_a_classifier_of_the_book_is_explained_with_its_normaliser(vit):
    images = make_scenes(2, seed=3, objects=(1, 1)).images
    result = AttentionRollout(vit).explain(images)
    inside, _, _ = AttentionRollout(vit.network)._stream((images - vit.mean) / vit.std)
    torch.testing.assert_close(result.representation_mask[:, 0], inside / inside.amax(1, keepdim=True))
    assert result.mask.shape == (2, 1, 128, 128)
    assert 0 <= result.mask.min() <= result.mask.max() <= 1
    torch.testing.assert_close(result.kept, images * result.mask)
    assert result.representation_mask.amax(2).tolist() == [[1.0], [1.0]]
    assert result.targets.tolist() == vit.predict(images)[0].tolist()


def test_captums_convention():
    model, images = transformer(), pixels(2)
    result = AttentionRollout(model).attribute(images, target=1)
    assert result.shape == IntegratedGradients(model).attribute(images, target=1, n_steps=2).shape
    assert torch.equal(result[:, 0], result[:, 2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fusion": "median"}, "fusion='median'"),
        ({"variant": "original"}, "variant='original'"),
        ({"discard_ratio": 1.0}, "discard_ratio=1.0"),
    ],
)
def test_unknown_options_are_named(options, message, unchecked):
    with pytest.raises(ValueError, match=message):
        AttentionRollout(transformer(), **options)


def test_bad_calls_are_named(unchecked):
    model = transformer()
    method = AttentionRollout(model)
    with pytest.raises(ValueError, match="images must be"):
        method.explain(pixels()[0])
    with pytest.raises(ValueError, match="not all among the 5 classes"):
        method.explain(pixels(), 7)
    with pytest.raises(ValueError, match="layers=4"):
        method.rollout(method.capture(pixels()), layers=4)
    with pytest.raises(ValueError, match="needs gradients"):
        AttentionRollout(model, gradient=True).rollout(method.capture(pixels()))
